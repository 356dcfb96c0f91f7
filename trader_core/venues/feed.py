"""Feeds: closed bars of a session's instruments, slot by slot, through the gateway. A missing bar stays missing."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from trader_core.model.bar import BAR, Bars, slot_of, timeframe_ms
from trader_core.model.errors import OutOfRange, VenueUnavailable
from trader_core.venues.port import Outcome
from trader_core.venues.reads import BARS_PER_PAGE, Reads
from trader_core.venues.sandbox_clock import RunningClock, SteppedClock

CONCURRENCY = 10
TRIES = 3
GRACE_MS = 1_000
"""A bar counts only this long after its close: venues revise the last one."""
MEASURE_AFTER_MS = 60_000
"""A quartz clock drifts by seconds in the days that a session lasts: it is set again this often."""


class _GridFeed:
    """What both feeds share: reading closed bars on one grid."""

    def __init__(self, reads: Reads, symbols: Sequence[str], timeframe: str, grace_ms: int) -> None:
        self._reads, self._symbols, self._timeframe = reads, tuple(symbols), timeframe
        self._step, self._grace = timeframe_ms(timeframe), grace_ms
        self._gate = asyncio.Semaphore(CONCURRENCY)

    def now_ms(self) -> int:
        """Return the venue's time."""
        raise NotImplementedError

    async def _reach(self, venue_ms: int) -> None:
        raise NotImplementedError

    async def history(self, from_ms: int, to_ms: int) -> Bars:
        """Return the closed bars [T, N] that open in [from_ms, to_ms), on the grid; prices 0 where the venue has none.

        A bar that has closed just now is waited for through its grace, so that the newest one of a warm-up is not missing.
        Raises OutOfRange for an interval off the grid and VenueUnavailable when a page cannot be had: a hole in the answer is
        the venue's, never ours.
        """
        if from_ms % self._step or to_ms % self._step or from_ms > to_ms:
            raise OutOfRange(f"an interval on the grid of {self._timeframe}", f"{from_ms} to {to_ms}", "align both ends")
        await self._reach(min(to_ms, slot_of(self.now_ms(), self._step)) + self._grace)
        count = (to_ms - from_ms) // self._step
        out = np.zeros((count, len(self._symbols)), BAR)
        out["ts"] = from_ms + np.arange(count, dtype=np.int64)[:, None] * self._step
        pages = range(from_ms, to_ms, BARS_PER_PAGE * self._step)
        jobs = [(column, begin) for column in range(len(self._symbols)) for begin in pages]
        await asyncio.gather(*(self._page(out, column, begin, from_ms, to_ms) for column, begin in jobs))
        return out

    async def _page(self, out: Bars, column: int, begin_ms: int, from_ms: int, to_ms: int) -> None:
        limit = min(BARS_PER_PAGE, (to_ms - begin_ms) // self._step)
        found = await self._closed(self._symbols[column], begin_ms, limit)
        if isinstance(found, str):
            raise VenueUnavailable(f"history of {self._symbols[column]} from {begin_ms}", found[:200], "try again")
        out[(found["ts"] - from_ms) // self._step, column] = found

    async def _closed(self, symbol: str, begin_ms: int, limit: int) -> Bars | str:
        """Return the closed bars of a page, or why they cannot be had."""
        why = ""
        for _ in range(TRIES):
            async with self._gate:
                reply = await self._reads.bars(symbol, self._timeframe, begin_ms, limit)
            if reply.outcome is Outcome.OK and reply.value is not None:
                closed: Bars = reply.value[reply.value["ts"] + self._step + self._grace <= self.now_ms()]
                return closed
            why = f"{reply.outcome} {reply.code} {reply.evidence}"
        return why

    async def _slot(self, slot_ms: int, columns: Sequence[int], out: Bars) -> tuple[list[int], str]:
        """Fill in a slot's bars and return the columns that are still missing, with the last failure (empty: none failed)."""
        answers = await asyncio.gather(*(self._closed(self._symbols[column], slot_ms, 1) for column in columns))
        missing, why = [], ""
        for column, found in zip(columns, answers, strict=True):
            if isinstance(found, str):
                why = found
            if isinstance(found, str) or not len(found):
                missing.append(column)
                continue
            out[column] = found[0]
        if why and all(isinstance(found, str) for found in answers):
            return missing, why
        return missing, ""

    def _empty(self, slot_ms: int) -> Bars:
        if slot_ms % self._step:
            raise OutOfRange(f"a slot on the grid of {self._timeframe}", str(slot_ms), "align it")
        out = np.zeros(len(self._symbols), BAR)
        out["ts"] = slot_ms
        return out

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._reads.close()


class StepFeed(_GridFeed):
    """Bars of an embedded exchange whose clock the session advances: waiting for a slot *is* advancing to its close and grace."""

    def __init__(self, reads: Reads, clock: SteppedClock, symbols: Sequence[str], timeframe: str = "1m", grace_ms: int = GRACE_MS) -> None:
        """Read `symbols`, in that order, through `reads`."""
        super().__init__(reads, symbols, timeframe, grace_ms)
        self._clock = clock

    def now_ms(self) -> int:
        """Return the venue's time."""
        return self._clock.now_ms()

    async def _reach(self, venue_ms: int) -> None:
        await self._clock.advance(venue_ms)

    async def next_slot(self, slot_ms: int) -> Bars:
        """Return the bars [N] of a slot; prices 0 where the venue has none or could not be read.

        Raises VenueUnavailable when it could be read for no symbol at all.
        """
        out = self._empty(slot_ms)
        await self._reach(slot_ms + self._step + self._grace)
        _, why = await self._slot(slot_ms, range(len(self._symbols)), out)
        if why:
            raise VenueUnavailable(f"the bars of slot {slot_ms}", why[:200], "look whether the exchange answers")
        return out

    async def close(self) -> None:
        """Leave no socket behind."""
        await super().close()
        await self._clock.close()


class RealTimeFeed(_GridFeed):
    """Bars of a venue whose clock runs: each slot is read at its close and grace, and again until its deadline."""

    def __init__(
        self,
        reads: Reads,
        clock: RunningClock,
        symbols: Sequence[str],
        timeframe: str = "1m",
        grace_ms: int = GRACE_MS,
        deadline_ms: int = 15_000,
    ) -> None:
        """Read `symbols`, in that order; a bar that has not come `deadline_ms` after its close is missing."""
        super().__init__(reads, symbols, timeframe, grace_ms)
        self._clock, self._deadline = clock, deadline_ms

    def now_ms(self) -> int:
        """Return the venue's time."""
        return self._clock.now_ms()

    async def _reach(self, venue_ms: int) -> None:
        await self._clock.until(venue_ms)

    async def next_slot(self, slot_ms: int) -> Bars:
        """Wait for a slot's close and grace, then return its bars [N]; prices 0 for what has not come by the deadline.

        Raises VenueUnavailable when nothing could be read by then.
        """
        out, missing, why = self._empty(slot_ms), list(range(len(self._symbols))), ""
        if self._clock.age_ms() > MEASURE_AFTER_MS:
            with suppress(VenueUnavailable):  # then it goes on as it was set: the bars will say whether the venue is away
                await self._clock.measure(self._reads.time_ms)
        closes_ms = slot_ms + self._step
        await self._reach(closes_ms + self._grace)
        while missing:
            missing, why = await self._slot(slot_ms, missing, out)
            if not missing or self.now_ms() >= closes_ms + self._deadline:
                break
            await self._clock.until(min(self.now_ms() + self._grace, closes_ms + self._deadline))
        if why and not out["close"].any():
            raise VenueUnavailable(f"the bars of slot {slot_ms}", why[:200], "look whether the exchange answers")
        return out
