"""momentum: in the market while the newest close stands far enough above the one `period` bars before it.

Time-series momentum (Moskowitz, Ooi and Pedersen 2012), long side alone.
"""

from typing import Any

import numpy as np

from trader_core.engine.arithmetic import rate_down
from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS, PPM


@kernel
def _rose(close: int, before: int, rise_ppm: int) -> bool:
    """Return whether a close is more than a share above an earlier one; rounding the share down is exact for whole prices."""
    return close - before > rate_down(before, rise_ppm)


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the newest close is more than `rise_ppm` above the one `period` bars before it, else 0."""
    rows = window.shape[0]
    return BPS if _rose(window[rows - 1].close, window[rows - 1 - values[0]].close, values[1]) else 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar; what stands before the first full window means nothing."""
    period, rise_ppm = values[0], values[1]
    targets = np.zeros(bars.shape[0], np.int64)
    for at in range(period, bars.shape[0]):
        if _rose(bars[at].close, bars[at - period].close, rise_ppm):
            targets[at] = BPS
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return both closes that were compared."""
    return {"close": int(window["close"][-1]), "close_before": int(window["close"][-1 - params["period"]])}


class Parameters(StrategyParams):
    """What momentum is told."""

    period: int = param(60, 1, 500, "bars back to the close that is compared with", (20, 240, 20))
    rise_ppm: int = param(0, 0, PPM, "how far above it the newest close must stand, in parts per million", (0, 20000, 5000))


STRATEGY = Strategy(
    name="momentum",
    number=4,
    model=Parameters,
    lookback=lambda params: params["period"] + 1,
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
