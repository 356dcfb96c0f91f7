"""Candle files: Parquet or CSV with the columns ts open high low close volume, read whole, checked, made integers.

A fault names the file, the row (data rows count from 1) and the value. Nothing is repaired: what is wrong is refused.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from trader_core.model.bar import BAR, Bars, bar_faults, timeframe_ms
from trader_core.model.decimals import Floats, Integers, decimals_needed, exactly, rounded_down
from trader_core.model.errors import DataFault
from trader_core.model.instrument import EXP_SUM_MAX, Instrument, freeze
from trader_core.model.money import HEADROOM, MONEY_EXP, MONEY_MAX, PRODUCT_MAX

PRICES = ("open", "high", "low", "close")
COLUMNS = ("ts", *PRICES, "volume")
QTY_EXP_MOST = 8
"""No venue counts finer; what a file has beyond is noise, and volumes are rounded down anyway."""
ROWS_TELLING = 10
"""A file this long without two neighbouring bars has another timeframe; a shorter one may be full of gaps."""
_TS_UNITS = ((10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000), (10**20, 1, 1_000_000))
"""Below this size a time counts seconds, ms, us, ns: (size, multiply by, divide by) to get ms."""


@dataclass(frozen=True, slots=True)
class RawCandles:
    """A file's columns as floats, with the times already in epoch ms; finite, and nothing else is checked yet."""

    file: str
    ts: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def prices(self) -> tuple[Floats, ...]:
        """Return the four price columns."""
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True)
class Gaps:
    """Where an interval has no bars: how many gaps, how many bars are missing, and the longest gap's first slot and length."""

    count: int
    missing: int
    longest: int
    longest_ts: int


def read(path: Path) -> RawCandles:
    """Return a file's columns; raises DataFault when it cannot be read, lacks a column or rows, or holds no finite number."""
    table = _table(path)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        found = f"{', '.join(table.column_names) or 'no column'} in {path.name}"
        raise DataFault(f"the columns {' '.join(COLUMNS)}", found, f"add {', '.join(missing)}, or rename the columns")
    twice = [name for name in COLUMNS if table.column_names.count(name) > 1]
    if twice:
        raise DataFault("each column once", f"{', '.join(twice)} more than once in {path.name}", "remove or rename the others")
    if not table.num_rows:
        raise DataFault("at least one candle", f"no row in {path.name}", "check how the file was written")
    floats = [_floats(path.name, name, table[name]) for name in COLUMNS[1:]]
    return RawCandles(path.name, _times(path.name, table["ts"]), *floats)


def require_neighbours(file: str, bars: Bars, timeframe: str) -> None:
    """Raise DataFault for ascending bars of which no two are neighbours: they are bars of a longer timeframe."""
    step_ms = timeframe_ms(timeframe)
    if len(bars) >= ROWS_TELLING and (closest := int(np.diff(bars["ts"]).min())) > step_ms:
        found = f"bars of {file} that lie at least {closest // 1000} s apart"
        raise DataFault(f"bars of {timeframe}, {step_ms // 1000} s apart but for gaps", found, "name the timeframe that the file has")


def _table(path: Path) -> pa.Table:
    kinds = {".parquet": pyarrow.parquet.read_table, ".pq": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv}
    if not path.is_file():
        raise DataFault("a file of candles", f"no file at {path}", "check the path")
    if path.suffix.lower() not in kinds:
        raise DataFault("a file whose name ends in .parquet or .csv", path.name, "convert or rename it")
    try:
        return kinds[path.suffix.lower()](str(path))
    except (pa.ArrowException, OSError) as error:
        raise DataFault(f"{path.name} as {path.suffix[1:]}", str(error).splitlines()[0][:200], "write the file again") from error


def _floats(file: str, name: str, column: pa.ChunkedArray) -> Floats:
    try:
        values: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    except pa.ArrowException as error:
        raise DataFault(f"numbers in column {name} of {file}", str(error).splitlines()[0][:200], "correct the column") from error
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise _fault(file, bad, f"a finite number as {name}", "nothing" if column[int(bad[0])].as_py() is None else str(values[bad[0]]))
    return values


def _times(file: str, column: pa.ChunkedArray) -> Integers:
    empty = np.flatnonzero(column.is_null().to_numpy())
    if empty.size:
        raise _fault(file, empty, "a time as ts", "nothing")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array([_iso_ms(file, row, text) for row, text in enumerate(column.to_pylist())], dtype=np.int64)
    if pa.types.is_temporal(column.type):
        try:
            moments = column.cast(pa.timestamp("ms", tz=getattr(column.type, "tz", None)), safe=False)
        except pa.ArrowException as error:
            raise DataFault(f"times in column ts of {file}", str(column.type), "write epoch ms or ISO times") from error
        return _integers(file, moments)
    return _epoch_ms(file, _floats(file, "ts", column) if pa.types.is_floating(column.type) else _integers(file, column))


def _integers(file: str, column: pa.ChunkedArray) -> Integers:
    try:
        values: Integers = column.cast(pa.int64()).to_numpy()
    except pa.ArrowException as error:
        raise DataFault(f"times in column ts of {file}", str(error).splitlines()[0][:200], "write epoch ms or ISO times") from error
    return values


