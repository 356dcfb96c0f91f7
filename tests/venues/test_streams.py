"""Streams of the embedded exchange through the unmodified client: a bad hour of websockets, and the feed stays whole and true."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from sandbox.config import Config
from sandbox.events import BookChanged, CandleSeen, Event, Faithful, TradeSeen
from sandbox.server import ACCOUNT, Sandbox, start
from tests.venues.gateway_connected import linked
from trader_core.model.bar import Bars
from trader_core.model.session import Side
from trader_core.venues.link import Link
from trader_core.venues.port import Outcome, SendRequest
from trader_core.venues.stream_feed import StreamFeed

MINUTE, SPEED = 60_000, 60
SYMBOLS = ("BTC/USDT", "ETH/USDT")
DIALECTS = ("mexc", "binance")


@dataclass
class Streamed:
    """An exchange, a feed that listens to it, and the bars that it gave."""

    sandbox: Sandbox
    link: Link
    feed: StreamFeed
    first_ms: int
    given: list[Bars]

    async def slots(self, count: int) -> None:
        """Take so many slots more."""
        for _ in range(count):
            self.given.append(await self.feed.next_slot(self.first_ms + len(self.given) * MINUTE))

    async def is_true(self) -> bool:
        """Return whether every bar was given as REST tells it now, and none was missing."""
        truth = await self.feed.history(self.first_ms, self.first_ms + len(self.given) * MINUTE)
        return all(given.tobytes() == told.tobytes() and given["close"].all() for given, told in zip(self.given, truth, strict=True))

    def reconnects(self, name: str) -> int:
        return self.feed.pulse.of(name).reconnects

    async def until(self, true: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - what is waited for is no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def streamed(dialect: str, *, books: bool = False) -> AsyncIterator[Streamed]:
    sandbox = await start(Config(history_days=1, clock=f"{SPEED}x", dialect=dialect))
    before = asyncio.all_tasks()
    link = await linked(sandbox, SYMBOLS, streams=True)
    assert (await link.gateway.instruments(list(SYMBOLS))).value
    feed = link.feed
    assert isinstance(feed, StreamFeed)
    feed._books = books
    try:
        first_ms = feed.now_ms() // MINUTE * MINUTE
        found = Streamed(sandbox, link, feed, first_ms, [])
        await found.slots(2)
        await found.until(lambda: all(one.messages for name, one in feed.pulse.streams.items() if "/" in name))
        yield found
    finally:
        await link.close()
        await asyncio.sleep(0.05)
        left = {task for task in asyncio.all_tasks() - before if "sandbox" not in repr(task) and "web_protocol" not in repr(task)}
        await sandbox.stop()
    assert left - {asyncio.current_task()} == set()


class Meddled(Faithful):
    """A meddler that cuts some connections, keeps some streams silent for a while, and changes events."""

    def __init__(
        self, *, cuts: Iterable[str] = (), silent: str = "", until_ms: int = 0, change: Callable[[Event], Event | None] | None = None
    ) -> None:
        self.cuts, self._silent, self._until_ms, self._change = set(cuts), silent, until_ms, change

    def deliver(self, _site: str, event: Event, _now_ms: int) -> tuple[tuple[int, Event], ...]:
        changed = self._change(event) if self._change else event
        return () if changed is None else ((0, changed),)

    def silent(self, site: str, now_ms: int) -> bool:
        return bool(self._silent) and site.startswith(self._silent) and now_ms < self._until_ms

    def cut(self, site: str, _now_ms: int) -> int | None:
        if site in self.cuts:
            self.cuts.discard(site)
            return 1012
        return None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_bars_are_those_of_rest_and_no_stream_breaks_by_itself(dialect: str) -> None:
    async with streamed(dialect) as it:
        await it.slots(5)
        assert await it.is_true()
        streams = it.feed.pulse.streams
        broken = {one.why for one in streams.values() if one.reconnects}  # a second of a busy machine is a minute's silence here
        assert all(why.startswith("nothing was said for ") for why in broken), broken
        assert list(it.feed.pulse.alarms) == []
        assert all(one.messages >= 20 and 0 <= one.lag_ms < 30_000 for name, one in streams.items() if "/" in name)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_connection_that_the_venue_closes_is_dialled_again_and_the_feed_stays_whole(dialect: str) -> None:
    async with streamed(dialect) as it:
        it.sandbox.hub.meddler = Meddled(cuts=["stream:trades"])
        await it.until(lambda: it.reconnects("trades BTC/USDT"))
        heard = it.feed.pulse.of("klines ETH/USDT").messages
        await it.slots(3)
        assert await it.is_true()
        assert it.feed.pulse.of("klines ETH/USDT").messages > heard


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_stall_with_pongs_is_found_out_by_silence_and_the_feed_stays_whole(dialect: str) -> None:
    async with streamed(dialect) as it:
        until_ms = it.feed.now_ms() + 3 * MINUTE
        it.sandbox.hub.meddler = Meddled(silent="stream:", until_ms=until_ms)
        await it.until(lambda: it.reconnects("trades BTC/USDT"))
        assert it.feed.now_ms() < until_ms, "pongs came all the time"
        assert it.feed.pulse.of("trades BTC/USDT").why.startswith("nothing was said for ")
        await it.until(lambda: it.feed.now_ms() > until_ms)
        await it.until(lambda: it.feed.pulse.of("trades BTC/USDT").age_ms(it.feed.now_ms()) < 20_000)
        await it.slots(5)
        assert await it.is_true()


async def test_one_stream_that_stalls_beside_others_that_talk_is_found_out_by_what_rest_tells() -> None:
    async with streamed("mexc") as it:
        it.sandbox.hub.meddler = Meddled(silent="stream:trades", until_ms=it.feed.now_ms() + 60 * MINUTE)
        await it.slots(5)
        await it.until(lambda: it.reconnects("trades BTC/USDT"))
        assert "in which REST tells of trades" in it.feed.pulse.of("trades BTC/USDT").why
        assert await it.is_true()


def _worthless(event: Event) -> Event:
    return event._replace(price=0) if isinstance(event, TradeSeen) else event


def _early(event: Event) -> Event:
    """Say of each candle that it is the next one, which is not open yet."""
    return event._replace(minute=event.minute + 1) if isinstance(event, CandleSeen) else event


@pytest.mark.parametrize("change", [_worthless, _early])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_cannot_be_is_not_believed_and_the_feed_goes_on_by_rest(dialect: str, change: Callable[[Event], Event]) -> None:
    async with streamed(dialect) as it:
        it.sandbox.hub.meddler = Meddled(change=change)
        await it.until(lambda: it.reconnects("klines BTC/USDT"))
        await it.slots(3)
        assert await it.is_true()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_hole_in_the_changes_of_a_book_brings_a_new_snapshot(dialect: str) -> None:
    async with streamed(dialect, books=True) as it:
        await it.until(lambda: it.feed.book("BTC/USDT"), 20.0)
        lost: list[Event] = []

        def lose_one(event: Event) -> Event | None:
            if isinstance(event, BookChanged) and event.name == "BTCUSDT" and not lost:
                lost.append(event)
                return None
            return event

        it.sandbox.faults.add([{"site": "GET /api/v3/depth", "kind": "503_empty"}])  # no new snapshot before we have looked
        it.sandbox.hub.meddler = Meddled(change=lose_one)
        await it.until(lambda: it.reconnects("book BTC/USDT"))
        assert it.feed.book("BTC/USDT") is None
        it.sandbox.faults.clear()
        await it.until(lambda: it.feed.book("BTC/USDT"), 20.0)
        book = it.feed.book("BTC/USDT")
        assert book is not None
        assert book.bids[0][0] < book.asks[0][0]


async def test_a_crossed_book_is_not_shown() -> None:
    async with streamed("mexc", books=True) as it:
        await it.until(lambda: it.feed.book("BTC/USDT"), 20.0)

        def crossed(event: Event) -> Event:
            if isinstance(event, BookChanged) and event.bids:
                return event._replace(bids=(event.bids[0]._replace(price=event.bids[0].price * 2, qty=1), *event.bids))
            return event

        it.sandbox.hub.meddler = Meddled(change=crossed)
        await it.until(lambda: it.reconnects("book BTC/USDT"))
        assert it.feed.book("BTC/USDT") is None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_account_stirs_on_an_order_and_again_after_its_key_was_lost(dialect: str) -> None:
    async with streamed(dialect) as it:
        feed, nothing = it.feed, asyncio.get_running_loop().create_future()
        await it.until(lambda: it.sandbox.hub.members and any("orders" in str(member.topics) for member in it.sandbox.hub.members))
        while await feed.pulse.stirred(nothing, 0.05):
            pass
        await order(it, "gh1")
        assert await feed.pulse.stirred(nothing, 5.0)
        await it.until(lambda: feed.pulse.of("orders").messages and feed.pulse.of("fills").messages)
        it.sandbox.hub.meddler = Meddled(cuts=["stream:orders"])
        it.sandbox.dialect.lose_listen_keys(ACCOUNT)
        await it.until(lambda: it.reconnects("orders"))
        assert await feed.pulse.stirred(nothing, 5.0), "what happened meanwhile is asked for by REST"
        heard = feed.pulse.of("orders").messages
        async with asyncio.timeout(20):
            number = 2
            while feed.pulse.of("orders").messages == heard:
                await order(it, f"gh{number}")
                number += 1
                await asyncio.sleep(0.3)


async def order(it: Streamed, client_order_id: str) -> None:
    """Buy a little at any price."""
    ticker = (await it.link.gateway.ticker("BTC/USDT")).value
    assert ticker is not None
    request = SendRequest(client_order_id, "BTC/USDT", Side.BUY, 1_000, ticker.ask * 101 // 100, it.feed.now_ms(), 5_000)
    it.link.gateway.install_gate(lambda _: None)
    assert (await it.link.gateway.submit(replace(request))).outcome is Outcome.OK
