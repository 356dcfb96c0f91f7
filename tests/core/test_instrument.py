"""Instruments: grids that the integers can carry, and doors that keep every product inside."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import instrument
from trader_core.model.errors import DataFault, OutOfRange
from trader_core.model.instrument import Instrument, freeze, price_from, price_text, qty_from, qty_text, value_of, volume_from
from trader_core.model.money import HEADROOM, MONEY_MAX, PRODUCT_MAX, UNIT


def plain(price_exp: int, qty_exp: int, lot: int = 1) -> Instrument:
    return Instrument("test", "A/B", "A", "B", price_exp, qty_exp, 1, lot, 0, 0, 1000, 1000)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(1, 10**12), st.integers(1, 10**4))
def test_inside_a_frozen_instruments_doors_nothing_leaves_int64(price_exp: int, qty_exp: int, reference: int, lot: int) -> None:
    try:
        frozen = freeze(plain(price_exp, qty_exp, lot), reference)
    except OutOfRange:
        return
    assert frozen.price_max == reference * HEADROOM
    assert frozen.qty_max % lot == 0
    assert frozen.price_max * frozen.qty_max <= PRODUCT_MAX
    assert value_of(frozen, frozen.price_max, frozen.qty_max, up=True) <= MONEY_MAX


def test_one_more_lot_than_the_door_would_leave_the_money_door() -> None:
    frozen = freeze(plain(2, 8), 10_000_000)
    assert value_of(frozen, frozen.price_max, frozen.qty_max + 1, up=True) > MONEY_MAX


def test_exponents_beyond_twelve_together_are_refused() -> None:
    plain(4, 8)
    with pytest.raises(OutOfRange, match="sum of at most 12"):
        plain(5, 8)


@pytest.mark.parametrize(
    "wrong", [{"tick": 0}, {"lot": 0}, {"qty_min": -1}, {"notional_min": -1}, {"taker_ppm": 100_001}, {"maker_ppm": -1}]
)
def test_grids_and_fees_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange):
        replace(plain(2, 4), **wrong)


def test_a_price_at_which_one_lot_leaves_the_doors_is_refused() -> None:
    with pytest.raises(OutOfRange, match="one lot fits"):
        freeze(plain(0, 0, lot=10**9), 10**9)
    with pytest.raises(OutOfRange, match="positive reference"):
        freeze(plain(0, 0), 0)


def test_prices_and_quantities_pass_the_door_exactly() -> None:
    btc = instrument()
    assert price_from(btc, "100.25") == 10_025
    assert price_text(btc, 10_025) == "100.25"
    assert qty_from(btc, "0.0001") == 1
    assert qty_text(btc, 15_000) == "1.5"


@pytest.mark.parametrize("text", ["0", "-1", "100.001", "10000.01", "abc"])
def test_a_price_that_is_not_positive_on_the_grid_and_inside_the_door_is_a_fault(text: str) -> None:
    with pytest.raises(DataFault):
        price_from(instrument(), text)


@pytest.mark.parametrize("text", ["-0.0001", "0.00001", "much"])
def test_a_quantity_that_is_negative_or_off_the_grid_is_a_fault(text: str) -> None:
    with pytest.raises(DataFault):
        qty_from(instrument(), text)


def test_a_volume_is_rounded_down_since_it_only_bounds_fills() -> None:
    assert volume_from(instrument(), "0.00019") == 1
    for text in ("-1", "many", str(PRODUCT_MAX), "NaN"):
        with pytest.raises(DataFault):
            volume_from(instrument(), text)


def test_value_of_two_coins_at_fifty_is_a_hundred() -> None:
    assert value_of(instrument(), 5_000, 20_000, up=False) == 100 * UNIT
