"""What each collection fetched or imported, and from where: backtests can name it."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from trader_core.model.errors import UnknownName
from trader_core.store.tables import COLLECTION_SESSION


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One collection; from_ms <= ts < to_ms, `content_hash` covers the bars in order, `source` says file or endpoint."""

    collection_session_id: str
    venue: str
    symbols: tuple[str, ...]
    timeframe: str
    from_ms: int
    to_ms: int
    rows: int
    inserted: int
    revised: int
    content_hash: str
    source: str


def insert_collection(db: Connection, row: CollectionRow) -> bool:
    """Store one collection and say whether it is new. Safe to repeat."""
    values = {name: getattr(row, name) for name in CollectionRow.__slots__} | {"symbols": list(row.symbols)}
    statement = insert(COLLECTION_SESSION).values(values).on_conflict_do_nothing()
    return db.execute(statement.returning(COLLECTION_SESSION.c.collection_session_id)).first() is not None


def load_collection(db: Connection, collection_session_id: str) -> CollectionRow:
    """Return one collection; raises UnknownName."""
    query = select(COLLECTION_SESSION).where(COLLECTION_SESSION.c.collection_session_id == collection_session_id)
    row = db.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a collection session", repr(collection_session_id), "`gatehouse status` lists them")
    return _collection(row)


def list_collections(db: Connection, limit: int = 20) -> list[CollectionRow]:
    """Return the newest collections first."""
    query = select(COLLECTION_SESSION).order_by(COLLECTION_SESSION.c.at.desc()).limit(limit)
    return [_collection(row) for row in db.execute(query).mappings()]


def _collection(row: RowMapping) -> CollectionRow:
    return CollectionRow(**{name: row[name] for name in CollectionRow.__slots__ if name != "symbols"}, symbols=tuple(row["symbols"]))
