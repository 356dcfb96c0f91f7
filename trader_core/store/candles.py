"""Candles: loaded by binary COPY, read into arrays; what a candle said before is never lost."""

from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection, text

from trader_core.model.bar import Bars
from trader_core.model.errors import BadInput
from trader_core.store.copy import decode_bars, encode_bars, raw

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


class Loaded(NamedTuple):
    """What became of the rows of one load: the rest was there already, equal."""

    rows: int
    inserted: int
    revised: int


def store_candles(db: Connection, instrument_id: int, timeframe: str, bars: Bars, collection_session_id: str) -> Loaded:
    """Store bars of shape [T], sorted by ts; equal rows change nothing, differing ones become revisions. Safe to repeat.

    The former values of a revised candle stand in candle_revision. Raises BadInput for an instrument that is not stored.
    """
    if len(bars) == 0:
        return Loaded(0, 0, 0)
    known = db.execute(text("select 1 from instrument where instrument_id = :id"), {"id": instrument_id}).scalar_one_or_none()
    if known is None:
        raise BadInput("a stored instrument", f"instrument_id {instrument_id}", "upsert the instrument first")
    first, last = int(bars["ts"][0]), int(bars["ts"][-1])
    db.execute(text("select candle_partitions(:first, :last)"), {"first": first, "last": last})
    db.execute(text(STAGE))
    with raw(db).cursor().copy("copy candle_stage (ts, open, high, low, close, volume) from stdin (format binary)") as copy:
        for block in encode_bars(bars):
            copy.write(block)
    values = {"instrument": instrument_id, "timeframe": timeframe, "collection": collection_session_id, "first": first, "last": last}
    inserted = db.execute(text(INSERT), values).rowcount
    revised = 0
    if inserted < len(bars):
        db.execute(text("analyze candle_stage"))
        revised = db.execute(text(REMEMBER), values).rowcount
        if revised:
            db.execute(text(REVISE), values)
    db.execute(text("drop table candle_stage"))
    return Loaded(len(bars), inserted, revised)


def load_bars(db: Connection, instrument_id: int, timeframe: str, from_ms: int, to_ms: int) -> Bars:
    """Return the stored bars with from_ms <= ts < to_ms, by time, as an array of BAR of shape [T]; gaps are left out."""
    query = sql.SQL(
        "copy (select ts, open, high, low, close, volume from candle where instrument_id = {} and timeframe = {}"
        " and ts >= {} and ts < {} order by ts) to stdout (format binary)"
    ).format(sql.Literal(instrument_id), sql.Literal(timeframe), sql.Literal(from_ms), sql.Literal(to_ms))
    with raw(db).cursor().copy(query) as copy:
        return decode_bars(b"".join(copy))


def candle_range(db: Connection, instrument_id: int, timeframe: str) -> tuple[int, int, int]:
    """Return (first ts, last ts, number of bars) of what is stored; zeros when there is nothing."""
    query = """
        select coalesce(min(ts), 0), coalesce(max(ts), 0), count(*)
          from candle where instrument_id = :instrument and timeframe = :timeframe"""
    first, last, count = db.execute(text(query), {"instrument": instrument_id, "timeframe": timeframe}).one()
    return int(first), int(last), int(count)
