"""Feeds give closed bars only, in the session's order, and never invent one."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from sandbox.config import Config
from sandbox.server import Sandbox, start
from tests.venues.gateway_connected import Connected, connect
from tests.venues.gateway_server import NOW_MS, gateway_to, http, ok, serving
from trader_core.model.bar import BAR, bar_faults
from trader_core.model.errors import HostRefused, OutOfRange, VenueUnavailable
from trader_core.venues.feed import RealTimeFeed
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.sandbox_clock import RunningClock, SteppedClock

MINUTE = 60_000
SYMBOLS = ["ETH/USDT", "BTC/USDT", "SOL/USDT"]


@pytest.fixture
async def connected(exchange: Sandbox) -> AsyncIterator[Connected]:
    found = await connect(exchange, SYMBOLS)
    yield found
    await found.feed.close()


async def test_a_slot_comes_at_its_close_and_grace_in_the_order_of_the_symbols(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    bars = await connected.feed.next_slot(begin)
    assert exchange.exchange.now_ms == connected.feed.now_ms() == begin + MINUTE + 1_000
    assert (bars.dtype, bars.shape, bars["ts"].tolist()) == (BAR, (3,), [begin] * 3)
    for i, symbol in enumerate(SYMBOLS):
        alone = (await connected.gateway.bars(symbol, "1m", begin, 1)).value
        assert alone is not None
        assert alone[0] == bars[i]


async def test_slots_follow_each_other_and_equal_the_history_that_is_asked_for_later(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    slots = np.stack([await connected.feed.next_slot(begin + i * MINUTE) for i in range(30)])
    history = await connected.feed.history(begin, begin + 30 * MINUTE)
    assert history.tobytes() == slots.tobytes()
    assert all(bar_faults(history[:, i], MINUTE) == [] for i in range(3))


async def test_a_warm_up_ends_with_the_bar_that_has_just_closed(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    history = await connected.feed.history(begin - 1_200 * MINUTE, begin)
    assert history.shape == (1_200, 3)
    assert history["close"].all()
    assert exchange.exchange.now_ms == begin + 1_000, "it waited through the grace and no longer"


async def test_a_bar_that_has_not_closed_is_missing_from_history(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    history = await connected.feed.history(begin - MINUTE, begin + 2 * MINUTE)
    assert (history["close"][0] > 0).all()
    assert history["close"][1:].tolist() == [[0] * 3] * 2
    assert history["ts"][:, 0].tolist() == [begin - MINUTE, begin, begin + MINUTE]


async def test_history_before_the_venues_own_begins_stays_missing(connected: Connected, exchange: Sandbox) -> None:
    first = exchange.config.history_from_ms
    history = await connected.feed.history(first - 10 * MINUTE, first + 10 * MINUTE)
    assert not history["close"][:10].any()
    assert history["close"][10:].all()


async def test_one_failed_read_is_tried_again_and_leaves_no_hole(connected: Connected, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": "GET /api/v3/klines", "kind": kind} for kind in ("html_200", "502_html", "bad_number_200")])
    assert (await connected.feed.next_slot(exchange.config.start_ms))["close"].all()


async def test_a_symbol_that_cannot_be_read_is_missing_and_not_invented(
    connected: Connected, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = exchange.dialect.answer
    monkeypatch.setattr(exchange.dialect, "answer", lambda asked: honest(asked._replace(query=asked.query.replace("BTCUSDT", "NOPE"))))
    bars = await connected.feed.next_slot(exchange.config.start_ms)
    assert (bars["close"] > 0).tolist() == [True, False, True]
    assert bars[1].tolist() == (exchange.config.start_ms, 0, 0, 0, 0, 0)


async def test_a_venue_that_answers_nothing_at_all_is_unavailable(connected: Connected, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": "GET /api/v3/klines", "kind": "empty_200", "count": 1_000}])
    with pytest.raises(VenueUnavailable, match="slot"):
        await connected.feed.next_slot(exchange.config.start_ms)
    with pytest.raises(VenueUnavailable, match="history"):
        await connected.feed.history(exchange.config.start_ms - MINUTE, exchange.config.start_ms)


async def test_a_slot_off_the_grid_is_bad_input(connected: Connected, exchange: Sandbox) -> None:
    with pytest.raises(OutOfRange):
        await connected.feed.next_slot(exchange.config.start_ms + 1)
    with pytest.raises(OutOfRange):
        await connected.feed.history(exchange.config.start_ms + 1, exchange.config.start_ms + MINUTE)


async def test_the_clock_never_goes_back_and_a_past_slot_asks_for_no_step(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    await connected.feed.next_slot(begin + 9 * MINUTE)
    bars = await connected.feed.next_slot(begin)
    assert bars["close"].all()
    assert exchange.exchange.now_ms == begin + 10 * MINUTE + 1_000


async def test_hours_through_the_limiter_need_no_wall_time(connected: Connected, exchange: Sandbox) -> None:
    begin = exchange.config.start_ms
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    connected.gateway._wire._limiter._sleep = sleep
    for i in range(200):
        assert (await connected.feed.next_slot(begin + i * MINUTE))["close"].all()
    assert slept == []


@pytest.mark.parametrize(
    "answer", [http("200 OK", "{}"), http("401 Unauthorized", '{"error":"token"}'), http("200 OK", "<html/>"), ok({"now_ms": "x"}), b""]
)
async def test_a_clock_that_cannot_be_read_is_unavailable(answer: bytes) -> None:
    async with serving() as server:
        server.answers = {"GET /state": answer, "POST /advance": answer}
        clock = SteppedClock(server.url, "token")
        with pytest.raises(VenueUnavailable):
            await clock.sync()
        with pytest.raises(VenueUnavailable):
            await clock.advance(NOW_MS)
        await clock.close()
    with pytest.raises(HostRefused):
        SteppedClock("http://example.com:80", "token")


class Wall:
    """A wall clock in ms that moves only by sleeping, and by what a test adds."""

    def __init__(self) -> None:
        self.now = 500_000

    def read(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(1, round(seconds * 1_000))


async def test_a_running_clock_is_set_by_the_quickest_answer_in_the_middle_of_its_trip() -> None:
    wall, trips = Wall(), iter([80, 20, 50])
    clock = RunningClock(0, speed=10.0, steady_ms=wall.read)

    async def ask() -> Reply[int]:
        trip = next(trips)
        wall.now += trip // 2
        venue = NOW_MS + wall.now * 10
        wall.now += trip - trip // 2
        return Reply(Outcome.OK, venue)

    assert await clock.measure(ask, samples=3) == 105
    assert clock.now_ms() == NOW_MS + wall.now * 10
    wall.now += 7
    assert clock.now_ms() == NOW_MS + wall.now * 10


async def test_a_venue_that_never_tells_its_time_is_unavailable() -> None:
    async def ask() -> Reply[int]:
        return Reply(Outcome.RETRYABLE_READ)

    with pytest.raises(VenueUnavailable):
        await RunningClock(0).measure(ask)


async def test_a_running_feed_waits_for_close_and_grace_and_asks_again_for_what_is_late() -> None:
    wall = Wall()
    clock = RunningClock(NOW_MS, steady_ms=wall.read, sleep=wall.sleep)
    asked: list[int] = []

    def late(query: dict[str, str]) -> bytes:
        asked.append(clock.now_ms())
        row: list[Any] = [NOW_MS, "100", "101", "99", "100", "1", NOW_MS + MINUTE, "1"]
        return ok([row] if len(asked) > 2 else [])

    async with serving() as server:
        server.answers["GET /api/v3/klines"] = late
        async with gateway_to(server, now_ms=clock.now_ms) as gateway:
            bars = await RealTimeFeed(gateway, clock, ["BTC/USDT"], grace_ms=2_000).next_slot(NOW_MS)
    assert bars["close"].tolist() == [10_000]
    assert asked == [NOW_MS + MINUTE + 2_000, NOW_MS + MINUTE + 4_000, NOW_MS + MINUTE + 6_000]


async def test_a_running_feed_gives_up_at_its_deadline_and_says_what_is_missing() -> None:
    wall = Wall()
    clock = RunningClock(NOW_MS, steady_ms=wall.read, sleep=wall.sleep)
    async with serving() as server:
        server.answers["GET /api/v3/klines"] = ok([])
        async with gateway_to(server, now_ms=clock.now_ms) as gateway:
            bars = await RealTimeFeed(gateway, clock, ["BTC/USDT"], deadline_ms=5_000).next_slot(NOW_MS)
    assert bars[0].tolist() == (NOW_MS, 0, 0, 0, 0, 0)
    assert clock.now_ms() == NOW_MS + MINUTE + 5_000


async def test_a_feed_on_an_exchange_that_runs_by_itself_gives_the_slot_that_closes_next() -> None:
    exchange = await start(Config(history_days=1, clock="60x"))
    found = await connect(exchange, SYMBOLS)
    slot = found.feed.now_ms() // MINUTE * MINUTE
    bars = await found.feed.next_slot(slot)
    assert bars["ts"].tolist() == [slot] * 3
    assert bars["close"].all()
    assert found.feed.now_ms() >= slot + MINUTE + 1_000
    await found.feed.close()
    await exchange.stop()
