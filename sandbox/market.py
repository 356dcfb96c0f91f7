"""The market: a path of ticks per pair, generated day by day from a seed, and the candles that these ticks add up to.

Pure. A day's block depends on (seed, pair, day) alone, so that the order of questions changes nothing. Ticks lie on a grid
of five seconds; the tick of a grid point has happened when the clock shows that point.
"""

import zlib
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sandbox.character import Character
from sandbox.pairs import Pair

TICK_MS = 5_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
TICKS_MINUTE = MINUTE_MS // TICK_MS
TICKS_DAY = DAY_MS // TICK_MS
MINUTES_DAY = 1_440

OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE = range(6)
"""Columns of a candle: prices in ticks, volume in lots, quote volume in tick times lot."""

ANCHOR_DAY = 20_458
"""2026-01-05, the day on which the seeded market stands near its reference prices."""
BLOCKS_KEPT = 120
CALM, USUAL, WILD = 0.6, 1.0, 1.9
REVERSION = 0.98
"""Share of its distance from the reference that a price keeps per day: keeps years of history plausible."""
TREND_NOISE = 0.35
"""A planted trend is heard over a market this quiet."""
TREND_LEGS = 8
"""Legs of a planted trend per day; even, so that days join."""
LEVEL, PATH, TREND, SILENCE, FALLS = range(5)
"""Streams of chance."""
FALL, RISE = 10 * TICKS_MINUTE, 60 * TICKS_MINUTE
"""Ticks that a fall takes, and those after which what it is still away from where it will come back to has shrunk to 1/e."""
CAME_BACK = 0.8
"""Share of a fall that the market recovers from."""

Ints = NDArray[np.int64]


class Block(NamedTuple):
    """One day of one pair: 17,280 ticks and 1,440 candles of shape [1440, 6]; a candle without a trade has high 0."""

    prices: Ints
    volumes: Ints
    buys: NDArray[np.bool_]
    """True where the taker bought."""
    candles: Ints


class Market(Protocol):
    """Where prices come from: seeded or replayed."""

    pairs: dict[str, Pair]

    def block(self, name: str, day: int) -> Block:
        """Return a day (counted from 1970) of the market called `name`."""


def candles_of(prices: Ints, volumes: Ints) -> Ints:
    """Return the minute candles, shape [minutes, 6], that whole minutes of ticks add up to."""
    price, volume = prices.reshape(-1, TICKS_MINUTE), volumes.reshape(-1, TICKS_MINUTE)
    columns = (price[:, 0], price.max(1), price.min(1), price[:, -1], volume.sum(1), (price * volume).sum(1))
    return np.stack(columns, axis=1)


