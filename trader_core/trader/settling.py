"""Settling: what an answer, a look-up, a trade or an empty list proves about an order, and what is still to be asked."""

from dataclasses import asdict

from trader_core.model.order import ABSENT_FOREVER, OrderEvent, OrderState
from trader_core.model.session import Mode
from trader_core.trader import events as ev
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind
from trader_core.trader.retrying import wait_ms
from trader_core.trader.run import ASK, AT_VENUE, UNPROVEN, Run, cancel
from trader_core.trader.state import State
from trader_core.trader.tracked import Order, Watch
from trader_core.venues.port import Outcome, VenueOrder, VenueOrderState, VenueTrade

PROVEN_ABSENT = (Outcome.REJECTED, Outcome.AUTH, Outcome.CLOCK, Outcome.RATE, Outcome.RESTRICTED)
NEEDS_OPERATOR = (Outcome.AUTH, Outcome.CLOCK, Outcome.RESTRICTED)
"""Proven absent, but the next order would fare no better: nothing new until somebody has looked."""
NEGATIVES_NEEDED = 2
NEGATIVES_APART_MS = 1_000
STOP_LOOK_MS = 15_000
"""How often a stop that rests is looked at when nothing else asks for it: each bar does."""
MALFORMED = "malformed"
"""The code of an answer that arrived and cannot be read."""
UNREAD_MOST = 5
_ENDS = {
    VenueOrderState.FILLED: OrderEvent.FULL_FILL,
    VenueOrderState.CANCELED: OrderEvent.CANCELED,
    VenueOrderState.EXPIRED: OrderEvent.EXPIRED,
    VenueOrderState.REJECTED: OrderEvent.CANCELED,
}


def answered(run: Run, event: ev.Answered) -> None:
    """Take what one submission proved; anything that is no proof makes the order UNKNOWN."""
    order, reply, now = run.state.orders[event.client_order_id], event.reply, event.now_ms
    if order.state not in ASK:
        if reply.value is not None:
            _name(run, order, reply.value.venue_order_id, now)
        return
    evidence = {"code": reply.code, "evidence": reply.evidence}
    if reply.outcome is Outcome.OK and reply.value is not None:
        run.move(order, OrderEvent.ACK, now, venue_order_id=reply.value.venue_order_id)
    elif reply.outcome is Outcome.GATED and order.state is OrderState.SENDING:
        run.move(order, OrderEvent.ABANDON, now, why=reply.evidence)
        return
    elif reply.outcome in PROVEN_ABSENT:
        run.move(order, OrderEvent.REJECT, now, **evidence)
        if reply.outcome in NEEDS_OPERATOR:
            run.anomaly(f"the venue answers {reply.outcome} {reply.code} to an order", now, flag="restricted")
        return
    elif order.state is not OrderState.QUARANTINED:  # which is UNKNOWN already, and for long
        run.move(order, OrderEvent.LOSE, now, **evidence)
    run.look(order)


def looked(run: Run, event: ev.Looked) -> None:
    """Compare an order with what the venue says of it, and ask for what is missing."""
    order, reply, now = run.state.orders[event.client_order_id], event.reply, event.now_ms
    if not order.open:
        return
    watch = run.state.watches.setdefault(order.client_order_id, Watch())
    backoff, canceling = run.state.protocol.look_backoff_ms, order.state is OrderState.CANCELING
    watch.next_ms = now + wait_ms(backoff, order.client_order_id, watch.tries, reply.outcome, canceling=canceling)
    watch.tries += 1
    if reply.outcome is Outcome.OK and reply.value is not None:
        _compare(run, order, reply.value, now)
    elif reply.outcome is Outcome.NOT_FOUND:
        _not_found(run, order, watch, now)
    elif order.state in UNPROVEN:
        _give_up_late(run, order, now)
    if order.rests:
        watch.next_ms = now + STOP_LOOK_MS


