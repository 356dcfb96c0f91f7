"""Instruments as stored: the venue's grids and fees, without the doors that a session freezes."""

from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.store.tables import INSTRUMENT

FIELDS = (
    "venue", "symbol", "base", "quote", "price_exp", "qty_exp", "tick", "lot", "qty_min", "notional_min", "maker_ppm", "taker_ppm",
    "fee_in_base",
)  # fmt: skip


def upsert_instrument(db: Connection, instrument: Instrument) -> int:
    """Store the instrument's current filters and fees and return its instrument_id.

    Raises BadInput when the exponents would change: every stored candle counts in them.
    """
    found = _row(db, instrument.venue, instrument.symbol)
    values: dict[str, Any] = {name: getattr(instrument, name) for name in FIELDS}
    if found is None:
        statement = insert(INSTRUMENT).values(values)
    elif (found["price_exp"], found["qty_exp"]) != (instrument.price_exp, instrument.qty_exp):
        was, now = (found["price_exp"], found["qty_exp"]), (instrument.price_exp, instrument.qty_exp)
        raise BadInput(f"{instrument.symbol} of {instrument.venue} with exponents {was}", str(now), "keep the stored ones")
    elif all(found[name] == values[name] for name in FIELDS):
        return int(found["instrument_id"])
    else:
        statement = insert(INSTRUMENT).values(values)
    changed = {name: statement.excluded[name] for name in FIELDS if name not in ("venue", "symbol", "price_exp", "qty_exp")}
    upsert = statement.on_conflict_do_update(constraint="instrument_venue_symbol_key", set_=changed)
    return int(db.execute(upsert.returning(INSTRUMENT.c.instrument_id)).scalar_one())


def find_instrument(db: Connection, venue: str, symbol: str) -> tuple[int, Instrument]:
    """Return the instrument_id and the instrument, not frozen; raises UnknownName."""
    row = _row(db, venue, symbol)
    if row is None:
        known = ", ".join(instrument.symbol for _, instrument in list_instruments(db, venue)[:20])
        raise UnknownName(f"a symbol of {venue} ({known or 'none is stored yet'})", repr(symbol), "import or collect it first")
    return int(row["instrument_id"]), _instrument(row)


def list_instruments(db: Connection, venue: str | None = None) -> list[tuple[int, Instrument]]:
    """Return all instruments, or one venue's, by venue and symbol."""
    query = select(INSTRUMENT).order_by(INSTRUMENT.c.venue, INSTRUMENT.c.symbol)
    if venue is not None:
        query = query.where(INSTRUMENT.c.venue == venue)
    return [(int(row["instrument_id"]), _instrument(row)) for row in db.execute(query).mappings()]


def _row(db: Connection, venue: str, symbol: str) -> RowMapping | None:
    query = select(INSTRUMENT).where(INSTRUMENT.c.venue == venue, INSTRUMENT.c.symbol == symbol)
    return db.execute(query).mappings().one_or_none()


def _instrument(row: RowMapping) -> Instrument:
    return Instrument(**{name: row[name] for name in FIELDS})
