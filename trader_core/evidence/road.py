"""The road: its steps in order, and what comes next after what the steps so far ended with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from trader_core.evidence.verdict import Verdict
from trader_core.model.stage import StageName


class Step(StrEnum):
    """One step of the road, in this order."""

    COLLECT = "collect"
    BACKTEST = "backtest"
    VALIDATE = "validate"
    APPROVE_1 = "approve_1"
    STAGE_1 = "stage_1"
    APPROVE_10 = "approve_10"
    STAGE_10 = "stage_10"
    APPROVE_100 = "approve_100"
    STAGE_100 = "stage_100"
    GO_NO_GO = "go_no_go"


STEPS = tuple(Step)
STAGE_OF = {
    Step.APPROVE_1: StageName.EUR_1, Step.STAGE_1: StageName.EUR_1, Step.APPROVE_10: StageName.EUR_10, Step.STAGE_10: StageName.EUR_10,
    Step.APPROVE_100: StageName.EUR_100, Step.STAGE_100: StageName.EUR_100,
}  # fmt: skip
ATTEMPTS_MAX = {Step.COLLECT: 3, Step.BACKTEST: 3, Step.GO_NO_GO: 3}
"""How often a step that failed is tried again by itself; what is not named here is never repeated without a person."""


class StepStatus(StrEnum):
    """Where an attempt at a step is."""

    REQUESTED = "requested"
    RUNNING = "running"
    WAITING = "waiting"
    """It waits for a person."""
    DONE = "done"
    FAILED = "failed"


UNDER_WAY = (StepStatus.REQUESTED, StepStatus.RUNNING, StepStatus.WAITING)


class RoadStatus(StrEnum):
    """Where a road is."""

    WALKING = "walking"
    WAITING = "waiting"
    WALKED = "walked"
    NO_GO = "no_go"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (RoadStatus.WALKING, RoadStatus.WAITING)
EXIT_CODES = {RoadStatus.WALKED: 0, RoadStatus.NO_GO: 2, RoadStatus.NOT_ENOUGH_EVIDENCE: 3}
"""What a command that watches a road ends with; 1 is every other end."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step; `verdict` is what its gate said, empty where it has none."""

    step: Step
    attempt: int
    status: StepStatus
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done now: start an attempt, wait for one, or end the road."""

    start: Step | None = None
    attempt: int = 0
    wait: Step | None = None
    end: RoadStatus | None = None


def next_of(attempts: Sequence[Attempt]) -> Next:
    """Return what comes next; whatever stops the road on its way, the report is still written, and then the road ends so."""
    newest = {one.step: one for one in sorted(attempts, key=lambda one: one.attempt)}
    waits = next((step for step in STEPS if step in newest and newest[step].status in UNDER_WAY), None)
    if waits is not None:
        return Next(wait=waits)
    stopped = ending(list(newest.values()))
    for step in STEPS if stopped is RoadStatus.WALKED else (Step.GO_NO_GO,):
        found = newest.get(step)
        if found is None:
            return Next(start=step, attempt=1)
        if found.status is StepStatus.FAILED and found.attempt < ATTEMPTS_MAX.get(step, 1):
            return Next(start=step, attempt=found.attempt + 1)
        if found.status is StepStatus.FAILED:
            return Next(end=RoadStatus.FAILED)
    return Next(end=stopped)


def ending(newest: Sequence[Attempt]) -> RoadStatus:
    """Return how the road ends as far as its steps say: WALKED while none of them has stopped it."""
    for found in sorted(newest, key=lambda one: STEPS.index(one.step)):
        if found.step is Step.GO_NO_GO:
            continue
        if found.status is StepStatus.FAILED and found.attempt >= ATTEMPTS_MAX.get(found.step, 1):
            return RoadStatus.FAILED
        if found.status is StepStatus.DONE and found.verdict == Verdict.NO_GO:
            return RoadStatus.NO_GO
        if found.status is StepStatus.DONE and found.verdict == Verdict.NOT_ENOUGH_EVIDENCE:
            return RoadStatus.NOT_ENOUGH_EVIDENCE
    return RoadStatus.WALKED
