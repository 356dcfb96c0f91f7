"""sma_cross: in the market while the fast mean of closes stands above the slow one."""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS


@kernel
def _above(fast_sum: int, fast: int, slow_sum: int, slow: int) -> bool:
    """Compare two means exactly, by whole part and remainder: a cross product would leave int64 at high prices."""
    fast_whole, slow_whole = fast_sum // fast, slow_sum // slow
    if fast_whole != slow_whole:
        return fast_whole > slow_whole
    return (fast_sum - fast_whole * fast) * slow > (slow_sum - slow_whole * slow) * fast


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the mean of the last `fast` closes is above that of the last `slow`, else 0."""
    fast, slow, closes = values[0], values[1], window["close"]
    fast_sum = closes[slow - fast :].sum()
    return BPS if _above(fast_sum, fast, fast_sum + closes[: slow - fast].sum(), slow) else 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar, by running sums; what stands before the first full window means nothing."""
    fast, slow = values[0], values[1]
    targets = np.zeros(bars.shape[0], np.int64)
    fast_sum, slow_sum = 0, 0
    for at in range(bars.shape[0]):
        close = bars[at].close
        fast_sum, slow_sum = fast_sum + close, slow_sum + close
        if at >= fast:
            fast_sum -= bars[at - fast].close
        if at >= slow:
            slow_sum -= bars[at - slow].close
        if _above(fast_sum, fast, slow_sum, slow):
            targets[at] = BPS
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return both means of a full window, rounded down."""
    closes = window["close"]
    return {f"{name}_mean": int(closes[-length:].sum()) // length for name, length in params.items()}


class Parameters(StrategyParams):
    """What sma_cross is told."""

    fast: int = param(20, 1, 499, "bars in the fast mean", (5, 50, 5))
    slow: int = param(100, 2, 500, "bars in the slow mean", (60, 240, 20))


STRATEGY = Strategy(
    name="sma_cross",
    number=1,
    model=Parameters,
    lookback=lambda params: params["slow"],
    check=lambda params: "" if params["fast"] < params["slow"] else "fast below slow",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
