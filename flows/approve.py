"""The flow `approve`: a stage with money waits here for a person; the run is suspended and its process gone until the form is filled in."""

from enum import StrEnum
from typing import Any

from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.common import HOOKS, RoadId, StageNumber, described, run_id, step_of
from tasks import approving, roads
from tasks import declared_money as money
from trader_core.settings import Settings


class Decision(StrEnum):
    """What a person may decide."""

    APPROVE = "approve"
    REFUSE = "refuse"


class Approval(RunInput):
    """The form: who decides what, and why."""

    decision: Decision = Field(description="approve: the stage may trade with real orders. refuse: the road ends here.")
    approver: str = Field(min_length=2, max_length=100, description="Your name; recorded for ever.")
    reason: str = Field(default="", max_length=1000, description="Why; recorded for ever.")


@flow(name="approve", flow_run_name="approve-{stage}-{road_id}", persist_result=True, **HOOKS)
@described
def approve(road_id: RoadId, stage: StageNumber = 1) -> dict[str, Any]:
    """Ask a person for a stage: what was found so far is said, the run is suspended, and the decision issues the permit, or ends the road.

    `gatehouse approve` and the UI's Resume button fill in the same form. A decision is made once.
    """
    settings = Settings()
    step = step_of("approve", {"stage": stage})
    assert step is not None, "every stage has its approval"
    with roads.walking(settings, road_id, step, run_id()) as walked:
        asked = money.ask_approval(road_id, stage, run_id())
        if asked["status"] == "requested":
            form = Approval.with_initial_data(description=approving.words(asked), reason="")
            given = suspend_flow_run(wait_for_input=form, key=f"approve-{stage}")
            asked = money.decide_approval(asked["approval_id"], given.decision.value, given.approver, given.reason)
        walked.result |= money.issue_permit(asked["approval_id"])
    return walked.result
