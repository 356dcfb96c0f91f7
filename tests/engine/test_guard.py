"""The guard, layer by layer: what says no, and that the first one is recorded while all are asked."""

from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, Desk, instrument, money, plan, words
from trader_core.engine import core, guard
from trader_core.model.money import UNIT
from trader_core.model.session import Cause, Mode, Refusal

BUY, SELL = 1, -1


def held(desk: Desk, price: str = "100") -> Desk:
    """Return the desk with one coin bought outside of any target."""
    desk.fill(BUY, "1", price)
    desk.slots["target"] = 10_000
    return desk


@pytest.mark.parametrize(
    ("mode", "side", "cause", "refusal"),
    [
        (Mode.ACTIVE, BUY, Cause.TARGET, Refusal.NONE),
        (Mode.ACTIVE, SELL, Cause.TARGET, Refusal.NONE),
        (Mode.REDUCING, BUY, Cause.TARGET, Refusal.REDUCING),
        (Mode.REDUCING, SELL, Cause.TARGET, Refusal.NONE),
        (Mode.REDUCING, SELL, Cause.PROTECT, Refusal.NONE),
        (Mode.HALTED, BUY, Cause.TARGET, Refusal.HALTED),
        (Mode.HALTED, SELL, Cause.TARGET, Refusal.HALTED),
        (Mode.HALTED, SELL, Cause.PROTECT, Refusal.NONE),
        (Mode.HALTED, SELL, Cause.OPERATOR, Refusal.NONE),
        (Mode.KILLED, BUY, Cause.TARGET, Refusal.KILLED),
        (Mode.KILLED, SELL, Cause.TARGET, Refusal.KILLED),
        (Mode.KILLED, SELL, Cause.PROTECT, Refusal.KILLED),
        (Mode.KILLED, SELL, Cause.OPERATOR, Refusal.NONE),
    ],
)
def test_layer_0_follows_the_table_of_modes(mode: Mode, side: int, cause: Cause, refusal: Refusal) -> None:
    assert guard.mode_refusal(int(mode), side, int(cause)) == refusal


@pytest.mark.parametrize(("mode", "refusal"), [(Mode.REDUCING, "REDUCING"), (Mode.HALTED, "HALTED"), (Mode.KILLED, "KILLED")])
def test_a_buy_ends_as_a_refusal_unless_active(mode: Mode, refusal: str) -> None:
    desk = Desk(mode=mode)
    (row,) = desk.bar("100", 10_000)
    assert words(row) == ("TARGET", refusal)
    assert (row["qty"], row["verdicts"], desk.of("buying"), desk["reserved"], desk.of("target")) == (0, 1, 0, 0, 10_000)


def test_an_exit_refused_by_halt_is_recorded_once_and_sent_when_active() -> None:
    desk = held(Desk(mode=Mode.HALTED))
    assert [words(row) for row in desk.bar("100", 0)] == [("TARGET", "HALTED")]
    assert len(desk.bar("100", 0)) == 0
    core.on_mode(desk.account, int(Mode.ACTIVE))
    (row,) = desk.bar("100", 0)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), -10_000)


def test_layer_1_a_tripped_breaker_stops_buys_and_lets_exits_go() -> None:
    desk = held(Desk(plan(limits={"errors_max": 2, "positions_max": 2}), instrument(), mode=Mode.ACTIVE))
    for _ in range(2):
        desk.release(BUY, "1", reason=core.RELEASED_AS_ERROR)
    (row,) = desk.bar("100", 0)
    assert words(row) == ("TARGET", "NONE")
    desk.sell()
    desk.release(BUY, "1", reason=core.RELEASED_AS_ERROR)
    (row,) = desk.bar("100", 10_000)
    assert words(row) == ("TARGET", "BREAKER_ERRORS")
    assert row["verdicts"] == 1 << 1


