"""What rests and waits on one market: orders by price and time, their places in the queue, stops by trigger. Pure.

The queue at a price is the synthetic quantity that stood there when an order came, then the orders of accounts by time.
Ticks at that price eat up the quantity first. A tick beyond the price has eaten all of it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from sandbox.orders import BUY, SELL, Order

NO_FLOOR, NO_CEILING = 0, 1 << 62
Rank = tuple[int, int, int]
"""Price as its side ranks it, time, number: the least is served first."""


class Tick(NamedTuple):
    """One print of the market: its price, its volume, and whether the taker bought."""

    price: int
    volume: int
    buys: bool


class Resting:
    """One market's open orders that trade, and its stops that do not yet."""

    def __init__(self) -> None:
        """Begin empty."""
        self._orders: dict[int, Order] = {}
        self._ranks: dict[int, list[Rank]] = {BUY: [], SELL: []}
        self._stops: dict[bool, list[Rank]] = {True: [], False: []}
        self.ahead: dict[int, int] = {}
        """Lots of synthetic quantity that are served before an order at its price."""
        self.changes = 0
        """Counts what has happened here, so that one can keep what was read."""

    def __bool__(self) -> bool:
        """Return whether anything rests or waits."""
        return bool(self._orders)

    def put(self, order: Order, ahead: int = 0) -> None:
        """Let an order rest behind `ahead` lots, let a stop wait, or keep the new version of one that already does."""
        before = self._orders.get(order.number)
        if before is not None and before.is_waiting != order.is_waiting:
            self.remove(order.number)
            before = None
        self._orders[order.number] = order
        self.changes += 1
        if before is not None:
            return
        if order.is_waiting:
            insort(self._stops[order.asked.falls_to], _stop_rank(order))
            return
        insort(self._ranks[order.asked.side], _rank(order))
        self.ahead[order.number] = ahead

    def remove(self, number: int) -> None:
        """Forget an order, if it is here."""
        order = self._orders.pop(number, None)
        if order is None:
            return
        waits = order.is_waiting
        ranks = self._stops[order.asked.falls_to] if waits else self._ranks[order.asked.side]
        del ranks[bisect_left(ranks, _stop_rank(order) if waits else _rank(order))]
        self.ahead.pop(number, None)
        self.changes += 1

    def ranked(self, side: int) -> Iterator[Order]:
        """Yield the orders that rest on a side, first served first."""
        return (self._orders[number] for _, _, number in self._ranks[side])

    def best(self, side: int) -> int | None:
        """Return the best price at which orders of a side rest."""
        return self._orders[self._ranks[side][0][2]].price if self._ranks[side] else None

    def bounds(self, *, touch: bool) -> tuple[int, int]:
        """Return the highest price that does something to what lies below the market, and the lowest to what lies above."""
        nearest = 0 if touch else 1
        buy, sell = self.best(BUY), self.best(SELL)
        falls, rises = (self._orders[stops[0][2]].asked.stop if stops else None for stops in (self._stops[True], self._stops[False]))
        floors = [NO_FLOOR if buy is None else buy - nearest, NO_FLOOR if falls is None else falls]
        ceilings = [NO_CEILING if sell is None else sell + nearest, NO_CEILING if rises is None else rises]
        return max(floors), min(ceilings)

    def traded(self, tick: Tick, *, touch: bool) -> list[tuple[Order, int]]:
        """Return what a tick fills: orders with their lots, buys before sells, each side at most the tick's volume."""
        found: list[tuple[Order, int]] = []
        for side in (BUY, SELL):
            left = tick.volume
            for order in takewhile(lambda order, side=side: (order.price - tick.price) * side > 0, self.ranked(side)):  # type: ignore[misc]
                qty = min(order.remaining, left)
                self.ahead[order.number] = 0
                left -= qty
                found += [(order, qty)] if qty else []
            if touch and tick.buys == (side == SELL):
                found += self._touched(side, tick.price, left)
        return found

    def _touched(self, side: int, price: int, volume: int) -> list[tuple[Order, int]]:
        """Return what a volume at a price leaves for the orders that rest there, once those before them are served."""
        found, filled = list[tuple[Order, int]](), 0
        for order in self._at(side, price):
            reaches = volume - filled
            eaten = min(self.ahead[order.number], reaches)
            self.ahead[order.number] -= eaten
            qty = min(order.remaining, reaches - eaten)
            filled += qty
            found += [(order, qty)] if qty else []
        return found

    def eaten(self, side: int, price: int, qty: int) -> None:
        """Serve `qty` lots of the synthetic quantity on a side: whoever stands behind them at that price moves up."""
        self.changes += 1
        for order in self._at(side, price):
            self.ahead[order.number] = max(0, self.ahead[order.number] - qty)

    def _at(self, side: int, price: int) -> list[Order]:
        ranks = self._ranks[side]
        first, end = bisect_left(ranks, (-side * price, -1, -1)), bisect_left(ranks, (1 - side * price, -1, -1))
        return [self._orders[number] for _, _, number in ranks[first:end]]

    def triggered(self, price: int) -> list[Order]:
        """Return the stops that a price triggers, nearest trigger first."""
        falls = takewhile(lambda rank: -rank[0] >= price, self._stops[True])
        rises = takewhile(lambda rank: rank[0] <= price, self._stops[False])
        return [self._orders[number] for _, _, number in (*falls, *rises)]


def _rank(order: Order) -> Rank:
    return -order.asked.side * order.price, order.working_ms, order.number


def _stop_rank(order: Order) -> Rank:
    stop = order.asked.stop
    return -stop if order.asked.falls_to else stop, order.created_ms, order.number
