"""Comparing two sessions over the same bars, decision by decision: bars that differ are told apart from decisions that differ. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trader_core.trader.records import Kind, Record


@dataclass(frozen=True, slots=True)
class Compared:
    """What two journals have in common, slot by slot."""

    slots: int
    """Slots that both have stepped."""
    bars_differ: int
    decisions_differ: int
    fills_differ: int
    only_one: int
    """Slots that only one of them has stepped."""
    first: str
    """The first difference, in words."""


def compare(one: Sequence[Record], other: Sequence[Record]) -> Compared:
    """Return how two journals differ; a slot whose bars differ is not asked for its decisions."""
    left, right = _slots(one), _slots(other)
    shared = sorted(left.keys() & right.keys())
    bars, decisions, first = 0, 0, ""
    for ts in shared:
        if left[ts]["bars"] != right[ts]["bars"]:
            bars += 1
            first = first or f"slot {ts}: other bars"
        elif _decided(left[ts]) != _decided(right[ts]):
            decisions += 1
            first = first or f"slot {ts}: {_decided(left[ts])} and {_decided(right[ts])}"[:200]
    mine, yours = _fills(one, set(shared)), _fills(other, set(shared))
    fills = len(mine ^ yours)
    if fills and not first:
        first = f"fills: {min(mine ^ yours)}"
    return Compared(len(shared), bars, decisions, fills, len(left.keys() ^ right.keys()), first)


def _slots(records: Sequence[Record]) -> dict[int, dict[str, Any]]:
    return {record.body["ts"]: record.body for record in records if record.kind is Kind.BARS}


def _decided(body: dict[str, Any]) -> tuple[Any, Any]:
    return body["targets"], body["decisions"]


def _fills(records: Sequence[Record], slots: set[int]) -> set[tuple[Any, ...]]:
    """Return what was filled, by instrument, side and slot of the order: ids and times of sending are each session's own."""
    intents = {record.body["client_order_id"]: record.body for record in records if record.kind is Kind.INTENT}
    found = set()
    for record in records:
        if record.kind is not Kind.FILL:
            continue
        intent = intents[record.body["client_order_id"]]
        if intent["ts"] in slots:
            body = record.body
            found.add((intent["instrument"], intent["side"], intent["ts"], body["ts"], body["qty"], body["price"], body["fee"]))
    return found
