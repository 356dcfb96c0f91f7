"""Away: a session whose database does not answer. Nothing new is sent; what rests at the venue is watched and, on a kill, cancelled.

Each cancel stands in the spool, on the disk, before it leaves, and so does what the venue says of it. None waits for the store's thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from trader_core.clock import monotonic_ms
from trader_core.model.errors import DatabaseAway, StoreError
from trader_core.trader.control import Control
from trader_core.trader.lost import KILL, Due, Lost, Seen
from trader_core.trader.spool_file import Writer
from trader_core.trader.state import State
from trader_core.venues.port import Venue

log = structlog.get_logger()
Back = TypeVar("Back")
POLL_S = 0.05
RETRY_S = 0.5


@dataclass(slots=True)
class Away:
    """One session from the moment at which its database went away until its journal is read again and holds the spool."""

    state: State
    """As it was in memory: what it says of orders that were never sent is found out by looking."""
    venue: Venue
    now_ms: Callable[[], int]
    control: Control
    writer: Writer
    patience_ms: int
    tell: Callable[[str], None]
    quiet: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the spool is written to, or removed."""
    over: bool = False
    """Whether the spool was merged to its end: nothing more is written to it."""
    _lost: Lost = field(init=False)
    _jobs: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take what may be at the venue."""
        self._lost = Lost(self.state.pending.values(), self.state.protocol.look_backoff_ms, self.state.epoch)

    async def hold(self, recovered: Callable[[int], Awaitable[Back]]) -> Back:
        """Watch and cancel until `recovered`, which is given the epoch that is held, returns, and return what it gave.

        It is tried again while it raises DatabaseAway; what else it raises ends the watch.
        """
        began_ms, back = monotonic_ms(), asyncio.create_task(self._back(recovered))
        try:
            while not back.done():
                await self._round(monotonic_ms() - began_ms)
                await asyncio.wait({back, *self._jobs}, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            return back.result()
        finally:
            for task in (back, *self._jobs):
                task.cancel()
            await asyncio.gather(back, *self._jobs, return_exceptions=True)
            self.writer.close()

    async def _back(self, recovered: Callable[[int], Awaitable[Back]]) -> Back:
        while True:
            epoch = self.control.epoch()
            if epoch:
                try:
                    return await recovered(epoch)
                except DatabaseAway as error:
                    log.warning("the database is still away", session=self.state.session_id, text=str(error))
            await asyncio.sleep(RETRY_S)

    async def _round(self, away_ms: int) -> None:
        """Look at what is due, and cancel it where there is a reason to."""
        killed, words = self.control.killed(), [*self.control.inbox, *self.control.left()]
        lines, due = self._lost.turn(self.now_ms(), Seen(killed, words, away_ms, self.patience_ms))
        if lines and not await self._say(lines):
            return
        if lines and lines[0]["what"] == KILL:
            self.tell(f"killed while the database is away: {killed}")
        for one in due:
            job = asyncio.create_task(self._ask(one))
            self._jobs.add(job)
            job.add_done_callback(self._done)

    async def _say(self, lines: Sequence[dict[str, Any]]) -> bool:
        """Have lines on the disk, or say in the log that they are not; False when the spool was merged and its time is over.

        A full disk keeps no cancel from leaving: what rests at the venue is worse than a line that is missing.
        """
        async with self.quiet:
            if self.over:
                return False
            try:
                await asyncio.to_thread(self.writer.append, lines)
            except StoreError as error:
                log.error("the spool cannot be written", session=self.state.session_id, text=str(error), lines=lines)  # noqa: TRY400
                self.tell(f"the spool cannot be written, and cancels leave without it: {error.found}"[:300])
            return True

    async def _ask(self, due: Due) -> None:
        """Cancel or look, keep what the venue said, and after a cancel look what became of the order."""
        try:
            if due.why:
                await self._keep(due, await self.venue.cancel(due.symbol, due.client_order_id))
            await self._keep(due, await self.venue.order(due.symbol, due.client_order_id))
        finally:
            self._lost.free(due.client_order_id)

    async def _keep(self, due: Due, reply: Any) -> None:
        line = self._lost.answered(due.client_order_id, reply, self.now_ms())
        if line is not None:
            await self._say([line])

    def _done(self, job: "asyncio.Task[None]") -> None:
        self._jobs.discard(job)
        if not job.cancelled() and job.exception() is not None:
            log.error("looking at an order failed", session=self.state.session_id, why=repr(job.exception())[:300])
