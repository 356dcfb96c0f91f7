"""`gatehouse permit`: what each recipe may do, an emergency's bypass, and taking a permit away."""

import time
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show, words
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.stage import STAGES, StageName

if TYPE_CHECKING:
    from trader_core.model.plan import Plan
    from trader_core.store.database import Connection

permit_app = typer.Typer(no_args_is_help=True, help="Permits: show them, bypass the gates in an emergency, take one away.")
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
Strategy = Annotated[str, typer.Argument(help="Name of the strategy.")]
Venue = Annotated[str, typer.Option(help="The venue, which is also the account.")]
Symbol = Annotated[str, typer.Option(help="One symbol or several, separated by commas.")]
Timeframe = Annotated[str, typer.Option(help="The bars' length.")]
Param = Annotated[list[str] | None, typer.Option(help="A parameter as name=value; may be repeated.")]
Ppm = Annotated[int, typer.Option(help="As the session's, in parts per million; 0 is none.")]
MINUTES_MAX, REASON_MIN = 60, 10


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(permit_app, name="permit")


@permit_app.command("show")
def show_(*, as_json: AsJson = False) -> None:
    """Show the permit that rules each recipe of each account, and how far its venue lets any reach; others trade on paper only."""
    permits, ceiling_of = import_module("trader_core.store.permits"), import_module("trader_core.venues.profiles").ceiling_of
    with reach.database(options.settings()) as server, reach.connection(server, "api") as db:
        found = permits.ruling(db, int(time.time() * 1000))
    lines = [
        {"account": one.account, "recipe": one.recipe[:12], "level": one.permit.level.name,
         "ceiling": ceiling_of(one.account).name, "stage": str(one.permit.stage),
         "rehearsal": one.permit.rehearsal, "ends": _end(one.permit.expires_ms),
         "source": one.permit.source, "reason": one.permit.reason}
        for one in found
    ]  # fmt: skip
    if as_json:
        show.answer({"permits": lines}, as_json=True)
        return
    show.rows(
        "Permits" if lines else "No permit was ever issued: paper only",
        list(lines[0]) if lines else [],
        [list(one.values()) for one in lines],
    )


@permit_app.command("bypass")
def bypass(
    *,
    strategy: Strategy,
    venue: Venue,
    symbol: Symbol,
    timeframe: Timeframe = "1m",
    param: Param = None,
    stop_loss_ppm: Ppm = 0,
    take_profit_ppm: Ppm = 0,
    set_: options.Set = None,
    also: options.Also = None,
    stage: Annotated[str, typer.Option(help="The highest stage that it opens: EUR_1, EUR_10 or EUR_100.")] = "EUR_1",
    minutes: Annotated[int, typer.Option(help="How long it lasts, 1 to 60.")] = 15,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the gates are passed by, in at least ten characters; recorded for ever.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """EMERGENCY: let a recipe trade without its gates, for an hour at most. Recorded, chained, and told loudly."""
    options.between("--minutes", minutes, 1, MINUTES_MAX)
    if stage not in {str(name) for name in STAGES}:
        raise UnknownName(f"a stage of {', '.join(STAGES)}", repr(stage)[:40], "choose one of them")
    if len(reason.strip()) < REASON_MIN:
        raise BadInput(
            f"a reason of at least {REASON_MIN} characters", repr(reason)[:40], "type why the gates are passed by: --reason TEXT"
        )
    settings, place = options.settings(), options.venue(venue)
    plan = _plan(strategy, symbol, timeframe, param, stop_loss_ppm, take_profit_ppm, set_, also)
    expires_ms = int(time.time() * 1000) + minutes * 60_000
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        number = _issued(db, place, plan, "LIMITED", StageName(stage), "bypass", expires_ms, reason)
    import_module("tasks.telling").tell(
        settings, "bypass", "critical", f"Gates bypassed on {place}", reason, f"bypass {number}", stage=stage, strategy=strategy,
        until=show.moment(expires_ms), by=words.actor(),
    )  # fmt: skip
    show.err().print(f"[bold red]GATES BYPASSED[/] on {place} for {strategy} up to {stage}, until {show.moment(expires_ms)}: {reason}")
    show.answer({"permit_id": number, "account": place, "stage": stage, "until": show.moment(expires_ms)}, as_json=as_json)


@permit_app.command("revoke")
def revoke(
    *,
    strategy: Strategy,
    venue: Venue,
    symbol: Symbol,
    timeframe: Timeframe = "1m",
    param: Param = None,
    stop_loss_ppm: Ppm = 0,
    take_profit_ppm: Ppm = 0,
    set_: options.Set = None,
    also: options.Also = None,
    deny: Annotated[bool, typer.Option("--deny", help="Deny it altogether, also on paper.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take a recipe's permit: its sessions open nothing new from now on, exits go on."""
    if len(reason.strip()) < REASON_MIN:
        raise BadInput(f"a reason of at least {REASON_MIN} characters", repr(reason)[:40], "type why: --reason TEXT")
    settings, place = options.settings(), options.venue(venue)
    plan, level = _plan(strategy, symbol, timeframe, param, stop_loss_ppm, take_profit_ppm, set_, also), "DENIED" if deny else "PAPER_ONLY"
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        number = _issued(db, place, plan, level, StageName.PAPER, "revocation", 2**62, reason)
    show.answer({"permit_id": number, "account": place, "level": level}, as_json=as_json)


def _end(expires_ms: int) -> str:
    return show.moment(expires_ms) if expires_ms < options.TS_MAX else "never"


def _plan(
    strategy: str, symbol: str, timeframe: str, param: list[str] | None, stop_loss_ppm: int, take_profit_ppm: int,
    set_: list[str] | None, also: list[str] | None,
) -> "Plan":  # fmt: skip
    from trader_core.engine import strategies
    from trader_core.model.bar import timeframe_ms
    from trader_core.model.money import UNIT
    from trader_core.model.plan import Plan, adjust

    timeframe_ms(timeframe)
    chosen = strategies.find(strategy)
    values = strategies.parse_params(chosen, options.params(param or []))
    plan = Plan(
        chosen.name, tuple(sorted(values.items())), options.symbols(symbol), timeframe, UNIT, stop_loss_ppm=stop_loss_ppm,
        take_profit_ppm=take_profit_ppm, others=options.others(also or []),
    )  # fmt: skip
    return adjust(plan, options.pairs(set_ or [], "--set"))


def _issued(
    db: "Connection", venue: str, plan: "Plan", level: str, stage: StageName, source: str, expires_ms: int, reason: str
) -> int:  # fmt: skip
    """Append the permit, and the operator's word to the operators' chain, in one transaction."""
    from trader_core.evidence.permit import Level

    permits, journal = import_module("trader_core.store.permits"), import_module("trader_core.store.journal")
    records = import_module("trader_core.trader.records")
    recipe = plan.recipe(venue)
    new = permits.NewPermit(
        venue, recipe, Level[level], stage, source, rehearsal=venue == "sandbox", expires_ms=expires_ms, actor=words.actor(), reason=reason
    )
    number = int(permits.issue(db, new))
    body: dict[str, Any] = {
        "permit_id": number, "account": venue, "recipe": recipe, "level": level, "stage": str(stage), "source": source,
        "expires_ms": expires_ms, "actor": words.actor(), "reason": reason,
    }  # fmt: skip
    journal.append_operators(db, [journal.Record("PERMIT", records.encode(body))])
    return number
