"""Strategies of your own: one file each in a folder, found by name, known by what the file says.

A name goes into plans as `name@digest`, so that what was judged and permitted is that very file: after a change it is another
strategy, which has to walk the road again.
"""

import hashlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine.kernel import COMPILED
from trader_core.engine.strategies.spec import Params, Strategy, StrategyParams, Targets, no_sweep
from trader_core.model.bar import Bars
from trader_core.model.errors import StrategyFault
from trader_core.model.money import BPS

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 12
NO_DECISION = -1
_found: dict[str, Strategy] = {}
"""What was loaded already, by name@digest."""


def folder() -> Path:
    """Return where the files lie: GATEHOUSE_STRATEGIES, or `strategies` in the home folder."""
    home = os.environ.get("GATEHOUSE_HOME") or ".gatehouse"
    return Path(os.environ.get("GATEHOUSE_STRATEGIES") or f"{home}/strategies").absolute()


def names() -> list[str]:
    """Return the names of the files that are there."""
    return sorted(path.stem for path in folder().glob("*.py") if path.stem.isidentifier())


def find(name: str) -> Strategy | None:
    """Return the strategy of a file, by `name` or `name@digest`; None without such a file.

    Raises StrategyFault when the file cannot be loaded, or is another one than the digest says.
    """
    plain, _, wanted = name.partition("@")
    path = folder() / f"{plain}.py"
    if not plain.isidentifier() or not path.is_file():
        return None
    source = path.read_bytes()
    digest = hashlib.sha256(source).hexdigest()[:DIGITS]
    if wanted and wanted != digest:
        raise StrategyFault(f"{plain} as it was judged, {name}", f"{plain}@{digest} in {path}", "put the file back, or walk the road again")
    full = f"{plain}@{digest}"
    if full not in _found:
        _found[full] = replace(_loaded(plain, path, source), name=full)
    return _found[full]


def _loaded(name: str, path: Path, source: bytes) -> Strategy:
    spec = importlib.util.spec_from_file_location(f"gatehouse_own_{name}", path)
    assert spec is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the user's own file, which is what was asked for
    except Exception as error:
        raise StrategyFault(f"a strategy in {path} that can be imported", _said(error, path), "correct it") from error
    found = getattr(module, "STRATEGY", None)
    if not isinstance(found, Strategy):
        raise StrategyFault(
            f"STRATEGY in {path}, made by window_strategy or frame_strategy", repr(found)[:60], "see docs/own-strategies.md"
        )
    return found


def window_strategy(
    params: type[StrategyParams], lookback: Callable[[Params], int], decide: Callable[[NDArray[np.int64], Bars], Any], *,
    check: Callable[[Params], str] = lambda _params: "", indicators: Callable[[Params, Bars], dict[str, int]] = lambda _params, _window: {},
    compiled: bool = True,
) -> Strategy:  # fmt: skip
    """Return a strategy whose `decide(values, window)` sees the last bars only; it cannot look ahead.

    `values` holds the parameters in their order, window[k].close and the like are whole numbers in the instrument's smallest
    price unit. With `compiled` numba compiles it at its first use.
    """
    loops: list[Callable[..., Targets]] = []

    def whole(told: Params, bars: Bars, _sweeps: bool) -> Targets:  # noqa: FBT001 - Strategy.whole's shape
        if not loops:
            loops.append(_loop(decide, compiled=compiled and COMPILED))
        values = np.array([told[name] for name in params.model_fields], np.int64)
        return loops[0](values, lookback(told), bars)

    return Strategy("", 0, params, lookback, check, decide, no_sweep, indicators, whole)


def _loop(decide: Callable[..., Any], *, compiled: bool) -> Callable[..., Targets]:
    """Return a function that decides on the window behind every bar; its first lookback - 1 targets say nothing."""

    def plain(values: NDArray[np.int64], lookback: int, bars: Any) -> Targets:
        found = np.full(bars.shape[0], NO_DECISION, np.int64)
        for at in range(lookback - 1, bars.shape[0]):
            found[at] = decide(values, bars[at - lookback + 1 : at + 1])
        return found

    if not compiled:
        return lambda values, lookback, bars: plain(values, lookback, bars.view(np.recarray))
    import numba  # noqa: PLC0415 - plain mode must work without it

    decide = numba.njit(nogil=True)(decide)
    loop: Callable[..., Targets] = numba.njit(nogil=True)(plain)
    return loop


