"""aroon_trend: in the market while Aroon's oscillator has stood above a level. A frame strategy, of pandas and TA-Lib.

The oscillator (Chande 1995) compares how long ago the highest high and the lowest low of the last bars were: -100 to 100.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trader_core.engine.strategies.own import frame_strategy
from trader_core.engine.strategies.spec import Params, StrategyParams, param
from trader_core.model.money import BPS

if TYPE_CHECKING:
    import pandas as pd


class Parameters(StrategyParams):
    """What aroon_trend is told."""

    period: int = param(25, 2, 300, "bars whose highest high and lowest low are looked for", (15, 55, 10))
    level: int = param(50, -99, 99, "what the oscillator must stand above", (0, 75, 25))
    confirm: int = param(3, 1, 50, "bars for which it must have stood there", (1, 5, 2))


def targets(params: Params, frame: "pd.DataFrame") -> Any:
    """Return 10000 where the lowest oscillator of the last `confirm` bars is above `level`, else 0."""
    import pandas as pd  # noqa: PLC0415 - half a second that only its users pay
    import talib  # noqa: PLC0415

    oscillator = pd.Series(talib.AROONOSC(frame["high"].to_numpy(), frame["low"].to_numpy(), params["period"]), frame.index)
    return (oscillator.rolling(params["confirm"]).min() > params["level"]).astype(int) * BPS


STRATEGY = replace(frame_strategy(Parameters, lambda params: params["period"] + params["confirm"], targets), name="aroon_trend")
