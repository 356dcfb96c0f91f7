"""What a simulated trader asks of its venue: each question takes its time to get there, and its answer takes its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulation.faults import Fault
from trader_core.trader import events as ev
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueTrade

if TYPE_CHECKING:
    from simulation.process import Process


class Asking:
    """The questions of one process."""

    def __init__(self, process: "Process") -> None:
        """Ask in the name of a process."""
        self.process = process

    def _ask(self, answer: Callable[[int], ev.Event]) -> None:
        """Read the venue after one delay and hand on what it said after another; `answer` gets the time of asking."""
        slow_ms, asked_ms = self.process.faults.strike(Fault.QUERY_SLOW), self.process.now_ms()
        self.process.checker.asked(self.process)

        def read() -> None:
            event = answer(asked_ms)
            self.process.later(self.process.world.between(10, slow_ms or 150), lambda: event)

        self.process.clock.after(self.process.world.between(10, slow_ms or 150), self.process.mine(read))

    def look(self, effect: ev.Look) -> None:
        """Query an order by its client id."""

        def answer(asked_ms: int) -> ev.Event:
            reply: Reply[VenueOrder] = Reply(Outcome.RETRYABLE_READ)
            if not self.process.faults.hit(Fault.QUERY_FAILED):
                reply = self.process.venue.order(effect.client_order_id, self.process.clock.now_ms)
            return ev.Looked(effect.client_order_id, reply, asked_ms)

        self._ask(answer)

    def _trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        if self.process.faults.hit(Fault.QUERY_FAILED):
            return Reply(Outcome.RETRYABLE_READ)
        return self.process.venue.trades(symbol, since_ms, self.process.clock.now_ms)

    def fetch_trades(self, effect: ev.FetchTrades) -> None:
        """Read trades."""
        self._ask(lambda asked_ms: ev.TradesSeen(effect.symbol, self._trades(effect.symbol, effect.since_ms), asked_ms))

    def prove_trades(self, effect: ev.ProveTrades) -> None:
        """Read trades, and show the checker how far they reach back."""

        def answer(asked_ms: int) -> ev.Event:
            reply = self._trades(effect.symbol, effect.since_ms)
            if reply.value is not None:
                self.process.books.listed(effect.symbol, reply.value)
            return ev.TradesProof(effect.symbol, effect.since_ms, reply, asked_ms)

        self._ask(answer)

    def prove_absence(self, effect: ev.ProveAbsence) -> None:
        """Read open orders and trades."""

        def answer(asked_ms: int) -> ev.Event:
            opens: Reply[list[VenueOrder]] = Reply(Outcome.RETRYABLE_READ)
            if not self.process.faults.hit(Fault.QUERY_FAILED):
                opens = self.process.venue.open_orders(effect.symbol, self.process.clock.now_ms)
            return ev.AbsenceEvidence(effect.client_order_id, opens, self._trades(effect.symbol, effect.since_ms), asked_ms)

        self._ask(answer)

    def examine(self, effect: ev.Examine) -> None:
        """Look an order up and read both lists, for a word about it."""

        def answer(asked_ms: int) -> ev.Event:
            process, cid = self.process, effect.client_order_id
            failed: Reply[VenueOrder] = Reply(Outcome.RETRYABLE_READ)
            looked = failed if process.faults.hit(Fault.QUERY_FAILED) else process.venue.order(cid, process.clock.now_ms)
            opens: Reply[list[VenueOrder]] = Reply(Outcome.RETRYABLE_READ)
            if not process.faults.hit(Fault.QUERY_FAILED):
                opens = process.venue.open_orders(effect.symbol, process.clock.now_ms)
            return ev.Examined(effect.word, looked, opens, self._trades(effect.symbol, effect.since_ms), asked_ms)

        self._ask(answer)

    def cancel(self, effect: ev.CancelOrder) -> None:
        """Have an order cancelled, and look."""
        self.process.flush()

        def cancel() -> None:
            if not self.process.faults.hit(Fault.CANCEL_LOST):
                self.process.venue.cancel(effect.client_order_id, self.process.clock.now_ms)

        self.process.clock.after(self.process.world.between(10, 200), cancel)
        self.process.clock.after(300, self.process.mine(lambda: self.look(ev.Look(effect.client_order_id, effect.symbol))))
