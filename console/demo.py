"""`gatehouse demo`: the whole road on the embedded exchange, by the very commands that a user would type."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from console import options, reach, show, words
from trader_core.model.errors import BadInput, GatehouseError
from trader_core.model.session import ACCOUNTS, SessionStatus

if TYPE_CHECKING:
    from trader_core.settings import Settings

SYMBOLS = "BTC/USDT,ETH/USDT,SOL/USDT,XRP/USDT,DOGE/USDT,ADA/USDT,LINK/USDT,LTC/USDT,AVAX/USDT,DOT/USDT"
START = "2026-01-05T00:00"
HISTORY_FROM = "2026-01-02T00:00"
STRATEGY, PARAMS = "sma_cross", ("fast=20", "slow=100")
TREND_BPS = 90
EXCHANGE = (
    "--clock", "stepped", "--start", START, "--planted-trend", str(TREND_BPS), "--maker-ppm", "500", "--taker-ppm", "1000",
    "--notional-min", "0.1", "--history-days", "4",
)  # fmt: skip
POLL_S = 0.5
HOURS_MAX = 24 * 31
SEED_MAX = 2**32 - 1
DISCLOSURES = (
    f"The market is synthetic, with a planted trend (half height of its swings: {TREND_BPS} bps): earnings say nothing of a real one.",
    "The exchange is the embedded one, its clock is stepped and its minimum order is a rehearsal value of 0.10 USDT.",
    "One EUR is counted as 1.08 USDT: a fixed rehearsal rate.",
    "Nothing here can open a permit on a real exchange.",
)


class DemoFault(GatehouseError):
    """A step of the demonstration did not end well."""


@dataclass(slots=True)
class Road:
    """What the walk has gathered so far."""

    settings: "Settings"
    seed: int
    started: float = field(default_factory=time.monotonic)
    backtest: dict[str, Any] = field(default_factory=dict)
    collect: dict[str, Any] = field(default_factory=dict)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("demo")(demo)


def demo(
    *,
    hours: Annotated[int, typer.Option(help="Hours of the paper session, 1 to 744.")] = 72,
    stage_hours: Annotated[int, typer.Option(help="Hours of the EUR 1 stage, 1 to 744.")] = 6,
    seed: Annotated[int, typer.Option(help="Seed of the market: the same seed gives the same market.")] = 7,
    keep: Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Keep everything up at the end.")] = False,
) -> None:
    """Walk the road: collect, backtest, 72 hours of paper, EUR 1 with real orders on the embedded exchange, and a report."""
    for option, value in (("--hours", hours), ("--stage-hours", stage_hours)):
        options.between(option, value, 1, HOURS_MAX)
    options.between("--seed", seed, 0, SEED_MAX)
    settings = options.settings()
    stack = import_module("deployments.stack")
    if stack.status(settings):
        raise BadInput("no local stack in this home", "one that runs", "`gatehouse down`, or set GATEHOUSE_HOME to another folder")
    road = Road(settings, seed)
    show.err().print(
        "[bold]Gatehouse[/]: from candles to €1 on the embedded exchange (planted trend: it is a demonstration, not a promise)"
    )
    with ExitStack() as up:
        with show.working("Starting the database, the embedded exchange and the traders"):
            running = up.enter_context(stack.local(settings, [*EXCHANGE, "--seed", str(seed)], accounts=()))
            with reach.connection(running.server, "flow") as db:
                words.require_no_kill(settings, db)
            _give_up_old(running.server)
            for account in stack.ACCOUNTS:
                running.start_trader(account)
        path, operations, edge = walk(road, running, hours, stage_hours)
        out = show.out()
        out.print(f"operations  [bold]{operations}[/]    edge  [bold]{edge}[/]    ({time.monotonic() - road.started:.0f} s)")
        out.print(f"report      {path}", soft_wrap=True)
        if keep:
            _hold(running)
    if operations != "GO":
        raise DemoFault("GO for operations", operations, f"read {path}")


def _give_up_old(server: Any) -> None:
    """Leave no session behind that would go on: each demonstration has a new exchange, which knows nothing of the last one's orders."""
    sessions = import_module("trader_core.store.sessions")
    with reach.connection(server, "flow") as db:
        for account in ACCOUNTS:
            for row in sessions.sessions_of(db, account, [SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING]):
                sessions.set_status(db, row.session_id, SessionStatus.FAILED, error="its embedded exchange is gone")
                show.err().print(f"{row.session_id} of an earlier run is given up: its embedded exchange is gone")


def walk(road: Road, running: Any, hours: int, stage_hours: int) -> tuple[Path, str, str]:
    """Take every step and return the report's path and both verdicts."""
    road.collect = command(
        road, "collect", "--venue", "sandbox", "--symbol", SYMBOLS, "--timeframe", "1m", "--from", HISTORY_FROM, "--to", START, "--json"
    )
    parameters = [word for pair in PARAMS for word in ("--param", pair)]
    road.backtest = command(
        road, "backtest", STRATEGY, "--venue", "sandbox", "--symbol", SYMBOLS, "--timeframe", "1m", "--from", HISTORY_FROM,
        "--to", START, "--data-session", str(road.collect["collection_session_id"]), *parameters, "--json",
    )  # fmt: skip
    common = ["session", "start", STRATEGY, "--venue", "sandbox", "--symbol", SYMBOLS, *parameters, "--json"]
    paper = session(road, running, [*common, "--mode", "paper", "--hours", str(hours)], f"{hours} hours of paper")
    stage = session(
        road, running, [*common, "--mode", "stage", "--stage", "EUR_1", "--hours", str(stage_hours), "--flatten"], "EUR 1, real orders"
    )
    return report(road, running, paper, stage)


