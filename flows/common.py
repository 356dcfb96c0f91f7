"""What every flow shares: the words of its form, its run's id, its data gate, and the hooks that record and tell a bad end."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

from prefect.runtime import flow_run
from pydantic import Field

from tasks import declared_evidence as evidence
from tasks import declared_money as money
from tasks import quality, roads, telling
from trader_core.evidence.road import Step
from trader_core.evidence.verdict import Verdict
from trader_core.settings import Settings

PlanName = Annotated[str, Field(description="Name of a plan in gatehouse.toml. Leave it empty when you name a road.", max_length=80)]
RoadId = Annotated[
    str, Field(description="Id of a road (`gatehouse road list`). Empty: the named plan, or else the newest road.", max_length=80)
]
StageNumber = Annotated[
    int, Field(description="Which stage: 1, 10 or 100 EUR of working capital per position.", json_schema_extra={"enum": [1, 10, 100]})
]

F = TypeVar("F", bound=Callable[..., Any])


def described(function: F) -> F:
    """Return the function with its parameters' descriptions in its docstring, where Prefect looks for what its forms say."""
    hints = get_type_hints(function, include_extras=True)
    lines = [
        f"    {name}: {field.description}"
        for name, hint in hints.items()
        for field in getattr(hint, "__metadata__", ())
        if getattr(field, "description", None)
    ]
    function.__doc__ = f"{inspect.getdoc(function)}\n\nArgs:\n" + "\n".join(lines) if lines else function.__doc__
    return function


STEP_FLOWS = {"collect": Step.COLLECT, "backtest": Step.BACKTEST, "validate": Step.VALIDATE, "go_no_go": Step.GO_NO_GO}
FRESH_HOURS = 24
"""How much of the newest data is checked before something new begins on it."""


def run_id() -> str:
    """Return the id of the flow run that asks; empty outside one."""
    return str(flow_run.id or "")


def step_of(flow_name: str, parameters: dict[str, Any]) -> Step | None:
    """Return which step of a road a run with these parameters takes."""
    if flow_name in STEP_FLOWS:
        return STEP_FLOWS[flow_name]
    stage = parameters.get("stage", 1)
    return Step(f"{flow_name}_{stage}") if flow_name in {"approve", "stage"} and stage in {1, 10, 100} else None


def checked(purpose: str, plan: str, road_id: str, interval: tuple[int, int], collection: str = "") -> dict[str, Any]:
    """Check a subject's stored candles, repair once what can be fetched again, check again, and return the gate."""
    found = evidence.check_candles(purpose, plan, road_id, *interval, collection, quality.new_id())
    if found["verdict"] == Verdict.GO or found["status"] == quality.ERROR:
        return found
    evidence.repair_candles(found["quality_run_id"])
    return evidence.check_candles(purpose, plan, road_id, *interval, "", quality.new_id())


def fresh_data(purpose: str, plan: str, road_id: str) -> dict[str, Any]:
    """Collect the newest data of a subject and check it: before anything new begins on it."""
    evidence.collect_candles(plan, road_id, 1)
    return checked(purpose, plan, road_id, evidence.recent_interval(plan, road_id, FRESH_HOURS))


def told(flow: Any, flow_run: Any, state: Any) -> None:
    """Roll a stage back whose run died, and tell that a run failed, crashed or was cancelled; a cancelled step is stored as such."""
    settings, name = Settings(), str(state.name)
    parameters = dict(flow_run.parameters or {})
    road_id, step = str(parameters.get("road_id") or ""), step_of(flow.name, parameters)
    why = (state.message or "no reason was given").strip().splitlines()[0][:300]
    telling.tell(
        settings, "crash", "warning" if name == "Cancelled" else "critical", f"{flow.name}: {name}", why,
        f"flow {flow_run.id} {name}", flow_run=str(flow_run.name), road=road_id,
    )  # fmt: skip
    rolled = money.roll_back_of(str(flow_run.id), f"its flow run ended as {name}: {why}") if flow.name == "stage" else []
    if rolled or not road_id or step is None:
        return
    if name == "Cancelled":
        roads.cancelled(settings, road_id, step)
    if name == "Crashed" and flow.name != "stage":
        roads.crashed(settings, road_id, step, str(flow_run.id))


HOOKS: dict[str, Any] = {"on_failure": [told], "on_crashed": [told], "on_cancellation": [told]}
