"""`gatehouse import` and `gatehouse collect`: candles into the database."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show

if TYPE_CHECKING:
    from trader_core.store.imports import Imported

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
        "collection_session": row.collection_session_id, "content_hash": row.content_hash, "venue": row.venue,
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


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("import")(import_file)
