"""The simulated venue: real bars come in through a feed, orders fill by the same compiled rule as in a backtest.

It has every order from the moment that its SENDING record is durable, so a restart finds them all again: what it holds
is a function of the journal and of the bars.

A stop waits for its trigger inside a bar, as a simulation's does. One that is placed for what a bar's open has bought or left
stands from that open on: it meets the same bar, whose course the session learns only afterwards.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from trader_core.engine.fills import fill_of
from trader_core.engine.layout import Record
from trader_core.model.bar import Bars
from trader_core.model.instrument import Instrument, qty_text
from trader_core.model.money import to_text
from trader_core.model.session import Side
from trader_core.venues.port import CLOSED, Balance, Outcome, Reply, SendRequest, VenueOrder, VenueOrderState, VenueTrade


class Feed(Protocol):
    """Where closed bars come from, and the venue's clock."""

    async def next_slot(self, slot_ms: int) -> Bars:
        """Return the bars [N] of a slot once it has closed; close 0 where the venue has none."""

    async def history(self, from_ms: int, to_ms: int) -> Bars:
        """Return the closed bars [T, N] of an interval on the grid; close 0 where the venue has none."""

    def now_ms(self) -> int:
        """Return the venue's time."""

    async def close(self) -> None:
        """Leave no socket behind."""


@dataclass(slots=True)
class Held:
    """One order as the venue holds it."""

    request: SendRequest
    index: int
    order: VenueOrder

    def meets(self, bar: Record) -> int:
        """Return the price, before what a taker's is worse by, at which it meets a bar; 0 where a stop goes on waiting."""
        opened, trigger = int(bar["open"]), self.request.trigger
        if not self.order.stop or opened <= trigger:
            return opened
        return trigger if int(bar["low"]) <= trigger else 0


