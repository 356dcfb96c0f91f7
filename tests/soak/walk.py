"""A feed that is listened to for hours, and its bars beside what REST tells of them in the end."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import VenueUnavailable
from trader_core.venues.stream_feed import StreamFeed

MINUTE_MS = 60_000
WRONG_MOST = 40


@dataclass
class Walk:
    """The slots that a feed gave."""

    feed: StreamFeed
    symbols: tuple[str, ...]
    closes: dict[str, int]
    first_ms: int = 0
    given: list[Bars] = field(default_factory=list)
    late: int = 0
    """Bars that were missing or other when their slot was given, and came afterwards."""
    alarms: int = 0
    wrong: list[str] = field(default_factory=list)
    silent: int = 0
    """Slots of which nothing could be had in time."""

    async def run(self) -> None:
        """Take one slot after the other until cancelled."""
        self.first_ms = self.feed.now_ms() // MINUTE_MS * MINUTE_MS
        while True:
            slot_ms = self.first_ms + len(self.given) * MINUTE_MS
            try:
                bars = await self.feed.next_slot(slot_ms)
            except VenueUnavailable:
                self.silent += 1
                bars = np.zeros(len(self.symbols), BAR)
                bars["ts"] = slot_ms
            self.given.append(bars)
            self.closes |= {name: int(close) for name, close in zip(self.symbols, bars["close"], strict=True) if close}
            self._late()

    def _late(self) -> None:
        for ts_ms, column, bar in self.feed.pulse.take_late():
            at = (ts_ms - self.first_ms) // MINUTE_MS
            if 0 <= at < len(self.given):
                self.given[at][column] = bar[0]
                self.late += 1
        self.alarms += len(self.feed.pulse.alarms)
        self.feed.pulse.alarms.clear()

    async def compared(self) -> Counter[str]:
        """Return how many bars are as REST tells them now, missing, other, or not to be had from the venue itself."""
        count, found = len(self.given), Counter[str]()
        for begin in range(0, count, 240):
            some = self.given[begin : begin + 240]
            truth = await self._truth(self.first_ms + begin * MINUTE_MS, len(some))
            for given, told in zip(some, truth, strict=True):
                for column in range(len(self.symbols)):
                    mine, theirs = given[column], told[column]
                    kind = (
                        "venue has none" if not theirs["close"] else "missing" if not mine["close"]
                        else "equal" if mine.tobytes() == theirs.tobytes() else "other"
                    )  # fmt: skip
                    found[kind] += 1
                    if kind in ("missing", "other") and len(self.wrong) < WRONG_MOST:
                        minute = int(theirs["ts"] - self.first_ms) // MINUTE_MS
                        self.wrong.append(f"{self.symbols[column]}, minute {minute} of {count}: {mine.tolist()} and now {theirs.tolist()}")
        return found

    async def _truth(self, from_ms: int, count: int) -> Bars:
        for _ in range(20):
            with suppress(VenueUnavailable):
                return await self.feed.history(from_ms, from_ms + count * MINUTE_MS)
            await asyncio.sleep(1)
        raise SystemExit("the calm exchange tells no history")
