"""Parts for tests of a feed with streams: a clock that only sleeping moves, a REST that is scripted, a listener that says nothing."""

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from tests.venues.gateway_server import NOW_MS
from trader_core.model.bar import BAR, Bars
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.pulse import Pulse
from trader_core.venues.reads import Reads
from trader_core.venues.sandbox_clock import RunningClock
from trader_core.venues.spoken import Candle, Name, Print, Row, Said, Traded
from trader_core.venues.stream_feed import StreamFeed

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60_000
A, B = "BTC/USDT", "ETH/USDT"


class Machine:
    """A wall clock that moves only by sleeping, and by what a test adds."""

    def __init__(self) -> None:
        self.now_ms = 0

    def steady(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        self.now_ms += max(1, round(seconds * 1_000))
        await asyncio.sleep(0)


def row(slot: int, close: int = 100, volume: int = 10) -> Row:
    """Return a bar of the minute numbered `slot` that opened at 100."""
    return NOW_MS + slot * MINUTE, 100, max(close, 100), min(close, 100), close, volume


class Truth(Reads):
    """What REST tells: for each symbol and slot the answers one after the other, the last one again and again; None fails."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.told: dict[tuple[str, int], list[Row | None]] = {}
        self.down: set[str] = set()
        self.asked: list[tuple[str, int, int]] = []

    def tell(self, symbol: str, *answers: Row) -> None:
        self.told[symbol, answers[0][0]] = list(answers)

    async def bars(self, symbol: str, _timeframe: str, since_ms: int, limit: int) -> Reply[Bars]:
        self.asked.append((symbol, (since_ms - NOW_MS) // MINUTE, limit))
        if symbol in self.down:
            return Reply(Outcome.RETRYABLE_READ, code="502")
        found = []
        for ts_ms in range(since_ms, since_ms + limit * MINUTE, MINUTE):
            answers = self.told.get((symbol, ts_ms), [])
            answer = answers.pop(0) if len(answers) > 1 else answers[0] if answers else None
            if answer is not None:
                found.append(answer)
        return Reply(Outcome.OK, np.array(found, BAR))

    async def time_ms(self) -> Reply[int]:
        return Reply(Outcome.OK, NOW_MS + self._machine.now_ms)

    async def close(self) -> None:
        """Nothing is open."""


class Mute:
    """A listener that never says anything by itself; a test may end what is waited for with a reason."""

    def __init__(self) -> None:
        self.hear: Callable[[Said], None] = lambda _: None
        self.watched: list[Name] = []
        self.drops = self.closed = 0
        self.refuses = ""
        self._ends: list[asyncio.Future[str]] = []

    async def watch(self, name: Name) -> str:
        self.watched.append(name)
        if self.refuses:
            return self.refuses
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ends.append(end)
        return await end

    def end(self, why: str) -> None:
        """Let everything that is waited for return."""
        for end in self._ends:
            if not end.done():
                end.set_result(why)
        self._ends.clear()

    async def drop(self) -> None:
        self.drops += 1

    async def close(self) -> None:
        self.closed += 1


class Fed:
    """A feed of one or two symbols over scripted parts."""

    def __init__(self, *symbols: str, private: bool = False) -> None:
        self.machine, self.pulse, self.refuses = Machine(), Pulse(), ""
        self.truth, self.listeners = Truth(self.machine), list[Mute]()
        self.clock = RunningClock(NOW_MS, steady_ms=self.machine.steady, sleep=self.machine.sleep)
        self.feed = StreamFeed(
            self.truth, self.clock, symbols or (A,), "1m", self._dial, self.pulse, per_line=30, private=private, books=True
        )  # fmt: skip

    def _dial(self, _private: bool) -> Mute:  # noqa: FBT001 - as the feed dials
        self.listeners.append(Mute())
        self.listeners[-1].refuses = self.refuses
        return self.listeners[-1]

    async def slot(self, number: int) -> Bars:
        return await self.feed.next_slot(NOW_MS + number * MINUTE)

    def at(self, minute: float) -> None:
        """Let the venue's clock show a minute and a part of it."""
        self.machine.now_ms = int(minute * MINUTE)

    def candle(self, said: Row, symbol: str = A) -> None:
        self.feed.take(Candle(symbol, self.feed.now_ms(), said))

    def trade(self, minute: float, number: int, price: int = 100, qty: int = 10, symbol: str = A) -> None:
        self.feed.take(Traded(symbol, self.feed.now_ms(), (Print(NOW_MS + int(minute * MINUTE), number, price, qty),)))


def rows_of(bars: Bars) -> list[Row]:
    """Return a slot's bars as rows."""
    return [tuple(map(int, bar)) for bar in bars.tolist()]  # type: ignore[misc]
