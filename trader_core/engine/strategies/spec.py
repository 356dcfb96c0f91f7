"""What a window strategy is: parameters with ranges, a lookback, and functions of nothing but the window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.model.bar import Bars

Params = Mapping[str, int]
"""Every parameter of a strategy by name."""


@dataclass(frozen=True, slots=True)
class Param:
    """One whole number that a strategy is told, and the range that it may lie in."""

    name: str
    default: int
    low: int
    high: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy as the registry knows it; `number` is what compiled code calls it by."""

    name: str
    number: int
    params: tuple[Param, ...]
    lookback: Callable[[Params], int]
    """Bars that the window must hold."""
    check: Callable[[Params], str]
    """What is wrong with parameters that are each in range, or an empty text."""
    decide: Callable[[NDArray[np.int64], Bars], Any]
    """Compiled: (values i8[P] in the order of `params`, window BAR[lookback]) -> target in bps. It sees nothing else."""
    decide_all: Callable[[NDArray[np.int64], Bars], Any]
    """Compiled: (values i8[P], bars BAR[T]) -> targets i8[T], equal to `decide` on every full window."""
    indicators: Callable[[Params, Bars], dict[str, int]]
    """The values that `decide` looked at, by name, for storing and showing."""
