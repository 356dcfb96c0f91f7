"""The last unit of every limit, layer by layer and function by function: one below passes, one above does not."""

from typing import Any

import pytest

from tests.builders import START_MS, Desk, instrument, plan
from trader_core.engine import guard
from trader_core.engine.kernel import entry
from trader_core.model.session import Refusal

FINE = instrument(price_exp=2, qty_exp=10, notional_min=10)
"""Prices count 0.01, quantities 10^-10: a price of 1.00 times one unit is one account unit, 1.10 times one is one and a tenth."""


@entry
def _instrument(slots: Any, plans: Any, grids: Any, qty: int, day: int) -> int:
    return guard.instrument_refusal(slots[0], plans[0], grids[0], qty, day)


@entry
def _exposure(accounts: Any, plans: Any, held: int, cost: int) -> int:
    return guard.exposure_refusal(accounts[0], plans[0], held, cost)


@entry
def _small(grids: Any, price: int, qty: int) -> bool:
    return guard.too_small(grids[0], price, qty)


@entry
def _size(plans: Any, grids: Any, close: int, limit: int, wanted: int, qty: int) -> int:
    return guard.size_refusal(plans[0], grids[0], close, limit, wanted, qty)


@entry
def _rate(accounts: Any, plans: Any, ts: int) -> int:
    return guard.rate_refusal(accounts[0], plans[0], ts)


@entry
def _held(slots: Any) -> int:
    return guard.held_cost(slots)


@pytest.mark.parametrize(("qty", "refusal"), [(50, Refusal.NONE), (51, Refusal.INSTRUMENT_QTY)])
def test_the_absolute_quantity_counts_what_is_held_in_flight_and_wanted(qty: int, refusal: Refusal) -> None:
    desk = Desk(plan(limits={"qty_max": 100}))
    desk.slots["position"], desk.slots["buying"] = 30, 20
    assert _instrument(desk.slots, desk.record, desk.grids, qty, 0) == refusal


@pytest.mark.parametrize(("more", "refusal"), [(0, Refusal.NONE), (1, Refusal.INSTRUMENT_QTY)])
def test_the_instruments_own_door_lets_its_last_lot_in(more: int, refusal: Refusal) -> None:
    desk = Desk()
    assert _instrument(desk.slots, desk.record, desk.grids, int(desk.grids["qty_max"][0]) + more, 0) == refusal


@pytest.mark.parametrize(("cost", "refusal"), [(30, Refusal.NONE), (31, Refusal.EXPOSURE)])
def test_the_exposure_may_reach_its_limit_to_the_unit(cost: int, refusal: Refusal) -> None:
    desk = Desk(plan(limits={"exposure_max": 100}))
    desk.account["reserved"] = 20
    assert _exposure(desk.account, desk.record, 50, cost) == refusal


def test_what_is_held_is_the_sum_of_every_cost() -> None:
    desk = Desk(plan("A/U", "B/U", "C/U"))
    desk.slots["cost"] = (5, 7, 11)
    assert _held(desk.slots) == 23


def test_nothing_is_too_small_and_a_single_unit_need_not_be() -> None:
    free = Desk(plan(), instrument(notional_min=0))
    assert _small(free.grids, 100, 0)
    assert not _small(free.grids, 100, 1)


@pytest.mark.parametrize(("qty", "small"), [(10, False), (9, True)])
def test_the_venues_minimum_is_met_by_what_is_left_after_rounding_down(qty: int, small: bool) -> None:  # noqa: FBT001
    """Ten at a price of 1.00 are worth ten account units, nine at 1.10 nine and nine tenths: below ten, rounded down."""
    desk = Desk(plan(), FINE)
    assert bool(_small(desk.grids, 100 if qty == 10 else 110, qty)) is small


@pytest.mark.parametrize(("limit", "refusal"), [(100, Refusal.NONE), (101, Refusal.SIZE_MAX)])
def test_the_largest_order_is_measured_after_rounding_up(limit: int, refusal: Refusal) -> None:
    desk = Desk(plan(limits={"order_max": 50}), FINE)
    assert _size(desk.record, desk.grids, 100, limit, 50, 50) == refusal


def test_one_order_an_hour_is_one_in_each_hour() -> None:
    desk = Desk(plan(limits={"orders_per_hour": 1}))
    hour = START_MS // 3_600_000
    assert _rate(desk.account, desk.record, START_MS) == Refusal.NONE
    desk.account["rate_hour"], desk.account["rate_count"] = hour, 1
    assert _rate(desk.account, desk.record, START_MS) == Refusal.RATE
    assert _rate(desk.account, desk.record, START_MS + 3_600_000) == Refusal.NONE
