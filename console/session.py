"""`gatehouse session`: start, stop, list and show sessions."""

import asyncio
import time
import uuid
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show, words
from trader_core import fx
from trader_core.model.command import Command
from trader_core.model.errors import BadInput, GateShut, UnknownName
from trader_core.model.instrument import qty_text
from trader_core.model.session import ACCOUNTS, LOCAL_ACCOUNTS, SessionMode, SessionStatus, StopPolicy
from trader_core.model.stage import STAGES, StageName

if TYPE_CHECKING:
    from trader_core.settings import Settings
    from trader_core.store.database import Connection
    from trader_core.store.sessions import SessionRow

HOUR_MS = 3_600_000
HOURS_MAX = 24 * 31

session_app = typer.Typer(no_args_is_help=True, help="Start, stop, list and show sessions.")

Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(session_app, name="session")


@session_app.command("start")
def start(
    *,
    strategy: Annotated[str, typer.Argument(help="The strategy's name, for example sma_cross.")],
    mode: Annotated[str, typer.Option(help="paper: simulated fills on the venue's bars; stage: real orders.")] = "paper",
    venue: Annotated[str, typer.Option(help="sandbox, the embedded exchange, or mexc.")] = "sandbox",
    symbol: Annotated[str, typer.Option(help="Symbols separated by commas.")] = "BTC/USDT",
    timeframe: Annotated[str, typer.Option(help="The bars' length.")] = "1m",
    hours: Annotated[int, typer.Option(help="Hours of venue time, 1 to 744.")] = 72,
    capital: Annotated[str, typer.Option(help="Capital of a paper session, in the settlement currency.")] = "1000",
    stage: Annotated[str, typer.Option(help="EUR_1, EUR_10 or EUR_100, for --mode stage.")] = "EUR_1",
    param: Annotated[list[str] | None, typer.Option(help="A parameter as name=value; may be repeated.")] = None,
    stop_loss_ppm: Annotated[int, typer.Option(help="Stop-loss below the average price paid, parts per million; 0 is none.")] = 0,
    take_profit_ppm: Annotated[int, typer.Option(help="Take-profit above it, parts per million; 0 is none.")] = 0,
    set_: options.Set = None,
    also: options.Also = None,
    eur_rate: Annotated[str, typer.Option(help="What one EUR is worth in the settlement currency, for --mode stage on a real venue.")] = "",
    eur_source: Annotated[str, typer.Option(help="Where that rate was read; kept with it.")] = "",
    flatten: Annotated[bool, typer.Option("--flatten/--keep", help="At the end: sell everything, or keep positions.")] = False,
    as_json: Json = False,
) -> None:
    """Request a session; the account's trader opens it, and is started when none runs."""
    settings = options.settings()
    rate = fx.find(settings, options.venue(venue), eur_rate, eur_source)
    wanted = build(
        strategy, mode, options.venue(venue), options.symbols(symbol), timeframe, hours, capital, stage,
        options.params(param or []), stop_loss_ppm, take_profit_ppm, StopPolicy.FLATTEN if flatten else StopPolicy.KEEP, rate=rate,
        settings=options.pairs(set_ or [], "--set"), others=options.others(also or []),
    )  # fmt: skip
    with reach.database(settings) as server:
        with reach.connection(server, "flow") as db:
            words.require_no_kill(settings, db)
            require_permit(settings, db, wanted)
        with show.working("Starting the local stack"):
            import_module("deployments.stack").ensure(settings)
        with show.working("Asking the exchange"):
            stepped = asyncio.run(offered(settings, wanted))
        with reach.connection(server, "flow") as db:
            first = others(db, wanted)
            import_module("trader_core.store.sessions").create_session(db, wanted)
            alone = wanted.account not in LOCAL_ACCOUNTS and not _traded(db, wanted.account)
    answer = {"session_id": wanted.session_id, "account": wanted.account, "hours": hours, "waits_for": first if stepped else []}
    answer |= {"trader": f"none runs: `gatehouse trader --account {wanted.account}` in another terminal"} if alone else {}
    show.answer(answer, as_json=as_json)


def _traded(db: "Connection", account: str) -> bool:
    held = import_module("trader_core.store.lease").load_lease(db, account)
    return held is not None and held.expires_ms > time.time() * 1000


