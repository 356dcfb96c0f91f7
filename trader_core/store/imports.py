"""Candles from a file or a venue into the database, as one collection session."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from trader_core.model.bar import Bars, timeframe_ms
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.instrument import EXP_SUM_MAX, Instrument
from trader_core.model.money import UNIT
from trader_core.store import candle_files
from trader_core.store.candles import load_bars, store_candles
from trader_core.store.collections import CollectionRow, insert_collection, load_collection
from trader_core.store.instruments import find_instrument, upsert_instrument

MAKER_PPM, TAKER_PPM = 500, 1000
"""0.05 % and 0.1 %: what an instrument that is known from a file only pays as maker and as taker."""
NOTIONAL_MIN = UNIT
"""One unit of the quote currency: the smallest order of such an instrument."""


@dataclass(frozen=True, slots=True)
class Series:
    """One instrument's sorted bars of shape [T], ready to be stored."""

    instrument: Instrument
    bars: Bars


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import did; `known` says that exactly this content was imported before."""

    collection: CollectionRow
    known: bool
    inserted: int
    revised: int
    volumes_rounded: int
    gaps: candle_files.Gaps
    instrument: Instrument


def content_hash(timeframe: str, series: Sequence[Series]) -> str:
    """Return the SHA-256 of what was collected: venue, symbol, exponents, timeframe and every bar, in order."""
    digest = hashlib.sha256()
    for part in series:
        one = part.instrument
        digest.update(f"{one.venue}|{one.symbol}|{timeframe}|{one.price_exp}|{one.qty_exp}|{len(part.bars)}\n".encode())
        digest.update(part.bars.tobytes())
    return digest.hexdigest()


def store_series(db: Connection, timeframe: str, series: Sequence[Series], source: str) -> tuple[CollectionRow, bool, int, int]:
    """Store bars as one collection session and return (collection, whether it is new, inserted, revised). Safe to repeat.

    The same content has the same id, so a repetition finds itself. Raises BadInput when an instrument's exponents changed.
    """
    hashed = content_hash(timeframe, series)
    name = f"c-{hashed[:20]}"
    step_ms = timeframe_ms(timeframe)
    loaded = [store_candles(db, upsert_instrument(db, part.instrument), timeframe, part.bars, name) for part in series if len(part.bars)]
    if not loaded:
        raise DataFault("at least one candle", "none", "choose another interval")
    row = CollectionRow(
        collection_session_id=name,
        venue=series[0].instrument.venue,
        symbols=tuple(part.instrument.symbol for part in series),
        timeframe=timeframe,
        from_ms=min(int(part.bars["ts"][0]) for part in series if len(part.bars)),
        to_ms=max(int(part.bars["ts"][-1]) for part in series if len(part.bars)) + step_ms,
        rows=sum(one.rows for one in loaded),
        inserted=sum(one.inserted for one in loaded),
        revised=sum(one.revised for one in loaded),
        content_hash=hashed,
        source=source,
    )
    return row, insert_collection(db, row), row.inserted, row.revised


def instrument_for(
    db: Connection, venue: str, symbol: str, raw: candle_files.RawCandles, exponents: tuple[int | None, int | None]
) -> Instrument:
    """Return the stored instrument, or a new one whose exponents are given or inferred from the file.

    Raises OutOfRange when the given exponents differ from the stored ones or do not fit.
    """
    price_exp, qty_exp = exponents
    try:
        _, stored = find_instrument(db, venue, symbol)
    except UnknownName:
        base, quote = symbol.split("/")
        _check_exponents(price_exp, qty_exp)
        plain = Instrument(venue, symbol, base, quote, 0, 0, 1, 1, 1, NOTIONAL_MIN, MAKER_PPM, TAKER_PPM)
        return candle_files.infer_grid(plain, raw, price_exp, qty_exp)
    for name, wanted, found in (("price_exp", price_exp, stored.price_exp), ("qty_exp", qty_exp, stored.qty_exp)):
        if wanted is not None and wanted != found:
            todo = "leave the option out: every stored candle counts in that exponent"
            raise OutOfRange(f"{name} {found}, as {symbol} of {venue} is stored", str(wanted), todo)
    return stored


def _check_exponents(price_exp: int | None, qty_exp: int | None) -> None:
    given = (price_exp or 0) + (qty_exp or 0)
    if min(price_exp or 0, qty_exp or 0) < 0 or given > EXP_SUM_MAX:
        found = f"--price-exp {price_exp} --qty-exp {qty_exp}"
        raise OutOfRange(f"exponents of at least 0 with a sum of at most {EXP_SUM_MAX}", found, "choose smaller ones")


def import_file(
    db: Connection, raw: candle_files.RawCandles, venue: str, symbol: str, timeframe: str, exponents: tuple[int | None, int | None]
) -> Imported:
    """Store a file's candles; a second import of the same content changes nothing. Raises BadInput, and then nothing is stored."""
    instrument = instrument_for(db, venue, symbol, raw, exponents)
    step_ms = timeframe_ms(timeframe)
    bars, rounded = candle_files.to_bars(raw, instrument, step_ms)
    candle_files.require_neighbours(raw.file, bars, timeframe)
    row, new, inserted, revised = store_series(db, timeframe, [Series(instrument, bars)], f"file {raw.file}")
    return Imported(row, not new, inserted, revised, rounded, candle_files.gaps_of(bars, step_ms), instrument)


def read_file(path: Path) -> candle_files.RawCandles:
    """Return a file's columns; raises DataFault."""
    return candle_files.read(path)


def check_collection(db: Connection, name: str, venue: str, timeframe: str, symbols: Sequence[str]) -> CollectionRow:
    """Return the collection session if it holds these symbols and its bars are still what it collected.

    Raises UnknownName when there is none of that id, DataFault when it does not cover them or they were changed since.
    """
    row = load_collection(db, name)
    if (row.venue, row.timeframe) != (venue, timeframe) or not set(symbols) <= set(row.symbols):
        found = f"{row.venue} {', '.join(row.symbols)} {row.timeframe}"
        raise DataFault(f"a collection of {venue} {', '.join(symbols)} {timeframe}", found, "name another data session")
    parts = []
    for symbol in row.symbols:
        instrument_id, instrument = find_instrument(db, row.venue, symbol)
        parts.append(Series(instrument, load_bars(db, instrument_id, timeframe, row.from_ms, row.to_ms)))
    if content_hash(timeframe, parts) != row.content_hash:
        todo = "import or collect again, and name that data session"
        raise DataFault(f"the bars that {name} collected", "bars that were revised or added since", todo)
    return row
