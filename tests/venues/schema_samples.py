"""What the embedded exchange answers, case by case, asked over loopback: the samples that are compared with published payloads."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.market import TICK_MS
from sandbox.server import Sandbox
from tests.venues.stream_client import Socket

Samples = dict[str, list[Any]]
"""By case, everything that was answered."""
DONE = 200


class Asker:
    """Sends requests to one exchange and keeps the answers by case."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.session = sandbox, session
        self.samples: Samples = defaultdict(list)
        self._nonces = count(1)

    async def get(self, site: str, kind: str = "", **params: Any) -> Any:
        """Ask without a key."""
        return await self._send(site, kind, urlencode(params), {})

    async def signed(self, site: str, kind: str = "", status: int = DONE, **params: Any) -> Any:
        """Ask as MEXC's and Binance's clients do: signed parameters in the query, the key in a header."""
        query = urlencode(self.signature({"timestamp": self.sandbox.exchange.now_ms, **params}))
        headers = {self.sandbox.dialect.key_header: self.sandbox.api_key}
        return await self._send(site, kind, query, headers, status=status)

    def signature(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return parameters with their signature."""
        sign = hmac.new(self.sandbox.secret.encode(), urlencode(params).encode(), hashlib.sha256).hexdigest()
        return {**params, "signature": sign}

    async def private(self, name: str, kind: str = "", **params: Any) -> Any:
        """Ask as Kraken's clients do: a form with a nonce, and a signature in a header."""
        nonce, path = str(next(self._nonces)), f"/0/private/{name}"
        body = urlencode({"nonce": nonce, **params})
        digest = hashlib.sha256((nonce + body).encode()).digest()
        sign = hmac.new(base64.b64decode(self.sandbox.secret), path.encode() + digest, hashlib.sha512).digest()
        headers = {"API-Key": self.sandbox.api_key, "API-Sign": base64.b64encode(sign).decode()}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return await self._send(f"POST {path}", kind, "", headers, body)

    async def _send(self, site: str, kind: str, query: str, headers: dict[str, str], body: str = "", status: int = DONE) -> Any:
        method, path = site.split(" ")
        url = f"http://127.0.0.1:{self.sandbox.port}{path}" + (f"?{query}" if query else "")
        async with self.session.request(method, url, data=body or None, headers=headers) as reply:
            said = await reply.json(content_type=None)
            assert reply.status == status, f"{site}: {reply.status} {said}"
        self.samples[f"{site} ({kind})" if kind else site].append(said)
        return said

    def keep(self, case: str, said: Any) -> None:
        """Keep what came over a websocket."""
        self.samples[case].append(said)


async def heard(
    sandbox: Sandbox, socket: Socket, wanted: set[str], case_of: Callable[[Any], str], read: Callable[[Any], Any] = json.loads
) -> Samples:
    """Move the market tick by tick until messages of every case wanted have come, and return all that came."""
    found: Samples = defaultdict(list)

    async def listen() -> None:
        async for message in socket.socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                said = read(message.data)
                found[case_of(said)].append(said)

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(10):
            while not wanted <= set(found):
                sandbox.exchange.advance(sandbox.exchange.now_ms + TICK_MS)
                await sandbox.sockets.publish()
                await asyncio.sleep(0.01)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return found
