"""Snapshots of positions and of profit and loss, as the engine's record had them after a slot."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from trader_core.store.bulk import insert_rows
from trader_core.store.database import translated
from trader_core.store.tables import PNL_SNAPSHOT

OPEN = "select symbol, ts, position, cost, close, realised from open_position where session_id = :id order by symbol"

REPLACE_POSITION = """
on conflict (session_id, symbol, ts) do update
   set position = excluded.position, cost = excluded.cost, close = excluded.close, realised = excluded.realised
"""
REPLACE_PNL = """
on conflict (session_id, ts) do update
   set cash = excluded.cash, equity = excluded.equity, peak = excluded.peak, realised = excluded.realised,
       fees = excluded.fees, positions = excluded.positions
"""
"""Several batches may end in one slot: the last one is how the slot ended."""


class PositionRow(NamedTuple):
    """One instrument's position after a slot: quantity held, cost basis, last close, realised so far."""

    symbol: str
    ts: int
    position: int
    cost: int
    close: int
    realised: int


class PnlRow(NamedTuple):
    """The account after a slot, in account units."""

    ts: int
    cash: int
    equity: int
    peak: int
    realised: int
    fees: int
    positions: int


def insert_positions(db: Connection, session_id: str, rows: Sequence[PositionRow]) -> int:
    """Store position snapshots, the later of two for one slot, and return how many were written."""
    with translated():
        return insert_rows(db, "position_snapshot", rows, REPLACE_POSITION, session_id=session_id)


def insert_pnl(db: Connection, session_id: str, rows: Sequence[PnlRow]) -> int:
    """Store account snapshots, the later of two for one slot, and return how many were written."""
    with translated():
        return insert_rows(db, "pnl_snapshot", rows, REPLACE_PNL, session_id=session_id)


def open_positions(db: Connection, session_id: str) -> list[PositionRow]:
    """Return each instrument's last snapshot that holds something."""
    return [PositionRow(*row) for row in db.execute(text(OPEN), {"id": session_id})]


def load_pnl(db: Connection, session_id: str) -> list[PnlRow]:
    """Return the session's account snapshots by time."""
    columns = [PNL_SNAPSHOT.c[name] for name in PnlRow._fields]
    query = select(*columns).where(PNL_SNAPSHOT.c.session_id == session_id).order_by(PNL_SNAPSHOT.c.ts)
    return [PnlRow(*row) for row in db.execute(query)]


def closed_episodes(db: Connection, session_id: str) -> int:
    """Return how often an instrument of the session came back to flat so far."""
    query = "select count(*) from position_snapshot where session_id = :id and position = 0"
    return int(db.execute(text(query), {"id": session_id}).scalar_one())