def fetch(run: Run, order: Order) -> None:
    """Ask for the trades since an order was sent."""
    run.effects.append(ev.FetchTrades(order.symbol, order.sent_ms - run.state.protocol.skew_ms))


def _compare(run: Run, order: Order, found: VenueOrder, now: int) -> None:
    if order.state in ASK:
        run.move(order, OrderEvent.ACK, now, venue_order_id=found.venue_order_id)
    if found.filled > order.filled:
        run.state.watches.setdefault(order.client_order_id, Watch()).ended = found.filled if found.state in _ENDS else 0
        fetch(run, order)
        return
    if found.filled < order.filled:
        return
    ended = _ENDS.get(found.state)
    if ended is not None:
        run.move(order, ended, now)
        return
    # An order that is CANCELING already is cancelled again by the next tick: not here, where a venue that does not cancel
    # would be asked without a pause.
    if run.state.mode is Mode.KILLED and order.state in AT_VENUE and not order.trigger:
        cancel(run, order, now)


def _not_found(run: Run, order: Order, watch: Watch, now: int) -> None:
    """Absence is proven only after the last moment at which the order could appear, by two readings, and by the lists."""
    bounds = run.state.protocol
    if now <= order.sent_ms + order.window_ms + bounds.visibility_ms + bounds.skew_ms:
        return
    if watch.negatives and now - watch.negative_ms < NEGATIVES_APART_MS:
        return
    watch.negatives, watch.negative_ms = watch.negatives + 1, now
    if watch.negatives >= NEGATIVES_NEEDED and (order.state not in UNPROVEN or not order.venue_order_id):
        run.effects.append(ev.ProveAbsence(order.client_order_id, order.symbol, order.sent_ms - bounds.skew_ms))
    _give_up_late(run, order, now)


def _give_up_late(run: Run, order: Order, now: int) -> None:
    if now > order.sent_ms + run.state.protocol.give_up_ms:
        _quarantine(run, order, now, "look at the venue")


def _quarantine(run: Run, order: Order, now: int, why: str) -> None:
    if order.state is OrderState.UNKNOWN:
        run.move(order, OrderEvent.GIVE_UP, now)
        run.effects.append(ev.Alert(f"{order.client_order_id} on {order.symbol} is unresolved: {why}"))


def absence(run: Run, event: ev.AbsenceEvidence) -> None:
    """Close an order that both lists, once read, do not have: as never placed, or, if it once was there, as ended unseen."""
    order = run.state.orders[event.client_order_id]
    opens, trades = event.open_orders, event.trades
    if not order.open or opens.outcome is not Outcome.OK or trades.outcome is not Outcome.OK:
        return
    if order.state is OrderState.SENDING:  # its own answer is still waited for, and the request may arrive: no list proves anything
        return
    if any(o.client_order_id == order.client_order_id for o in opens.value or ()):
        run.move(order, OrderEvent.ACK, event.now_ms)
        run.look(order)
        return
    new = [t for t in trades.value or () if f"{order.symbol} {t.trade_id}" not in run.state.seen]
    if any(order.client_order_id == t.client_order_id or not t.client_order_id for t in new):
        _book(run, order.symbol, new, event.now_ms)
        return
    if order.state in UNPROVEN and not provable(run.state.protocol):
        _quarantine(run, order, event.now_ms, "its venue cannot prove that it was never placed")
        return
    run.move(order, OrderEvent.ABSENT if order.state in UNPROVEN else OrderEvent.CANCELED, event.now_ms)


def provable(bounds: Protocol) -> bool:
    """Return whether time and empty lists prove that an order was never placed: not where a request stays good, or ends are not found."""
    return bounds.validity_window and bounds.lookup


def trades(run: Run, event: ev.TradesSeen) -> None:
    """Book each trade once, then look again at the orders that it belongs to."""
    if event.reply.outcome is Outcome.OK:
        run.state.unread.pop(event.symbol, None)
        _book(run, event.symbol, event.reply.value or [], event.now_ms)
    elif event.reply.code == MALFORMED:
        _unread(run, event)
    elif event.reply.outcome is Outcome.RESTRICTED and "restricted" not in run.state.flags:
        text = f"trades of {event.symbol} cannot be booked: {event.reply.evidence}"[:400]
        run.anomaly(text, event.now_ms, flag="restricted")


