"""What an operator saw at the venue: of an order that was given up, or of trades that its lists do not reach back to. Pure.

A word about an order has the venue's own lists read first, and is refused where they contradict it at that moment. It is carried
out once; a second one about the same order finds it resolved.
"""

from typing import Any

from trader_core.model.order import OrderEvent, OrderState
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import Run
from trader_core.trader.state import State
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome

TRADES = "trades"
"""What a word is about when it is not an order: that nothing is missing although the venue's lists do not reach back."""


def said(run: Run, event: ev.Operator) -> None:
    """Refuse a word at once, or have the venue's lists read that it must not contradict."""
    state = run.state
    if event.command_id in state.obeyed:
        return
    if event.about == TRADES:
        _vouch(run, event)
        return
    order = state.orders.get(event.about)
    refused = _refused(state, order, event)
    if order is None or refused:
        _answer(run, event, refused, event.now_ms)
        return
    run.effects.append(ev.Examine(order.client_order_id, order.symbol, order.sent_ms - state.protocol.skew_ms, event))


def examined(run: Run, event: ev.Examined) -> None:
    """Carry a word about an order out, unless what the venue lists now says otherwise."""
    state, word, order = run.state, event.word, run.state.orders[event.word.about]
    if word.command_id in state.obeyed:
        return
    against = _refused(state, order, word) or _unread(event) or _against(state, order, event)
    if against:
        run.look(order)
        _answer(run, word, against, event.now_ms)
        return
    evidence = f"{word.actor}: {word.reason}"[:400]
    if word.found:
        run.move(order, OrderEvent.ACK, event.now_ms, venue_order_id=word.found, evidence=evidence)
        run.effects.append(ev.FetchTrades(order.symbol, order.sent_ms - state.protocol.skew_ms))
        run.look(order)
        _answer(run, word, f"{order.client_order_id} is the venue's {word.found}; it is looked up as any other", event.now_ms)
        return
    run.move(order, OrderEvent.ABSENT, event.now_ms, evidence=evidence)
    _answer(run, word, f"{order.client_order_id} was never placed, by an operator's word; its reserve is free", event.now_ms)


def _refused(state: State, order: Order | None, word: ev.Operator) -> str:
    """Return why a word is refused whatever the venue says, or an empty text."""
    if order is None:
        return f"refused: expected an order of this session; found {word.about!r:.60}; `gatehouse audit query` shows them"
    if order.state is not OrderState.QUARANTINED:
        return f"refused: expected an order that was given up (QUARANTINED); {order.client_order_id} is {order.state}"
    namesakes = [o.client_order_id for o in state.orders.values() if word.found and o.venue_order_id == word.found and o is not order]
    if namesakes:
        return f"refused: the venue's {word.found} is {namesakes[0]}; look once more which one it is"
    if word.found and order.venue_order_id not in {"", word.found}:
        return f"refused: the venue named it {order.venue_order_id} itself"
    return ""


def _unread(event: ev.Examined) -> str:
    for reply in (event.open_orders, event.trades):
        if reply.outcome is not Outcome.OK:
            return f"refused: the venue's lists cannot be read now ({reply.outcome} {reply.code}); say it again"
    return ""


def _against(state: State, order: Order, event: ev.Examined) -> str:
    """Return what of the venue's own lists contradicts a word, or an empty text."""
    word, cid, shown = event.word, order.client_order_id, event.looked.value
    listed = [*((shown,) if shown else ()), *(event.open_orders.value or ())]
    new = [trade for trade in event.trades.value or () if f"{order.symbol} {trade.trade_id}" not in state.seen]
    if word.found:
        others = [one.venue_order_id for one in listed if one.client_order_id == cid and one.venue_order_id != word.found]
        strangers = [
            one.client_order_id for one in (*listed, *new) if one.venue_order_id == word.found and one.client_order_id not in {"", cid}
        ]
        if others:
            return f"refused: the venue shows it as {others[0]}"
        return f"refused: the venue's {word.found} is an order of another client id, {strangers[0]}" if strangers else ""
    if any(one.client_order_id == cid for one in listed):
        return "refused: the venue shows it now; it is looked up instead"
    unbooked = [trade.trade_id for trade in new if trade.client_order_id in {"", cid}]
    return f"refused: trade {unbooked[0]} of {order.symbol} is not booked and may be its own; `--found` its order's id" if unbooked else ""


def _vouch(run: Run, event: ev.Operator) -> None:
    state = run.state
    if "history" not in state.flags:
        _answer(run, event, "refused: the venue's lists are not known to leave anything out; nothing is to be vouched for", event.now_ms)
        return
    state.recovery.last.clear()
    _answer(run, event, "taken: the session starts once the books agree", event.now_ms, vouched_ms=event.now_ms)
    run.flag("history", f"{event.actor}: {event.reason}"[:400], event.now_ms, on=False)


def _answer(run: Run, word: ev.Operator, outcome: str, now: int, **more: Any) -> None:
    run.write(
        Kind.OPERATOR, command_id=word.command_id, command=word.command, actor=word.actor, reason=word.reason, outcome=outcome,
        latch=[], reset_breaker=False, at_ms=now, about=word.about, found=word.found, **more,
    )  # fmt: skip
