"""What one run was, as the simulator hands it back."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from simulation.checker import Violation
from simulation.faults import Strike
from simulation.plans import RunPlan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run was: its size, what struck, how often each invariant was asked, the digest of all, and the violation, if any."""

    plan: RunPlan
    steps: int
    points: int
    orders: int
    fills: int
    crashes: int
    losses: int
    """How often a process lost the database or its lease."""
    failovers: int
    simulated_ms: int
    checks: Counter[str]
    faults: Counter[str]
    """By kind; an operator's words by their command."""
    struck: frozenset[Strike]
    digest: str
    violation: Violation | None

    @property
    def seed(self) -> int:
        """The plan's seed."""
        return self.plan.seed


def add_up(total: object, other: object, names: Iterable[str]) -> None:
    """Add what another one counted to the fields of a total."""
    for name in names:
        setattr(total, name, getattr(total, name) + getattr(other, name))
