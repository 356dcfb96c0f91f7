"""Window strategies: one file each, compiled, blind to everything but the last bars. A new one is entered here twice."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from trader_core.engine.strategies.spec import Param, Params, Strategy
from trader_core.engine.strategies.table import FILES, NO_DECISION, decide_table, scratch_for
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.money import PRODUCT_MAX

ROWS_PER_THREAD = 50_000
"""Fewer slots than this are not worth a thread."""
STRATEGIES: dict[str, Strategy] = {file.STRATEGY.name: file.STRATEGY for file in FILES}


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


def targets_of(name: str, params: Params, bars: Bars, *, threads: int = 1) -> NDArray[np.int64]:
    """Return `decide` on the window behind every bar, as targets in bps of the shape of bars [T] or [T, N]: the evidence grade.

    -1 where the window has a missing slot or is too short. The number of threads changes nothing but the time. Raises
    DataFault for prices that a sum over the window cannot carry.
    """
    return _targets(find(name), params, bars, threads, sweeps=False)


def targets_all(name: str, params: Params, bars: Bars, *, threads: int = 1) -> NDArray[np.int64]:
    """Return what `targets_of` returns, by the strategy's `decide_all`: for sweeps."""
    return _targets(find(name), params, bars, threads, sweeps=True)


def _targets(strategy: Strategy, params: Params, bars: Bars, threads: int, *, sweeps: bool) -> NDArray[np.int64]:
    lookback = strategy.lookback(params)
    door, top = PRODUCT_MAX // lookback, int(bars["close"].max(initial=0))
    if top > door:
        raise DataFault(f"prices up to {door} for {strategy.name}", str(top), "use fewer decimals or a shorter lookback")
    table = np.require(bars.reshape(len(bars), bars.shape[1] if bars.ndim > 1 else 1), BAR, ["C", "W"])
    targets, values = np.empty(table.shape, np.int64), _values(strategy, params)

    def decide(start: int, end: int) -> None:
        decide_table(strategy.number, values, lookback, int(sweeps), table, scratch_for(lookback), targets, start, end)

    rows = max(-(-len(table) // max(threads, 1)), ROWS_PER_THREAD)
    parts = [(start, min(start + rows, len(table))) for start in range(0, len(table), rows)]
    if len(parts) < 2:  # noqa: PLR2004 - nothing to share out
        decide(0, len(table))
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(lambda part: decide(*part), parts))
    return targets.reshape(bars.shape)


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
