"""Columns of floats become the integers that their decimal texts say."""

from decimal import ROUND_FLOOR, Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trader_core.model.decimals import decimals_needed, exactly, rounded_down


def _column(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def test_prices_with_two_decimals_become_cents() -> None:
    integers, exact = exactly(_column(16541.77, 0.1, 0.29, 1.15), 2)
    assert integers.tolist() == [1654177, 10, 29, 115]
    assert exact.all()


def test_a_value_with_more_decimals_is_not_exact() -> None:
    _, exact = exactly(_column(1.005, 1.5), 2)
    assert exact.tolist() == [False, True]


def test_a_sum_with_float_noise_is_not_taken_for_its_neighbour() -> None:
    assert not exactly(_column(0.1 + 0.2), 2)[1].any()


def test_values_of_more_than_fifteen_digits_go_through_their_text() -> None:
    integers, exact = exactly(_column(123456789012345.67), 2)
    assert (integers.tolist(), exact.tolist()) == ([12345678901234567], [True])


def test_volumes_are_rounded_down_and_the_loss_is_known() -> None:
    integers, lost = rounded_down(_column(0.29, 1.239, 0.0), 2)
    assert integers.tolist() == [29, 123, 0]
    assert lost.tolist() == [False, True, False]


def test_the_fewest_decimals_are_found() -> None:
    assert decimals_needed(_column(1.0, 2.5, 0.125), 12) == 3
    assert decimals_needed(_column(3.0), 12) == 0
    assert decimals_needed(_column(1 / 3), 8) == 8


@given(st.integers(0, 10**15 - 1), st.integers(0, 12))
def test_every_decimal_of_fifteen_digits_comes_back(number: int, places: int) -> None:
    integers, exact = exactly(_column(float(Decimal(number).scaleb(-places))), places)
    assert (int(integers[0]), bool(exact[0])) == (number, True)


@given(st.floats(0, 10**9, allow_nan=False), st.integers(0, 9))
def test_rounding_down_agrees_with_the_text_of_the_float(value: float, places: int) -> None:
    scaled = Decimal(repr(value)).scaleb(places)
    integers, lost = rounded_down(_column(value), places)
    assert int(integers[0]) == int(scaled.to_integral_value(ROUND_FLOOR))
    assert bool(lost[0]) == (scaled != scaled.to_integral_value())


@given(st.floats(0, 10**6, allow_nan=False), st.integers(0, 12))
def test_exactness_agrees_with_the_text_of_the_float(value: float, places: int) -> None:
    scaled = Decimal(repr(value)).scaleb(places)
    integers, exact = exactly(_column(value), places)
    assert bool(exact[0]) == (scaled == scaled.to_integral_value())
    assert not exact[0] or int(integers[0]) == int(scaled)
