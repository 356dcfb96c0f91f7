"""Booking and sizing to the last unit: which way each division rounds, and what the last lot, tick and unit of money do."""

from typing import Any

import numpy as np
import pytest

from tests.builders import Desk, instrument, money, plan
from trader_core.engine import book, core, size
from trader_core.model.money import MONEY_MAX
from trader_core.model.plan import Execution, OrderKind

FINE = instrument(price_exp=2, qty_exp=10, notional_min=0, maker_ppm=0, taker_ppm=0)
"""One unit at a price of 1.10 is worth one account unit and a tenth."""


def of(array: Any) -> Any:
    return array.view(np.recarray)[0]


def fine(**changes: Any) -> Desk:
    return Desk(plan(**changes), FINE)


# booking


@pytest.mark.parametrize(("position", "buying", "open_"), [(9, 0, 0), (10, 0, 1), (0, 1, 1)])
def test_a_slot_is_open_from_its_first_lot_or_unit_in_flight(position: int, buying: int, open_: int) -> None:
    desk = Desk(plan(), instrument(lot=10))
    desk.slots["position"], desk.slots["buying"] = position, buying
    assert book.is_open(of(desk.slots), of(desk.grids)) == open_


@pytest.mark.parametrize(("maker", "taker"), [(0, 500_000), (500_000, 0)])
def test_the_worst_cost_rounds_up_twice_and_takes_the_dearer_fee(maker: int, taker: int) -> None:
    """1.1 is 2, and half of 2 is 1: three. Maker or taker, nobody knows yet."""
    desk = fine()
    desk.grids["maker_ppm"], desk.grids["taker_ppm"] = maker, taker
    assert book.worst_cost(of(desk.grids), 110, 1) == 3


def test_what_is_left_in_flight_keeps_its_reserve_to_the_last_unit_and_an_end_leaves_nothing() -> None:
    desk = Desk(plan(execution=Execution(entry_kind=OrderKind.STOP, good_slots=0)))
    desk.bar("100", 5000)
    qty, limit = desk.of("buying"), desk.of("buy_limit")
    assert desk.of("buy_trigger") == 10_000
    desk.slots["buy_age"] = 3
    core.on_fill(desk.account, desk.slots, desk.record, desk.grids, 0, 1, qty - 1, 10_000, 0, 0, 0)
    assert (desk.of("buying"), desk.of("buy_reserved"), desk["reserved"]) == (1, limit * 10_000 + limit * 10, limit * 10_010)
    core.on_fill(desk.account, desk.slots, desk.record, desk.grids, 0, 1, 1, 10_000, 0, 0, 0)
    assert [desk.of(name) for name in ("buying", "buy_limit", "buy_reserved", "buy_kind", "buy_trigger", "buy_age")] == [0] * 6
    desk.bar("100", 0)
    desk.slots["sell_kind"], desk.slots["sell_age"] = 1, 3
    desk.sell()
    assert [desk.of(name) for name in ("selling", "sell_limit", "sell_kind", "sell_age")] == [0] * 4


def test_a_purchase_costs_its_worth_rounded_up_and_a_sale_brings_it_rounded_down() -> None:
    desk = fine()
    assert book.fill(of(desk.account), of(desk.slots), of(desk.grids), 1, 1, 110, 0, 0) == book.BOOKED
    assert (desk.of("cost"), desk["cash"]) == (2, money("1000") - 2)
    assert book.fill(of(desk.account), of(desk.slots), of(desk.grids), -1, 1, 190, 0, 0) == book.BOOKED
    assert (desk["cash"], desk["realised"]) == (money("1000") - 1, -1)


def test_a_fee_in_base_may_take_the_whole_purchase_and_is_worth_its_price_rounded_up() -> None:
    desk = fine()
    assert desk.fill(1, "0.0000000001", "1.1", fee_base="0.0000000001") == book.BOOKED
    assert (desk.of("position"), desk["fees"], desk.of("fees_base")) == (0, 2, 1)
    assert desk.fill(1, "0.0000000001", "1.1", fee_base="0.0000000002") == book.FAULT_INPUT


@pytest.mark.parametrize(("over", "status"), [(0, book.BOOKED), (1, book.FAULT_DOOR)])
@pytest.mark.parametrize("door", ["position", "cost", "cash", "price", "qty", "proceeds", "debt"])
def test_every_door_lets_its_last_unit_in(door: str, over: int, status: int) -> None:
    """At a price of 1.00 a unit is worth one account unit."""
    desk = fine()
    grid, top = of(desk.grids), int(desk.grids["qty_max"][0])
    side, qty, price, fee = 1, 100, 100, 0
    if door == "position":
        desk.slots["position"] = top - qty + over
    if door == "cost":
        desk.slots["cost"] = MONEY_MAX - qty + over
    if door == "cash":
        desk.account["cash"] = qty - MONEY_MAX - over
    if door == "price":
        price = int(desk.grids["price_max"][0]) + over
    if door == "qty":
        qty = top + over
    if door == "proceeds":
        side, desk.slots["position"], desk.account["cash"] = -1, qty, MONEY_MAX - qty + over
    if door == "debt":
        side, fee, desk.slots["position"], desk.account["cash"] = -1, qty, qty, -MONEY_MAX
        fee += over
    assert book.fill(of(desk.account), of(desk.slots), grid, side, qty, price, fee, 0) == status
    assert desk["faults"] == over


