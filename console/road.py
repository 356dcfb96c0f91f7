"""`gatehouse road` and `gatehouse approve`: start a road, watch it, and say yes or no where it waits for a person."""

import time
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show, words
from trader_core.model.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from trader_core.settings import Settings

road_app = typer.Typer(no_args_is_help=True, help="Walk a plan from its data to real money, one gate at a time.")
Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]
RoadArgument = Annotated[str, typer.Argument(help="The road's id; empty: the newest one.")]
POLL_S = 1.0


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(road_app, name="road")
    app.command("approve")(approve)


@road_app.command("start")
def start(
    *,
    plan: Annotated[str, typer.Argument(help="Name of a plan in gatehouse.toml (`gatehouse init` writes one).")],
    as_json: Json = False,
) -> None:
    """Start a road for a configured plan; its steps are flow runs, and it waits for you before each stage with money."""
    settings = options.settings()
    road_id = begin(settings, plan)
    show.answer({"road_id": road_id, "plan": plan, "next": f"`gatehouse road watch {road_id}`, or the Prefect UI"}, as_json=as_json)


def new_id() -> str:
    """Return the id of a road that begins now."""
    return f"r-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:4]}"


def begin(settings: "Settings", plan: str) -> str:
    """Store a road and ask for its first step; raises BadInput while another of its recipe goes on."""
    subjects, roads, tasks_roads = (import_module(name) for name in ("tasks.subjects", "trader_core.store.roads", "tasks.roads"))
    subject = subjects.of_plan(settings, plan)
    road_id = new_id()
    new = roads.NewRoad(road_id, subject.account, subject.plan.venue, subject.recipe, subject.freeze(), rehearsal=subject.sandbox)
    with reach.database(settings) as server, reach.connection(server, "flow") as db:
        words.require_no_kill(settings, db)
    tasks_roads.begin_road(settings, new)
    return road_id


@road_app.command("list")
def list_(*, limit: Annotated[int, typer.Option(help="How many, 1 to 1000.")] = 20, as_json: Json = False) -> None:
    """List the newest roads."""
    options.between("--limit", limit, 1, 1000)
    roads = import_module("trader_core.store.roads")
    with reach.database(options.settings()) as server, reach.connection(server, "api") as db:
        found = [summary(row) for row in roads.list_roads(db, limit)]
    if as_json:
        show.answer({"roads": found}, as_json=True)
        return
    show.rows(
        "Roads" if found else "No road was ever started",
        ["id", "plan", "venue", "step", "status", "operations", "edge"],
        [list(one.values())[:7] for one in found],
    )


@road_app.command("status")
def status(*, road_id: RoadArgument = "", as_json: Json = False) -> None:
    """Show a road: where it is, what each step ended with, and what is next."""
    settings = options.settings()
    found = look(settings, road_id)
    if as_json:
        show.answer(found, as_json=True)
        return
    steps = found.pop("steps")
    show.answer(found, as_json=False, title=str(found["road_id"]))
    lines = [[one["step"], one["attempt"], one["status"], one["verdict"], one["error"][:80]] for one in steps]
    show.rows("", ["step", "attempt", "status", "verdict", "error"], lines)


@road_app.command("watch")
def watch(*, road_id: RoadArgument = "") -> None:
    """Follow a road to its end. Ends with 0 when it was walked, 2 for NO_GO, 3 for NOT_ENOUGH_EVIDENCE, 1 for anything else."""
    settings = options.settings()
    raise typer.Exit(exit_code(follow(settings, str(look(settings, road_id)["road_id"]))))


def follow(settings: "Settings", road_id: str, *, approver: str = "") -> dict[str, Any]:
    """Tell each step as it begins and ends, until the road has ended; an `approver` says yes wherever it waits."""
    told: dict[tuple[str, int], str] = {}
    with reach.database(settings):
        while True:
            found = look(settings, road_id)
            for one in found["steps"]:
                key, line = (one["step"], one["attempt"]), f"{one['status']} {one['verdict']}"
                if told.get(key) != line:
                    told[key] = line
                    show.err().print(f"[dim]{time.strftime('%H:%M:%S')}[/] {one['step']:<12} {one['status']:<10} {one['verdict']}")
            if found["status"] not in {"walking", "waiting"}:
                return found
            if approver and found["waits_for"] and found["status"] == "waiting":
                say_yes(settings, found["waits_for"], approver)
            time.sleep(POLL_S)


