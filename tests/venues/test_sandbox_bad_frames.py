"""What no client should say on a websocket, and clients that hear nothing or too much: the exchange answers, closes, and goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from sandbox import sockets
from sandbox.config import START_MS, Config
from sandbox.dialects.session import Subscriptions
from sandbox.events import Stream, Topic
from sandbox.server import Sandbox
from tests.venues.sandbox_client import raw, running
from tests.venues.stream_client import Socket, dialled

DOORS = [("mexc", "/ws"), ("binance", "/ws"), ("binance", "/stream"), ("binance", "/ws-api/v3")]
SAYINGS: dict[str, str | bytes] = {
    "nothing": "", "no JSON": "\0", "a list": "[]", "null": "null", "a number": "1", "no UTF-8": b"\xff\xfe",
    "lists without end": "[" * 60_000, "objects without end": '{"a":' * 12_000, "a long number": '{"id":' + "9" * 5_000 + "}",
    "no number": '{"id":NaN,"method":"SUBSCRIBE","params":["a@b"]}', "an infinite one": '{"id":Infinity,"method":"ping"}',
    "half a character": '{"id":1,"method":"SUBSCRIPTION","params":["\\ud800@x"]}', "half an id": '{"id":"\\udfff","method":"\\ud800"}',
    "a method that is a list": '{"method":[],"id":1}', "one that is an object": '{"method":{"a":1},"params":{"b":[1]}}',
    "nested channels": '{"method":"SUBSCRIPTION","params":[[["x"]],{},null]}',
    "nested streams": '{"method":"SUBSCRIBE","params":[[["x"]]]}',
    "a stream without end": '{"method":"SUBSCRIBE","params":["' + "x" * 60_000 + '@b"],"id":1}',
    "a signature": '{"method":"userDataStream.subscribe.signature","params":{"apiKey":"x","timestamp":1e9,"signature":"\\ud800"}}',
}  # fmt: skip
FRAMES = {
    "reserved bits": (b"\xff\xff" * 10, 1002), "an unknown kind": (b"\x83\x80\0\0\0\0", 1002),
    "a long ping": (b"\x89\xfe\x01\0" + bytes(260), 1002),
    "a length beyond all": (b"\x81\xff\x7f" + b"\xff" * 7, 1009),
    "one byte too many": (b"\x81\xff" + (65_537).to_bytes(8) + bytes(4), 1009),
    "text that is no UTF-8": (b"\x81\x82\0\0\0\0\xff\xfe", 1007), "the rest of nothing": (b"\x80\x80\0\0\0\0", 1002),
    "half a code": (b"\x88\x81\0\0\0\0\x01", 1002), "a code that is none": (b"\x88\x82\0\0\0\0\0\x01", 1002),
}  # fmt: skip


@asynccontextmanager
async def bare(sandbox: Sandbox) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A websocket by hand, on which any bytes may be sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    try:
        head = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
        writer.write(f"{head}\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n".encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()


async def answers(socket: Socket) -> bool:
    """Return whether a connection is still served."""
    said = await socket.ask({"id": 1, "method": "ping"})
    return bool(said.get("msg") == "PONG" or "error" in said or said.get("status") == 200)


@pytest.mark.parametrize(("dialect", "path"), DOORS)
async def test_whatever_a_client_says_it_gets_an_answer_and_may_go_on(dialect: str, path: str) -> None:
    async with running(Config(dialect=dialect)) as sandbox, dialled(sandbox, path) as socket, dialled(sandbox, path) as other:
        for name, said in SAYINGS.items():
            await (socket.socket.send_bytes(said) if isinstance(said, bytes) else socket.socket.send_str(said))
            answer = json.loads((await socket.next()).data, parse_constant=pytest.fail)
            assert isinstance(answer, dict), name
        assert await answers(socket)
        assert await answers(other)
        assert all(not member.topics for member in sandbox.hub.members)


@pytest.mark.parametrize("dialect", ["mexc", "binance"])
async def test_frames_that_are_none_close_their_connection_and_no_other(dialect: str) -> None:
    async with running(Config(dialect=dialect)) as sandbox, dialled(sandbox) as other:
        for name, (frame, code) in FRAMES.items():
            async with bare(sandbox) as (reader, writer):
                writer.write(frame)
                found = await asyncio.wait_for(reader.read(), 3)
                assert found == b"\x88\x02" + code.to_bytes(2), name
        assert await answers(other)
        assert len(sandbox.hub.members) == 1


@pytest.mark.parametrize("dialect", ["mexc", "binance"])
async def test_a_client_that_asks_and_never_reads_holds_no_more_than_so_many_bytes(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BYTES_MAX", 2**20)
    monkeypatch.setattr(sockets, "CLOSE_S", 0.1)
    name = "x" * 60_000
    said = {"id": 1, "method": "SUBSCRIPTION", "params": [name]} if dialect == "mexc" else {"id": 1, "method": name}
    body = json.dumps(said).encode()
    async with running(Config(dialect=dialect)) as sandbox, bare(sandbox) as (_, writer), dialled(sandbox) as other:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        (mute,) = [wire for member, wire in sandbox.sockets._wires.items() if member is sandbox.hub.members[0]]
        held = [0]
        for _ in range(1_000):
            writer.write(b"\x81\xff" + len(body).to_bytes(8) + bytes(4) + body)
            await asyncio.wait_for(writer.drain(), 3)
            await asyncio.sleep(0)
            held.append(mute._waiting)
            if mute.over.done():
                break
        assert mute.over.result().reason == "too slow"
        assert 2**19 < max(held) <= 2**20
        assert await answers(other)


async def test_too_many_streams_at_once_are_refused_whole() -> None:
    async with running(Config(dialect="binance")) as sandbox, dialled(sandbox) as socket:
        said = await socket.ask({"id": 1, "method": "SUBSCRIBE", "params": [f"a{number}@b" for number in range(1_025)]})
        assert said["error"]["code"] == 2
        assert (await socket.ask({"id": 2, "method": "LIST_SUBSCRIPTIONS"}))["result"] == []
        assert (await socket.ask({"id": 3, "method": "SUBSCRIBE", "params": ["btcusdt@trade"] * 3_000}))["result"] is None
        assert (await socket.ask({"id": 4, "method": "LIST_SUBSCRIPTIONS"}))["result"] == ["btcusdt@trade"]
    async with running() as sandbox, dialled(sandbox) as socket:
        names = [f"spot@public.aggre.{kind}.v3.api.pb@{often}@{name}" for kind in ("deals", "depth") for often in ("100ms", "10ms")
                 for name in sandbox.exchange.market.pairs]  # fmt: skip
        assert "Over 30 subscriptions" in (await socket.ask({"id": 1, "method": "SUBSCRIPTION", "params": names[:31]}))["msg"]
        assert sandbox.hub.members[0].topics == frozenset()
        assert len((await socket.ask({"id": 1, "method": "SUBSCRIPTION", "params": names[:30]}))["msg"].split(",")) == 30


async def test_hundreds_of_subscriptions_are_all_told() -> None:
    async with running(Config(dialect="binance")) as sandbox, raw(sandbox, 20.0) as http, AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(dialled(sandbox)) for _ in range(60)]
        streams = [f"{name.lower()}@{kind}" for name in list(sandbox.exchange.market.pairs)[:5] for kind in ("trade", "kline_1m")]
        for listener in listeners:
            assert (await listener.ask({"id": 1, "method": "SUBSCRIBE", "params": streams}))["result"] is None
        assert (await http.admin("POST /advance", {"to_ms": START_MS + 5_000}))[0] == 200
        for listener in listeners:
            told = [(await listener.next()).json() for _ in range(10)]
            assert sorted((one["s"], one["e"]) for one in told) == sorted(
                (name, event) for name in list(sandbox.exchange.market.pairs)[:5] for event in ("trade", "kline")
            )


async def test_an_upgrade_that_is_none_is_refused() -> None:
    head = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    for dialect, refused in (("mexc", b" 400 "), ("binance", b" 400 "), ("kraken", b"EGeneral:Unknown method")):
        async with running(Config(dialect=dialect)) as sandbox, aiohttp.ClientSession() as session:
            for more in (b"\r\n", b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
                writer.write(head + more)
                assert refused in await asyncio.wait_for(reader.read(1_000), 3)
                writer.close()
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"http://127.0.0.1:{sandbox.port}/nothing")


def test_a_topic_feeds_its_channels_until_the_last_is_removed() -> None:
    trades, book = Topic(Stream.TRADES, "BTCUSDT"), Topic(Stream.BOOK, "BTCUSDT")
    held = Subscriptions()
    for channel, topics in (("a", [trades]), ("b", [trades, book]), ("a", [trades]), ("c", [])):
        held.add(channel, topics)
    assert (held.channels, held.of(trades), held.of(book)) == (["a", "b", "c"], ["a", "b"], ["b"])
    held.add("b", [book])
    assert (held.of(trades), set(held.topics)) == (["a"], {trades, book})
    held.remove("a")
    held.remove("nothing")
    assert (held.channels, set(held.topics)) == (["c", "b"], {book})
    assert not held.of(trades)


async def test_a_client_that_leaves_before_its_upgrade_is_answered_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    asked = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    asked += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with running(Config(clock="60x")) as sandbox, raw(sandbox) as wire:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
            writer.write(asked.encode())
            await writer.drain()
            writer.transport.abort()
        await asyncio.sleep(0.3)
        assert (await wire.send("GET /api/v3/time"))[0] == 200
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
