"""The order book around a tick: deterministic from (seed, pair, tick), minus what orders took of it in that tick. Pure."""

import zlib
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.market import TICKS_DAY
from sandbox.pairs import Pair

LEVELS = 100
BOOKS_KEPT = 512
"""A book is asked for again and again until the next tick."""
SPREAD_HALF_BPS = 1.0
GAP_BPS = 0.6
"""Mean distance of neighbouring levels."""
TOP_SHARE = 0.5
"""Mean size of the best level, as a share of a usual tick's turnover."""
GROWTH = 0.15
"""Growth of sizes from level to level, as a share of the best."""


class Level(NamedTuple):
    """A price and the quantity that rests there."""

    price: int
    qty: int


class Book(NamedTuple):
    """Both sides, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@lru_cache(maxsize=BOOKS_KEPT)
def book_at(seed: int, pair: Pair, tick: int, last: int) -> Book:
    """Return the book at a tick whose price is `last`: at most the pair's levels a side; none where there is no price."""
    if last <= 0:
        return Book((), ())
    chance = _uniforms(seed ^ (zlib.crc32(pair.id.encode()) << 20) ^ (tick << 1), 4 * LEVELS + 1)
    half = max(1, round(last * SPREAD_HALF_BPS / 10_000 * (0.6 + 0.8 * float(chance[-1])) * pair.spread))
    gaps = np.floor(chance[: 2 * LEVELS] * 2 * GAP_BPS / 10_000 * last * pair.spread).astype(np.int64) + 1
    usual = pair.turnover_day / TICKS_DAY / (last / 10**pair.price_exp) * 10**pair.qty_exp
    growth = 1 + GROWTH * np.tile(np.arange(LEVELS), 2)
    sizes = np.maximum(usual * TOP_SHARE * (0.4 + 1.2 * chance[2 * LEVELS : -1]) * growth * pair.depth, 1).astype(np.int64)
    bids = last - half - np.cumsum(gaps[:LEVELS]) + gaps[0]
    asks = last + half + np.cumsum(gaps[LEVELS:]) - gaps[LEVELS]
    down = tuple(Level(price, qty) for price, qty in zip(bids.tolist(), sizes[:LEVELS].tolist(), strict=True) if price > 0)
    up = tuple(Level(price, qty) for price, qty in zip(asks.tolist(), sizes[LEVELS:].tolist(), strict=True))
    return Book(down[: pair.levels], up[: pair.levels])


def less(levels: tuple[Level, ...], taken: dict[int, int]) -> tuple[Level, ...]:
    """Return the levels without the quantities taken, by price."""
    if not taken:
        return levels
    left = (Level(price, qty - taken.get(price, 0)) for price, qty in levels)
    return tuple(level for level in left if level.qty > 0)


def _uniforms(key: int, count: int) -> NDArray[np.float64]:
    """Return `count` numbers in [0, 1): splitmix64 (Steele, Lea, Flood 2014) at consecutive points of the key."""
    with np.errstate(over="ignore"):
        z = np.uint64(key * 0x632BE59BD9B4E019 & 0xFFFF_FFFF_FFFF_FFFF) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)
