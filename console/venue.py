"""`gatehouse venue`: which venues there are, and what can be tested of one without money."""

import asyncio
from importlib import import_module
from typing import Annotated, Any

import typer

from console import options, show

venue_app = typer.Typer(no_args_is_help=True, help="List venues, and check one without money.")

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
SYMBOL_DEFAULT = "BTC/USDT"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(venue_app, name="venue")


@venue_app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the venues that have a profile, and when each was checked last."""
    from trader_core.venues import check
    from trader_core.venues.profiles import PROFILES, SANDBOX

    home = options.settings().folder()
    rows = [{"venue": SANDBOX, "address": "this machine", "quotes": "USDT", "protective stops": "the trader's",
             "permits": "up to FULL", "money": "none", "last check": _last(check.load(home, SANDBOX))}]  # fmt: skip
    for name, profile in sorted(PROFILES.items()):
        stops = {"RESTING": "resting on the venue", "BOT_SIDE": "the trader's: none while it is away"}[profile.stops]
        rows.append({"venue": name, "address": profile.base_url, "quotes": ", ".join(profile.quotes), "protective stops": stops,
                     "permits": _up_to(profile), "money": "real, behind a permit",
                     "last check": _last(check.load(home, name))})  # fmt: skip
    if as_json:
        read = {name: profile.acknowledge for name, profile in PROFILES.items()}
        show.answer({"venues": rows, "read_first": read}, as_json=True)
        return
    show.rows("Venues", list(rows[0]), [list(row.values()) for row in rows])
    for name, profile in sorted(PROFILES.items()):
        show.out().print(f"\n{name}: {profile.acknowledge}")


def _up_to(profile: Any) -> str:
    """Return how far a permit reaches on a venue, and what keeps it from more."""
    from trader_core.evidence.ceiling import ceiling

    level, why = ceiling(profile.capabilities)
    return f"up to {level.name}" + (f": {'; '.join(why)}" if why else "")


def _last(report: Any) -> str:
    if report is None:
        return "NOT TESTED"
    return f"{'ok' if report.well else 'FAILED'} at {show.moment(report.at_ms)}"


@venue_app.command("check")
def check_(
    *,
    venue: Annotated[str, typer.Argument(help="sandbox or mexc.")],
    symbol: Annotated[str, typer.Option(help="Symbols separated by commas; empty: those of the configuration.")] = "",
    timeframe: Annotated[str, typer.Option(help="The bars' length.")] = "1m",
    as_json: AsJson = False,
) -> None:
    """Test all that costs nothing: answer, clock, filters, bars, fees, key, permissions, order test. Ends with 0 when it is well."""
    from trader_core.venues import check

    settings, name = options.settings(), options.venue(venue)
    pairs, code = _symbols(symbol, name), import_module("trader_core.trader.process").code_hash()
    with show.working(f"Checking {name}"):
        report = asyncio.run(check.examine(name, settings.folder(), pairs, timeframe, code))
    path = check.store(settings.folder(), report)
    if as_json:
        lines = [{"name": one.name, "result": one.result, "found": one.found, "todo": one.todo} for one in report.checks]
        show.answer({"venue": name, "well": report.well, "at_ms": report.at_ms, "code": code, "checks": lines, "file": path}, as_json=True)
    else:
        show.rows("", ("", "what", "found", "what to do"), [(one.result, one.name, one.found, one.todo) for one in report.checks])
        show.out().print(f"\nKept in {path} until the next check.", soft_wrap=True)
    if not report.well:
        first = report.checks[0]
        raise typer.Exit(show.EXIT_VENUE if first.result is check.Result.FAILED else show.EXIT_OTHER)


@venue_app.command("listen")
def listen_(
    *,
    venue: Annotated[str, typer.Argument(help="sandbox, mexc or binance.")],
    symbol: Annotated[str, typer.Option(help="Symbols separated by commas; empty: those of the configuration.")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long to listen.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Listen to a venue's trades, candles and books for a while, and show how each stream was. Needs no key."""
    from trader_core.venues.listening import listen

    settings, name = options.settings(), options.venue(venue)
    with show.working(f"Listening to {name} for {seconds:g} s"):
        found = asyncio.run(listen(name, settings.folder(), _symbols(symbol, name), "1m", seconds))
    rows = [
        {"stream": one.stream, "messages": one.health.messages, "age_ms": one.age_ms, "lag_ms": one.health.lag_ms, "gaps": one.health.gaps,
         "reconnects": one.health.reconnects, "best": one.best, "why": one.health.why}
        for one in found
    ]  # fmt: skip
    if as_json:
        show.answer({"venue": name, "streams": rows}, as_json=True)
    else:
        show.rows("", list(rows[0]), [list(row.values()) for row in rows])
    if any(not row["messages"] for row in rows):
        raise typer.Exit(show.EXIT_VENUE)


def _symbols(text: str, venue: str) -> tuple[str, ...]:
    """Return the symbols that were named, else those of the configured plans on this venue, else one that every venue has."""
    from trader_core import config

    if text:
        return options.symbols(text)
    plans = config.read(options.settings().folder()).plans.values()
    found = {pair for plan in plans if plan.venue == venue for pair in plan.symbols}
    return tuple(sorted(found)) or (SYMBOL_DEFAULT,)
