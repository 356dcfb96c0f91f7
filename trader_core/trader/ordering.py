"""What records do to the order table and to what is in flight: an intent, its sending, its moves, its fills. Pure."""

from typing import TYPE_CHECKING, Any

from trader_core.engine import core
from trader_core.model.errors import ChainBroken
from trader_core.model.order import OrderEvent
from trader_core.model.order import move as moved
from trader_core.model.session import Cause, Side
from trader_core.trader import fees, resting
from trader_core.trader.tracked import Order

if TYPE_CHECKING:
    from trader_core.trader.state import State

RELEASED_AS_ERROR = 1


def intent(state: "State", body: dict[str, Any]) -> None:
    """Reserve what an order may cost: it is wanted."""
    order = Order(
        client_order_id=body["client_order_id"],
        signal=body["signal"],
        index=body["instrument"],
        symbol=state.instruments[body["instrument"]].symbol,
        side=Side(body["side"]),
        qty=body["qty"],
        limit=body["limit"],
        cause=Cause(body["cause"]),
        slot_ms=body["ts"],
        trigger=body.get("trigger", 0),
    )
    assert order.client_order_id not in state.orders, "one decision becomes one order"
    state.orders[order.client_order_id] = order
    state.pending[order.client_order_id] = order
    if order.trigger:
        state.stops[order.index] = state.stops.get(order.index, 0) + 1


def sending(state: "State", body: dict[str, Any]) -> None:
    """Pin the time that the request carries; raises ChainBroken where it was sent under another plan."""
    order = state.orders[body["client_order_id"]]
    if body.get("plan", state.plan_hash) != state.plan_hash:  # journals of earlier versions name none
        expected = f"{order.client_order_id} sent under the plan of this session, {state.plan_hash[:16]}"
        raise ChainBroken(expected, f"plan {body['plan'][:16]}", "an order of another plan is in this journal: restore the database")
    order.state = moved(order.state, OrderEvent.SEND)
    order.sent_ms, order.window_ms, order.epoch = body["sent_ms"], body["window_ms"], body["epoch"]


def move(state: "State", body: dict[str, Any]) -> None:
    """Move an order along its table, and free what it leaves unfilled when it ends."""
    order, event = state.orders[body["client_order_id"]], OrderEvent(body["event"])
    before, order.state = order.state, moved(order.state, event)
    order.venue_order_id = body.get("venue_order_id") or order.venue_order_id
    if not order.open:
        _release(state, order, event)
        resting.count(state, order, before, event)


def _release(state: "State", order: Order, event: OrderEvent) -> None:
    left = order.qty - order.filled
    if left > 0:
        order.released = left
        reason = RELEASED_AS_ERROR if event is OrderEvent.REJECT else 0
        freed = 0 if order.trigger else left  # a stop is in flight for the order table alone
        core.on_release(state.account, state.slots, state.plan_record, state.grids, order.index, int(order.side), freed, reason)
    state.pending.pop(order.client_order_id, None)


def fill(state: "State", body: dict[str, Any]) -> None:
    """Book a trade of an order, also of one that has ended."""
    order = state.orders[body["client_order_id"]]
    state.seen.add(f"{order.symbol} {body['trade_id']}")
    state.traded_ms[order.symbol] = max(state.traded_ms.get(order.symbol, 0), body["ts"])
    book = core.on_fill if order.open and not order.trigger else core.on_late_fill
    book(
        state.account, state.slots, state.plan_record, state.grids,
        order.index, int(order.side), body["qty"], body["price"], body["fee"], body["fee_base"], body["ts"],
    )  # fmt: skip
    order.filled += body["qty"]
    if body.get("fee_due"):
        fees.due(state, order, body)
    resting.filled(state, order)
    if order.open:
        order.state = moved(order.state, OrderEvent.FULL_FILL if order.filled >= order.qty else OrderEvent.PART_FILL)
        if not order.open:
            state.pending.pop(order.client_order_id, None)
