"""Marking: equity at the last close, the day's baseline, doors, and the breaker."""

import numpy as np
import pytest

from tests.builders import START_MS, STEP_MS, Desk, money, plan, words
from trader_core.engine import core
from trader_core.engine.layout import DECISION
from trader_core.model.bar import BAR
from trader_core.model.session import Refusal

HOUR = 60


def holding(desk: Desk) -> Desk:
    """Return the desk with five coins bought at 100, half of its capital."""
    desk.bar("100", 5000)
    desk.buy()
    return desk


def test_equity_is_cash_and_positions_at_their_last_close() -> None:
    desk = holding(Desk())
    desk.bar("110", -1)
    assert (desk["equity"], desk["peak"]) == (money("1050"), money("1050"))
    desk.bar("90", -1)
    assert (desk["equity"], desk["peak"]) == (money("950"), money("1050"))
    desk.bar("-", -1)
    assert desk["equity"] == money("950")
    assert desk.of("close_ts") == START_MS + 2 * STEP_MS
    assert desk["slots_seen"] == 4


def test_a_day_is_measured_from_the_equity_before_its_first_slot() -> None:
    desk = holding(Desk())
    desk.bar("110", -1)
    assert desk["day_equity"] == money("1000")
    desk.at = 1440
    desk.bar("120", -1)
    assert (desk["day_equity"], desk["equity"]) == (money("1050"), money("1100"))


def test_a_slot_that_does_not_ascend_is_refused_and_counts_as_a_fault() -> None:
    desk = Desk()
    desk.bar("100", -1)
    desk.at = 0
    before = desk["slots_seen"]
    with pytest.raises(AssertionError, match="refused the slot"):
        desk.bar("100", 10_000)
    assert (desk["faults"], desk["slots_seen"], desk.of("buying")) == (1, before, 0)


@pytest.mark.parametrize("bar", ["100/10000.01/100/100", "100/100/0/100", "0/100/100/100", "10001"])
def test_a_bar_beyond_a_price_door_counts_as_a_fault_and_is_missing(bar: str) -> None:
    desk = Desk()
    assert len(desk.bar(bar, 10_000)) == 0
    assert (desk["faults"], desk.of("close"), desk["slots_seen"]) == (1, 0, 1)


@pytest.mark.parametrize(("close", "breaker"), [("80.01", Refusal.NONE), ("80", Refusal.BREAKER_DRAWDOWN)])
def test_a_fall_of_ten_percent_from_the_peak_trips(close: str, breaker: Refusal) -> None:
    desk = holding(Desk(plan(limits={"drawdown_max_ppm": 100_000})))
    desk.bar(close, -1)
    assert desk["breaker"] == breaker


@pytest.mark.parametrize(("close", "breaker"), [("90.01", Refusal.NONE), ("90", Refusal.BREAKER_DAILY_LOSS)])
def test_a_daily_loss_of_fifty_trips(close: str, breaker: Refusal) -> None:
    desk = holding(Desk(plan(limits={"daily_loss_max": money("50")})))
    desk.bar(close, -1)
    assert desk["breaker"] == breaker


def test_two_losing_episodes_in_a_row_trip() -> None:
    desk = Desk(plan(limits={"losses_max": 2}))
    for expected in (Refusal.NONE, Refusal.BREAKER_LOSSES):
        desk.fill(1, "1", "100")
        desk.fill(-1, "1", "99")
        desk.bar("100", -1)
        assert desk["breaker"] == expected


def test_a_breaker_resets_after_its_cooldown_and_measures_from_there() -> None:
    desk = holding(Desk(plan(limits={"drawdown_max_ppm": 100_000})))
    desk.bar("80", -1)
    tripped = desk.at - 1
    assert desk["breaker_until"] == START_MS + (tripped + HOUR) * STEP_MS
    desk.at = tripped + HOUR - 1
    assert words(desk.bar("80", 9000)[0]) == ("TARGET", "BREAKER_DRAWDOWN")
    assert words(desk.bar("80", 9500)[0]) == ("TARGET", "NONE")
    assert (desk["breaker"], desk["peak"], desk["day_equity"], desk["breaker_base"]) == (0, *[money("900")] * 3)


