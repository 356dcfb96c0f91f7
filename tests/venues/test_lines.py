"""A connection with its streams: what breaks it, who notices, how often it is dialled again. Venue time runs at 6,000 times the wall's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.venues.feed_parts import Mute
from tests.venues.gateway_server import NOW_MS
from trader_core.clock import monotonic_ms
from trader_core.venues.backoff import Backoff
from trader_core.venues.lines import PRIVATE_SILENCE_MS, SILENCE_MS, Line
from trader_core.venues.pulse import Pulse
from trader_core.venues.spoken import Kind, Moved, Name, Print, Said, Stirred, Traded

SPEED = 6_000
TRADES, BOOK = Name(Kind.TRADES, "BTC/USDT"), Name(Kind.BOOK, "BTC/USDT")
ACCOUNT = (Name(Kind.ORDERS), Name(Kind.FILLS), Name(Kind.BALANCE))


class Fast:
    """A venue's clock that runs fast."""

    def __init__(self) -> None:
        self._began = monotonic_ms()

    def now_ms(self) -> int:
        return NOW_MS + (monotonic_ms() - self._began) * SPEED


class Kept:
    """A line over a mute listener, with what came through it and how long it waited."""

    def __init__(self, *names: Name) -> None:
        self.listener, self.pulse, self.clock = Mute(), Pulse(), Fast()
        self.taken: list[Said] = []
        self.cuts: list[Name] = []
        self.waits: list[float] = []
        self.line = Line(self.listener, names, self, self.pulse, self.clock, Backoff(1), SPEED, self.sleep)

    def take(self, said: Said) -> None:
        self.taken.append(said)

    def cut(self, name: Name) -> None:
        self.cuts.append(name)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def say(self, name: Name, lag_ms: int = 0) -> None:
        """Let a stream say something, as the client's tap does."""
        event_ms = self.clock.now_ms() - lag_ms
        said = Moved(name.symbol, event_ms, 1, 1) if name.kind is Kind.BOOK else Traded(name.symbol, event_ms, (Print(event_ms, 1, 1, 1),))
        self.listener.hear(said)


@asynccontextmanager
async def kept(*names: Name) -> AsyncIterator[Kept]:
    found = Kept(*names)
    task = asyncio.create_task(found.line.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is no event
            await asyncio.sleep(0.002)


async def test_a_connection_that_breaks_is_dropped_once_for_all_its_streams() -> None:
    async with kept(TRADES, BOOK) as it:
        await until(lambda: len(it.listener.watched) == 2)
        it.say(TRADES, lag_ms=700)
        it.listener.end("closed by the server, code 1012")
        await until(lambda: len(it.listener.watched) == 4)
        assert (it.listener.drops, len(it.waits), sorted(it.cuts)) == (1, 1, sorted((TRADES, BOOK)))
        trades, book = it.pulse.of("trades BTC/USDT"), it.pulse.of("book BTC/USDT")
        assert (trades.reconnects, trades.gaps, trades.why, trades.messages) == (1, 1, "closed by the server, code 1012", 1)
        assert 700 <= trades.lag_ms < 700 + 20 * SPEED
        assert (book.reconnects, book.gaps, book.lag_ms) == (1, 0, -1), "a stream that has said nothing has lost nothing"


async def test_waits_grow_while_no_connection_says_anything() -> None:
    async with kept(TRADES) as it:
        it.listener.refuses = "connection refused"
        it.listener.end("connection refused")
        await until(lambda: len(it.waits) >= 6)
        assert all(later > earlier for earlier, later in zip(it.waits[:5:2], it.waits[2:6:2], strict=False))


async def test_a_connection_that_only_answers_pings_is_dead_after_a_minute_of_the_venue() -> None:
    async with kept(TRADES, BOOK) as it:
        await until(lambda: it.listener.drops)
        said = it.pulse.of("trades BTC/USDT").why
        assert said.startswith("nothing was said for ")
        assert int(said.split()[-2]) >= SILENCE_MS


async def test_a_stream_may_be_quiet_while_another_on_its_connection_talks() -> None:
    async with kept(TRADES, BOOK) as it:
        began = it.clock.now_ms()
        while it.clock.now_ms() - began < 20 * SILENCE_MS:
            it.say(BOOK)
            await asyncio.sleep(0.002)
        assert it.listener.drops == 0
        assert it.pulse.of("trades BTC/USDT").age_ms(it.clock.now_ms()) >= 20 * SILENCE_MS


async def test_a_quiet_stream_that_is_accused_is_opened_again() -> None:
    async with kept(TRADES, BOOK) as it:
        it.line.accuse(TRADES, "it said nothing of what was traded")
        began = it.clock.now_ms()
        while not it.listener.drops and it.clock.now_ms() - began < 20 * SILENCE_MS:
            it.say(BOOK)
            await asyncio.sleep(0.002)
        assert (it.listener.drops, it.pulse.of("trades BTC/USDT").why) == (1, "it said nothing of what was traded")


async def test_an_account_may_be_quiet_for_half_an_hour() -> None:
    async with kept(*ACCOUNT) as it:
        began = it.clock.now_ms()
        await until(lambda: it.listener.drops)
        assert it.clock.now_ms() - began >= PRIVATE_SILENCE_MS


async def test_an_event_of_the_account_and_every_reconnect_ask_the_loop_to_look() -> None:
    async with kept(*ACCOUNT) as it:
        nothing = asyncio.get_running_loop().create_future()
        assert not await it.pulse.stirred(nothing, 0.01)
        it.listener.hear(Stirred(Kind.FILLS, it.clock.now_ms()))
        assert await it.pulse.stirred(nothing, 1.0)
        assert not await it.pulse.stirred(nothing, 0.01)
        it.listener.end("invalid listen key")
        await until(lambda: it.listener.drops)
        assert await it.pulse.stirred(nothing, 1.0)


async def test_what_nobody_listens_to_is_not_taken() -> None:
    async with kept(TRADES) as it:
        it.say(BOOK)
        assert (it.taken, "book BTC/USDT" in it.pulse.streams) == ([], False)


async def test_many_reasons_to_look_are_one_and_a_finished_task_needs_none() -> None:
    pulse, nothing = Pulse(), asyncio.get_running_loop().create_future()
    pulse.stir()
    asyncio.get_running_loop().call_later(0.03, pulse.stir)
    assert await pulse.stirred(nothing, 1.0)
    assert not await pulse.stirred(nothing, 0.05)
    nothing.set_result(None)
    pulse.stir()
    assert not await pulse.stirred(nothing, 1.0)
