"""Bars as PostgreSQL's binary COPY format, without a Python loop: a row is a fixed record of big-endian integers."""

from collections.abc import Iterable

import numpy as np
import psycopg
from sqlalchemy import Connection

from trader_core.model.bar import BAR, Bars

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
BAR_FIELDS = tuple(BAR.names or ())
BAR_ROW = np.dtype([("count", ">i2"), *((f"{kind}_{name}", code) for name in BAR_FIELDS for kind, code in (("len", ">i4"), ("at", ">i8")))])
"""https://www.postgresql.org/docs/current/sql-copy.html: field count, then each field's length and value."""
CHUNK_ROWS = 65_536


def raw(db: Connection) -> "psycopg.Connection[tuple[object, ...]]":
    """Return the psycopg connection underneath, in the same transaction."""
    driver = db.connection.driver_connection
    assert isinstance(driver, psycopg.Connection), "the store speaks psycopg"
    return driver


def encode_bars(bars: Bars) -> Iterable[bytes]:
    """Yield bars of shape [T] as a binary COPY stream."""
    yield HEADER
    for start in range(0, len(bars), CHUNK_ROWS):
        chunk = bars[start : start + CHUNK_ROWS]
        rows = np.empty(len(chunk), BAR_ROW)
        rows["count"] = len(BAR_FIELDS)
        for name in BAR_FIELDS:
            rows[f"len_{name}"], rows[f"at_{name}"] = 8, chunk[name]
        yield rows.tobytes()
    yield TRAILER


def decode_bars(stream: bytes) -> Bars:
    """Return the bars of a binary COPY stream of six bigints per row."""
    body = memoryview(stream)[len(HEADER) : len(stream) - len(TRAILER)]
    assert len(body) % BAR_ROW.itemsize == 0, "no field is null, so every row has one size"
    rows = np.frombuffer(body, BAR_ROW)
    bars = np.empty(len(rows), BAR)
    for name in BAR_FIELDS:
        bars[name] = rows[f"at_{name}"]
    return bars
