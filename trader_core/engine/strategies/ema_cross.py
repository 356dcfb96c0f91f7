"""ema_cross: in the market while the fast exponential mean of closes stands above the slow one.

A mean over `WINDOWS` times its slow length: what lies before weighs e^-8, 0.03 %, and is left out, so that the target is a function of
the window. Means are IEEE doubles, computed in one order: the same bars give the same bits.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS

WINDOWS = 4


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the exponential mean over `fast` is above that over `slow` at the newest bar, else 0."""
    fast_share, slow_share = 2.0 / (values[0] + 1), 2.0 / (values[1] + 1)
    fast = slow = float(window[0].close)
    for at in range(1, window.shape[0]):
        close = float(window[at].close)
        fast += (close - fast) * fast_share
        slow += (close - slow) * slow_share
    return BPS if fast > slow else 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every full window, each computed anew: a running mean would remember what the window does not hold."""
    rows = WINDOWS * values[1]
    targets = np.zeros(bars.shape[0], np.int64)
    for at in range(rows - 1, bars.shape[0]):
        targets[at] = decide(values, bars[at - rows + 1 : at + 1])
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return both means of a full window, rounded down."""
    found = {}
    for name in ("fast", "slow"):
        share, mean = 2.0 / (params[name] + 1), float(window["close"][0])
        for close in window["close"][1:]:
            mean += (float(close) - mean) * share
        found[f"{name}_mean"] = int(mean)
    return found


class Parameters(StrategyParams):
    """What ema_cross is told."""

    fast: int = param(12, 1, 249, "bars of the fast mean", (5, 20, 5))
    slow: int = param(26, 2, 250, "bars of the slow mean", (25, 65, 10))


STRATEGY = Strategy(
    name="ema_cross",
    number=7,
    model=Parameters,
    lookback=lambda params: WINDOWS * params["slow"],
    check=lambda params: "" if params["fast"] < params["slow"] else "fast below slow",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
