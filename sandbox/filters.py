"""What an order must be to be accepted, and what it takes of a book at once. Pure."""

from sandbox.book import Book, Level
from sandbox.orders import BUY, Kind, NewOrder, No, Order, Refused
from sandbox.pairs import Pair, Rules
from trader_core.model.money import PPM

PROTECTION_PPM = 50_000
"""A market order takes no worse price than this far from the last one."""


def by_quote(asked: NewOrder) -> bool:
    """Return whether a market order names what it spends instead of what it buys."""
    return asked.kind is Kind.MARKET and asked.quote_qty > 0


def protection(asked: NewOrder, last: int) -> int:
    """Return the worst price that a market order takes."""
    return last + asked.side * (last * PROTECTION_PPM // PPM)


def check(pair: Pair, rules: Rules, asked: NewOrder, last: int) -> None:
    """Raise Refused when the order breaks a filter of its market at the last price."""
    if not by_quote(asked) and asked.qty <= 0:
        raise Refused(No.QTY_ZERO)
    if not by_quote(asked) and asked.qty < pair.qty_min:
        raise Refused(No.QTY_MIN)
    if asked.kind is not Kind.MARKET and asked.price <= 0:
        raise Refused(No.TICK)
    price = last if asked.kind is Kind.MARKET else asked.price
    notional = asked.quote_qty if by_quote(asked) else asked.qty * price * pair.notional_factor
    if notional < rules.notional_min:
        raise Refused(No.NOTIONAL_MIN)
    if notional > rules.notional_max:
        raise Refused(No.NOTIONAL_MAX)


def taken_at_once(book: Book, pair: Pair, order: Order) -> list[Level]:
    """Return what the order takes from the book, best price first; nothing when FILL_OR_KILL cannot fill."""
    side, left = order.asked.side, order.qty
    money = order.asked.quote_qty if by_quote(order.asked) else 0
    takes = []
    for level in book.asks if side == BUY else book.bids:
        worth = level.price * pair.notional_factor
        qty = min(level.qty, money // worth if by_quote(order.asked) else left)
        if (level.price - order.price) * side > 0 or qty <= 0:
            break
        takes.append(Level(level.price, qty))
        left, money = left - qty, money - qty * worth
    return [] if order.asked.kind is Kind.FOK and left > 0 else takes
