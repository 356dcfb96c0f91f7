"""Whole columns of floats as integers, exactly: what each float's shortest decimal text says, times a power of ten.

A decimal of at most 15 digits survives the way into a float and back, so two such decimals never share a float. With
n = round(x * 10^e), and n / 10^e correctly rounded by the processor, `n / 10^e == x` therefore proves that n * 10^-e is the
text of x. The few floats that need 16 or 17 digits go through their text one by one.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

DIGITS_SAFE = 10**15
INTEGER_SAFE = 9 * 10**18


def decimals_needed(values: Floats, most: int) -> int:
    """Return the fewest decimals that write every value exactly, at most `most`; the values are finite and not negative."""
    rest = values
    for places in range(most):
        rest = rest[~_written(rest, places)]
        if not rest.size:
            return places
    return most


def _written(values: Floats, places: int) -> Mask:
    scale = float(10**places)
    written: Mask = (np.rint(values * scale) / scale == values) & (values * scale < DIGITS_SAFE)
    return written


def exactly(values: Floats, places: int) -> tuple[Integers, Mask]:
    """Return (values * 10^places, which of them are exact): finite values whose product stays below 9 * 10^18.

    Where the mask is False the value has more decimals than `places`, and its integer means nothing.
    """
    whole = np.rint(values * float(10**places))
    exact = _written(values, places)
    integers = np.where(exact, whole, 0.0).astype(np.int64)
    for row in np.flatnonzero(~exact & (whole >= DIGITS_SAFE)):
        scaled = _scaled(values[row], places)
        exact[row] = scaled == scaled.to_integral_value() and scaled < INTEGER_SAFE
        integers[row] = int(scaled) if exact[row] else 0
    return integers, exact


def rounded_down(values: Floats, places: int) -> tuple[Integers, Mask]:
    """Return (floor(values * 10^places), which of them lost something): finite, not negative, products below 9 * 10^18."""
    scale = float(10**places)
    whole = np.floor(values * scale)
    whole = whole - (whole / scale > values)
    whole = whole + ((whole + 1) / scale <= values)
    integers = np.where(whole < DIGITS_SAFE, whole, 0.0).astype(np.int64)
    lost: Mask = whole / scale != values
    for row in np.flatnonzero(whole >= DIGITS_SAFE):
        scaled = _scaled(values[row], places)
        floor = scaled.to_integral_value(ROUND_FLOOR)
        integers[row], lost[row] = int(floor), floor != scaled
    return integers, lost


def _scaled(value: Any, places: int) -> Decimal:
    return Decimal(repr(float(value))).scaleb(places)
