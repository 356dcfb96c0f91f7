"""The fill model by hand: the next open, moved against us, no more than the volume's share, never beyond the limit."""

from typing import Any

import numpy as np
import pytest

from tests.builders import Desk, bars, instrument, money, plan
from trader_core.engine.fills import fill_from
from trader_core.engine.kernel import entry
from trader_core.model.instrument import Instrument

BUY, SELL = 1, -1


@entry
def _fill(plans: Any, grids: Any, rows: Any, side: int, qty: int, limit: int) -> Any:
    return fill_from(plans[0], grids[0], rows[0], side, qty, limit, rows[0].open, 0)


def filled(
    side: int, qty: int, limit: int, bar: str = "100/101/99/100", chosen: Instrument | None = None, **costs: int
) -> tuple[int, ...]:  # fmt: skip
    desk = Desk(plan(costs=costs), chosen or instrument())
    return tuple(int(value) for value in _fill(desk.record, desk.grids, bars(bar), side, qty, limit))


def test_without_slippage_the_open_is_the_price() -> None:
    assert filled(BUY, 20_000, 10_000) == (20_000, 10_000, money("0.2"), 0)
    assert filled(SELL, 20_000, 10_000) == (20_000, 10_000, money("0.2"), 0)


def test_slippage_of_a_tenth_percent_moves_the_price_away_from_us() -> None:
    assert filled(BUY, 1, 10_010, slippage_ppm=1000)[:2] == (1, 10_010)
    assert filled(SELL, 1, 9_990, slippage_ppm=1000)[:2] == (1, 9_990)


def test_a_price_between_ticks_is_rounded_against_us() -> None:
    coarse = instrument(tick=7)
    assert filled(BUY, 1, 20_000, chosen=coarse)[1] == 10_003
    assert filled(SELL, 1, 1, chosen=coarse)[1] == 9_996


def test_slippage_below_one_unit_still_costs_one() -> None:
    assert filled(BUY, 1, 20_000, slippage_ppm=1)[1] == 10_001
    assert filled(SELL, 1, 1, slippage_ppm=1)[1] == 9_999


def test_a_sell_gets_at_least_one_tick() -> None:
    assert filled(SELL, 1, 5, bar="0.01/0.01/0.01/0.01", chosen=instrument(tick=5))[1] == 5


@pytest.mark.parametrize(("side", "limit"), [(BUY, 9_999), (SELL, 10_001)])
def test_an_open_worse_than_the_limit_fills_nothing(side: int, limit: int) -> None:
    assert filled(side, 10_000, limit) == (0, 0, 0, 0)


def test_a_price_beyond_the_door_fills_nothing() -> None:
    assert filled(BUY, 1, 2_000_000, bar="10000/10000/10000/10000", slippage_ppm=1000) == (0, 0, 0, 0)


def test_a_tenth_of_the_volume_is_the_most_that_fills() -> None:
    assert filled(BUY, 20_000, 10_000, bar="100/101/99/100/150000", participation_ppm=100_000)[0] == 15_000
    assert filled(BUY, 20_000, 10_000, bar="100/101/99/100/200000", participation_ppm=100_000)[0] == 20_000


def test_a_share_below_one_lot_fills_nothing() -> None:
    lots = instrument(lot=100)
    assert filled(BUY, 200, 10_000, bar="100/101/99/100/1990", chosen=lots, participation_ppm=100_000)[0] == 100
    assert filled(BUY, 200, 10_000, bar="100/101/99/100/999", chosen=lots, participation_ppm=100_000) == (0, 0, 0, 0)


def test_fees_are_rounded_up() -> None:
    assert filled(BUY, 1, 10_000, chosen=instrument(taker_ppm=1))[2] == 100
    dear = instrument(price_exp=6, qty_exp=6, taker_ppm=1, notional_min=0)
    assert filled(BUY, 1, 10_000, chosen=dear)[2] == 1


def test_a_fee_in_base_is_taken_from_buys_only() -> None:
    based = instrument(fee_in_base=True)
    assert filled(BUY, 10_001, 10_000, chosen=based) == (10_001, 10_000, 0, 11)
    assert filled(SELL, 10_000, 10_000, chosen=based) == (10_000, 10_000, money("0.1"), 0)


def test_the_largest_volume_does_not_wrap() -> None:
    desk = Desk(plan(costs={"participation_ppm": 1_000_000}))
    row = bars("100/101/99/100")
    row["volume"] = 4 * 10**18
    assert _fill(desk.record, desk.grids, np.ascontiguousarray(row), BUY, 20_000, 10_000)[0] == 20_000
