"""Sessions: requested by a command or a flow, stepped by the trader, read by everybody."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.model.errors import Frozen, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.model.stage import StageName
from trader_core.store.tables import SESSION_STATISTIC, TRADING_SESSION

ENDED = (SessionStatus.FINISHED, SessionStatus.FAILED)


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is from its request on; `until_ms` is exclusive."""

    session_id: str
    mode: SessionMode
    account: str
    venue: str
    stage: StageName
    plan: Plan
    instruments: tuple[Instrument, ...]
    from_ms: int
    until_ms: int
    data_session: str | None = None
    stop_policy: StopPolicy = StopPolicy.KEEP
    disclosures: Mapping[str, Any] | None = None
    granted_ms: int = 0
    """Length of session time, from its opening on, that may be stepped before `grant` says more; 0: all of it."""
    beside: str = ""
    """The session whose first slot and clock this one shares; empty: none."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored. `next_ms` is the next slot to step: the session is done when it reaches `until_ms`."""

    session_id: str
    mode: SessionMode
    account: str
    venue: str
    stage: StageName
    status: SessionStatus
    plan: Plan
    plan_digest: str
    instruments: tuple[Instrument, ...]
    capital: int
    from_ms: int
    until_ms: int
    next_ms: int
    granted_ms: int
    """Length of session time that may be stepped; 0: all of it."""
    beside: str
    data_session: str | None
    stop_policy: StopPolicy
    disclosures: dict[str, Any]
    error: str
    result: dict[str, Any] | None
    state_digest: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def create_session(db: Connection, new: NewSession, status: SessionStatus = SessionStatus.REQUESTED) -> bool:
    """Store a session and say whether it is new: one of the same id stays as it is. Safe to repeat.

    Raises Frozen where one of this id has another plan, mode, account, venue or stage.
    """
    values = {
        "session_id": new.session_id, "mode": new.mode, "account": new.account, "venue": new.venue, "stage": new.stage,
        "status": status, "plan": new.plan.to_json(), "plan_digest": new.plan.digest(),
        "instruments": [asdict(instrument) for instrument in new.instruments], "capital": new.plan.capital,
        "from_ms": new.from_ms, "until_ms": new.until_ms, "next_ms": new.from_ms, "data_session": new.data_session,
        "stop_policy": new.stop_policy, "disclosures": dict(new.disclosures or {}), "granted_ms": new.granted_ms, "beside": new.beside,
    }  # fmt: skip
    if status is not SessionStatus.REQUESTED:
        values["started_at"] = func.now()
    statement = insert(TRADING_SESSION).values(values).on_conflict_do_nothing()
    if db.execute(statement.returning(TRADING_SESSION.c.session_id)).first() is not None:
        return True
    there = load_session(db, new.session_id)
    for name in ("mode", "account", "venue", "stage"):
        if getattr(there, name) != getattr(new, name):
            raise Frozen(f"{new.session_id} with {name} {getattr(there, name)}", str(getattr(new, name)), "choose another id")
    if there.plan.digest() != new.plan.digest():
        raise Frozen(f"{new.session_id} with the plan that it was requested with", "another plan", "choose another id")
    return False


