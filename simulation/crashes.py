"""Crash positions: a run dies at every place where it may die, and some runs then again at every place after it.

A position is before or after a commit, or before an effect: with those every position of the journal is one. Each crash is a run of its
own from the start: forking at every position costs more than the short runs do that it saves (measured: 36 ms a fork, 20 ms a run).
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from simulation.draw import draw
from simulation.faults import CRASHES
from simulation.outcome import add_up
from simulation.plans import RunPlan
from simulation.world import run

SLOTS = 8
RECOVERY = 8
"""At least as many positions as a recovery has before it goes on trading: a short test tries the second crash at these alone."""
ALL = 1 << 30
DOUBLE_ONE_IN = 40
"""One run in so many, and at least one, dies twice."""


@dataclass(slots=True)
class Positions:
    """What the crashes of some runs came to."""

    runs: int = 0
    positions: int = 0
    doubles: int = 0
    double_runs: int = 0
    steps: int = 0
    violations: list[tuple[int, tuple[int, ...], str]] = field(default_factory=list)
    """(seed, positions of its crashes, invariant and text)."""

    def merge(self, other: "Positions") -> None:
        """Count the crashes of others."""
        add_up(self, other, ("runs", "positions", "doubles", "double_runs", "steps"))
        self.violations += other.violations


def plan_of(seed: int, slots: int = SLOTS) -> RunPlan:
    """Return the plan of a seed with one trader and without crashes of its own."""
    return draw(seed, slots, traders=1).without(*CRASHES)


def everywhere(seed: int, *, double: bool = False, slots: int = SLOTS, within: int = ALL) -> Positions:
    """Let the run of a seed die at each of its positions in turn; with `double` then also at each of the positions `within` that many."""
    found, plan = Positions(runs=1, double_runs=int(double)), plan_of(seed, slots)
    for point in range(1, _once(found, plan, ()) + 1):
        points = _once(found, plan, (point,))
        found.positions += 1
        for second in range(point + 1, min(point + within, points) + 1) if double else ():
            _once(found, plan, (point, second))
            found.doubles += 1
    return found


def _once(found: Positions, plan: RunPlan, crashes: tuple[int, ...]) -> int:
    """Run a plan with crashes, and return how many positions the run had."""
    outcome = run(plan.dying_at(*crashes))
    found.steps += outcome.steps
    if outcome.violation is not None:
        found.violations.append((plan.seed, crashes, str(outcome.violation)))
    return outcome.points


def many(seeds: range, jobs: int) -> Positions:
    """Let the runs of seeds die everywhere, on several processes."""
    total, doubles = Positions(), seeds[: max(len(seeds) // DOUBLE_ONE_IN, 1)]
    work = [(seed, seed in doubles) for seed in seeds]
    if jobs <= 1:
        for one in work:
            total.merge(_one(one))
        return total
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for part in pool.map(_one, work):
            total.merge(part)
    return total


def _one(work: tuple[int, bool]) -> Positions:
    return everywhere(work[0], double=work[1])
