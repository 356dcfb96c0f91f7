"""The embedded exchange on loopback: the client's protocol on one port, the operator's on another. Holds the only clock and sockets."""

import errno
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.acting import AT_THE_DOOR, LATE, Actor, response
from sandbox.admin import Admin
from sandbox.clock import Clock, speed_of
from sandbox.config import Config
from sandbox.dialects.base import Dialect, Key, Request
from sandbox.dialects.known import speak
from sandbox.fault_fields import Known
from sandbox.fault_files import plan_of
from sandbox.faults import KINDS, Answer, FaultPlan
from sandbox.faulty_market import FaultyMarket
from sandbox.hub import Hub
from sandbox.market import Market
from sandbox.markets import books_of, market_of
from sandbox.matching import Exchange
from sandbox.sockets import Sockets
from sandbox.stream_faults import StreamFaults
from sandbox.tape import Tape
from sandbox.world import World
from trader_core.model.errors import OutOfRange, PortTaken
from trader_core.model.money import money

HOST = "127.0.0.1"
TOO_LARGE = Answer(413, b'{"code":413,"msg":"Request Entity Too Large"}')
UNREADABLE = Answer(400, b'{"code":400,"msg":"Bad Request"}')
"""What a body gets that is larger than a mebibyte, and one that is not what its headers say."""
ACCOUNT = "main"
SECRET_CHANCE = 64
"""Random bytes that a key's secret is made of; a dialect may take less of them."""
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Sandbox:
    """One running exchange: its core, its dialect, its faults and its clock."""

    def __init__(self, config: Config, wall_ms: float, market: Market | None = None) -> None:
        """Build the market, unless one is given, and one account with a key; nothing listens yet."""
        self.config = config
        market = market or market_of(config)
        faulty = FaultyMarket(market)
        self.clock = Clock(config.start_ms, speed_of(config.clock), wall_ms)
        self.exchange = Exchange(faulty, config.in_force, config.seed, config.start_ms, books_of(config, market))
        self.dialect: Dialect = speak(config.dialect, self.exchange, config.history_from_ms)
        self.exchange.handlers[LATE] = lambda asked: self.dialect.answer(Request(*asked))
        self.faults = FaultPlan(lambda data: plan_of(data, "the plan given", self.exchange.now_ms, self.known))
        self.faults.changes = world = World(self.exchange, self.dialect, faulty, self.faults.happened)
        self.hub = Hub(self.exchange, Tape(self.exchange), StreamFaults(self.faults, world.retold))
        self.sockets = Sockets(self.hub, lambda: self.exchange.now_ms, self.tick if self.clock.speed else None)
        self._actor = Actor(self)
        self.token = secrets.token_hex(16)
        self.port = self.admin_port = 0
        self._runners: list[web.ServerRunner] = []
        self.api_key, self.secret = self.open_account(ACCOUNT, dict(config.paid_in))
        self.faults.take(config.faults)

    @property
    def known(self) -> Known:
        """Return what a fault plan can name."""
        return Known(self.dialect.sites, self.exchange.market.pairs)

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
        upgrade = headers.get("upgrade", "").lower() == "websocket"
        kinds = AT_THE_DOOR if upgrade else KINDS
        fault = self.faults.hit(asked.site, self.exchange.now_ms, lambda: self.dialect.facts(asked), kinds)
        try:
            if fault is not None:
                replied = await self._actor.act(fault, request, asked)
            elif upgrade and (session := self.dialect.connect(asked)):
                return await self.sockets.serve(request, session)
            else:
                replied = response(self.dialect.answer(asked))
        except ConnectionError:  # the client left while it was being answered
            return response(UNREADABLE)
        await self.sockets.publish()
        return replied

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
            "planted_trend_bps": self.config.trend_bps, "market": self.config.market,
            "symbols": [pair.symbol for pair in self.exchange.market.pairs.values()],
        }  # fmt: skip


async def start(config: Config, market: Market | None = None) -> Sandbox:
    """Return an exchange that listens on loopback in this event loop; call its `stop`. Raises PortTaken."""
    sandbox = Sandbox(config, time.monotonic() * 1000, market)
    await sandbox.listen()
    return sandbox
