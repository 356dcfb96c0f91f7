"""The three dialects side by side: how each names things and refuses, and a client that sends any bytes at all."""

import asyncio
import base64
import hashlib
import hmac
from itertools import count
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from sandbox.server import Sandbox
from tests.venues.sandbox_client import Reply

SENT_HEAD = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
Params = dict[str, str]


class Tongue(NamedTuple):
    """How a dialect names things, and how it refuses."""

    key: str
    time: str
    book: str
    place: str
    order: Params
    symbol: str
    qty: str
    client_id: str
    no: dict[str, tuple[int, bytes]]


def _hex(**codes: int) -> dict[str, tuple[int, bytes]]:
    return {name: (400, str(code).encode()) for name, code in codes.items()}


def _words(**words: str) -> dict[str, tuple[int, bytes]]:
    return {name: (200, text.encode()) for name, text in words.items()}


LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000"}
HEX = ("/api/v3/time", "/api/v3/depth?symbol=BTCUSDT", "/api/v3/order")
HEX_NAMES = ("symbol", "quantity", "newClientOrderId")
NOT_FOUND = {"route": (404, b'"code":404')}
TONGUES = {
    "mexc": Tongue(
        "X-MEXC-APIKEY", *HEX, LIMIT, *HEX_NAMES,
        _hex(signature=700002, key=10072, symbol=-1121, price_grid=30010, qty_grid=10096, precise=10096, qty_none=10095,
            qty_min=10097, qty_zero=10102,
             negative=10102, cost_min=30002, cost_max=30003, junk=700004, id=700004, twice=700004, old=700003) | NOT_FOUND,
    ),
    "binance": Tongue(
        "X-MBX-APIKEY", *HEX, {**LIMIT, "timeInForce": "GTC"}, *HEX_NAMES,
        _hex(signature=-1022, symbol=-1121, price_grid=-1013, qty_grid=-1013, precise=-1111, qty_none=-1102,
            qty_min=-1013, qty_zero=-1013, negative=-1100,
             cost_min=-1013, cost_max=-1013, junk=-1100, id=-1100, twice=-1101, old=-1021) | {"key": (401, b"-2015")} | NOT_FOUND,
    ),
    "kraken": Tongue(
        "API-Key", "/0/public/Time", "/0/public/Depth?pair=XBTEUR", "/0/private/AddOrder",
        {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.001", "price": "50000"}, "pair", "volume", "cl_ord_id",
        _words(signature="EAPI:Invalid signature", key="EAPI:Invalid key", symbol="EQuery:Unknown asset pair",
               price_grid="EOrder:Invalid price:XBT/EUR price can only", qty_grid="Invalid arguments:volume", junk="Invalid arguments:",
               precise="Invalid arguments:volume", qty_none="Invalid arguments:volume", qty_zero="Invalid arguments:volume",
               negative="Invalid arguments:volume", qty_min="Invalid arguments:volume minimum not met",
               cost_min="EOrder:Cost minimum not met",
               cost_max="Invalid arguments:volume", id="Invalid arguments:cl_ord_id", old="EAPI:Invalid nonce",
               route="EGeneral:Unknown method"),
    ),
}  # fmt: skip


class Wire:
    """Sends one exchange what it is told to, signed as its dialect wants it."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.session, self.tongue = sandbox, session, TONGUES[sandbox.dialect.name]
        self.kraken = sandbox.dialect.name == "kraken"
        self.nonces = count(1)

    async def send(self, method: str, target: str, body: str = "", headers: Params | None = None) -> Reply:
        url = URL(f"http://127.0.0.1:{self.sandbox.port}{target}", encoded=True)
        async with self.session.request(method, url, data=body.encode() or None, headers=headers) as reply:
            return reply.status, await reply.read()

    async def signed(
        self, params: Params, *, key: str = "", wrong: bool = False, path: str = "", more: str = "", method: str = "POST"
    ) -> Reply:
        """Send signed parameters, `more` of them as bare text, with the key and the right signature unless told otherwise."""
        path, secret = path or self.tongue.place, self.sandbox.secret
        stamp = {"nonce": str(next(self.nonces))} if self.kraken else {"timestamp": str(self.sandbox.exchange.now_ms)}
        stamped = {**stamp, **params}
        body = urlencode(stamped) + more
        headers = {self.tongue.key: key or self.sandbox.api_key}
        if self.kraken:
            digest = path.encode() + hashlib.sha256((stamped["nonce"] + body).encode()).digest()
            seal = hmac.new(base64.b64decode(secret), digest, hashlib.sha512).digest()
            headers["API-Sign"] = base64.b64encode(bytes(64) if wrong else seal).decode()
        else:
            seal = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
            body += "&signature=" + (bytes(32) if wrong else seal).hex()
        return await self.send(method, path, body, headers) if method == "POST" else await self.send(method, f"{path}?{body}", "", headers)

    async def talk(self, sent: bytes, port: int = 0) -> bytes:
        """Send bytes as they are and return what comes back until the exchange closes the connection."""
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port or self.sandbox.port)
            try:
                writer.write(sent)
                await writer.drain()
                return await reader.read()
            finally:
                writer.close()

    async def operator(self, head: str, body: bytes = b"", token: str = "") -> bytes:
        """Send the operator's port a request with any head and body."""
        said = f"{head}{SENT_HEAD}X-Sandbox-Token: {token or self.sandbox.token}\r\n"
        chunked = "chunked" in head
        sent = said if chunked else f"{said}Content-Length: {len(body)}\r\n\r\n"
        return await self.talk(sent.encode("latin-1") + body, self.sandbox.admin_port)

    def refused(self, reply: Reply, why: str) -> None:
        """Fail unless the reply is the venue's refusal, and no order is open."""
        status, text = self.tongue.no[why]
        assert (reply[0], text in reply[1]) == (status, True), reply
        assert self.sandbox.exchange.all_orders() == []

    async def lives(self) -> None:
        """Fail unless the exchange still answers a read and takes an order."""
        assert (await self.send("GET", self.tongue.time))[0] == 200
        status, body = await self.signed(self.tongue.order)
        assert (status, b"EOrder" in body, len(self.sandbox.exchange.all_orders())) == (200, False, 1), body