def command(road: Road, *words: str) -> dict[str, Any]:
    """Run one of our own commands as a user would, and return its JSON answer; raises DemoFault with what it said."""
    show.err().print(f"[dim]$ gatehouse {' '.join(words)}[/]", markup=True)
    environment = {**os.environ, "GATEHOUSE_HOME": str(road.settings.folder())}
    with show.working(words[0]):
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "console", *words], capture_output=True, text=True, env=environment, check=False
        )
    if done.returncode:
        raise DemoFault(f"`gatehouse {words[0]}` to succeed", done.stderr.strip()[-800:], "see the logs in the home folder")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def session(road: Road, running: Any, words: list[str], title: str) -> str:
    """Start a session and follow it to its end; return its id."""
    session_id = str(command(road, *words)["session_id"])
    sessions = import_module("trader_core.store.sessions")
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), console=show.err()
    )
    with bar:
        task = bar.add_task(title, total=1)
        while True:
            with reach.connection(running.server, "verify") as db:
                row = sessions.load_session(db, session_id)
            if row.from_ms:
                bar.update(task, total=row.until_ms - row.from_ms, completed=row.next_ms - row.from_ms)
            if row.status in {"finished", "halted", "failed"}:
                break
            time.sleep(POLL_S)
    if row.status != "finished":
        raise DemoFault(f"{title} to finish", f"{row.status}: {row.error[:400]}", f"read {road.settings.folder() / 'logs'}")
    return session_id


def venue_orders(running: Any) -> dict[str, int]:
    """Return how many orders the exchange's own ledger holds per client id, strangers included."""
    said = running.sandbox.announced
    request = urllib.request.Request(  # noqa: S310 - a loopback address from the announcement
        f"{said['admin_url']}/ledger?account={said['account']}", headers={"X-Sandbox-Token": said["admin_token"]}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        ledger = json.load(answer)
    return dict(Counter(order["client_id"] for order in ledger["orders"]))


def report(road: Road, running: Any, paper_id: str, stage_id: str) -> tuple[Path, str, str]:
    """Examine both sessions, write the page, and return its path and the verdicts."""
    from trader_core.evidence.report import Report, Step, render
    from trader_core.evidence.verdict import Verdict

    examine = import_module("trader_core.trader.examine")
    with show.working("Folding both journals again"), reach.connection(running.server, "verify") as db:
        paper = examine.examine(db, paper_id)
        stage = examine.examine(db, stage_id, venue_orders(running))
    steps = [
        Step("Collect", plain(road.collect)),
        Step("Backtest", plain(road.backtest)),
        Step(f"{paper.slots // 60} hours of paper", figures(paper), paper.equity, (paper.operations, paper.edge)),
        Step("EUR 1, real orders on the embedded exchange", figures(stage), stage.equity, (stage.operations, stage.edge)),
    ]
    both = {paper.operations.verdict, stage.operations.verdict}
    operations = next(v for v in (Verdict.NO_GO, Verdict.NOT_ENOUGH_EVIDENCE, Verdict.GO) if v in both)
    judged = [stage.operations if stage.operations.verdict is operations else paper.operations, paper.edge]
    folder = road.settings.folder() / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stage_id}.html"
    made = f"seed {road.seed}, made {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())} in {time.monotonic() - road.started:.0f} s"
    path.write_text(render(Report("Gatehouse: from candles to €1", made, DISCLOSURES, steps, judged)))
    return path, str(operations), str(paper.edge.verdict)


def plain(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a command's answer as rows that people read: lists by commas, names with spaces."""
    rows = []
    for name, value in answer.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, dict):
            text = ", ".join(f"{key} {item}" for key, item in value.items())
        rows.append((name.replace("_", " "), text))
    return rows


def figures(found: Any) -> list[tuple[str, str]]:
    """Return the figures of one examined session."""
    row = found.row
    return [
        ("session", row.session_id),
        ("capital", show.amount(row.capital)),
        ("equity at the end", show.amount(found.equity[-1]) if found.equity else "none"),
        ("fees", show.amount(found.fees)),
        ("largest drawdown", f"{found.drawdown_ppm / 10_000:.2f} %"),
        ("slots stepped", str(found.slots)),
        ("orders, fills, refusals", f"{found.orders}, {found.fills}, {found.refusals}"),
        ("round trips, of them won", f"{found.episodes}, {found.wins}"),
        ("journal records", str(found.records)),
        ("starts and recoveries", str(found.boots)),
    ]


def _hold(running: Any) -> None:
    said = running.sandbox.announced
    show.out().print(f"exchange    {said['base_url']} (admin {said['admin_url']})\nCtrl-C ends everything")
    while True:
        time.sleep(3600)
