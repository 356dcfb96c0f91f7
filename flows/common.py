"""What every flow shares: the words of its form, its run's id, and the hooks that record and tell when it does not end well."""

from typing import Annotated, Any

from prefect.runtime import flow_run
from pydantic import Field

from tasks import declared, roads, telling
from trader_core.evidence.road import Step
from trader_core.evidence.verdict import Verdict
from trader_core.settings import Settings

PlanName = Annotated[str, Field(description="Name of a plan in gatehouse.toml. Leave it empty when you name a road.", max_length=80)]
RoadId = Annotated[
    str, Field(description="Id of a road (`gatehouse road list`). Empty: the named plan, or else the newest road.", max_length=80)
]
StageNumber = Annotated[int, Field(description="Which stage: 1, 10 or 100 EUR of working capital per position.", json_schema_extra={"enum": [1, 10, 100]})]  # fmt: skip

STEP_FLOWS = {"collect": Step.COLLECT, "backtest": Step.BACKTEST, "validate": Step.VALIDATE, "go_no_go": Step.GO_NO_GO}


def run_id() -> str:
    """Return the id of the flow run that asks; empty outside one."""
    return str(flow_run.id or "")


def step_of(flow_name: str, parameters: dict[str, Any]) -> Step | None:
    """Return which step of a road a run with these parameters takes."""
    if flow_name in STEP_FLOWS:
        return STEP_FLOWS[flow_name]
    if flow_name in {"approve", "stage"}:
        return Step(f"{flow_name}_{parameters.get('stage', 1)}")
    return None


def told(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a run failed, crashed or was cancelled; a step that a person cancelled is stored as such."""
    settings, name = Settings(), str(state.name)
    parameters = dict(flow_run.parameters or {})
    road_id, step = str(parameters.get("road_id") or ""), step_of(flow.name, parameters)
    why = (state.message or "no reason was given").strip().splitlines()[0][:300]
    telling.tell(
        settings, "crash", "warning" if name == "Cancelled" else "critical", f"{flow.name}: {name}", why,
        f"flow {flow_run.id} {name}", flow_run=str(flow_run.name), road=road_id,
    )  # fmt: skip
    if name == "Cancelled" and road_id and step is not None:
        roads.cancelled(settings, road_id, step)


HOOKS: dict[str, Any] = {"on_failure": [told], "on_crashed": [told], "on_cancellation": [told]}


def checked(purpose: str, plan: str, road_id: str, from_ms: int, to_ms: int, collection: str = "") -> str:
    """Check a subject's stored candles, repair once what can be fetched again, check again, and return the verdict."""
    found = declared.check_candles(purpose, plan, road_id, from_ms, to_ms, collection)
    if found["verdict"] == Verdict.GO:
        return str(found["verdict"])
    declared.repair_candles(found["quality_run_id"])
    return str(declared.check_candles(purpose, plan, road_id, from_ms, to_ms, "")["verdict"])
