"""What every venue keeps, simulated or not: a subclass offers the fixture `bench`, and inherits these tests."""

from dataclasses import dataclass, replace
from decimal import Decimal

from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.port import Outcome, SendRequest, Venue, VenueOrderState, VenueTrade
from trader_core.venues.simulated import Feed

FINISHED = (VenueOrderState.FILLED, VenueOrderState.CANCELED, VenueOrderState.EXPIRED)
MINUTE_MS = 60_000


@dataclass
class Bench:
    """One venue with money on it, at the beginning of a slot."""

    venue: Venue
    feed: Feed
    instrument: Instrument
    slot_ms: int
    """The next slot to step."""
    limit: int
    """A buy's limit that is sure to trade."""
    qty: int

    def request(self, name: str) -> SendRequest:
        """Return a marketable buy, fresh at the venue's time."""
        return SendRequest(f"gh{name}", self.instrument.symbol, Side.BUY, self.qty, self.limit, self.feed.now_ms(), 4_000)

    async def step(self) -> None:
        """Let one slot pass: by then an order that trades at once, or at the next open, is finished."""
        await self.feed.next_slot(self.slot_ms)
        self.slot_ms += MINUTE_MS

    async def fills(self, since_ms: int) -> list[VenueTrade]:
        """Return the account's fills."""
        reply = await self.venue.trades(self.instrument.symbol, since_ms)
        assert reply.outcome is Outcome.OK, reply
        return reply.value or []


class VenueContract:
    """Inherit it, and offer a fixture `bench`."""

    async def test_an_accepted_order_is_found_by_its_client_id(self, bench: Bench) -> None:
        accepted = await bench.venue.submit(bench.request("1"))
        found = (await bench.venue.order(bench.instrument.symbol, "gh1")).value
        assert accepted.outcome is Outcome.OK
        assert accepted.value is not None
        assert found is not None
        assert (found.client_order_id, found.venue_order_id, found.qty) == ("gh1", accepted.value.venue_order_id, bench.qty)

    async def test_fills_add_up_to_what_the_finished_order_says(self, bench: Bench) -> None:
        begin_ms = bench.feed.now_ms()
        await bench.venue.submit(bench.request("1"))
        await bench.step()
        found = (await bench.venue.order(bench.instrument.symbol, "gh1")).value
        fills = await bench.fills(begin_ms)
        assert found is not None
        assert found.state in FINISHED
        assert sum(fill.qty for fill in fills) == found.filled > 0
        assert {(fill.venue_order_id, fill.side, fill.symbol) for fill in fills} == {
            (found.venue_order_id, Side.BUY, bench.instrument.symbol)
        }
        assert all(0 < fill.price <= bench.limit and fill.fee >= 0 and fill.fee_base >= 0 for fill in fills)
        assert len({fill.trade_id for fill in fills}) == len(fills)

    async def test_the_balances_move_by_the_fills(self, bench: Bench) -> None:
        begin_ms, before = bench.feed.now_ms(), await self._free(bench)
        await bench.venue.submit(bench.request("1"))
        await bench.step()
        fills, after = await bench.fills(begin_ms), await self._free(bench)
        bought = sum(fill.qty - fill.fee_base for fill in fills)
        assert bought > 0
        got = (after[bench.instrument.base] - before.get(bench.instrument.base, Decimal(0))).scaleb(bench.instrument.qty_exp)
        in_base = sum(fill.fee_base > 0 for fill in fills)
        assert got == bought if not in_base else bought <= got < bought + in_base, "a fee in base is rounded up, fill by fill"
        assert after[bench.instrument.quote] < before[bench.instrument.quote]

    async def test_the_same_client_id_never_buys_twice(self, bench: Bench) -> None:
        begin_ms = bench.feed.now_ms()
        await bench.venue.submit(bench.request("1"))
        again = await bench.venue.submit(bench.request("1"))
        await bench.step()
        assert again.outcome in (Outcome.OK, Outcome.UNKNOWN)
        assert sum(fill.qty for fill in await bench.fills(begin_ms)) <= bench.qty

    async def test_an_order_that_never_was_is_not_found_and_cannot_be_cancelled(self, bench: Bench) -> None:
        assert (await bench.venue.order(bench.instrument.symbol, "ghnone")).outcome is Outcome.NOT_FOUND
        assert (await bench.venue.cancel(bench.instrument.symbol, "ghnone")).outcome is Outcome.NOT_FOUND

    async def test_a_finished_order_is_not_open(self, bench: Bench) -> None:
        await bench.venue.submit(bench.request("1"))
        await bench.step()
        reply = await bench.venue.open_orders(bench.instrument.symbol)
        assert (reply.outcome, reply.value) == (Outcome.OK, [])

    async def test_a_cancelled_order_is_cancelled_and_closed(self, bench: Bench) -> None:
        resting = replace(bench.request("1"), limit=bench.limit * 2 // 3, order_type="LIMIT", qty=bench.qty * 2)
        await bench.venue.submit(resting)
        opened = (await bench.venue.open_orders(bench.instrument.symbol)).value
        await bench.venue.cancel(bench.instrument.symbol, "gh1")
        found = (await bench.venue.order(bench.instrument.symbol, "gh1")).value
        assert [order.client_order_id for order in opened or []] == ["gh1"]
        assert found is not None
        assert (found.state, found.filled) == (VenueOrderState.CANCELED, 0)
        assert (await bench.venue.open_orders(bench.instrument.symbol)).value == []

    async def test_the_clock_is_the_feeds(self, bench: Bench) -> None:
        assert (await bench.venue.time_ms()).value == bench.feed.now_ms()

    async def test_the_instrument_is_offered(self, bench: Bench) -> None:
        found = (await bench.venue.instruments([bench.instrument.symbol])).value
        assert found is not None
        assert [(x.symbol, x.price_exp, x.qty_exp) for x in found] == [
            (bench.instrument.symbol, bench.instrument.price_exp, bench.instrument.qty_exp)
        ]

    async def _free(self, bench: Bench) -> dict[str, Decimal]:
        reply = await bench.venue.balances()
        assert reply.outcome is Outcome.OK
        assert reply.value
        return {balance.currency: Decimal(balance.free) for balance in reply.value}