def require_permit(settings: "Settings", db: "Connection", wanted: Any) -> None:
    """Raise GateShut, naming each thing that is missing, for orders without a permit or, on a real venue, the environment's word."""
    from trader_core.evidence.permit import withheld
    from trader_core.store.permits import permit_of
    from trader_core.venues.profiles import ceiling_of

    if wanted.mode is not SessionMode.STAGE:
        return
    sandbox = wanted.venue == "sandbox"
    permit = permit_of(db, wanted.account, wanted.plan.recipe(wanted.venue), int(time.time() * 1000))
    missing = [
        "" if sandbox else settings.orders_withheld(),
        withheld(permit, wanted.mode, wanted.stage, sandbox=sandbox, ceiling=ceiling_of(wanted.venue)),
    ]
    if any(missing):
        found = "; ".join(reason for reason in missing if reason)
        todo = "walk the road first: `gatehouse road start`, which ends in the permit (or, with a reason, `gatehouse permit bypass`)"
        also = "" if sandbox else ", and LIVE_TRADING_ENABLED=true for the trader and this command"
        raise GateShut(f"a permit for {wanted.stage} on {wanted.venue}{also}", found, todo + also)


def build(
    strategy: str, mode: str, venue: str, symbols: tuple[str, ...], timeframe: str, hours: int, capital: str, stage: str,
    params: dict[str, int], stop_loss_ppm: int = 0, take_profit_ppm: int = 0, end: StopPolicy = StopPolicy.KEEP,
    *, rate: dict[str, Any] | None = None, settings: dict[str, str] | None = None, others: tuple[Any, ...] = (),
) -> Any:  # fmt: skip
    """Return a NewSession from what was asked for; raises BadInput for what no trader could run.

    `rate` is what one EUR is worth (trader_core.fx); the embedded exchange has its own, and only stages need one.
    """
    from trader_core.engine import strategies
    from trader_core.model.bar import timeframe_ms
    from trader_core.model.money import PPM, UNIT
    from trader_core.model.money import capital as capital_of
    from trader_core.model.plan import Plan, adjust
    from trader_core.store.sessions import NewSession
    from trader_core.venues.profiles import SANDBOX, profile_named

    timeframe_ms(timeframe)
    options.between("--hours", hours, 1, HOURS_MAX)
    if venue != SANDBOX:
        profile_named(venue)
    rate = fx.rehearsal() if venue == SANDBOX else rate
    if mode not in {SessionMode.PAPER, SessionMode.STAGE}:
        raise UnknownName("a mode of paper, stage", repr(mode), "choose one of them")
    chosen = strategies.find(strategy)
    values = strategies.parse_params(chosen, params)
    plan = adjust(
        Plan(
            chosen.name,
            tuple(sorted(values.items())),
            symbols,
            timeframe,
            UNIT,
            stop_loss_ppm=stop_loss_ppm,
            take_profit_ppm=take_profit_ppm,
        ),
        settings or {},
    )
    plan = replace(plan, others=others)
    plan.require_tradable()
    rung = StageName.PAPER
    if mode == SessionMode.PAPER:
        plan = replace(plan, capital=capital_of(capital))
    else:
        if stage not in {str(name) for name in STAGES}:
            raise UnknownName(f"a stage of {', '.join(STAGES)}", repr(stage), "choose one of them")
        rung = StageName(stage)
        found, eur_ppm = STAGES[rung], int(fx.require(rate, venue)["eur_ppm"])
        amount_units = found.working_capital * plan.limits.positions_max * eur_ppm // PPM
        budget = found.loss_budget * eur_ppm // PPM  # in all; and no day may lose it either, though earlier days earned it
        limits = replace(plan.limits, loss_max=budget, daily_loss_max=budget, latch=True)
        plan = replace(plan, capital=amount_units, limits=limits)
    disclosures = {"rehearsal": venue == SANDBOX} | ({"fx": rate} if rate is not None else {})
    return NewSession(
        session_id=f"{mode}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}",
        mode=SessionMode(mode), account="paper" if mode == SessionMode.PAPER else venue, venue=venue, stage=rung, plan=plan,
        instruments=(), from_ms=0, until_ms=hours * HOUR_MS, stop_policy=end,
        disclosures=disclosures,
    )  # fmt: skip


async def offered(settings: "Settings", wanted: Any) -> bool:
    """Return whether the venue's clock is stepped, once it offers every symbol and holds stops for a plan whose stops rest.

    Raises UnknownName, OutOfRange, VenueError.
    """
    from console.data import instruments_of
    from trader_core.trader.bounds import require_stops
    from trader_core.venues.link import connect

    link = await connect(wanted.venue, settings.folder(), wanted.plan.symbols, wanted.plan.timeframe, None, private=False)
    try:
        require_stops(wanted.plan, link.profile)
        await instruments_of(link, wanted.plan.symbols)
        return link.profile.stepped
    finally:
        await link.close()


