"""A dry run: everything but the final send. Fills are simulated; before each, the venue's own order test checks the order."""

from collections.abc import Callable
from typing import Protocol

from trader_core.engine.layout import Record
from trader_core.model.instrument import Instrument
from trader_core.venues.marketdata import Ticker
from trader_core.venues.port import Outcome, Reply, SendRequest, VenueOrder
from trader_core.venues.simulated import Feed, SimulatedVenue


class TestsOrders(Protocol):
    """What can let a venue check an order without placing it."""

    async def test_order(self, request: SendRequest) -> Reply[None]:
        """Return OK when the venue would take it, REJECTED with its code when not, anything else when nothing is proven."""

    async def ticker(self, symbol: str) -> Reply[Ticker]:
        """Return where the market stands."""


class DryRunVenue(SimulatedVenue):
    """A simulated venue that asks the real one first; `told` hears each test's outcome and how long it took."""

    def __init__(
        self, instruments: tuple[Instrument, ...], plan: Record, grids: Record, feed: Feed, capital: int, tester: TestsOrders,
        told: Callable[[Outcome, int], None], steady_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        """Hold no orders."""
        super().__init__(instruments, plan, grids, feed, capital)
        self._tester, self._told, self._steady = tester, told, steady_ms

    async def submit(self, request: SendRequest) -> Reply[VenueOrder]:
        """Let the venue check the order, then hold it until the next bar; what the venue refuses is rejected here too.

        A test that proves nothing is counted, and the order goes on: the session must decide as its twin on paper. The refusal
        of a stop proves nothing either where the market stands at its trigger or below by now.
        """
        began = self._steady()
        reply = await self._tester.test_order(request)
        took_ms = self._steady() - began
        if reply.outcome is Outcome.REJECTED and request.trigger and not await self._lies_below(request):
            reply = Reply(Outcome.NOT_FOUND)  # counted as a test without a proof, and as no fault of the venue
        self._told(reply.outcome, took_ms)
        if reply.outcome is Outcome.REJECTED:
            return Reply(Outcome.REJECTED, code=reply.code, evidence=reply.evidence)
        return await super().submit(request)

    async def _lies_below(self, stop: SendRequest) -> bool:
        """Return whether the market is known to stand above a stop's trigger."""
        ticker = (await self._tester.ticker(stop.symbol)).value
        return ticker is not None and ticker.last > stop.trigger
