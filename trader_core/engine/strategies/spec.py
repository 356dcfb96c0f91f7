"""What a strategy is: parameters with ranges and search spaces, a lookback, and functions of nothing but closed bars."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from trader_core.model.bar import Bars

Params = Mapping[str, int]
"""Every parameter of a strategy by name."""
Targets = NDArray[np.int64]
"""Targets in bps of the slot, shape [T]; -1 where nothing is decided."""
STEPS = 10


class StrategyParams(BaseModel):
    """The base of every strategy's parameters: whole numbers, each declared with `param`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Space(NamedTuple):
    """Where a search looks: from low to high by steps."""

    low: int
    high: int
    step: int


class Param(NamedTuple):
    """One whole number that a strategy is told, the range that it may lie in, and where a search looks."""

    name: str
    default: int
    low: int
    high: int
    meaning: str
    space: Space


def param(default: int, low: int, high: int, meaning: str, search: tuple[int, int, int] | None = None) -> Any:
    """Declare a whole number from low to high; `search` is (low, high, step), without it ten steps over the range."""
    space = search or (low, high, max((high - low) // STEPS, 1))
    return Field(default=default, ge=low, le=high, description=meaning, json_schema_extra={"search": list(space)})


def no_sweep(_values: NDArray[np.int64], _bars: Bars) -> Any:
    """Stand where a strategy offers no sweep."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy as the registry knows it; `number` is what compiled code calls it by, 0 for one that is not built in."""

    name: str
    number: int
    model: type[StrategyParams]
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
    whole: Callable[[Params, Bars, bool], Targets] | None = None
    """Of one that is not compiled with the engine: (params, bars BAR[T] without a gap, by a sweep) -> targets i8[T]; those of windows that
    are not full do not count."""
    proven: bool = True
    """False: it may see the future, and the causality gate must show that it does not before anything rests on it."""

    @property
    def params(self) -> tuple[Param, ...]:
        """Return the parameters in their order."""
        return tuple(_param(name, field) for name, field in self.model.model_fields.items())


def _param(name: str, field: Any) -> Param:
    bounds = {type(one).__name__: one for one in field.metadata}
    search = (field.json_schema_extra or {})["search"]
    return Param(name, int(field.default), bounds["Ge"].ge, bounds["Le"].le, field.description, Space(*search))
