"""Deciding over a table of bars: every instrument and slot by one compiled call, in blocks that stay in the processor's cache."""

from typing import Any

import numpy as np

from trader_core.engine.kernel import entry, kernel
from trader_core.engine.strategies import (
    bollinger_reversion,
    breakout,
    buy_and_hold,
    ema_cross,
    macd,
    metronome,
    momentum,
    rsi_reversion,
    sma_cross,
    volatility_target,
)
from trader_core.model.bar import BAR, Bars

FILES = (sma_cross, breakout, metronome, momentum, buy_and_hold, rsi_reversion, ema_cross, macd, bollinger_reversion, volatility_target)
SMA_CROSS, BREAKOUT, METRONOME = sma_cross.STRATEGY.number, breakout.STRATEGY.number, metronome.STRATEGY.number
MOMENTUM, BUY_AND_HOLD, RSI_REVERSION = momentum.STRATEGY.number, buy_and_hold.STRATEGY.number, rsi_reversion.STRATEGY.number
EMA_CROSS, MACD, BOLLINGER = ema_cross.STRATEGY.number, macd.STRATEGY.number, bollinger_reversion.STRATEGY.number
VOLATILITY_TARGET = volatility_target.STRATEGY.number
NO_DECISION, WAITS = -1, -2
BLOCK = 2048
"""Slots that are decided on together: a block of ten instruments fits a second-level cache."""


@kernel
def _each_more(number: int, values: Any, lookback: int, bars: Any, found: Any) -> None:  # noqa: C901, PLR0912 - as _each
    if number == RSI_REVERSION:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = rsi_reversion.decide(values, bars[at - lookback + 1 : at + 1])
    if number == EMA_CROSS:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = ema_cross.decide(values, bars[at - lookback + 1 : at + 1])
    if number == MACD:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = macd.decide(values, bars[at - lookback + 1 : at + 1])
    if number == BOLLINGER:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = bollinger_reversion.decide(values, bars[at - lookback + 1 : at + 1])
    if number == VOLATILITY_TARGET:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = volatility_target.decide(values, bars[at - lookback + 1 : at + 1])


@kernel
def _each(number: int, values: Any, lookback: int, bars: Any, found: Any) -> None:  # noqa: C901, PLR0912 - a list of loops
    """Decide on every window that waits. One loop per strategy: a choice inside the loop would cost as much as a decision."""
    if number == SMA_CROSS:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = sma_cross.decide(values, bars[at - lookback + 1 : at + 1])
    if number == BREAKOUT:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = breakout.decide(values, bars[at - lookback + 1 : at + 1])
    if number == METRONOME:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = metronome.decide(values, bars[at - lookback + 1 : at + 1])
    if number == MOMENTUM:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = momentum.decide(values, bars[at - lookback + 1 : at + 1])
    if number == BUY_AND_HOLD:
        for at in range(lookback - 1, bars.shape[0]):
            if found[at] == WAITS:
                found[at] = buy_and_hold.decide(values, bars[at - lookback + 1 : at + 1])
    _each_more(number, values, lookback, bars, found)


@kernel
def _sweep_more(number: int, values: Any, bars: Any) -> Any:
    if number == RSI_REVERSION:
        return rsi_reversion.decide_all(values, bars)
    if number == EMA_CROSS:
        return ema_cross.decide_all(values, bars)
    if number == MACD:
        return macd.decide_all(values, bars)
    if number == BOLLINGER:
        return bollinger_reversion.decide_all(values, bars)
    return volatility_target.decide_all(values, bars)


@kernel
def _sweep(number: int, values: Any, bars: Any) -> Any:
    if number == SMA_CROSS:
        return sma_cross.decide_all(values, bars)
    if number == BREAKOUT:
        return breakout.decide_all(values, bars)
    if number == METRONOME:
        return metronome.decide_all(values, bars)
    if number == MOMENTUM:
        return momentum.decide_all(values, bars)
    if number == BUY_AND_HOLD:
        return buy_and_hold.decide_all(values, bars)
    return _sweep_more(number, values, bars)


@kernel
def _waiting(part: Any, lookback: int, start: int) -> Any:
    """Return WAITS for each bar from `start` on whose window is full and without a gap, NO_DECISION elsewhere."""
    found, run = np.full(part.shape[0], NO_DECISION), 0
    for at in range(part.shape[0]):
        run = run + 1 if part[at].close > 0 else 0
        if run >= lookback and at >= start:
            found[at] = WAITS
    return found


@entry
def decide_table(
    number: int, values: Any, lookback: int, sweeps: int, bars: Any, scratch: Any, targets: Any, from_row: int, to_row: int
) -> None:  # fmt: skip
    """Write the target behind every full window without a gap to targets[from_row:to_row, N], and -1 elsewhere.

    With `sweeps` by the strategy's `decide_all`, else by `decide` on each window. scratch[BLOCK + lookback] holds a block of
    one instrument's bars side by side, so that a strategy sees one layout only.
    """
    rows, count = bars.shape
    flat, span = bars.reshape(rows * count), scratch.shape[0] - lookback
    for start in range(from_row, to_row, span):
        end, first = min(start + span, to_row), max(start - lookback + 1, 0)
        for i in range(count):
            part = flat[first:end] if count == 1 else scratch[: end - first]
            if count > 1:
                for at in range(first, end):
                    part[at - first] = bars[at, i]
            found = _waiting(part, lookback, start - first)
            if sweeps == 0:
                _each(number, values, lookback, part, found)
            else:
                swept = _sweep(number, values, part)
                for at in range(end - first):
                    if found[at] == WAITS:
                        found[at] = swept[at]
            for at in range(start, end):
                targets[at, i] = found[at - first]


def scratch_for(lookback: int) -> Bars:
    """Return the block that `decide_table` needs for a lookback."""
    return np.zeros(max(BLOCK, 8 * lookback) + lookback, BAR)
