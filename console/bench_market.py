"""The bench's market: seeded bars of one-minute random walks, the same on every machine, kept as files."""

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from console import options
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, freeze

MINUTES, SYMBOLS = 525_600, 10
START_MS = 1_735_689_600_000
"""2025-01-01 UTC."""
PRICE_EXP, QTY_EXP = 2, 8
SUMS = (
    "ba5bf3e36ca6f1a187a4ba6cba5ff066",
    "6c24b0e6067e09b2543745f53c1dc505",
    "a28c8e7efff0c04fe56129ab20810412",
    "2792bd23c3ddba6871925795ad103217",
    "cc614c6fc53596b37ffae2deb8c7877e",
    "568b466f9834810b2915906750120d42",
    "45ac4005b3df8c9c81a22e5179d78a91",
    "de4fcafa2c6f0fd2f342a400bc1dde54",
    "fb179f5cd8fd153854c8dd9490c5165d",
    "b828f6e1c1cbe83838e2afe1c314084b",
)
"""SHA-256 of each symbol's numbers, the first 32 digits: another generator would be another market."""


def folder() -> Path:
    """Return where the files lie: beside those of other engines where PEERS_HOME names that place, else in the home folder."""
    peers = os.environ.get("PEERS_HOME")
    return Path(peers) / "data" if peers else options.settings().folder() / "bench"


def columns(symbol: int) -> NDArray[np.float64]:
    """Return open, high, low, close and volume of a symbol, shape [5, MINUTES]; made and kept where there is no file.

    Closes walk with 0.08 % a minute from 30,000, rounded to a tick of 0.01; each bar opens at the close before it. Raises
    DataFault for a file, or a generator, that gives other numbers.
    """
    path = folder() / f"c{symbol}.npy"
    if path.exists():
        found = np.load(path)
    else:
        found = _made(symbol)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part.npy")
        np.save(part, found)
        part.replace(path)
    digest = hashlib.sha256(np.ascontiguousarray(found).tobytes()).hexdigest()[:32]
    if digest != SUMS[symbol]:
        raise DataFault(f"the bench's market with the checksum {SUMS[symbol]}", f"{digest} in {path}", "remove the file; it is made again")
    return np.asarray(found, np.float64)


def _made(symbol: int) -> NDArray[np.float64]:
    chance = np.random.default_rng(1000 + symbol)
    close = np.round(30_000.0 * np.exp(np.cumsum(chance.normal(0, 0.0008, MINUTES))), 2)
    opened = np.concatenate([[30_000.0], close[:-1]])
    wick = np.abs(chance.normal(0, 0.0003, (2, MINUTES)))
    high = np.round(np.maximum(opened, close) * (1 + wick[0]), 2)
    low = np.round(np.minimum(opened, close) * (1 - wick[1]), 2)
    return np.ascontiguousarray(np.stack([opened, high, low, close, np.round(chance.lognormal(1, 1, MINUTES), 4)]))


def market(count: int, minutes: int) -> tuple[tuple[Instrument, ...], Bars]:
    """Return `count` frozen instruments with fees of 0.1 %, and their first bars [minutes, count] in the engine's integers."""
    bars = np.zeros((minutes, count), BAR)
    bars["ts"] = (START_MS + 60_000 * np.arange(minutes, dtype=np.int64))[:, None]
    instruments = []
    for index in range(count):
        found = columns(index)[:, :minutes]
        for name, values in zip(("open", "high", "low", "close"), found[:4], strict=True):
            bars[name][:, index] = _whole(values, PRICE_EXP)
        bars["volume"][:, index] = _whole(found[4], QTY_EXP)
        plain = Instrument("bench", f"C{index}/USD", f"C{index}", "USD", PRICE_EXP, QTY_EXP, 1, 1, 0, 0, 1000, 1000)
        instruments.append(freeze(plain, int(bars["high"][:, index].max())))
    return tuple(instruments), bars


def _whole(values: NDArray[np.float64], exponent: int) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(values * 10**exponent).astype(np.int64)
    return whole
