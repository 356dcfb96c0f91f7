"""The fill model of backtest and paper: a market order at the next bar's open, never better than the bar gives it."""

from typing import Any

from trader_core.engine import book
from trader_core.engine.arithmetic import down_to, notional_up, rate_down, rate_up, up_to
from trader_core.engine.kernel import entry, kernel
from trader_core.engine.mark import USABLE, bar_state


@kernel
def open_price(plan: Any, grid: Any, price: int, side: int) -> int:
    """Return the open moved away from us by the slippage, on the tick against us; a sell gets at least one tick."""
    slip = rate_up(price, plan.slippage_ppm)
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
def fill_at_open(plan: Any, grid: Any, bar: Any, side: int, qty: int, limit: int) -> tuple[int, int, int, int]:
    """Return (quantity, price, fee in account units, fee in base) of a market order at a bar's open.

    The quantity is 0 when the price is worse than the limit or the bar's volume carries no lot. Buys pay in base where the
    instrument says so; sells always pay in quote, out of their proceeds.
    """
    price = open_price(plan, grid, bar.open, side)
    if (price - limit) * side > 0 or price > grid.price_max:
        return 0, 0, 0, 0
    filled = min(qty, volume_share(plan, grid, bar.volume))
    if filled <= 0:
        return 0, 0, 0, 0
    if side > 0 and grid.fee_in_base != 0:
        return filled, price, 0, rate_up(filled, grid.taker_ppm)
    return filled, price, rate_up(notional_up(price, filled, grid.multiplier, grid.divisor), grid.taker_ppm), 0


@kernel
def settle_side(account: Any, slot: Any, plan: Any, grid: Any, bar: Any, i: int, ts: int, side: int, row: Any) -> None:
    """Fill what is in flight on one side at the bar's open, release the rest, and write both to a row of FILL."""
    asked, limit = (slot.buying, slot.buy_limit) if side > 0 else (slot.selling, slot.sell_limit)
    qty, price, fee, fee_base = fill_at_open(plan, grid, bar, side, asked, limit)
    if qty > 0 and book.fill(account, slot, grid, side, qty, price, fee, fee_base) != book.BOOKED:
        qty, price, fee, fee_base = 0, 0, 0, 0
    if asked > qty:
        book.release(account, slot, grid, side, asked - qty, 0)
    row.ts, row.instrument, row.side, row.released = ts, i, side, asked - qty
    row.signal = slot.buy_signal if side > 0 else slot.sell_signal
    row.qty, row.price, row.fee, row.fee_base = qty, price, fee, fee_base


@kernel
def settle(account: Any, slot: Any, plan: Any, grid: Any, bar: Any, i: int, ts: int, fills: Any, rows: int) -> int:
    """Settle what one instrument has in flight, sells first, once its next bar has come; return the rows after it."""
    if bar_state(bar, grid) != USABLE:
        return rows
    if slot.selling > 0:
        settle_side(account, slot, plan, grid, bar, i, ts, -1, fills[rows])
        rows += 1
    if slot.buying > 0:
        settle_side(account, slot, plan, grid, bar, i, ts, 1, fills[rows])
        rows += 1
    return rows


@entry
def fill_of(plan: Any, grids: Any, bars: Any, i: int, side: int, qty: int, limit: int) -> tuple[int, int, int, int]:
    """Return `fill_at_open` of instrument i, from Python: plan[1], grids[N] and one slot's bars[N]."""
    return fill_at_open(plan[0], grids[i], bars[i], side, qty, limit)
