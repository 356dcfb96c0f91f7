"""A simulated trader: runs the product's `step` as the real shell does, on virtual time, and dies wherever the plan says.

Records become durable before Submit, CancelOrder and Continue are carried out; other effects may run ahead of the disk.
What the process holds in memory dies with it; what is on the wire and in its spool does not. It holds the account by a lock and a
lease, loses both with the database, watches over what it sent until that is back, and may be stopped for a while without noticing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from simulation.asking import Asking
from simulation.away import Away, Crash, merging
from simulation.books import Books
from simulation.faults import Fault
from simulation.home import Home
from simulation.journal import LEASE_TTL_MS
from simulation.messages import Messages
from simulation.plans import ABOUT_TO, DATABASE_GONE, HAS_LEFT, source
from trader_core.model.command import Command
from trader_core.model.errors import DatabaseAway, Fenced
from trader_core.model.session import Side
from trader_core.trader import events as ev
from trader_core.trader import machine
from trader_core.venues.port import Outcome, Reply, SendRequest, VenueOrder

if TYPE_CHECKING:
    from simulation.world import World
    from trader_core.trader.records import Record
    from trader_core.trader.state import State

LEASE_MARGIN_MS = 2_000
RETRY_MS = 1_000
TIMEOUT_MS = 10_000
"""So long a request is waited for."""
SKEW_MS_MAX = 700
SKEW_STEP_MS = 2 * SKEW_MS_MAX + 1


class Process:
    """One session's process, which is started again each time that it dies."""

    def __init__(self, world: "World", name: str) -> None:
        """Be down; `start` starts it."""
        self.world, self.name = world, name
        self.clock, self.faults, self.venue, self.journal, self.checker = (
            world.clock, world.faults, world.venue, world.journal, world.checker,
        )  # fmt: skip
        self.books = Books(world.checker)
        self.asking = Asking(self)
        self.skew_ms = world.between(-SKEW_MS_MAX, SKEW_MS_MAX)
        self.wall_step_ms = 0
        self.alive = self.waiting = False
        self.away: Away | None = None
        self.home = Home(world.checker.spools, source(world.plan.seed, f"home of {name}"))
        self.state: State = world.journal.fold()
        self.messages = Messages()
        self.buffer: list[Record] = []
        self.taken: set[int] = set()
        """The operators' words that this life of the process has taken."""
        self.steps = self.generation = self.epoch = self.lease_until_ms = self.paused_until_ms = 0
        self.head = b""
        self.suspect: tuple[str, ...] = ()
        self.unpermitted, self.blocks = "", set[int]()
        self._perform: dict[type, Callable[[Any], None]] = {
            ev.Continue: self._continue,
            ev.Submit: self._submit,
            ev.Look: self.asking.look,
            ev.CancelOrder: self.asking.cancel,
            ev.FetchTrades: self.asking.fetch_trades,
            ev.ProveTrades: self.asking.prove_trades,
            ev.ProveAbsence: self.asking.prove_absence,
            ev.Examine: self.asking.examine,
            ev.Alert: lambda _: None,
        }

    def now_ms(self) -> int:
        """Return the process's idea of the venue's time."""
        return self.clock.now_ms + self.skew_ms

    def wall_ms(self) -> int:
        """Return the machine's own clock, which people and time servers set; nothing that trades may depend on it."""
        return self.clock.now_ms + self.wall_step_ms

    def upset(self, kind: Fault, for_ms: int) -> None:
        """Be stopped for a while, or have the machine's clock set."""
        if kind is Fault.PAUSED:
            self.paused_until_ms = max(self.paused_until_ms, self.clock.now_ms + for_ms)
        elif kind is Fault.CLOCK_STEP:
            self.wall_step_ms += for_ms
            self.skew_ms = for_ms % SKEW_STEP_MS - SKEW_MS_MAX

    def start(self) -> None:
        """Take the account and go on from what is durable, or wait until it can be taken."""
        epoch = self.journal.take(self.name)
        self.waiting = epoch is None
        if epoch is None:
            return
        self.buffer, self.epoch, self.taken, self.suspect = [], epoch, set(), ()
        self.lease_until_ms, self.head = self.clock.now_ms + LEASE_TTL_MS, self.journal.head
        self.state, self.messages = self.journal.recover(), Messages()
        self.books.restart(self.journal.records())
        if self.away is not None or self.home.data:
            merging(self)
            return
        self.begin()

    def begin(self) -> None:
        """Go on trading: the journal has what was done while the database was away."""
        self.alive, self.away = True, None
        self.handle(ev.Boot(self.now_ms(), self.epoch, self.name))

    def handle(self, event: ev.Event) -> None:
        """Step the machine with an event, check, and carry out what it asks for; the process may die on the way."""
        if not self.alive:
            return
        self._lose_database(Fault.DATABASE_LOST)
        due = self._due(event) if type(event) is ev.SendDue else []
        self.messages.before(self.books, event)
        records, effects = machine.step(self.state, event)
        self.steps += 1
        self.buffer.extend(records)
        self.checker.stepped(self, event, records, due)
        self.messages.after(self.books, event, records, self.state.tally)
        self._carry(effects, flush=not effects or type(event) is ev.Operator or self.world.chance() < 0.5)  # noqa: PLR2004 - one in two

    def _due(self, event: ev.SendDue) -> list[str]:
        return [cid for cid in event.client_order_ids if self.books.states[cid] == "INTENT"]

    def _carry(self, effects: Sequence[ev.Effect], *, flush: bool) -> None:
        """Carry effects out, one after the other; what is left waits while the process is stopped."""
        try:
            for at, effect in enumerate(effects):
                if self.clock.now_ms < self.paused_until_ms:
                    self.clock.at(self.paused_until_ms, self.mine(partial(self._carry, effects[at:], flush=flush)))
                    return
                self.point()
                self._perform[type(effect)](effect)
            if flush:
                self.flush()
        except Crash as crash:
            self.die(crash.down_ms)
        except (DatabaseAway, Fenced):
            self.lose()

    def flush(self) -> None:
        """Make what was written so far durable, or die trying."""
        if not self.buffer:
            return
        self.point(Fault.COMMIT_FAILED)
        head = self.journal.commit(self.buffer, self.state, self.epoch, self.head)
        self.checker.committed(self.buffer, self.epoch)
        if self._lose_database(Fault.LOST_IN_COMMIT):
            raise DatabaseAway("an answer to the commit", "none", "wait")
        self.head, self.buffer = head, []
        self.point(Fault.COMMIT_UNANSWERED)

    def _lose_database(self, kind: Fault) -> bool:
        """Have the database go away here, where the plan says so."""
        for_ms = self.faults.strike(kind)
        if for_ms is not None:
            self.journal.go_away(for_ms)
            self.world.stirred(DATABASE_GONE)
        return for_ms is not None

    def point(self, kind: Fault = Fault.CRASH) -> None:
        """A place where the process may die."""
        self.world.points += 1
        down_ms = self.faults.strike(kind)
        if down_ms is None:
            down_ms = self.faults.strike(Fault.CRASH_AT)
        if down_ms is not None:
            raise Crash(down_ms)

    def die(self, down_ms: int) -> None:
        """Lose all that is not durable, and start again after some time."""
        self.world.crashes += 1
        self.journal.leave(self.name)
        self.away = None
        self._end(down_ms)

    def lose(self) -> None:
        """Throw the state away and take the account again: another trader has it, or the database is away, and what was sent is watched."""
        self.world.losses += 1
        if not self.journal.away:
            self.journal.leave(self.name)
            self.away = None
        elif self.alive:
            self.away = Away(self)
        self._end(RETRY_MS)

    def _end(self, after_ms: int) -> None:
        if self.head == self.journal.head:  # else another one went on, and what this one held is history
            self.checker.folded(self.state, self.buffer)
        self.generation += 1
        self.alive = False
        generation = self.generation
        self.clock.after(after_ms, lambda: None if self.alive or generation != self.generation else self.start())

    def mine(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return the action of this life of the process: it does not outlive it, and waits while the process is stopped."""
        generation = self.generation

        def act() -> None:
            if not self.alive or generation != self.generation:
                return
            if self.clock.now_ms < self.paused_until_ms:
                self.clock.at(self.paused_until_ms, act)
                return
            action()

        return act

    def later(self, delay_ms: int, event: Callable[[], ev.Event]) -> None:
        """Hand an event to this process after a delay."""
        self.clock.after(delay_ms, self.mine(lambda: self.handle(event())))

    def _continue(self, effect: ev.Continue) -> None:
        self.flush()
        self.world.stirred(ABOUT_TO)
        slow_ms = self.faults.strike(Fault.SLOW_TO_SEND)
        self.later(self.world.between(0, 20) if slow_ms is None else slow_ms, lambda: ev.SendDue(effect.client_order_ids, self.now_ms()))

    def _submit(self, effect: ev.Submit) -> None:
        self.flush()
        for_ms = self.faults.strike(Fault.PAUSED_SENDING)
        if for_ms is not None:
            self.paused_until_ms = max(self.paused_until_ms, self.clock.now_ms + for_ms)
        if self.clock.now_ms < self.paused_until_ms:
            self.clock.at(self.paused_until_ms, self.mine(lambda: self.send(effect.request)))
            return
        self.send(effect.request)

    def awaits(self, word: ev.Operator) -> bool:
        """Return whether an operator's word was not taken yet."""
        return word.command_id not in self.taken and not self.world.journal.heard(word.command_id)

    def gate(self, request: SendRequest) -> str:
        """Return why an order may not leave, or an empty text: asked at the last moment, as the real shell's gate asks."""
        if self.clock.now_ms >= self.lease_until_ms - LEASE_MARGIN_MS:
            return "the lease ran out"
        waits = any(word.command is Command.KILL and self.awaits(word) for word in self.world.inbox)
        said = machine.withheld(self.state, request.client_order_id, self.world.killed, waits=waits)
        if not said and request.side is Side.BUY:
            index = self.state.index_of(request.symbol)
            said = self.unpermitted or ("blocked" if index in self.blocks else "")
        return said

    def send(self, request: SendRequest) -> None:
        """Write a request to the wire, if the last gate lets it pass."""
        refused = self.gate(request)
        if refused:
            self._answer(request, Reply(Outcome.GATED, evidence=refused), 0)
            return
        self.checker.leaves(self, request)
        self.world.stirred(HAS_LEFT)
        self._lose_database(Fault.LOST_BEHIND_ORDER)
        lost_ms = self.faults.strike(Fault.REQUEST_LOST)
        if lost_ms is None:
            lost_ms = self.faults.strike(Fault.GARBAGE_NOT_PLACED)
        if lost_ms is not None:
            self._answer(request, Reply(Outcome.UNKNOWN, evidence="no answer"), lost_ms)
            return
        self.venue.transit[request.client_order_id] = request
        slow_ms = self.faults.strike(Fault.SLOW_REQUEST)
        waits = slow_ms is None or slow_ms < TIMEOUT_MS
        if not waits:
            self._answer(request, Reply(Outcome.UNKNOWN, evidence="timed out"), TIMEOUT_MS)
        self.clock.after(self.world.between(20, 200) if slow_ms is None else slow_ms, self._arrive(request, waits=waits))

    def _arrive(self, request: SendRequest, *, waits: bool) -> Callable[[], None]:
        generation = self.generation

        def arrive() -> None:
            cid = request.client_order_id
            reply = self.venue.arrive(request, self.clock.now_ms)
            if cid in self.venue.by_cid:
                self.checker.arrived(cid)
            if generation != self.generation or not waits:
                return
            delay = self.world.between(20, 200)
            lost_ms, slow_ms = self.faults.strike(Fault.ANSWER_LOST), self.faults.strike(Fault.SLOW_ANSWER)
            if lost_ms is not None:
                reply, delay = Reply(Outcome.UNKNOWN, evidence="timed out"), lost_ms
            elif self.faults.hit(Fault.GARBAGE_PLACED):
                reply = Reply(Outcome.UNKNOWN, evidence="<html>")
            elif slow_ms is not None:
                delay = slow_ms
            self._answer(request, reply, delay)

        return arrive

    def _answer(self, request: SendRequest, reply: Reply[VenueOrder], delay_ms: int) -> None:
        self.later(delay_ms, lambda: ev.Answered(request.client_order_id, reply, self.now_ms()))
