"""What an order must be to be accepted. Pure."""

from dataclasses import dataclass, fields

from sandbox.orders import AT_MARKET, STOPS, Kind, NewOrder, No, Refused
from sandbox.pairs import Pair, Rules
from trader_core.model.errors import OutOfRange
from trader_core.model.money import PPM

PROTECTION_PPM = 50_000
"""A market order takes no worse price than this far from the last one; a triggered buy, from its trigger."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The grids and minimums of a market as they hold now; tick and lot in the pair's own, the notional in ledger units."""

    tick: int
    lot: int
    qty_min: int
    notional_min: int

    def __post_init__(self) -> None:
        """Refuse what no order could be measured by."""
        values = [getattr(self, field.name) for field in fields(self)]
        if any(type(value) is not int for value in values) or min(self.tick, self.lot) < 1 or min(values) < 0:
            expected = "tick and lot of at least 1, qty_min and notional_min of at least 0, as whole numbers"
            raise OutOfRange(expected, repr(self), "correct the filters")


def by_quote(asked: NewOrder) -> bool:
    """Return whether a market order names what it spends instead of what it buys."""
    return asked.kind is Kind.MARKET and asked.quote_qty > 0


def protection(asked: NewOrder, base: int) -> int:
    """Return the worst price that an order at market takes, seen from a price."""
    return base + asked.side * (base * PROTECTION_PPM // PPM)


def check(pair: Pair, rules: Rules, filters: Filters, asked: NewOrder, last: int) -> None:
    """Raise Refused when the order breaks a filter of its market at the last price."""
    if not by_quote(asked):
        _check_qty(filters, asked)
    _check_prices(filters, asked)
    price = asked.price if asked.kind not in AT_MARKET else asked.stop if asked.kind in STOPS else last
    notional = asked.quote_qty if by_quote(asked) else asked.qty * price * pair.notional_factor
    if notional < filters.notional_min:
        raise Refused(No.NOTIONAL_MIN)
    if notional > rules.notional_max:
        raise Refused(No.NOTIONAL_MAX)
    if rules.price_band_ppm and asked.kind not in AT_MARKET and abs(price - last) * PPM > rules.price_band_ppm * last:
        raise Refused(No.BAND)
    if asked.kind in STOPS and triggers(asked, last):
        raise Refused(No.WOULD_TRIGGER)


def triggers(asked: NewOrder, last: int) -> bool:
    """Return whether a stop is triggered by a price."""
    return last <= asked.stop if asked.falls_to else last >= asked.stop


def _check_qty(filters: Filters, asked: NewOrder) -> None:
    if asked.qty <= 0:
        raise Refused(No.QTY_ZERO)
    if asked.qty < filters.qty_min:
        raise Refused(No.QTY_MIN)
    if asked.qty % filters.lot:
        raise Refused(No.LOT)


def _check_prices(filters: Filters, asked: NewOrder) -> None:
    if asked.kind not in AT_MARKET and (asked.price <= 0 or asked.price % filters.tick):
        raise Refused(No.TICK)
    if asked.kind in STOPS and (asked.stop <= 0 or asked.stop % filters.tick):
        raise Refused(No.TICK)
