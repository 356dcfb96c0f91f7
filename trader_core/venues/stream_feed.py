"""A feed that listens first and asks REST for the truth.

A slot's bar is closed when the venue's clock shows its close and grace, whatever a stream says. Then REST is asked for it and
for the two before it: what REST says is the bar. Where the streams saw more than REST tells, REST is asked again, because it
may lag behind; its last word holds. Where REST does not answer, a bar that trades prove stands in for it until it does. What
cannot be had either way is missing, and filled into the windows later.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import structlog

from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault, VenueUnavailable
from trader_core.venues.backoff import Backoff
from trader_core.venues.feed import GRACE_MS, RealTimeFeed
from trader_core.venues.lines import Line, Listener
from trader_core.venues.marketdata import Book
from trader_core.venues.pulse import BARS, Pulse
from trader_core.venues.reads import BARS_PER_PAGE, Reads
from trader_core.venues.sandbox_clock import RunningClock
from trader_core.venues.spoken import PRIVATE, Candle, Depth, Kind, Moved, Name, Row, Said, Traded
from trader_core.venues.witness import VOLUME, Witness

log = structlog.get_logger()

AGAIN = 2
"""Bars before a slot's that are looked at again with it: venues revise them."""
MISSED = 60
"""Bars before a slot's among which one that REST did not tell is asked for again: an answer may be cut short, or nothing was traded."""
DOUBTS = 2
"""How often REST is asked again for a bar of which the streams saw more."""
BOOK_AGE_MS = 10_000
FIELDS = BAR.names or ()
CLOSE = FIELDS.index("close")


