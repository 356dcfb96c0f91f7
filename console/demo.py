"""`gatehouse demo`: the whole road under a real Prefect server and worker, on the embedded exchange."""

import time
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, road, show, words
from trader_core.model.errors import BadInput
from trader_core.model.session import LOCAL_ACCOUNTS, SessionStatus

if TYPE_CHECKING:
    from trader_core.settings import Settings

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT", "LINK/USDT", "LTC/USDT", "AVAX/USDT", "DOT/USDT")
START = "2026-01-05T00:00"
HISTORY_DAYS = 3
PARAMS = {"sma_cross": {"fast": 20, "slow": 100}}
"""Parameters that suit the demo's market; any other strategy runs with its defaults."""
TREND_BPS = 90
EXCHANGE = (
    "--clock", "stepped", "--start", START, "--planted-trend", str(TREND_BPS), "--maker-ppm", "500", "--taker-ppm", "1000",
    "--notional-min", "0.1", "--history-days", str(HISTORY_DAYS + 1),
)  # fmt: skip
DAYS_MAX, SEED_MAX = 31, 2**32 - 1
STAGE_HOURS = 2
PLAN = "demo"
APPROVER = "the demo's own yes"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("demo")(demo)


def demo(
    *,
    days: Annotated[
        int, typer.Option(envvar="DAYS", help="Days of paper beside dry-run, 1 to 31; fewer than 3 are not enough evidence.")
    ] = 3,
    strategy: Annotated[str, typer.Option(envvar="STRATEGY", help="Name of a strategy; metronome is one that must fail.")] = "sma_cross",
    seed: Annotated[int, typer.Option(help="Seed of the market: the same seed gives the same market.")] = 7,
    keep: Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Keep everything up at the end, until Ctrl-C.")] = False,
) -> None:
    """Walk the road: collect, check, backtest, paper beside dry-run, EUR 1, 10 and 100 with real orders on the embedded exchange, report.

    Ends with 0 when it was walked, 2 for NO_GO, 3 for NOT_ENOUGH_EVIDENCE, 1 for anything else.
    """
    options.between("--days", days, 1, DAYS_MAX)
    options.between("--seed", seed, 0, SEED_MAX)
    import_module("trader_core.engine.strategies").find(strategy)
    settings = options.settings()
    stack = import_module("deployments.stack")
    if stack.status(settings):
        raise BadInput("no local stack in this home", "one that runs", "`gatehouse down`, or set GATEHOUSE_HOME to another folder")
    started = time.monotonic()
    show.err().print(
        "[bold]Gatehouse[/]: the road from candles to €100 on the embedded exchange (planted trend: it is a demonstration, not a promise)"
    )
    with ExitStack() as up:
        with show.working("Starting the database, the embedded exchange, the traders and Prefect"):
            running = up.enter_context(stack.local(settings, [*EXCHANGE, "--seed", str(seed)], accounts=(), webhook="sink"))
            with reach.connection(running.server, "flow") as db:
                words.require_no_kill(settings, db)
            give_up_old(running.server)
            for account in LOCAL_ACCOUNTS:
                running.start_trader(account)
            prefect = running.start_prefect()
        show.err().print(f"Prefect     {prefect.ui_url}")
        found = walk(settings, strategy, days)
        _said(settings, found, time.monotonic() - started)
        if keep:
            _hold(running)
    raise typer.Exit(road.exit_code(found))


def walk(settings: "Settings", strategy: str, days: int) -> dict[str, Any]:
    """Start a road for the demo's plan, say yes where it waits, and return how it ended."""
    roads, subjects = import_module("tasks.roads"), import_module("tasks.subjects")
    store, config = import_module("trader_core.store.roads"), import_module("trader_core.config")
    plan = config.PlanConfig(
        strategy=strategy, params=PARAMS.get(strategy, {}), venue="sandbox", symbols=SYMBOLS, history_days=HISTORY_DAYS, capital="1000"
    )
    brief = config.StageRules(hours_min=STAGE_HOURS, episodes_min=1, hours_max=3 * STAGE_HOURS)
    rules = config.RoadConfig(validation_hours=24 * days, eur_1=brief, eur_10=brief, eur_100=brief)
    subject = subjects.Subject(PLAN, plan, rules)
    road_id = road.new_id()
    new = store.NewRoad(road_id, subject.account, plan.venue, subject.recipe, subject.freeze(), rehearsal=True)
    roads.begin_road(settings, new)
    return road.follow(settings, road_id, approver=APPROVER)


def give_up_old(server: Any) -> None:
    """Leave nothing behind that would go on: each demonstration has a new exchange, which knows nothing of the last one's orders."""
    sessions, roads = import_module("trader_core.store.sessions"), import_module("trader_core.store.roads")
    stage_runs = import_module("trader_core.store.stage_runs")
    why = "its embedded exchange is gone"
    with reach.connection(server, "flow") as db:
        for account in LOCAL_ACCOUNTS:
            for row in sessions.sessions_of(db, account, [SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING]):
                if row.venue != "sandbox":
                    continue
                sessions.set_status(db, row.session_id, SessionStatus.FAILED, error=why)
                show.err().print(f"{row.session_id} of an earlier run is given up: {why}")
        for row in [one for one in roads.open_roads(db) if one.venue == "sandbox"]:
            roads.set_road(db, row.road_id, status="cancelled", error=why)
        for row in [one for one in stage_runs.going(db) if one.account == "sandbox"]:
            stage_runs.change(db, row.stage_run_id, status="rolled_back", cause=why)


def _said(settings: "Settings", found: dict[str, Any], seconds: float) -> None:
    out = show.out()
    out.print(
        f"operations  [bold]{found['operations'] or 'not judged'}[/]    edge  [bold]{found['edge'] or 'not judged'}[/]    ({seconds:.0f} s)"
    )
    if found["report"]:
        out.print(f"report      {Path(settings.folder()) / found['report']}", soft_wrap=True)
    if found["error"]:
        out.print(f"error       {found['error']}", soft_wrap=True)
    out.print(f"the road    {found['status']}: {found['road_id']}")


def _hold(running: Any) -> None:
    said = running.sandbox.announced
    show.out().print(
        f"Prefect     {running.prefect.ui_url}\n            export PREFECT_API_URL={running.prefect.api_url}\n"
        f"exchange    {said['base_url']} (admin {said['admin_url']})\nCtrl-C ends everything",
        soft_wrap=True,
    )
    while True:
        time.sleep(3600)
