"""What one plan runs on: a database of its own, an exchange and one or two traders as processes, and a wire before each."""

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import psycopg

from deployments.postgres import Server
from sandbox.admin import TOKEN_HEADER
from tests.conftest import Database
from tests.integration.test_recovery import share_cache
from tests.sockets import child
from tests.sockets.wires import DatabaseWire, Director, VenueWire
from trader_core.store.database import Engine

ACCOUNT = "sandbox"
SESSION = "sockets-1"
AGAIN_S = 0.5
"""How long after its end a trader that nobody killed is started again: what supervises it does so."""
PACE_MS = 12
MARKETS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Process(Protocol):
    """A trader's process, however it was started."""

    @property
    def pid(self) -> int | None:
        """Return its number."""

    def is_alive(self) -> bool:
        """Return whether it runs."""

    def join(self, timeout: float) -> None:
        """Wait for its end."""


class Command:
    """`gatehouse` with some arguments, started from nothing, as what supervises it does."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "console", *arguments, "--parent", str(os.getpid())],
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        self.pid: int | None = self._process.pid

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._process.wait(timeout)


class Nursery:
    """Starts children from a process that has imported everything already."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.sockets.preload"])

    def start(self, target: Any, *arguments: Any) -> BaseProcess:
        """Return a running process."""
        process = self._context.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process


