"""A market whose ticks are written by hand."""

import numpy as np

from sandbox.config import START_MS
from sandbox.market import DAY_MS, TICKS_DAY, Block, candles_of
from sandbox.matching import Exchange
from sandbox.pairs import Pair, Rules
from trader_core.model.money import money

BTC = Pair("BTC", "USDT", 2, 6, 100_00, 0.02, 1e6)
"""Prices count cents, quantities millionths."""
DAY = START_MS // DAY_MS


class FixedMarket:
    """One pair that stands at 100.00 with 1 BTC a tick, but for the ticks given as {row: (price, volume)}."""

    def __init__(self, ticks: dict[int, tuple[int, int]]) -> None:
        self.pairs = {BTC.id: BTC}
        prices, volumes = np.full(TICKS_DAY, 100_00), np.full(TICKS_DAY, 1_000_000)
        for row, (price, volume) in ticks.items():
            prices[row], volumes[row] = price, volume
        self._first = Block(prices, volumes, prices > 0, candles_of(prices, volumes))
        calm, usual = np.full(TICKS_DAY, 100_00), np.full(TICKS_DAY, 1_000_000)
        self._other = Block(calm, usual, calm > 0, candles_of(calm, usual))

    def block(self, name: str, day: int) -> Block:
        assert name == BTC.id
        return self._first if day == DAY else self._other


def exchange(ticks: dict[int, tuple[int, int]] | None = None, rules: Rules | None = None, usdt: str = "1000", btc: str = "0") -> Exchange:
    """An exchange over a fixed market whose account `me` holds what is given."""
    venue = Exchange(FixedMarket(ticks or {}), rules or Rules(), seed=7, start_ms=START_MS)
    venue.credit("me", "USDT", money(usdt))
    venue.credit("me", "BTC", money(btc))
    return venue
