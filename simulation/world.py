"""One run: a plan becomes a market, a venue, a database, processes and operators; the safety phase, then the calm, in which all ends."""

import hashlib
from collections import Counter
from functools import partial

from simulation.checker import Checker, Violation
from simulation.draw import draw
from simulation.ending import ended
from simulation.evidence import evidence
from simulation.faults import Fault, Faults, Strike
from simulation.journal import LEASE_TTL_MS, SESSION, SimJournal
from simulation.market import START_MS, STEP_MS, market
from simulation.outcome import Outcome
from simulation.plans import RunPlan, Word, source
from simulation.process import Process
from simulation.scheduler import Scheduler
from simulation.venue import SimVenue
from trader_core.model.command import Command
from trader_core.model.errors import ChainBroken, IllegalMove
from trader_core.trader import books, external
from trader_core.trader import events as ev
from trader_core.trader.protecting import restless
from trader_core.trader.recovery import opening
from trader_core.trader.resting import look_again, unsettled

TICK_MS, POLL_MS = 1_000, 250
GRACE_MS = 500
CALM_MS_MIN, CALM_STEP_MS, CALM_MS_MAX = 120_000, 60_000, 900_000
RECONCILE_MS, RECONCILE_SOON_MS = 120_000, 5_000
NEVER_MS = 1 << 62
HELD = frozenset({"pause", "reduce", "restricted", "dead_letter", "fault", "overfill", "closing", "errors"})
"""What a resume by routine is said for."""


