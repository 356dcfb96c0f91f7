"""Many rows in one statement: each column travels as one array."""

from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, get_type_hints

from sqlalchemy import Connection, text

SQL_TYPES = {int: "bigint", str: "text"}


@cache
def _statement(table: str, shape: Hashable, fixed: tuple[str, ...], ending: str) -> str:
    hints = get_type_hints(shape)
    names = tuple(hints)
    arrays = ", ".join(f"cast(:{name} as {SQL_TYPES[hints[name]]}[])" for name in names)
    columns = ", ".join((*fixed, *names))
    constants = "".join(f":{name}, " for name in fixed)
    rows = ", ".join(names)
    # Names come from our own types, never from data.
    return f"insert into {table} ({columns}) select {constants}{rows} from unnest({arrays}) as r ({rows}) {ending}"  # noqa: S608


def insert_rows(db: Connection, table: str, rows: Sequence[Any], ending: str, **fixed: str) -> int:
    """Insert NamedTuples of int and str fields named as the columns, plus `fixed` columns; return the number of rows changed."""
    if not rows:
        return 0
    shape: Any = type(rows[0])
    values = dict(zip(shape._fields, map(list, zip(*rows, strict=True)), strict=True))
    return db.execute(text(_statement(table, shape, tuple(fixed), ending)), {**values, **fixed}).rowcount
