"""Bars: open, high, low, close and volume of one *closed* interval, as integers, and the time grid that they lie on."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.model.errors import UnknownName

BAR = np.dtype(
    [("ts", "i8"), ("open", "i8"), ("high", "i8"), ("low", "i8"), ("close", "i8"), ("volume", "i8")],
)
"""One bar: `ts` is its open in epoch ms; prices count 10^-price_exp, the volume 10^-qty_exp of the base currency.
A slot without a bar has close 0 (and every other price 0): that is the validity mask."""

Bars = NDArray[Any]
"""A structured array of BAR, shape [T] for one instrument or [T, N] for a session."""

TIMEFRAMES_MS = {
    "1m": 60_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000,
}  # fmt: skip


def timeframe_ms(timeframe: str) -> int:
    """Return the length of a timeframe in ms; raises UnknownName for one that is not offered."""
    if timeframe not in TIMEFRAMES_MS:
        raise UnknownName(f"a timeframe of {', '.join(TIMEFRAMES_MS)}", repr(timeframe), "choose one of them")
    return TIMEFRAMES_MS[timeframe]


def slot_of(ts_ms: int, step_ms: int) -> int:
    """Return the open time of the bar that `ts_ms` lies in."""
    return ts_ms - ts_ms % step_ms


def bar_faults(bars: Bars, step_ms: int) -> list[tuple[int, str]]:
    """Return every (row, fault) of bars of shape [T]: off the grid, not ascending, duplicate, prices that contradict."""
    ts, open_, high, low, close = (bars[name] for name in ("ts", "open", "high", "low", "close"))
    step = np.diff(ts, prepend=ts[:1] - step_ms)
    checks = (
        (ts % step_ms != 0, "its time is off the grid"),
        (step == 0, "its time is a duplicate"),
        (step < 0, "its time lies before the row above"),
        (np.minimum.reduce([open_, high, low, close]) <= 0, "a price is zero or negative"),
        (high < np.maximum.reduce([open_, low, close]), "the high is below another price"),
        (low > np.minimum(open_, close), "the low is above open or close"),
        (bars["volume"] < 0, "the volume is negative"),
    )
    found = [(int(row), fault) for mask, fault in checks for row in np.flatnonzero(mask)]
    return sorted(found)


def canonical_symbol(symbol: str) -> str:
    """Return BASE/QUOTE in capitals; raises UnknownName for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9]{1,20}", symbol):
        raise UnknownName("a symbol such as BTC/USDT", repr(symbol), "write BASE/QUOTE")
    return symbol.upper()
