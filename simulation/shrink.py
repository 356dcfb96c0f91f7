"""Shrinking: the same violation from less. First what never struck goes, then halves, quarters and single faults, then slots."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from simulation.faults import Strike
from simulation.outcome import Outcome
from simulation.plans import RunPlan, Word
from simulation.world import run

Item = Strike | Word
Runner = Callable[[RunPlan], Outcome]
RUNS_MAX = 2_000


class _Search:
    """One search, with a bound on how many runs it may cost."""

    def __init__(self, plan: RunPlan, invariant: str, runner: Runner) -> None:
        self.plan, self.invariant, self.runner, self.runs = plan, invariant, runner, 0

    def fails(self, plan: RunPlan) -> bool:
        """Return whether a plan still violates the same invariant; False once the runs are used up."""
        if self.runs >= RUNS_MAX:
            return False
        self.runs += 1
        violation = self.runner(plan).violation
        return violation is not None and violation.invariant == self.invariant

    def keep(self, plan: RunPlan) -> bool:
        """Take a plan in place of the one so far if it still fails."""
        if not self.fails(plan):
            return False
        self.plan = plan
        return True


def items(plan: RunPlan) -> list[Item]:
    """Return all that a plan makes happen."""
    return [*plan.faults, *plan.commands, *plan.crashes]


def having(plan: RunPlan, kept: Sequence[Item]) -> RunPlan:
    """Return the plan with only some of what it made happen."""
    strikes, words = {i for i in kept if isinstance(i, Strike)}, {i for i in kept if isinstance(i, Word)}
    return replace(
        plan,
        faults=tuple(strike for strike in plan.faults if strike in strikes),
        commands=tuple(word for word in plan.commands if word in words),
        crashes=tuple(strike for strike in plan.crashes if strike in strikes),
    )


def shrink(plan: RunPlan, runner: Runner = run) -> RunPlan:
    """Return a plan that violates the same invariant with as little as single removals can reach; the plan itself if it violates none."""
    outcome = runner(plan)
    if outcome.violation is None:
        return plan
    search = _Search(plan, outcome.violation.invariant, runner)
    search.keep(having(plan, [*outcome.struck, *plan.commands]))
    _remove(search)
    if search.plan.traders > 1:
        search.keep(replace(search.plan, traders=1))
    _shorten(search)
    _remove(search)
    return search.plan


def _remove(search: _Search) -> None:
    """Delta debugging: try to do without each part, in parts that become smaller and smaller."""
    size = len(items(search.plan))
    while size >= 1:
        at, removed = 0, False
        while at < len(items(search.plan)):
            rest = items(search.plan)
            if search.keep(having(search.plan, rest[:at] + rest[at + size :])):
                removed = True
            else:
                at += size
        size = size if removed and size == 1 else size // 2


def _shorten(search: _Search) -> None:
    low, high = 1, search.plan.slots
    while low < high:
        middle = (low + high) // 2
        if search.keep(replace(search.plan, slots=middle)):
            high = middle
        else:
            low = middle + 1
