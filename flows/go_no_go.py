"""The flow `go_no_go`: both verdicts of a road, the permit that they earn, and the report."""

from typing import Any

from prefect import flow

from flows import show
from flows.common import HOOKS, RoadId, described, run_id
from tasks import declared_road as declared
from tasks import roads
from trader_core.evidence.road import Step
from trader_core.settings import Settings


@flow(name="go_no_go", flow_run_name="go-no-go-{road_id}", persist_result=False, **HOOKS)
@described
def go_no_go(road_id: RoadId) -> dict[str, Any]:
    """Judge operations and edge apart, issue the permit that follows, and leave the report as JSON and as one page that needs no network.

    A road that stopped on its way gets its report too: what failed first, and what to do about it.
    """
    with roads.walking(Settings(), road_id, Step.GO_NO_GO, run_id()) as walked:
        walked.result |= declared.write_report(road_id)
        show.report(road_id, walked.result)
    return walked.result
