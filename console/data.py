"""`gatehouse import` and `gatehouse collect`: candles into the database."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show
from trader_core.model.errors import UnknownName, VenueUnavailable

if TYPE_CHECKING:
    from trader_core.model.instrument import Instrument
    from trader_core.settings import Settings
    from trader_core.store.imports import Imported, Series
    from trader_core.venues.link import Link

Venue = Annotated[str, typer.Option(help="Name of the venue, for example binance, mexc or sandbox.")]
Symbol = Annotated[str, typer.Option(help="BASE/QUOTE, for example BTC/USDT.")]
Timeframe = Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h or 1d.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]


def import_file(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV with the columns ts open high low close volume.")],
    *,
    venue: Venue,
    symbol: Symbol,
    timeframe: Timeframe,
    price_exp: Annotated[int | None, typer.Option(help="Decimals of a price; inferred for a new instrument.")] = None,
    qty_exp: Annotated[int | None, typer.Option(help="Decimals of a quantity; inferred for a new instrument.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import candles from a file. The same file twice changes nothing; a differing candle becomes a revision."""
    from trader_core.model.bar import canonical_symbol, timeframe_ms
    from trader_core.store import imports

    started = time.monotonic()
    venue_name, pair = options.venue(venue), canonical_symbol(symbol)
    timeframe_ms(timeframe)
    settings = options.settings()
    with show.working(f"Reading {file.name}"):
        raw = imports.read_file(file)
    with reach.database(settings) as server, show.working(f"Storing {raw.ts.size} candles"), reach.connection(server, "flow") as db:
        done = imports.import_file(db, raw, venue_name, pair, timeframe, (price_exp, qty_exp))
    show.answer(_summary(done, time.monotonic() - started), as_json=as_json)
    if not as_json:
        _remarks(done)


def _summary(done: "Imported", seconds: float) -> dict[str, Any]:
    row = done.collection
    return {
        "collection_session_id": row.collection_session_id, "content_hash": row.content_hash, "venue": row.venue,
        "symbol": row.symbols[0], "timeframe": row.timeframe, "from": show.moment(row.from_ms), "to": show.moment(row.to_ms),
        "rows": row.rows, "inserted": done.inserted, "revised": done.revised,
        "unchanged": row.rows - done.inserted - done.revised, "gaps": done.gaps.count, "bars_missing": done.gaps.missing,
        "volumes_rounded_down": done.volumes_rounded, "price_exp": done.instrument.price_exp, "qty_exp": done.instrument.qty_exp,
        "seconds": round(seconds, 3),
    }  # fmt: skip


def _remarks(done: "Imported") -> None:
    console = show.out()
    if done.known and not done.inserted and not done.revised:
        console.print("This content was imported before: nothing changed.")
    if done.revised:
        console.print(f"{done.revised} candles differ from what was stored: the former values are kept as revisions.")
    if done.gaps.count:
        longest = f"the longest begins {show.moment(done.gaps.longest_ts)} and lacks {done.gaps.longest} bars"
        console.print(f"{done.gaps.count} gaps, {done.gaps.missing} bars missing: {longest}. No decision is made across a gap.")
    if done.volumes_rounded:
        console.print(f"{done.volumes_rounded} volumes were rounded down to {done.instrument.qty_exp} decimals.")


def collect(
    *,
    venue: Annotated[str, typer.Option(help="sandbox, the embedded exchange, or mexc (public data: no key).")] = "sandbox",
    symbol: Annotated[str, typer.Option(help="One symbol or several, separated by commas.")],
    timeframe: Timeframe,
    from_: Annotated[str, typer.Option("--from", help="First bar: 2026-01-04, 2026-01-04T12:00 or epoch ms, UTC.")],
    to: Annotated[str, typer.Option(help="End, exclusive.")],
    as_json: AsJson = False,
) -> None:
    """Collect closed candles from a venue through its unmodified client, as one collection session."""
    from trader_core.model.bar import timeframe_ms
    from trader_core.store import imports

    started = time.monotonic()
    pairs, step_ms = options.symbols(symbol), timeframe_ms(timeframe)
    from_ms, to_ms = options.interval(from_, to, step_ms)
    name, settings = options.venue(venue), options.settings()
    slots = (to_ms - from_ms) // step_ms
    with reach.database(settings) as server, _exchange(settings, name):
        with show.working(f"Collecting {slots * len(pairs)} candles"):
            series = asyncio.run(_collected(settings, name, pairs, timeframe, (from_ms, to_ms)))
            source = _source(settings, name)
        with show.working("Storing them"), reach.connection(server, "flow") as db:
            row, new, inserted, revised = imports.store_series(db, timeframe, series, source)
    values = {
        "collection_session_id": row.collection_session_id, "content_hash": row.content_hash, "venue": name, "symbols": list(pairs),
        "timeframe": timeframe, "from": show.moment(from_ms), "to": show.moment(to_ms), "rows": row.rows, "inserted": inserted,
        "revised": revised, "known": not new, "source": source, "bars_missing": slots * len(pairs) - row.rows,
        "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip
    show.answer(values, as_json=as_json)


def _source(settings: "Settings", venue: str) -> str:
    """Return where the candles come from, with all that makes them unlike a real market."""
    if venue != "sandbox":
        return f"venue {venue}: its public data over {_address(venue)}"
    said = reach.exchange_announced(settings)
    kind = "" if said.get("market", "usual") == "usual" else f", market {said['market']}"
    market = f"seed {said.get('seed')}{kind}, planted trend {said.get('planted_trend_bps')} bps, clock {said.get('clock')}"
    return f"venue {venue}: the embedded exchange's synthetic market, {market}"


def _address(venue: str) -> str:
    from trader_core.venues.profiles import profile_named

    return profile_named(venue).base_url


def _exchange(settings: "Settings", venue: str) -> AbstractContextManager[object]:
    """Return what keeps the embedded exchange running meanwhile: the one that is up, or one of our own."""
    stack = import_module("deployments.stack")
    if venue != "sandbox" or stack.announce_path(settings).exists():
        return nullcontext()
    own: AbstractContextManager[object] = stack.local(settings, (), accounts=())
    return own


async def _collected(
    settings: "Settings", venue: str, symbols: tuple[str, ...], timeframe: str, interval: tuple[int, int]
) -> "list[Series]":
    from trader_core.store.imports import Series
    from trader_core.venues.link import connect

    link = await connect(venue, settings.folder(), symbols, timeframe, None, private=False)
    try:
        instruments = await instruments_of(link, symbols)
        bars = await link.feed.history(*interval)
        return [Series(one, bars[bars["close"][:, index] > 0, index]) for index, one in enumerate(instruments)]
    finally:
        await link.close()


async def instruments_of(link: "Link", symbols: Sequence[str]) -> "list[Instrument]":
    """Return what the venue offers under these symbols; raises UnknownName or VenueUnavailable."""
    from trader_core.venues.port import Outcome

    reply = await link.gateway.instruments(list(symbols))
    if reply.value is not None:
        return reply.value
    if reply.outcome is Outcome.NOT_FOUND:
        raise UnknownName(f"symbols of {link.profile.name}", reply.evidence[:300], "choose others")
    raise VenueUnavailable("the venue's filters and fees", f"{reply.outcome} {reply.code} {reply.evidence[:300]}", "see whether it answers")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("import")(import_file)
    app.command()(collect)
