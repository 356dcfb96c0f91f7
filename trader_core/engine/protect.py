"""Protection: the prices at which a position is left, as they stand, rise with the market, and are hit."""

from typing import Any

from trader_core.engine.arithmetic import rate_down, rate_up
from trader_core.engine.kernel import kernel
from trader_core.model.money import PPM, PRODUCT_MAX

BY_PROTECTION, BY_OPERATOR = 1, 2
"""What latched a slot."""


@kernel
def stop_level(slot: Any, plan: Any) -> int:
    """Return the higher of the fixed stop below the average price and the trailing one below the top; 0 for none."""
    level = 0
    if plan.stop_loss_ppm > 0:
        level = slot.entry_cost - rate_down(slot.entry_cost, plan.stop_loss_ppm)
    if plan.trailing_ppm > 0:
        level = max(level, slot.top - rate_down(slot.top, plan.trailing_ppm))
    return int(level)


@kernel
def take_level(entry: int, ppm: int) -> int:
    """Return the price that lies `ppm` above an average price, rounded up; 0 for none, and where no price could reach it."""
    whole = ppm // PPM
    if ppm == 0 or entry > PRODUCT_MAX // (whole + 2):
        return 0
    return entry + entry * whole + rate_up(entry, ppm % PPM)


@kernel
def arm(slot: Any, plan: Any, grid: Any, ts: int) -> None:
    """Set the levels after a fill: of what is held now, or none."""
    if slot.position < grid.lot:
        slot.entry_ts, slot.top, slot.stop_price, slot.take_price = 0, 0, 0, 0
        return
    if slot.entry_ts == 0:
        slot.entry_ts = ts
    slot.top = max(slot.top, slot.entry_cost)
    slot.stop_price, slot.take_price = stop_level(slot, plan), take_level(slot.entry_cost, plan.take_profit_ppm)


@kernel
def stop_hit(slot: Any, bar: Any) -> bool:
    """Return whether the bar's low reached the stop."""
    return bool(bar.low <= slot.stop_price)


@kernel
def take_hit(slot: Any, bar: Any) -> bool:
    """Return whether the bar's high reached the take."""
    return bool(0 < slot.take_price <= bar.high)


@kernel
def watch_position(slot: Any, plan: Any, bar: Any, ts: int) -> None:
    """Latch what a bar says to leave, and let the trailing stop rise behind it.

    The bar's low is judged against the stop as it stood before: within a bar nobody knows whether the high came first.
    """
    left = plan.resting == 0 and (stop_hit(slot, bar) or take_hit(slot, bar))
    if plan.trailing_ppm > 0 and bar.high > slot.top:
        slot.top = bar.high
        slot.stop_price = stop_level(slot, plan)
        left = left or (plan.resting == 0 and bar.close <= slot.stop_price)
    if 0 < plan.time_stop_ms <= ts - slot.entry_ts:
        left = True
    if left and slot.latched == 0 and (slot.selling == 0 or slot.sell_kind != 0):
        slot.latched, slot.refused = BY_PROTECTION, 0