class World:
    """The surroundings of the processes: time, venue, database, operators and the phases of one run."""

    def __init__(self, plan: RunPlan) -> None:
        """Build everything from the plan."""
        self.plan, choices = plan, plan.choices
        self.faults = Faults((*plan.faults, *plan.crashes))
        self.market = market(plan.seed, choices, self.faults, plan.slots)
        self.clock = Scheduler(START_MS, source(plan.seed, "ties"))
        self.faults.elapsed = self.clock.elapsed
        self.chance = source(plan.seed, "delays").random
        fills = source(plan.seed, "fills")
        self.venue = SimVenue(self.market, self.faults, fills, held_before=choices.held_before, rest_ticks=choices.rest_ticks)
        self.venue.fees_later_ms = choices.fees_later_ms
        self.journal = SimJournal(self.clock)
        self.checker = Checker(self.venue, self.journal)
        first = opening(SESSION, self.market.plan, self.market.instruments, self.market.protocol, START_MS, self.venue.baseline())
        self.journal.append([first], 0, self.journal.head)
        self.killed, self.closing = "", False
        self.permit_lost_ms, self._permit_back_ms = NEVER_MS, 0
        self._blocked: dict[int, tuple[int, int]] = {}
        self.points = self.crashes = self.losses = 0
        self.words: Counter[str] = Counter()
        self.inbox: list[ev.Operator] = []
        self._heard = 0
        """So many words from the first on are durable."""
        self._stirs: Counter[str] = Counter()
        self._ambushes = {(word.stir, word.nth): word for word in plan.commands if word.stir}
        delays = [self.faults.strike(Fault.BARS_LATE) or 0 for _ in range(plan.slots)]
        self._bars_ms = [START_MS + (slot + 1) * STEP_MS + GRACE_MS + late for slot, late in enumerate(delays)]
        self.processes = [Process(self, f"trader {n}") for n in range(1, plan.traders + 1)]
        self.checker.venue_books = lambda: [process.books for process in self.processes]  # type: ignore[method-assign]
        self._reconcile_ms = 0
        for strike in self.faults.seconds():
            self.clock.at(START_MS + strike.nth * TICK_MS, partial(self._upset, strike))

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included: how long something takes."""
        return low + int(self.chance() * (high - low + 1))

    def run(self) -> Outcome:
        """Run both phases; a violation ends the run and is returned."""
        violation = None
        try:
            self._phases()
        except Violation as found:
            violation = found
        except ChainBroken as broken:
            violation = Violation("I6", str(broken))
        except IllegalMove as illegal:
            violation = Violation("I13", str(illegal))
        return self._outcome(violation)

    def _phases(self) -> None:
        for process in self.processes:
            process.start()
        for word in self.plan.commands:
            if not word.stir:
                self.clock.at(START_MS + word.at_ms, partial(self._say, word))
        self.clock.after(TICK_MS, self._tick)
        end_ms = START_MS + (self.plan.slots + 2) * STEP_MS
        self.clock.run(end_ms)
        self._calm()
        for waited_ms in range(CALM_MS_MIN, CALM_MS_MAX + 1, CALM_STEP_MS):
            self.clock.run(end_ms + waited_ms)
            if self._settled():
                break
        ended(self)

    def _settled(self) -> bool:
        """Return whether nothing is left that the calm should bring to its end."""
        leader = next((process for process in self.processes if process.alive), None)
        resting = any(order.resting and not order.request.trigger for order in self.venue.placed)
        if leader is None or resting:
            return False
        weak = not (self.plan.choices.validity_window and self.plan.choices.lookup)
        left = [order for order in unsettled(leader.state) if not (weak and order.state == "QUARANTINED")]
        nameless = self.checker.nameless(leader.books, leader.state)
        return not left and len(leader.books.fills) + len(nameless) == len(self.venue.by_trade)

    def stirred(self, stir: str) -> None:
        """An order is about to leave or has left: chance may be malicious."""
        self._stirs[stir] += 1
        word = self._ambushes.get((stir, self._stirs[stir]))
        if word is not None:
            self.clock.after(word.delay_ms, partial(self._say, word))

    def _calm(self) -> None:
        """Stop all faults and restart once; after a kill resting orders end only by our cancel."""
        self.faults.calm, self.journal.away_until_ms = True, 0
        self._permit_back_ms, self._blocked = 0, {}
        for process in self.processes:
            process.paused_until_ms = 0
            if process.alive or process.away is not None:
                process.die(TICK_MS)
        if not self._kills():
            self.venue.pass_time(self.clock.now_ms, end_resting=True)

    def _kills(self) -> bool:
        """Return whether what rests ends by our cancel alone: also where a resume was said, and the session refused it."""
        return bool(self.killed) or "kill" in max(self.processes, key=lambda process: process.epoch).state.flags

    def _outcome(self, violation: Violation | None) -> Outcome:
        venue, steps = self.venue, sum(process.steps for process in self.processes)
        trace = f"{self.journal.head.hex()} {steps} {self.points} {venue.cash} {venue.quantities} {violation}"
        faults = Counter({str(kind): self.faults.counts[kind] for kind in Fault}) + self.words
        return Outcome(
            self.plan, steps, self.points, len(venue.placed), len(venue.by_trade), self.crashes, self.losses, self.journal.failovers,
            self.clock.elapsed(), self.checker.counts, faults, frozenset(self.faults.struck), hashlib.sha256(trace.encode()).hexdigest(),
            violation,
        )  # fmt: skip

    def _tick(self) -> None:
        now = self.clock.now_ms
        self.clock.after(TICK_MS, self._tick)
        if now // TICK_MS % 5 == 0:
            self.venue.pass_time(now, end_resting=self.faults.calm and not self._kills())
        if now >= self._permit_back_ms:
            self.permit_lost_ms = NEVER_MS
        if self._blocked:
            self._blocked = {index: span for index, span in self._blocked.items() if now < span[1]}
        for process in self.processes:
            if process.alive and now >= process.paused_until_ms:
                self._round(process)
            elif process.waiting and not self.journal.lock and not self.journal.away:
                self._wake(process)

    def _wake(self, process: Process) -> None:
        if process.waiting and self.clock.now_ms >= process.paused_until_ms:
            process.start()

    def _upset(self, strike: Strike) -> None:
        """What goes wrong by itself: the database, the lock's connection, permits, blocks, clocks, a process that is stopped."""
        if self.faults.calm:
            return
        self.faults.happened(strike)
        now, kind, for_ms = self.clock.now_ms, strike.kind, strike.value
        process = self.processes[strike.nth % len(self.processes)]
        if kind is Fault.DATABASE_AWAY:
            self.journal.go_away(for_ms)
        elif kind is Fault.LOCK_LOST:
            self.journal.lock = ""
            for other in self.processes:
                if other.waiting:  # it may be faster than the one that has lost the lock and does not know it yet
                    self.clock.after(self.between(0, TICK_MS - 1), partial(self._wake, other))
        elif kind is Fault.PERMIT_LOST:
            self.permit_lost_ms, self._permit_back_ms = min(self.permit_lost_ms, now), now + for_ms
        elif kind is Fault.BLOCKED:
            self._blocked.setdefault(strike.nth % len(self.market.instruments), (now, now + for_ms))
        elif kind is Fault.HISTORY_CUT:
            self.venue.forgotten |= self.journal.settled()
        elif kind is Fault.STRANGER:
            self.venue.somebody(strike.nth % len(self.market.instruments), for_ms, now)
        else:
            process.upset(kind, for_ms)

    def blocked_ms(self, index: int) -> int:
        """Return since when an instrument is blocked; a time that never comes when it is not."""
        return self._blocked[index][0] if index in self._blocked else NEVER_MS

    def _round(self, process: Process) -> None:
        """What a trader does each second: its lease, conditions and words, unsettled orders, books, bars."""
        now, state = self.clock.now_ms, process.state
        if not self.journal.renew(process.name, process.epoch):
            process.lose()
            return
        process.lease_until_ms = now + LEASE_TTL_MS
        process.unpermitted = "" if self.permit_lost_ms == NEVER_MS else "no permit stands"
        if self._blocked or process.blocks:
            process.blocks = {*self._blocked}
        outside = self.killed or process.unpermitted or process.blocks or process.books.blocked or "permit" in state.flags
        if outside or restless(state) or self._heard < len(self.inbox):
            self._attend(process)
        if now >= self._reconcile_ms:
            self._reconcile(process)
        row = (state.next_slot_ms - START_MS) // STEP_MS
        if row < len(self._bars_ms) and self._bars_ms[row] < now + TICK_MS:
            self.clock.after(self.between(0, TICK_MS - 1), process.mine(partial(self._slots, process)))

    def _attend(self, process: Process) -> None:
        """Do what the real shell does between slots: outside conditions, operators' words, unsettled orders."""
        if process.alive and self.killed and "kill" not in process.state.flags:
            process.handle(ev.FlagSeen("kill", on=True, why=self.killed, now_ms=process.now_ms()))
        if process.alive and bool(process.unpermitted) != ("permit" in process.state.flags):
            why = process.unpermitted or "a permit stands"
            process.handle(ev.FlagSeen("permit", on=bool(process.unpermitted), why=why, now_ms=process.now_ms()))
        for index, on in enumerate(process.state.slots["blocked"].tolist() if process.blocks or process.books.blocked else ()):
            if process.alive and (index in process.blocks) != bool(on):
                process.handle(ev.BlockSeen(index, on=index in process.blocks, why="its data", now_ms=process.now_ms()))
        for event in self.inbox[self._heard :]:
            if process.alive and process.awaits(event):
                if event.command in {Command.KILL, Command.CLOSE_ALL}:  # the later of the two holds, in the order in which they are taken
                    self.closing = event.command is Command.CLOSE_ALL
                process.taken.add(event.command_id)
                process.handle(event)
        while self._heard < len(self.inbox) and self.journal.heard(self.inbox[self._heard].command_id):
            self._heard += 1
        if process.alive and restless(process.state):
            process.handle(ev.Tick(process.now_ms()))

    def _slots(self, process: Process) -> None:
        """Hand on each slot whose bars have arrived; what arrives after the next bar has closed is stale."""
        while process.alive:
            slot_ms = process.state.next_slot_ms
            row = (slot_ms - START_MS) // STEP_MS
            if row >= len(self._bars_ms) or self._bars_ms[row] > self.clock.now_ms:
                return
            late = process.now_ms() >= slot_ms + 2 * STEP_MS
            if late != ("stale" in process.state.flags):
                process.handle(ev.FlagSeen("stale", on=late, why="late" if late else "bars arrive again", now_ms=process.now_ms()))
            if process.state.next_slot_ms == slot_ms:
                process.handle(ev.Slot(slot_ms, self.market.bars[row], self.market.targets[row]))

    def _say(self, word: Word) -> None:
        """An operator speaks; a kill holds for the last gate from this moment, whether a process runs or not."""
        flags = set().union(*(process.state.flags for process in self.processes if process.alive))
        resumes, gone = word.command is Command.RESUME, self.journal.away  # a resume that no database takes changes nothing
        if self.faults.calm or (resumes and gone) or (word.held and (self.killed or not HELD & flags)):
            return
        about, found = evidence(self.venue, self.clock.now_ms, self.processes) if word.command is Command.RESOLVE else ("", "")
        if word.command is Command.RESOLVE and not about:
            return
        if word.command is Command.KILL:
            # A repeated kill says nothing new to the last gate; it withdraws an earlier close-all when the machine takes it.
            self.closing = self.closing and bool(self.killed)
            self.killed = "killed by an operator"
        elif resumes:
            self.killed = ""
        self.words[str(word.command)] += 1
        said = len(self.inbox) + 1
        if word.command is not Command.KILL or not gone:  # then the file alone says it
            self.inbox.append(ev.Operator(word.command, said, "operator", "a drill", self.clock.now_ms, about=about, found=found))
        for process in self.processes:
            if process.alive:
                self.clock.after(self.between(0, POLL_MS), process.mine(partial(self._attend, process)))

    def _reconcile(self, process: Process) -> None:
        """Compare the books as the real shell does: when nothing is on its way, and a difference must show twice before it halts."""
        now, state = self.clock.now_ms, process.state
        if not process.alive or not books.settled(state) or self.faults.hit(Fault.QUERY_FAILED):
            return
        soon = {"start", "difference", "closing"} & set(state.flags) or process.suspect
        self._reconcile_ms = now + (RECONCILE_SOON_MS if soon else RECONCILE_MS)
        balances = self.venue.balances()
        opens = [(coin.symbol, o) for coin in state.instruments for o in self.venue.open_orders(coin.symbol, now).value or ()]
        process.handle(ev.ExternalSeen(tuple(opens), (), *external.cash(state.instruments[0].quote, balances), process.now_ms()))
        if not process.alive:
            return
        found = books.differences(state, state.baseline, balances)
        first, process.suspect = not process.suspect, found
        if found:
            look_again(state)
        if not (found and first):
            process.handle(ev.Reconciled(found, process.now_ms()))


def run(plan: RunPlan) -> Outcome:
    """Return the outcome of one plan."""
    return World(plan).run()


def run_seed(seed: int, slots: int = 0, traders: int = 0) -> Outcome:
    """Return the outcome of one seed."""
    return run(draw(seed, slots, traders))