def others(db: "Connection", wanted: Any) -> list[str]:
    """Return the sessions that go on; raises BadInput when one of them trades the exchange account that `wanted` would trade."""
    sessions = import_module("trader_core.store.sessions")
    active = [SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING]
    rows = [row for account in ACCOUNTS for row in sessions.sessions_of(db, account, active)]
    same = [row.session_id for row in rows if row.account == wanted.account and wanted.mode is not SessionMode.PAPER]
    if same:
        todo = f"wait for its end, or `gatehouse session stop {same[0]}`"
        raise BadInput(f"no other session on the account {wanted.account}", f"{same[0]} goes on", todo)
    return [row.session_id for row in rows]


@session_app.command("stop")
def stop(
    *,
    session_id: Annotated[str, typer.Argument(help="The session's id.")],
    flatten: Annotated[bool, typer.Option("--flatten/--keep", help="Cancel and sell everything, or keep orders and positions.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Stop a session and say what becomes of its orders and positions."""
    policy = StopPolicy.FLATTEN if flatten else StopPolicy.KEEP
    settings = options.settings()
    sessions, commands = import_module("trader_core.store.sessions"), import_module("trader_core.store.commands")
    with reach.database(settings) as server:
        with reach.connection(server, "api") as db:
            row = sessions.load_session(db, session_id)
            if row.status in {SessionStatus.FINISHED, SessionStatus.FAILED}:
                raise BadInput("a session that runs", f"{session_id} is {row.status}", "`gatehouse session list` shows those that do")
            args = {"policy": str(policy)}
            number = commands.request(
                db, row.account, Command.STOP, actor=words.actor(), reason=reason or "stopped", session_id=session_id, args=args
            )
        outcome = words.outcome(settings, number)
    fate = "orders cancelled, positions sold" if flatten else "orders and positions are kept as they are"
    show.answer({"session_id": session_id, "policy": policy, "becomes": fate, "outcome": outcome}, as_json=as_json)


@session_app.command("list")
def list_(*, limit: Annotated[int, typer.Option(help="How many, 1 to 1000.")] = 20, as_json: Json = False) -> None:
    """List the newest sessions."""
    options.between("--limit", limit, 1, 1000)
    settings = options.settings()
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        found = import_module("trader_core.store.sessions").list_sessions(db, limit)
    if as_json:
        show.answer({"sessions": [summary(row) for row in found]}, as_json=True)
        return
    lines = [[r.session_id, r.mode, r.stage, r.status, r.plan.strategy, len(r.plan.symbols), _progress(r)] for r in found]
    show.rows(
        "Sessions" if lines else "No session was ever started", ["id", "mode", "stage", "status", "strategy", "symbols", "progress"], lines
    )


@session_app.command("show")
def show_(*, session_id: Annotated[str, typer.Argument(help="The session's id.")], as_json: Json = False) -> None:
    """Show one session: status, money, positions, orders that are not settled, and whether its journal verifies."""
    settings = options.settings()
    sessions, orders, snapshots, signals, journal = (
        import_module(f"trader_core.store.{name}") for name in ("sessions", "orders", "snapshots", "signals", "journal")
    )
    with reach.database(settings) as server, reach.connection(server, "verify") as db:
        row = sessions.load_session(db, session_id)
        pnl, grids = snapshots.load_pnl(db, session_id), {one.symbol: one for one in row.instruments}
        answer = summary(row) | {
            "equity": show.amount(pnl[-1].equity) if pnl else None,
            "realised": show.amount(pnl[-1].realised) if pnl else None,
            "fees": show.amount(pnl[-1].fees) if pnl else None,
            "positions": {p.symbol: qty_text(grids[p.symbol], p.position) for p in snapshots.open_positions(db, session_id)},
            "unsettled": [o.client_order_id for o in orders.open_orders(db, row.account) if o.session_id == session_id],
            "orders": len(orders.orders_of(db, session_id)),
            "signals_without_outcome": signals.missing_outcomes(db, session_id),
            "journal_records": journal.verify(db, session_id).seq,
            "error": row.error,
            "result": row.result,
        }
    show.answer(answer, as_json=as_json, title=session_id)


def summary(row: "SessionRow") -> dict[str, Any]:
    """Return the figures of a session that every list shows."""
    return {
        "session_id": row.session_id, "mode": str(row.mode), "stage": str(row.stage), "status": str(row.status),
        "strategy": row.plan.strategy, "symbols": list(row.plan.symbols), "progress": _progress(row), "next_ms": row.next_ms,
        "until_ms": row.until_ms, "capital": show.amount(row.capital), "disclosures": row.disclosures,
    }  # fmt: skip


def _progress(row: "SessionRow") -> str:
    if row.from_ms == 0:
        return "not opened"
    return f"{100 * (row.next_ms - row.from_ms) // max(row.until_ms - row.from_ms, 1)} %"
