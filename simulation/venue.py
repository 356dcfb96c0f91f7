"""A small pure venue with its own arithmetic: the truth that the checker may see and the machine may not.

It keeps no order from being placed twice under one client id: whether that happens is what is tested.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from simulation.faults import Fault, Faults
from simulation.market import FEE_PPM, PROTOCOL, STEP_MS, Market
from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.port import Balance, Outcome, Reply, SendRequest, VenueOrder, VenueOrderState, VenueTrade

FUTURE_MS = 1_000
VISIBLE_MS_MAX = PROTOCOL.visibility_ms - 500
REST_TICKS = 20
"""A resting order fills a little further on average once in so many looks at it."""
LATE_MS = 4 * STEP_MS


@dataclass(slots=True)
class Placed:
    """One order as the venue truly has it; what it shows of it comes later."""

    request: SendRequest
    venue_order_id: str
    index: int
    at_ms: int
    visible_ms: int
    state: VenueOrderState = VenueOrderState.OPEN
    trades: list[tuple[int, VenueTrade]] = field(default_factory=list)
    """(from when on it is shown, the trade)."""
    late: int = 0
    """Filled quantity that is kept from every report until `late_ms`."""
    late_ms: int = 0

    @property
    def filled(self) -> int:
        """The true filled quantity."""
        return sum(trade.qty for _, trade in self.trades)

    @property
    def resting(self) -> bool:
        """Whether it may still fill."""
        return self.state is VenueOrderState.OPEN


class SimVenue:
    """Orders, trades and balances of one account."""

    def __init__(self, market: Market, faults: Faults) -> None:
        """Hold the plan's capital and nothing else."""
        self.market, self.faults = market, faults
        self.cash = market.plan.capital
        self.quantities = [0] * len(market.instruments)
        self.placed: list[Placed] = []
        self.by_cid: dict[str, list[Placed]] = {}
        self.transit: dict[str, SendRequest] = {}
        """Requests that left and may still arrive."""
        self.overdrawn: list[str] = []
        """Orders for more than there was, though the venue had kept no fill back."""
        self._index = {instrument.symbol: i for i, instrument in enumerate(market.instruments)}

    def arrive(self, request: SendRequest, now_ms: int) -> Reply[VenueOrder]:
        """Take a request from the wire: refuse it outside its validity window, else place and match it."""
        self.transit.pop(request.client_order_id, None)
        if now_ms > request.sent_ms + request.window_ms or request.sent_ms > now_ms + FUTURE_MS:
            return Reply(Outcome.CLOCK, code="700003", evidence="outside the receive window")
        if self.faults.hit(Fault.REFUSED):
            return Reply(Outcome.REJECTED, code="30004", evidence="refused")
        if not self._covered(request):
            if not any(order.late for order in self.placed):
                self.overdrawn.append(request.client_order_id)
            return Reply(Outcome.REJECTED, code="30004", evidence="insufficient balance")
        lag = self.faults.between(0, VISIBLE_MS_MAX) if self.faults.hit(Fault.LAG) else 0
        number = len(self.placed) + 1
        order = Placed(request, f"v{number}", self._index[request.symbol], now_ms, now_ms + lag)
        self.placed.append(order)
        self.by_cid.setdefault(request.client_order_id, []).append(order)
        self._match(order, now_ms)
        return Reply(Outcome.OK, self._shown(order, now_ms))

    def _covered(self, request: SendRequest) -> bool:
        """Return whether free balances carry a request at its limit, with everything that rests already locked."""
        resting = [o for o in self.placed if o.resting and o.request.side is request.side]
        if request.side is Side.SELL:
            locked = sum(o.request.qty - o.filled for o in resting if o.request.symbol == request.symbol)
            return self.quantities[self._index[request.symbol]] - locked >= request.qty
        locked = sum(self._cost(o.request, o.request.qty - o.filled) for o in resting)
        return self.cash - locked >= self._cost(request, request.qty)

    def _cost(self, request: SendRequest, qty: int) -> int:
        value = worth(self.market.instruments[self._index[request.symbol]], request.limit, qty, up=True)
        return value + fee_of(value)

    def _match(self, order: Placed, now_ms: int) -> None:
        """Fill what an immediate-or-cancel order gets; a resting one keeps the rest open."""
        price, request = self.market.price(order.index, now_ms), order.request
        crosses = (price - request.limit) * int(request.side) <= 0
        wanted = request.qty if crosses and not self.faults.hit(Fault.UNFILLED) else 0
        rests = self.faults.hit(Fault.RESTING)
        if wanted and (rests or self.faults.hit(Fault.PARTIAL)):
            wanted = self._part(order, wanted)
        if wanted:
            first = self._part(order, wanted)
            for qty in (first, wanted - first):
                self._trade(order, qty, price, now_ms)
        if order.filled < request.qty and rests:
            return
        order.state = VenueOrderState.FILLED if order.filled == request.qty else VenueOrderState.EXPIRED
        if order.filled and self.faults.hit(Fault.LATE_REPORT):
            self._hide_last(order, now_ms)

    def _part(self, order: Placed, qty: int) -> int:
        lot = self.market.instruments[order.index].lot
        return max(qty * self.faults.between(1, 9) // 10 // lot * lot, lot)

    def _hide_last(self, order: Placed, now_ms: int) -> None:
        """Report the order as ended with less than it filled; the last trade shows only long afterwards."""
        _, trade = order.trades[-1]
        order.late, order.late_ms, order.state = trade.qty, now_ms + LATE_MS, VenueOrderState.EXPIRED
        order.trades[-1] = (order.late_ms, trade)

    def _trade(self, order: Placed, qty: int, price: int, now_ms: int) -> None:
        if qty <= 0:
            return
        request, coin = order.request, self.market.instruments[order.index]
        buy = request.side is Side.BUY
        value = worth(coin, price, qty, up=buy)
        fee_base = fee_of(qty) if buy and coin.fee_in_base else 0
        fee = 0 if fee_base else fee_of(value)
        self.cash += -value - fee if buy else value - fee
        self.quantities[order.index] += qty - fee_base if buy else -qty
        assert self.cash >= 0 <= self.quantities[order.index], "the venue covers what it takes"
        cid = "" if self.faults.hit(Fault.TRADES_ANONYMOUS) else request.client_order_id
        number = sum(len(placed.trades) for placed in self.placed) + 1
        trade = VenueTrade(
            f"t{number}", cid, order.venue_order_id, request.symbol, request.side, qty, price, fee, fee_base, now_ms,
        )  # fmt: skip
        lag = self.faults.between(0, VISIBLE_MS_MAX) if self.faults.hit(Fault.LAG) else 0
        order.trades.append((max(now_ms + lag, order.visible_ms), trade))

    def pass_time(self, now_ms: int, *, end_resting: bool) -> None:
        """Let resting orders fill a little, and expire them where `end_resting` says so."""
        for order in self.placed:
            if not order.resting:
                continue
            price = self.market.price(order.index, now_ms)
            crosses = (price - order.request.limit) * int(order.request.side) <= 0
            if crosses and not self.faults.calm and self.faults.between(1, REST_TICKS) == 1:
                self._trade(order, self._part(order, order.request.qty - order.filled), price, now_ms)
            if order.filled >= order.request.qty:
                order.state = VenueOrderState.FILLED
            elif end_resting:
                order.state = VenueOrderState.EXPIRED

    def _shown(self, order: Placed, now_ms: int) -> VenueOrder:
        filled = order.filled - (order.late if now_ms < order.late_ms else 0)
        state = order.state
        if order.late and now_ms >= order.late_ms and filled == order.request.qty:
            state = VenueOrderState.FILLED
        if state is VenueOrderState.OPEN and filled:
            state = VenueOrderState.PARTIAL
        return VenueOrder(order.request.client_order_id, order.venue_order_id, state, order.request.qty, filled, order.at_ms)

    def cancel(self, client_order_id: str, now_ms: int) -> None:
        """End an order that the venue already knows under its client id."""
        for order in self._known(client_order_id, now_ms):
            if order.resting:
                order.state = VenueOrderState.CANCELED

    def order(self, client_order_id: str, now_ms: int) -> Reply[VenueOrder]:
        """Return an order by client id, once it is visible."""
        known = self._known(client_order_id, now_ms)
        return Reply(Outcome.OK, self._shown(known[-1], now_ms)) if known else Reply(Outcome.NOT_FOUND)

    def _known(self, client_order_id: str, now_ms: int) -> list[Placed]:
        return [order for order in self.by_cid.get(client_order_id, []) if now_ms >= order.visible_ms]

    def open_orders(self, symbol: str, now_ms: int) -> Reply[list[VenueOrder]]:
        """Return the visible open orders of a symbol."""
        found = [o for o in self.placed if o.request.symbol == symbol and o.resting and now_ms >= o.visible_ms]
        return Reply(Outcome.OK, [self._shown(order, now_ms) for order in found])

    def trades(self, symbol: str, since_ms: int, now_ms: int) -> Reply[list[VenueTrade]]:
        """Return the visible trades of a symbol since a time, some of them twice."""
        found: list[VenueTrade] = []
        for order in self.placed:
            for shown_ms, trade in order.trades:
                if trade.symbol == symbol and trade.ts_ms >= since_ms and now_ms >= shown_ms:
                    found += [trade] * (2 if self.faults.hit(Fault.TRADES_TWICE) else 1)
        return Reply(Outcome.OK, found)

    def balances(self) -> list[Balance]:
        """Return the true balances as decimal texts."""
        coins = [
            Balance(coin.base, _text(quantity, coin.qty_exp), "0")
            for coin, quantity in zip(self.market.instruments, self.quantities, strict=True)
        ]
        return [Balance("USDT", _text(self.cash, 10), "0"), *coins]

    def owed(self, client_order_id: str) -> int:
        """Return the largest quantity that an order can have filled in the end, without what the venue keeps back."""
        transit = self.transit.get(client_order_id)
        most = transit.qty if transit else 0
        for order in self.by_cid.get(client_order_id, []):
            most += order.request.qty if order.resting else order.filled - order.late
        return most


def worth(coin: Instrument, price: int, qty: int, *, up: bool) -> int:
    """Return what a quantity is worth in account units (10^-10), rounded up or down; unbounded integers throughout."""
    shift = 10 - coin.price_exp - coin.qty_exp
    if shift >= 0:
        return price * qty * int(10**shift)
    whole, rest = divmod(price * qty, int(10**-shift))
    return whole + (1 if rest and up else 0)


def fee_of(amount: int) -> int:
    """Return the venue's fee on an amount, rounded up: the same part for every instrument."""
    return -(-amount * FEE_PPM // 10**6)


def _text(amount: int, exponent: int) -> str:
    return format(Decimal(amount).scaleb(-exponent), "f")
