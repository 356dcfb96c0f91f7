"""A market on which prices can jump, vanish or be corrected afterwards; without such marks it is the market that it wraps. Pure.

Marks change a day's block, which everything is read from: tickers, trades, candles, books, streams and fills agree.
"""

from dataclasses import dataclass, replace

import numpy as np

from sandbox.market import (
    CLOSE,
    HIGH,
    LOW,
    MINUTES_DAY,
    QUOTE,
    TICK_MS,
    TICKS_DAY,
    TICKS_MINUTE,
    VOLUME,
    Block,
    Ints,
    Market,
    candles_of,
)
from trader_core.model.money import PPM

BLOCKS_KEPT = 120
FOREVER = 1 << 53


@dataclass(frozen=True, slots=True)
class Jump:
    """Prices of the ticks in [first, end) are `ppm` off; a million below is a price of 0."""

    name: str
    first: int
    end: int
    ppm: int


@dataclass(frozen=True, slots=True)
class Revision:
    """The candles of the minutes in [first, end) are shown with another close and volume than what was traded."""

    name: str
    first: int
    end: int
    ppm: int


Mark = Jump | Revision


class FaultyMarket:
    """A market with marks on it."""

    def __init__(self, market: Market) -> None:
        """Wrap a market; nothing is marked yet."""
        self._market = market
        self.pairs = market.pairs
        self._marks: dict[str, list[Mark]] = {}
        self._blocks: dict[tuple[str, int], Block] = {}

    def block(self, name: str, day: int) -> Block:
        """Return a day (counted from 1970) of the market called `name`, as its marks make it."""
        marks = self._marks.get(name)
        if not marks:
            return self._market.block(name, day)
        key = (name, day)
        if key not in self._blocks:
            if len(self._blocks) >= BLOCKS_KEPT:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = _marked(self._market.block(name, day), day, marks)
        return self._blocks[key]

    def jump(self, name: str, ppm: int, since_ms: int, until_ms: int | None) -> Jump:
        """Have the prices of a time yet to come `ppm` off, and return the mark."""
        end = FOREVER if until_ms is None else -(-until_ms // TICK_MS)
        mark = Jump(name, -(-since_ms // TICK_MS), end, ppm)
        self._add(mark)
        return mark

    def revise(self, name: str, ppm: int, first: int, end: int) -> Revision:
        """Show the candles of the minutes in [first, end) with other values from now on, and return the mark."""
        mark = Revision(name, first, end, ppm)
        self._add(mark)
        return mark

    def lift(self, mark: Mark, now_ms: int) -> None:
        """Let what has not happened yet happen as it would have; a revision is taken back."""
        self._marks[mark.name].remove(mark)
        past = now_ms // TICK_MS + 1
        if isinstance(mark, Jump) and mark.first < past:
            self._marks[mark.name].append(replace(mark, end=min(mark.end, past)))
        self._forget(mark.name)

    def _add(self, mark: Mark) -> None:
        self._marks.setdefault(mark.name, []).append(mark)
        self._forget(mark.name)

    def _forget(self, name: str) -> None:
        self._blocks = {key: block for key, block in self._blocks.items() if key[0] != name}


def _marked(block: Block, day: int, marks: list[Mark]) -> Block:
    """Return a day with its marks: first the jumps, then what is said of candles."""
    for mark in marks:
        if isinstance(mark, Jump):
            block = _jumped(block, mark, day)
    for mark in marks:
        if isinstance(mark, Revision):
            block = _revised(block, mark, day)
    return block


def _rows(mark: Mark, day: int, per_day: int) -> slice:
    low, high = (min(max(at - day * per_day, 0), per_day) for at in (mark.first, mark.end))
    return slice(low, high)


def _jumped(block: Block, mark: Jump, day: int) -> Block:
    rows = _rows(mark, day, TICKS_DAY)
    if rows.start >= rows.stop:
        return block
    prices, candles = block.prices.copy(), block.candles.copy()
    before = prices[rows]
    prices[rows] = np.where(before > 0, np.maximum(before * (PPM + mark.ppm) // PPM, int(mark.ppm > -PPM)), before)
    minutes = slice(rows.start // TICKS_MINUTE, -(-rows.stop // TICKS_MINUTE))
    traded = candles[minutes, HIGH] > 0
    ticks = slice(minutes.start * TICKS_MINUTE, minutes.stop * TICKS_MINUTE)
    candles[minutes] = np.where(traded[:, None], candles_of(prices[ticks], block.volumes[ticks]), candles[minutes])
    return block._replace(prices=prices, candles=candles)


def _revised(block: Block, mark: Revision, day: int) -> Block:
    rows = _rows(mark, day, MINUTES_DAY)
    if rows.start >= rows.stop:
        return block
    candles = block.candles.copy()
    candles[rows] = [revised(candle, mark.ppm) for candle in candles[rows]]
    return block._replace(candles=candles)


def revised(candle: Ints, ppm: int) -> Ints:
    """Return a candle, shape [6], whose close and volume are `ppm` off; it keeps a candle's order of prices."""
    after = candle.copy()
    if not after[HIGH]:
        return after
    after[CLOSE] = max(int(candle[CLOSE]) * (PPM + ppm) // PPM, 1)
    after[HIGH], after[LOW] = max(after[HIGH], after[CLOSE]), min(after[LOW], after[CLOSE])
    for column in (VOLUME, QUOTE):
        after[column] = int(candle[column]) * (PPM + abs(ppm)) // PPM
    return after
