"""The flow `backtest`: nightly over all configured plans, and once for a road, where its gate decides whether paper comes next."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows import show
from flows.common import HOOKS, RoadId, described, run_id
from tasks import declared_evidence as evidence
from tasks import roads
from trader_core.evidence.road import Step
from trader_core.settings import Settings

Plans = Annotated[list[str], Field(description="Names of plans in gatehouse.toml; empty: all of them.", max_length=100)]


@flow(name="backtest", flow_run_name="backtest-{road_id}", persist_result=False, **HOOKS)
@described
def backtest(plans: Plans = [], road_id: RoadId = "") -> dict[str, Any]:  # noqa: B006 - a form's default, never changed
    """Backtest every plan on what is stored, compare the night with those before, and tell what must not be.

    The same data, plan and code with another result is a defect and is alerted; so is a result that leaves a plan's own interval.
    """
    if road_id:
        return _of_road(road_id)
    found = {}
    for name in plans or evidence.plan_names():
        found[name] = evidence.backtest_night(name)
        show.nights(name, evidence.nights_of(name))
    return found


def _of_road(road_id: str) -> dict[str, Any]:
    with roads.walking(Settings(), road_id, Step.BACKTEST, run_id()) as walked:
        walked.result |= evidence.backtest_of_road(road_id, walked.attempt)
        show.gate("backtest", walked.result)
    return walked.result
