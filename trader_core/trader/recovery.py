"""Recovery: a session's state is what folding its journal gives; start, crash and reconnect all come this way. Pure."""

from collections.abc import Iterable
from dataclasses import asdict

from trader_core.model.errors import ChainBroken
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.trader.events import Protocol
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State, apply, opened


def opening(
    session_id: str, plan: Plan, instruments: tuple[Instrument, ...], protocol: Protocol, from_ms: int, baseline: dict[str, str],
    identity: str = "",
) -> Record:  # fmt: skip
    """Return the first record of a journal: all that a fold needs to begin, and on which account of the venue it began."""
    body = {
        "session_id": session_id,
        "plan": _plain(plan.to_json()),
        "instruments": [asdict(instrument) for instrument in instruments],
        "protocol": _plain(asdict(protocol)),
        "from_ms": from_ms,
        "baseline": baseline,
        "identity": identity,
    }
    return Record(Kind.OPENED, body)


def fold(records: Iterable[Record]) -> State:
    """Return the state after the records, the first of which is OPENED; raises ChainBroken where a replay differs."""
    rows = iter(records)
    first = next(rows, None)
    if first is None or first.kind is not Kind.OPENED:
        raise ChainBroken("a journal that begins with OPENED", "nothing" if first is None else first.kind, "restore the database")
    state = opened(first.body)
    for record in rows:
        apply(state, record)
    return state


def _plain(value: object) -> object:
    """Return tuples as lists: the form that JSON gives back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
