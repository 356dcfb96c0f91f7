"""The trading floor: the state of an exchange, its books, and what happens to an order that trades. Pure."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.book import Book, less
from sandbox.books import Books
from sandbox.due import Due
from sandbox.events import OrderChanged
from sandbox.filters import Filters, protection
from sandbox.ledger import Ledger
from sandbox.market import TICK_MS, Market, tick_price
from sandbox.orders import AT_MARKET, BUY, OPEN, SELL, TAKES_ONLY, Fill, No, Order, Refused, Status
from sandbox.pairs import Pair, Rules
from sandbox.register import Register
from sandbox.resting import Resting
from sandbox.settling import Settling
from sandbox.taking import Offer, Reach, merged, offers, reach
from sandbox.ticks import next_tick, tick_at
from trader_core.model.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable


class Floor:
    """Orders against a market at `now_ms`; whoever moves that time lets the ticks between trade."""

    def __init__(self, market: Market, rules: Rules, seed: int, start_ms: int, books: Books | None = None) -> None:
        """Open at `start_ms` without accounts or orders; without `books` they are drawn from the seed."""
        self.market, self.rules, self.seed, self.now_ms = market, rules, seed, start_ms
        self.books = books or Books(seed, market.pairs)
        self.ledger, self.register = Ledger(), Register()
        self.listeners: list[Callable[[OrderChanged], None]] = []
        """Told of every change of an order, at once."""
        self.halted: set[str] = set()
        """Markets that accept no order and fill none; cancels work."""
        self.overrides: dict[str, dict[str, int]] = {}
        """Filters that were changed, by market and by the names that Filters has."""
        self.resting = {name: Resting() for name in market.pairs}
        self.taken: dict[str, tuple[int, dict[int, int]]] = {}
        """What was taken of the synthetic book, by market: the tick in which it was, and lots by price."""
        self.due = Due()
        self._settling = Settling(seed, market.pairs, self.ledger, self.register)
        self._books: dict[str, tuple[tuple[int, int], Book]] = {}
        self._shown: dict[str, tuple[tuple[int, int, int], Book]] = {}

    # what holds on a market

    def pair(self, name: str) -> Pair:
        """Return the market called `name`, such as BTCUSDT; raises Refused for another."""
        if name not in self.market.pairs:
            raise Refused(No.SYMBOL, name)
        return self.market.pairs[name]

    def filters(self, name: str) -> Filters:
        """Return the grids and minimums of a market that hold now."""
        usual = {"tick": 1, "lot": 1, "qty_min": self.pair(name).qty_min, "notional_min": self.rules.notional_min}
        return Filters(**{**usual, **self.overrides.get(name, {})})

    def change_filters(self, name: str, **changes: int | None) -> Filters:
        """Change a market's filters by name, None back to the usual, and return all; orders that rest stay as they are.

        Raises Refused, UnknownName or OutOfRange, and changes nothing then.
        """
        before = self.overrides.get(self.pair(name).id, {})
        unknown = set(changes) - set(Filters.__dataclass_fields__)
        if unknown:
            raise UnknownName(f"filters of {', '.join(Filters.__dataclass_fields__)}", ", ".join(sorted(unknown)), "correct them")
        after = {key: value for key, value in {**before, **changes}.items() if value is not None}
        Filters(**{"tick": 1, "lot": 1, "qty_min": 0, "notional_min": 0, **after})
        self.overrides[name] = after
        return self.filters(name)

    def last(self, name: str) -> int:
        """Return the last price."""
        return tick_price(self.market, name, self.now_ms // TICK_MS)

    def book(self, name: str) -> Book:
        """Return the book of this instant; orders of accounts stand in it where they meet."""
        synthetic, resting = self._synthetic(name), self.resting[name]
        if not self.rules.accounts_meet or not resting:
            return synthetic
        stamp = self.now_ms // TICK_MS, self.last(name), resting.changes
        if name not in self._shown or self._shown[name][0] != stamp:
            self._shown[name] = stamp, merged(synthetic, resting)
        return self._shown[name][1]

    def _synthetic(self, name: str) -> Book:
        """Return the book without the orders of accounts and without what was taken of it in this tick."""
        tick, last = self.now_ms // TICK_MS, self.last(name)
        if name not in self._books or self._books[name][0] != (tick, last):
            self._books[name] = (tick, last), self.books.at(self.pair(name).id, tick, last)
        book = self._books[name][1]
        taken_tick, taken = self.taken.get(name, (tick, {}))
        if taken_tick != tick:
            return book
        return Book(less(book.bids, taken), less(book.asks, taken))

    # ticks

    def _next_tick(self, name: str, first: int, last: int) -> int | None:
        """Return the next tick of [first, last] that does something to what rests or waits on a market."""
        resting = self.resting[name]
        if not resting or name in self.halted:
            return None
        return next_tick(self.market, name, first, last, resting.bounds(touch=self._touch))

    def _trade_tick(self, name: str, number: int) -> None:
        """Fill what a tick fills, then trigger what it triggers."""
        resting, tick = self.resting[name], tick_at(self.market, name, number)
        for order, qty in resting.traded(tick, touch=self._touch):
            self._keep(self._booked(order, order.price, qty, maker=True))
        for order in resting.triggered(tick.price):
            self._trigger(order, tick.price)

    @property
    def _touch(self) -> bool:
        return self.rules.queue == "touch"

    def _trigger(self, stop: Order, last: int) -> None:
        """Let a stop trade from now on; a sell at market is protected from here, a buy from the trigger that it has locked for."""
        sells_at_market = stop.asked.kind in AT_MARKET and stop.asked.side == SELL
        price = protection(stop.asked, last) if sells_at_market else stop.price
        order = replace(stop, price=price, working_ms=self.now_ms, updated_ms=self.now_ms)
        self._tell(order)
        self._keep(self._traded(order, self._reach(order)))

    # orders

    def _reach(self, order: Order) -> Reach:
        """Return what an order takes of the book at this instant."""
        name = order.asked.symbol
        met = self.resting[name] if self.rules.accounts_meet else None
        found = offers(order.asked.side, self._synthetic(name), met)
        return reach(order, found, self.pair(name), self.filters(name).lot, self.rules.self_trade)

    def _traded(self, order: Order, found: Reach) -> Order:
        """Return the order after it took what it reaches, ended where it may not rest."""
        for number in found.met:
            self._keep(self._closed(self.register.latest(number), self_met=True))
        for offer in found.takes:
            if offer.number:
                self.resting[order.asked.symbol].ahead[offer.number] = 0
                self._keep(self._booked(self.register.latest(offer.number), offer.price, offer.qty, maker=True))
            else:
                self._take(order.asked.symbol, order.asked.side, offer)
            order = self._booked(order, offer.price, offer.qty, maker=False)
        if order.status in OPEN and (found.ends or (order.asked.kind in TAKES_ONLY and not order.is_waiting)):
            return self._closed(order, self_met=found.ends)
        return order

    def _take(self, name: str, side: int, offer: Offer) -> None:
        tick = self.now_ms // TICK_MS
        before, taken = self.taken.get(name, (tick, {}))
        taken = dict(taken) if before == tick else {}
        taken[offer.price] = taken.get(offer.price, 0) + offer.qty
        self.taken[name] = tick, taken
        self.resting[name].eaten(-side, offer.price, offer.qty)

    def _booked(self, order: Order, price: int, qty: int, *, maker: bool) -> Order:
        after, fill = self._settling.booked(order, price, qty, self.now_ms, self.rules, maker=maker)
        self._tell(after, fill)
        return after

    def _closed(self, order: Order, *, self_met: bool = False) -> Order:
        status = Status.PARTIALLY_CANCELED if order.filled else Status.CANCELED
        after = self._settling.unlocked(replace(order, status=status, updated_ms=self.now_ms, self_met=self_met))
        self._tell(after)
        return after

    def _tell(self, order: Order, fill: Fill | None = None) -> None:
        for listener in self.listeners:
            listener(OrderChanged(order, fill))

    def _keep(self, order: Order) -> None:
        """Write an order down as it stands now, in its place on the floor where it is open."""
        resting = self.resting[order.asked.symbol]
        self.register.write(order)
        if order.status in OPEN:
            resting.put(order, self._ahead(order) if self._touch else 0)
        else:
            resting.remove(order.number)

    def _ahead(self, order: Order) -> int:
        """Return the synthetic quantity that stands at an order's price."""
        book = self._synthetic(order.asked.symbol)
        return next((qty for price, qty in (book.bids if order.asked.side == BUY else book.asks) if price == order.price), 0)
