"""Projection: journal records as rows of the tables that people query. Pure; the journal stays the truth."""

from dataclasses import dataclass, field
from typing import Any

from trader_core.model.session import Cause, Refusal
from trader_core.store.orders import FillRow, OrderRow
from trader_core.store.signals import IntentRow, RefusalRow, SignalRow
from trader_core.store.snapshots import PnlRow, PositionRow
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State
from trader_core.trader.tracked import Order

HOUR_MS = 3_600_000
Body = dict[str, Any]


@dataclass(slots=True)
class Rows:
    """Rows per table, in the order in which foreign keys want them."""

    signals: list[SignalRow] = field(default_factory=list)
    refusals: list[RefusalRow] = field(default_factory=list)
    intents: list[IntentRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)
    positions: list[PositionRow] = field(default_factory=list)
    pnl: list[PnlRow] = field(default_factory=list)


def project(state: State, account: str, records: list[Record], *, book: str = "") -> Rows:
    """Return the rows that a batch of records adds or replaces; `state` is the one after the batch.

    `book` is the name under which the account's trade ids are unique: it names the venue's own account, not ours.
    """
    rows, touched, held = Rows(), dict[str, Order](), set[int]()
    at_ms = state.next_slot_ms - state.step_ms
    for record in records:
        body = record.body
        if record.kind in {Kind.BARS, Kind.EXITS, Kind.STOPS}:
            _bars(rows, state, body)
        elif record.kind is Kind.INTENT:
            rows.intents.append(_intent(state, body))
        elif record.kind is Kind.FILL:
            order = state.orders[body["client_order_id"]]
            rows.fills.append(_fill(state, book or account, order, body))
            held.add(order.index)
        elif record.kind is Kind.FEE:
            order = state.orders[body["client_order_id"]]
            rows.fills.append(_fee(state, book or account, order, body))
            held.add(order.index)
        elif record.kind is Kind.CLOSED:
            held.update(i for i in range(len(state.instruments)) if state.position(i))
            rows.pnl = [_pnl(state, at_ms)]
        if "client_order_id" in body:
            order = state.orders[body["client_order_id"]]
            touched[order.client_order_id] = order
    rows.orders = [order_row(state, account, order, at_ms) for order in touched.values()]
    rows.positions = [_position(state, index, at_ms) for index in sorted(held)]
    if held or (any(record.kind is Kind.BARS for record in records) and at_ms % HOUR_MS == 0):
        rows.pnl = [_pnl(state, at_ms)]
    return rows


def decision_rows(symbols: list[str], decisions: list[list[int]]) -> tuple[list[SignalRow], list[RefusalRow]]:
    """Return the signal rows and refusal rows of decisions in the field order of engine.layout.DECISION."""
    signals: list[SignalRow] = []
    refusals: list[RefusalRow] = []
    for signal, ts, instrument, cause, target_from, target_to, wanted, _qty, refusal, close, _limit, _reserve, verdicts, *_how in decisions:
        signals.append(SignalRow(signal, ts, symbols[instrument], Cause(cause).name, target_from, target_to, wanted, close))
        if refusal:
            refusals.append(RefusalRow(signal, Refusal(refusal).name, refusal // 10, verdicts))
    return signals, refusals


def _bars(rows: Rows, state: State, body: Body) -> None:
    if body["decisions"]:
        signals, refusals = decision_rows([x.symbol for x in state.instruments], body["decisions"])
        rows.signals += signals
        rows.refusals += refusals


def _intent(state: State, body: Body) -> IntentRow:
    return IntentRow(
        client_order_id=body["client_order_id"],
        signal_id=body["signal"],
        decision_key=body["decision_key"],
        symbol=state.instruments[body["instrument"]].symbol,
        side=body["side"],
        qty=body["qty"],
        limit_price=body["limit"],
        reserve=body["reserve"],
        cause=Cause(body["cause"]).name,
        verdicts=body["verdicts"],
        ts=body["ts"],
    )


def order_row(state: State, account: str, order: Order, at_ms: int) -> OrderRow:
    """Return an order's row as it stands now."""
    return OrderRow(
        client_order_id=order.client_order_id,
        session_id=state.session_id,
        account=account,
        symbol=order.symbol,
        side=int(order.side),
        qty=order.qty,
        state=str(order.state),
        venue_order_id=order.venue_order_id,
        sent_ms=order.sent_ms,
        window_ms=order.window_ms,
        epoch=order.epoch,
        filled=order.filled,
        released=order.released,
        updated_ms=max(at_ms, order.sent_ms),
    )


def _fill(state: State, account: str, order: Order, body: Body) -> FillRow:
    return FillRow(
        account=account,
        symbol=order.symbol,
        trade_id=body["trade_id"],
        session_id=state.session_id,
        signal_id=order.signal,
        client_order_id=order.client_order_id,
        side=int(order.side),
        qty=body["qty"],
        price=body["price"],
        fee=body["fee"],
        fee_base=body["fee_base"],
        ts=body["ts"],
    )


def _fee(state: State, account: str, order: Order, body: Body) -> FillRow:
    """Return a fee that was told later as a row of its own, without a quantity: nothing is edited, and sums are right."""
    row = _fill(state, account, order, {**body, "qty": 0, "fee": body["more"], "fee_base": body["more_base"], "ts": body["at_ms"]})
    return row._replace(trade_id=f"{body['trade_id']} fee")


def _position(state: State, index: int, at_ms: int) -> PositionRow:
    slot = state.slots[index]
    return PositionRow(
        state.instruments[index].symbol,
        at_ms,
        int(slot["position"]),
        int(slot["cost"]),
        int(slot["close"]),
        int(slot["realised"]),
    )


def _pnl(state: State, at_ms: int) -> PnlRow:
    account = state.account[0]
    return PnlRow(at_ms, *(int(account[name]) for name in PnlRow._fields[1:]))
