"""Recovery: a session's state is what folding its journal gives; start, crash and reconnect all come this way. Pure.

A fold begins at OPENED, or at a CHECKPOINT, which holds the whole folded state. Every checkpoint that a longer fold passes must
be, bit for bit, the state that the fold has there.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np

from trader_core.engine.layout import ACCOUNT, SLOT
from trader_core.engine.layout import Record as EngineRecord
from trader_core.model.errors import ChainBroken
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record, encode
from trader_core.trader.state import State, apply, opened
from trader_core.trader.tracked import Order

OPENING = ("session_id", "plan", "instruments", "protocol", "next_slot_ms", "baseline", "identity")
"""Fields of the state that its opening holds."""
DERIVED = (
    "plan_record", "grids", "step_ms", "watches", "vigil", "unread", "exit_tried_ms", "calls", "budget", "scratch", "recovery", "tally",
    "fee_watches",
)  # fmt: skip
"""Fields that follow from the opening, or that no journal holds: a checkpoint has no need of them."""
TABLES = ("account", "slots", "orders", "pending")
PLAIN = tuple(one.name for one in fields(State) if one.name not in {*OPENING, *DERIVED, *TABLES})
"""The others: numbers, texts, sets and maps of texts. A field that is new is among them, and so in every checkpoint."""

_ORDER = attrgetter(*(one.name for one in fields(Order)))


def _names(of: Any) -> Any:
    """Return the names of a dataclass's fields, with those of the dataclasses in it."""
    return [[one.name, _names(one.type)] for one in fields(of)] if is_dataclass(of) else ""


FORM = hashlib.sha256(json.dumps([_names(State), _names(Order), _names(Instrument), ACCOUNT.names, SLOT.names]).encode()).hexdigest()[:16]
"""What the fields are called: a program whose state has others cannot compare a checkpoint, and folds past it."""


def opening(
    session_id: str, plan: Plan, instruments: tuple[Instrument, ...], protocol: Protocol, from_ms: int, baseline: dict[str, str],
    identity: str = "",
) -> Record:  # fmt: skip
    """Return the first record of a journal: all that a fold needs to begin, and on which account of the venue it began."""
    return Record(Kind.OPENED, _opening(session_id, _agreed(plan, instruments, protocol), from_ms, baseline, identity))


def _opening(session_id: str, agreed: dict[str, Any], from_ms: int, baseline: dict[str, str], identity: str) -> dict[str, Any]:
    return {"session_id": session_id, **agreed, "from_ms": from_ms, "baseline": baseline, "identity": identity}


def _agreed(plan: Plan, instruments: tuple[Instrument, ...], protocol: Protocol) -> dict[str, Any]:
    return {
        "plan": _plain(plan.to_json()),
        "instruments": [asdict(instrument) for instrument in instruments],
        "protocol": _plain(asdict(protocol)),
    }


_agreed_before = lru_cache(8)(_agreed)
"""For forms, which are made again and again of the same: what it returns is shared, and never changed."""


def form(state: State) -> dict[str, Any]:
    """Return everything that a fold gives, as plain values: equal states have equal forms, and no field is left out."""
    agreed = _agreed_before(state.plan, state.instruments, state.protocol)
    return {
        "opening": _opening(state.session_id, agreed, state.next_slot_ms, state.baseline, state.identity),
        "account": state.account[0].tolist(),
        "slots": [slot.tolist() for slot in state.slots],
        "orders": [_ORDER(order) for order in state.orders.values()],
        "pending": list(state.pending),
        **{name: _flat(getattr(state, name)) for name in PLAIN},
    }


def full_digest(state: State) -> str:
    """Return the SHA-256, in hex, of everything that a fold gives; `state.digest` is the short one, equal from version to version."""
    return hashlib.sha256(encode(form(state))).hexdigest()


def checkpoint(state: State) -> Record:
    """Return the record at which a later fold may begin; `state` is the one after every record so far."""
    found = form(state)
    return Record(Kind.CHECKPOINT, {"form": FORM, "digest": hashlib.sha256(encode(found)).hexdigest(), "state": found})


def restored(body: dict[str, Any]) -> State | None:
    """Return the state that a checkpoint holds, or None where it does not fit: another program's form, or another digest."""
    if body.get("form") != FORM:
        return None
    said = body["state"]
    state = opened(said["opening"])
    state.account, state.slots = _table(ACCOUNT, [said["account"]]), _table(SLOT, said["slots"])
    rows = [Order(*(one.type(value) for one, value in zip(fields(Order), row, strict=True))) for row in said["orders"]]  # type: ignore[operator]
    state.orders = {order.client_order_id: order for order in rows}
    state.pending = {cid: state.orders[cid] for cid in said["pending"]}
    for name in PLAIN:
        setattr(state, name, type(getattr(state, name))(said[name]))
    return state if full_digest(state) == body["digest"] else None


def fold(records: Iterable[Record]) -> State:
    """Return the state after the records, the first of which is OPENED or a CHECKPOINT that fits.

    Raises ChainBroken where a replay differs from what was recorded, and from a checkpoint on the way.
    """
    rows = iter(records)
    first = next(rows, None)
    state = opened(first.body) if first and first.kind is Kind.OPENED else None
    if first and first.kind is Kind.CHECKPOINT:
        state = restored(first.body)
    if state is None:
        raise ChainBroken("a journal that begins with OPENED", "nothing" if first is None else first.kind, "restore the database")
    go_on(state, rows)
    return state


def go_on(state: State, records: Iterable[Record]) -> None:
    """Apply records to a state that the ones before them gave; raises as `fold` does."""
    for record in records:
        if record.kind is Kind.CHECKPOINT:
            _compare(state, record.body)
        apply(state, record)


def _compare(state: State, body: dict[str, Any]) -> None:
    if body.get("form") != FORM or full_digest(state) == body["digest"]:
        return
    found, said = form(state), body["state"]
    differing = ", ".join(name for name in found if json.loads(encode(found[name])) != said[name])
    raise ChainBroken("the state that a checkpoint holds", f"another {differing} on replay", "start with the code that wrote this journal")


def _table(kind: "np.dtype[Any]", rows: list[list[int]]) -> EngineRecord:
    return np.array([tuple(row) for row in rows], kind)


def _flat(value: Any) -> Any:
    """Return a set as a sorted list and a map as pairs in its order: JSON would sort them otherwise, or not take them."""
    if isinstance(value, set):
        return sorted(value)
    return [list(pair) for pair in value.items()] if isinstance(value, dict) else value


def _plain(value: object) -> object:
    """Return tuples as lists: the form that JSON gives back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
