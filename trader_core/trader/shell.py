"""The shell: runs the machine on real parts. Records become durable first, effects follow; one slot after the other.

Database work runs on a thread of its own, so that a slow statement cannot delay a kill. When the database is away the
shell raises DatabaseAway: its owner watches and cancels what is at the venue, and folds the journal once it is back, so
nothing is sent on the word of memory alone.
"""

import asyncio
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from trader_core.clock import monotonic_ms
from trader_core.model.bar import Bars
from trader_core.model.command import Command
from trader_core.model.errors import VenueError
from trader_core.model.session import Side, StopPolicy
from trader_core.trader import asking, books, outside, protecting, resting, retrying
from trader_core.trader import events as ev
from trader_core.trader.control import Control
from trader_core.trader.decider import Decider
from trader_core.trader.machine import step, withheld
from trader_core.trader.meter import Meter, kept_nowhere
from trader_core.trader.patient import surely, urgent
from trader_core.trader.pausing import before_bars
from trader_core.trader.records import Journal, Kind, Record
from trader_core.trader.run import UNPROVEN
from trader_core.trader.state import State, apply
from trader_core.trader.telling import alerts_of, log_only, said
from trader_core.trader.tracked import hurry
from trader_core.venues.port import Outcome, SendRequest, Venue
from trader_core.venues.pulse import Pulse
from trader_core.venues.simulated import Feed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trader_core.model.alert import Alert

log = structlog.get_logger()

POLL_S = 0.25
GRANT_POLL_S = 0.02
RECONCILE_SLOTS = 60
FLATTEN_SLOTS_MAX = 60
SETTLE_TRIES = 240
DRAIN_SLOTS = 5
CHECKED = frozenset({"start", "closing"})
"""While one of these stands the books are compared after every slot."""


