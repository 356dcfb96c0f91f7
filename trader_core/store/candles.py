"""Candles: loaded by binary COPY, read into arrays; what a candle said before is never lost."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from psycopg import sql
from sqlalchemy import Connection, RowMapping, text

from trader_core.model.bar import Bars
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.store.copy import BAR_FIELDS, decode_bars, encode_bars, raw
from trader_core.store.instruments import find_instrument

LOCK = "select pg_advisory_xact_lock(7742, hashtext(:instrument || '|' || :timeframe))"
"""Two loads of one series take turns."""
ANY = """
select exists (select from candle where instrument_id = :instrument and timeframe = :timeframe and ts between :first and :last)
"""
STAGE = """
create temporary table candle_stage (
    ts bigint not null, open bigint not null, high bigint not null, low bigint not null, close bigint not null, volume bigint not null
) on commit drop
"""
INSERT = """
insert into candle (instrument_id, timeframe, ts, open, high, low, close, volume, collection_session_id)
select :instrument, :timeframe, ts, open, high, low, close, volume, :collection from candle_stage
on conflict (instrument_id, timeframe, ts) do nothing
"""
DIFFERING = """
  from candle_stage s
 where c.instrument_id = :instrument and c.timeframe = :timeframe and c.ts = s.ts and c.ts between :first and :last
   and (c.open, c.high, c.low, c.close, c.volume) is distinct from (s.open, s.high, s.low, s.close, s.volume)
"""
REMEMBER = """
insert into candle_revision (
    instrument_id, timeframe, ts, revision, open, high, low, close, volume, collection_session_id, revised_by)
select c.instrument_id, c.timeframe, c.ts, c.revision, c.open, c.high, c.low, c.close, c.volume, c.collection_session_id, :collection
  from candle c,""" + DIFFERING.replace("  from ", " ", 1)
REVISE = (
    """
update candle c
   set open = s.open, high = s.high, low = s.low, close = s.close, volume = s.volume, revision = c.revision + 1,
       collection_session_id = :collection
"""
    + DIFFERING
)

READ = """
select string_agg(
           int8send(ts) || int8send(open) || int8send(high) || int8send(low) || int8send(close) || int8send(volume), ''::bytea),
       max(ts)
  from (select * from candle
         where instrument_id = %s and timeframe = %s and ts >= %s and ts < %s order by ts limit %s) c
"""
"""Six bigints per bar in one value: four times as fast as a row per bar."""
READ_ROWS = 500_000
REVISIONS = """
select * from candle_revision
 where instrument_id = :instrument and timeframe = :timeframe and ts >= :from_ms and ts < :to_ms order by ts, revision
"""


class Loaded(NamedTuple):
    """What became of the rows of one load: the rest was there already, equal."""

    rows: int
    inserted: int
    revised: int


def store_candles(db: Connection, instrument_id: int, timeframe: str, bars: Bars, collection_session_id: str) -> Loaded:
    """Store bars of shape [T], ascending by ts; equal rows change nothing, differing ones become revisions. Safe to repeat.

    The former values of a revised candle stand in candle_revision. Raises BadInput for an instrument that is not stored.
    """
    if len(bars) == 0:
        return Loaded(0, 0, 0)
    assert bool(np.all(np.diff(bars["ts"]) > 0)), "bars are checked at the door (model.bar.bar_faults)"
    known = db.execute(text("select 1 from instrument where instrument_id = :id"), {"id": instrument_id}).scalar_one_or_none()
    if known is None:
        raise BadInput("a stored instrument", f"instrument_id {instrument_id}", "upsert the instrument first")
    first, last = int(bars["ts"][0]), int(bars["ts"][-1])
    values = {"instrument": instrument_id, "timeframe": timeframe, "collection": collection_session_id, "first": first, "last": last}
    db.execute(text(LOCK), values)
    db.execute(text("select candle_partitions(:first, :last)"), values)
    if not db.execute(text(ANY), values).scalar_one():
        constants = {
            "instrument_id": instrument_id.to_bytes(4, "big"), "timeframe": timeframe.encode(), "revision": bytes(2),
            "collection_session_id": collection_session_id.encode(),
        }  # fmt: skip
        _copy(db, "candle", bars, constants)
        return Loaded(len(bars), len(bars), 0)
    db.execute(text(STAGE))
    _copy(db, "candle_stage", bars, {})
    inserted, revised = db.execute(text(INSERT), values).rowcount, 0
    if inserted < len(bars):
        db.execute(text("analyze candle_stage"))
        revised = db.execute(text(REMEMBER), values).rowcount
        if revised:
            db.execute(text(REVISE), values)
    db.execute(text("drop table candle_stage"))
    return Loaded(len(bars), inserted, revised)


def load_bars(db: Connection, instrument_id: int, timeframe: str, from_ms: int, to_ms: int) -> Bars:
    """Return the stored bars with from_ms <= ts < to_ms, by time, as an array of BAR of shape [T]; gaps are left out."""
    blocks: list[bytes] = []
    with raw(db).cursor(binary=True) as cursor:
        while True:
            row = cursor.execute(READ, (instrument_id, timeframe, from_ms, to_ms, READ_ROWS)).fetchone()
            if row is None or row[0] is None:
                return decode_bars(blocks)
            assert isinstance(row[0], bytes)
            assert isinstance(row[1], int)
            blocks.append(row[0])
            from_ms = row[1] + 1


def candle_range(db: Connection, instrument_id: int, timeframe: str) -> tuple[int, int, int]:
    """Return (first ts, last ts, number of bars) of what is stored; zeros when there is nothing."""
    query = """
        select coalesce(min(ts), 0), coalesce(max(ts), 0), count(*)
          from candle where instrument_id = :instrument and timeframe = :timeframe"""
    first, last, count = db.execute(text(query), {"instrument": instrument_id, "timeframe": timeframe}).one()
    return int(first), int(last), int(count)


def load_revisions(db: Connection, instrument_id: int, timeframe: str, from_ms: int, to_ms: int) -> list[RowMapping]:
    """Return what revised candles said before, oldest first: their values, who had written them and who revised them."""
    values = {"instrument": instrument_id, "timeframe": timeframe, "from_ms": from_ms, "to_ms": to_ms}
    return list(db.execute(text(REVISIONS), values).mappings())


def _copy(db: Connection, table: str, bars: Bars, constants: Mapping[str, bytes]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, (*BAR_FIELDS, *constants)))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(sql.Identifier(table), columns)
    with raw(db).cursor().copy(statement) as copy:
        for block in encode_bars(bars, constants):
            copy.write(block)


def last_prices(db: Connection, venue: str, symbols: Sequence[str], timeframe: str) -> list[tuple[Instrument, int]]:
    """Return each stored instrument with its newest close; one that is not stored, or without a candle, is left out."""
    found = []
    for symbol in symbols:
        try:
            instrument_id, instrument = find_instrument(db, venue, symbol)
        except UnknownName:
            continue
        last = candle_range(db, instrument_id, timeframe)[1]
        bars = load_bars(db, instrument_id, timeframe, last, last + 1)
        if len(bars):
            found.append((instrument, int(bars["close"][-1])))
    return found
