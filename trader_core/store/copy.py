"""Bars to and from PostgreSQL without a Python loop: a row is a fixed record of big-endian integers.

Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from collections.abc import Iterator, Mapping

import numpy as np
import psycopg
from sqlalchemy import Connection

from trader_core.model.bar import BAR, Bars

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
BAR_FIELDS = tuple(BAR.names or ())
BAR_SENT = np.dtype([(name, ">i8") for name in BAR_FIELDS])
"""A bar as int8send() writes its six columns one after the other."""
CHUNK_ROWS = 16_384


def raw(db: Connection) -> "psycopg.Connection[tuple[object, ...]]":
    """Return the psycopg connection underneath, in the same transaction."""
    driver = db.connection.driver_connection
    assert isinstance(driver, psycopg.Connection), "the store speaks psycopg"
    return driver


def encode_bars(bars: Bars, constants: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield bars of shape [T] as a binary COPY stream, each row ending with the same fields `constants`."""
    lengths = {**dict.fromkeys(BAR_FIELDS, 8), **{name: len(value) for name, value in constants.items()}}
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for name, length in lengths.items():
        fields += [(f"length_{name}", ">i4"), (name, ">i8" if name in BAR_FIELDS else f"V{length}")]
    rows = np.empty(CHUNK_ROWS, np.dtype(fields))
    rows["count"] = len(lengths)
    for name, length in lengths.items():
        rows[f"length_{name}"] = length
    for name, value in constants.items():
        rows[name] = np.void(value)
    yield HEADER
    for start in range(0, len(bars), CHUNK_ROWS):
        chunk = bars[start : start + CHUNK_ROWS]
        for name in BAR_FIELDS:
            rows[name][: len(chunk)] = chunk[name]
        yield rows[: len(chunk)].tobytes()
    yield TRAILER


def decode_bars(blocks: list[bytes]) -> Bars:
    """Return the bars of blocks that hold BAR_SENT records."""
    return np.frombuffer(b"".join(blocks), BAR_SENT).astype(BAR)