def _epoch_ms(file: str, values: Integers | Floats) -> Integers:
    for size, times, divisor in _TS_UNITS:
        if np.abs(values).max() < size:
            integers = values.astype(np.int64)
            odd = np.flatnonzero(values * times % divisor if divisor > 1 else integers != values)
            if odd.size:
                raise _fault(file, odd, "a time of whole ms as ts", str(values[odd[0]]))
            return integers * times // divisor
    raise _fault(file, np.array([np.abs(values).argmax()]), "a time as ts", str(np.abs(values).max()))


def _iso_ms(file: str, row: int, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _fault(file, np.array([row]), "an ISO time as ts", repr(text)[:60]) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _fault(file: str, rows: NDArray[np.intp], expected: str, value: str) -> DataFault:
    others = f" ({rows.size - 1} more such rows)" if rows.size > 1 else ""
    return DataFault(expected, f"{value} in row {int(rows[0]) + 1} of {file}{others}", "correct or remove it; nothing was imported")


def infer_grid(instrument: Instrument, raw: RawCandles, price_exp: int | None, qty_exp: int | None) -> Instrument:
    """Return the instrument with the exponents that are given, and for the others the fewest that write the file exactly.

    `price_exp` is inferred up to 12; `qty_exp` up to 8 and to 12 - price_exp, so that finer volumes lose their last digits.
    """
    price_places = max(decimals_needed(column, EXP_SUM_MAX) for column in raw.prices()) if price_exp is None else price_exp
    room = min(QTY_EXP_MOST, EXP_SUM_MAX - price_places)
    qty_places = decimals_needed(raw.volume, max(room, 0)) if qty_exp is None else qty_exp
    return replace(instrument, price_exp=price_places, qty_exp=qty_places)


def to_bars(raw: RawCandles, instrument: Instrument, step_ms: int) -> tuple[Bars, int]:
    """Return (bars of shape [T], volumes that were rounded down); raises DataFault naming file, row and value."""
    bars = np.zeros(raw.ts.size, dtype=BAR)
    bars["ts"] = raw.ts
    door = price_door(instrument)
    for name, column in zip(PRICES, raw.prices(), strict=True):
        _check_size(raw.file, name, column, positive=True, most=door / 10**instrument.price_exp)
        bars[name], exact = exactly(column, instrument.price_exp)
        if not exact.all():
            rows = np.flatnonzero(~exact)
            raise _fault(raw.file, rows, f"a price of at most {instrument.price_exp} decimals as {name}", repr(float(column[rows[0]])))
        off = np.flatnonzero(bars[name] % instrument.tick)
        if off.size:
            raise _fault(raw.file, off, f"a price on the tick of {instrument.symbol} as {name}", repr(float(column[off[0]])))
    _check_size(raw.file, "volume", raw.volume, positive=False, most=PRODUCT_MAX / 10**instrument.qty_exp)
    bars["volume"], lost = rounded_down(raw.volume, instrument.qty_exp)
    faults = bar_faults(bars, step_ms)
    if faults:
        raise _bar_fault(raw, faults)
    freeze(instrument, int(bars["high"].max()))
    return bars, int(lost.sum())


def price_door(instrument: Instrument) -> int:
    """Return the highest price of a file whose instrument can still be frozen, in units of 10^-price_exp."""
    shift = MONEY_EXP - instrument.price_exp - instrument.qty_exp
    money_door = MONEY_MAX // 10**shift if shift >= 0 else MONEY_MAX * 10**-shift
    door: int = min(PRODUCT_MAX, money_door) // instrument.lot // HEADROOM
    return door


def _check_size(file: str, name: str, column: Floats, *, positive: bool, most: float) -> None:
    low = np.flatnonzero(column <= 0 if positive else column < 0)
    if low.size:
        raise _fault(file, low, f"a number {'above' if positive else 'of at least'} 0 as {name}", repr(float(column[low[0]])))
    high = np.flatnonzero(column > most)
    if high.size:
        raise _fault(file, high, f"a number within the door of {most:.10g} as {name}", repr(float(column[high[0]])))


def _bar_fault(raw: RawCandles, faults: list[tuple[int, str]]) -> DataFault:
    row, what = faults[0]
    values = " ".join(f"{item.name}={getattr(raw, item.name)[row]}" for item in fields(raw) if item.name != "file")
    others = f" ({len(faults) - 1} more faults)" if len(faults) > 1 else ""
    found = f"row {row + 1} of {raw.file}, where {what}: {values}{others}"
    return DataFault("bars that are sorted, unique, on the grid and without contradiction", found, "correct it; nothing was imported")


def gaps_of(bars: Bars, step_ms: int) -> Gaps:
    """Return the gaps between the first and the last of sorted bars."""
    missing = np.diff(bars["ts"]) // step_ms - 1
    rows = np.flatnonzero(missing > 0)
    if not rows.size:
        return Gaps(0, 0, 0, 0)
    longest = int(rows[missing[rows].argmax()])
    return Gaps(int(rows.size), int(missing.sum()), int(missing[longest]), int(bars["ts"][longest]) + step_ms)
