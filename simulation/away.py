"""A simulated trader whose database is away: the product's own `Lost` says what is asked and cancelled, its own merge what comes of it.

What the process knows dies with it; its spool, and a cancel that is on the wire, do not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from simulation.faults import Fault
from simulation.journal import SESSION
from trader_core.model.errors import DatabaseAway, Fenced
from trader_core.trader import events as ev
from trader_core.trader import machine
from trader_core.trader.lost import PATIENCE_MS, Due, Lost, Seen
from trader_core.trader.records import Kind
from trader_core.venues.port import Outcome, Reply, VenueOrder

if TYPE_CHECKING:
    from simulation.process import Process

ROUND_MS = 500
MERGE_MS_MAX = 400


class Crash(Exception):
    """The process dies here."""

    def __init__(self, down_ms: int) -> None:
        """Keep how long it stays dead."""
        super().__init__(down_ms)
        self.down_ms = down_ms


class Away:
    """One process from the moment at which it lost the database until its journal holds the spool, or it dies."""

    def __init__(self, process: "Process") -> None:
        """Take what may be at the venue, and begin to watch."""
        self.process, self.clock, self.spools = process, process.clock, process.checker.spools
        state = process.state
        self.lost, self.began_ms = Lost(state.pending.values(), state.protocol.look_backoff_ms, process.epoch), process.clock.now_ms
        self.place = process.journal.number(process.head), process.head, process.epoch
        self.unsure = {record.body["command_id"] for record in process.buffer if record.kind is Kind.OPERATOR}
        """Words that may have become durable: nobody has said so."""
        self.asked: set[str] = set()
        """Orders of which an answer is on its way."""
        self._certain = 0
        """So many of the first words stand in the journal for certain."""
        self.spools.begun(self)
        self.clock.after(0, self.round)

    def words(self) -> list[ev.Operator]:
        """Return what was said and is not certain to stand in the journal."""
        inbox = self.process.world.inbox
        while self._certain < len(inbox) and not self._uncertain(inbox[self._certain]):
            self._certain += 1
        return [word for word in inbox[self._certain :] if self._uncertain(word)]

    def _uncertain(self, word: ev.Operator) -> bool:
        return word.command_id in self.unsure or not self.process.journal.heard(word.command_id)

    def round(self) -> None:
        """Do what is due, each line on the disk before what follows from it; then once more after a while."""
        process = self.process
        if process.away is not self:
            return
        self.clock.after(ROUND_MS, self.round)
        if self.clock.now_ms < process.paused_until_ms:
            return
        seen = Seen(process.world.killed, self.words(), self.clock.now_ms - self.began_ms, PATIENCE_MS)
        lines, due = self.lost.turn(process.now_ms(), seen)
        self._surviving(partial(self._carry, lines, due))
        if process.away is self:
            self.spools.turned(self)

    def _carry(self, lines: Sequence[dict[str, Any]], due: Sequence[Due]) -> None:
        if lines:
            self.say(lines)
        for one in due:
            self.process.point(Fault.CRASH_AWAY)
            self.asked.add(one.client_order_id)
            if one.why:
                self.spools.cancels(self, one.client_order_id)
                self.clock.after(self.process.world.between(10, 200), partial(self._cancel, one.client_order_id))
            else:
                self._look(one.client_order_id)

    def say(self, lines: Sequence[dict[str, Any]]) -> None:
        """Have lines on the disk; a process that dies as it writes leaves a part of them."""
        try:
            self.process.point(Fault.CRASH_AWAY)
        except Crash:
            self.process.home.append(self.place, lines, torn=True)
            raise
        self.process.home.append(self.place, lines)
        self.process.point(Fault.CRASH_AWAY)

    def _surviving(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Crash as crash:
            self.process.die(crash.down_ms)

    def _mine(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return the action of this time away: it does not outlive it, and waits while the process is stopped."""

        def act() -> None:
            if self.process.away is not self:
                return
            if self.clock.now_ms < self.process.paused_until_ms:
                self.clock.at(self.process.paused_until_ms, act)
                return
            self._surviving(action)

        return act

    def _cancel(self, cid: str) -> None:
        """Have a cancel arrive, and its answer leave; both outlive the process."""
        reply: Reply[VenueOrder] = Reply(Outcome.UNKNOWN)
        if not self.process.faults.hit(Fault.CANCEL_LOST):
            self.process.venue.cancel(cid, self.clock.now_ms)
            reply = self.process.venue.order(cid, self.clock.now_ms)
        self._answer(cid, reply, self.process.world.between(10, 150), then=self._look)

    def _look(self, cid: str) -> None:
        slow_ms = self.process.faults.strike(Fault.QUERY_SLOW) or 150

        def read() -> None:
            reply: Reply[VenueOrder] = Reply(Outcome.RETRYABLE_READ)
            if not self.process.faults.hit(Fault.QUERY_FAILED):
                reply = self.process.venue.order(cid, self.clock.now_ms)
            self._answer(cid, reply, self.process.world.between(10, slow_ms))

        self.clock.after(self.process.world.between(10, slow_ms), self._mine(read))

    def _answer(self, cid: str, reply: Reply[VenueOrder], delay_ms: int, then: Callable[[str], None] | None = None) -> None:
        """Keep what the venue said, some time later, and go on with the order, or let it be asked about again."""

        def keep() -> None:
            line = self.lost.answered(cid, reply, self.process.now_ms())
            self.spools.answered(self, cid, well=reply.outcome is Outcome.OK)
            if line is not None:
                self.say([line])
            if then is not None:
                then(cid)
                return
            self.lost.free(cid)
            self.asked.discard(cid)

        self.clock.after(delay_ms, self._mine(keep))


def merging(process: "Process") -> None:
    """Bring the spool's lines into the journal in a while, until there are none; then the session begins."""
    generation = process.generation

    def act() -> None:
        if process.generation != generation:
            return
        if process.clock.now_ms < process.paused_until_ms:
            process.clock.at(process.paused_until_ms, act)
            return
        try:
            begins = not _merge(process)
        except Crash as crash:
            process.die(crash.down_ms)
        except (DatabaseAway, Fenced):
            process.lose()
        else:
            (process.begin if begins else partial(merging, process))()

    process.clock.after(process.world.between(0, MERGE_MS_MAX), act)


def _merge(process: "Process") -> bool:
    """Make the lines durable that the journal does not have; False where there are none, and the file is removed."""
    process.point(Fault.CRASH_AWAY)
    found, journal = process.home.load(), process.journal
    lines = found.behind(process.state.spooled) if found is not None else ()
    if found is None or not lines:
        if found is not None:
            process.home.remove()
            process.point(Fault.CRASH_AWAY)
        return False
    there = journal.hashes[found.seq - 1] == found.head and found.session_id == SESSION
    process.checker.need(there, "I27", "the spool {} does not follow record {}", found.name, found.seq)
    event = ev.Spooled(found.name, found.epoch, lines)
    records, _ = machine.step(process.state, event)
    process.steps += 1
    process.buffer.extend(records)
    process.checker.stepped(process, event, records, [])
    process.checker.spools.merged(process, event)
    process.flush()
    process.point(Fault.CRASH_AWAY)
    return True
