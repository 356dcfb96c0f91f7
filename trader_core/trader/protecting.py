"""Protective stops at the venue: placed, replaced, and withdrawn before anything else is sold. Pure.

At most one stop of an instrument has not ended. It is placed by the protocol of every order, for all that one order may sell of the
position. The engine judges each bar as well: what a stop has not sold by then leaves at the market, behind the stop's cancellation.
"""

from trader_core.model.order import OrderEvent, OrderState
from trader_core.model.session import Mode, Side
from trader_core.trader import events as ev
from trader_core.trader import resting
from trader_core.trader.records import Kind
from trader_core.trader.run import AT_VENUE, Run, cancel, intend
from trader_core.trader.state import State
from trader_core.trader.tracked import Order

BACKOFF_MS = (0, 1_000, 5_000, 20_000, 60_000, 300_000)
"""How long after the last try a stop is wanted again, by how many of them failed; behind the last one the trader watches alone."""
MOVED_PPM = 1_000
"""A stop whose level moved by less than this share stays: between two stops nothing rests."""
NAKED_MS_MAX = 60_000
"""So long may something be held that no stop protects; then nothing new is bought, and people are told."""
NAKED = "naked"
TICKED = frozenset({"closing", "errors"})
"""While one of these stands time is told though nothing is on its way."""
ENDING = frozenset({"stopping", "closing"})


def tend(run: Run, now: int) -> None:
    """Leave every instrument with the one stop that it should have, as far as one step can."""
    state = run.state
    if not resting.on(state) or state.closed:
        return
    for order in [order for order in state.pending.values() if order.rests]:
        if _outdated(state, order):
            cancel(run, order, now)
    _let_go(run, now)
    naked = resting.uncovered(state)
    bare = [i for i in naked if _may_place(state, i, now)]
    rows = resting.decide(state, int(state.account["ts"][0]), bare) if bare else []
    if rows:
        run.keep(Kind.STOPS, ts=int(state.account["ts"][0]), instruments=bare, decisions=rows)
        run.effects.append(ev.Continue(tuple(intend(run, row) for row in rows)))
        state.vigil.tried_ms.update((row[INSTRUMENT], now) for row in rows)
        naked = resting.uncovered(state)
    _watch(run, naked, now)


INSTRUMENT = 2
"""Where a decision's instrument stands in its row."""


def stays(order: Order) -> bool:
    """Return whether a kill and a cancel-all leave an order: a stop that has left."""
    return order.trigger > 0 and order.state is not OrderState.INTENT


def held_back(run: Run, order: Order, now: int) -> bool:
    """Return whether an intent must not leave now: an exit waits for the end of its instrument's stop, which is cancelled for it.

    A stop that is no longer what is wanted is given up, and so is one that has not left yet when an exit is about to.
    """
    state = run.state
    if order.side is Side.BUY:
        return False
    if order.trigger:
        outdated = resting.wanted(state, order.index)[0] != order.qty
        return outdated and run.move(order, OrderEvent.ABANDON, now, why="no longer wanted")
    stop = resting.stop_of(state, order.index)
    if stop is None:
        return False
    if stop.state is OrderState.INTENT:
        run.move(stop, OrderEvent.ABANDON, now, why="an exit goes first")
        return False
    if stop.state in AT_VENUE:
        cancel(run, stop, now)
    state.vigil.waiting.add(order.client_order_id)
    return True


def restless(state: State) -> bool:
    """Return whether time alone may call for something: an order, a fee or a flag wants it, or something is held without its stop."""
    if state.pending or state.fees_due or not TICKED.isdisjoint(state.flags):
        return True
    return resting.on(state) and bool(NAKED in state.flags or resting.uncovered(state))


def _outdated(state: State, stop: Order) -> bool:
    """Return whether a stop that rests has to go: for an exit, as more than is held, at the end, or for a better one."""
    index, left = stop.index, stop.qty - stop.filled
    if left > state.position(index):
        return True
    if state.mode is Mode.KILLED:
        return False
    if "stopping" in state.flags or any(state.orders[cid].index == index for cid in state.vigil.waiting):
        return True
    qty, trigger, _ = resting.wanted(state, index)
    if qty == 0:
        return False
    other = qty != left and not state.slots["buying"][index]
    return other or abs(trigger - stop.trigger) * 1_000_000 > stop.trigger * MOVED_PPM


def _may_place(state: State, index: int, now: int) -> bool:
    """Return whether a stop may be wanted now: not while anything sells, or at the end, nor sooner than the failed ones allow."""
    if state.mode is Mode.KILLED or ENDING & state.flags.keys():
        return False
    if any(o.index == index and o.side is Side.SELL for o in state.pending.values()):
        return False
    failed = state.stops_failed.get(index, 0)
    return failed < len(BACKOFF_MS) and now >= state.vigil.tried_ms.get(index, now - BACKOFF_MS[failed]) + BACKOFF_MS[failed]


def _let_go(run: Run, now: int) -> None:
    """Let exits leave whose stop has ended, or give them up where it has sold what they wanted to sell."""
    state, due = run.state, list[str]()
    for cid in sorted(state.vigil.waiting):
        order = state.orders[cid]
        if order.state is OrderState.INTENT and resting.stop_of(state, order.index) is not None:
            continue
        state.vigil.waiting.discard(cid)
        if order.state is not OrderState.INTENT:
            continue
        if order.qty > state.position(order.index):
            run.move(order, OrderEvent.ABANDON, now, why="its stop sold first")
        else:
            due.append(cid)
    if due:
        run.effects.append(ev.Continue(tuple(due)))


def _watch(run: Run, bare: list[int], now: int) -> None:
    """Count how long something is held without its stop, and reduce where that lasts too long, or where no further stop is tried."""
    state, naked = run.state, run.state.vigil.naked_ms
    for index in [index for index in naked if index not in bare]:
        del naked[index]
    for index in bare:
        naked.setdefault(index, now)
    late = [i for i in bare if now - naked[i] > NAKED_MS_MAX or state.stops_failed.get(i, 0) >= len(BACKOFF_MS)]
    if late:
        symbols = ", ".join(state.instruments[i].symbol for i in late)
        run.flag(NAKED, f"no stop rests at the venue for {symbols}: the trader alone watches", now, on=True)
    elif not bare:
        run.flag(NAKED, "every position has its stop", now, on=False)