def frame_strategy(
    params: type[StrategyParams], lookback: Callable[[Params], int], targets: "Callable[[Params, pd.DataFrame], Any]", *,
    check: Callable[[Params], str] = lambda _params: "",
) -> Strategy:  # fmt: skip
    """Return a strategy of pandas or TA-Lib: `targets(params, frame)` gives a target in bps for every row of the frame.

    The frame's columns are open, high, low, close, volume as floats in the instrument's smallest units, its index is UTC. A
    trader calls it on a window of `lookback` bars and takes the last value. It could look ahead, so it has to be proven first.
    """

    def whole(told: Params, bars: Bars, sweeps: bool) -> Targets:  # noqa: FBT001 - Strategy.whole's shape
        rows = lookback(told)
        if sweeps or len(bars) <= rows:
            return _series(targets(told, frame_of(bars)), len(bars), rows)
        found = np.full(len(bars), NO_DECISION, np.int64)
        for at in range(rows, len(bars) + 1):
            found[at - 1] = _series(targets(told, frame_of(bars[at - rows : at])), rows, rows)[-1]
        return found

    def decide(_values: NDArray[np.int64], _window: Bars) -> Any:
        raise NotImplementedError

    return Strategy("", 0, params, lookback, check, decide, no_sweep, lambda _params, _window: {}, whole, proven=False)


def frame_of(bars: Bars) -> "pd.DataFrame":
    """Return bars as a frame of floats with a UTC index."""
    import pandas as pd  # noqa: PLC0415 - half a second that only its users pay

    index = pd.to_datetime(bars["ts"], unit="ms", utc=True)
    return pd.DataFrame({name: bars[name].astype(np.float64) for name in ("open", "high", "low", "close", "volume")}, index=index)


def _series(answer: Any, length: int, lookback: int) -> Targets:
    """Return what a frame strategy gave as whole numbers; the rows before its first full window say nothing."""
    values = np.asarray(answer, np.float64)
    if values.shape != (length,):
        raise StrategyFault(f"a target for each of {length} rows", f"shape {values.shape}", "return a Series as long as the frame")
    counted = values[lookback - 1 :]
    wrong = np.flatnonzero(~np.isfinite(counted) | (counted != np.rint(counted)))
    if len(wrong):
        at = lookback - 1 + int(wrong[0])
        raise StrategyFault(
            "whole numbers as targets", f"{float(values[at])} in row {at} of {length}", "round them, and fill what is missing"
        )
    return np.where(np.isfinite(values), values, NO_DECISION).astype(np.int64)


def decided(strategy: Strategy, params: Params, bars: Bars, lookback: int, *, sweeps: bool) -> Targets:
    """Return the targets of a strategy that is not built in, in the shape of bars [T] or [T, N]; -1 behind a missing slot.

    Raises StrategyFault naming the bar when it raises, or gives what is no target.
    """
    if bars.ndim > 1:
        return np.stack([decided(strategy, params, bars[:, i], lookback, sweeps=sweeps) for i in range(bars.shape[1])], axis=1)
    targets = np.full(len(bars), NO_DECISION, np.int64)
    there = np.flatnonzero(bars["close"] > 0)
    for run in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1):
        if len(run) >= lookback:
            part = np.ascontiguousarray(bars[run[0] : run[-1] + 1])
            targets[run[0] + lookback - 1 : run[-1] + 1] = _asked(strategy, params, part, sweeps=sweeps)[lookback - 1 :]
    return targets


def _asked(strategy: Strategy, params: Params, bars: Bars, *, sweeps: bool) -> Targets:
    assert strategy.whole is not None, "it is not built in"
    where = f"between {bars['ts'][0]} and {bars['ts'][-1]}"
    try:
        found = strategy.whole(params, bars, sweeps)
    except StrategyFault as error:
        raise StrategyFault(f"{error.expected} of {strategy.name}", f"{error.found}, {where}", error.todo) from error
    except Exception as error:
        raise StrategyFault(f"targets of {strategy.name}", f"{_said(error, folder())} {where}", "correct the strategy") from error
    wrong = np.flatnonzero((found < 0) | (found > BPS))
    wrong = wrong[wrong >= strategy.lookback(params) - 1]
    if len(wrong):
        said = f"{found[wrong[0]]} at {bars['ts'][wrong[0]]}"
        raise StrategyFault(f"targets of {strategy.name} from 0 to {BPS} bps", said, "correct the strategy")
    return found


def _said(error: Exception, path: Path) -> str:
    """Return what an error says, and where in the user's files, on one line."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if path in {file, file.parent}:
            line = f" in {file.name} line {trace.tb_lineno}"
        trace = trace.tb_next
    first = next((text for text in str(error).splitlines() if text.strip()), "")
    return f"{type(error).__name__}: {first[:160]}{line}"
