"""The rows of tables beside the journal: written commit by commit, they end as the records say."""

from typing import Any

from sqlalchemy import text

from trader_core.model.session import Cause, Refusal
from trader_core.store import orders
from trader_core.store.database import Connection
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import fold

ORDER_FIELDS = ("symbol", "side", "qty", "venue_order_id", "sent_ms", "window_ms", "epoch", "filled", "released")
FILL_FIELDS = ("client_order_id", "qty", "price", "fee", "fee_base", "ts")


def table_faults(db: Connection, session_id: str, account: str, records: list[Record]) -> list[str]:
    """Return what orders, fills, intents, signals and refusals say other than the records."""
    if not records:
        return []
    state, found = fold(records), list[str]()
    rows = {row.client_order_id: row for row in orders.orders_of(db, session_id)}
    if set(rows) != set(state.orders):
        found.append(f"orders that only one side has: {sorted(set(rows) ^ set(state.orders))}")
    for cid, order in state.orders.items():
        row = rows.get(cid)
        said = (str(order.state), account, *(getattr(order, name) for name in ORDER_FIELDS))
        if row is not None and (row.state, row.account, *(getattr(row, name) for name in ORDER_FIELDS)) != said:
            found.append(f"the row of {cid} says {row}, the fold {said}")
    bodies = {record.body["trade_id"]: record.body for record in records if record.kind is Kind.FILL}
    fills = {row.trade_id: row for row in orders.fills_of(db, session_id)}
    if set(fills) != set(bodies):
        found.append(f"fills that only one side has: {sorted(set(fills) ^ set(bodies))}")
    for trade, body in bodies.items():
        if trade in fills and any(getattr(fills[trade], name) != body[name] for name in FILL_FIELDS):
            found.append(f"the row of trade {trade} says {fills[trade]}, the record {body}")
    return found + _decided(db, session_id, records)


def _decided(db: Connection, session_id: str, records: list[Record]) -> list[str]:
    """Compare signals, refusals and intents."""
    symbols = [one["symbol"] for one in records[0].body["instruments"]]
    decisions = [row for record in records if record.kind in {Kind.BARS, Kind.EXITS} for row in record.body["decisions"]]
    intents = [record.body for record in records if record.kind is Kind.INTENT]
    expected: dict[str, set[tuple[Any, ...]]] = {
        "select signal_id, ts, symbol, cause, target_from, target_to, wanted, close from signal where session_id = :id": {
            (d[0], d[1], symbols[d[2]], Cause(d[3]).name, d[4], d[5], d[6], d[9]) for d in decisions
        },
        "select signal_id, refusal, layer, verdicts from refusal where session_id = :id": {
            (d[0], Refusal(d[8]).name, d[8] // 10, d[12]) for d in decisions if d[8]
        },
        "select client_order_id, signal_id, symbol, side, qty, limit_price, reserve, cause, ts from intent where session_id = :id": {
            (b["client_order_id"], b["signal"], symbols[b["instrument"]], b["side"], b["qty"], b["limit"], b["reserve"],
             Cause(b["cause"]).name, b["ts"]) for b in intents
        },
    }  # fmt: skip
    found = []
    for query, said in expected.items():
        rows = {tuple(row) for row in db.execute(text(query), {"id": session_id})}
        if rows != said:
            found.append(f"{query.split(' from ')[1].split()[0]}: rows without a record {rows - said}, records without a row {said - rows}")
    return found
