"""Every order of some events of one purchase keeps the invariants, and a bug is found wherever it can happen to one purchase."""

import pytest

from simulation.bugs import BUGS, planted
from simulation.exhaustive import everything, search
from simulation.happenings import decided, resting, sent, unproven
from simulation.small import Broken
from tests.simulation.test_command import answered, simulate

DEPTH = 3


def test_every_order_of_three_events_from_each_beginning_keeps_the_invariants() -> None:
    found, broken = everything(DEPTH)
    assert broken == []
    assert found.nodes > 1_000
    assert {"Submit-lost", "Submit-delayed", "arrives", "Look-fails", "FetchTrades", "CancelOrder-lost", "dies", "kill"} <= set(
        found.actions
    )
    assert set(found.orders) >= {
        "SENDING",
        "UNKNOWN",
        "OPEN",
        "PARTIAL",
        "CANCELING",
        "CANCELED",
        "EXPIRED",
        "FILLED",
        "REJECTED",
        "ABANDONED",
    }


def test_the_first_node_offers_what_can_happen_to_a_decision_and_nothing_else() -> None:
    found = search(decided(), 1)
    assert set(found.actions) == {"Continue", "soon", "late", "dies", "kill", "cancel_all", "close_all"}
    assert found.nodes == 8


@pytest.mark.parametrize(
    ("bug", "depth", "begin", "invariant"),
    [
        ("M3", 1, sent, "I1"), ("M4", 1, sent, "I7"), ("M5", 3, sent, "I7"), ("M7", 3, resting, "I8"),
        ("M11", 2, sent, "I7"), ("X1", 1, unproven, "I5"),
    ],
)  # fmt: skip
def test_a_planted_bug_is_found(bug: str, depth: int, begin: object, invariant: str) -> None:
    wrong = next(one for one in BUGS if one.name == bug)
    assert callable(begin)
    with planted(wrong), pytest.raises(Broken, match=f"^{invariant}: "):
        search(begin(), depth)


def test_the_command_says_how_much_was_tried() -> None:
    code, said = answered("--small", "1")
    assert (code, said["depth"], said["violations"]) == (0, 1, 0)
    assert said["nodes"] > 20


def test_the_small_tier_takes_no_plan_no_bug_and_no_endless_depth() -> None:
    assert "leave one of them out" in simulate("--small", "1", "--bug", "M4").stderr
    assert "leave one of them out" in simulate("--small", "1", "--crashes").stderr
    assert "--small" in simulate("--small", "13").stderr
