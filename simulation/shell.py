"""The simulated shell: runs the product's `step` as the real shell does, on virtual time, and dies wherever the seed says.

Records become durable before Submit, CancelOrder and Continue are carried out; other effects may run ahead of the disk.
What the process holds in memory dies with it; what is on the wire does not.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulation.checker import Checker
from simulation.faults import Fault, Faults
from simulation.journal import SimJournal
from simulation.market import PROTOCOL, START_MS, Market
from simulation.scheduler import Scheduler
from simulation.venue import SimVenue
from trader_core.trader import events as ev
from trader_core.trader import machine
from trader_core.trader.recovery import opening
from trader_core.venues.port import Outcome, Reply, SendRequest, VenueOrder, VenueTrade

if TYPE_CHECKING:
    from trader_core.trader.records import Record
    from trader_core.trader.state import State

SKEW_MS_MAX = 700
ABOUT_TO_MS, HAS_LEFT_MS = 20, 40
DOWNTIME_MS_MAX = 40_000
TIMEOUT_MS = (5_000, 15_000)


class Crash(Exception):
    """The process dies here."""


class SimShell:
    """One session's process, which is started again each time that it dies."""

    def __init__(self, market: Market, faults: Faults, crash_at: frozenset[int] = frozenset()) -> None:
        """Open the journal and start the process; `crash_at` names points of the run at which it dies."""
        self.market, self.faults, self.crash_at = market, faults, crash_at
        self.clock = Scheduler(START_MS, faults.random)
        self.venue, self.journal = SimVenue(market, faults), SimJournal()
        self.checker = Checker(self.venue, self.journal)
        self.skew_ms = faults.between(-SKEW_MS_MAX, SKEW_MS_MAX)
        self.baseline = {"USDT": str(market.plan.capital // 10**10)}
        self.killed, self.closing = "", False
        self.stirred: Callable[[int], None] = lambda _: None
        """Called when an order is about to leave or has left, with the time within which it matters: chance may be malicious."""
        self.points = self.steps = self.crashes = self.generation = 0
        self.alive = False
        self.buffer: list[Record] = []
        self.journal.append([opening("sim", market.plan, market.instruments, PROTOCOL, START_MS, self.baseline)])
        self.state: State = self.journal.fold()
        self._perform: dict[type, Callable[..., None]] = {
            ev.Continue: self._continue,
            ev.Submit: self._submit,
            ev.Look: self._look,
            ev.CancelOrder: self._cancel,
            ev.FetchTrades: self._fetch_trades,
            ev.ProveAbsence: self._prove_absence,
            ev.Alert: lambda _: None,
        }

    def now_ms(self) -> int:
        """Return the process's idea of the venue's time."""
        return self.clock.now_ms + self.skew_ms

    def boot(self) -> None:
        """Start the process on what is durable."""
        self.alive, self.buffer = True, []
        self.state = self.journal.recover()
        self.checker.restart(self.journal.records())
        self.handle(ev.Boot(self.now_ms(), self.state.epoch + 1, "simulated"))

    def handle(self, event: ev.Event) -> None:
        """Step the machine with an event, check, and carry out what it asks for; the process may die on the way."""
        if not self.alive:
            return
        try:
            records, effects = machine.step(self.state, event)
            self.steps += 1
            self.buffer.extend(records)
            self.checker.stepped(self.state, records)
            for effect in effects:
                self._point()
                self._perform[type(effect)](effect)
            if not effects or self.faults.between(0, 1):
                self.flush()
        except Crash:
            self.die()

    def flush(self) -> None:
        """Make what was written so far durable, or die trying."""
        if not self.buffer:
            return
        self._point(Fault.COMMIT_FAILED)
        self.journal.commit(self.buffer, self.state)
        self.buffer = []
        self._point(Fault.COMMIT_UNANSWERED)

    def _point(self, kind: Fault = Fault.CRASH) -> None:
        """A place where the process may die."""
        self.points += 1
        if self.points in self.crash_at or self.faults.hit(kind):
            raise Crash

    def die(self) -> None:
        """Lose all that is not durable, and start again after some time."""
        self.checker.folded(self.state, self.buffer)
        self.crashes += 1
        self.generation += 1
        self.alive = False
        self.clock.after(self.faults.between(200, DOWNTIME_MS_MAX), self.boot)

    def _mine(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return the action of this process: it does not outlive it."""
        generation = self.generation

        def act() -> None:
            if self.alive and generation == self.generation:
                action()

        return act

    def later(self, delay_ms: int, event: Callable[[], ev.Event]) -> None:
        """Hand an event to this process after a delay."""
        self.clock.after(delay_ms, self._mine(lambda: self.handle(event())))

    def _continue(self, effect: ev.Continue) -> None:
        self.flush()
        self.stirred(ABOUT_TO_MS)
        delay = self.faults.between(0, 3_000) if self.faults.hit(Fault.SLOW_REQUEST) else self.faults.between(0, 20)
        self.later(delay, lambda: ev.SendDue(effect.client_order_ids, self.now_ms()))

    def _submit(self, effect: ev.Submit) -> None:
        self.flush()
        self._leave(effect.request)

    def gate(self, request: SendRequest) -> str:
        """Return why an order may not leave, or an empty text: asked at the last moment."""
        return machine.withheld(self.state, request.client_order_id, self.killed)

    def _leave(self, request: SendRequest) -> None:
        refused = self.gate(request)
        if refused:
            self._answer(request, Reply(Outcome.GATED, evidence=refused), 0)
            return
        self.checker.leaves(self.state, request, killed=bool(self.killed), closing=self.closing)
        self.stirred(HAS_LEFT_MS)
        if self.faults.hit(Fault.REQUEST_LOST) or self.faults.hit(Fault.GARBAGE_NOT_PLACED):
            self._answer(request, Reply(Outcome.UNKNOWN, evidence="no answer"), self.faults.between(*TIMEOUT_MS))
            return
        self.venue.transit[request.client_order_id] = request
        slow = self.faults.hit(Fault.SLOW_REQUEST)
        self.clock.after(self.faults.between(1_000, 9_000) if slow else self.faults.between(20, 200), self._arrive(request))

    def _arrive(self, request: SendRequest) -> Callable[[], None]:
        generation = self.generation

        def arrive() -> None:
            cid = request.client_order_id
            reply = self.venue.arrive(request, self.clock.now_ms)
            if cid in self.venue.by_cid:
                self.checker.arrived(cid)
            if generation != self.generation:
                return
            delay = self.faults.between(20, 200)
            if self.faults.hit(Fault.ANSWER_LOST):
                reply, delay = Reply(Outcome.UNKNOWN, evidence="timed out"), self.faults.between(*TIMEOUT_MS)
            elif self.faults.hit(Fault.GARBAGE_PLACED):
                reply = Reply(Outcome.UNKNOWN, evidence="<html>")
            elif self.faults.hit(Fault.SLOW_ANSWER):
                delay = self.faults.between(1_000, 20_000)
            self._answer(request, reply, delay)

        return arrive

    def _answer(self, request: SendRequest, reply: Reply[VenueOrder], delay_ms: int) -> None:
        self.later(delay_ms, lambda: ev.Answered(request.client_order_id, reply, self.now_ms()))

    def _ask(self, answer: Callable[[int], ev.Event]) -> None:
        """Read the venue after one delay and hand on what it said after another; `answer` gets the time of asking."""
        slow, asked_ms = self.faults.hit(Fault.QUERY_SLOW), self.now_ms()

        def read() -> None:
            event = answer(asked_ms)
            self.later(self.faults.between(10, 9_000 if slow else 150), lambda: event)

        self.clock.after(self.faults.between(10, 9_000 if slow else 150), self._mine(read))

    def _fails(self) -> bool:
        return self.faults.hit(Fault.QUERY_FAILED)

    def _look(self, effect: ev.Look) -> None:
        def answer(asked_ms: int) -> ev.Event:
            reply: Reply[VenueOrder] = Reply(Outcome.RETRYABLE_READ)
            if not self._fails():
                reply = self.venue.order(effect.client_order_id, self.clock.now_ms)
            return ev.Looked(effect.client_order_id, reply, asked_ms)

        self._ask(answer)

    def _trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        return Reply(Outcome.RETRYABLE_READ) if self._fails() else self.venue.trades(symbol, since_ms, self.clock.now_ms)

    def _fetch_trades(self, effect: ev.FetchTrades) -> None:
        self._ask(lambda asked_ms: ev.TradesSeen(effect.symbol, self._trades(effect.symbol, effect.since_ms), asked_ms))

    def _prove_absence(self, effect: ev.ProveAbsence) -> None:
        def answer(asked_ms: int) -> ev.Event:
            opens: Reply[list[VenueOrder]] = Reply(Outcome.RETRYABLE_READ)
            if not self._fails():
                opens = self.venue.open_orders(effect.symbol, self.clock.now_ms)
            return ev.AbsenceEvidence(effect.client_order_id, opens, self._trades(effect.symbol, effect.since_ms), asked_ms)

        self._ask(answer)

    def _cancel(self, effect: ev.CancelOrder) -> None:
        self.flush()

        def cancel() -> None:
            if not self.faults.hit(Fault.CANCEL_LOST):
                self.venue.cancel(effect.client_order_id, self.clock.now_ms)

        self.clock.after(self.faults.between(10, 200), cancel)
        self.clock.after(300, self._mine(lambda: self._look(ev.Look(effect.client_order_id, effect.symbol))))
