"""Window strategies: one file each, compiled, blind to everything but the last bars. A new one is entered here twice."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from trader_core.engine.strategies import aroon_trend, own
from trader_core.engine.strategies.spec import Param, Params, Strategy
from trader_core.engine.strategies.table import FILES, NO_DECISION, decide_table, scratch_for
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.money import PRODUCT_MAX
from trader_core.model.plan import Plan

ROWS_PER_THREAD = 50_000
"""Fewer slots than this are not worth a thread."""
STRATEGIES: dict[str, Strategy] = {file.STRATEGY.name: file.STRATEGY for file in (*FILES, aroon_trend)}


def find(name: str) -> Strategy:
    """Return the strategy of that name, built in or a file of yours; raises UnknownName with the list of those that exist."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    mine = own.find(name)
    if mine is None:
        known = [*sorted(STRATEGIES), *own.names()]
        raise UnknownName(f"a strategy of {', '.join(known)}", repr(name), f"choose one of them, or write {own.folder()}/{name}.py")
    return mine


def parse_params(strategy: Strategy, given: Mapping[str, int | str]) -> dict[str, int]:
    """Return all parameters in the strategy's order, defaults filled in.

    Raises UnknownName for one that the strategy does not have, OutOfRange for a value outside its range.
    """
    declared = {one.name: one for one in strategy.params}
    try:
        found: dict[str, int] = strategy.model.model_validate(dict(given)).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if name in declared:
            one = declared[name]
            expected = f"{name} of {strategy.name} ({one.meaning}) as a whole number from {one.low} to {one.high}"
            raise OutOfRange(expected, repr(first["input"]), "choose a value in that range") from error
        if name:
            raise UnknownName(f"a parameter of {strategy.name}: {', '.join(declared)}", repr(name), "choose one of them") from error
        raise OutOfRange(f"parameters of {strategy.name} that go together", str(first["msg"]), "change one of them") from error
    wrong = strategy.check(found)
    if wrong:
        said = ", ".join(f"{name} {value}" for name, value in found.items())
        raise OutOfRange(f"{wrong} for {strategy.name}", said, "change one of them")
    return found


def lookback(name: str, params: Params) -> int:
    """Return how many closed bars the window of a strategy holds."""
    return find(name).lookback(params)


def plan_lookback(plan: Plan) -> int:
    """Return how many closed bars the longest window of a plan's strategies holds."""
    return max(lookback(rule.strategy, dict(rule.params)) for rule in plan.rules)


def plan_targets(plan: Plan, bars: Bars, *, threads: int = 1) -> NDArray[np.int64]:
    """Return the targets [T, N] of every instrument by its own strategy: the evidence grade.

    A strategy of frames is asked by a sweep: `evidence.causality` must have shown that this is the same.
    """
    places = {symbol: index for index, symbol in enumerate(plan.symbols)}
    targets = np.full(bars.shape, NO_DECISION, np.int64)
    for rule in plan.rules:
        own_bars = bars if len(rule.symbols) == len(places) else bars[:, [places[symbol] for symbol in rule.symbols]]
        decide = targets_of if find(rule.strategy).proven else targets_all
        targets[:, [places[symbol] for symbol in rule.symbols]] = decide(rule.strategy, dict(rule.params), own_bars, threads=threads)
    return targets


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
    if strategy.whole is not None:
        return own.decided(strategy, params, bars, lookback, sweeps=sweeps)
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
    "plan_lookback",
    "plan_targets",
    "target_at",
    "targets_all",
    "targets_of",
]
