"""Excursions: how far each round trip went against us, and how far for us, before it was closed (Sweeney 1996). Pure.

Fed piece by piece, so that a market of any length fits. A price counts from the bar of the first fill to the bar of the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from trader_core.evidence.metrics import Traded
from trader_core.model.bar import Bars
from trader_core.model.instrument import Instrument
from trader_core.model.money import PPM


class Excursion(NamedTuple):
    """One round trip: the price of its first fill, and the lowest low and highest high while it was held."""

    instrument: int
    opened_ts: int
    closed_ts: int
    entry: int
    low: int
    high: int

    @property
    def adverse_ppm(self) -> int:
        """Return how far the market fell below the entry, in parts per million of it; 0 when it did not."""
        return max(self.entry - self.low, 0) * PPM // self.entry

    @property
    def favourable_ppm(self) -> int:
        """Return how far it rose above the entry."""
        return max(self.high - self.entry, 0) * PPM // self.entry


@dataclass(slots=True)
class _Open:
    position: int = 0
    entry: int = 0
    opened_ts: int = 0
    low: int = 0
    high: int = 0


@dataclass(slots=True)
class Excursions:
    """Collects what is `closed`, over pieces that follow one another."""

    instruments: Sequence[Instrument]
    step_ms: int
    closed: list[Excursion] = field(default_factory=list)
    _open: list[_Open] = field(init=False)

    def __post_init__(self) -> None:
        """Begin flat."""
        self._open = [_Open() for _ in self.instruments]

    def feed(self, bars: Bars, traded: Sequence[Traded]) -> None:
        """Take bars [T, N] on the grid and the fills that happened in them, in their order."""
        start_ms, seen = int(bars["ts"].max(axis=1)[0]), [0] * len(self._open)
        for fill in traded:
            i, row = fill.instrument, (fill.ts - start_ms) // self.step_ms
            self._look(i, bars[seen[i] : row + 1, i])
            seen[i] = row + 1
            self._take(i, fill, bars[row, i])
        for i in range(len(self._open)):
            self._look(i, bars[seen[i] :, i])

    def _look(self, i: int, bars: Bars) -> None:
        """Note the extremes of bars while something is held."""
        held, there = self._open[i], bars["close"] > 0
        if held.position and there.any():
            held.low = min(held.low, int(bars["low"][there].min()))
            held.high = max(held.high, int(bars["high"][there].max()))

    def _take(self, i: int, fill: Traded, bar: Bars) -> None:
        held = self._open[i]
        if not held.entry:
            held.entry, held.opened_ts, held.low, held.high = fill.price, fill.ts, int(bar["low"]), int(bar["high"])
        held.position += fill.side * fill.qty - fill.fee_base
        if held.position < self.instruments[i].lot and fill.side < 0:
            self.closed.append(Excursion(i, held.opened_ts, fill.ts, held.entry, held.low, held.high))
            self._open[i] = _Open(position=held.position)

    def figures(self) -> dict[str, int]:
        """Return the medians over all round trips, and the worst of them; nothing without one."""
        if not self.closed:
            return {}
        adverse = [one.adverse_ppm for one in self.closed]
        favourable = [one.favourable_ppm for one in self.closed]
        return {"adverse_ppm": int(median(adverse)), "adverse_max_ppm": max(adverse), "favourable_ppm": int(median(favourable))}
