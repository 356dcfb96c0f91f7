"""buy_and_hold: always in the market. What every other strategy has to be measured against."""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams
from trader_core.model.bar import Bars
from trader_core.model.money import BPS


@kernel
def decide(_values: Any, _window: Any) -> int:
    """Return 10000."""
    return BPS


@kernel
def decide_all(_values: Any, bars: Any) -> Any:
    """Return `decide` for every bar."""
    return np.full(bars.shape[0], BPS, np.int64)


def indicators(_params: Params, window: Bars) -> dict[str, int]:
    """Return the newest close: nothing is looked at."""
    return {"close": int(window["close"][-1])}


class Parameters(StrategyParams):
    """buy_and_hold is told nothing."""


STRATEGY = Strategy(
    name="buy_and_hold",
    number=5,
    model=Parameters,
    lookback=lambda _params: 1,
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
