"""Real candles as a market: each minute becomes a path from its open over its extremes to its close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sandbox import recordings
from sandbox.market import CLOSE, DAY_MS, MINUTE_MS, MINUTES_DAY, TICKS_DAY, TICKS_MINUTE, Block, Ints, candles_of
from sandbox.pairs import PAIRS, Pair
from sandbox.recordings import Kind
from sandbox.traded import TradedTrack
from trader_core.model.bar import BAR, Bars, bar_faults
from trader_core.model.errors import DataFault, OutOfRange, UnknownName

MINUTES = {
    "ts": Kind.TIME, "open": Kind.PRICE, "high": Kind.PRICE, "low": Kind.PRICE, "close": Kind.PRICE, "volume": Kind.NUMBER,
}  # fmt: skip
PATH = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4])
"""Which point each of a minute's twelve ticks stands at; 0 open, 1 and 2 first and second extreme, 3 half way, 4 close."""


@dataclass(frozen=True, slots=True)
class Track:
    """The minutes of one pair."""

    pair: Pair
    bars: Bars

    def check(self) -> None:
        """Raise DataFault for candles that contradict themselves or are not minutes."""
        faults, name = bar_faults(self.bars, MINUTE_MS), self.pair.id
        if faults or not len(self.bars):
            found = f"row {faults[0][0]}: {faults[0][1]}" if faults else "no rows"
            raise DataFault(f"clean minutes of {name}", found, "replay other data")
        shortest = int(np.diff(self.bars["ts"]).min(initial=MINUTE_MS * MINUTES_DAY))
        if len(self.bars) > 1 and shortest != MINUTE_MS:
            raise DataFault(f"minutes of {name}", f"bars of {shortest // 1000} s", "replay other data")

    @property
    def span_ms(self) -> tuple[int, int]:
        """Return the first moment, and the one after the last."""
        return int(self.bars["ts"][0]), int(self.bars["ts"][-1]) + MINUTE_MS

    def block(self, day: int) -> Block:
        """Return a day (counted from 1970)."""
        return _block(self.bars, day)


class ReplayMarket:
    """A market that repeats candles or trades; in minutes that they lack there are no trades, and prices stand still."""

    def __init__(self, tracks: Sequence[Track | TradedTrack]) -> None:
        """Check what is repeated; raises DataFault when it contradicts itself."""
        self.pairs = {track.pair.id: track.pair for track in tracks}
        self._tracks = {track.pair.id: track for track in tracks}
        self._blocks: dict[tuple[str, int], Block] = {}
        for track in tracks:
            track.check()

    def covers(self, now_ms: int) -> None:
        """Raise OutOfRange unless every market has a price at a time."""
        for name, track in self._tracks.items():
            first, end = track.span_ms
            if not first <= now_ms < end:
                expected = f"a start from {text_of(first)} up to {text_of(end)}, which {name} was recorded in"
                raise OutOfRange(expected, text_of(now_ms), "start then")

    def block(self, name: str, day: int) -> Block:
        """Return a day (counted from 1970) of the market called `name`."""
        key = (name, day)
        if key not in self._blocks:
            if len(self._blocks) >= 120:  # noqa: PLR2004 - some 50 MB
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = self._tracks[name].block(day)
        return self._blocks[key]


def replayed(files: tuple[tuple[str, str], ...], pairs: tuple[Pair, ...] = PAIRS) -> ReplayMarket:
    """Return the market of (symbol, Parquet file of minutes or of trades); raises UnknownName or DataFault."""
    known = {pair.symbol: pair for pair in pairs}
    tracks: list[Track | TradedTrack] = []
    for symbol, text in files:
        if symbol not in known:
            raise UnknownName(f"a symbol of {', '.join(known)}", symbol, "replay one of them")
        if symbol in {track.pair.symbol for track in tracks}:
            raise OutOfRange("one file for each symbol", f"another one for {symbol}", "leave one out")
        tracks.append(track_of(known[symbol], Path(text)))
    return ReplayMarket(tracks)


def track_of(pair: Pair, path: Path) -> "Track | TradedTrack":
    """Return what a file holds: trades where it has a side and an amount, else minutes."""
    return TradedTrack.load(pair, path) if {"side", "amount"} <= recordings.names(path) else Track(pair, load(pair, path))


def load(pair: Pair, path: Path) -> Bars:
    """Return a Parquet file's candles on the pair's grid, shape [T]; raises DataFault naming row and column."""
    columns = recordings.read(path, MINUTES)
    bars = np.zeros(len(columns["ts"]), dtype=BAR)
    bars["ts"] = columns["ts"]
    for name in ("open", "high", "low", "close"):
        bars[name] = recordings.grid(path, name, columns[name], pair.price_exp)
    bars["volume"] = np.floor(columns["volume"] * 10**pair.qty_exp).astype(np.int64)
    faults = bar_faults(bars, MINUTE_MS)
    if faults:
        row, said = faults[0]
        raise DataFault("clean minutes", f"{said} in {path.name}, row {row}", recordings.ADVICE)
    return bars


def text_of(ms: int) -> str:
    """Return a time as text."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


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
