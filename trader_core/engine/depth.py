"""A real order book: what an order that takes liquidity would get, level by level."""

from typing import Any

from trader_core.engine.arithmetic import notional_down, notional_up
from trader_core.engine.kernel import entry


@entry
def walk(prices: Any, quantities: Any, side: int, qty: int, limit: int, multiplier: int, divisor: int) -> tuple[int, int, int]:
    """Return (quantity filled, account units paid or received, worst price) of taking levels, the best first, up to a limit.

    `prices` i8[K] and `quantities` i8[K] are the asks of a buy (side 1) or the bids of a sell (-1). Each level rounds against us.
    """
    filled, money, worst = 0, 0, 0
    for k in range(prices.shape[0]):
        if filled == qty or (prices[k] - limit) * side > 0:
            break
        taken = min(qty - filled, quantities[k])
        if taken <= 0:
            continue
        if side > 0:
            money += notional_up(prices[k], taken, multiplier, divisor)
        else:
            money += notional_down(prices[k], taken, multiplier, divisor)
        filled, worst = filled + taken, prices[k]
    return filled, money, worst
