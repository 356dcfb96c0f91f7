"""From a venue's profile to what a session may ask it: half of its weight, never more than helps, and nothing where time stands still."""

from trader_core.trader.bounds import protocol_of
from trader_core.venues.profiles import BINANCE, KRAKEN, MEXC, sandbox_profile


def test_mexc_and_binance_are_asked_three_hundred_times_a_minute_and_kraken_seven_times() -> None:
    found = [protocol_of(profile, real_orders=True) for profile in (MEXC, BINANCE, KRAKEN)]
    assert [one.asks_per_minute for one in found] == [300, 300, 7]
    assert [one.asks_burst for one in found] == [150, 150, 7]
    assert [one.asks_reserve for one in found] == [37, 37, 1]


def test_a_session_whose_orders_are_simulated_has_no_budget_and_neither_has_one_on_a_stepped_clock() -> None:
    assert protocol_of(MEXC, real_orders=False).asks_per_minute == 0
    assert protocol_of(sandbox_profile("http://127.0.0.1:8790", stepped=True), real_orders=True).asks_per_minute == 0
    assert protocol_of(sandbox_profile("http://127.0.0.1:8790", stepped=False), real_orders=True).asks_per_minute == 300


def test_the_profiles_window_and_lag_are_the_sessions() -> None:
    found = protocol_of(KRAKEN, real_orders=True)
    assert (found.window_ms, found.visibility_ms) == (KRAKEN.window_ms_max, KRAKEN.visibility_ms)
