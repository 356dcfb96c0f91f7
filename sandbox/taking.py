"""What an incoming order takes: the synthetic levels and, where accounts meet, what others have resting. Pure.

Better prices go first; at one price the synthetic quantity before the orders of accounts, and these by time.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple

from sandbox.book import Book, Level
from sandbox.filters import by_quote
from sandbox.orders import BUY, SELL, Kind, Order
from sandbox.pairs import Pair
from sandbox.resting import Resting

LEVELS_SHOWN = 5_000


class Offer(NamedTuple):
    """What stands on the other side: of an order where `number` says which, else synthetic."""

    price: int
    qty: int
    number: int = 0
    account: str = ""


class Reach(NamedTuple):
    """What an order takes, which orders of its own account it meets that must go, and whether it ends itself at one of them."""

    takes: tuple[Offer, ...] = ()
    met: tuple[int, ...] = ()
    ends: bool = False

    @property
    def crosses(self) -> bool:
        """Return whether there is anything in its way."""
        return bool(self.takes or self.met or self.ends)


def offers(side: int, synthetic: Book, resting: Resting | None) -> Iterator[Offer]:
    """Yield what an order of a side can take, best first; without `resting` the synthetic levels alone.

    A synthetic level that an order resting on the taker's side would have taken is not there.
    """
    levels = synthetic.asks if side == BUY else synthetic.bids
    if resting is None:
        return (Offer(level.price, level.qty) for level in levels)
    best = resting.best(side)
    left = (Offer(price, qty) for price, qty in levels if best is None or (price - best) * side > 0)
    others = (Offer(order.price, order.remaining, order.number, order.account) for order in resting.ranked(-side))
    return merge(left, others, key=lambda offer: offer.price * side)


def reach(order: Order, found: Iterable[Offer], pair: Pair, lot: int, self_trade: str) -> Reach:
    """Return what the order takes of the offers; nothing when FILL_OR_KILL cannot fill."""
    spends = by_quote(order.asked)
    side, left, money = order.asked.side, order.qty, order.asked.quote_qty if spends else 0
    takes, met, ends = list[Offer](), list[int](), False
    for offer in found:
        worth = offer.price * pair.notional_factor
        qty = min(offer.qty, money // worth // lot * lot if spends else left)
        if (offer.price - order.price) * side > 0 or qty <= 0:
            break
        if offer.account == order.account and self_trade != "allow":
            if self_trade == "expire_taker":
                ends = True
                break
            met.append(offer.number)
            continue
        takes.append(offer._replace(qty=qty))
        left, money = left - qty, money - qty * worth
    if order.asked.kind is Kind.FOK and left > 0:
        return Reach(ends=ends)
    return Reach(_whole_lots(takes, lot) if spends else tuple(takes), tuple(met), ends)


def _whole_lots(takes: list[Offer], lot: int) -> tuple[Offer, ...]:
    """Return the takes without the worst-priced part that no whole lot is made of."""
    excess = sum(take.qty for take in takes) % lot
    while excess:
        last = takes.pop()
        takes += [last._replace(qty=last.qty - excess)] if last.qty > excess else []
        excess = max(0, excess - last.qty)
    return tuple(takes)


def merged(synthetic: Book, resting: Resting) -> Book:
    """Return the book as it is shown where accounts meet."""
    return Book(_levels(SELL, synthetic, resting), _levels(BUY, synthetic, resting))


def _levels(taker: int, synthetic: Book, resting: Resting) -> tuple[Level, ...]:
    prices = groupby(offers(taker, synthetic, resting), key=lambda offer: offer.price)
    levels = (Level(price, sum(offer.qty for offer in at)) for price, at in prices)
    return tuple(islice(levels, LEVELS_SHOWN))
