"""Signals, and what became of each: an intent or a refusal."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, text

from trader_core.store.bulk import insert_rows
from trader_core.store.database import translated


class SignalRow(NamedTuple):
    """One change that a strategy, a protection or an operator wanted; `cause` is the name of a model.session.Cause."""

    signal_id: int
    ts: int
    symbol: str
    cause: str
    target_from: int
    target_to: int
    wanted: int
    close: int


class RefusalRow(NamedTuple):
    """The guard's no: the name of a model.session.Refusal, its layer, and bit k of `verdicts` for layer k."""

    signal_id: int
    refusal: str
    layer: int
    verdicts: int


class IntentRow(NamedTuple):
    """The guard's yes: the order that follows, before it is sent."""

    client_order_id: str
    signal_id: int
    decision_key: str
    symbol: str
    side: int
    qty: int
    limit_price: int
    reserve: int
    cause: str
    verdicts: int
    ts: int


def insert_signals(db: Connection, session_id: str, rows: Sequence[SignalRow]) -> int:
    """Store signals and return how many are new; a signal that is there stays as it is. Safe to repeat."""
    with translated():
        return insert_rows(db, "signal", rows, "on conflict (session_id, signal_id) do nothing", session_id=session_id)


def insert_refusals(db: Connection, session_id: str, rows: Sequence[RefusalRow]) -> int:
    """Store refusals of stored signals and return how many are new. Safe to repeat."""
    with translated():
        return insert_rows(db, "refusal", rows, "on conflict (session_id, signal_id) do nothing", session_id=session_id)


def insert_intents(db: Connection, session_id: str, rows: Sequence[IntentRow]) -> int:
    """Store intents of stored signals and return how many are new. Safe to repeat.

    A second order for one decision or one signal is refused by the database: sqlalchemy.exc.IntegrityError.
    """
    with translated():
        return insert_rows(db, "intent", rows, "on conflict (client_order_id) do nothing", session_id=session_id)


def missing_outcomes(db: Connection, session_id: str) -> int:
    """Return the number of signals that ended neither as an intent nor as a refusal, or as both: it must be 0."""
    query = "select count(*) from signal_outcome where session_id = :id and outcome in ('missing', 'both')"
    return int(db.execute(text(query), {"id": session_id}).scalar_one())


def outcomes(db: Connection, session_id: str) -> list[RowMapping]:
    """Return every signal of the session with its cause and outcome, in order."""
    query = "select * from signal_outcome where session_id = :id order by signal_id"
    return list(db.execute(text(query), {"id": session_id}).mappings())
