"""The trader's process: one per account; it owns the lock, the lease, the sockets and its sessions.

Anyone else only writes rows: a session that is requested, a command, a switch. The process reads them, several times a
second, and answers in the same tables.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from trader_core.clock import WallClock, monotonic_ms
from trader_core.model.errors import DatabaseAway, Fenced, GatehouseError, StoreError, VenueUnavailable
from trader_core.model.session import PAUSE_SENTINEL, SENTINEL, SessionStatus
from trader_core.store import database, lease, rounds, sessions
from trader_core.store.listening import Listener
from trader_core.trader import events as ev
from trader_core.trader import left
from trader_core.trader.code import code_hash
from trader_core.trader.control import Allowed, Control
from trader_core.trader.desk import Desk
from trader_core.trader.telling import Teller, failed
from trader_core.venues.profiles import ceiling_of

if TYPE_CHECKING:
    from trader_core.store.database import Connection, Engine

log = structlog.get_logger()

POLL_S = 0.1
LEASE_TTL_S = 10.0
LEASE_MARGIN_S = 2.0
RETRY_S = 0.5
VENUE_RETRY_S = 1.0


class Runner(Protocol):
    """What runs one session to its end; raises GatehouseError when it cannot go on."""

    def __call__(self, row: sessions.SessionRow, control: Control, epoch: int) -> Coroutine[Any, Any, None]:
        """Run it."""


@dataclass(slots=True)
class Running:
    """A session that this process runs."""

    control: Control
    task: asyncio.Task[None]
    killed: str = ""
    """Why a command killed it: holds for the last gate, whatever the switch says, until a resume."""


@dataclass(slots=True)
class Trader:
    """One account's trader; `serve` returns when `stopping` is set."""

    engine: "Engine"
    account: str
    home: Path
    run_session: Runner | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    running: dict[str, Running] = field(default_factory=dict)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was said: the next round does not wait."""
    epoch: int = 0
    lease_ok_until: float = 0.0
    kill: str = ""
    pause: str = ""
    heard: dict[str, str] = field(default_factory=dict)
    """Switches that were heard of since the last round began to read: what it read may be older than they are."""
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "gatehouse-store"))
    desk: Desk = field(init=False)
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        """Open the desk."""
        self.desk, self.teller = Desk(self), Teller(self.engine)

    @property
    def holder(self) -> str:
        """Who holds the lease: this process."""
        return f"pid {os.getpid()}"

    def sentinel(self) -> bool:
        """Return whether the sentinel file stands: one stat, before every order."""
        return (self.home / SENTINEL).exists()

    def pause_sentinel(self) -> bool:
        """Return whether the file that pauses stands."""
        return (self.home / PAUSE_SENTINEL).exists()

    def epoch_held(self) -> int:
        """Return the epoch under which the account is held, 0 while it is not."""
        return self.epoch if self.held.is_set() else 0

    def left(self) -> list[ev.Operator]:
        """Return the words that were left as files while no database could take them."""
        return list(left.found(self.home, self.account, WallClock().now_ms()))

    def lease_ok(self) -> bool:
        """Return whether the lease lasts longer than its margin, by the monotonic clock."""
        return monotonic_ms() / 1_000 < self.lease_ok_until - LEASE_MARGIN_S

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Run database work on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def serve(self) -> None:
        """Hold the account until told to stop; sessions that are left go on when a trader starts again.

        Raises Fenced when another trader has the account. While the database is away nothing is held and nothing is sent;
        when it is back the account is taken again under a new epoch, and every session recovers from its journal.
        """
        try:
            while not self.stopping.is_set():
                try:
                    async with self._locked() as lock, self._listening():
                        await self._take()
                        self.held.set()
                        await self._rounds(lock)
                except DatabaseAway as error:
                    log.warning("database away", text=str(error))
                    for running in self.running.values():
                        running.control.allow("the database is away: no permit can be read")
                    await asyncio.sleep(RETRY_S)
                finally:
                    self.held.clear()
        finally:
            await self._leave()

    @asynccontextmanager
    async def _locked(self) -> "AsyncIterator[Connection]":
        """Hold the account's lock; connecting and letting go may take seconds, so the store's thread does both."""
        lock = lease.account_lock(self.engine, self.account)
        db = await self.in_thread(lock.__enter__)
        try:
            yield db
        finally:
            with suppress(DatabaseAway):  # then the lock is gone already
                await self.in_thread(lambda: lock.__exit__(None, None, None))

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hear words and switches as they are committed."""
        listener = await self.in_thread(lambda: Listener(self.engine, self.hear))
        listener.attach()
        try:
            yield
        finally:
            listener.detach()
            await asyncio.to_thread(listener.close)

    def hear(self, said: dict[str, Any]) -> None:
        """Take a notification: a kill or a pause holds from this moment; whatever it is, the next round comes at once."""
        if said.get("switch") in {"kill", "pause"} and said.get("on") is True:
            why = str(said.get("reason") or said["switch"])
            self.heard[said["switch"]] = why
            self._set_switches(*((why, self.pause) if said["switch"] == "kill" else (self.kill, why)))
        self.stirred.set()

    async def _rounds(self, lock: "Connection") -> None:
        while not self.stopping.is_set():
            await self.in_thread(lambda: _ask(lock))
            self.stirred.clear()
            await self._round()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stirred.wait(), POLL_S)

    async def _take(self) -> None:
        def work() -> int:
            with database.begin(self.engine) as db:
                return lease.take(db, self.account, self.holder, code_hash(), int(LEASE_TTL_S * 1000), int(time.time() * 1000))

        started = monotonic_ms() / 1_000
        self.epoch = await self.in_thread(work)
        self.lease_ok_until = started + LEASE_TTL_S
        log.info("trader took its account", account=self.account, epoch=self.epoch)

    async def _round(self) -> None:
        await self.desk.answer()  # before reading: a word that was read and is answered meanwhile would be handed out again
        started = monotonic_ms() / 1_000
        self.heard.clear()
        found, allowed = await self.in_thread(self._read)
        self.lease_ok_until = started + LEASE_TTL_S
        self._set_switches(*(found.switches.get(name) or self.heard.get(name, "") for name in ("kill", "pause")))
        for row in found.sessions:
            if row.session_id not in self.running:
                self._start(row)
            control = self.running[row.session_id].control
            control.allow(allowed[row.session_id])
            if row.from_ms:
                control.until_ms, control.granted_ms = row.until_ms, row.granted_ms
        self.desk.pass_on(self.left())
        for word in found.words:
            await self.desk.obey(word, WallClock().now_ms())
        for session_id in [s for s, running in self.running.items() if running.task.done()]:
            self.running.pop(session_id)

    def _start(self, row: sessions.SessionRow) -> None:
        control = Control(
            self.kill, self.lease_ok, self.sentinel, self.pause, self.pause_sentinel, granted_ms=row.granted_ms, mode=row.mode,
            stage=row.stage, sandbox=row.venue == "sandbox", epoch=self.epoch_held,
            ceiling=ceiling_of(row.venue), wall_ms=WallClock().now_ms, left=self.left,
        )  # fmt: skip
        self.running[row.session_id] = Running(control, asyncio.create_task(self._guarded(row, control)))

    def _read(self) -> tuple[rounds.Round, dict[str, Allowed | str]]:
        """Return what the database says now; permits that cannot be read are why nothing new may be risked."""
        with database.begin(self.engine) as db:
            found = rounds.read_round(db, self.account, self.epoch, int(LEASE_TTL_S * 1000), WallClock().now_ms())
        try:
            allowed = rounds.read_allowed(self.engine, found.sessions)
        except DatabaseAway:
            raise
        except StoreError as error:
            log.warning("permits cannot be read", text=str(error))
            return found, {row.session_id: str(error) for row in found.sessions}
        return found, {session_id: Allowed(*parts) for session_id, parts in allowed.items()}

    def _set_switches(self, kill: str, pause: str) -> None:
        self.kill, self.pause = kill, pause
        for running in self.running.values():
            running.control.kill, running.control.pause = kill or running.killed, pause

    async def _guarded(self, row: sessions.SessionRow, control: Control) -> None:
        """Run one session; when the database comes back it is recovered from its journal, and other errors end it loudly."""
        while True:
            await self.held.wait()
            epoch = self.epoch
            try:
                row = await self.in_thread(partial(self._load, row.session_id))
                assert self.run_session is not None, "a trader is given what runs its sessions"
                await self.run_session(row, control, epoch)
            except DatabaseAway as error:
                log.warning("session waits for the database", session=row.session_id, text=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            except Fenced:
                if epoch != self.epoch or not self.held.is_set():
                    continue
                log.exception("another trader took the account")
                self.stopping.set()
                return
            except GatehouseError as error:
                if isinstance(error, VenueUnavailable) and (row.from_ms or control.from_ms):  # what it holds there may not be forgotten
                    log.warning("session waits for its exchange", session=row.session_id, text=str(error))
                    await asyncio.sleep(VENUE_RETRY_S)
                    continue
                log.exception("session failed", session=row.session_id)
                await self._fail(row.session_id, str(error))
                return
            except Exception as error:
                log.exception("session failed", session=row.session_id)
                await self._fail(row.session_id, f"{type(error).__name__}: {error}")
                raise
            return

    def _load(self, session_id: str) -> sessions.SessionRow:
        with database.begin(self.engine) as db:
            return sessions.load_session(db, session_id)

    async def _fail(self, session_id: str, text: str) -> None:
        self.teller.tell(failed(session_id, text))

        def work() -> None:
            with database.begin(self.engine) as db:
                sessions.set_status(db, session_id, SessionStatus.FAILED, error=text[:1000])

        await self.in_thread(work)

    async def _leave(self) -> None:
        for running in self.running.values():
            running.task.cancel()
        await asyncio.gather(*(r.task for r in self.running.values()), return_exceptions=True)
        self.teller.close()
        self.thread.shutdown()
        self.engine.dispose()


def _ask(lock: "Connection") -> None:
    """Raise DatabaseAway when the connection that holds the lock is gone: then so is the lock."""
    with database.translated():
        lock.exec_driver_sql("select 1")
