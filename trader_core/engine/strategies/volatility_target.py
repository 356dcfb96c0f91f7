"""volatility_target: always in the market, with the less the more it moves (Moreira and Muir 2017, without leverage).

The volatility is the root of the mean square of the last `period` returns, per bar. The target is rounded down to whole steps,
so that a small change is no order. IEEE doubles, computed in one order.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import as_records, kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS, PPM


@kernel
def _volatility(bars: Any, at: int, period: int) -> float:
    squares = 0.0
    for back in range(at - period + 1, at + 1):
        before = float(bars[back - 1].close)
        if before > 0.0:  # a missing slot: the caller says nothing there
            move = (bars[back].close - before) / before
            squares += move * move
    return float(np.sqrt(squares / period))


@kernel
def _target(volatility: float, target_ppm: int, step_bps: int) -> int:
    wanted, had = float(BPS) * target_ppm, volatility * PPM
    if had * BPS <= wanted:
        return BPS
    return int(wanted / had) // step_bps * step_bps


@kernel
def decide(values: Any, window: Any) -> int:
    """Return the share of the money, in bps, at which the position's volatility is `target_ppm` a bar; 10000 at most."""
    return _target(_volatility(window, window.shape[0] - 1, values[0]), values[1], values[2])


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar; what stands before the first full window means nothing."""
    targets = np.zeros(bars.shape[0], np.int64)
    for at in range(values[0], bars.shape[0]):
        targets[at] = _target(_volatility(bars, at, values[0]), values[1], values[2])
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the volatility of the newest bars, in parts per million a bar, rounded down."""
    return {"volatility_ppm": int(_volatility(as_records(window), len(window) - 1, params["period"]) * PPM)}


class Parameters(StrategyParams):
    """What volatility_target is told."""

    period: int = param(60, 2, 500, "bars whose returns are measured", (30, 120, 30))
    target_ppm: int = param(1_000, 1, 100_000, "the position's volatility a bar, in parts per million", (500, 2000, 500))
    step_bps: int = param(1_000, 100, 5_000, "the target's steps, in hundredths of a percent", (1000, 1000, 1))


STRATEGY = Strategy(
    name="volatility_target",
    number=10,
    model=Parameters,
    lookback=lambda params: params["period"] + 1,
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
