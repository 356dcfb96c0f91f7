"""The flow `backtest`: nightly over all configured plans, and once for a road, where its gate decides whether paper comes next."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows import show
from flows.common import HOOKS, RoadId, checked, described, run_id
from tasks import declared_evidence as evidence
from tasks import roads
from trader_core.evidence.road import Step
from trader_core.evidence.verdict import Verdict
from trader_core.model.errors import DataFault, GatehouseError
from trader_core.settings import Settings

Plans = Annotated[list[str], Field(description="Names of plans in gatehouse.toml; empty: all of them.", max_length=100)]
Fetch = Annotated[bool, Field(description="Fetch what the venue has that is not stored yet, and check it, before the backtest.")]


@flow(name="backtest", flow_run_name="backtest-{road_id}", persist_result=False, **HOOKS)
@described
def backtest(plans: Plans = [], road_id: RoadId = "", fetch: Fetch = True) -> dict[str, Any]:  # noqa: B006 - a form's default, never changed
    """Fetch and check the newest candles, backtest every plan, compare the night with those before, and tell what must not be.

    A plan whose data fails its gate, or cannot be fetched, is left out: the others go on, and the run ends as failed. The same
    data, plan and code with another result is a defect and is alerted; so is a result that leaves a plan's own interval.
    """
    if road_id:
        return _of_road(road_id)
    names = plans or evidence.plan_names()
    found = {name: _night(name, fetch=fetch) for name in names}
    wrong = [f"{name}: {one['left_out']}" for name, one in found.items() if "left_out" in one]
    if wrong:
        raise DataFault(
            f"a backtest of {len(names)} plans", "; ".join(wrong), "see the gate or the task that is named; the others were done"
        )
    return found


def _night(name: str, *, fetch: bool) -> dict[str, Any]:
    try:
        if fetch:
            done = evidence.collect_candles(name, "", evidence.days_behind(name))
            gate = checked("nightly", name, "", (done["from_ms"], done["to_ms"]), done["collection_session_id"])
            if gate["verdict"] != Verdict.GO:
                return {"left_out": f"its data says {gate['verdict']}: {gate['first']}"}
        night = evidence.backtest_night(name)
    except GatehouseError as error:
        return {"left_out": str(error)}
    show.nights(name, evidence.nights_of(name))
    return night


def _of_road(road_id: str) -> dict[str, Any]:
    with roads.walking(Settings(), road_id, Step.BACKTEST, run_id()) as walked:
        walked.result |= evidence.backtest_of_road(road_id, walked.attempt)
        show.gate("backtest", walked.result)
    return walked.result
