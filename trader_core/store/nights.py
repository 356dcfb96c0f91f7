"""Nightly backtests by plan: what was run on which data by which code, and what came out."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.store.road_tables import NIGHTLY_BACKTEST


@dataclass(frozen=True, slots=True)
class Night:
    """One plan's backtest of one night; `alert` says what is wrong with it, empty for nothing."""

    plan_name: str
    session_id: str
    plan_digest: str
    data_hash: str
    code_hash: str
    result_digest: str
    return_ppm: int
    drawdown_ppm: int
    trades: int
    from_ms: int
    to_ms: int
    alert: str = ""
    at: datetime | None = None

    @property
    def inputs(self) -> tuple[str, str, str]:
        """Return what decides the result: two nights with equal inputs must have equal results."""
        return self.plan_digest, self.data_hash, self.code_hash


def save_night(db: Connection, night: Night) -> bool:
    """Store a night and say whether it is new. Safe to repeat."""
    values = {one.name: getattr(night, one.name) for one in fields(night) if one.name != "at"}
    statement = insert(NIGHTLY_BACKTEST).values(values).on_conflict_do_nothing()
    return db.execute(statement.returning(NIGHTLY_BACKTEST.c.session_id)).first() is not None


def last_nights(db: Connection, plan_name: str, limit: int = 30) -> list[Night]:
    """Return a plan's last nights, newest first."""
    table = NIGHTLY_BACKTEST
    query = select(table).where(table.c.plan_name == plan_name).order_by(table.c.at.desc()).limit(limit)
    return [Night(**row) for row in db.execute(query).mappings()]


def save_alert(db: Connection, plan_name: str, session_id: str, alert: str) -> None:
    """Store what is wrong with a night."""
    table = NIGHTLY_BACKTEST.c
    db.execute(update(NIGHTLY_BACKTEST).where(table.plan_name == plan_name, table.session_id == session_id).values(alert=alert))