def load_session(db: Connection, session_id: str) -> SessionRow:
    """Return one session; raises UnknownName."""
    row = db.execute(select(TRADING_SESSION).where(TRADING_SESSION.c.session_id == session_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a session", repr(session_id), "`gatehouse session list` names them")
    return _session(row)


def list_sessions(db: Connection, limit: int = 20) -> list[SessionRow]:
    """Return the newest sessions first."""
    query = select(TRADING_SESSION).order_by(TRADING_SESSION.c.requested_at.desc()).limit(limit)
    return [_session(row) for row in db.execute(query).mappings()]


def sessions_of(db: Connection, account: str, statuses: Iterable[SessionStatus]) -> list[SessionRow]:
    """Return the account's sessions in any of these statuses, oldest request first."""
    table = TRADING_SESSION.c
    query = select(TRADING_SESSION).where(table.account == account, table.status.in_(list(statuses)))
    return [_session(row) for row in db.execute(query.order_by(table.requested_at, table.session_id)).mappings()]


def set_status(db: Connection, session_id: str, status: SessionStatus, *, error: str = "", result: Mapping[str, Any] | None = None) -> None:
    """Store the status, its error and, when given, the result; the first start and the end are timed. Raises UnknownName."""
    values: dict[str, Any] = {"status": status, "error": error}
    if result is not None:
        values["result"] = dict(result)
    if status is SessionStatus.RUNNING:
        values["started_at"] = func.coalesce(TRADING_SESSION.c.started_at, func.now())
    values["finished_at"] = func.now() if status in ENDED else None
    _update(db, session_id, values)


def set_stop_policy(db: Connection, session_id: str, policy: StopPolicy) -> None:
    """Store what becomes of orders and positions when the session stops. Raises UnknownName."""
    _update(db, session_id, {"stop_policy": policy})


def request_until(db: Connection, session_id: str, until_ms: int) -> int:
    """Ask for the session to be stepped up to `until_ms` (exclusive) and return the end that now holds: it never moves back."""
    until = func.greatest(TRADING_SESSION.c.until_ms, until_ms)
    _update(db, session_id, {"until_ms": until})
    return int(db.execute(select(TRADING_SESSION.c.until_ms).where(TRADING_SESSION.c.session_id == session_id)).scalar_one())


def grant(db: Connection, session_id: str, length_ms: int) -> int:
    """Let the session be stepped for `length_ms` of its own time in all, and return what now holds: a grant never shrinks; 0 is all."""
    table = TRADING_SESSION.c
    wanted = case((table.granted_ms == 0, 0), (literal(length_ms) == 0, 0), else_=func.greatest(table.granted_ms, length_ms))
    _update(db, session_id, {"granted_ms": wanted})
    return int(db.execute(select(table.granted_ms).where(table.session_id == session_id)).scalar_one())


def save_progress(db: Connection, session_id: str, next_ms: int, state_digest: str = "") -> None:
    """Store the next slot to step and the digest of the engine's state before it. Raises UnknownName."""
    _update(db, session_id, {"next_ms": next_ms, "state_digest": state_digest})


def save_opening(db: Connection, session_id: str, from_ms: int, until_ms: int, instruments: Iterable[Instrument]) -> None:
    """Store where a requested session begins and ends, and its frozen instruments. Raises UnknownName.

    Before its opening a session has from_ms 0, and until_ms is the length that was asked for.
    """
    bodies = [asdict(instrument) for instrument in instruments]
    _update(db, session_id, {"from_ms": from_ms, "until_ms": until_ms, "next_ms": from_ms, "instruments": bodies})


def save_instruments(db: Connection, session_id: str, instruments: Iterable[Instrument]) -> None:
    """Store the instruments as frozen at the session's opening. Raises UnknownName."""
    _update(db, session_id, {"instruments": [asdict(instrument) for instrument in instruments]})


def save_statistics(db: Connection, session_id: str, values: Mapping[str, int | float | Decimal]) -> None:
    """Store statistics by name; a later value replaces an earlier one."""
    if not values:
        return
    # repr, so that a float becomes the shortest decimal that names it
    rows = [{"session_id": session_id, "name": name, "value": Decimal(repr(value) if isinstance(value, float) else value)}
            for name, value in values.items()]  # fmt: skip
    statement = insert(SESSION_STATISTIC).values(rows)
    changed = {"value": statement.excluded.value}
    db.execute(statement.on_conflict_do_update(index_elements=["session_id", "name"], set_=changed))


def load_statistics(db: Connection, session_id: str) -> dict[str, Decimal]:
    """Return the session's statistics by name."""
    table = SESSION_STATISTIC.c
    rows = db.execute(select(table.name, table.value).where(table.session_id == session_id).order_by(table.name))
    return {row.name: row.value for row in rows}


def session_pnl(db: Connection, session_id: str) -> dict[str, int]:
    """Return realised, unrealised, fees and equity in account units as of the last snapshot; raises UnknownName."""
    row = db.execute(text("select * from session_pnl(:id)"), {"id": session_id}).mappings().one_or_none()
    if row is None or row["equity"] is None:
        raise UnknownName("the id of a session", repr(session_id), "`gatehouse session list` names them")
    return {str(name): int(value) for name, value in row.items()}


def _update(db: Connection, session_id: str, values: Mapping[str, Any]) -> None:
    if db.execute(update(TRADING_SESSION).where(TRADING_SESSION.c.session_id == session_id).values(**values)).rowcount == 0:
        raise UnknownName("the id of a session", repr(session_id), "`gatehouse session list` names them")


def _session(row: RowMapping) -> SessionRow:
    parts = dict(row)
    parts |= {
        "mode": SessionMode(row["mode"]), "stage": StageName(row["stage"]), "status": SessionStatus(row["status"]),
        "stop_policy": StopPolicy(row["stop_policy"]), "plan": Plan.from_json(row["plan"]),
        "instruments": tuple(Instrument(**body) for body in row["instruments"]),
    }  # fmt: skip
    return SessionRow(**parts)


def side_by_side(db: Connection, session_id: str) -> list[str]:
    """Return the session, the one that it runs beside, and those that run beside it: all that share a clock."""
    query = """
        select session_id from trading_session
         where session_id = :id or beside = :id
            or session_id = (select beside from trading_session where session_id = :id)
         order by session_id"""
    return [str(one) for one in db.execute(text(query), {"id": session_id}).scalars()]