def say_yes(settings: "Settings", approval_id: str, approver: str) -> None:
    """Approve as a person would by `gatehouse approve`; one that is not there yet, or no longer, is left alone."""
    try:
        decide(settings, approval_id, yes=True, approver=approver, reason="the rehearsal's own yes")
    except BadInput:
        return  # it is not suspended yet, or was decided a moment ago: looked at again


def exit_code(found: dict[str, Any]) -> int:
    """Return what a command that watched a road ends with."""
    road = import_module("trader_core.evidence.road")
    return int(road.EXIT_CODES.get(road.RoadStatus(found["status"]), show.EXIT_OTHER))


@road_app.command("cancel")
def cancel(*, road_id: RoadArgument = "", as_json: Json = False) -> None:
    """Give a road up: no further step is taken. A stage that trades is ended by its own flow, or by `gatehouse close-all`."""
    settings, roads = options.settings(), import_module("trader_core.store.roads")
    found = look(settings, road_id)
    with reach.database(settings) as server, reach.connection(server, "flow") as db:
        roads.set_road(db, str(found["road_id"]), status="cancelled", error=f"given up by {words.actor()}")
    show.answer(look(settings, str(found["road_id"])), as_json=as_json)


def look(settings: "Settings", road_id: str) -> dict[str, Any]:
    """Return a road with its steps and the approval that it waits for; raises UnknownName."""
    roads, approvals = import_module("trader_core.store.roads"), import_module("trader_core.store.approvals")
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        newest = roads.list_roads(db, 1)
        if not road_id and not newest:
            raise UnknownName("a road", "none was ever started", "`gatehouse road start PLAN`")
        row = roads.load_road(db, road_id) if road_id else newest[0]
        steps = roads.steps_of(db, row.road_id)
        waiting = approvals.waiting(db, row.road_id)
    return summary(row) | {
        "waits_for": waiting[0].approval_id if waiting else "",
        "steps": [
            {"step": str(one.step), "attempt": one.attempt, "status": str(one.status), "verdict": str(one.result.get("verdict", "")),
             "flow_run": one.flow_run_id, "error": one.error, "result": one.result}
            for one in steps
        ],
    }  # fmt: skip


def summary(row: Any) -> dict[str, Any]:
    """Return the figures of a road that every list shows."""
    return {
        "road_id": row.road_id, "plan": row.config["name"], "venue": row.venue, "step": row.step, "status": str(row.status),
        "operations": row.operations, "edge": row.edge, "rehearsal": row.rehearsal, "report": row.report, "error": row.error,
    }  # fmt: skip


def approve(
    *,
    approval_id: Annotated[str, typer.Argument(help="The approval's id; empty: list those that wait.")] = "",
    as_: Annotated[str, typer.Option("--as", help="Your name; recorded for ever.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")] = "",
    refuse: Annotated[bool, typer.Option("--refuse", help="Say no: the road ends here.")] = False,
    as_json: Json = False,
) -> None:
    """Say yes (or no) to a stage that waits for you; the suspended run goes on. Once decided, nothing can be decided again."""
    settings = options.settings()
    if not approval_id:
        _waiting(settings, as_json=as_json)
        return
    decided = decide(settings, approval_id, yes=not refuse, approver=as_, reason=reason)
    show.answer(decided, as_json=as_json)


def decide(settings: "Settings", approval_id: str, *, yes: bool, approver: str, reason: str) -> dict[str, Any]:
    """Hand the decision to the run that waits for it; raises BadInput for nobody's decision, and for a second one."""
    approvals, client = import_module("trader_core.store.approvals"), import_module("deployments.prefect_client")
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        row = approvals.load(db, approval_id)
    if row.status != "requested":
        raise BadInput("an approval that is still open", f"{approval_id} was {row.status} by {row.approver}", "nothing is left to decide")
    if len(approver.strip()) < approvals.NAME_MIN:
        raise BadInput("the approver's name", repr(approver)[:40], "say who decides: --as NAME")
    client.resume(settings, row.flow_run_id, {"decision": "approve" if yes else "refuse", "approver": approver.strip(), "reason": reason})
    return {"approval_id": approval_id, "road_id": row.road_id, "stage": str(row.stage), "decision": "approve" if yes else "refuse"}


def _waiting(settings: "Settings", *, as_json: bool) -> None:
    approvals = import_module("trader_core.store.approvals")
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        found = [[row.approval_id, row.road_id, str(row.stage), str(row.requested_at)[:19]] for row in approvals.waiting(db)]
    names = ["approval", "road", "stage", "asked"]
    if as_json:
        show.answer({"waiting": [dict(zip(names, line, strict=True)) for line in found]}, as_json=True)
        return
    show.rows("Waiting for you" if found else "Nothing waits for you", names, found)
