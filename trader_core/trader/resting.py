"""Stops that rest at the venue: what of them a session's state holds, and how it follows from the records. Pure.

A stop is an order of the table with a trigger. The engine does not count it as in flight, so its fills are booked beside whatever
is; nothing else is sold of an instrument before its stop has ended.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trader_core.engine import core
from trader_core.model.errors import ChainBroken
from trader_core.model.order import OrderEvent, OrderState
from trader_core.trader.tracked import Order, hurry

if TYPE_CHECKING:
    from trader_core.trader.state import State

RESTING = "RESTING"
"""What a protocol's `stops` says where protective stops are orders at the venue."""
_OURS = (OrderState.INTENT, OrderState.CANCELING)


def on(state: "State") -> bool:
    """Return whether the session's stops are orders at the venue."""
    return state.protocol.stops == RESTING


def stop_of(state: "State", index: int) -> Order | None:
    """Return the one stop of an instrument that has not ended, or None."""
    return next((order for order in state.pending.values() if order.trigger and order.index == index), None)


def unsettled(state: "State") -> list[Order]:
    """Return the orders that have not ended, without the stops that rest at the venue: these may stay."""
    return [order for order in state.pending.values() if not order.rests]


def uncovered(state: "State") -> list[int]:
    """Return the instruments of which so much is held that the venue would take its sale, and no stop rests there."""
    held = state.slots["position"].tolist()
    if not any(held):
        return []
    covered = {order.index for order in state.pending.values() if order.rests}
    bare = [i for i, instrument in enumerate(state.instruments) if held[i] >= instrument.lot and i not in covered]
    return [i for i in bare if core.sellable_now(state.slots, state.plan_record, state.grids, i)]


def naked_ms(state: "State", now_ms: int) -> int:
    """Return for how long something is held without what its plan protects it by; 0 where nothing is, and without a stop in the plan.

    Where stops rest: since none rests at the venue. Where the trader watches them: since the end of the last bar that it judged.
    """
    if on(state):
        return max((now_ms - since for since in state.vigil.naked_ms.values()), default=0)
    plan = state.plan
    return max(now_ms - state.next_slot_ms, 0) if (plan.stop_loss_ppm or plan.trailing_ppm) and uncovered(state) else 0


def look_again(state: "State") -> None:
    """Have everything looked at soon where a stop may have sold since it was looked at: the books differ."""
    if on(state):
        hurry(state.watches)


def wanted(state: "State", index: int) -> tuple[int, int, int]:
    """Return (quantity, trigger, limit) of the stop that is to rest for an instrument; quantity 0 for none."""
    qty, trigger, limit = core.stop_wanted(state.slots, state.plan_record, state.grids, index)
    return int(qty), int(trigger), int(limit)


def decide(state: "State", ts_ms: int, instruments: Sequence[int]) -> list[list[int]]:
    """Have the engine decide on stops, and return its decisions as rows of integers."""
    return [
        [int(value) for value in state.scratch[0].tolist()]
        for index in instruments
        if core.on_protect(state.account, state.slots, state.plan_record, state.grids, index, ts_ms, state.scratch)
    ]


def apply(state: "State", body: dict[str, Any]) -> None:
    """Decide again what was recorded; raises ChainBroken when that gives something else."""
    if decide(state, body["ts"], body["instruments"]) != body["decisions"]:
        raise ChainBroken(f"the stops recorded for {body['ts']}", "others on replay", "start with the code that wrote this journal")


def count(state: "State", order: Order, before: OrderState, event: OrderEvent) -> None:
    """Count a stop that the venue did not take or keep: neither sold, nor given up or cancelled by us."""
    if order.trigger and before not in _OURS and event is not OrderEvent.FULL_FILL:
        state.stops_failed[order.index] = state.stops_failed.get(order.index, 0) + 1


def filled(state: "State", order: Order) -> None:
    """Take note of a fill: stops that failed before it are forgotten, and one that sold latches its instrument as protection does."""
    state.stops_failed.pop(order.index, None)
    if order.trigger:
        core.on_operator(state.account, state.slots, order.index, core.PROTECTED)