class SeededMarket:
    """Every day of every pair exists and is the same for the same seed, whatever was asked before."""

    def __init__(self, seed: int, pairs: tuple[Pair, ...], trend_bps: int = 0, character: Character | None = None) -> None:
        """Keep the seed; `trend_bps` is the mean half height of planted swings, 0 for none; without a character it is the usual one."""
        self.character = character or Character()
        self.pairs = {pair.id: pair for pair in self.character.of(pairs)}
        self.seed, self.trend_bps = seed, trend_bps
        self._levels = {pair.id: {ANCHOR_DAY: self._shock(pair, ANCHOR_DAY)} for pair in pairs}
        self._blocks: dict[tuple[str, int], Block] = {}

    def block(self, name: str, day: int) -> Block:
        """Return a day (counted from 1970) of the market called `name`."""
        key = (name, day)
        if key not in self._blocks:
            if len(self._blocks) >= BLOCKS_KEPT:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = self._generate(self.pairs[name], day)
        return self._blocks[key]

    def _chance(self, pair: Pair, day: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(pair.id.encode()), day, stream])

    def _volatility(self, pair: Pair) -> float:
        return pair.volatility_day * (TREND_NOISE if self.trend_bps else 1.0)

    def _level(self, pair: Pair, day: int) -> float:
        """Return the logarithm of price over reference at the day's first tick, before trends."""
        levels = self._levels[pair.id]
        step = 1 if day > ANCHOR_DAY else -1
        start = day
        while start not in levels:
            start -= step
        for at in range(start + step, day + step, step):
            levels[at] = REVERSION * levels[at - step] + self._shock(pair, at)
        return levels[day]

    def _shock(self, pair: Pair, day: int) -> float:
        return self._volatility(pair) * float(self._chance(pair, day, LEVEL).standard_normal())

    def _trend(self, pair: Pair, day: int) -> NDArray[np.float64]:
        """Return the planted swings of a day: legs of about three hours, up and down in turn."""
        if not self.trend_bps:
            return np.zeros(TICKS_DAY)
        chance = self._chance(pair, day, TREND)
        heights = np.append(chance.uniform(0.7, 1.3, TREND_LEGS), self._chance(pair, day + 1, TREND).uniform(0.7, 1.3))
        signs = np.where(np.arange(TREND_LEGS + 1) % 2 == zlib.crc32(pair.id.encode()) % 2, 1.0, -1.0)
        leg = TICKS_DAY / TREND_LEGS
        knots = np.arange(TREND_LEGS + 1) * leg
        knots[1:-1] += chance.uniform(-0.2, 0.2, TREND_LEGS - 1) * leg
        swings: NDArray[np.float64] = np.interp(np.arange(TICKS_DAY), knots, signs * heights * self.trend_bps / 10_000)
        return swings

    def _generate(self, pair: Pair, day: int) -> Block:
        chance, volatility, character = self._chance(pair, day, PATH), self._volatility(pair), self.character
        regime = np.repeat(chance.choice((CALM, USUAL, WILD), 24, p=character.regimes), TICKS_DAY // 24)
        moves = chance.standard_t(4, TICKS_DAY) / np.sqrt(2) * regime
        steps = moves * volatility / np.sqrt(TICKS_DAY)
        jumps = chance.integers(0, TICKS_DAY, chance.poisson(character.jumps_day))
        np.add.at(steps, jumps, chance.standard_normal(len(jumps)) * volatility * character.jump_share)
        start, end = self._level(pair, day), self._level(pair, day + 1)
        path = np.cumsum(steps)
        path -= np.arange(1, TICKS_DAY + 1) / TICKS_DAY * (path[-1] - (end - start))
        path = np.append(0.0, path[:-1]) + start + self._trend(pair, day) + self._falls(pair, day)
        prices = np.maximum(np.rint(np.exp(path) * pair.reference), 1).astype(np.int64)
        turnover = pair.turnover_day / TICKS_DAY * 0.6 * chance.lognormal(0.0, 0.7, TICKS_DAY) * (0.5 + 0.5 * np.abs(moves))
        lots = turnover / (prices / 10**pair.price_exp) * 10**pair.qty_exp
        volumes = np.maximum(np.rint(lots), 1).astype(np.int64)
        buys = chance.random(TICKS_DAY) < 0.5 + 0.2 * np.sign(np.append(0.0, steps[:-1]))
        return silenced(Block(prices, volumes, buys, candles_of(prices, volumes)), self._silent(pair, day))

    def _falls(self, pair: Pair, day: int) -> NDArray[np.float64]:
        """Return what falls take off the logarithm of the price; each is over when its day is, so that days join."""
        total = np.zeros(TICKS_DAY)
        if not self.character.drops_day:
            return total
        chance = self._chance(pair, day, FALLS)
        for begin in chance.integers(0, TICKS_DAY // 2, chance.poisson(self.character.drops_day)):
            depth = np.log1p(-self.character.drop * chance.uniform(0.5, 1.0))
            since = np.arange(TICKS_DAY) - begin
            back = 1 - CAME_BACK * -np.expm1(-np.maximum(since - FALL, 0) / RISE)
            over = np.clip((TICKS_DAY - 1 - np.arange(TICKS_DAY)) / (TICKS_DAY // 4), 0, 1)
            total += depth * np.clip(since / FALL, 0, 1) * back * over
        return total

    def _silent(self, pair: Pair, day: int) -> NDArray[np.bool_]:
        """Return which minutes of a day nobody trades in, shape [1440]; never the first, so that days join."""
        silent, character = np.zeros(MINUTES_DAY, dtype=np.bool_), self.character
        if character.quiet or character.gaps_day:
            chance = self._chance(pair, day, SILENCE)
            silent |= chance.random(MINUTES_DAY) < character.quiet
            for begin in chance.integers(1, MINUTES_DAY, chance.poisson(character.gaps_day)):
                silent[begin : begin + chance.integers(2, character.gap_minutes + 1)] = True
            silent[0] = False
        return silent


def silenced(block: Block, silent: NDArray[np.bool_]) -> Block:
    """Return a day without trades in some minutes, shape [1440], not the first: the price stands where it was, and there is no candle."""
    if not silent.any():
        return block
    latest = np.maximum.accumulate(np.where(silent, 0, np.arange(MINUTES_DAY)))
    prices, volumes = block.prices.reshape(MINUTES_DAY, TICKS_MINUTE).copy(), block.volumes.reshape(MINUTES_DAY, TICKS_MINUTE).copy()
    prices[silent] = prices[latest[silent], -1][:, None]
    volumes[silent] = 0
    candles = np.where(silent[:, None], 0, block.candles)
    return Block(prices.reshape(TICKS_DAY), volumes.reshape(TICKS_DAY), block.buys, candles)


def tick_price(market: Market, name: str, tick: int) -> int:
    """Return the price of a tick, counted from 1970 in steps of five seconds; 0 where the market has none yet."""
    day, row = divmod(tick, TICKS_DAY)
    return int(market.block(name, day).prices[row])


def partial_candle(market: Market, name: str, minute: int, now_ms: int) -> Ints | None:
    """Return the candle, shape [6], of a minute that `now_ms` lies in, from the ticks that have happened."""
    day, row = divmod(minute, MINUTES_DAY)
    block = market.block(name, day)
    if block.candles[row, HIGH] == 0:
        return None
    first = row * TICKS_MINUTE
    count = (now_ms - minute * MINUTE_MS) // TICK_MS + 1
    prices, volumes = block.prices[first : first + count], block.volumes[first : first + count]
    values = (prices[0], prices.max(), prices.min(), prices[-1], volumes.sum(), (prices * volumes).sum())
    return np.array(values, dtype=np.int64)


def minute_candles(market: Market, name: str, first: int, last: int) -> Ints:
    """Return the candles, shape [last - first, 6], of the minutes [first, last), counted from 1970."""
    parts = []
    for day in range(first // MINUTES_DAY, -(-last // MINUTES_DAY)):
        low, high = max(first - day * MINUTES_DAY, 0), min(last - day * MINUTES_DAY, MINUTES_DAY)
        parts.append(market.block(name, day).candles[low:high])
    return np.concatenate(parts) if parts else np.empty((0, 6), dtype=np.int64)