def test_a_fee_in_base_may_be_as_large_as_the_largest_purchase() -> None:
    desk = fine()
    top = int(desk.grids["qty_max"][0])
    assert book.fill(of(desk.account), of(desk.slots), of(desk.grids), 1, top, 100, 0, top) == book.BOOKED


@pytest.mark.parametrize(("fee", "status"), [(MONEY_MAX, book.FAULT_DOOR), (MONEY_MAX + 1, book.FAULT_INPUT)])
def test_a_fee_beyond_all_money_is_no_fee(fee: int, status: int) -> None:
    desk = fine()
    assert book.fill(of(desk.account), of(desk.slots), of(desk.grids), 1, 1, 100, fee, 0) == status


def test_dust_without_a_price_does_not_pull_the_next_average_down() -> None:
    desk = Desk(plan(), instrument(lot=10))
    desk.slots["position"], desk.slots["entry_cost"] = 5, 0
    desk.fill(1, "0.0010", "3")
    assert desk.of("entry_cost") == 300


def test_an_average_of_one_unit_is_a_price() -> None:
    desk = fine()
    for price in (1, 3):
        book.fill(of(desk.account), of(desk.slots), of(desk.grids), 1, 100, price, 0, 0)
    assert desk.of("entry_cost") == 2


def test_an_episode_ends_below_a_lot_and_not_with_one() -> None:
    desk = Desk(plan(), instrument(lot=10))
    desk.fill(1, "0.0020", "100")
    desk.fill(-1, "0.0010", "99")
    assert (desk.of("entry_cost"), desk["losses_run"]) == (10_000, 0)
    desk.fill(-1, "0.0010", "99")
    assert [desk.of(name) for name in ("entry_cost", "episode", "refused")] == [0, 0, 0]
    assert desk["losses_run"] == 1


@pytest.mark.parametrize(("price", "losses"), [(99, 3), (100, 2), (101, 0)])
def test_only_a_gain_ends_a_run_of_losses_and_one_unit_is_one(price: int, losses: int) -> None:
    desk = fine()
    desk.account["losses_run"] = 2
    book.fill(of(desk.account), of(desk.slots), of(desk.grids), 1, 1, 100, 0, 0)
    desk.slots["cost"] = 100 - 99  # one unit was paid
    book.fill(of(desk.account), of(desk.slots), of(desk.grids), -1, 1, {99: 1, 100: 100, 101: 200}[price], 0, 0)
    assert desk["losses_run"] == losses


# sizing


@pytest.mark.parametrize(("allocation", "equity", "worth"), [(0, -5, 0), (1, 20_000, 2), (3333, 12_345, 4114), (0, 12_345, 4115)])
def test_a_slot_is_its_share_rounded_down_and_never_below_nothing(allocation: int, equity: int, worth: int) -> None:
    desk = fine(limits={"positions_max": 3})
    desk.account["equity"], desk.grids["allocation_bps"] = equity, allocation
    assert size.slot_worth(of(desk.account), of(desk.record), of(desk.grids)) == worth


def test_an_account_below_nothing_has_a_slot_of_nothing() -> None:
    desk = fine(limits={"positions_max": 1})
    desk.account["equity"] = -5
    assert size.slot_worth(of(desk.account), of(desk.record), of(desk.grids)) == 0


def test_a_target_takes_its_share_of_the_slot_rounded_down() -> None:
    desk = fine()
    assert size.wanted_quantity(12_345, 3333, 100, of(desk.grids)) == 4114


@pytest.mark.parametrize(
    ("qty", "price", "minimum", "band", "inside"),
    [
        (0, 100, 0, 0, True),
        (1, 100, 0, 0, False),
        (10, 100, 10, 0, False),
        (9, 110, 10, 0, True),
        (3, 100, 0, 300_000, False),
        (2, 100, 0, 201_000, True),
    ],
)
def test_a_change_is_measured_rounded_down_against_bounds_rounded_up(
    qty: int, price: int, minimum: int, band: int, *, inside: bool
) -> None:
    """A slot of ten: 30 % are three, 20.1 % are three as well."""
    desk = fine(limits={"band_ppm": band, "minimum_ppm": 1_000_000})
    desk.grids["notional_min"] = minimum
    assert bool(size.in_band(of(desk.record), of(desk.grids), 10, price, qty)) is inside


