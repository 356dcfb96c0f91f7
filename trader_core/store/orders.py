"""Orders and fills as tables: a reading of the journal that people and queries can use."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Select, select

from trader_core.store.bulk import insert_rows
from trader_core.store.database import translated
from trader_core.store.tables import FILL, ORDERS, PENDING

UPSERT = """
on conflict (client_order_id) do update
   set state = excluded.state, venue_order_id = excluded.venue_order_id, sent_ms = excluded.sent_ms,
       window_ms = excluded.window_ms, epoch = excluded.epoch, filled = excluded.filled, released = excluded.released,
       updated_ms = excluded.updated_ms
 where orders.updated_ms <= excluded.updated_ms
"""
UNRESOLVED = ("SENDING", "UNKNOWN", "QUARANTINED", "CANCELING")
"""The states of model.order.UNRESOLVED, as the view unresolved_order names them."""


class OrderRow(NamedTuple):
    """One order; `sent_ms` and `window_ms` are what the signature carries, 0 before it is sent."""

    client_order_id: str
    session_id: str
    account: str
    symbol: str
    side: int
    qty: int
    state: str
    venue_order_id: str
    sent_ms: int
    window_ms: int
    epoch: int
    filled: int
    released: int
    updated_ms: int


class FillRow(NamedTuple):
    """One fill; `trade_id` is unique per account and symbol, `fee` counts account units, `fee_base` base units.

    A fee that was told after its fill is a row without a quantity, whose `trade_id` ends in ' fee': what it is more than was booked.
    """

    account: str
    symbol: str
    trade_id: str
    session_id: str
    signal_id: int
    client_order_id: str
    side: int
    qty: int
    price: int
    fee: int
    fee_base: int
    ts: int


def upsert_order_states(db: Connection, rows: Sequence[OrderRow]) -> int:
    """Store each order's last row of `rows`; an older state than the stored one changes nothing. Safe to repeat."""
    last = {row.client_order_id: row for row in rows}
    with translated():
        return insert_rows(db, "orders", list(last.values()), UPSERT)


def insert_fills(db: Connection, rows: Sequence[FillRow]) -> int:
    """Store fills and return how many are new: one that is known is not booked again."""
    with translated():
        return insert_rows(db, "fill", rows, "on conflict (account, symbol, trade_id) do nothing")


def unresolved(db: Connection, account: str) -> list[OrderRow]:
    """Return the account's orders whose answer the venue still owes, oldest first."""
    return _orders(db, select(ORDERS).where(ORDERS.c.account == account, ORDERS.c.state.in_(UNRESOLVED)))


def open_orders(db: Connection, account: str) -> list[OrderRow]:
    """Return the account's orders that are not terminal, oldest first."""
    return _orders(db, select(ORDERS).where(ORDERS.c.account == account, ORDERS.c.state.in_(PENDING)))


def orders_of(db: Connection, session_id: str) -> list[OrderRow]:
    """Return all orders of a session, oldest first."""
    return _orders(db, select(ORDERS).where(ORDERS.c.session_id == session_id))


def fills_of(db: Connection, session_id: str) -> list[FillRow]:
    """Return all fills of a session, oldest first."""
    query = select(FILL).where(FILL.c.session_id == session_id).order_by(FILL.c.ts, FILL.c.symbol, FILL.c.trade_id)
    return [FillRow(**row) for row in db.execute(query).mappings()]


def fills_of_order(db: Connection, client_order_id: str) -> list[FillRow]:
    """Return all fills of one order, oldest first."""
    query = select(FILL).where(FILL.c.client_order_id == client_order_id).order_by(FILL.c.ts, FILL.c.trade_id)
    return [FillRow(**row) for row in db.execute(query).mappings()]


def _orders(db: Connection, query: Select[tuple[object, ...]]) -> list[OrderRow]:
    with translated():
        rows = db.execute(query.order_by(ORDERS.c.updated_ms, ORDERS.c.client_order_id)).mappings()
        return [OrderRow(**row) for row in rows]
