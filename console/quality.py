"""`gatehouse check`, `blocks` and `unblock`: the data-quality gate by hand."""

import time
from importlib import import_module
from typing import Annotated, Any

import typer

from console import options, reach, show, words
from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import BadInput

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (("check", check), ("blocks", blocks), ("unblock", unblock)):
        app.command(name)(command)


def check(
    *,
    venue: Annotated[str, typer.Option(help="Venue whose stored candles are checked.")],
    symbol: Annotated[str, typer.Option(help="One symbol or several, separated by commas.")],
    timeframe: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h or 1d.")],
    from_: Annotated[str, typer.Option("--from", help="First bar: 2023-01-31, 2023-01-31T12:00 or epoch ms, UTC.")],
    to: Annotated[str, typer.Option("--to", help="End, exclusive.")],
    repair: Annotated[bool, typer.Option("--repair", help="Fetch what fails again, and check once more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check stored candles, keep every finding, and block what fails. Ends with 0 when it passed, 1 when it did not."""
    pairs, step_ms = options.symbols(symbol), timeframe_ms(timeframe)
    from_ms, to_ms = options.interval(from_, to, step_ms)
    settings, quality = options.settings(), import_module("tasks.quality")

    def ask() -> Any:
        asked = quality.CheckRequest(
            quality.new_id(), "manual", options.venue(venue), pairs, timeframe, from_ms, to_ms, max(int(time.time() * 1000), to_ms)
        )
        with show.working("Checking"):
            return quality.check_data(settings, asked)

    with reach.database(settings):
        found = ask()
        if repair and found.status == quality.FAILED:
            with show.working("Fetching again"):
                quality.repair(settings, found.quality_run_id)
            found = ask()
    values = {
        "quality_run_id": found.quality_run_id,
        "status": found.status,
        "page": str(settings.folder() / found.page) if found.page else "",
    }
    lines = [
        [one.symbol, one.rule, one.severity, one.measured, one.allowed, ", ".join(one.blocks)] for one in found.findings if not one.holds
    ]
    names = ["instrument", "rule", "severity", "measured", "allowed", "blocks"]
    if as_json:
        show.answer(values | {"findings": [dict(zip(names, map(str, line), strict=True)) for line in lines]}, as_json=True)
    else:
        show.answer(values, as_json=False)
        show.rows("\nWhat does not hold" if lines else "\nEvery rule holds", names, lines)
    if found.status != quality.PASSED:
        raise typer.Exit(show.EXIT_OTHER)


def blocks(*, as_json: AsJson = False) -> None:
    """List the instruments that stand blocked: nothing new is opened on them."""
    quality = import_module("trader_core.store.quality")
    with reach.database(options.settings()) as server, reach.connection(server, "api") as db:
        found = quality.list_blocks(db)
    if as_json:
        show.answer({"blocks": found}, as_json=True)
        return
    lines = [[one["venue"], one["symbol"], one["reason"], one["quality_run_id"]] for one in found]
    show.rows("Blocked" if lines else "No instrument is blocked", ["venue", "symbol", "reason", "by"], lines)


def unblock(
    *,
    venue: Annotated[str, typer.Argument(help="The venue.")],
    symbol: Annotated[str, typer.Argument(help="The symbol, BASE/QUOTE.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")],
    as_json: AsJson = False,
) -> None:
    """Clear an instrument's block by hand; who did so and why is kept. The next failed check blocks it again."""
    (pair,) = options.symbols(symbol)
    if len(reason.strip()) < 3:  # noqa: PLR2004 - a word at least
        raise BadInput("a reason", repr(reason)[:40], "say why: --reason TEXT")
    quality = import_module("trader_core.store.quality")
    with reach.database(options.settings()) as server, reach.connection(server, "flow") as db:
        was = quality.require_unblocked(db, options.venue(venue), pair)
        quality.unblock(db, options.venue(venue), pair, f"{words.actor()}: {reason}")
    show.answer({"unblocked": pair, "venue": options.venue(venue), "was": was}, as_json=as_json)