def test_layer_2_a_third_instrument_is_not_opened_when_two_are_allowed() -> None:
    desk = Desk(plan("A/U", "B/U", "C/U", limits={"positions_max": 2}))
    rows = desk.bar("100 100 100", 10_000, 10_000, 10_000)
    assert sorted(words(row)[1] for row in rows) == ["NONE", "NONE", "POSITIONS"]
    assert desk["positions"] == 2
    (refused,) = (row for row in rows if row["refusal"])
    assert refused["verdicts"] & 1 << 2


def test_layer_2_does_not_stop_adding_to_what_is_held() -> None:
    desk = Desk()
    desk.bar("100", 5000)
    desk.buy()
    (row,) = desk.bar("100", 9000)
    assert words(row) == ("TARGET", "NONE")


def test_layer_3_counts_what_is_held_and_what_is_wanted() -> None:
    desk = Desk(plan(limits={"qty_max": 40_000}))
    (row,) = desk.bar("100", 5000)
    assert words(row) == ("TARGET", "INSTRUMENT_QTY")
    assert row["verdicts"] == 1 << 3
    (row,) = desk.bar("100", 4000)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), 40_000)
    desk.buy()
    (row,) = desk.bar("100", 4500)
    assert words(row) == ("TARGET", "INSTRUMENT_QTY")


def test_layer_3_the_instruments_own_door_holds_without_a_limit() -> None:
    desk = Desk(plan(capital=100_000 * UNIT))
    (row,) = desk.bar("10", 10_000)
    assert (words(row), row["wanted"]) == (("TARGET", "INSTRUMENT_QTY"), 100_000_000)


def test_layer_3_counts_entries_per_utc_day() -> None:
    desk = Desk(plan(limits={"orders_per_instrument_day": 1}))
    assert words(desk.bar("100", 5000)[0]) == ("TARGET", "NONE")
    desk.buy()
    assert words(desk.bar("100", 9000)[0]) == ("TARGET", "INSTRUMENT_COUNT")
    desk.at = 1440
    assert words(desk.bar("100", 8000)[0]) == ("TARGET", "NONE")
    assert (desk.of("entries_day"), desk.of("entry_day")) == (1, (START_MS + 86_400_000) // 86_400_000)


def test_layer_3_a_blocked_instrument_is_not_bought_and_its_exit_goes() -> None:
    desk = Desk()
    core.on_block(desk.slots, 0, 1)
    (row,) = desk.bar("100", 5000)
    assert (words(row), row["qty"], row["verdicts"]) == (("TARGET", "INSTRUMENT_BLOCKED"), 0, 1 << 3)
    core.on_block(desk.slots, 0, 0)
    assert words(desk.bar("100", 4000)[0]) == ("TARGET", "NONE")
    desk.buy()
    core.on_block(desk.slots, 0, 1)
    (row,) = desk.bar("100", 0)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), -40_000)


def test_layer_4_counts_held_reserved_and_wanted_at_their_worst() -> None:
    limits = {"positions_max": 2, "exposure_max": money("900")}
    desk = Desk(plan("A/U", "B/U", limits=limits))
    first, second = desk.bar("100 100", 10_000, 8000)
    assert (words(first), first["reserve"]) == (("TARGET", "NONE"), money("500.5"))
    assert (words(second), second["verdicts"]) == (("TARGET", "EXPOSURE"), 1 << 4)
    desk.buy()
    (row,) = desk.bar("100 100", 10_000, 7500)
    assert (words(row), row["reserve"]) == (("TARGET", "NONE"), money("375.375"))


def test_layer_5_refuses_an_order_above_its_maximum() -> None:
    desk = Desk(plan(limits={"order_max": money("499.99")}))
    (row,) = desk.bar("100", 5000)
    assert (words(row), row["verdicts"]) == (("TARGET", "SIZE_MAX"), 1 << 5)


def test_layer_5_takes_what_cash_carries_with_its_fee() -> None:
    desk = Desk()
    (row,) = desk.bar("100", 10_000)
    assert (row["wanted"], row["qty"]) == (100_000, 99_900)
    assert row["reserve"] == money("999.999") <= desk["cash"]


