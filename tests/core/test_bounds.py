"""From a venue's profile to what a session may ask it: half of its weight, never more than helps, and nothing where time stands still."""

import pytest

from tests import builders
from trader_core.model.errors import OutOfRange
from trader_core.model.plan import Execution
from trader_core.trader.bounds import protocol_of, require_stops
from trader_core.venues.profiles import BINANCE, KRAKEN, MEXC, sandbox_profile

PLAN = builders.plan(stop_loss_ppm=30_000)
RESTS = builders.plan(stop_loss_ppm=30_000, execution=Execution(resting=True))


def test_mexc_and_binance_are_asked_three_hundred_times_a_minute_and_kraken_seven_times() -> None:
    found = [protocol_of(profile, PLAN, real_orders=True) for profile in (MEXC, BINANCE, KRAKEN)]
    assert [one.asks_per_minute for one in found] == [300, 300, 7]
    assert [one.asks_burst for one in found] == [150, 150, 7]
    assert [one.asks_reserve for one in found] == [37, 37, 2]


def test_a_session_whose_orders_are_simulated_has_no_budget_and_neither_has_one_on_a_stepped_clock() -> None:
    assert protocol_of(MEXC, PLAN, real_orders=False).asks_per_minute == 0
    assert protocol_of(sandbox_profile("http://127.0.0.1:8790", stepped=True), PLAN, real_orders=True).asks_per_minute == 0
    assert protocol_of(sandbox_profile("http://127.0.0.1:8790", stepped=False), PLAN, real_orders=True).asks_per_minute == 300


def test_the_profiles_window_and_lag_are_the_sessions() -> None:
    found = protocol_of(KRAKEN, PLAN, real_orders=True)
    assert (found.window_ms, found.visibility_ms) == (KRAKEN.window_ms_max, KRAKEN.visibility_ms)


def test_stops_rest_where_the_plan_asks_for_it_and_the_venue_holds_them() -> None:
    require_stops(RESTS, BINANCE)
    require_stops(PLAN, MEXC)
    assert [protocol_of(BINANCE, plan, real_orders=True).stops for plan in (PLAN, RESTS)] == ["BOT_SIDE", "RESTING"]
    assert protocol_of(BINANCE, RESTS, real_orders=False).stops == "RESTING", "paper fills them by the same rule"


def test_a_venue_that_holds_no_stops_takes_no_plan_whose_stops_rest() -> None:
    with pytest.raises(OutOfRange, match="mexc, which holds none for spot"):
        require_stops(RESTS, MEXC)


def test_a_take_that_rests_is_simulated_only() -> None:
    RESTS.require_tradable()
    with pytest.raises(OutOfRange, match="resting with a take_profit_ppm"):
        builders.plan(stop_loss_ppm=1, take_profit_ppm=1, execution=Execution(resting=True)).require_tradable()
