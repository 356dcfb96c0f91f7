"""Real candles as a market: each minute becomes a path from its open over its extremes to its close."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from sandbox.market import CLOSE, DAY_MS, MINUTE_MS, MINUTES_DAY, TICKS_DAY, TICKS_MINUTE, Block, Ints, candles_of
from sandbox.pairs import PAIRS, Pair
from trader_core.model.bar import BAR, Bars, bar_faults
from trader_core.model.errors import DataFault, UnknownName

COLUMNS = ("ts", "open", "high", "low", "close", "volume")
PATH = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4])
"""Which point each of a minute's twelve ticks stands at; 0 open, 1 and 2 first and second extreme, 3 half way, 4 close."""


@dataclass(frozen=True, slots=True)
class Track:
    """The minutes of one pair."""

    pair: Pair
    bars: Bars


class ReplayMarket:
    """A market that repeats candles; minutes that they lack have no trades, and prices stand still there."""

    def __init__(self, tracks: list[Track]) -> None:
        """Check the candles; raises DataFault when they contradict themselves or are not minutes."""
        self.pairs = {track.pair.id: track.pair for track in tracks}
        self._bars = {track.pair.id: track.bars for track in tracks}
        self._blocks: dict[tuple[str, int], Block] = {}
        for name, bars in self._bars.items():
            faults = bar_faults(bars, MINUTE_MS)
            if faults or not len(bars):
                found = f"row {faults[0][0]}: {faults[0][1]}" if faults else "no rows"
                raise DataFault(f"clean minutes of {name}", found, "replay other data")
            shortest = int(np.diff(bars["ts"]).min(initial=MINUTE_MS * MINUTES_DAY))
            if len(bars) > 1 and shortest != MINUTE_MS:
                raise DataFault(f"minutes of {name}", f"bars of {shortest // 1000} s", "replay other data")

    def block(self, name: str, day: int) -> Block:
        """Return a day (counted from 1970) of the market called `name`."""
        key = (name, day)
        if key not in self._blocks:
            if len(self._blocks) >= 120:  # noqa: PLR2004 - some 50 MB
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = _block(self._bars[name], day)
        return self._blocks[key]


def replayed(files: tuple[tuple[str, str], ...]) -> ReplayMarket:
    """Return the market of (symbol, Parquet file of minutes) pairs; raises UnknownName or DataFault."""
    known = {pair.symbol: pair for pair in PAIRS}
    tracks = []
    for symbol, path in files:
        if symbol not in known:
            raise UnknownName(f"a symbol of {', '.join(known)}", symbol, "replay one of them")
        tracks.append(Track(known[symbol], load(known[symbol], Path(path))))
    return ReplayMarket(tracks)


def load(pair: Pair, path: Path) -> Bars:
    """Return a Parquet file's candles on the pair's grid, shape [T]; raises DataFault."""
    try:
        table = pq.read_table(path, columns=list(COLUMNS))
    except (OSError, ValueError, KeyError) as error:
        raise DataFault(f"a Parquet file with {', '.join(COLUMNS)}", f"{path.name}: {error}"[:200], "give another file") from error
    bars = np.zeros(table.num_rows, dtype=BAR)
    bars["ts"] = table["ts"].to_numpy()
    for name in ("open", "high", "low", "close"):
        bars[name] = np.rint(table[name].to_numpy() * 10**pair.price_exp).astype(np.int64)
    bars["volume"] = np.floor(table["volume"].to_numpy() * 10**pair.qty_exp).astype(np.int64)
    return bars


def _block(bars: Bars, day: int) -> Block:
    first, end = np.searchsorted(bars["ts"], [day * DAY_MS, (day + 1) * DAY_MS])
    before = int(bars["close"][first - 1]) if first else 0
    rows = bars[first:end]
    minutes = (rows["ts"] - day * DAY_MS) // MINUTE_MS
    known = np.full(MINUTES_DAY, -1)
    known[minutes] = np.arange(len(rows))
    latest = np.maximum.accumulate(known)
    closes = np.append(rows["close"], before)
    prices = np.repeat(closes[latest], TICKS_MINUTE).reshape(MINUTES_DAY, TICKS_MINUTE)
    volumes = np.zeros((MINUTES_DAY, TICKS_MINUTE), dtype=np.int64)
    prices[minutes], volumes[minutes] = _paths(rows)
    flat, volume = prices.reshape(TICKS_DAY), volumes.reshape(TICKS_DAY)
    buys = np.append(0, np.diff(flat)) >= 0
    candles = candles_of(flat, volume)
    candles[known < 0, :] = 0
    assert (candles[minutes, CLOSE] == rows["close"]).all(), "a path ends at its candle's close"
    return Block(flat, volume, buys, candles)


def _paths(rows: Bars) -> tuple[Ints, Ints]:
    """Return prices and volumes of shape [minutes, 12]: a rising candle visits its low first, a falling one its high."""
    rising = rows["close"] >= rows["open"]
    one, two = np.where(rising, rows["low"], rows["high"]), np.where(rising, rows["high"], rows["low"])
    points = np.stack([rows["open"], one, two, (two + rows["close"]) // 2, rows["close"]], axis=1)
    share = rows["volume"] // TICKS_MINUTE
    volumes = np.repeat(share[:, None], TICKS_MINUTE, axis=1)
    volumes[:, -1] += rows["volume"] - share * TICKS_MINUTE
    return points[:, PATH], volumes
