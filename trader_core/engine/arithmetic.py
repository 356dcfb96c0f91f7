"""Arithmetic on int64 that cannot wrap inside the doors of model/money.py, which gives the same results without bounds."""

from trader_core.engine.kernel import kernel
from trader_core.model.money import MONEY_MAX, PPM

WORTH_MAX = 9 * MONEY_MAX // 10
"""The largest worth that may be multiplied by a grid's divisor (at most 100)."""
TOP_BIT = 57
"""10^17 < 2^57."""
HALF = 0x7FFFFFFF
ROUNDS = 6


@kernel
def notional_down(price: int, qty: int, multiplier: int, divisor: int) -> int:
    """Return price * qty in account units, rounded down."""
    if divisor == 1:
        return price * qty * multiplier
    return price * qty // divisor


@kernel
def notional_up(price: int, qty: int, multiplier: int, divisor: int) -> int:
    """Return price * qty in account units, rounded up."""
    if divisor == 1:
        return price * qty * multiplier
    return -(-(price * qty) // divisor)


@kernel
def rate_down(amount: int, ppm: int) -> int:
    """Return amount * ppm / 10^6 of a non-negative amount, rounded down."""
    return (amount // PPM) * ppm + (amount % PPM) * ppm // PPM


@kernel
def rate_up(amount: int, ppm: int) -> int:
    """Return amount * ppm / 10^6 of a non-negative amount, rounded up."""
    return (amount // PPM) * ppm - (-((amount % PPM) * ppm) // PPM)


@kernel
def multiply_divide(a: int, b: int, c: int) -> int:
    """Return floor(a * b / c) for 0 <= a <= 10^17 and 0 <= b <= c <= 4 * 10^18, exactly: long multiplication, bit by bit.

    With a's leading bits m, `quotient` and `rest` hold m * b divided by c; both stay below 2^63 since rest < c <= 4 * 10^18.
    """
    if b == c:
        return a
    quotient, rest = 0, 0
    for place in range(TOP_BIT - 1, -1, -1):
        quotient, rest = 2 * quotient, 2 * rest
        if rest >= c:
            quotient, rest = quotient + 1, rest - c
        if (a >> place) & 1:
            rest = rest + b
            if rest >= c:
                quotient, rest = quotient + 1, rest - c
    return quotient


@kernel
def quantity_of(worth: int, price: int, multiplier: int, divisor: int) -> int:
    """Return the largest quantity whose notional, rounded up, is at most `worth`."""
    if worth <= 0:
        return 0
    return min(worth, WORTH_MAX) * divisor // (multiplier * price)


@kernel
def before_rate(budget: int, ppm: int) -> int:
    """Return the largest amount that fits the budget together with its rate, rounded up."""
    if budget <= 0:
        return 0
    whole = PPM + ppm
    return (budget // whole) * PPM + (budget % whole) * PPM // whole


@kernel
def down_to(value: int, step: int) -> int:
    """Return the largest multiple of `step` that is not above `value`."""
    return value - value % step


@kernel
def up_to(value: int, step: int) -> int:
    """Return the smallest multiple of `step` that is not below `value`."""
    return -(-value // step) * step


@kernel
def mix(name: int, ts: int) -> int:
    """Return 62 bits that order instruments at a time as if by lot: the same compiled, plain and on every machine.

    A Feistel network over two halves of 31 bits: products stay below 2^62, and different names never collide at one time.
    """
    left, right = (name >> 31) & HALF, name & HALF
    for step in range(ROUNDS):
        key = ((ts >> (5 * step)) & HALF) * 0x2545F491 + 0x1F123BB5 * (step + 1)
        hashed = ((right ^ (key & HALF)) * 0x5BD1E995 + (key >> 31)) >> 13
        left, right = right, left ^ (hashed & HALF)
    return (left << 31) | right
