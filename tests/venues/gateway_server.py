"""A raw loopback server for the gateway's tests: it answers one endpoint with one fault and counts what reached it."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.ask import Ask
from trader_core.venues.codes import MEXC
from trader_core.venues.gateway import Gateway
from trader_core.venues.limiter import Limiter
from trader_core.venues.outcomes import Call
from trader_core.venues.port import SendRequest
from trader_core.venues.profiles import ApiKey, sandbox_profile
from trader_core.venues.wire import MaySend

NOW_MS = 1_767_571_200_000
KEY = ApiKey("CANARYKEY0123456789", "CANARYSECRET9876543210")
BTC = Instrument("sandbox", "BTC/USDT", "BTC", "USDT", 2, 6, 1, 1, 1, 10_000_000_000, 0, 500)
REQUEST = SendRequest("ghabc123", "BTC/USDT", Side.BUY, 200, 5_000_050, NOW_MS, 4_000)
"""Buy 0.0002 BTC at 50000.5 or better."""
ACK = {
    "symbol": "BTCUSDT", "orderId": "C02__473498700123", "orderListId": -1, "price": "50000.5", "origQty": "0.0002",
    "type": "IMMEDIATE_OR_CANCEL", "side": "BUY", "transactTime": NOW_MS,
}  # fmt: skip
ORDER = {
    **ACK, "clientOrderId": "ghabc123", "executedQty": "0.0001", "cummulativeQuoteQty": "5.00005", "status": "PARTIALLY_CANCELED",
    "time": NOW_MS, "updateTime": NOW_MS,
}  # fmt: skip
TRADE = {
    "symbol": "BTCUSDT", "id": "9c3f0a52d1e64b7f8f4f3b2a1c0d9e8f", "orderId": "C02__473498700123", "orderListId": -1, "price": "50000.5",
    "qty": "0.0001", "quoteQty": "5.00005", "commission": "0.002500025", "commissionAsset": "USDT", "time": NOW_MS,
    "isBuyer": True, "isMaker": False, "clientOrderId": "ghabc123",
}  # fmt: skip


def call_of(method: str, endpoint: str) -> Call:
    """Return a call of MEXC's to which nothing has happened yet."""
    return Call(Ask(method, endpoint, ("spot", "public"), f"/api/v3/{endpoint}", {}), MEXC)


RESET, HANG = b"RESET", b"HANG"
"""Answers that are no bytes: an abortive close, and none at all."""
Answer = Callable[[dict[str, str]], bytes]


def http(status: str, body: str | bytes, *, kind: str = "application/json", extra: str = "", length: int | None = None) -> bytes:
    """Return one HTTP answer; `length` may lie about the body."""
    raw = body if isinstance(body, bytes) else body.encode()
    size = len(raw) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n{extra}\r\n".encode() + raw


def ok(payload: object) -> bytes:
    """Return a JSON answer with status 200."""
    return http("200 OK", json.dumps(payload))


@dataclass
class Server:
    """What reached the loopback server, and what it answers: by "METHOD /path", a constant or a function of the pairs sent."""

    port: int = 0
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    answers: dict[str, bytes | Answer] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, call: str) -> int:
        return sum(1 for what, _ in self.seen if what == call)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        method, target, _ = head.split("\r\n")[0].split(" ")
        length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        query = dict(parse_qsl(urlsplit(target).query) + parse_qsl(body))
        call = f"{method} {urlsplit(target).path}"
        self.seen.append((call, query))
        self.lines.append(target)
        answer = self.answers.get(call, http("404 Not Found", json.dumps({"code": 404, "msg": call})))
        raw = answer if isinstance(answer, bytes) else answer(query)
        if raw == HANG:
            await reader.read()  # returns when the client gives up
        elif raw == RESET:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.write(raw)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Run a server on a free loopback port."""
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


@asynccontextmanager
async def gateway_to(
    server: Server,
    *,
    now_ms: Callable[[], int] = lambda: NOW_MS,
    may_send: MaySend | None = lambda _: None,
    limiter: Limiter | None = None,
    timeout_s: float = 5.0,
) -> AsyncIterator[Gateway]:
    """Open a gateway to the server on a stepped profile, with BTC/USDT loaded."""
    profile = sandbox_profile(server.url, stepped=True)
    gateway = Gateway(profile, now_ms, key=KEY, may_send=may_send, limiter=limiter, timeout_s=timeout_s)
    gateway.use([BTC])
    try:
        yield gateway
    finally:
        await gateway.close()