class SimulatedVenue:
    """A Venue and a Feed in one: fills are decided when the next bar of an instrument arrives."""

    def __init__(self, instruments: tuple[Instrument, ...], plan: Record, grids: Record, feed: Feed, capital: int) -> None:
        """Hold no orders; `plan` and `grids` are the session's engine records."""
        self._instruments, self._plan, self._grids, self._feed = instruments, plan, grids, feed
        self._index = {instrument.symbol: i for i, instrument in enumerate(instruments)}
        self._held: dict[str, Held] = {}
        self._open: dict[str, Held] = {}
        """Those of `_held` that rest: a long session looks at no others, bar by bar."""
        self._trades: dict[str, list[tuple[int, VenueTrade]]] = {symbol: [] for symbol in self._index}
        """(a time that never falls and lies neither before the fill nor before its order's sending, fill), oldest first."""
        self._cash = capital
        self._quantities = [0] * len(instruments)
        self._bars: Bars | None = None
        self._slot_ms = 0
        self._traded: set[int] = set()
        """Instruments whose orders met the last bars' open, and for which no stop was placed since."""

    def restore(self, cash: int, quantities: list[int], orders: list[tuple[SendRequest, int]]) -> None:
        """Hold what the journal says: balances, and each unfinished order with the quantity already filled."""
        self._cash, self._quantities = cash, list(quantities)
        for request, filled in orders:
            order = self._place(request)
            if filled and request.trigger:  # reached before: the rest of it is a plain limit order
                held = self._held[request.client_order_id]
                held.order = replace(order, filled=filled, state=VenueOrderState.PARTIAL, stop=False)
            elif filled:  # its one chance is over
                self._change(self._held[request.client_order_id], replace(order, filled=filled, state=VenueOrderState.EXPIRED))

    def _place(self, request: SendRequest) -> VenueOrder:
        cid = request.client_order_id
        if cid not in self._held:
            order = VenueOrder(cid, f"sim-{cid}", VenueOrderState.OPEN, request.qty, 0, request.sent_ms, request.trigger > 0)
            self._held[cid] = self._open[cid] = Held(request, self._index[request.symbol], order)
        return self._held[cid].order

    def _change(self, held: Held, order: VenueOrder) -> None:
        """Let an order end."""
        held.order = order
        self._open.pop(order.client_order_id, None)

    async def next_slot(self, slot_ms: int) -> Bars:
        """Return the next bars, with every order that could fill at their open filled or expired, and stops that they reach."""
        bars = await self._feed.next_slot(slot_ms)
        self._bars, self._slot_ms, self._traded = bars, slot_ms, set()
        for held in sorted(self._open.values(), key=_by_instrument):
            if bars["close"][held.index] > 0:
                self._settle(held, bars, slot_ms)
        return bars

    def _settle(self, held: Held, bars: Bars, slot_ms: int) -> None:
        request, index, left = held.request, held.index, held.order.qty - held.order.filled
        met = held.meets(bars[index])
        if not met:
            return
        found = fill_of(self._plan, self._grids, bars, index, int(request.side), left, request.limit, met)
        qty, price, fee, fee_base = map(int, found)
        if qty:
            cid = request.client_order_id
            name = f"sim-{cid}-{slot_ms}" if request.trigger else f"sim-{cid}"
            trade = VenueTrade(name, cid, held.order.venue_order_id, request.symbol, request.side, qty, price, fee, fee_base, slot_ms)
            booked = self._trades[request.symbol]
            booked.append((max(slot_ms, request.sent_ms, booked[-1][0] if booked else 0), trade))
            self._take(index, trade)
        if not request.trigger and (qty or request.side is Side.SELL):
            self._traded.add(index)
        filled = held.order.filled + qty
        if filled >= held.order.qty:
            self._change(held, replace(held.order, filled=filled, state=VenueOrderState.FILLED, stop=False))
        elif request.trigger:
            state = VenueOrderState.PARTIAL if filled else VenueOrderState.OPEN
            held.order = replace(held.order, filled=filled, state=state, stop=False)
        else:
            self._change(held, replace(held.order, filled=filled, state=VenueOrderState.EXPIRED))

    def _take(self, index: int, trade: VenueTrade) -> None:
        grid = self._grids[index]
        product = trade.price * trade.qty * int(grid["multiplier"])
        divisor = int(grid["divisor"])
        if trade.side is Side.BUY:
            self._cash -= -(-product // divisor) + trade.fee
            self._quantities[index] += trade.qty - trade.fee_base
        else:
            self._cash += product // divisor - trade.fee
            self._quantities[index] -= trade.qty

    async def history(self, from_ms: int, to_ms: int) -> Bars:
        """Return the feed's history."""
        return await self._feed.history(from_ms, to_ms)

    def now_ms(self) -> int:
        """Return the feed's clock."""
        return self._feed.now_ms()

    async def submit(self, request: SendRequest) -> Reply[VenueOrder]:
        """Hold the order until the next bar; the same client id is held once."""
        fresh = request.client_order_id not in self._held
        self._place(request)
        held = self._held[request.client_order_id]
        if fresh and request.trigger and held.index in self._traded and self._bars is not None:
            self._traded.discard(held.index)
            self._settle(held, self._bars, self._slot_ms)
        return Reply(Outcome.OK, held.order)

    async def cancel(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """End an open order."""
        held = self._held.get(client_order_id)
        if held is None or held.request.symbol != symbol:
            return Reply(Outcome.NOT_FOUND)
        if held.order.state not in CLOSED:
            self._change(held, replace(held.order, state=VenueOrderState.CANCELED, stop=False))
        return Reply(Outcome.OK, held.order)

    async def order(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Return an order by client id."""
        held = self._held.get(client_order_id)
        if held is None or held.request.symbol != symbol:
            return Reply(Outcome.NOT_FOUND)
        return Reply(Outcome.OK, held.order)

    async def open_orders(self, symbol: str) -> Reply[list[VenueOrder]]:
        """Return the open orders of a symbol."""
        found = [held.order for held in self._open.values() if held.request.symbol == symbol]
        return Reply(Outcome.OK, found)

    async def trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        """Return the fills of a symbol since a time."""
        # A fill is dated at its bar's open, which lies before the moment at which its order left.
        booked = self._trades.get(symbol, [])
        return Reply(Outcome.OK, [trade for _, trade in booked[bisect_left(booked, since_ms, key=_when) :]])

    async def balances(self) -> Reply[list[Balance]]:
        """Return cash and quantities by this venue's own count."""
        zero = str(Decimal(0))
        coins = [Balance(x.base, qty_text(x, q), zero) for x, q in zip(self._instruments, self._quantities, strict=True)]
        return Reply(Outcome.OK, [Balance(self._instruments[0].quote, to_text(self._cash), zero), *coins])

    async def time_ms(self) -> Reply[int]:
        """Return the feed's clock."""
        return Reply(Outcome.OK, self._feed.now_ms())

    async def instruments(self, symbols: list[str]) -> Reply[list[Instrument]]:
        """Return the session's instruments."""
        return Reply(Outcome.OK, [x for x in self._instruments if x.symbol in symbols])

    def forget(self, client_order_ids: list[str]) -> None:
        """Drop orders that the journal has closed: memory stays bounded."""
        for cid in client_order_ids:
            self._held.pop(cid, None)

    async def close(self) -> None:
        """Close the feed."""
        await self._feed.close()


def _when(booked: tuple[int, VenueTrade]) -> int:
    return booked[0]


def _by_instrument(held: Held) -> tuple[int, int]:
    return held.index, int(held.request.side)
