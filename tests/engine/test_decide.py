"""From targets, stops and latches to orders: one row per wanted change, reductions first, buys by the size of their target."""

import numpy as np
import pytest

from tests.builders import Desk, instrument, money, plan, words
from trader_core.engine import core
from trader_core.engine.state import symbol_hash
from trader_core.model.bar import BAR
from trader_core.model.session import Mode


def holding(desk: Desk, price: str = "100") -> Desk:
    """Return the desk after its first slot, with its position bought at a price."""
    desk.bar(price, 10_000)
    desk.buy(price)
    return desk


def test_half_a_slot_at_a_hundred_buys_five_coins() -> None:
    desk = Desk()
    (row,) = desk.bar("100", 5000)
    assert words(row) == ("TARGET", "NONE")
    assert (row["signal"], row["target_from"], row["target_to"], row["wanted"], row["qty"]) == (0, 0, 5000, 50_000, 50_000)
    assert (row["close"], row["limit"], row["reserve"]) == (10_000, 10_000, money("500.5"))
    assert (desk.of("buying"), desk.of("buy_limit"), desk.of("buy_signal"), desk["signals"]) == (50_000, 10_000, 0, 1)


def test_an_unmoved_target_is_not_sized_again_when_the_price_moves() -> None:
    desk = holding(Desk())
    assert all(len(desk.bar(price, 10_000)) == 0 for price in ("120", "80", "150"))


def test_a_lower_target_sells_the_difference_at_the_close() -> None:
    desk = holding(Desk())
    (row,) = desk.bar("100", 4000)
    assert (words(row), row["wanted"], row["qty"]) == (("TARGET", "NONE"), -59_900, -59_900)
    assert (row["target_from"], row["target_to"], desk.of("selling")) == (10_000, 4000, 59_900)


def test_a_target_of_zero_sells_all() -> None:
    desk = holding(Desk())
    (row,) = desk.bar("100", 0)
    assert (words(row), row["qty"], desk.of("target"), desk.of("sell_signal")) == (("TARGET", "NONE"), -99_900, 0, 1)


def test_no_decision_leaves_everything_as_it_is() -> None:
    desk = holding(Desk())
    assert len(desk.bar("100", -1)) == 0
    assert desk.of("target") == 10_000


def test_without_a_bar_nothing_is_decided_and_the_change_waits() -> None:
    desk = Desk()
    assert len(desk.bar("-", 10_000)) == 0
    assert desk.of("target") == 0
    assert len(desk.bar("100", 10_000)) == 1


def test_while_something_is_in_flight_the_change_waits_for_the_next_slot() -> None:
    desk = Desk()
    desk.bar("100", 10_000)
    assert len(desk.bar("100", 0)) == 0
    assert desk.of("target") == 10_000
    desk.buy()
    (row,) = desk.bar("100", 0)
    assert row["qty"] == -99_900


def test_a_change_from_nothing_to_nothing_writes_no_row() -> None:
    desk = Desk()
    desk.bar("100", 10_000)
    desk.release(1, "9.99")
    assert len(desk.bar("100", 0)) == 0
    assert desk.of("target") == 0


def test_an_exit_that_was_not_filled_is_sent_again() -> None:
    desk = holding(Desk())
    desk.bar("100", 0)
    desk.release(-1, "9.99")
    (row,) = desk.bar("100", 0)
    assert (words(row), row["target_from"], row["target_to"]) == (("TARGET", "NONE"), 0, 0)


def test_a_target_that_rises_again_before_the_exit_was_filled_is_sized_from_what_is_left() -> None:
    desk = holding(Desk())
    desk.bar("100", 0)
    desk.fill(-1, "9", "100")
    desk.release(-1, "0.99")
    (row,) = desk.bar("100", 5000)
    assert (words(row), row["target_from"], row["wanted"], row["qty"]) == (("TARGET", "NONE"), 0, 40_100, 40_100)


@pytest.mark.parametrize(("target", "refusal"), [(499, "BAND"), (500, "NONE")])
def test_a_buy_below_five_percent_of_the_slot_is_not_traded(target: int, refusal: str) -> None:
    desk = Desk(plan(limits={"band_ppm": 50_000}))
    (row,) = desk.bar("100", target)
    assert (words(row), desk.of("target"), row["wanted"]) == (("TARGET", refusal), target, target * 10)


@pytest.mark.parametrize(("target", "refusal"), [(12, "BAND"), (13, "NONE")])
def test_a_buy_below_one_and_a_quarter_minimums_is_not_traded(target: int, refusal: str) -> None:
    desk = Desk()
    (row,) = desk.bar("100", target)
    assert words(row) == ("TARGET", refusal)


def test_a_reduction_inside_the_band_is_not_traded_but_an_exit_is() -> None:
    desk = Desk(plan(limits={"band_ppm": 50_000}))
    desk.bar("100", 5000)
    desk.buy()
    (row,) = desk.bar("100", 4600)
    assert (words(row), row["wanted"], desk.of("selling")) == (("TARGET", "BAND"), -4000, 0)
    desk.slots["position"], desk.slots["cost"] = 200, money("2")
    (row,) = desk.bar("100", 0)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), -200)


