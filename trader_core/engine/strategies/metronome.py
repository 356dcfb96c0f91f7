"""metronome: in for `on` slots, out for `off`, by the clock alone: a stage's probe, and a strategy that every edge gate must refuse.

It looks at no price, so what it earns is chance less costs.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS

MINUTE_MS = 60_000


@kernel
def _target(values: Any, ts: int) -> int:
    """Return 10000 in the first `on` minutes of each `on` + `off`, counted from 1970, else 0."""
    return BPS if ts // MINUTE_MS % (values[0] + values[1]) < values[0] else 0


@kernel
def decide(values: Any, window: Any) -> int:
    """Return what the newest bar's time says."""
    return _target(values, window[window.shape[0] - 1].ts)


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar."""
    targets = np.zeros(bars.shape[0], np.int64)
    for at in range(bars.shape[0]):
        targets[at] = _target(values, bars[at].ts)
    return targets


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the minute of the period."""
    return {"minute": int(window["ts"][-1]) // MINUTE_MS % (params["on"] + params["off"])}


class Parameters(StrategyParams):
    """What metronome is told."""

    on: int = param(5, 1, 1_440, "minutes in the market", (5, 60, 5))
    off: int = param(5, 1, 1_440, "minutes out of it", (5, 60, 5))


STRATEGY = Strategy(
    name="metronome",
    number=3,
    model=Parameters,
    lookback=lambda _params: 2,  # a series that has just begun decides nothing
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
