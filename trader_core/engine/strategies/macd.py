"""macd: in the market while the difference of two exponential means stands above its own mean (Appel 1979).

Windows and arithmetic as in ema_cross.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import as_records, kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS

WINDOWS = 4


@kernel
def _lines(fast_length: int, slow_length: int, signal_length: int, window: Any) -> Any:
    """Return (line, signal) at the newest bar of a window."""
    fast_share, slow_share, signal_share = 2.0 / (fast_length + 1), 2.0 / (slow_length + 1), 2.0 / (signal_length + 1)
    fast = slow = float(window[0].close)
    signal = 0.0
    for at in range(1, window.shape[0]):
        close = float(window[at].close)
        fast += (close - fast) * fast_share
        slow += (close - slow) * slow_share
        signal += (fast - slow - signal) * signal_share
    return fast - slow, signal


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the line is above its signal at the newest bar, else 0."""
    line, signal = _lines(values[0], values[1], values[2], window)
    return BPS if line > signal else 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every full window, each computed anew."""
    rows = WINDOWS * (values[1] + values[2])
    targets = np.zeros(bars.shape[0], np.int64)
    for at in range(rows - 1, bars.shape[0]):
        targets[at] = decide(values, bars[at - rows + 1 : at + 1])
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the line and its signal at the newest bar of a full window, in units of the price, rounded down."""
    line, signal = _lines(params["fast"], params["slow"], params["signal"], as_records(window))
    return {"line": int(np.floor(line)), "signal": int(np.floor(signal))}


class Parameters(StrategyParams):
    """What macd is told."""

    fast: int = param(12, 1, 149, "bars of the fast mean", (8, 16, 4))
    slow: int = param(26, 2, 150, "bars of the slow mean", (20, 32, 4))
    signal: int = param(9, 1, 100, "bars of the difference's own mean", (6, 12, 3))


STRATEGY = Strategy(
    name="macd",
    number=8,
    model=Parameters,
    lookback=lambda params: WINDOWS * (params["slow"] + params["signal"]),
    check=lambda params: "" if params["fast"] < params["slow"] else "fast below slow",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
