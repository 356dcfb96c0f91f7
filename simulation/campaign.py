"""A campaign: many seeds, over several cores, added up; what a run of the simulator says at its end."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simulation.bugs import BUGS, planted
from simulation.checker import INVARIANTS
from simulation.draw import DRAWN, WORDS, draw
from simulation.outcome import Outcome, add_up
from simulation.plans import RunPlan
from simulation.shrink import shrink
from simulation.story import story
from simulation.world import run
from trader_core.model.errors import UnknownName

CHUNK = 20
SUMS = ("steps", "orders", "fills", "crashes", "losses", "failovers", "simulated_ms")
SHOWN_MAX = 3
"""So many violations are shrunk and told; all are counted."""
LONG_SEEDS = 2_000
"""From so many seeds on, a kind of fault that never struck, or a check that never ran, fails the campaign."""


@dataclass(slots=True)
class Total:
    """What some runs came to."""

    seeds: int = 0
    steps: int = 0
    orders: int = 0
    fills: int = 0
    crashes: int = 0
    losses: int = 0
    failovers: int = 0
    simulated_ms: int = 0
    cpu_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)
    """(seed, invariant and text)."""
    digests: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one run."""
        self.seeds += 1
        add_up(self, outcome, SUMS)
        self.faults.update(outcome.faults)
        self.checks.update(outcome.checks)
        self.digests[outcome.seed] = outcome.digest
        if outcome.violation is not None:
            self.violations.append((outcome.seed, str(outcome.violation)))

    def merge(self, other: "Total") -> None:
        """Count the runs of another total."""
        add_up(self, other, (*SUMS, "seeds", "cpu_s"))
        self.faults.update(other.faults)
        self.checks.update(other.checks)
        self.digests.update(other.digests)
        self.violations += other.violations

    @property
    def digest(self) -> str:
        """The SHA-256 of all runs' digests, by seed."""
        return sha256("".join(f"{seed} {digest}\n" for seed, digest in sorted(self.digests.items())).encode()).hexdigest()

    def idle(self) -> list[str]:
        """Return the kinds of fault and the words that never struck, and the invariants that nothing was asked about."""
        kinds = [str(kind) for kind in (*DRAWN, *WORDS) if not self.faults[str(kind)]]
        return kinds + [name for name in INVARIANTS if not self.checks[name] and name != "I22"]

    def values(self, elapsed_s: float) -> dict[str, Any]:
        """Return the sums as plain values; steps and hours per second are those of one core."""
        cpu_s = max(self.cpu_s, 1e-9)
        return {
            "seeds": self.seeds, "steps": self.steps, "simulated_hours": round(self.simulated_ms / 3_600_000, 1), "orders": self.orders,
            "fills": self.fills, "crashes": self.crashes, "leases_lost": self.losses, "failovers": self.failovers,
            "faults": sum(self.faults.values()), "faults_by_kind": dict(sorted(self.faults.items())),
            "checks": sum(self.checks.values()), "checks_by_invariant": dict(sorted(self.checks.items(), key=lambda one: int(one[0][1:]))),
            "violations": len(self.violations), "seconds": round(elapsed_s, 1), "steps_per_core_second": round(self.steps / cpu_s),
            "simulated_hours_per_core_second": round(self.simulated_ms / 3_600_000 / cpu_s, 2), "digest": self.digest,
        }  # fmt: skip


def some(seeds: Iterable[int], bug: str = "") -> Total:
    """Run some seeds here, with a bug planted where one is named; raises UnknownName for another name."""
    total, began = Total(), time.process_time()
    with bug_named(bug), _collected() as collect:
        for seed in seeds:
            total.add(run(draw(seed)))
            collect()
    total.cpu_s = time.process_time() - began
    return total


@contextmanager
def _collected() -> Iterator[Callable[[], object]]:
    """Leave the collection of cycles to the caller, who asks for it where a run has ended: a fifth of the time otherwise."""
    was = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if was:
            gc.enable()


def bug_named(name: str) -> Any:
    """Return the block in which a bug is planted, by its name; one without a bug for an empty name."""
    if not name:
        return nullcontext()
    found = next((bug for bug in BUGS if bug.name == name), None)
    if found is None:
        raise UnknownName(f"a bug of {', '.join(bug.name for bug in BUGS)}", repr(name)[:40], "choose one of them")
    return planted(found)


def many(seeds: range, jobs: int, bug: str = "", said: Callable[[Total], None] = lambda _: None) -> Total:
    """Run seeds on several processes; `said` hears the total so far from time to time."""
    total, chunks = Total(), [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    for part in _parts(chunks, jobs, bug):
        total.merge(part)
        said(total)
    return total


def _parts(chunks: list[range], jobs: int, bug: str) -> Iterator[Total]:
    if jobs <= 1 or len(chunks) <= 1:
        yield from (some(chunk, bug) for chunk in chunks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(some, chunks, [bug] * len(chunks))


def explain(plan: RunPlan, folder: Path, bug: str = "") -> tuple[Path, list[str]]:
    """Shrink a plan that fails, write it to a file, and return the file and its story."""
    with bug_named(bug):
        small = shrink(plan)
        told = story(small)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{bug or 'seed'}-{plan.seed}.json"
    path.write_text(small.text())
    return path, told
