"""Window strategies: one file each, compiled, blind to everything but the last bars. A new one is entered here twice."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine.kernel import as_records, entry, kernel
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
from trader_core.engine.strategies.spec import Param, Params, Strategy
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.money import PRODUCT_MAX

FILES = (sma_cross, breakout, metronome, momentum, buy_and_hold, rsi_reversion, ema_cross, macd, bollinger_reversion, volatility_target)
STRATEGIES: dict[str, Strategy] = {file.STRATEGY.name: file.STRATEGY for file in FILES}
SMA_CROSS, BREAKOUT, METRONOME = sma_cross.STRATEGY.number, breakout.STRATEGY.number, metronome.STRATEGY.number
MOMENTUM, BUY_AND_HOLD, RSI_REVERSION = momentum.STRATEGY.number, buy_and_hold.STRATEGY.number, rsi_reversion.STRATEGY.number
EMA_CROSS, MACD, BOLLINGER = ema_cross.STRATEGY.number, macd.STRATEGY.number, bollinger_reversion.STRATEGY.number
VOLATILITY_TARGET = volatility_target.STRATEGY.number
NO_DECISION = -1


def find(name: str) -> Strategy:
    """Return the strategy of that name; raises UnknownName with the list of those that exist."""
    if name not in STRATEGIES:
        raise UnknownName(f"a strategy of {', '.join(sorted(STRATEGIES))}", repr(name), "choose one of them")
    return STRATEGIES[name]


def parse_params(strategy: Strategy, given: Mapping[str, int | str]) -> dict[str, int]:
    """Return all parameters in the strategy's order, defaults filled in.

    Raises UnknownName for one that the strategy does not have, OutOfRange for a value outside its range.
    """
    names = [param.name for param in strategy.params]
    for name in given:
        if name not in names:
            raise UnknownName(f"a parameter of {strategy.name}: {', '.join(names)}", repr(name), "choose one of them")
    params = {param.name: _value(strategy, param, given.get(param.name, param.default)) for param in strategy.params}
    wrong = strategy.check(params)
    if wrong:
        found = ", ".join(f"{name} {value}" for name, value in params.items())
        raise OutOfRange(f"{wrong} for {strategy.name}", found, "change one of them")
    return params


def lookback(name: str, params: Params) -> int:
    """Return how many closed bars the window of a strategy holds."""
    return find(name).lookback(params)


def target_at(name: str, params: Params, window: Bars) -> int:
    """Return the target in bps for the newest of the bars[T], or -1 while the window has a missing slot or is too short."""
    rows = lookback(name, params)
    if len(window) < rows:
        return NO_DECISION
    return int(targets_of(name, params, window[len(window) - rows :])[-1])


def targets_of(name: str, params: Params, bars: Bars, valid: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return `decide` on the window behind every bar of bars[T], as targets i8[T] in bps: the evidence grade.

    -1 where the window has a missing slot (not `valid`; by default close 0) or is too short. Raises DataFault for prices
    that a sum over the window cannot carry.
    """
    strategy, targets = find(name), np.full(len(bars), NO_DECISION, np.int64)
    bars = _checked(strategy, params, bars)
    decide_each(strategy.number, _values(strategy, params), strategy.lookback(params), bars, _mask(bars, valid), targets)
    return targets


def targets_all(name: str, params: Params, bars: Bars, valid: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return what `targets_of` returns, by the strategy's `decide_all`: for sweeps."""
    strategy = find(name)
    bars = _checked(strategy, params, bars)
    targets: NDArray[np.int64] = strategy.decide_all(_values(strategy, params), as_records(bars))
    rows = np.arange(len(bars))
    gap = np.maximum.accumulate(np.where(_mask(bars, valid), -1, rows)) if len(bars) else rows
    return np.where(rows - gap >= strategy.lookback(params), targets, NO_DECISION)


@kernel
def _decide_more(number: int, values: Any, window: Any) -> int:
    if number == RSI_REVERSION:
        return rsi_reversion.decide(values, window)
    if number == EMA_CROSS:
        return ema_cross.decide(values, window)
    if number == MACD:
        return macd.decide(values, window)
    if number == BOLLINGER:
        return bollinger_reversion.decide(values, window)
    if number == VOLATILITY_TARGET:
        return volatility_target.decide(values, window)
    return NO_DECISION


@kernel
def _decide(number: int, values: Any, window: Any) -> int:
    """Dispatch by number: a function as an argument would be compiled anew in every process."""
    if number == SMA_CROSS:
        return sma_cross.decide(values, window)
    if number == BREAKOUT:
        return breakout.decide(values, window)
    if number == METRONOME:
        return metronome.decide(values, window)
    if number == MOMENTUM:
        return momentum.decide(values, window)
    if number == BUY_AND_HOLD:
        return buy_and_hold.decide(values, window)
    return _decide_more(number, values, window)


@entry
def decide_each(number: int, values: Any, lookback: int, bars: Any, valid: Any, targets: Any) -> None:
    """Write the decision of each bar whose window is full and without a gap to targets[T]; leave the others alone."""
    run = 0
    for at in range(bars.shape[0]):
        run = run + 1 if valid[at] else 0
        if run >= lookback:
            targets[at] = _decide(number, values, bars[at - lookback + 1 : at + 1])


def _value(strategy: Strategy, param: Param, given: int | str) -> int:
    expected = f"{param.name} of {strategy.name} ({param.meaning}) as a whole number from {param.low} to {param.high}"
    try:
        value = int(given)
    except ValueError as error:
        raise OutOfRange(expected, repr(given), "choose a value in that range") from error
    if not param.low <= value <= param.high:
        raise OutOfRange(expected, str(value), "choose a value in that range")
    return value


def _values(strategy: Strategy, params: Params) -> NDArray[np.int64]:
    return np.array([params[param.name] for param in strategy.params], np.int64)


def _mask(bars: Bars, valid: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.require(bars["close"] > 0 if valid is None else valid, np.bool_, ["C", "W"])


def _checked(strategy: Strategy, params: Params, bars: Bars) -> Bars:
    """Return bars[T] in the one layout that is compiled for, small enough to be summed."""
    shaped = np.require(bars, BAR, ["C", "W"])
    door, top = PRODUCT_MAX // strategy.lookback(params), int(shaped["close"].max(initial=0))
    if top > door:
        raise DataFault(f"prices up to {door} for {strategy.name}", str(top), "use fewer decimals or a shorter lookback")
    return shaped


__all__ = [
    "NO_DECISION",
    "STRATEGIES",
    "Param",
    "Params",
    "Strategy",
    "find",
    "lookback",
    "parse_params",
    "target_at",
    "targets_all",
    "targets_of",
]