class Shell:
    """One session in one process."""

    def __init__(self, state: State, journal: Journal, venue: Venue, feed: Feed, control: Control, meter: Meter | None = None) -> None:
        """Take the folded state; nothing happens before `run`."""
        self.state, self.journal, self.venue, self.feed, self.control = state, journal, venue, feed, control
        self.meter, self._began_ms = meter or Meter(), 0
        self.meter.tally = state.tally
        self.tell: Callable[[Alert], None] = log_only
        self.keep: Callable[[dict[str, int]], Awaitable[None]] = kept_nowhere
        self.pulse = Pulse()
        self.decider = Decider(state.plan, monotonic_ms)
        self.buffer: list[Record] = []
        self.urgent = partial(urgent, control, state)
        self._suspect: tuple[str, ...] = ()
        self._perform = {
            ev.Continue: self._continue,
            ev.Submit: self._submit,
            ev.Look: self._look,
            ev.CancelOrder: self._cancel,
            ev.FetchTrades: self._fetch_trades,
            ev.ProveTrades: partial(asking.prove_trades, venue, feed),
            ev.ProveAbsence: partial(asking.prove_absence, venue, feed),
            ev.Examine: partial(asking.examine, venue, feed),
            ev.Alert: self._alert,
        }

    def gate(self, request: SendRequest) -> str | None:
        """Return why an order may not be written to the socket now, or None: asked after throttling and signing."""
        if not self.control.lease_until_ok():
            return "the lease ran out"
        waits = any(word.command is Command.KILL for word in self.control.inbox)
        said = withheld(self.state, request.client_order_id, self.control.killed(), waits=waits)
        if not said and request.side is Side.BUY:
            said = self.control.unpermitted() or self.control.blocked(request.symbol)
        return said or None

    async def run(self, epoch: int, holder: str, code: str = "") -> None:
        """Recover, step slot after slot until the session's end or a stop, settle, and close the session."""
        step_ms = self.state.step_ms
        if self.state.boots:
            self.meter.back(self.feed.now_ms() - self.state.next_slot_ms - step_ms)
        await self.handle(ev.Boot(self.feed.now_ms(), epoch, holder, code))
        await self._see()
        self.decider.warm(await self.feed.history(self.state.next_slot_ms - self.decider.lookback * step_ms, self.state.next_slot_ms))
        await self.settle()
        await self.reconcile()
        flattening = 0
        while not await self._ended(flattening):
            if self.control.waits(self.state.next_slot_ms):
                await asyncio.sleep(GRANT_POLL_S)
                await self.attend()
                continue
            await self.slot(self.state.next_slot_ms)
            flattening += self.control.stop is StopPolicy.FLATTEN
            if self.state.next_slot_ms // step_ms % RECONCILE_SLOTS == 0 or CHECKED & set(self.state.flags) or self._suspect:
                await self.reconcile()
                await surely(self.keep(self.meter.values(self.feed.now_ms())), self.urgent)
        await self._drain()
        await self.reconcile()
        if self._suspect:
            await self.reconcile()
        await self._close()
        await surely(self.keep(self.meter.values(self.feed.now_ms())), self.urgent)

    async def _ended(self, flattening: int) -> bool:
        control, state = self.control, self.state
        if control.stop is None and state.next_slot_ms >= control.until_ms:
            control.stop = control.end
            words = (Command.STOP, Command.CLOSE_ALL) if control.stop is StopPolicy.FLATTEN else (Command.STOP,) * resting.on(state)
            for word in words:
                await self.handle(ev.Operator(word, 0, "session", "the session's end", self.feed.now_ms()))
        if control.stop is StopPolicy.FLATTEN:
            flat = not state.pending and not any(state.position(i) >= x.lot for i, x in enumerate(state.instruments))
            return flat or flattening >= FLATTEN_SLOTS_MAX
        return control.stop is StopPolicy.KEEP

    async def slot(self, ts_ms: int) -> None:
        """Wait for one slot's bars while attending to operators, then settle, decide and step."""
        bars = await self._bars(ts_ms)
        if bars is None:
            return
        self._began_ms = monotonic_ms()
        self.meter.arrived(self.feed.now_ms() - ts_ms - self.state.step_ms)
        hurry(self.state.watches)  # the bars may have brought fills: they are booked before the slot
        await self.attend()
        for late in self.pulse.take_late():
            self.decider.mend(*late)
        targets = self.decider.push(bars, self.feed.now_ms())
        for symbol, fault in self.decider.faults:
            log.warning("no decision on a faulty bar", symbol=symbol, ts_ms=ts_ms, fault=fault)
        await self.handle(ev.Slot(ts_ms, bars, targets))
        if resting.on(self.state):
            await self.attend()  # a stop that the bar has moved is replaced before the next one

    async def _drain(self) -> None:
        """Let a few slots more pass for what is on its way, and decide nothing: after the end nobody looks for an order."""
        for ahead in range(DRAIN_SLOTS):
            await self.settle()
            if not resting.unsettled(self.state):
                return
            await self._bars(self.state.next_slot_ms + ahead * self.state.step_ms)
        await self.settle()

    async def _bars(self, ts_ms: int) -> Bars | None:
        """Return the bars of a slot, or None when the session is to end without them."""
        failures = 0
        while True:
            task = asyncio.ensure_future(self.feed.next_slot(ts_ms))
            try:
                while not task.done():
                    if await self.pulse.stirred(task, POLL_S):
                        hurry(self.state.watches)
                    if not task.done():
                        await self.attend()
                    if self.control.stop is StopPolicy.KEEP and not resting.unsettled(self.state):
                        return None
                bars = task.result()
                self.meter.asked(Outcome.OK)
            except VenueError as error:
                self.meter.asked(Outcome.RETRYABLE_READ)
                await self.handle(ev.FlagSeen("stale", on=True, why=str(error), now_ms=self.feed.now_ms()))
                await before_bars(self, ts_ms, failures)
                failures += 1
                if self.control.stop is StopPolicy.KEEP:
                    return None
                continue
            finally:
                task.cancel()
            now = self.feed.now_ms()
            late = now >= ts_ms + 2 * self.state.step_ms  # the next bar has closed: this one's price is history
            if late != ("stale" in self.state.flags):
                why = f"slot {ts_ms} is {now - ts_ms} ms old" if late else "bars arrive again"
                await self.handle(ev.FlagSeen("stale", on=late, why=why, now_ms=now))
            return bars

    async def attend(self) -> None:
        """Take operators' words and outside conditions, and look at what is not settled."""
        self.meter.naked(resting.naked_ms(self.state, self.feed.now_ms()))
        await self._see()
        while self.control.inbox:
            word = self.control.inbox[0]
            await self.handle(word)
            self.control.inbox.popleft()  # durable only now: with the database away the word waits for the next fold
            self.control.answers.append((word.command_id, self.state.obeyed.get(word.command_id, "done")))
        if protecting.restless(self.state):
            await self.handle(ev.Tick(self.feed.now_ms()))

    async def _see(self) -> None:
        """Take what stands outside: a kill first."""
        for event in outside.unsaid(self.state, self.control, self.feed.now_ms()):
            await self.handle(event)

    async def settle(self) -> None:
        """Look until nothing is on its way, or until looking has not helped for long."""
        for _ in range(SETTLE_TRIES):
            before = len(resting.unsettled(self.state))
            if not before:
                return
            await self.handle(ev.Tick(self.feed.now_ms()))
            if len(resting.unsettled(self.state)) == before:
                return
        log.warning("orders stay unresolved", count=before)

    async def reconcile(self) -> None:
        """Compare the books when nothing is on its way; a difference must show twice before it halts."""
        if not books.settled(self.state) or not retrying.may_ask(self.state, self.feed.now_ms(), more=len(self.state.instruments)):
            return
        reply = await self.venue.balances()
        if reply.outcome is not Outcome.OK or reply.value is None:
            return
        await self.handle(await asking.strangers(self.venue, self.feed, self.state, reply.value))
        found = books.differences(self.state, self.state.baseline, reply.value)
        first, self._suspect = not self._suspect, found  # any second one: a difference that moves is none the less one
        if found and first:
            resting.look_again(self.state)
            return
        await self.handle(ev.Reconciled(found, self.feed.now_ms()))

    async def handle(self, event: ev.Event) -> None:
        """Step the machine with an event and with everything that follows from it, then make the rest durable."""
        queue: deque[ev.Event] = deque([event])
        while queue:
            breaker = int(self.state.account["breaker"][0])
            records, effects = step(self.state, queue.popleft())
            for alert in alerts_of(self.state, records, breaker):
                self.tell(alert)
            self.meter.refused(d[8] for r in records if r.kind in {Kind.BARS, Kind.EXITS} for d in r.body["decisions"] if d[8])
            self.buffer.extend(records)
            for group in ev.together(effects):
                if isinstance(group[0], ev.CancelOrder):
                    await self.flush()  # all of them are durable before the first one leaves
                answers = await asyncio.gather(*(self._perform[type(effect)](effect) for effect in group))  # type: ignore[operator]
                queue.extend(answer for answer in answers if answer is not None)
            unproven = {cid: order.sent_ms for cid, order in self.state.pending.items() if order.state in UNPROVEN}
            self.meter.unproven(unproven, self.feed.now_ms())
        await self.flush()

    async def flush(self) -> None:
        """Make everything written so far durable."""
        if self.buffer:
            records, self.buffer = self.buffer, []
            await surely(self.journal.commit(records, self.state), self.urgent)

    async def _continue(self, effect: ev.Continue) -> ev.Event:
        await self.flush()
        self.meter.decided(monotonic_ms() - self._began_ms)
        return ev.SendDue(effect.client_order_ids, self.feed.now_ms())

    async def _submit(self, effect: ev.Submit) -> ev.Event:
        await self.flush()
        began_ms = monotonic_ms()
        reply = await self.venue.submit(effect.request)
        self.meter.answered(reply.outcome, monotonic_ms() - began_ms)
        return ev.Answered(effect.request.client_order_id, reply, self.feed.now_ms())

    async def _look(self, effect: ev.Look) -> ev.Looked:
        asked_ms = self.feed.now_ms()  # a slow "not found" says nothing of the time at which it arrives
        reply = await self.venue.order(effect.symbol, effect.client_order_id)
        self.meter.asked(reply.outcome)
        return ev.Looked(effect.client_order_id, reply, asked_ms)

    async def _cancel(self, effect: ev.CancelOrder) -> ev.Event:
        """Cancel, then look, unless the cancel's own answer shows the order."""
        await self.flush()
        asked_ms = self.feed.now_ms()
        done = await self.venue.cancel(effect.symbol, effect.client_order_id)
        self.meter.asked(done.outcome)
        if done.outcome is Outcome.OK and done.value is not None:
            return ev.Looked(effect.client_order_id, done, asked_ms)
        return replace(await self._look(ev.Look(effect.client_order_id, effect.symbol)), cancel=done.outcome)

    async def _fetch_trades(self, effect: ev.FetchTrades) -> ev.Event:
        reply = await self.venue.trades(effect.symbol, effect.since_ms)
        self.meter.asked(reply.outcome)
        return ev.TradesSeen(effect.symbol, reply, self.feed.now_ms())

    async def _alert(self, effect: ev.Alert) -> None:
        self.tell(said(self.state.session_id, effect.text))

    async def _close(self) -> None:
        record = books.closing(self.state, self.feed.now_ms(), self.control.stop or StopPolicy.KEEP)
        apply(self.state, record)
        self.buffer.append(record)
        await self.flush()
