"""Comparing two sessions over the same bars, decision by decision: bars that differ are told apart from decisions that differ. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trader_core.trader.records import Kind, Record

Item = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What two journals have in common, slot by slot."""

    slots: int
    """Slots that both have stepped."""
    bars_differ: int
    decisions_differ: int
    orders_differ: int
    """Orders, sent or not, that only one wanted in a slot of equal bars."""
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
    same = {ts for ts in shared if left[ts]["bars"] == right[ts]["bars"]}
    orders = _unlike(_orders(one, same), _orders(other, same))
    fills = _unlike(_fills(one, same), _fills(other, same))
    for name, found in (("orders", orders), ("fills", fills)):
        first = first or (f"{name}: {min(found)}" if found else "")
    return Compared(len(shared), bars, decisions, len(orders), len(fills), len(left.keys() ^ right.keys()), first)


def _unlike(one: Counter[Item], other: Counter[Item]) -> list[Item]:
    """Return what one of both has more often than the other; of a pair that differs, one."""
    return max([*(one - other).elements()], [*(other - one).elements()], key=len)


def _slots(records: Sequence[Record]) -> dict[int, dict[str, Any]]:
    return {record.body["ts"]: record.body for record in records if record.kind is Kind.BARS}


def _decided(body: dict[str, Any]) -> tuple[Any, Any]:
    return body["targets"], body["decisions"]


def _orders(records: Sequence[Record], slots: set[int]) -> Counter[Item]:
    """Return what was wanted, by instrument, side, slot and quantity."""
    wanted = [record.body for record in records if record.kind is Kind.INTENT and record.body["ts"] in slots]
    return Counter((body["instrument"], body["side"], body["ts"], body["qty"]) for body in wanted)


def _fills(records: Sequence[Record], slots: set[int]) -> Counter[Item]:
    """Return what was filled, by instrument, side and slot of the order: ids and times of sending are each session's own."""
    intents = {record.body["client_order_id"]: record.body for record in records if record.kind is Kind.INTENT}
    found: Counter[Item] = Counter()
    for record in records:
        if record.kind is not Kind.FILL:
            continue
        intent = intents[record.body["client_order_id"]]
        if intent["ts"] in slots:
            body = record.body
            found[intent["instrument"], intent["side"], intent["ts"], body["ts"], body["qty"], body["price"], body["fee"]] += 1
    return found
