"""Opening: from a requested row to a running session, and from a journal back to one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from trader_core.model.alert import Alert
from trader_core.model.bar import slot_of, timeframe_ms
from trader_core.model.errors import DatabaseAway, Fenced, GatehouseError, SessionHalted, VenueUnavailable
from trader_core.model.money import to_text
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.store import database, sessions, streams
from trader_core.trader import books, key_check
from trader_core.trader.away import Away
from trader_core.trader.bounds import protocol_of, require_stops
from trader_core.trader.code import code_hash
from trader_core.trader.control import Control
from trader_core.trader.doors import closed, door, patience_ms
from trader_core.trader.durable import Durable
from trader_core.trader.examine import examine, statistics
from trader_core.trader.freezing import answer, frozen
from trader_core.trader.meter import Meter
from trader_core.trader.permitted import permitted, require_modest_key
from trader_core.trader.recovery import opening
from trader_core.trader.returning import Returned, back, merged, not_overtaken
from trader_core.trader.sameness import same_account, same_plan
from trader_core.trader.shell import Shell
from trader_core.trader.spool_file import Writer
from trader_core.trader.state import State, digest, opened
from trader_core.trader.telling import failed, log_only, said
from trader_core.trader.vitals import watch_over
from trader_core.venues.door import OrdersAllowed
from trader_core.venues.link import Link, connect, leave_clock, turn_file
from trader_core.venues.port import SendRequest
from trader_core.venues.sandbox_clock import SteppedClock
from trader_core.venues.turn import turn

if TYPE_CHECKING:
    from trader_core.store.database import Engine

log = structlog.get_logger()

LEADER_POLL_S = 0.1


@dataclass(slots=True)
class Opener:
    """Runs one session after the other for a trader; it holds no state of its own."""

    engine: "Engine"
    thread: ThreadPoolExecutor
    home: Path
    timeout_s: float = 10.0
    switch: str = "this trader was not told that it may place real orders"
    """Why the environment places no order on a real venue; empty: it does (Settings.orders_withheld)."""
    tell: Callable[[Alert], None] = log_only
    """Where alerts go; never waited for."""
    streams: bool = True
    """Whether feeds listen where their venue has streams; otherwise they ask by REST alone."""

    async def __call__(self, row: sessions.SessionRow, control: Control, epoch: int) -> None:
        """Run a session to its end; raises GatehouseError when it cannot go on."""
        durable = self._durable(row, row.account, epoch)
        state = await durable.read()
        if state is not None:
            not_overtaken(state, epoch)
            await merged(self.home, durable, state, self.tell)
        if state is not None and state.closed:
            await leave_clock(self.home, row.session_id)
            await self._finish(row, state)
            return
        # One that runs beside another shares its clock, and takes no turn of its own.
        file = None if row.beside else turn_file(self.home, row.venue)
        try:
            async with turn(file, row.session_id), permitted(row, self.switch, self._in_thread) as orders_allowed:
                await self._run(row, control, epoch, durable, state, orders_allowed)
        except (DatabaseAway, Fenced):
            raise  # it comes back, and is waited for
        except VenueUnavailable:
            if not row.from_ms and not control.from_ms:  # it fails for good (process._guarded): nobody may wait for it
                await leave_clock(self.home, row.session_id)
            raise
        except (GatehouseError, AssertionError):
            await leave_clock(self.home, row.session_id)
            raise

    async def _run(
        self, row: sessions.SessionRow, control: Control, epoch: int, durable: Durable, state: State | None, orders_allowed: OrdersAllowed
    ) -> None:
        shells: list[Shell] = []

        def may_send(request: SendRequest) -> str | None:
            return shells[0].gate(request) if shells else "the session is not running yet"

        private = row.mode is not SessionMode.PAPER
        await self._leader(row)
        link = await connect(
            row.venue, self.home, row.plan.symbols, row.plan.timeframe, may_send, private=private, timeout_s=self.timeout_s,
            orders_allowed=orders_allowed, streams=self.streams,
        )  # fmt: skip
        durable.book = f"{row.account}@{link.identity}" if row.mode is SessionMode.STAGE else row.account
        try:
            if state is None:
                state = await self._open(row, link, durable)
            same_plan(row.session_id, row.plan, state)
            same_account(row, state, link)
            link.gateway.use(state.instruments)
            here = Returned(durable, state, epoch)
            while not here.state.closed:
                try:
                    await self._session(row, control, here, link, shells)
                except DatabaseAway as error:
                    here = await self._away(row, control, here, link, shells, error)
            # First, so that a trader which dies in between leaves a row that is opened again, and nobody waits for ever.
            await leave_clock(self.home, row.session_id)
            await self._finish(row, here.state)
        finally:
            await closed(link)

    async def _session(self, row: sessions.SessionRow, control: Control, here: Returned, link: Link, shells: list[Shell]) -> None:
        """Run a session from its journal's end to its own; raises DatabaseAway when it cannot be known what is durable."""
        state = here.state
        meter = Meter(await self._in_thread(lambda db: _stored(db, row.session_id)), skew_ms_max=link.skew_ms)
        venue, feed = door(row.mode, state, link, meter)
        row = await self._placed(row, state)
        await self._share(row, link)
        control.from_ms, control.until_ms, control.granted_ms = row.from_ms, row.until_ms, row.granted_ms
        control.end = row.stop_policy
        if "stopping" in state.flags and control.stop is None:  # another process took that word
            control.stop = row.stop_policy
        await self._in_thread(lambda db: sessions.set_status(db, row.session_id, SessionStatus.RUNNING))
        shell = Shell(state, here.durable, venue, feed, control, meter)
        shell.keep, control.shell = partial(self._keep, row.session_id), shell
        shell.tell, shell.pulse = self.tell, link.pulse
        shells.append(shell)
        await self._watched(shell, row, here.epoch, link)

    async def _away(
        self, row: sessions.SessionRow, control: Control, here: Returned, link: Link, shells: list[Shell], error: DatabaseAway
    ) -> Returned:
        """Stay with the venue while the database is away, and return what its journal says afterwards."""
        log.warning("session waits for the database", session=row.session_id, text=str(error))
        venue = shells[0].venue if shells else door(row.mode, here.state, link, Meter())[0]
        shells.clear()  # nothing passes the last gate
        writer = Writer(self.home, row.session_id, *here.durable.end, here.epoch)
        tell = partial(self._say, row.session_id)
        away = Away(here.state, venue, link.feed.now_ms, control, writer, patience_ms(row.mode), tell)
        return await away.hold(partial(back, self.home, away, partial(self._durable, row, here.durable.book), self.tell))

    def _say(self, session_id: str, text: str) -> None:
        self.tell(said(session_id, text))

    def _durable(self, row: sessions.SessionRow, book: str, epoch: int) -> Durable:
        """Return a session's way to the database under an epoch."""
        made = Durable(self.engine, self.thread, row.session_id, row.account, epoch, self.home)
        made.book = book
        return made

    async def _watched(self, shell: Shell, row: sessions.SessionRow, epoch: int, link: Link) -> None:
        """Run a shell to its end, and keep how its streams are beside it."""

        async def keep(rows: Sequence[streams.StreamRow]) -> None:
            await self._in_thread(lambda db: streams.save_streams(db, row.session_id, rows))

        beside = [asyncio.create_task(watch_over(link.pulse, link.feed.now_ms, keep, self.tell, row.session_id))]
        if row.mode is SessionMode.STAGE:
            beside.append(asyncio.create_task(key_check.watch(link, shell.control)))
        try:
            await shell.run(epoch, row.account, code_hash())
        finally:
            for task in beside:
                task.cancel()

    async def _in_thread(self, work: Any) -> Any:
        def run() -> Any:
            with database.begin(self.engine) as db:
                return work(db)

        return await asyncio.get_running_loop().run_in_executor(self.thread, run)

    async def _keep(self, session_id: str, values: Mapping[str, int]) -> None:
        """Store what the meter shows."""
        await self._in_thread(lambda db: sessions.save_statistics(db, session_id, values))

    async def _leader(self, row: sessions.SessionRow) -> None:
        """Wait until the session beside which this one runs has its place in time; raises SessionHalted when it ended without one."""
        if not row.beside:
            return
        while True:
            leader = await self._in_thread(lambda db: sessions.load_session(db, row.beside))
            if leader.from_ms:
                return
            if leader.status in sessions.ENDED:
                raise SessionHalted(f"{row.beside} to open", f"{leader.status}: {leader.error[:200]}", "start both again")
            await asyncio.sleep(LEADER_POLL_S)

    async def _share(self, row: sessions.SessionRow, link: Link) -> None:
        """Move a stepped clock together with the sessions that run beside this one."""
        if not isinstance(link.clock, SteppedClock):
            return
        members = await self._in_thread(lambda db: sessions.side_by_side(db, row.session_id))
        if len(members) > 1:
            link.clock.share(row.session_id, members)

    async def _open(self, row: sessions.SessionRow, link: Link, durable: Durable) -> State:
        """Freeze instruments and baseline, and write the first record."""
        row.plan.require_tradable()
        require_stops(row.plan, link.profile)
        step_ms, now = timeframe_ms(row.plan.timeframe), await self._begins(row, link)
        instruments = await frozen(row, link, step_ms, now)
        baseline = {instruments[0].quote: to_text(row.plan.capital)}
        if row.mode is SessionMode.STAGE:
            await self._alone(row)
            await require_modest_key(link)
            baseline = books.totals(await answer(link.gateway.balances, "balances"))
        protocol = protocol_of(link.profile, row.plan, real_orders=row.mode is SessionMode.STAGE)
        from_ms = slot_of(now, step_ms)
        identity = link.identity if row.mode is SessionMode.STAGE else ""
        record = opening(row.session_id, row.plan, instruments, protocol, from_ms, baseline, identity)
        state = opened(record.body)
        await durable.commit([record], state)
        return state

    async def _begins(self, row: sessions.SessionRow, link: Link) -> int:
        """Return the venue's time at which the session begins: that of the one beside which it runs, while that is still near."""
        now = link.feed.now_ms()
        if not row.beside:
            return now
        leader = await self._in_thread(lambda db: sessions.load_session(db, row.beside))
        return int(leader.from_ms) if now - leader.from_ms < 2 * timeframe_ms(row.plan.timeframe) else now

    async def _placed(self, row: sessions.SessionRow, state: State) -> sessions.SessionRow:
        """Return the row as it stands, with its place in time: a crash behind the first record may have left it without."""

        def work(db: Any) -> sessions.SessionRow:
            found = sessions.load_session(db, row.session_id)
            if not found.from_ms:
                begin = state.next_slot_ms
                sessions.save_opening(db, row.session_id, begin, begin + found.until_ms, state.instruments)
            return sessions.load_session(db, row.session_id)

        placed: sessions.SessionRow = await self._in_thread(work)
        return placed

    async def _alone(self, row: sessions.SessionRow) -> None:
        """Raise SessionHalted when another session trades this account: nobody could tell the money of two apart."""
        active = [SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING]
        found = await self._in_thread(lambda db: sessions.sessions_of(db, row.account, active))
        ids = [other.session_id for other in found if other.mode is SessionMode.STAGE]
        others = [o for o in found if o.session_id in ids and (o.from_ms or ids.index(o.session_id) < ids.index(row.session_id))]
        if others:
            raise SessionHalted(f"the account {row.account} for this session alone", others[0].session_id, "stop that one first")

    async def _finish(self, row: sessions.SessionRow, state: State) -> None:
        result = {
            "equity": int(state.account["equity"][0]),
            "kept": {x.symbol: state.position(i) for i, x in enumerate(state.instruments) if state.position(i)},
            "anomalies": state.anomalies,
            "boots": state.boots,
            "orders": len(state.orders),
        }
        halted = bool(state.pending)
        if halted:
            self.tell(failed(row.session_id, f"{len(state.pending)} orders are unresolved: look at the venue", halted=True))
        status = SessionStatus.HALTED if halted else SessionStatus.FINISHED

        def work(db: Any) -> None:
            sessions.save_progress(db, row.session_id, state.next_slot_ms, digest(state))
            sessions.save_statistics(db, row.session_id, statistics(examine(db, row.session_id)))
            sessions.set_status(db, row.session_id, status, result=result)

        def examined() -> None:
            with database.begin_long(self.engine) as db:
                work(db)

        # Not on the store's thread: folding a month takes longer than the lease, and other sessions need that thread to keep it.
        await asyncio.to_thread(examined)


def _stored(db: Any, session_id: str) -> dict[str, int]:
    return {name: int(value) for name, value in sessions.load_statistics(db, session_id).items()}
