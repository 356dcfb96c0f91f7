"""The unmodified clients that watch, and a websocket of bytes, all talking to an embedded exchange on loopback."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt.pro as ccxt

from sandbox.config import Config
from sandbox.market import TICK_MS
from sandbox.server import Sandbox
from tests.venues.sandbox_client import opened, running

SPOT = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}


def _at(urls: Any, host: str) -> Any:
    if isinstance(urls, dict):
        return {name: _at(value, host) for name, value in urls.items()}
    return host + urlsplit(urls).path if isinstance(urls, str) else urls


def watcher(sandbox: Sandbox) -> Any:
    """Return the unmodified client of the exchange's dialect, whose every address points there and whose nonce is the venue's time."""
    keys = {"apiKey": sandbox.api_key, "secret": sandbox.secret}
    options = {"recvWindow": 60_000, **(SPOT if sandbox.dialect.name == "binance" else {})}
    client = getattr(ccxt, sandbox.dialect.name)({**keys, "enableRateLimit": False, "timeout": 5_000, "options": options})
    urls, host = client.urls["api"], f"127.0.0.1:{sandbox.port}"
    streams = _at(urls.pop("ws"), f"ws://{host}")
    client.urls["api"] = {**_at(urls, f"http://{host}"), "ws": streams}
    client.nonce = lambda: sandbox.clock.read(time.monotonic() * 1000) if sandbox.clock.speed else sandbox.exchange.now_ms
    return client


@asynccontextmanager
async def watching(config: Config) -> AsyncIterator[tuple[Sandbox, Any]]:
    """An exchange and its client, with the markets loaded."""
    async with running(config) as sandbox, opened(watcher(sandbox)) as client:
        yield sandbox, client


class Socket:
    """A websocket that shows what comes as it is, and answers no ping by itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def ask(self, said: Any) -> Any:
        await self.socket.send_str(said if isinstance(said, str) else json.dumps(said))
        return json.loads((await self.next()).data)

    async def next(self, kind: aiohttp.WSMsgType = aiohttp.WSMsgType.TEXT, timeout_s: float = 3.0) -> aiohttp.WSMessage:
        """Return the next message of a kind; what else comes meanwhile is dropped."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.socket.receive()
                if message.type is kind:
                    return message
                assert message.type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR), message

    async def closed(self, timeout_s: float = 3.0) -> int | None:
        """Return the code with which the connection is closed."""
        async with asyncio.timeout(timeout_s):
            while (await self.socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                pass
        return self.socket.close_code


@asynccontextmanager
async def dialled(sandbox: Sandbox, path: str = "/ws") -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"ws://127.0.0.1:{sandbox.port}{path}", autoping=False, max_msg_size=0)
        try:
            yield Socket(socket)
        finally:
            await socket.close()


async def soon(awaited: Any, seconds: float = 10.0) -> Any:
    """Return what comes, within seconds."""
    return await asyncio.wait_for(awaited, seconds)


async def moved(sandbox: Sandbox, watched: asyncio.Task[Any]) -> None:
    """Move a stepped clock tick by tick until what is watched has come."""
    async with asyncio.timeout(10):
        while not watched.done():
            await asyncio.sleep(0.01)
            sandbox.exchange.advance(sandbox.exchange.now_ms + TICK_MS)
            await sandbox.sockets.publish()
            await asyncio.sleep(0.01)


async def subscribed(sandbox: Sandbox, topics: int) -> None:
    """Wait until connections listen to so many topics."""
    for _ in range(500):
        if sum(len(member.topics) for member in sandbox.hub.members) >= topics:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody listened to {topics} topics")
