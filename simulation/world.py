"""One run: a seed becomes a market, faults and operators; the safety phase, then the calm, in which everything must end."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import partial

from simulation.checker import Violation
from simulation.faults import Fault, Faults
from simulation.market import START_MS, STEP_MS, market
from simulation.shell import ABOUT_TO_MS, HAS_LEFT_MS, SimShell
from trader_core.model.command import Command
from trader_core.model.errors import ChainBroken, IllegalMove
from trader_core.trader import books
from trader_core.trader import events as ev
from trader_core.trader.records import Kind

SLOTS = 40
TICK_MS, POLL_MS = 1_000, 250
GRACE_MS = 500
CALM_MS = 900_000
RECONCILE_MS, RECONCILE_SOON_MS = 120_000, 5_000
COMMANDS = {
    Fault.KILL: Command.KILL, Fault.PAUSE: Command.PAUSE, Fault.CANCEL_ALL: Command.CANCEL_ALL, Fault.CLOSE_ALL: Command.CLOSE_ALL,
}  # fmt: skip
COMMAND_TICKS, COMMAND_TICKS_BUSY = 600, 40
"""An operator's chance comes on average once in so many ticks; more often while an order is on its way, when it hurts."""


RESUMABLE = frozenset({"pause", "restricted", "dead_letter"})
RESUME_TICKS, RESUME_TICKS_KILLED = 150, 2_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run was: its size, its faults, the digest of all that happened, and the violation that ended it, if any."""

    seed: int
    steps: int
    points: int
    orders: int
    fills: int
    crashes: int
    checks: int
    faults: Counter[Fault]
    digest: str
    violation: Violation | None


class World:
    """The surroundings of the process: time, operators and the phases of one run."""

    def __init__(
        self, seed: int, slots: int = SLOTS, crash_at: frozenset[int] = frozenset(), without: frozenset[Fault] = frozenset()
    ) -> None:
        """Draw everything from the seed."""
        self.seed, self.slots = seed, slots
        self.faults = Faults(seed, without)
        self.shell = SimShell(market(self.faults, slots), self.faults, crash_at)
        self.inbox: list[ev.Operator] = []
        self._said, self._ambushed = 0, False
        self._ambush_ms = START_MS + self.faults.between(slots // 8, slots) * STEP_MS
        self._ambush_within_ms = (ABOUT_TO_MS, HAS_LEFT_MS)[self.faults.between(0, 1)]
        self.shell.stirred = self._ambush
        self._next_reconcile_ms = 0

    def run(self) -> Outcome:
        """Run both phases; a violation ends the run and is returned."""
        shell, violation = self.shell, None
        try:
            shell.boot()
            shell.clock.after(TICK_MS, self._tick)
            end_ms = START_MS + (self.slots + 2) * STEP_MS
            shell.clock.run(end_ms)
            self._calm()
            shell.clock.run(end_ms + CALM_MS)
            shell.checker.folded(shell.state, shell.buffer)
            shell.checker.calm(shell.state)
        except Violation as found:
            violation = found
        except ChainBroken as broken:
            violation = Violation("I6", str(broken))
        except IllegalMove as illegal:
            violation = Violation("I13", str(illegal))
        return self._outcome(violation)

    def _ambush(self, within_ms: int) -> None:
        """Say kill just before or after an order leaves, once, where the seed has kills."""
        ripe = self.shell.clock.now_ms > self._ambush_ms and within_ms == self._ambush_within_ms
        if ripe and not self._ambushed and self.faults.on(Fault.KILL):
            self._ambushed = True
            self.faults.counts[Fault.KILL] += 1
            self.shell.clock.after(self.faults.between(0, within_ms), partial(self._say, Command.KILL))

    def _calm(self) -> None:
        """Stop all faults and restart once; after a kill resting orders end only by our cancel."""
        shell = self.shell
        self.faults.calm = True
        if shell.alive:
            shell.die()
        if not shell.killed:
            shell.venue.pass_time(shell.clock.now_ms, end_resting=True)

    def _outcome(self, violation: Violation | None) -> Outcome:
        shell = self.shell
        fills = sum(len(order.trades) for order in shell.venue.placed)
        trace = f"{shell.journal.head.hex()} {shell.steps} {shell.points} {shell.venue.cash} {shell.venue.quantities} {violation}"
        return Outcome(
            self.seed, shell.steps, shell.points, len(shell.venue.placed), fills, shell.crashes, shell.checker.checks,
            Counter({kind: self.faults.counts[kind] for kind in Fault}), hashlib.sha256(trace.encode()).hexdigest(), violation,
        )  # fmt: skip

    def _tick(self) -> None:
        shell, now = self.shell, self.shell.clock.now_ms
        shell.clock.after(TICK_MS, self._tick)
        end = not shell.killed and self.faults.calm
        if now // TICK_MS % 5 == 0:
            shell.venue.pass_time(now, end_resting=end)
        self._operators()
        if not shell.alive:
            return
        self._attend()
        self._reconcile(now)
        shell.clock.after(self.faults.between(0, TICK_MS - 1), self._slots)

    def _attend(self) -> None:
        """Do what the real shell does between slots: outside conditions, operators' words, unsettled orders."""
        shell = self.shell
        if not shell.alive:
            return
        if shell.killed and "kill" not in shell.state.flags:
            shell.handle(ev.FlagSeen("kill", on=True, why=shell.killed, now_ms=shell.now_ms()))
        durable = {r.body["command_id"] for r in shell.journal.records() if r.kind is Kind.OPERATOR} if self.inbox else set()
        self.inbox = [event for event in self.inbox if event.command_id not in durable]
        for event in self.inbox:
            shell.closing = shell.closing and event.command is not Command.KILL
            shell.handle(event)
        if shell.state.pending:
            shell.handle(ev.Tick(shell.now_ms()))

    def _slots(self) -> None:
        shell, bars = self.shell, self.shell.market.bars
        while shell.alive and shell.state.next_slot_ms + STEP_MS + GRACE_MS <= shell.clock.now_ms:
            row = (shell.state.next_slot_ms - START_MS) // STEP_MS
            if row >= len(bars):
                return
            shell.handle(ev.Slot(shell.state.next_slot_ms, bars[row], shell.market.targets[row]))

    def _operators(self) -> None:
        if self.faults.calm:
            return
        ticks = COMMAND_TICKS_BUSY if self.shell.state.pending else COMMAND_TICKS
        ticks = RESUME_TICKS_KILLED if self.shell.killed else RESUME_TICKS
        if (self.shell.killed or RESUMABLE & set(self.shell.state.flags)) and self.faults.between(1, ticks) == 1:
            self._say(Command.RESUME)
        for kind, command in COMMANDS.items():
            if kind is Fault.KILL and not self.shell.killed:
                continue  # the first kill comes from the ambush
            if self.faults.between(1, ticks) == 1 and self.faults.hit(kind):
                self.shell.clock.after(self.faults.between(0, TICK_MS - 1), partial(self._say, command))

    def _say(self, command: Command) -> None:
        """An operator speaks; a kill holds for the last gate from this moment, whether the process runs or not."""
        if self.faults.calm:
            return
        shell = self.shell
        if command is Command.KILL:
            # A repeated kill says nothing new to the last gate; it withdraws an earlier close-all when the machine takes it.
            shell.closing = shell.closing and bool(shell.killed)
            shell.killed = "killed by an operator"
        if command is Command.RESUME:
            shell.killed = ""
        if command is Command.CLOSE_ALL:
            shell.closing = True
        self._said += 1
        self.inbox.append(ev.Operator(command, self._said, "operator", "a drill", shell.now_ms()))
        shell.clock.after(self.faults.between(0, POLL_MS), self._attend)

    def _reconcile(self, now: int) -> None:
        """Compare the books as the real shell does: when nothing is on its way, soon while that is what holds the session."""
        shell = self.shell
        if now < self._next_reconcile_ms or not shell.alive or not books.settled(shell.state):
            return
        soon = {"start", "difference"} & set(shell.state.flags)
        self._next_reconcile_ms = now + (RECONCILE_SOON_MS if soon else RECONCILE_MS)
        found = books.differences(shell.state, shell.baseline, shell.venue.balances())
        shell.handle(ev.Reconciled(found, shell.now_ms()))


def run(seed: int, **options: object) -> Outcome:
    """Return the outcome of one seed."""
    return World(seed, **options).run()  # type: ignore[arg-type]