@pytest.mark.parametrize(("qty", "inside"), [(3, True), (4, False)])
def test_a_multiple_of_the_venues_minimum_rounds_up(qty: int, *, inside: bool) -> None:
    """1.1 times three is 3.3, which is four; the smallest quantity of three at 1.00 is three."""
    desk = fine(limits={"band_ppm": 0, "minimum_ppm": 1_100_000})
    desk.grids["qty_min"] = 3
    assert bool(size.in_band(of(desk.record), of(desk.grids), 10, 100, qty)) is inside


def test_the_smallest_quantity_is_worth_its_price_rounded_up() -> None:
    """Three at 1.10 are 3.3, which is four: three are too few."""
    desk = fine(limits={"band_ppm": 0, "minimum_ppm": 1_000_000})
    desk.grids["qty_min"] = 3
    assert size.in_band(of(desk.record), of(desk.grids), 10, 110, 3)
    assert not size.in_band(of(desk.record), of(desk.grids), 10, 110, 4)


def test_every_price_of_an_order_lies_on_the_tick_on_the_side_that_costs_less() -> None:
    """At a close of 1001 a percent is 10.01: limits of buys round down, triggers and limits of exits up, on ticks of 7."""
    costs = {"collar_ppm": 10_000, "exit_collar_ppm": 10_000}
    how: dict[str, Any] = {"entry_offset_ppm": 10_000, "exit_offset_ppm": 10_000}
    desks = {kind: Desk(plan(costs=costs, execution=Execution(entry_kind=kind, **how)), instrument(tick=7)) for kind in OrderKind}
    record, grid = of(desks[OrderKind.MARKET].record), of(desks[OrderKind.MARKET].grids)
    assert size.buy_limit(record, grid, 1001) == 1008
    assert size.sell_limit(grid, 1001, 10_000) == 994
    assert size.exit_limit(record, grid, 1001) == 1015
    assert size.entry_prices(record, grid, 1001) == (0, 1008)
    assert size.entry_prices(of(desks[OrderKind.LIMIT].record), grid, 1001) == (0, 987)
    assert size.entry_prices(of(desks[OrderKind.STOP].record), grid, 1001) == (1015, 1022)


def test_offsets_round_away_from_the_close() -> None:
    """A percent of 1050 is 10.5: eleven away on a tick of one, and ten where a collar bounds what is paid."""
    how = Execution(entry_kind=OrderKind.LIMIT, entry_offset_ppm=10_000, exit_offset_ppm=10_000)
    desk = Desk(plan(costs={"collar_ppm": 10_000}, execution=how))
    stop = Desk(plan(costs={"collar_ppm": 0}, execution=Execution(entry_kind=OrderKind.STOP, entry_offset_ppm=10_000)))
    record, grid = of(desk.record), of(desk.grids)
    assert size.entry_prices(record, grid, 1050) == (0, 1039)
    assert size.exit_limit(record, grid, 1050) == 1061
    assert size.buy_limit(record, grid, 1050) == 1060
    assert size.sell_limit(grid, 1050, 10_000) == 1040
    assert size.entry_prices(of(stop.record), grid, 1050) == (1061, 1061)


@pytest.mark.parametrize(("maker", "taker"), [(0, 100_000), (100_000, 0)])
def test_cash_carries_whole_lots_with_the_dearer_fee(maker: int, taker: int) -> None:
    """110 carry 100 and a tenth of it; on lots of seven that is 98."""
    desk = fine()
    desk.account["cash"], desk.grids["lot"], desk.grids["maker_ppm"], desk.grids["taker_ppm"] = 110, 7, maker, taker
    assert size.affordable(of(desk.account), of(desk.grids), 100) == 98


@pytest.mark.parametrize(("order_max", "qty"), [(21, 21), (20, 14), (6, 21)])
def test_an_exit_leaves_whole_when_it_just_fits_and_in_lots_when_not(order_max: int, qty: int) -> None:
    """Three lots of seven at 1.00; a part that holds no lot would never leave, so the whole does."""
    desk = fine(limits={"order_max": order_max})
    desk.grids["lot"], desk.slots["position"] = 7, 21
    assert size.sellable(of(desk.slots), of(desk.record), of(desk.grids), 100) == qty


def test_an_exit_is_measured_rounded_up() -> None:
    """Twenty-one at 1.01 are 21.21: more than 21."""
    desk = fine(limits={"order_max": 21})
    desk.grids["lot"], desk.slots["position"] = 7, 21
    assert size.sellable(of(desk.slots), of(desk.record), of(desk.grids), 101) == 14
