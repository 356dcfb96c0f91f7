"""Instruments: what is traded on a venue, with its grids and doors, and the way from decimal text to integers."""

from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from trader_core.model.errors import DataFault, OutOfRange
from trader_core.model.money import HEADROOM, MONEY_EXP, MONEY_MAX, PRODUCT_MAX, from_text, notional, rate, to_text

EXP_SUM_MAX = 12
FEE_PPM_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded, frozen when a session opens: prices count 10^-price_exp, quantities 10^-qty_exp, money account units."""

    venue: str
    symbol: str
    base: str
    quote: str
    price_exp: int
    qty_exp: int
    tick: int
    """Prices are multiples of this."""
    lot: int
    """Quantities are multiples of this."""
    qty_min: int
    notional_min: int
    maker_ppm: int
    taker_ppm: int
    price_max: int = 0
    """Door: a bar beyond this price is a DataFault. 0 until `freeze` has set it."""
    qty_max: int = 0
    """Door: no position grows beyond this. 0 until `freeze` has set it."""
    fee_in_base: bool = False

    def __post_init__(self) -> None:
        """Refuse grids that the integers cannot carry."""
        if self.price_exp < 0 or self.qty_exp < 0 or self.price_exp + self.qty_exp > EXP_SUM_MAX:
            found = f"price_exp {self.price_exp}, qty_exp {self.qty_exp} for {self.symbol}"
            raise OutOfRange(f"exponents of at least 0 with a sum of at most {EXP_SUM_MAX}", found, "trade another one")
        if self.tick < 1 or self.lot < 1 or self.qty_min < 0 or self.notional_min < 0:
            raise OutOfRange("tick and lot of at least 1, minimums of at least 0", repr(self), "check the venue's filters")
        if not (0 <= self.maker_ppm <= FEE_PPM_MAX and 0 <= self.taker_ppm <= FEE_PPM_MAX):
            raise OutOfRange("fees from 0 to 10 %", f"{self.maker_ppm}/{self.taker_ppm} ppm", "check the venue's fees")


def freeze(instrument: Instrument, price_reference: int) -> Instrument:
    """Return the instrument with its doors set so that no product of a price and a quantity inside them can overflow.

    `price_reference` counts 10^-price_exp: the highest price known at the session's opening. Raises OutOfRange when even
    one lot would not fit.
    """
    if price_reference < 1:
        raise OutOfRange("a positive reference price", str(price_reference), f"check the data of {instrument.symbol}")
    price_max = price_reference * HEADROOM
    shift = MONEY_EXP - instrument.price_exp - instrument.qty_exp
    money_door = MONEY_MAX // 10**shift if shift >= 0 else MONEY_MAX * 10**-shift
    qty_max = min(PRODUCT_MAX, money_door) // price_max // instrument.lot * instrument.lot
    if qty_max < instrument.lot or price_max > PRODUCT_MAX:
        raise OutOfRange("a price at which one lot fits the doors", str(price_reference), f"do not trade {instrument.symbol}")
    return replace(instrument, price_max=price_max, qty_max=qty_max)


def price_from(instrument: Instrument, text: str) -> int:
    """Return a venue's price text as an integer; raises DataFault when it is no positive price on the grid of exponents."""
    price = _exact(text, instrument.price_exp, f"price of {instrument.symbol}")
    if price <= 0:
        raise DataFault(f"a positive price of {instrument.symbol}", text, "fetch it again")
    if instrument.price_max and price > instrument.price_max:
        raise DataFault(f"a price up to {price_text(instrument, instrument.price_max)}", text, "check the venue's data")
    return price


def qty_from(instrument: Instrument, text: str) -> int:
    """Return a venue's quantity text as an integer; raises DataFault when it is negative or off the grid of exponents."""
    qty = _exact(text, instrument.qty_exp, f"quantity of {instrument.symbol}")
    if qty < 0:
        raise DataFault(f"a quantity of {instrument.symbol} of at least 0", text, "fetch it again")
    return qty


def volume_from(instrument: Instrument, text: str) -> int:
    """Return a bar's volume rounded down to the grid: a volume only ever bounds fills, so less is the safe side."""
    try:
        volume = int(Decimal(text).scaleb(instrument.qty_exp).to_integral_value(ROUND_FLOOR))
    except (ArithmeticError, ValueError) as error:  # NaN is a ValueError
        raise DataFault(f"volume of {instrument.symbol} as a number", repr(text)[:60], "fetch it again") from error
    if not 0 <= volume <= PRODUCT_MAX:
        raise DataFault(f"volume of {instrument.symbol} from 0 to the door", repr(text)[:60], "fetch it again")
    return volume


def price_text(instrument: Instrument, price: int) -> str:
    """Return the decimal text of a price."""
    return to_text(price, instrument.price_exp)


def qty_text(instrument: Instrument, qty: int) -> str:
    """Return the decimal text of a quantity."""
    return to_text(qty, instrument.qty_exp)


def value_of(instrument: Instrument, price: int, qty: int, *, up: bool) -> int:
    """Return price * qty in account units."""
    return notional(price, qty, instrument.price_exp, instrument.qty_exp, up=up)


def fee_at_most(instrument: Instrument, price: int, qty: int, *, buys: bool) -> tuple[int, int]:
    """Return (fee in account units, fee in base) that the schedule takes of a fill at most: a purchase's in base where it is so."""
    ppm = max(instrument.maker_ppm, instrument.taker_ppm)
    if buys and instrument.fee_in_base:
        return 0, rate(qty, ppm, up=True)
    return rate(value_of(instrument, price, qty, up=True), ppm, up=True), 0


def _exact(text: str, exponent: int, what: str) -> int:
    try:
        found = from_text(text, exponent, what)
    except OutOfRange as error:
        raise DataFault(error.expected, error.found, "check the venue's data and its instrument") from error
    if found > PRODUCT_MAX:
        raise DataFault(f"{what} within the doors", repr(text)[:60], "check the venue's data and its instrument")
    return found
