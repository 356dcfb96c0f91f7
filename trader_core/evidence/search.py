"""Searching parameters: where to look, which sets in which order, and what one of them earns. Pure.

A grid is every set in the order of its parameters; a random search draws from the same steps, each set once, by its seed.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from trader_core.engine import simulate, strategies
from trader_core.engine.strategies import Params, Strategy
from trader_core.engine.strategies.spec import Space
from trader_core.evidence.causality import lots
from trader_core.evidence.metrics import drawdown_ppm
from trader_core.model.bar import Bars
from trader_core.model.errors import OutOfRange, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.model.money import PPM
from trader_core.model.plan import Plan

SETS_MAX = 100_000
OBJECTIVES = ("return", "return_over_drawdown")
DRAWDOWN_LEAST_PPM = 1_000
"""A fall below a tenth of a percent counts as that much: a run without any is no miracle."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one set of parameters earned: the return on the capital, the largest fall, entries, fees and equity in account units."""

    return_ppm: int
    drawdown_ppm: int
    trades: int
    fees: int
    equity: int
    digest: str

    def score(self, objective: str) -> float:
        """Return what a search maximises."""
        if objective == "return":
            return float(self.return_ppm)
        return self.return_ppm / max(self.drawdown_ppm, DRAWDOWN_LEAST_PPM)


@dataclass(frozen=True, slots=True)
class Job:
    """What every evaluation shares: the plan but for its parameters, and bars [warm + T, N] on one grid."""

    plan: Plan
    instruments: tuple[Instrument, ...]
    bars: Bars
    warm: int


def evaluate(job: Job, params: Mapping[str, int]) -> Outcome:
    """Return what a set of parameters earns: decided by a sweep, simulated and measured as any backtest is."""
    plan = replace(job.plan, params=tuple(sorted(params.items())))
    decide = strategies.targets_all(plan.strategy, dict(params), job.bars)
    result = simulate.run(plan, job.instruments, job.bars[job.warm :], decide[job.warm :])
    last = int(result.equity[-1])
    entries = result.fills["signal"][(result.fills["side"] > 0) & (result.fills["qty"] > 0)]
    curve = np.concatenate([np.array([plan.capital], np.int64), result.equity])
    return Outcome(
        (last - plan.capital) * PPM // plan.capital, drawdown_ppm(curve), len(np.unique(entries)), int(result.account["fees"][0]), last,
        result.digest,
    )  # fmt: skip


def spaces(strategy: Strategy, given: Mapping[str, Space]) -> dict[str, Space]:
    """Return where each parameter is looked for: as given, else as the strategy says; raises UnknownName or OutOfRange."""
    declared = {one.name: one for one in strategy.params}
    for name, space in given.items():
        if name not in declared:
            raise UnknownName(f"a parameter of {strategy.name}: {', '.join(declared)}", repr(name), "choose one of them")
        one = declared[name]
        if not (one.low <= space.low <= space.high <= one.high and space.step > 0):
            expected = f"a space of {name} inside {one.low} to {one.high}, low:high:step"
            raise OutOfRange(expected, ":".join(map(str, space)), "choose one in that range")
    return {name: given.get(name, one.space) for name, one in declared.items()}


def allowed(strategy: Strategy, params: Params) -> bool:
    """Return whether parameters go together."""
    return not strategy.check(params)


def grid(strategy: Strategy, where: Mapping[str, Space]) -> list[dict[str, int]]:
    """Return every allowed set of the steps; raises OutOfRange for more than SETS_MAX, or for none."""
    size = 1
    for space in where.values():
        size *= (space.high - space.low) // space.step + 1
    if size > SETS_MAX:
        raise OutOfRange(f"at most {SETS_MAX} sets", str(size), "take larger steps, or search at random")
    values = (range(space.low, space.high + 1, space.step) for space in where.values())
    found = [params for row in itertools.product(*values) if allowed(strategy, params := dict(zip(where, row, strict=True)))]
    if not found:
        raise OutOfRange(f"a set that {strategy.name} allows", "none in this space", "widen it")
    return found


def drawn(strategy: Strategy, where: Mapping[str, Space], count: int, seed: int) -> list[dict[str, int]]:
    """Return up to `count` different allowed sets as if by lot, the same for the same seed."""
    found: dict[tuple[int, ...], dict[str, int]] = {}
    for row in _rows(where, 50 * count, seed):
        params = dict(zip(where, row, strict=True))
        if allowed(strategy, params):
            found.setdefault(row, params)
        if len(found) == count:
            break
    if not found:
        raise OutOfRange(f"a set that {strategy.name} allows", f"none in {50 * count} draws", "widen the space")
    return list(found.values())


def _rows(where: Mapping[str, Space], count: int, seed: int) -> Iterator[tuple[int, ...]]:
    numbers = lots(count * len(where), seed).reshape(count, len(where)) if where else np.zeros((1, 0), np.uint64)
    for row in numbers:
        yield tuple(
            space.low + space.step * (int(lot) % ((space.high - space.low) // space.step + 1))
            for space, lot in zip(where.values(), row, strict=True)
        )
