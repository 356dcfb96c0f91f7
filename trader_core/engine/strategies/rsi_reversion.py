"""rsi_reversion: in the market from an oversold relative strength index until an overbought one.

The index is the share of the gains in all moves of the last `period` bars, in percent: simple sums (Cutler), not Wilder's
endless average, so that it is a function of the window. The last event inside the newest `memory` bars decides, none means flat.
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
def _event(gains: int, losses: int, low: int, high: int) -> int:
    """Return 1 when 100 * gains <= low * moves, -1 when 100 * gains >= high * moves, 0 between and without a move.

    By whole part and remainder: a product with 100 would leave int64 at high prices.
    """
    moves = gains + losses
    if moves == 0:
        return 0
    whole, rest = moves // PERCENT, moves % PERCENT
    if gains <= whole * low + rest * low // PERCENT:
        return 1
    return -1 if gains >= whole * high - (-rest * high // PERCENT) else 0


@kernel
def _move(bars: Any, at: int) -> int:
    return int(bars[at].close - bars[at - 1].close)


@kernel
def decide(values: Any, window: Any) -> int:
    """Return 10000 when the newest event of the last `memory` bars was an oversold index, else 0."""
    period, low, high, memory, rows = values[0], values[1], values[2], values[3], window.shape[0]
    for at in range(rows - 1, rows - 1 - memory, -1):
        gains, losses = 0, 0
        for back in range(at - period + 1, at + 1):
            move = _move(window, back)
            gains, losses = gains + max(move, 0), losses + max(-move, 0)
        event = _event(gains, losses, low, high)
        if event != 0:
            return BPS if event > 0 else 0
    return 0


@kernel
def decide_all(values: Any, bars: Any) -> Any:
    """Return `decide` for every bar, by running sums and the last event; what stands before the first full window means nothing."""
    period, low, high, memory = values[0], values[1], values[2], values[3]
    events = np.zeros(bars.shape[0], np.int64)
    gains, losses = 0, 0
    for at in range(1, bars.shape[0]):
        move = _move(bars, at)
        gains, losses = gains + max(move, 0), losses + max(-move, 0)
        if at > period:
            move = _move(bars, at - period)
            gains, losses = gains - max(move, 0), losses - max(-move, 0)
        if at >= period:
            events[at] = _event(gains, losses, low, high)
    return held_since(events, memory)


def indicators(params: Params, window: Bars) -> dict[str, int]:
    """Return the sums of gains and losses behind the newest bar, and the index in percent, rounded down; -1 without a move."""
    moves = np.diff(window["close"][-1 - params["period"] :])
    gains, losses = int(moves[moves > 0].sum()), int(-moves[moves < 0].sum())
    return {"gains": gains, "losses": losses, "rsi": gains * PERCENT // (gains + losses) if gains + losses else -1}


class Parameters(StrategyParams):
    """What rsi_reversion is told."""

    period: int = param(14, 2, 200, "bars whose moves are summed", (7, 28, 7))
    low: int = param(30, 1, 49, "percent at which the market is oversold", (20, 40, 5))
    high: int = param(55, 50, 99, "percent at which it is left again", (50, 70, 5))
    memory: int = param(200, 1, 500, "bars that an event is remembered for", (200, 200, 1))


STRATEGY = Strategy(
    name="rsi_reversion",
    number=6,
    model=Parameters,
    lookback=lambda params: params["period"] + params["memory"],
    check=lambda _params: "",
    decide=decide,
    decide_all=decide_all,
    indicators=indicators,
)