def test_a_latched_breaker_waits_for_an_operator() -> None:
    desk = holding(Desk(plan(limits={"drawdown_max_ppm": 100_000, "latch": True})))
    desk.bar("80", -1)
    desk.at = 24 * HOUR
    desk.bar("80", -1)
    assert (desk["breaker"], desk["breaker_latched"]) == (Refusal.BREAKER_DRAWDOWN, 1)
    core.on_operator(desk.account, desk.slots, 0, core.RESET_BREAKER)
    assert (desk["breaker"], desk["breaker_latched"], desk["peak"]) == (0, 0, money("900"))
    desk.bar("80", -1)
    assert desk["breaker"] == 0


def test_runs_of_losses_and_errors_start_again_with_a_reset() -> None:
    desk = Desk(plan(limits={"errors_max": 1, "cooldown_ms": 0}))
    desk.release(1, "1", reason=core.RELEASED_AS_ERROR)
    desk.bar("100", -1)
    assert desk["breaker"] == Refusal.BREAKER_ERRORS
    desk.bar("100", -1)
    assert (desk["breaker"], desk["errors_run"]) == (0, 0)


@pytest.mark.parametrize(("close", "breaker"), [("92.01", Refusal.NONE), ("92", Refusal.BREAKER_LOSS_BUDGET)])
def test_a_loss_of_the_whole_budget_trips_and_no_day_forgives_it(close: str, breaker: Refusal) -> None:
    desk = holding(Desk(plan(limits={"loss_max": money("40"), "daily_loss_max": money("40"), "drawdown_max_ppm": 30_000})))
    desk.at = 1440
    desk.bar(close, -1)
    assert desk["breaker"] == (breaker or Refusal.BREAKER_DRAWDOWN)


def test_a_budget_that_is_spent_trips_again_at_once_when_an_operator_resets_it_and_still_lets_exits_go() -> None:
    desk = holding(Desk(plan(limits={"loss_max": money("40"), "latch": True})))
    desk.bar("90", -1)
    core.on_operator(desk.account, desk.slots, 0, core.RESET_BREAKER)
    assert words(desk.bar("90", 9000)[0]) == ("TARGET", "BREAKER_LOSS_BUDGET")
    assert (desk["breaker"], desk["breaker_latched"]) == (Refusal.BREAKER_LOSS_BUDGET, 1)
    (row,) = desk.bar("90", 0)
    assert (words(row), row["qty"]) == (("TARGET", "NONE"), -50_000)


def test_a_clock_that_steps_back_opens_nothing_and_one_that_leaps_forward_ends_the_cooldown() -> None:
    desk = Desk(plan(limits={"losses_max": 1, "cooldown_ms": 3_600_000}))
    desk.fill(1, "1", "100")
    desk.fill(-1, "1", "99")
    desk.bar("100", 0)
    assert Refusal(desk["breaker"]) is Refusal.BREAKER_LOSSES
    until = desk["breaker_until"]
    desk.at = 0
    row = np.zeros(1, BAR)
    assert core.on_bar(desk.account, desk.slots, desk.record, desk.grids, START_MS, row, np.zeros(1, np.int64), np.zeros(1, DECISION)) == -1
    assert (desk["breaker_until"], desk["breaker"]) == (until, int(Refusal.BREAKER_LOSSES)), "no time has passed"
    desk.at = (until - START_MS) // STEP_MS - 1
    assert words(desk.bar("100", 5000)[0]) == ("TARGET", "BREAKER_LOSSES"), "a minute before its hour is over"
    assert words(desk.bar("100", 6000)[0]) == ("TARGET", "NONE")
