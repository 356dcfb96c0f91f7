"""A small pure venue with its own arithmetic: the truth that the checker may see and the machine may not.

It keeps no order from being placed twice under one client id: whether that happens is what is tested.
"""

from dataclasses import replace
from random import Random

from simulation.amounts import fee_of, fees_at_most, text_of, worth
from simulation.faults import Fault, Faults
from simulation.market import Market
from simulation.placed import Placed
from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.port import Balance, Outcome, Reply, SendRequest, VenueOrder, VenueOrderState, VenueTrade

FUTURE_MS = 1_000
VISIBLE_MARGIN_MS = 500
"""An order or a trade is visible so much earlier than the trader is told that it may take."""


class SimVenue:
    """Orders, trades and balances of one account."""

    def __init__(self, market: Market, faults: Faults, chance: Random, *, held_before: int = 0, rest_ticks: int = 20) -> None:
        """Hold the plan's capital, and of each instrument the lots that were there before."""
        self.market, self.faults, self._chance, self._rest_ticks = market, faults, chance, rest_ticks
        self.cash = market.plan.capital
        self.before = [held_before * instrument.lot for instrument in market.instruments]
        self.quantities = [*self.before]
        self.placed: list[Placed] = []
        self.by_cid: dict[str, list[Placed]] = {}
        self.by_trade: dict[str, tuple[str, VenueTrade]] = {}
        """trade id -> (client order id, trade): what truly happened."""
        self.transit: dict[str, SendRequest] = {}
        """Requests that left and may still arrive."""
        self.overdrawn: list[str] = []
        """Orders for more than there was, though the venue had kept no fill back."""
        self.any_late = False
        self.fees_later_ms = 0
        """So long after a trade its fee is told, and is half of what the schedule says; 0: at once."""
        self.stranger: tuple[VenueOrder, str, int] | None = None
        """An order of somebody else on the account, its symbol, and the cash that it locks; it never fills."""
        self._strangers = 0
        self.forgotten: set[str] = set()
        """Trades that it does not list any more; only such as are booked durably, with their fees."""
        self._visible_max_ms = market.protocol.visibility_ms - VISIBLE_MARGIN_MS
        self._index = {instrument.symbol: i for i, instrument in enumerate(market.instruments)}

    def arrive(self, request: SendRequest, now_ms: int) -> Reply[VenueOrder]:
        """Take a request from the wire: refuse it outside its validity window, else place and match it."""
        self.transit.pop(request.client_order_id, None)
        if not self.valid(request, now_ms):
            return Reply(Outcome.CLOCK, code="700003", evidence="outside the receive window")
        if self.faults.hit(Fault.REFUSED):
            return Reply(Outcome.REJECTED, code="30004", evidence="refused")
        if not self._covered(request):
            if not self.any_late and not self._covered(request, strangers=False):
                self.overdrawn.append(request.client_order_id)
            return Reply(Outcome.REJECTED, code="30004", evidence="insufficient balance")
        index, stop = self._index[request.symbol], request.order_type == "STOP"
        if stop and self.market.price(index, now_ms) <= request.trigger:
            return Reply(Outcome.REJECTED, code="2010", evidence="it would trigger at once")
        order = Placed(request, f"v{len(self.placed) + 1}", index, now_ms, now_ms + self.lag_ms(), armed=stop)
        self.placed.append(order)
        self.by_cid.setdefault(request.client_order_id, []).append(order)
        if not stop:
            self._match(order, now_ms)
        return Reply(Outcome.OK, self._shown(order, now_ms))

    def somebody(self, index: int, percent: int, now_ms: int) -> None:
        """Have somebody else place an order that locks a part of the cash, or cancel the one that is there."""
        self._strangers += 1
        there, coin = self.stranger is None, self.market.instruments[index]
        order = VenueOrder("", f"x{self._strangers}", VenueOrderState.OPEN, coin.lot, 0, now_ms)
        self.stranger = (order, coin.symbol, self.cash * percent // 100) if there else None

    @property
    def locked(self) -> int:
        """The cash that somebody else's order locks."""
        return self.stranger[2] if self.stranger else 0

    def valid(self, request: SendRequest, now_ms: int) -> bool:
        """Return whether a request arrives within its window of validity, where the venue knows one."""
        if not self.market.protocol.validity_window:
            return True
        return request.sent_ms - FUTURE_MS <= now_ms <= request.sent_ms + request.window_ms

    def lag_ms(self) -> int:
        """Return how much later than it happens something becomes visible: less than the trader is told that it may take."""
        percent = self.faults.strike(Fault.LAG)
        return 0 if percent is None else self._visible_max_ms * percent // 100

    def _covered(self, request: SendRequest, *, strangers: bool = True) -> bool:
        """Return whether free balances carry a request at its limit, with everything that rests already locked."""
        resting = [o for o in self.placed if o.resting and o.request.side is request.side]
        if request.side is Side.SELL:
            locked = sum(o.request.qty - o.filled for o in resting if o.request.symbol == request.symbol)
            return self.quantities[self._index[request.symbol]] - locked >= request.qty
        locked = sum(self._cost(o.request, o.request.qty - o.filled) for o in resting)
        return self.cash - locked - (self.locked if strangers else 0) >= self._cost(request, request.qty)

    def _cost(self, request: SendRequest, qty: int) -> int:
        coin = self.market.instruments[self._index[request.symbol]]
        value = worth(coin, request.limit, qty, up=True)
        return value + fee_of(coin, value)

    def _match(self, order: Placed, now_ms: int) -> None:
        """Fill what an immediate-or-cancel order gets; a resting one keeps the rest open."""
        price, request = self.market.price(order.index, now_ms), order.request
        crosses = (price - request.limit) * int(request.side) <= 0
        wanted = request.qty if crosses and not self.faults.hit(Fault.UNFILLED) else 0
        rests = self.faults.strike(Fault.RESTING)
        part = rests if rests is not None else self.faults.strike(Fault.PARTIAL)
        if wanted and part is not None:
            wanted = self._part(order, wanted, part)
        if wanted:
            first = self._part(order, wanted, self._between(1, 9))
            for qty in (first, wanted - first):
                self._trade(order, qty, price, now_ms)
        if order.filled < request.qty and rests is not None:
            return
        order.state = VenueOrderState.FILLED if order.filled == request.qty else VenueOrderState.EXPIRED
        late_ms = self.faults.strike(Fault.LATE_REPORT) if order.filled and self._told_apart(order) else None
        if late_ms is not None:
            self._hide_last(order, now_ms + late_ms)
        elif order.filled:
            order.blind = self.faults.hit(Fault.BLIND)

    def _told_apart(self, order: Placed) -> bool:
        """Return whether nothing else could cover what is sold twice when this order's fill is kept back.

        Where others' coins lie beside ours, or a purchase is kept back as well, a sale that is kept back makes us sell those coins.
        """
        kept_back = any(other.late and other.index == order.index for other in self.placed)
        return not kept_back and (order.request.side is Side.BUY or not self.before[order.index])

    def _between(self, low: int, high: int) -> int:
        return low + int(self._chance.random() * (high - low + 1))

    def _part(self, order: Placed, qty: int, tenths: int) -> int:
        lot = self.market.instruments[order.index].lot
        return max(qty * tenths // 10 // lot * lot, lot)

    def _hide_last(self, order: Placed, until_ms: int) -> None:
        """Report the order as ended with less than it filled; the last trade shows only long afterwards."""
        _, trade = order.trades[-1]
        order.late, order.late_ms, order.state = trade.qty, until_ms, VenueOrderState.EXPIRED
        order.trades[-1] = (until_ms, trade)
        self.any_late = True

    def _trade(self, order: Placed, qty: int, price: int, now_ms: int) -> None:
        if qty <= 0:
            return
        request, coin = order.request, self.market.instruments[order.index]
        buy = request.side is Side.BUY
        value = worth(coin, price, qty, up=buy)
        fee, fee_base = self._fee(coin, qty, value, buy=buy)
        self.cash += -value - fee if buy else value - fee
        self.quantities[order.index] += qty - fee_base if buy else -qty
        assert self.cash >= 0 <= self.quantities[order.index], "the venue covers what it takes"
        cid = "" if self.faults.hit(Fault.TRADES_ANONYMOUS) else request.client_order_id
        trade = VenueTrade(
            f"t{len(self.by_trade) + 1}", cid, order.venue_order_id, request.symbol, request.side, qty, price, fee, fee_base, now_ms,
        )  # fmt: skip
        order.filled += qty
        order.trades.append((max(now_ms + self.lag_ms(), order.visible_ms), trade))
        self.by_trade[trade.trade_id] = (request.client_order_id, trade)

    def _fee(self, coin: Instrument, qty: int, value: int, *, buy: bool) -> tuple[int, int]:
        """Return what a trade costs, in quote and in base."""
        fee, fee_base = fees_at_most(coin, qty, value, buy=buy)
        return (fee // 2, fee_base // 2) if self.fees_later_ms else (fee, fee_base)

    def told(self, trade: VenueTrade, now_ms: int) -> VenueTrade:
        """Return a trade as it is listed now: before its fee is told with the most that the schedule says."""
        if now_ms >= trade.ts_ms + self.fees_later_ms or self.faults.calm:
            return trade
        coin, buy = self.market.instruments[self._index[trade.symbol]], trade.side is Side.BUY
        fee, fee_base = fees_at_most(coin, trade.qty, worth(coin, trade.price, trade.qty, up=True), buy=buy)
        return replace(trade, fee=fee, fee_base=fee_base, fee_due=True)

    def _sell_stop(self, order: Placed, price: int, now_ms: int, tenths: int | None) -> None:
        """Turn a stop into a limit order and fill all of it, or so many tenths; nothing of it where the price lies below its limit."""
        order.armed = False
        if price >= order.request.limit:
            wanted = order.request.qty if tenths is None else self._part(order, order.request.qty, tenths)
            self._trade(order, wanted, price, now_ms)
        if order.filled >= order.request.qty:
            order.state, order.blind = VenueOrderState.FILLED, self.faults.hit(Fault.BLIND)

    def _watch_stop(self, order: Placed, now_ms: int) -> None:
        """Let a stop meet the price, or lose it."""
        price = self.market.price(order.index, now_ms)
        if self.faults.hit(Fault.STOP_LOST):
            order.state = VenueOrderState.CANCELED
        elif price <= order.request.trigger:
            self._sell_stop(order, price, now_ms, self.faults.strike(Fault.PARTIAL))

    def stops(self, index: int) -> list[Placed]:
        """Return the stops of an instrument that may still sell."""
        return [order for order in self.placed if order.resting and order.request.trigger and order.index == index]

    def pass_time(self, now_ms: int, *, end_resting: bool) -> None:
        """Let resting orders fill a little, and expire them where `end_resting` says so; stops stay."""
        for order in self.placed:
            if not order.resting:
                continue
            if order.armed:
                self._watch_stop(order, now_ms)
                continue
            price = self.market.price(order.index, now_ms)
            crosses = (price - order.request.limit) * int(order.request.side) <= 0
            if crosses and not self.faults.calm and self._between(1, self._rest_ticks) == 1:
                self._trade(order, self._part(order, order.request.qty - order.filled, self._between(1, 9)), price, now_ms)
            if order.filled >= order.request.qty:
                order.state = VenueOrderState.FILLED
            elif end_resting and not order.request.trigger:
                order.state = VenueOrderState.EXPIRED

    def _shown(self, order: Placed, now_ms: int) -> VenueOrder:
        filled = order.filled - (order.late if now_ms < order.late_ms else 0)
        state = order.state
        if order.late and now_ms >= order.late_ms and filled == order.request.qty:
            state = VenueOrderState.FILLED
        if state is VenueOrderState.OPEN and filled:
            state = VenueOrderState.PARTIAL
        return VenueOrder(order.request.client_order_id, order.venue_order_id, state, order.request.qty, filled, order.at_ms, order.armed)

    def cancel(self, client_order_id: str, now_ms: int) -> None:
        """End an order that the venue already knows under its client id."""
        for order in self._known(client_order_id, now_ms):
            races = self.faults.strike(Fault.STOP_RACES) if order.resting and order.armed else None
            if races is not None:
                self._sell_stop(order, self.market.price(order.index, now_ms), now_ms, races)
            if order.resting:
                order.state = VenueOrderState.CANCELED

    def order(self, client_order_id: str, now_ms: int) -> Reply[VenueOrder]:
        """Return an order by client id, once it is visible."""
        known = [order for order in self._known(client_order_id, now_ms) if order.resting or self._finds_ended(order)]
        return Reply(Outcome.OK, self._shown(known[-1], now_ms)) if known else Reply(Outcome.NOT_FOUND)

    def _finds_ended(self, order: Placed) -> bool:
        return self.market.protocol.lookup and (self.faults.calm or not order.blind)

    def _known(self, client_order_id: str, now_ms: int) -> list[Placed]:
        return [order for order in self.by_cid.get(client_order_id, []) if now_ms >= order.visible_ms]

    def open_orders(self, symbol: str, now_ms: int) -> Reply[list[VenueOrder]]:
        """Return the visible open orders of a symbol."""
        found = [o for o in self.placed if o.request.symbol == symbol and o.resting and now_ms >= o.visible_ms]
        foreign = [self.stranger[0]] if self.stranger and self.stranger[1] == symbol else []
        return Reply(Outcome.OK, [*(self._shown(order, now_ms) for order in found), *foreign])

    def trades(self, symbol: str, since_ms: int, now_ms: int) -> Reply[list[VenueTrade]]:
        """Return the visible trades of a symbol since a time, some of them twice."""
        found: list[VenueTrade] = []
        for order in self.placed:
            for shown_ms, trade in order.trades:
                gone = trade.trade_id in self.forgotten and not self.faults.calm
                if trade.symbol == symbol and trade.ts_ms >= since_ms and now_ms >= shown_ms and not gone:
                    found += [self.told(trade, now_ms)] * (2 if self.faults.hit(Fault.TRADES_TWICE) else 1)
        return Reply(Outcome.OK, found)

    def balances(self) -> list[Balance]:
        """Return the true balances as decimal texts."""
        coins = [
            Balance(coin.base, text_of(quantity, coin.qty_exp), "0")
            for coin, quantity in zip(self.market.instruments, self.quantities, strict=True)
        ]
        return [Balance("USDT", text_of(self.cash - self.locked, 10), text_of(self.locked, 10)), *coins]

    def coming(self, client_order_id: str, now_ms: int) -> bool:
        """Return whether a request is on the wire that the venue would still take."""
        request = self.transit.get(client_order_id)
        return request is not None and self.valid(request, now_ms)

    def owed(self, client_order_id: str, now_ms: int) -> int:
        """Return the largest quantity that an order can have filled in the end, without what the venue keeps back."""
        most = self.transit[client_order_id].qty if self.coming(client_order_id, now_ms) else 0
        for order in self.by_cid.get(client_order_id, []):
            most += order.request.qty if order.resting else order.filled - order.late
        return most

    def baseline(self) -> dict[str, str]:
        """Return the balances before the session, as decimal texts by currency."""
        coins = {coin.base: text_of(lots, coin.qty_exp) for coin, lots in zip(self.market.instruments, self.before, strict=True) if lots}
        return {"USDT": text_of(self.market.plan.capital, 10), **coins}
