"""The checker can fail: each planted bug is noticed by the invariant that is named for it."""

import pytest

from simulation.bugs import BUGS, Bug, hunt, planted
from simulation.world import run

SEEDS = 60


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_noticed_by_its_invariant(bug: Bug) -> None:
    outcome = hunt(bug, SEEDS)
    assert outcome is not None, f"{bug.invariant} did not notice in {SEEDS} seeds"
    assert outcome.violation is not None
    assert outcome.violation.invariant == bug.invariant
    assert run(outcome.seed).violation is None, "without the bug the same seed holds"


def test_a_bug_is_gone_after_its_block() -> None:
    bug = next(bug for bug in BUGS if bug.invariant == "I16")
    before = run(1).digest
    with planted(bug):
        assert run(1).violation is not None
    assert run(1).digest == before
