"""Sizing: from a target in basis points of a slot to a quantity on the lot and a limit on the tick."""

from typing import Any

from trader_core.engine.arithmetic import before_rate, down_to, notional_down, notional_up, quantity_of, rate_down, rate_up, up_to
from trader_core.engine.fills import LIMIT, MARKET
from trader_core.engine.guard import too_small
from trader_core.engine.kernel import kernel
from trader_core.model.money import BPS


@kernel
def slot_worth(account: Any, plan: Any, grid: Any) -> int:
    """Return the worth of the instrument's slot: an equal split of min(capital, equity), or its own allocation."""
    base = max(min(plan.capital, account.equity), 0)
    if grid.allocation_bps > 0:
        return int((base // BPS) * grid.allocation_bps + (base % BPS) * grid.allocation_bps // BPS)
    return int(base // plan.positions_max)


@kernel
def wanted_quantity(slot_money: int, target: int, close: int, grid: Any) -> int:
    """Return the quantity on the lot that the target's share of the slot buys at the close."""
    worth = (slot_money // BPS) * target + (slot_money % BPS) * target // BPS
    return down_to(quantity_of(worth, close, grid.multiplier, grid.divisor), grid.lot)


@kernel
def in_band(plan: Any, grid: Any, slot_money: int, close: int, qty: int) -> bool:
    """Return whether a change is too small to be worth trading: below the multiple of the venue's minimum or the slot's share."""
    minimum = max(grid.notional_min, notional_up(close, grid.qty_min, grid.multiplier, grid.divisor))
    band = max(rate_up(minimum, plan.minimum_ppm), rate_up(slot_money, plan.band_ppm))
    return qty <= 0 or notional_down(close, qty, grid.multiplier, grid.divisor) < band


@kernel
def buy_limit(plan: Any, grid: Any, close: int) -> int:
    """Return the highest price that a buy may pay: the close and the collar, down to the tick, at least one tick."""
    return int(max(down_to(close + rate_down(close, plan.collar_ppm), grid.tick), grid.tick))


@kernel
def entry_prices(plan: Any, grid: Any, close: int) -> tuple[int, int]:
    """Return (trigger, limit) of an entry of the plan's kind: the trigger is 0 where there is none."""
    if plan.entry_kind == MARKET:
        return 0, buy_limit(plan, grid, close)
    if plan.entry_kind == LIMIT:
        return 0, max(down_to(close - rate_up(close, plan.entry_offset_ppm), grid.tick), grid.tick)
    trigger = up_to(close + rate_up(close, plan.entry_offset_ppm), grid.tick)
    return trigger, buy_limit(plan, grid, trigger)


@kernel
def exit_limit(plan: Any, grid: Any, close: int) -> int:
    """Return the price of a strategy's limit exit: the close and the offset, up to the tick."""
    return int(up_to(close + rate_up(close, plan.exit_offset_ppm), grid.tick))


@kernel
def sell_limit(grid: Any, close: int, collar_ppm: int) -> int:
    """Return the lowest price that a sell may take: the close less the collar, up to the tick, at least one tick."""
    return int(max(up_to(close - rate_down(close, collar_ppm), grid.tick), grid.tick))


@kernel
def resting_stop(slot: Any, plan: Any, grid: Any) -> tuple[int, int, int]:
    """Return (quantity, trigger, limit) of the stop that is to rest at the venue for what is held; quantity 0 for none.

    None rests where the slot is latched or a sale is in flight already, nor where the venue would not take it at its limit.
    """
    trigger = down_to(slot.stop_price, grid.tick)
    if trigger <= 0 or slot.latched != 0 or slot.selling > 0:
        return 0, 0, 0
    qty, limit = sellable(slot, plan, grid, trigger), sell_limit(grid, trigger, plan.exit_collar_ppm)
    return (0, 0, 0) if too_small(grid, limit, qty) else (qty, trigger, limit)


@kernel
def affordable(account: Any, grid: Any, limit: int) -> int:
    """Return the quantity on the lot whose worst cost the unreserved cash carries."""
    amount = before_rate(account.cash - account.reserved, max(grid.taker_ppm, grid.maker_ppm))
    return down_to(quantity_of(amount, limit, grid.multiplier, grid.divisor), grid.lot)


@kernel
def sellable(slot: Any, plan: Any, grid: Any, close: int) -> int:
    """Return what one order can sell of the position: on the lot, within order_max where a part can be sold; 0 for none."""
    qty = down_to(slot.position, grid.lot)
    if too_small(grid, close, qty):
        return 0
    if notional_up(close, qty, grid.multiplier, grid.divisor) > plan.order_max:
        part = down_to(quantity_of(plan.order_max, close, grid.multiplier, grid.divisor), grid.lot)
        if not too_small(grid, close, part):
            return part
    return qty
