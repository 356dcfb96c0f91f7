"""A plan is data: it survives its file, says what is wrong with it, runs the same again, and shrinks to what matters."""

import json
from dataclasses import replace
from functools import partial

import pytest

from simulation.bugs import BUGS, planted
from simulation.draw import draw
from simulation.faults import Fault, Faults, Strike
from simulation.plans import RunPlan, Word, parse
from simulation.shrink import items, shrink
from simulation.story import story
from simulation.world import World, run
from trader_core.model.command import Command
from trader_core.model.errors import BadInput

LOST = {"site": "request", "kind": "request lost", "nth": 3, "params": {"ms": 7000}}


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_drawn_plan_comes_back_from_its_text(seed: int) -> None:
    plan = draw(seed)
    assert parse(plan.text()) == plan


def test_a_plan_that_came_back_gives_the_same_run() -> None:
    plan = draw(7)
    assert run(parse(plan.text())).digest == run(plan).digest


def test_a_plan_is_read_by_the_letter() -> None:
    text = json.dumps({"seed": 9, "slots": 5, "faults": [LOST], "commands": [{"command": "kill", "at_ms": 61_000}],
                       "crashes": [{"site": "commit", "kind": "commit failed", "nth": 12, "params": {"down_ms": 900}}]})  # fmt: skip
    assert parse(text) == RunPlan(
        9, 5, faults=(Strike(Fault.REQUEST_LOST, 3, 7_000),), commands=(Word(Command.KILL, at_ms=61_000),),
        crashes=(Strike(Fault.COMMIT_FAILED, 12, 900),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("[]", "list"),
        ("{", "Expecting"),
        ({"slots": 3}, "slots"),
        ({"seed": -1}, "-1"),
        ({"seed": True}, "True"),
        ({"seed": 1, "slots": 0}, "0"),
        ({"seed": 1, "traders": 3}, "3"),
        ({"seed": 1, "fault": []}, "fault"),
        ({"seed": 1, "faults": {}}, "{}"),
        ({"seed": 1, "faults": [LOST | {"kind": "meteor"}]}, "meteor"),
        ({"seed": 1, "faults": [LOST | {"nth": 0}]}, "0"),
        ({"seed": 1, "faults": [LOST | {"site": "venue"}]}, "venue"),
        ({"seed": 1, "faults": [LOST | {"params": {}}]}, "{}"),
        ({"seed": 1, "faults": [LOST | {"params": {"ms": 10**9}}]}, "1000000000"),
        ({"seed": 1, "faults": [LOST | {"window": [1, 2]}]}, "window"),
        ({"seed": 1, "crashes": [LOST]}, "request lost"),
        ({"seed": 1, "commands": [{"command": "explode"}]}, "explode"),
        ({"seed": 1, "commands": [{"command": "kill", "at_ms": "soon"}]}, "soon"),
        ({"seed": 1, "choices": {"symbols": 4}}, "4"),
        ({"seed": 1, "choices": {"colour": 4}}, "colour"),
        ({"seed": 1, "choices": {"fee_ppm": 0.5}}, "0.5"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_by_name(body: object, found: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(body if isinstance(body, str) else json.dumps(body))
    assert found in refused.value.found


def test_a_fault_strikes_at_its_time_or_within_its_window_and_never_in_the_calm() -> None:
    faults = Faults([Strike(Fault.REFUSED, 2), Strike(Fault.QUERY_SLOW, 0, 700, (1_000, 2_000))])
    assert [faults.hit(Fault.REFUSED) for _ in range(4)] == [False, True, False, False]
    seen = []
    for now in (999, 1_000, 1_999, 2_000):
        faults.elapsed = partial(int, now)
        seen.append(faults.strike(Fault.QUERY_SLOW))
    assert seen == [None, 700, 700, None]
    assert dict(faults.counts) == {Fault.REFUSED: 1, Fault.QUERY_SLOW: 2}
    faults.calm, faults.elapsed = True, lambda: 1_500
    assert faults.strike(Fault.QUERY_SLOW) is None


def test_a_fault_that_is_taken_out_leaves_the_market_and_all_that_came_before_as_it_was() -> None:
    plan = draw(10)
    late = max((s for s in run(plan).struck if s.kind is Fault.QUERY_FAILED), key=lambda s: s.nth)
    less = replace(plan, faults=tuple(strike for strike in plan.faults if strike != late))
    one, other = _world(plan), _world(less)
    assert one.market.prices == other.market.prices
    common = [a == b for a, b in zip(one.journal.lines, other.journal.lines, strict=False)]
    assert common.index(False) > 50 if False in common else len(common) > 50


def _world(plan: RunPlan) -> World:
    world = World(plan)
    world.run()
    return world


@pytest.mark.parametrize("name", ["M4", "M7", "M18"])
def test_a_failing_plan_shrinks_to_a_few_events_and_its_story_ends_with_the_violation(name: str) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    with planted(bug):
        small = shrink(draw(bug.seed))
        violation = run(small).violation
        told = story(small)
    assert len(items(draw(bug.seed))) > 20
    assert len(items(small)) <= 5
    assert small.slots < 20
    assert violation is not None
    assert violation.invariant == bug.invariant
    assert told[-1].endswith(str(violation))
    assert run(small).violation is None, "without the bug the small plan holds"


def test_a_plan_that_holds_is_not_shrunk() -> None:
    assert shrink(draw(1)) == draw(1)
