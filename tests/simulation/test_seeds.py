"""The machine keeps every invariant in the runs of ten seeds, and dies and recovers at every point of one."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulation.faults import Fault
from simulation.world import Outcome, World, run

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 11)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [run(seed) for seed in SEEDS]


def test_ten_seeds_keep_every_invariant(outcomes: list[Outcome]) -> None:
    assert [str(outcome.violation) for outcome in outcomes if outcome.violation] == []


def test_the_ten_seeds_place_orders_die_and_meet_most_kinds_of_fault(outcomes: list[Outcome]) -> None:
    met: Counter[Fault] = sum((outcome.faults for outcome in outcomes), Counter())
    assert len(met) >= 20
    assert sum(outcome.orders for outcome in outcomes) > 50
    assert sum(outcome.fills for outcome in outcomes) > 100
    assert sum(outcome.crashes for outcome in outcomes) > 10


def test_a_process_may_die_at_any_point_of_a_run() -> None:
    seed, slots = 8, 6
    crashes = frozenset({Fault.CRASH, Fault.COMMIT_FAILED, Fault.COMMIT_UNANSWERED})
    whole = run(seed, slots=slots, without=crashes)
    assert whole.violation is None
    assert whole.orders >= 2
    assert whole.points > 50
    for point in range(1, whole.points + 1):
        outcome = run(seed, slots=slots, without=crashes, crash_at=frozenset({point}))
        assert outcome.violation is None, f"died at point {point}: {outcome.violation}"
        assert outcome.crashes >= 1


def test_recovery_may_die_as_well() -> None:
    crashes = frozenset({Fault.CRASH, Fault.COMMIT_FAILED, Fault.COMMIT_UNANSWERED})
    for first in range(5, 65, 6):
        outcome = run(8, slots=6, without=crashes, crash_at=frozenset(range(first, first + 4)))
        assert outcome.violation is None
        assert outcome.crashes >= 4


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    program = "from simulation.world import run; print(run(5, slots=12).digest)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True,
        ).stdout.strip()
        for salt in ("1", "2")
    }  # fmt: skip
    assert found == {run(5, slots=12).digest}


def test_another_seed_gives_another_run() -> None:
    assert run(5, slots=12).digest != run(6, slots=12).digest


def test_a_run_without_faults_sends_each_intent_once_and_ends_resolved() -> None:
    world = World(1, slots=20, without=frozenset(Fault))
    outcome = world.run()
    states = Counter(str(order.state) for order in world.shell.state.orders.values())
    assert outcome.violation is None
    assert outcome.orders == len(world.shell.state.orders) > 5
    assert set(states) <= {"FILLED", "EXPIRED"}
    assert world.shell.state.anomalies == 0
