"""The embedded exchange on loopback: the client's protocol on one port, the operator's on another. Holds the only clock and sockets."""

import asyncio
import contextlib
import errno
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.admin import Admin
from sandbox.clock import Clock, speed_of
from sandbox.config import Config
from sandbox.dialects.base import Dialect, Key, Request
from sandbox.dialects.known import speak
from sandbox.due import Note
from sandbox.faults import Answer, Fault, FaultPlan, changed
from sandbox.hub import Hub
from sandbox.market import Market, SeededMarket
from sandbox.matching import Exchange
from sandbox.replay import replayed
from sandbox.sockets import Sockets
from sandbox.tape import Tape
from trader_core.model.errors import OutOfRange, PortTaken
from trader_core.model.money import money

HOST = "127.0.0.1"
HANG_S = 30.0
POLL_S = 0.005
UNTRUE = Answer(200, b'{"symbol":"BTCUSDT","orderId":"C02__1","orderListId":-1,"price":"1","origQty":"1"}')
"""What a changed answer is made of when nothing was executed: an acknowledgement of an order that does not exist."""
TOO_LARGE = Answer(413, b'{"code":413,"msg":"Request Entity Too Large"}')
UNREADABLE = Answer(400, b'{"code":400,"msg":"Bad Request"}')
"""What a body gets that is larger than a mebibyte, and one that is not what its headers say."""
ACCOUNT = "main"
LATE = "late request"
"""Notes of requests whose client has long gone when they are executed; nobody hears the answer."""
SECRET_CHANCE = 64
"""Random bytes that a key's secret is made of; a dialect may take less of them."""
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Sandbox:
    """One running exchange: its core, its dialect, its faults and its clock."""

    def __init__(self, config: Config, wall_ms: float, market: Market | None = None) -> None:
        """Build the market, unless one is given, and one account with a key; nothing listens yet."""
        self.config = config
        if market is None:
            market = replayed(config.replay) if config.replay else SeededMarket(config.seed, config.listed, config.trend_bps)
        self.clock = Clock(config.start_ms, speed_of(config.clock), wall_ms)
        self.exchange = Exchange(market, config.in_force, config.seed, config.start_ms)
        self.dialect: Dialect = speak(config.dialect, self.exchange, config.history_from_ms)
        self.exchange.handlers[LATE] = lambda asked: self.dialect.answer(Request(*asked))
        self.hub = Hub(self.exchange, Tape(self.exchange))
        self.sockets = Sockets(self.hub, lambda: self.exchange.now_ms, self.tick if self.clock.speed else None)
        self.faults = FaultPlan()
        self.token = secrets.token_hex(16)
        self.port = self.admin_port = 0
        self._runners: list[web.ServerRunner] = []
        self.api_key, self.secret = self.open_account(ACCOUNT, dict(config.paid_in))

    def open_account(self, account: str, paid_in: dict[str, str]) -> tuple[str, str]:
        """Credit an account, texts by currency, and return a new (key, secret) for it."""
        amounts = {currency: money(text, f"credit of {currency}") for currency, text in paid_in.items()}
        if min(amounts.values(), default=0) < 0:
            raise OutOfRange("credits of at least 0", str(paid_in), "correct them")
        for currency, amount in amounts.items():
            self.exchange.credit(account, currency, amount)
            self.hub.paid_in(account, currency)
        api_key, secret = f"sb0{secrets.token_hex(14)}", self.dialect.secret_of(secrets.token_bytes(SECRET_CHANCE))
        self.dialect.keys[api_key] = Key(secret, account)
        return api_key, secret

    def tick(self) -> None:
        """Let a running clock move the market to now; a stepped one waits to be told."""
        if self.clock.speed:
            self.exchange.advance(max(self.exchange.now_ms, self.clock.read(time.monotonic() * 1000)))

    def set_clock(self) -> None:
        """Let the clock go on from the exchange's time, at its speed."""
        self.clock = Clock(self.exchange.now_ms, self.clock.speed, time.monotonic() * 1000)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of a client."""
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return response(TOO_LARGE)
        except (web.RequestPayloadError, ConnectionError):
            return response(UNREADABLE)
        asked = Request(request.method, path, query, headers, body.decode(errors="replace"))
        self.tick()
        fault = self.faults.hit(asked.site) if self.faults.rules else None
        if fault is not None:
            replied = await self._faulty(fault, request, asked)
        elif headers.get("upgrade", "").lower() == "websocket" and (session := self.dialect.connect(asked)):
            return await self.sockets.serve(request, session)
        else:
            replied = response(self.dialect.answer(asked))
        await self.sockets.publish()
        return replied

    async def _faulty(self, fault: Fault, request: web.BaseRequest, asked: Request) -> web.StreamResponse:
        """Act a fault out. `slow` always executes, before or after its delay; `late_execution` executes when its time has come."""
        if fault.kind == "late_execution":
            late = Note(LATE, [*asked._replace(headers=dict(asked.headers))])
            self.exchange.schedule(self.exchange.now_ms + int(fault.params.get("ms", 1_000)), late)
            return await self._cut(request, float(fault.params.get("seconds", 0.0)))
        if fault.kind == "slow" and fault.when == "before":
            await self._delay(fault)
            return response(self.dialect.answer(asked))
        answer = self.dialect.answer(asked) if fault.when == "after" else UNTRUE
        if fault.kind == "slow":
            await self._delay(fault)
        if fault.kind in ("timeout", "reset"):
            return await self._cut(request, float(fault.params.get("seconds", HANG_S)) if fault.kind == "timeout" else 0.0)
        if fault.kind == "truncated_body":
            return await _half(request, answer)
        return response(changed(fault, answer))

    async def _delay(self, fault: Fault) -> None:
        """Wait `seconds` of wall time, or until `venue_ms` of venue time have passed."""
        if "venue_ms" not in fault.params:
            await asyncio.sleep(float(fault.params.get("seconds", 1.0)))
            return
        until_ms, steps = self.exchange.now_ms + int(fault.params["venue_ms"]), int(HANG_S / POLL_S)
        for _ in range(steps):
            self.tick()
            if self.exchange.now_ms >= until_ms:
                break
            await asyncio.sleep(POLL_S)

    @staticmethod
    async def _cut(request: web.BaseRequest, after_s: float) -> web.StreamResponse:
        """Say nothing for a while, then close the connection without a word."""
        await asyncio.sleep(after_s)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def listen(self) -> None:
        """Listen on both ports; raises PortTaken."""
        self.port = await self._serve(self.handle, self.config.port)
        self.admin_port = await self._serve(Admin(self).handle, self.config.admin_port)

    async def _serve(self, handler: Handler, port: int) -> int:
        runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            await self.stop()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise PortTaken(f"port {port} free on {HOST}", "another program listens there", "choose another port, or 0") from error
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket."""
        await self.sockets.stop()
        for runner in self._runners:
            await runner.cleanup()
        self._runners = []

    def announcement(self) -> dict[str, Any]:
        """Return what a client and an operator need to connect; it holds secrets."""
        return {
            "host": HOST, "port": self.port, "admin_port": self.admin_port, "admin_token": self.token,
            "base_url": f"http://{HOST}:{self.port}", "admin_url": f"http://{HOST}:{self.admin_port}",
            "api_key": self.api_key, "secret": self.secret, "account": ACCOUNT, "dialect": self.dialect.name,
            "clock": self.clock.mode, "seed": self.config.seed, "start_ms": self.config.start_ms,
            "planted_trend_bps": self.config.trend_bps, "symbols": [pair.symbol for pair in self.exchange.market.pairs.values()],
        }  # fmt: skip


async def start(config: Config, market: Market | None = None) -> Sandbox:
    """Return an exchange that listens on loopback in this event loop; call its `stop`. Raises PortTaken."""
    sandbox = Sandbox(config, time.monotonic() * 1000, market)
    await sandbox.listen()
    return sandbox


def response(answer: Answer) -> web.Response:
    """Return an answer as a response."""
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Promise the whole body, send half of it and close the connection."""
    partial = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    partial.content_length = len(answer.body)
    with contextlib.suppress(ConnectionError):
        await partial.prepare(request)
        await partial.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return partial
