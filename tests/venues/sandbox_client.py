"""The unmodified MEXC client, a raw HTTP client and an operator, all talking to an embedded exchange on loopback."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support as ccxt

from sandbox.config import Config
from sandbox.market import Market
from sandbox.server import Sandbox, start

Reply = tuple[int, bytes]


def _at(urls: Any, host: str) -> Any:
    return {name: _at(value, host) for name, value in urls.items()} if isinstance(urls, dict) else host


def mexc(sandbox: Sandbox, **options: Any) -> Any:
    """Return an unmodified client whose every address points at the exchange and whose nonce is the venue's time."""
    keys = {"apiKey": sandbox.api_key, "secret": sandbox.secret}
    client = ccxt.mexc({**keys, "enableRateLimit": False, "timeout": 2_000, "timeout_on_exit": 0, **options})
    host = f"http://127.0.0.1:{sandbox.port}"
    client.urls["api"] = _at(client.urls["api"], host)
    client.urls["api"]["contract"] = {"public": f"{host}/api/v1/contract", "private": f"{host}/api/v1/private"}
    client.nonce = lambda: sandbox.exchange.now_ms
    return client


class Raw:
    """Sends requests as bytes and shows what comes back as bytes."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.session = sandbox, session
        self.key, self.secret = sandbox.api_key, sandbox.secret

    async def send(self, site: str, query: str = "", headers: dict[str, str] | None = None) -> Reply:
        method, path = site.split(" ")
        url = f"http://127.0.0.1:{self.sandbox.port}{path}" + (f"?{query}" if query else "")
        async with self.session.request(method, url, headers=headers, allow_redirects=False) as reply:
            return reply.status, await reply.read()

    def signed(self, params: dict[str, Any], secret: str = "", window_ms: int = 5_000) -> str:
        body = urlencode({"timestamp": self.sandbox.exchange.now_ms, "recvWindow": window_ms, **params})
        return f"{body}&signature={hmac.new((secret or self.secret).encode(), body.encode(), hashlib.sha256).hexdigest()}"

    async def call(self, site: str, **params: Any) -> Reply:
        return await self.send(site, self.signed(params), {"X-MEXC-APIKEY": self.key})

    async def admin(self, site: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        method, path = site.split(" ")
        url = f"http://127.0.0.1:{self.sandbox.admin_port}{path}"
        headers = {"X-Sandbox-Token": token or self.sandbox.token}
        async with self.session.request(method, url, json=body, headers=headers) as reply:
            return reply.status, await reply.json()


@asynccontextmanager
async def running(config: Config | None = None, market: Market | None = None) -> AsyncIterator[Sandbox]:
    """An exchange that listens, and is gone afterwards."""
    sandbox = await start(config or Config(), market)
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@asynccontextmanager
async def raw(sandbox: Sandbox, timeout_s: float = 5.0) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
        yield Raw(sandbox, session)


@asynccontextmanager
async def opened(exchange: Any) -> AsyncIterator[Any]:
    """A client that has loaded its markets, and leaves no socket behind."""
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def client(sandbox: Sandbox, **options: Any) -> AsyncIterator[Any]:
    async with opened(mexc(sandbox, **options)) as exchange:
        yield exchange
