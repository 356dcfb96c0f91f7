"""Recorded trades as a market: five seconds of them make a tick, and their minutes have the candles that the trades have. Pure."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandbox import recordings
from sandbox.market import DAY_MS, MINUTES_DAY, TICK_MS, TICKS_DAY, TICKS_MINUTE, Block, Ints, candles_of
from sandbox.pairs import Pair
from sandbox.recordings import Kind

TRADES = {"ts": Kind.TIME, "price": Kind.PRICE, "amount": Kind.NUMBER, "side": Kind.SIDE}


@dataclass(frozen=True, slots=True)
class TradedTrack:
    """The trades of one pair, oldest first: times in ms, prices in ticks, volumes in lots, and whether the taker bought."""

    pair: Pair
    times: Ints
    prices: Ints
    volumes: Ints
    buys: NDArray[np.bool_]

    @classmethod
    def load(cls, pair: Pair, path: Path) -> "TradedTrack":
        """Return a Parquet file's trades (ts, price, amount, side) on the pair's grid; raises DataFault naming row and column."""
        columns = recordings.read(path, TRADES)
        recordings.ascending(path, columns["ts"])
        prices = recordings.grid(path, "price", columns["price"], pair.price_exp)
        volumes = np.rint(columns["amount"] * 10**pair.qty_exp).astype(np.int64)
        return cls(pair, columns["ts"], prices, volumes, columns["side"])

    def check(self) -> None:
        """Hold whatever the file held: trades cannot contradict each other."""

    @property
    def span_ms(self) -> tuple[int, int]:
        """Return the beginning of the first tick, and the end of the last."""
        return int(self.times[0]) // TICK_MS * TICK_MS, (int(self.times[-1]) // TICK_MS + 1) * TICK_MS

    def block(self, day: int) -> Block:
        """Return a day (counted from 1970).

        A tick stands at its last trade, but the first, the last, the highest and the lowest price of each minute are on ticks of
        their own, so that its candle is the true one; a tick of a minute that its first trade comes after stands at that trade.
        """
        first, end = np.searchsorted(self.times, [day * DAY_MS, (day + 1) * DAY_MS])
        ticks = (self.times[first:end] - day * DAY_MS) // TICK_MS
        volumes = np.bincount(ticks, self.volumes[first:end], TICKS_DAY).astype(np.int64)
        bought = np.bincount(ticks, np.where(self.buys[first:end], 1, -1) * self.volumes[first:end], TICKS_DAY)
        before = int(self.prices[first - 1]) if first else 0
        latest = np.full(TICKS_DAY, -1)
        latest[ticks] = np.arange(len(ticks))  # of several trades the last one stays
        latest = np.maximum.accumulate(latest)
        prices = np.append(self.prices[first:end], before)[latest]
        minutes = ticks // TICKS_MINUTE
        traded = np.zeros(MINUTES_DAY, dtype=np.bool_)
        traded[minutes] = True
        begins = np.flatnonzero(np.diff(minutes, prepend=-1))
        for low, high in zip(begins, np.append(begins[1:], len(minutes)), strict=True):
            row = int(minutes[low]) * TICKS_MINUTE
            _shape(prices[row : row + TICKS_MINUTE], self.prices[first + low : first + high], ticks[low:high] - row)
        candles = candles_of(prices, volumes)
        candles[~traded] = 0
        return Block(prices, volumes, bought >= 0, candles)


def _shape(prices: Ints, trades: Ints, ticks: Ints) -> None:
    """Give a minute's twelve ticks, in place, the extremes of its trades."""
    last = len(prices) - 1
    prices[: ticks[0]] = trades[0]
    prices[0], prices[last] = trades[0], trades[-1]
    high, low = int(trades.argmax()), int(trades.argmin())
    at_high, at_low = (min(max(int(ticks[at]), 1), last - 1) for at in (high, low))
    if at_high == at_low:
        at_low += 1 if at_low < last - 1 and (low > high or at_low == 1) else -1
    prices[at_high], prices[at_low] = trades[high], trades[low]
