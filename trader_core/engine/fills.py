"""The fill model of backtest and paper: where an order meets a bar, at which price, how much of it, and for which fee.

Pessimistic inside a bar: what a bar cannot prove did not happen, and its open is the only price that a taker may count on.
"""

from typing import Any

from trader_core.engine.arithmetic import down_to, mix, multiply_divide, notional_up, rate_down, rate_up, up_to
from trader_core.engine.kernel import entry, kernel
from trader_core.model.money import PPM
from trader_core.model.plan import OrderKind

MARKET, LIMIT, STOP, STOP_LIMIT = int(OrderKind.MARKET), int(OrderKind.LIMIT), int(OrderKind.STOP), int(OrderKind.STOP_LIMIT)


@kernel
def slippage(plan: Any, grid: Any, bar: Any, side: int, qty: int) -> int:
    """Return how much worse a taker's price is, in parts per million, at most the whole price."""
    total = plan.slippage_ppm + (plan.spread_ppm + 1) // 2
    if plan.stress_high_ppm > 0:
        span = plan.stress_high_ppm - plan.stress_low_ppm + 1
        total += plan.stress_low_ppm + mix(grid.hash ^ plan.stress_seed, 2 * bar.ts + (side > 0)) % span
    if plan.impact_ppm > 0 and bar.volume > 0:
        total += multiply_divide(plan.impact_ppm, min(qty, bar.volume), bar.volume) + 1
    return int(min(total, PPM))


@kernel
def taker_price(grid: Any, price: int, side: int, ppm: int) -> int:
    """Return a price moved away from us, on the tick against us; a sell gets at least one tick."""
    slip = rate_up(price, ppm)
    if side > 0:
        return int(up_to(price + slip, grid.tick))
    return int(max(down_to(price - slip, grid.tick), grid.tick))


@kernel
def volume_share(plan: Any, grid: Any, volume: int) -> int:
    """Return the quantity on the lot that one order may take of a bar's volume; without a participation there is no bound."""
    if plan.participation_ppm == 0:
        return int(grid.qty_max)
    return down_to(rate_down(max(volume, 0), plan.participation_ppm), grid.lot)


@kernel
def meet(bar: Any, side: int, kind: int, trigger: int, limit: int, fresh: int) -> tuple[int, int, int]:
    """Return (price before slippage or 0, the order's kind after the bar, 1 as maker) of an order that works in a bar.

    A limit order that is marketable when it arrives takes the open; one that rests fills at its limit, when the market trades
    through it: at its very price others may have stood before it. A stop fills at its trigger, or at an open beyond it.
    """
    if kind == LIMIT:
        if fresh != 0 and (limit - bar.open) * side >= 0:
            return bar.open, LIMIT, 0
        through = bar.low < limit if side > 0 else bar.high > limit
        return (limit if through else 0), LIMIT, 1
    if kind == MARKET:
        return bar.open, MARKET, 0
    after = MARKET if kind == STOP else LIMIT
    if (bar.open - trigger) * side >= 0:
        return bar.open, after, 0
    reached = bar.high >= trigger if side > 0 else bar.low <= trigger
    return (trigger if reached else 0), (after if reached else kind), 0


@kernel
def fill_from(plan: Any, grid: Any, bar: Any, side: int, qty: int, limit: int, price: int, maker: int) -> tuple[int, int, int, int]:
    """Return (quantity, price, fee in account units, fee in base) of an order that met a bar at a price.

    The quantity is 0 when the price is worse than the limit or the bar's volume carries no lot. Buys pay in base where the
    instrument says so; sells always pay in quote, out of their proceeds.
    """
    filled = min(qty, volume_share(plan, grid, bar.volume))
    if price <= 0 or filled <= 0:
        return 0, 0, 0, 0
    if maker == 0:
        price = taker_price(grid, price, side, slippage(plan, grid, bar, side, filled))
    if (price - limit) * side > 0 or price > grid.price_max:
        return 0, 0, 0, 0
    ppm = grid.maker_ppm if maker != 0 else grid.taker_ppm
    if side > 0 and grid.fee_in_base != 0:
        return filled, price, 0, rate_up(filled, ppm)
    return filled, price, rate_up(notional_up(price, filled, grid.multiplier, grid.divisor), ppm), 0


@entry
def fill_of(plan: Any, grids: Any, bars: Any, i: int, side: int, qty: int, limit: int, price: int) -> tuple[int, int, int, int]:
    """Return `fill_from` of a taker of instrument i, from Python: plan[1], grids[N] and one slot's bars[N]."""
    return fill_from(plan[0], grids[i], bars[i], side, qty, limit, price, 0)
