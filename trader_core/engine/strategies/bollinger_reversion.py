"""bollinger_reversion: in the market from a close below the lower band until one above the mean.

The band is the mean of the last `period` closes less `width_pct` percent of their standard deviation (Bollinger; the population's).
The last such event inside the newest `memory` bars decides, none means flat.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.memory import held_since
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS

PERCENT = 100


@kernel
def _event(bars: Any, at: int, period: int, width_pct: int) -> int:
    """Return 1 when bar `at` closes below the band behind it, -1 when above the mean, else 0; deviations are from the mean."""
    total = 0
    for back in range(at - period + 1, at + 1):
        total += bars[back].close
    mean, squares = total / period, 0.0
    for back in range(at - period + 1, at + 1):
        apart = bars[back].close - mean
        squares += apart * apart
    below = mean - bars[at].close
    if below < 0.0:
        return -1
    return 1 if below * PERCENT > width_pct * np.sqrt(squares / period) else 0


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the newest event of the last `memory` bars was a close below the band, else 0."""
    period, width_pct, memory, rows = values[0], values[1], values[2], window.shape[0]
    for at in range(rows - 1, rows - 1 - memory, -1):
        event = _event(window, at, period, width_pct)
        if event != 0:
            return BPS if event > 0 else 0
    return 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar, by remembering the last event; what stands before the first full window means nothing."""
    period, width_pct, memory = values[0], values[1], values[2]
    events = np.zeros(bars.shape[0], np.int64)
    for at in range(period - 1, bars.shape[0]):
        events[at] = _event(bars, at, period, width_pct)
    return held_since(events, memory)


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the close, the mean and the lower band behind it, rounded down."""
    closes = window["close"][-params["period"] :].astype(np.float64)
    band = closes.mean() - params["width_pct"] / PERCENT * closes.std()
    return {"close": int(closes[-1]), "mean": int(closes.mean()), "band": int(np.floor(band))}


class Parameters(StrategyParams):
    """What bollinger_reversion is told."""

    period: int = param(20, 2, 300, "bars in the mean and the deviation", (10, 50, 10))
    width_pct: int = param(200, 10, 500, "how many hundredths of a deviation the band lies below the mean", (100, 300, 50))
    memory: int = param(100, 1, 500, "bars that an event is remembered for", (100, 100, 1))


STRATEGY = Strategy(
    name="bollinger_reversion",
    number=9,
    model=Parameters,
    lookback=lambda params: params["period"] + params["memory"] - 1,
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