def _unread(run: Run, event: ev.TradesSeen) -> None:
    """Count answers that cannot be read; after some in a row they are a dead letter, once."""
    count = run.state.unread.get(event.symbol, 0) + 1
    run.state.unread[event.symbol] = count
    if count == UNREAD_MOST:
        raw = {"symbol": event.symbol, "evidence": event.reply.evidence}
        run.letter("TRADES", f"the venue's trades of {event.symbol} cannot be read", raw, event.now_ms)


def _book(run: Run, symbol: str, trades: list[VenueTrade], now: int) -> None:
    touched: dict[str, Order] = {}
    for trade in trades:
        run.count("trades_received")
        if f"{symbol} {trade.trade_id}" in run.state.seen:
            run.count("trades_known")
            continue
        order = run.state.orders.get(trade.client_order_id) or _by_venue_id(run.state, symbol, trade.venue_order_id)
        if order is None and not trade.client_order_id and _unproven(run.state, symbol):
            run.count("trades_waiting")
            continue  # it may be the fill of an order whose venue id is not known yet: left for a later reading
        if order is None:
            text = f"a trade {trade.trade_id} on {symbol} is not ours: shown, counted, never touched"
            run.anomaly(text, now, seen=f"{symbol} {trade.trade_id}")
            run.count("trades_foreign")
            continue
        _fill(run, order, trade, now)
        run.count("trades_applied")
        touched[order.client_order_id] = order
    for order in touched.values():
        if order.open:
            run.look(order)


def _fill(run: Run, order: Order, trade: VenueTrade, now: int) -> None:
    late, over = not order.open, order.filled + trade.qty > order.qty
    if order.state in UNPROVEN and trade.venue_order_id:
        run.move(order, OrderEvent.ACK, now, venue_order_id=trade.venue_order_id)
    _name(run, order, trade.venue_order_id, now)
    faults = int(run.state.account["faults"][0])
    run.write(
        Kind.FILL,
        client_order_id=order.client_order_id,
        trade_id=trade.trade_id,
        qty=trade.qty,
        price=trade.price,
        fee=trade.fee,
        fee_base=trade.fee_base,
        ts=trade.ts_ms,
        maker=trade.maker,
    )
    if late and order.state in ABSENT_FOREVER:
        run.letter("FILL", f"a fill of {order.client_order_id}, which was {order.state}", asdict(trade), now)
    elif late:
        run.anomaly(f"a late fill of {order.client_order_id}, which was {order.state}", now)
    if over:  # a fact, and one that clean books do not explain: only a person clears it
        run.anomaly(f"fills of {order.client_order_id} exceed its quantity", now, flag="overfill")
    if int(run.state.account["faults"][0]) != faults:  # halts besides: what is held is not known any more
        run.letter("FILL", f"a fill of {order.client_order_id} lies beyond a door", asdict(trade), now)
        run.flag("fault", "a fill lies beyond a door", now, on=True)


def _name(run: Run, order: Order, venue_order_id: str, now: int) -> None:
    """Keep the venue's id of an order that has none yet: a fill may come before the answer, and trades may name nothing else."""
    if venue_order_id and not order.venue_order_id and order.open and order.state is not OrderState.INTENT:
        run.move(order, OrderEvent.ACK, now, venue_order_id=venue_order_id)


def _unproven(state: State, symbol: str) -> bool:
    return any(order.symbol == symbol and order.state in ASK for order in state.pending.values())


def _by_venue_id(state: State, symbol: str, venue_order_id: str) -> Order | None:
    found = (o for o in state.orders.values() if o.symbol == symbol and o.venue_order_id and o.venue_order_id == venue_order_id)
    return next(found, None)
