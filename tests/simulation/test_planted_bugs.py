"""The checker can fail: each planted bug is noticed by the invariant that is named for it, at a known seed."""

import pytest

from simulation.bugs import BUGS, Bug, planted
from simulation.draw import draw
from simulation.world import run


def test_all_bugs_of_the_list_are_planted() -> None:
    numbers = {"M": 20, "E": 2, "X": 6, "F": 5, "S": 4, "D": 3}
    assert [bug.name for bug in BUGS] == [f"{kind}{n}" for kind, most in numbers.items() for n in range(1, most + 1)]
    assert all(1 <= bug.seed <= 500 for bug in BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_noticed_by_its_invariant(bug: Bug) -> None:
    with planted(bug):
        violation = run(draw(bug.seed)).violation
    assert violation is not None, f"{bug.text}: nothing was noticed at seed {bug.seed}"
    assert violation.invariant == bug.invariant, str(violation)
    assert run(draw(bug.seed)).violation is None, "without the bug the same seed holds"


def test_a_bug_is_gone_after_its_block() -> None:
    bug = next(bug for bug in BUGS if bug.name == "M1")
    before = run(draw(1)).digest
    with planted(bug):
        assert run(draw(1)).violation is not None
    assert run(draw(1)).digest == before