def test_a_part_of_a_position_is_not_sold_while_halted() -> None:
    desk = holding(Desk())
    core.on_mode(desk.account, int(Mode.HALTED))
    (row,) = desk.bar("100", 4000)
    assert (words(row), row["verdicts"], row["wanted"], desk.of("selling")) == (("TARGET", "HALTED"), 1, -59_900, 0)


def test_a_target_that_moves_but_wants_no_change_is_a_refusal_too() -> None:
    desk = Desk(plan(), instrument(lot=10_000))
    desk.bar("100", 5000)
    desk.buy()
    (row,) = desk.bar("100", 5500)
    assert (words(row), row["wanted"], desk.of("target")) == (("TARGET", "BAND"), 0, 5500)


def test_a_position_below_the_venues_minimum_is_unsellable_and_said_once() -> None:
    desk = Desk()
    desk.fill(1, "0.0099", "100")
    desk.slots["target"] = 10_000
    (row,) = desk.bar("100", 0)
    assert (words(row), row["wanted"], row["verdicts"]) == (("TARGET", "UNSELLABLE"), -99, 1 << 5)
    assert len(desk.bar("100", 0)) == 0
    (row,) = desk.bar("102", 0)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), -99)


def test_an_exit_above_the_largest_order_leaves_in_parts() -> None:
    desk = Desk(plan(limits={"order_max": money("400")}))
    desk.fill(1, "9", "100")
    sold = []
    while desk.of("position"):
        (row,) = desk.bar("100", 0)
        sold.append(int(row["qty"]))
        desk.sell()
    assert sold == [-40_000, -40_000, -10_000]


def test_limits_stand_a_collar_away_on_the_tick_and_exits_of_protection_further() -> None:
    desk = Desk(plan(costs={"collar_ppm": 20_000, "exit_collar_ppm": 100_000}, stop_loss_ppm=50_000), instrument(tick=3))
    (row,) = desk.bar("100", 5000)
    assert row["limit"] == 10_200
    desk.buy()
    (row,) = desk.bar("100", 3000)
    assert row["limit"] == 9801
    desk.sell()
    (row,) = desk.bar("90", 3000)
    assert (words(row), row["limit"]) == (("PROTECT", "NONE"), 8100)


def test_a_sell_limit_is_at_least_one_tick() -> None:
    desk = Desk(plan(costs={"exit_collar_ppm": 500_000}), instrument(tick=100, notional_min=0))
    desk.fill(1, "1", "1")
    (row,) = desk.bar("1", 0)
    assert row["limit"] == 100


def test_reductions_come_before_buys_and_buys_by_the_size_of_their_target() -> None:
    desk = Desk(plan("A/U", "B/U", "C/U", "D/U", limits={"positions_max": 4}))
    desk.bar("100 100 100 100", 0, 0, 0, 10_000)
    desk.buy(i=3)
    rows = desk.bar("100 100 100 100", 3000, 9000, 6000, 0)
    assert rows["instrument"].tolist() == [3, 1, 2, 0]
    assert rows["signal"].tolist() == [1, 2, 3, 4]


def test_equal_targets_are_drawn_by_lot_and_not_by_the_order_of_the_list() -> None:
    names = ("A/U", "B/U", "C/U", "D/U")
    winners = []
    for slot in range(12):
        chosen = []
        for symbols in (names, names[::-1]):
            desk = Desk(plan(*symbols))
            desk.at = slot
            rows = desk.bar("100 100 100 100", *[10_000] * 4)
            (winner,) = (symbols[int(row["instrument"])] for row in rows if not row["refusal"])
            chosen.append(winner)
        assert chosen[0] == chosen[1]
        winners.append(chosen[0])
    assert len(set(winners)) > 1
    assert len({symbol_hash(name) for name in names}) == 4


def test_an_allocation_replaces_the_equal_split() -> None:
    desk = Desk(plan("A/U", "B/U", limits={"positions_max": 2}, allocation_bps=(7000, 3000)))
    rows = desk.bar("100 100", 10_000, 10_000)
    assert dict(zip(rows["instrument"].tolist(), rows["wanted"].tolist(), strict=True)) == {0: 70_000, 1: 30_000}


@pytest.mark.parametrize(("price", "equity", "wanted"), [("200", "1800", 50_000), ("50", "600", 120_000)])
def test_profits_do_not_enlarge_a_slot_and_losses_shrink_it(price: str, equity: str, wanted: int) -> None:
    desk = Desk()
    desk.bar("100", 8000)
    desk.buy()
    desk.bar(price, 0)
    desk.sell(price)
    (row,) = desk.bar(price, 10_000)
    assert desk["equity"] == money(equity)
    assert row["wanted"] == wanted


def test_an_equity_of_nothing_wants_nothing() -> None:
    desk = Desk()
    desk.account["cash"] = money("-5")
    (row,) = desk.bar("100", 10_000)
    assert (words(row), row["wanted"]) == (("TARGET", "BAND"), 0)


def test_a_slot_with_other_shapes_is_a_bug() -> None:
    desk = Desk(plan("A/U", "B/U"))
    with pytest.raises(AssertionError):
        desk.slot(np.zeros(1, BAR), np.zeros(2, np.int64))