@dataclass(eq=False)
class House:
    """One trader's place: its home, its wires, and the process that is kept running in it."""

    number: int
    home: Path
    venue: VenueWire
    wire: DatabaseWire
    url: str
    bug: str
    timeout_s: float
    nursery: Nursery
    command: bool = False
    """Whether the trader is the command started from nothing; otherwise it is forked, which is quicker."""
    process: Process | None = None
    down_ms: int = 0
    wanted: bool = True
    starts: int = 0
    task: "asyncio.Task[None] | None" = None

    async def keep(self) -> None:
        """Keep the process running until it is not wanted any more."""
        while self.wanted:
            self.process = await asyncio.to_thread(self._started)
            self.starts += 1
            while self.process.is_alive():  # noqa: ASYNC110 - a process sets no event here
                await asyncio.sleep(0.02)
            down_ms, self.down_ms = self.down_ms, 0
            await asyncio.sleep(down_ms / 1_000 if down_ms else AGAIN_S)

    def _started(self) -> "Process":
        log = self.home / "trader.log"
        if self.command:
            return Command(["trader", "--account", ACCOUNT], {"GATEHOUSE_HOME": str(self.home), "GATEHOUSE_DATABASE_URL": self.url}, log)
        return self.nursery.start(child.trader, ACCOUNT, self.home, self.url, log, self.bug, self.timeout_s)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, where there is one."""
        if self.process is not None and self.process.pid is not None and self.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill(self, down_ms: int = 1) -> None:
        """Kill -9; it is started again after so many ms."""
        self.down_ms = max(down_ms, 1)
        self.signal(signal.SIGKILL)

    async def end(self) -> None:
        """Let nobody start it again, and end it."""
        self.wanted = False
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.process is not None:
            await asyncio.to_thread(self.process.join, 5)

    def log(self) -> str:
        """Return what the process said."""
        path = self.home / "trader.log"
        return path.read_text(errors="replace") if path.exists() else ""


@dataclass(eq=False)
class World:
    """Everything that one plan runs on."""

    server: Server
    folder: Path
    nursery: Nursery
    database: Database = field(init=False)
    houses: list[House] = field(default_factory=list)
    announced: dict[str, Any] = field(default_factory=dict)
    exchange: BaseProcess | None = None
    engines: dict[str, Engine] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None
    _witness: Any = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def build(self, exchange_options: Sequence[str], traders: int, director: Director, bug: str, timeout_s: float) -> None:
        """Make the database and the exchange; the traders are there and do not run yet."""
        name = f"sockets_{os.urandom(6).hex()}"
        path = self.folder / "exchange.json"
        arguments = ["--announce", str(path), *exchange_options]
        self.exchange = await asyncio.to_thread(self.nursery.start, child.exchange, arguments, self.folder / "exchange.log")
        await asyncio.to_thread(self._make_database, name)
        async with asyncio.timeout(30):
            while not path.exists():  # noqa: ASYNC110 - a file sets no event
                await asyncio.sleep(0.02)
        self.announced = json.loads(path.read_text())
        self._session = aiohttp.ClientSession(headers={TOKEN_HEADER: self.announced["admin_token"]})
        await self._warm()
        for number in range(traders):
            self.houses.append(await self._house(number, director, bug, timeout_s))
        self._witness = await psycopg.AsyncConnection.connect(self.database.own_url(), autocommit=True)

    async def _warm(self) -> None:
        """Let the exchange draw its markets before anybody waits for them."""
        assert self._session is not None, "just made"
        for name in MARKETS:
            query = f"/api/v3/klines?symbol={name}&interval=1m&limit=100"
            async with self._session.get(self.announced["base_url"] + query) as answer:
                await answer.read()

    def _admin(self) -> str:
        return self.server.admin_url().replace("+psycopg", "").replace("/gatehouse?", "/postgres?")

    def _make_database(self, name: str) -> None:
        with psycopg.connect(self._admin(), autocommit=True) as db:
            db.execute(f"create database {name} template gatehouse")
        self.database = Database(replace(self.server, database=name))

    async def _house(self, number: int, director: Director, bug: str, timeout_s: float) -> House:
        home = self.folder / f"trader-{number}"
        (home / "run").mkdir(parents=True)
        share_cache(home)
        port = int(str(self.announced["base_url"]).rpartition(":")[2])
        venue = VenueWire(f"exchange {number}", lambda: asyncio.open_connection("127.0.0.1", port), director)
        wire = DatabaseWire(f"database {number}", self._to_database, director)
        await venue.open()
        await wire.open()
        announced = {**self.announced, "base_url": f"http://127.0.0.1:{venue.port}"}
        (home / "run" / "sandbox.json").write_text(json.dumps(announced))
        server = self.database.server
        url = f"postgresql://postgres:{server.passwords['postgres']}@127.0.0.1:{wire.port}/{server.database}?sslmode=disable"
        return House(number, home, venue, wire, url, bug, timeout_s, self.nursery)

    async def _to_database(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self.server.address
        assert address is not None, "the cluster is the embedded one"
        if address.host.startswith("/"):
            return await asyncio.open_unix_connection(f"{address.host}/.s.PGSQL.{address.port}")
        return await asyncio.open_connection(address.host, address.port)

    def engine(self, role: str) -> Engine:
        """Return this world's engine of a role: straight to the database, past every wire."""
        if role not in self.engines:
            self.engines[role] = self.database.engine(role)
        return self.engines[role]

    def start(self) -> None:
        """Start the traders, the first one a moment earlier."""
        for house in self.houses:
            house.task = asyncio.create_task(house.keep())

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the exchange's operator's port answers; raises AssertionError for a refusal."""
        assert self._session is not None, "built first"
        async with self._session.request(method, self.announced["admin_url"] + path, json=body) as answer:
            said = await answer.json()
            assert answer.status == 200, f"{method} {path}: {said}"
            return said

    async def is_sending(self, client_id: str) -> bool:
        """Return whether the database shows the SENDING of an order now: asked while the order's bytes wait at the wire."""
        query = "select 1 from journal where session_id = %s and kind = 'SENDING' and position(%s in body) > 0"
        async with self._turn:
            found = await self._witness.execute(query, (SESSION, f'"client_order_id":"{client_id}"'.encode()))
            return await found.fetchone() is not None

    async def take_down(self) -> None:
        """End every process and connection and drop the database."""
        await asyncio.gather(*(house.end() for house in self.houses))
        for house in self.houses:
            await house.venue.close()
            await house.wire.close()
        if self._witness is not None:
            await self._witness.close()
        if self._session is not None:
            await self._session.close()
        if self.exchange is not None:
            self.exchange.terminate()
            await asyncio.to_thread(self.exchange.join, 5)
        if hasattr(self, "database"):
            await asyncio.to_thread(self._drop)

    def _drop(self) -> None:
        for engine in self.database.engines:
            engine.dispose()
        with psycopg.connect(self._admin(), autocommit=True) as db:
            db.execute(f"drop database {self.database.server.database} with (force)")
