"""Recorded market data in Parquet files: columns as numbers, and what is wrong with them by file, row and column."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trader_core.model.errors import DataFault

ADVICE = "correct the file, or give another one"
TIME_END_MS = 1 << 43
"""Some 280 years after 1970: what lies beyond was not written in ms."""
LARGEST = 1e12
"""No price and no quantity is as large."""
Columns = dict[str, NDArray[Any]]


class Kind(StrEnum):
    """What a column holds."""

    TIME = "whole ms since 1970"
    NUMBER = "finite numbers of at least 0"
    PRICE = "finite numbers above 0"
    COUNT = "whole numbers of at least 0"
    SIDE = "side"


SIDES: Mapping[str, bool] = {"buy": True, "bid": True, "b": True, "sell": False, "ask": False, "s": False, "a": False}
"""Words for a side; true where somebody buys."""


def names(path: Path) -> set[str]:
    """Return the columns of a Parquet file; raises DataFault for what is none."""
    try:
        return set(pq.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise DataFault("a Parquet file", f"{path.name}: {error}"[:200], "give another file") from error


def read(path: Path, kinds: Mapping[str, Kind]) -> Columns:
    """Return columns by name: times and counts as int64, prices and numbers as float64, sides as bool (true buys).

    Raises DataFault naming file, row (counted from 0) and column of the first value that is none of its kind.
    """
    missing = [name for name in kinds if name not in names(path)]
    if missing:
        raise DataFault(f"a Parquet file with {', '.join(kinds)}", f"{path.name} without {', '.join(missing)}", ADVICE)
    table = pq.read_table(path, columns=list(kinds))
    if not table.num_rows:
        raise DataFault("at least one row", f"none in {path.name}", ADVICE)
    return {name: _column(path, name, kind, table[name]) for name, kind in kinds.items()}


def fault(path: Path, row: int, column: str, found: object, expected: str) -> DataFault:
    """Return the error that says where a file is wrong."""
    return DataFault(expected, f"{found} in {path.name}, row {row}, column {column}", ADVICE)


def ascending(path: Path, times: NDArray[np.int64], column: str = "ts") -> None:
    """Raise DataFault at the first time that lies before the one above it."""
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise fault(path, row, column, f"{times[row]} after {times[row - 1]}", "times that do not go back")


def grid(path: Path, column: str, values: NDArray[np.float64], exp: int) -> NDArray[np.int64]:
    """Return values as the nearest multiples of 10^-exp; raises DataFault for a price that is nearest to 0."""
    found: NDArray[np.int64] = np.rint(values * 10**exp).astype(np.int64)
    zeros = np.flatnonzero((found <= 0) & (values > 0))
    if len(zeros):
        row = int(zeros[0])
        raise fault(path, row, column, values[row], f"values of at least 10^-{exp}")
    return found


def _column(path: Path, name: str, kind: Kind, column: "pa.ChunkedArray[Any]") -> NDArray[Any]:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise fault(path, row, name, "nothing", kind if kind is not Kind.SIDE else "buy or sell")
    if kind is Kind.SIDE:
        return _sides(path, name, column.to_pylist())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise fault(path, 0, name, f"values of type {column.type}", kind)
    values = column.to_numpy()
    least = np.nextafter(0, 1) if kind is Kind.PRICE else 0
    most = TIME_END_MS if kind is Kind.TIME else np.iinfo(np.int64).max if kind is Kind.COUNT else LARGEST
    with np.errstate(invalid="ignore"):
        wrong: NDArray[np.bool_] = ~((values >= least) & (values <= most))
        if kind in {Kind.TIME, Kind.COUNT}:
            wrong |= values != np.floor(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise fault(path, row, name, values[row], kind)
    found: NDArray[Any] = values.astype(np.int64 if kind in {Kind.TIME, Kind.COUNT} else np.float64)
    return found


def _sides(path: Path, name: str, words: list[Any]) -> NDArray[np.bool_]:
    wrong = next((row for row, word in enumerate(words) if str(word).lower() not in SIDES), None)
    if wrong is not None:
        raise fault(path, wrong, name, repr(words[wrong])[:40], f"a side of {', '.join(SIDES)}")
    return np.array([SIDES[str(word).lower()] for word in words], dtype=np.bool_)
