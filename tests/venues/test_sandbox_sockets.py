"""The sockets beneath both protocols: pings, slow and silent clients, long steps of the clock, and the end."""

import asyncio

import aiohttp
import pytest

from sandbox import sockets
from sandbox.config import START_MS, Config
from sandbox.events import Faithful
from sandbox.hub import CONNECTION
from sandbox.market import DAY_MS, MINUTE_MS, TICK_MS
from tests.venues.sandbox_client import raw, running
from tests.venues.stream_client import dialled

TRADES = {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}
BINANCE = Config(dialect="binance")
PING, PONG = aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG


async def test_a_ping_is_answered_with_what_it_carried() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket:
        await socket.socket.ping(b"there?")
        assert (await socket.next(PONG)).data == b"there?"


async def test_the_exchange_pings_after_twenty_seconds_of_its_time() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket, raw(sandbox) as http:
        await http.admin("POST /advance", {"to_ms": START_MS + 20_000})
        assert (await socket.next(PING)).data == str(START_MS + 20_000).encode()


async def test_a_long_step_of_the_clock_is_told_whole_to_who_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "QUEUE_MAX", 4_000)
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket, raw(sandbox) as http:
        assert (await socket.ask(TRADES))["result"] is None
        hours = 12 * 60 * MINUTE_MS
        moving = asyncio.create_task(http.admin("POST /advance", {"to_ms": START_MS + hours}))
        count = hours // TICK_MS
        seen = [(await socket.next()).json()["T"] for _ in range(count)]
        assert seen == list(range(START_MS + TICK_MS, START_MS + hours + 1, TICK_MS))
        assert (await moving)[0] == 200
        assert count > sockets.QUEUE_MAX


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("QUEUE_MAX", 50), ("DRAIN_S", 0.05), ("LOOK_S", 0.05), ("PATIENCE_S", 0.2)):
        monkeypatch.setattr(sockets, name, value)


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_takes_nothing_is_closed_for_being_too_slow() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket, raw(sandbox, 30.0) as http:
        depth = [f"{name.lower()}@depth@100ms" for name in sandbox.exchange.market.pairs]
        await socket.ask({"method": "SUBSCRIBE", "params": depth, "id": 1})
        reader = socket.socket._conn
        assert reader is not None
        assert reader.transport is not None
        reader.transport.pause_reading()
        for step in range(1, 30):
            await http.admin("POST /advance", {"to_ms": START_MS + step * 60_000})
            if any(member.closed for member in sandbox.hub.members) or not sandbox.hub.members:
                break
        reader.transport.resume_reading()
        assert await socket.closed() == 1008


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_answers_no_ping_is_gone_after_a_while_and_one_that_does_is_not() -> None:
    async with running(BINANCE) as sandbox, raw(sandbox) as http, dialled(sandbox) as mute, dialled(sandbox) as polite:
        await http.admin("POST /advance", {"to_ms": START_MS + 20_000})
        await polite.socket.pong((await polite.next(PING)).data)
        assert await mute.closed() == 1008
        assert (await polite.ask(TRADES))["result"] is None


@pytest.mark.usefixtures("impatient")
async def test_mexc_leaves_pinging_to_the_client_and_drops_one_that_is_quiet() -> None:
    async with running() as sandbox, dialled(sandbox) as mute, dialled(sandbox) as talking:
        for _ in range(6):
            assert (await talking.ask({"method": "ping"}))["msg"] == "PONG"
            await asyncio.sleep(0.05)
        assert await mute.closed() == 1008


async def test_a_connection_lasts_a_day_of_the_exchanges_time() -> None:
    async with running() as sandbox, dialled(sandbox) as socket, raw(sandbox) as http:
        await http.admin("POST /advance", {"to_ms": START_MS + DAY_MS})
        assert await socket.closed() == 1001


async def test_a_stopping_exchange_says_so_and_closes() -> None:
    async with running(BINANCE) as sandbox:
        async with dialled(sandbox) as socket:
            stopping = asyncio.create_task(sandbox.stop())
            assert (await socket.next()).json()["e"] == "serverShutdown"
            assert await socket.closed() == 1001
            await stopping
        assert sandbox.hub.members == []


class HalfOpen(Faithful):
    """Hears nothing that clients say."""

    def silent(self, site: str, _now_ms: int) -> bool:
        return site == CONNECTION


async def test_a_half_open_connection_answers_neither_requests_nor_pings() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket:
        sandbox.hub.meddler = HalfOpen()
        await socket.socket.ping()
        with pytest.raises(TimeoutError):
            await socket.ask(TRADES)


class Broken(Faithful):
    """Breaks connections off."""

    def cut(self, site: str, _now_ms: int) -> int | None:
        return 1006 if site == CONNECTION else None


async def test_a_connection_that_breaks_off_ends_without_a_close() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket, raw(sandbox) as http:
        sandbox.hub.meddler = Broken()
        await http.admin("POST /advance", {"to_ms": START_MS + 1_000})
        assert await socket.closed() == 1006


async def test_an_oversized_message_closes_its_connection_and_no_other() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as large, dialled(sandbox) as other:
        await large.socket.send_str("x" * (sockets.MESSAGE_BYTES_MAX + 1))
        assert await large.closed() in (1009, 1006)
        assert (await other.ask(TRADES))["result"] is None


async def test_bytes_that_are_no_text_are_no_request() -> None:
    async with running(BINANCE) as sandbox, dialled(sandbox) as socket:
        await socket.socket.send_bytes(b"\xff\xfe")
        assert (await socket.next()).json()["error"]["code"] == 3


async def test_a_path_that_is_no_websocket_is_not_found() -> None:
    async with running(BINANCE) as sandbox, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"ws://127.0.0.1:{sandbox.port}/nothing")
        assert refused.value.status == 404


async def test_a_running_clock_is_told_of_only_while_somebody_listens() -> None:
    async with running(Config(clock="60x")) as sandbox:
        async with dialled(sandbox) as socket:
            channel = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
            await socket.ask({"method": "SUBSCRIPTION", "params": [channel]})
            assert (await socket.next(aiohttp.WSMsgType.BINARY)).data
        await asyncio.sleep(3 * sockets.BEAT_S)
        assert (sandbox.sockets.beating, sandbox.hub.members) == (False, [])
        async with dialled(sandbox) as again:
            await again.ask({"method": "SUBSCRIPTION", "params": [channel]})
            assert (await again.next(aiohttp.WSMsgType.BINARY)).data