class StreamFeed(RealTimeFeed):
    """Bars of a venue with streams. It goes on by REST alone while they are down, and says so in its pulse."""

    def __init__(
        self,
        reads: Reads,
        clock: RunningClock,
        symbols: Sequence[str],
        timeframe: str,
        dial: Callable[[bool], Listener],
        pulse: Pulse,
        *,
        per_line: int,
        private: bool = False,
        books: bool = False,
        seed: int = 0,
        grace_ms: int = GRACE_MS,
        deadline_ms: int = 15_000,
    ) -> None:
        """Read `symbols`, in that order; streams open with the first slot, by `dial(private)`, at most `per_line` on one connection."""
        super().__init__(reads, clock, symbols, timeframe, grace_ms, deadline_ms)
        self._dial, self.pulse, self._per_line, self._private, self._books, self._seed = dial, pulse, per_line, private, books, seed
        self._witness = {symbol: Witness(self._step) for symbol in self._symbols}
        self._depths: dict[str, Depth] = {}
        self._moved: dict[str, int] = {}
        self._lines: dict[Name, Line] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._given: dict[int, dict[int, Row]] = {}
        """What each of the last slots was given as, by column; a close of 0 was a missing bar."""
        self._holes: dict[int, int] = {}
        """Since which slot a column has bars that REST did not tell, or could not be asked for again."""
        self._doubts: dict[int, int] = {}

    async def next_slot(self, slot_ms: int) -> Bars:
        """Wait for a slot's close and grace, then return its bars [N]; prices 0 for what could not be had by the deadline.

        Raises VenueUnavailable when nothing could be had by then.
        """
        self.listen()
        self._doubts = {}
        try:
            out = await super().next_slot(slot_ms)
        except VenueUnavailable:
            self._remember(slot_ms, self._empty(slot_ms))
            raise
        self._remember(slot_ms, out)
        return out

    def book(self, symbol: str) -> Book | None:
        """Return the book of a symbol, or None while there is none that is whole and new."""
        depth = self._depths.get(symbol)
        return depth.book if depth is not None and self.now_ms() - depth.event_ms <= BOOK_AGE_MS else None

    async def close(self) -> None:
        """Leave no socket behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in set(self._lines.values())))
        await super().close()

    # what streams say

    def take(self, said: Said) -> None:
        """Take what a stream says; raises DataFault for a hole in the changes of a book."""
        if isinstance(said, Candle):
            self._witness[said.symbol].candle(said.row)
        elif isinstance(said, Traded):
            now_ms, witness = self.now_ms(), self._witness[said.symbol]
            skipped = [witness.trade(one, now_ms) for one in said.prints]
            self.pulse.of(str(said.name)).gaps += sum(map(bool, skipped))
        elif isinstance(said, Depth):
            self._depths[said.symbol] = said
        elif isinstance(said, Moved):
            self._follow(said)

    def cut(self, name: Name) -> None:
        """Take that a stream broke."""
        if name.kind is Kind.TRADES:
            self._witness[name.symbol].cut()
        elif name.kind is Kind.BOOK:
            self._depths.pop(name.symbol, None)
            self._moved.pop(name.symbol, None)

    def _follow(self, said: Moved) -> None:
        last = self._moved.get(said.symbol)
        if last is not None and said.first > last + 1:
            raise DataFault(f"change {last + 1} of the book of {said.symbol}", str(said.first), "take a new snapshot")
        self._moved[said.symbol] = max(said.last, last or 0)

    def listen(self) -> None:
        """Open the streams, unless they are open."""
        if self._lines or not self._symbols:
            return
        kinds = (Kind.TRADES, Kind.KLINES, Kind.BOOK) if self._books else (Kind.TRADES, Kind.KLINES)
        public = [Name(kind, symbol) for symbol in self._symbols for kind in kinds]
        groups = [public[i : i + self._per_line] for i in range(0, len(public), self._per_line)]
        if self._private:
            groups.append([Name(kind) for kind in PRIVATE])
        for number, names in enumerate(groups):
            client, backoff = self._dial(names[0].kind in PRIVATE), Backoff(self._seed + number)
            line = Line(client, names, self, self.pulse, self._clock, backoff, self._clock.speed)
            self._lines |= dict.fromkeys(names, line)
            self._tasks.append(asyncio.create_task(_kept(line.run())))

    # what REST says

    async def _slot(self, slot_ms: int, columns: Sequence[int], out: Bars) -> tuple[list[int], str]:
        """Fill in a slot's bars and return the columns that are still missing or doubtful, with the last failure (empty: none failed)."""
        answers = await asyncio.gather(*(self._since(column, slot_ms) for column in columns))
        left, failures = [], []
        for column, found in zip(columns, answers, strict=True):
            if isinstance(found, str):
                failures.append(found)
                self._holes.setdefault(column, slot_ms - AGAIN * self._step)
                proven = self._witness[self._symbols[column]].proven(slot_ms)
                if proven is not None:
                    out[column] = proven
                elif not out["close"][column]:
                    left.append(column)
                continue
            self._again(column, slot_ms, found)
            rows = found[found["ts"] == slot_ms]
            if len(rows):
                out[column] = rows[0]
            if not len(rows) or self._doubtful(column, slot_ms, _row(rows[0])):
                left.append(column)
        return left, failures[-1] if len(failures) == len(columns) else ""

    async def _since(self, column: int, slot_ms: int) -> Bars | str:
        """Ask for a slot's bar, for those before it that may be revised, and for what is missing."""
        first = max(min(self._holes.get(column, slot_ms), slot_ms - AGAIN * self._step), slot_ms - (BARS_PER_PAGE - 1) * self._step)
        return await self._closed(self._symbols[column], first, (slot_ms - first) // self._step + 1)

    def _again(self, column: int, slot_ms: int, found: Bars) -> None:
        """Compare bars that were given before with what REST says of them now: fill in what was missing, report what was changed."""
        for bar in found[found["ts"] < slot_ms]:
            now, given = _row(bar), self._given.get(int(bar["ts"]), {}).get(column)
            if given is None or given == now:
                continue
            self._given[now[0]][column] = now
            self.pulse.came_late(now[0], column, np.array([now], BAR))
            if given[CLOSE]:
                symbol = self._symbols[column]
                self.pulse.of(BARS).revisions += 1
                self.pulse.alarms.append(f"{symbol}: the bar of {now[0]} was {list(given[1:])} and is now {list(now[1:])}")
        self._holes.pop(column, None)
        oldest = slot_ms - MISSED * self._step
        missed = [ts for ts, rows in self._given.items() if oldest <= ts < slot_ms and column in rows and not rows[column][CLOSE]]
        if missed:
            self._holes[column] = min(missed)

    def _doubtful(self, column: int, slot_ms: int, row: Row) -> bool:
        """Return whether the streams saw more of a bar than REST tells: then REST may lag behind and is worth asking again."""
        said = self._witness[self._symbols[column]].expected(slot_ms)
        if said is None or said == row or said[VOLUME] < row[VOLUME] or self._doubts.get(column, 0) >= DOUBTS:
            return False
        self._doubts[column] = self._doubts.get(column, 0) + 1
        return True

    def _remember(self, slot_ms: int, out: Bars) -> None:
        """Keep what was given, count what the streams did not see as it was, and accuse those that said nothing of what was traded."""
        now_ms, bars = self.now_ms(), self.pulse.of(BARS)
        bars.last_ms, bars.lag_ms, bars.messages = now_ms, max(now_ms - slot_ms - self._step, 0), bars.messages + len(out)
        self._given[slot_ms] = {column: _row(out[column]) for column in range(len(self._symbols))}
        for column, symbol in enumerate(self._symbols):
            row, witness = self._given[slot_ms][column], self._witness[symbol]
            if not out["close"][column]:
                self._holes.setdefault(column, slot_ms)
                bars.gaps += 1
                continue
            trades, klines = Name(Kind.TRADES, symbol), Name(Kind.KLINES, symbol)
            expected, traded = witness.expected(slot_ms), witness.traded(slot_ms)
            if expected is not None and expected != row:
                behind, health = expected[VOLUME] < row[VOLUME], self.pulse.of(str(klines))
                health.gaps, health.revisions = health.gaps + behind, health.revisions + (not behind)
            self.pulse.of(str(trades)).gaps += traded is not None and traded != row
            if row[VOLUME]:
                self._accuse_silent(trades, slot_ms)
                self._accuse_silent(klines, slot_ms)
        first = min([slot_ms - AGAIN * self._step, *self._holes.values()])
        self._given = {ts: rows for ts, rows in self._given.items() if ts >= max(first, slot_ms - BARS_PER_PAGE * self._step)}

    def _accuse_silent(self, name: Name, slot_ms: int) -> None:
        health = self.pulse.of(str(name))
        if max(health.since_ms, health.last_ms) < slot_ms:
            self._lines[name].accuse(name, f"it said nothing of the slot {slot_ms}, in which REST tells of trades")


def _row(bar: Any) -> Row:
    ts, open_, high, low, close, volume = (int(bar[name]) for name in FIELDS)
    return ts, open_, high, low, close, volume


async def _kept(run: Coroutine[Any, Any, None]) -> None:
    """Run a line; should it ever end by an error of ours, the feed goes on by REST and the log says why."""
    with suppress(asyncio.CancelledError):
        try:
            await run
        except BaseExceptionGroup as errors:
            log.exception("a line of streams ended", why=repr(errors.exceptions[0]))
