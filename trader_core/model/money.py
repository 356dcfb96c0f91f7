"""Money as integers: the account unit is 10^-10 of the settlement currency.

Decimals exist at two doors only (`from_text`, `to_text`). Everything between is `int`; what the compiled engine does in
int64 is checked here against Python's unbounded integers. A division happens once, at booking, and rounds against us.
"""

from decimal import Context, Decimal, InvalidOperation

from trader_core.model.errors import OutOfRange

MONEY_EXP = 10
UNIT = 10_000_000_000
"""One whole unit of the settlement currency."""

PPM = 1_000_000
BPS = 10_000

CAPITAL_MAX = 1_000_000 * UNIT
"""The largest capital of a session, in account units."""
MONEY_MAX = 10**17
"""No amount of money in an account may be larger in size than this."""
PRODUCT_MAX = 4 * 10**18
"""No price times quantity may be larger than this: int64 wraps at 9.2e18, silently."""
POWERS: tuple[int, ...] = tuple(10**exponent for exponent in range(MONEY_EXP + 1))
_WIDE = Context(prec=10_000)
"""So many digits that none is rounded away before it was looked at."""
HEADROOM = 10
"""A frozen instrument takes prices up to this many times its reference price; beyond is a DataFault."""


def from_text(text: str, exponent: int, what: str = "value") -> int:
    """Return the decimal `text` as an integer count of 10^-exponent, exactly.

    Raises OutOfRange when it is no finite decimal, or has more decimals than `exponent`.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise OutOfRange(f"{what} as a decimal number", repr(text)[:60], "correct it") from error
    if not value.is_finite():
        raise OutOfRange(f"{what} as a finite number", repr(text)[:60], "correct it")
    if value.adjusted() > 20:  # noqa: PLR2004 - keeps a hostile exponent from building a huge integer
        raise OutOfRange(f"{what} below 10^20", repr(text)[:60], "correct it")
    if value and value.adjusted() < -exponent:
        raise OutOfRange(f"{what} with at most {exponent} decimals", repr(text)[:60], "round it first")
    scaled = value.scaleb(exponent, _WIDE)
    if scaled != scaled.to_integral_value():
        raise OutOfRange(f"{what} with at most {exponent} decimals", repr(text)[:60], "round it first")
    return int(scaled)


def to_text(amount: int, exponent: int = MONEY_EXP) -> str:
    """Return the plain decimal text of `amount` counts of 10^-exponent, without trailing zeros."""
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(exponent + 1, "0")
    whole, fraction = (digits[:-exponent], digits[-exponent:].rstrip("0")) if exponent else (digits, "")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def money(text: str, what: str = "amount") -> int:
    """Return a decimal text in the settlement currency as account units.

    Raises OutOfRange beyond MONEY_MAX in size.
    """
    amount = from_text(text, MONEY_EXP, what)
    if abs(amount) > MONEY_MAX:
        raise OutOfRange(f"{what} within ±{to_text(MONEY_MAX)}", text, "use a smaller amount")
    return amount


def capital(text: str) -> int:
    """Return a session's capital in account units; raises OutOfRange unless 0 < capital <= CAPITAL_MAX."""
    amount = money(text, "capital")
    if not 0 < amount <= CAPITAL_MAX:
        raise OutOfRange(f"a capital above 0 and up to {to_text(CAPITAL_MAX)}", text, "choose a capital in that range")
    return amount


def notional(price: int, qty: int, price_exp: int, qty_exp: int, *, up: bool) -> int:
    """Return price * qty in account units, rounded up or down where price_exp + qty_exp > 10 makes a division necessary."""
    product, shift = price * qty, MONEY_EXP - price_exp - qty_exp
    if shift >= 0:
        return product * POWERS[shift]
    divisor = POWERS[-shift]
    return -(-product // divisor) if up else product // divisor


def rate(amount: int, ppm: int, *, up: bool) -> int:
    """Return amount * ppm / 10^6 for a non-negative amount, rounded up or down."""
    assert amount >= 0, "a rate is taken of a non-negative amount"
    return -(-amount * ppm // PPM) if up else amount * ppm // PPM


def multiply_divide(a: int, b: int, c: int) -> int:
    """Return floor(a * b / c) without overflow: the share of a cost basis that leaves with b of c lots."""
    return a * b // c
