"""Blocks that stand: instruments whose data failed a check. Whoever checks data writes them; the trader reads them."""

from sqlalchemy import Connection, select

from trader_core.store.database import translated
from trader_core.store.road_tables import INSTRUMENT_BLOCK


def standing_blocks(db: Connection, venue: str) -> dict[str, str]:
    """Return the venue's blocked symbols, each with its reason."""
    table = INSTRUMENT_BLOCK.c
    query = select(table.symbol, table.reason).where(table.venue == venue, table.cleared_at.is_(None)).order_by(table.symbol)
    with translated():
        return {row.symbol: row.reason for row in db.execute(query)}
