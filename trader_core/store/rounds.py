"""One round of a trader: all that it reads of the database, several times a second."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from trader_core.evidence.permit import Permit
from trader_core.model.errors import DatabaseAway, StoreError
from trader_core.model.session import SessionStatus
from trader_core.store import commands, days, lease, outbox, sessions
from trader_core.store.blocks import standing_blocks
from trader_core.store.database import begin
from trader_core.store.permits import load_permits

ACTIVE = (SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING)


class Round(NamedTuple):
    """What one round read: sessions that go on, switches that are on with their reasons, and commands without an answer."""

    sessions: list[sessions.SessionRow]
    switches: Mapping[str, str]
    words: list[commands.CommandRow]


def read_round(db: Connection, account: str, epoch: int, ttl_ms: int, now_ms: int) -> Round:
    """Renew the lease and return what concerns its account; raises Fenced when the lease is at another epoch."""
    lease.renew(db, account, epoch, ttl_ms, now_ms)
    found = sessions.sessions_of(db, account, ACTIVE)
    switches = {name: switch.reason or name for name, switch in commands.read_switches(db).items() if switch.is_on}
    return Round(found, switches, commands.pending(db, account))


def read_counts(db: Connection) -> dict[str, dict[str, int]]:
    """Return judgements of the last day by verdict and alerts by state, under the names of their metrics."""
    return {"gatehouse_gate_results": dict(days.gates_of_day(db)), "gatehouse_outbox": outbox.counts(db)}


def read_allowed(engine: Engine, found: Iterable[sessions.SessionRow]) -> dict[str, tuple[tuple[Permit, ...], dict[str, str]]]:
    """Return each session's permits, newest first, and its venue's blocked symbols.

    Raises DatabaseAway, and StoreError for whatever else keeps them from being read: who fails closed needs one name for it.
    """
    try:
        with begin(engine) as db:
            blocks = {venue: standing_blocks(db, venue) for venue in sorted({row.venue for row in found})}
            return {row.session_id: (tuple(load_permits(db, row.account, row.plan.recipe(row.venue))), blocks[row.venue]) for row in found}
    except DatabaseAway:
        raise
    except (SQLAlchemyError, StoreError, LookupError, ValueError) as error:
        raise StoreError("permits and blocks that can be read", type(error).__name__, "look at the table permit and at the log") from error
