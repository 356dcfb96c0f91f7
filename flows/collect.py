"""The flow `collect`: the candles that a plan or a road needs, checked before anything rests on them."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows import show
from flows.common import HOOKS, PlanName, RoadId, checked, described, run_id
from tasks import declared_evidence as evidence
from tasks import roads
from trader_core.evidence.road import Step
from trader_core.settings import Settings

Days = Annotated[int, Field(description="Days of history up to now; 0: as the plan says.", ge=0, le=3650)]


@flow(name="collect", flow_run_name="collect-{plan}{road_id}", persist_result=False, **HOOKS)
@described
def collect(plan: PlanName = "", road_id: RoadId = "", days: Days = 0) -> dict[str, Any]:
    """Fetch the closed candles of a plan's instruments, store them as one collection session, and check them.

    What fails the check is fetched again once. A failed gate blocks exactly the instruments that the bad data belongs to.
    """
    with roads.walking(Settings(), road_id, Step.COLLECT, run_id()) as walked:
        done = evidence.collect_candles(plan, road_id, days)
        walked.result |= done
        gate = checked("collect", plan, road_id, (done["from_ms"], done["to_ms"]), done["collection_session_id"])
        walked.result |= gate
        show.gate("data quality", walked.result)
    return walked.result
