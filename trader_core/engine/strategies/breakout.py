"""breakout: in the market from a close above the highest high of the bars before it until one below their lowest low.

The last such event inside the newest `memory` bars decides, and none means flat: so the target is a function of the
window, and a session that starts today decides as one that has run for a year.
"""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.memory import held_since
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, param
from trader_core.model.bar import Bars
from trader_core.model.money import BPS


@kernel
def _event(bars: Any, at: int, entry: int, leave: int) -> int:
    """Return 1 when bar `at` closes above the `entry` highs before it, -1 when below the `leave` lows before it, else 0."""
    close = bars[at].close
    above = True
    for before in range(at - 1, max(at - entry, 0) - 1, -1):
        if bars[before].high >= close:
            above = False
            break
    if above:
        return 1
    for before in range(at - 1, max(at - leave, 0) - 1, -1):
        if bars[before].low <= close:
            return 0
    return -1


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the newest event of the last `memory` bars was an entry, else 0."""
    entry, leave, memory, rows = values[0], values[1], values[2], window.shape[0]
    for at in range(rows - 1, rows - 1 - memory, -1):
        event = _event(window, at, entry, leave)
        if event != 0:
            return BPS if event > 0 else 0
    return 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar, by remembering the last event; what stands before the first full window means nothing."""
    entry, leave, memory = values[0], values[1], values[2]
    events = np.zeros(bars.shape[0], np.int64)
    for at in range(bars.shape[0]):
        events[at] = _event(bars, at, entry, leave)
    return held_since(events, memory)


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the channel that the newest close of a full window was held against."""
    close = int(window["close"][-1])
    highest = int(window["high"][-1 - params["entry"] : -1].max())
    return {"close": close, "highest_high": highest, "lowest_low": int(window["low"][-1 - params["exit"] : -1].min())}


class Parameters(StrategyParams):
    """What breakout is told."""

    entry: int = param(55, 1, 500, "bars whose highest high a close must beat", (20, 100, 20))
    exit: int = param(20, 1, 500, "bars whose lowest low a close must undercut", (10, 50, 10))
    memory: int = param(200, 1, 500, "bars that an event is remembered for", (200, 200, 1))


STRATEGY = Strategy(
    name="breakout",
    number=2,
    model=Parameters,
    lookback=lambda params: max(params["entry"], params["exit"]) + params["memory"],
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
