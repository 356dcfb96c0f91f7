"""Money: exact at both doors, and rounded against us where a division is necessary."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader_core.model.errors import OutOfRange
from trader_core.model.money import CAPITAL_MAX, MONEY_MAX, UNIT, capital, from_text, money, multiply_divide, notional, rate, to_text


@given(st.integers(-(10**18), 10**18), st.integers(0, 12))
def test_text_and_back_is_the_same_integer(amount: int, exponent: int) -> None:
    assert from_text(to_text(amount, exponent), exponent) == amount


@given(st.integers(-(10**18), 10**18), st.integers(0, 12))
def test_the_text_is_the_exact_decimal(amount: int, exponent: int) -> None:
    assert Decimal(to_text(amount, exponent)) == Decimal(amount).scaleb(-exponent)


def test_texts_lose_trailing_zeros_only() -> None:
    assert to_text(10 * UNIT) == "10"
    assert to_text(-1) == "-0.0000000001"
    assert to_text(1500, 3) == "1.5"
    assert to_text(7, 0) == "7"


@pytest.mark.parametrize("text", ["0.123", "1e-3", "1e-400000000"])
def test_more_decimals_than_the_exponent_are_refused(text: str) -> None:
    with pytest.raises(OutOfRange, match="at most 2 decimals"):
        from_text(text, 2)


@pytest.mark.parametrize("text", ["", "ten", "1,5", "0x10", "NaN", "-Infinity", "1e30"])
def test_what_is_no_finite_decimal_is_refused(text: str) -> None:
    with pytest.raises(OutOfRange):
        from_text(text, 2)


def test_an_amount_at_the_door_passes_and_one_beyond_does_not() -> None:
    assert money(to_text(MONEY_MAX)) == MONEY_MAX
    assert money(to_text(-MONEY_MAX)) == -MONEY_MAX
    with pytest.raises(OutOfRange):
        money(to_text(MONEY_MAX + 1))


def test_capital_lies_above_zero_and_up_to_a_million() -> None:
    assert capital("1000000") == CAPITAL_MAX
    for text in ("0", "-1", "1000000.0000000001"):
        with pytest.raises(OutOfRange):
            capital(text)


def test_one_and_a_half_bitcoin_at_a_hundred_cost_a_hundred_and_fifty() -> None:
    assert notional(10_000, 15_000, 2, 4, up=True) == 150 * UNIT


def test_a_worth_below_one_unit_rounds_to_one_or_zero() -> None:
    assert notional(1, 1, 4, 8, up=True) == 1
    assert notional(1, 1, 4, 8, up=False) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 6), st.integers(0, 6))
def test_a_notional_is_the_exact_product_rounded_once(price: int, qty: int, price_exp: int, qty_exp: int) -> None:
    exact = Fraction(price * qty * 10**10, 10 ** (price_exp + qty_exp))
    down, up = (notional(price, qty, price_exp, qty_exp, up=side) for side in (False, True))
    assert down <= exact <= up
    assert up - down == (0 if exact.denominator == 1 else 1)


@given(st.integers(0, MONEY_MAX), st.integers(0, 10**6))
def test_a_rate_is_exact_up_to_its_rounding(amount: int, ppm: int) -> None:
    exact = Fraction(amount * ppm, 10**6)
    assert rate(amount, ppm, up=False) == exact.numerator // exact.denominator
    assert 0 <= rate(amount, ppm, up=True) - exact < 1


def test_a_rate_of_a_negative_amount_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        rate(-1, 1000, up=True)


def test_a_third_of_a_basis_of_ten_is_three() -> None:
    assert multiply_divide(10, 1, 3) == 3
