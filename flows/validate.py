"""The flow `validate`: 72 hours of paper beside dry-run, in hourly slices, with a restart drill and a kill drill inside."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows import show
from flows.common import HOOKS, PlanName, RoadId, described, fresh_data, run_id
from tasks import declared, roads
from tasks import declared_evidence as evidence
from tasks.validating import lock_key
from trader_core.evidence.road import Step
from trader_core.evidence.verdict import Verdict
from trader_core.settings import Settings

Again = Annotated[bool, Field(description="Validate a road's plan again, outside its steps: a GO renews its permit, a NO_GO takes it.")]
Hours = Annotated[int, Field(description="Hours of venue time; 0: as the road says (72). Fewer are never enough evidence.", ge=0, le=744)]


@flow(name="validate", flow_run_name="validate-{plan}{road_id}", persist_result=False, **HOOKS)
@described
def validate(plan: PlanName = "", road_id: RoadId = "", hours: Hours = 0, revalidate: Again = False) -> dict[str, Any]:
    """Run a plan on paper beside a dry run, compare them decision by decision, and judge by thresholds that were hashed before.

    On a real venue this takes as long as it says; on the embedded exchange as long as the machine needs. A run that dies is
    continued where it was: nothing is stepped, drilled or counted twice.
    """
    with roads.walking(Settings(), "" if revalidate else road_id, Step.VALIDATE, run_id()) as walked:
        data = fresh_data("validate", plan, road_id)
        if data["verdict"] != Verdict.GO:
            walked.result |= data
            return walked.result
        began = evidence.begin_validation(plan, road_id, hours, walked.attempt, run_id())
        validation_id = began["validation_id"]
        walked.result["validation_id"] = validation_id
        with declared.holding(lock_key(validation_id)):
            evidence.open_validation(validation_id)
            for hour in range(1, began["hours"] + 1):
                found = evidence.validate_hour(validation_id, hour)
                show.hour(validation_id, found, began["hours"])
                if found["drill"]:
                    evidence.drill(validation_id, hour, found["drill"])
            walked.result |= evidence.judge_validation(validation_id)
        show.gate("validation", walked.result)
        if revalidate:
            walked.result |= evidence.renew_permit(validation_id)
    return walked.result
