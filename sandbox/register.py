"""Every order in all its versions, and every fill, found by account and market without a search. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

from sandbox.orders import OPEN, Fill, Order

FIRST_NUMBER = 342_252_993_005_723_644_000
FOREVER_MS = 1 << 62
Place = tuple[str, str]
"""An account and a market."""


class Register:
    """Orders by number, oldest version first; the indexes know where an account's stand.

    A read names the instant until which it sees: what was written after it is invisible to it.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.fills: list[Fill] = []
        self.log: list[Order] = []
        """Every version of every order, as they were written: from it and the fills all else follows."""
        self._versions: dict[int, list[Order]] = {}
        self._numbers: dict[Place, list[int]] = {}
        self._open: dict[Place, dict[int, Order]] = {}
        self._ended: dict[Place, list[Order]] = {}
        self._fills: dict[Place, list[Fill]] = {}
        self._by_client: dict[Place, list[int]] = {}
        self._markets: dict[str, list[str]] = {}

    def next_number(self) -> int:
        """Return the number of the next order."""
        return FIRST_NUMBER + len(self._versions) + 1

    def write(self, order: Order) -> None:
        """Keep a version of an order: its truth from now on."""
        place = order.account, order.asked.symbol
        if order.number not in self._versions:
            self._enter(order, place)
        self._versions[order.number].append(order)
        self.log.append(order)
        if order.status in OPEN:
            self._open[place][order.number] = order
            return
        self._open[place].pop(order.number, None)
        self._ended[place].append(order)

    def record(self, fill: Fill) -> None:
        """Keep a fill."""
        self.fills.append(fill)
        self._fills.setdefault((fill.account, fill.symbol), []).append(fill)

    def _enter(self, order: Order, place: Place) -> None:
        self._versions[order.number] = []
        if place not in self._numbers:
            self._numbers[place], self._open[place], self._ended[place] = [], {}, []
            self._markets.setdefault(order.account, []).append(order.asked.symbol)
        self._numbers[place].append(order.number)
        if order.asked.client_id:
            self._by_client.setdefault((order.account, order.asked.client_id), []).append(order.number)

    # the truth

    def latest(self, number: int) -> Order:
        """Return an order as it truly stands."""
        return self._versions[number][-1]

    def open_one(self, account: str, name: str, number: int) -> Order | None:
        """Return an account's open order, or None."""
        return self._open.get((account, name), {}).get(number)

    def open_count(self, account: str, name: str) -> int:
        """Return how many orders an account has open on a market."""
        return len(self._open.get((account, name), ()))

    def open_truly(self, account: str, name: str) -> list[Order]:
        """Return the account's open orders on a market as they truly stand, oldest first."""
        return list(self._open.get((account, name), {}).values())

    def of_client(self, account: str, client_id: str) -> list[int]:
        """Return the numbers of the orders that carry a client id, oldest first."""
        return self._by_client.get((account, client_id), [])

    def every(self) -> list[Order]:
        """Return every order of every account, oldest first."""
        return [versions[-1] for versions in self._versions.values()]

    # as reads see it

    def seen(self, number: int, until_ms: int) -> Order | None:
        """Return an order's youngest version that is not younger than an instant."""
        return next((order for order in reversed(self._versions.get(number, ())) if order.updated_ms <= until_ms), None)

    def orders(self, account: str, name: str, until_ms: int, since_ms: int, to_ms: int, most: int) -> list[Order]:
        """Return the account's orders that were created in [since, to], oldest first; the youngest `most` of them, 0 for all."""
        found: list[Order] = []
        for market in self._places(account, name):
            numbers = self._numbers[account, market]
            low = bisect_left(numbers, since_ms, key=self._created) if since_ms else 0
            high = bisect_right(numbers, to_ms, key=self._created)
            seen = (self.seen(numbers[at], until_ms) for at in range(high - 1, low - 1, -1))
            found += islice(filter(None, seen), most or None)
        return sorted(found, key=lambda order: order.number)[-most:]

    def open_orders(self, account: str, name: str, until_ms: int | None) -> list[Order]:
        """Return the account's open orders, oldest first; without an instant as they truly stand."""
        found: list[Order] = []
        for market in self._places(account, name):
            truth = self._open[account, market]
            found += truth.values() if until_ms is None else self._once_open((account, market), truth, until_ms)
        return sorted(found, key=lambda order: order.number)

    def _once_open(self, place: Place, truth: dict[int, Order], until_ms: int) -> Iterator[Order]:
        """Yield what an instant saw open: of what is open now, and of what has ended since."""
        since = takewhile(lambda order: order.updated_ms > until_ms, reversed(self._ended[place]))
        candidates: Iterable[int] = (*truth, *(order.number for order in since))
        seen = (self.seen(number, until_ms) for number in candidates)
        return (order for order in seen if order and order.status in OPEN)

    def fills_of(self, account: str, name: str, since_ms: int, until_ms: int) -> list[Fill]:
        """Return the account's fills within [since, until], oldest first."""
        found: list[Fill] = []
        for market in self._places(account, name):
            fills = self._fills.get((account, market), [])
            low = bisect_left(fills, since_ms, key=_time_of) if since_ms else 0
            found += fills[low : bisect_right(fills, until_ms, key=_time_of)]
        return sorted(found, key=lambda fill: fill.number)

    def _places(self, account: str, name: str) -> list[str]:
        """Return the markets, of one or of all, on which the account ever had an order."""
        markets = self._markets.get(account, [])
        return markets if not name else [name] if name in markets else []

    def _created(self, number: int) -> int:
        return self._versions[number][0].created_ms


def _time_of(fill: Fill) -> int:
    return fill.ts_ms
