"""What comes next on the road, from what its steps ended with."""

import pytest

from trader_core.evidence.road import STEPS, Attempt, Next, RoadStatus, Step, StepStatus, next_of
from trader_core.evidence.verdict import Verdict

DONE, FAILED, RUNNING = StepStatus.DONE, StepStatus.FAILED, StepStatus.RUNNING


def walked(until: Step) -> list[Attempt]:
    """Return one good attempt at each step before `until`."""
    return [Attempt(step, 1, DONE, Verdict.GO) for step in STEPS[: STEPS.index(until)]]


def test_a_new_road_begins_with_its_data() -> None:
    assert next_of([]) == Next(start=Step.COLLECT, attempt=1)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_that_said_go_leads_to_the_one_behind_it(step: Step) -> None:
    assert next_of(walked(step)) == Next(start=step, attempt=1)


def test_after_the_report_a_road_without_a_no_is_walked() -> None:
    assert next_of([*walked(Step.GO_NO_GO), Attempt(Step.GO_NO_GO, 1, DONE)]) == Next(end=RoadStatus.WALKED)


@pytest.mark.parametrize("status", [StepStatus.REQUESTED, StepStatus.RUNNING, StepStatus.WAITING])
def test_a_step_that_is_under_way_is_waited_for(status: StepStatus) -> None:
    assert next_of([*walked(Step.STAGE_1), Attempt(Step.STAGE_1, 1, status)]) == Next(wait=Step.STAGE_1)


@pytest.mark.parametrize(
    ("verdict", "end"), [(Verdict.NO_GO, RoadStatus.NO_GO), (Verdict.NOT_ENOUGH_EVIDENCE, RoadStatus.NOT_ENOUGH_EVIDENCE)]
)
def test_a_gate_that_does_not_say_go_leads_to_the_report_and_then_ends_the_road(verdict: Verdict, end: RoadStatus) -> None:
    stopped = [*walked(Step.VALIDATE), Attempt(Step.VALIDATE, 1, DONE, verdict)]
    assert next_of(stopped) == Next(start=Step.GO_NO_GO, attempt=1)
    assert next_of([*stopped, Attempt(Step.GO_NO_GO, 1, RUNNING)]) == Next(wait=Step.GO_NO_GO)
    assert next_of([*stopped, Attempt(Step.GO_NO_GO, 1, DONE)]) == Next(end=end)


def test_a_failed_collection_is_tried_three_times() -> None:
    assert next_of([Attempt(Step.COLLECT, 1, FAILED)]) == Next(start=Step.COLLECT, attempt=2)
    assert next_of([Attempt(Step.COLLECT, n, FAILED) for n in (1, 2)]) == Next(start=Step.COLLECT, attempt=3)
    thrice = [Attempt(Step.COLLECT, n, FAILED) for n in (1, 2, 3)]
    assert next_of(thrice) == Next(start=Step.GO_NO_GO, attempt=1)
    assert next_of([*thrice, Attempt(Step.GO_NO_GO, 1, DONE)]) == Next(end=RoadStatus.FAILED)


def test_a_failed_stage_is_never_repeated_without_a_person() -> None:
    failed = [*walked(Step.STAGE_10), Attempt(Step.STAGE_10, 1, FAILED)]
    assert next_of(failed) == Next(start=Step.GO_NO_GO, attempt=1)


def test_a_report_that_cannot_be_written_fails_the_road() -> None:
    failed = [*walked(Step.GO_NO_GO), *(Attempt(Step.GO_NO_GO, n, FAILED) for n in (1, 2, 3))]
    assert next_of(failed) == Next(end=RoadStatus.FAILED)


def test_attempts_may_come_in_any_order() -> None:
    assert next_of([Attempt(Step.COLLECT, 2, DONE, Verdict.GO), Attempt(Step.COLLECT, 1, FAILED)]) == Next(start=Step.BACKTEST, attempt=1)