def test_layer_5_refuses_when_the_cash_left_is_below_the_minimum() -> None:
    desk = Desk(plan("A/U", "B/U", limits={"positions_max": 2}, allocation_bps=(9990, 10)))
    desk.grids["taker_ppm"] = 0
    desk.bar("100 100", 10_000, 0)
    desk.account["cash"] = desk["reserved"] + money("0.99")
    (row,) = desk.bar("100 100", 10_000, 10_000)
    assert (words(row), row["verdicts"]) == (("TARGET", "BAND"), 0)
    desk.grids["allocation_bps"][1] = 1000
    (row,) = desk.bar("100 100", 10_000, 9999)
    assert (words(row), row["verdicts"]) == (("TARGET", "CASH"), 1 << 5)


@pytest.mark.parametrize(
    ("wanted", "qty", "refusal"),
    [
        (99, 99, Refusal.SIZE_MIN),
        (100, 100, Refusal.NONE),
        (1000, 99, Refusal.CASH),
        (1000, 1000, Refusal.NONE),
        (1001, 1001, Refusal.SIZE_MAX),
    ],
)
def test_layer_5_by_itself(wanted: int, qty: int, refusal: Refusal) -> None:
    desk = Desk(plan(limits={"order_max": money("10")}), instrument(qty_min=100))
    record, grid = view(desk.record), view(desk.grids)
    assert guard.size_refusal(record[0], grid[0], 10_000, 10_000, wanted, qty) == refusal


def test_layer_6_refuses_a_worst_price_too_far_above_the_close() -> None:
    """On a tick of 5.00 the nearest price above nothing is 5.00: 67 % above a close of 3.00."""
    desk = Desk(plan(), instrument(tick=500, notional_min=0))
    (row,) = desk.bar("3", 5000)
    assert (words(row), row["limit"], row["verdicts"]) == (("TARGET", "COLLAR"), 500, 1 << 6)


@pytest.mark.parametrize(("limit", "refusal"), [(11_000, Refusal.NONE), (11_001, Refusal.COLLAR)])
def test_layer_6_by_itself_allows_ten_percent(limit: int, refusal: Refusal) -> None:
    assert guard.collar_refusal(view(Desk().record)[0], 10_000, limit) == refusal


def test_layer_7_counts_every_order_of_the_hour_and_stops_only_buys() -> None:
    desk = Desk(plan(limits={"orders_per_hour": 2}))
    assert words(desk.bar("100", 5000)[0]) == ("TARGET", "NONE")
    desk.buy()
    assert words(desk.bar("100", 4000)[0]) == ("TARGET", "NONE")
    desk.sell()
    (row,) = desk.bar("100", 6000)
    assert (words(row), row["verdicts"]) == (("TARGET", "RATE"), 1 << 7)
    assert words(desk.bar("100", 0)[0]) == ("TARGET", "NONE")
    desk.sell()
    desk.at = 59
    assert words(desk.bar("100", 7000)[0]) == ("TARGET", "RATE")
    assert words(desk.bar("100", 8000)[0]) == ("TARGET", "NONE")
    assert desk["rate_count"] == 1


def view(array: Any) -> Any:
    return array.view(np.recarray)


def test_all_layers_are_asked_and_the_first_is_recorded() -> None:
    limits = {"positions_max": 1, "qty_max": 1, "exposure_max": 0, "order_max": 1, "price_collar_ppm": 0, "orders_per_hour": 1}
    desk = Desk(plan("A/U", "B/U", limits=limits), instrument("A/U", tick=7), instrument("B/U"), mode=Mode.HALTED)
    desk.grids["tick"][0] = 10_001
    desk.account["rate_count"], desk.account["rate_hour"] = 1, START_MS // 3_600_000
    desk.account["breaker"], desk.account["breaker_latched"] = int(Refusal.BREAKER_LOSSES), 1
    desk.account["positions"] = 1
    (row,) = desk.bar("100 100", 10_000, 0)
    assert (words(row), row["verdicts"]) == (("TARGET", "HALTED"), 0b11111111)
