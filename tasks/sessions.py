"""Sessions as flows see them: requested in the database, granted time, waited for, told something, and found ended."""

import time
from collections.abc import Callable
from typing import TypeVar

from tasks.locks import patiently
from tasks.subjects import SANDBOX
from trader_core.model.command import Command
from trader_core.model.errors import SessionHalted, TraderAway
from trader_core.model.session import SessionStatus
from trader_core.settings import Settings
from trader_core.store import commands, lease, sessions
from trader_core.store.database import Connection, Engine, begin
from trader_core.trader.code import code_hash
from trader_core.venues.link import announcement

HOUR_MS = 3_600_000
POLL_S = 0.2
TRADER_GRACE_S = 20.0
"""A trader that restarts is away for a moment; one that is away longer is said to be."""
ENDED = (SessionStatus.FINISHED, SessionStatus.HALTED, SessionStatus.FAILED)
T = TypeVar("T")


def stepped(settings: Settings, venue: str) -> bool:
    """Tell whether the venue's clock stands still until sessions advance it: then time is granted hour by hour."""
    return venue == SANDBOX and announcement(settings.folder())["clock"] == "stepped"


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Return what `work` does in one transaction, tried again while the database is away: it must be safe to repeat."""

    def once() -> T:
        with begin(engine) as db:
            return work(db)

    return patiently(once)


def require_trader(engine: Engine, account: str) -> None:
    """Raise TraderAway unless a trader of this code answers for the account: found within a second, with how to start one."""
    hashed = code_hash()
    why = in_transaction(engine, lambda db: lease.answering(db, account, hashed, int(time.time() * 1000)))
    if why:
        raise TraderAway(
            f"a trader of this code for the account {account}", why, f"`gatehouse up`, or `gatehouse trader --account {account}`"
        )


def reached(engine: Engine, session_ids: list[str], length_ms: int, within_s: float) -> list[sessions.SessionRow]:
    """Return the sessions once each has stepped `length_ms` of its own time, or has ended; 0 waits for their ends.

    Raises TraderAway when nobody has answered for an account for a while, SessionHalted when a session failed or `within_s` passed
    without a single slot.
    """
    seen, since, away_since = -1, time.monotonic(), time.monotonic()
    while True:
        rows = in_transaction(engine, lambda db: [sessions.load_session(db, one) for one in session_ids])
        for row in rows:
            if row.status in {SessionStatus.FAILED, SessionStatus.HALTED}:
                raise SessionHalted(
                    f"{row.session_id} to go on", f"{row.status}: {row.error[:300]}", f"`gatehouse session show {row.session_id}`"
                )
        if all(_there(row, length_ms) for row in rows):
            return rows
        progress = sum(row.next_ms for row in rows)
        if progress != seen:
            seen, since, away_since = progress, time.monotonic(), time.monotonic()
        if time.monotonic() - away_since > TRADER_GRACE_S:
            for account in {row.account for row in rows if not _there(row, length_ms)}:
                require_trader(engine, account)
            away_since = time.monotonic()
        if time.monotonic() - since > within_s:
            raise SessionHalted(f"{', '.join(session_ids)} to step a slot within {within_s:.0f} s", "none", "look at the traders' logs")
        time.sleep(POLL_S)


def _there(row: sessions.SessionRow, length_ms: int) -> bool:
    if row.status in ENDED:
        return True
    return bool(length_ms and row.from_ms and row.next_ms - row.from_ms >= length_ms)


def told(engine: Engine, session_id: str, command: Command, reason: str, key: str, policy: str = "") -> int:
    """Record a command to one session once per `key`, and return its number: a repetition finds the one that stands."""

    def once(db: Connection) -> int:
        row = sessions.load_session(db, session_id)
        found = commands.keyed(db, row.account, key)
        if found is not None:
            return found
        args = {"key": key} | ({"policy": policy} if policy else {})
        return commands.request(db, row.account, command, actor="flow", reason=reason, session_id=session_id, args=args)

    return in_transaction(engine, once)


def answered(engine: Engine, number: int, within_s: float = 60.0) -> str:
    """Return the trader's answer to a command; raises TraderAway when there is none in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = in_transaction(engine, lambda db: commands.outcome_of(db, number))
        if found is not None:
            return found
        time.sleep(POLL_S)
    raise TraderAway(f"an answer to command {number}", f"none within {within_s:.0f} s", "look at the trader's log; `gatehouse status`")
