"""The meter: a bad hour is never averaged away, and an order of unknown fate counts while it is one."""

from trader_core.trader.meter import Meter


def test_an_order_of_unknown_fate_counts_from_its_sending_while_it_is_one_and_after_it() -> None:
    meter = Meter()
    meter.unproven({"a": 1_000}, 3_000)
    assert (meter.values(11_000)["unknown_ms_max"], meter.values(11_000)["unknown_count"]) == (10_000, 1)
    meter.unproven({}, 21_000)
    assert meter.values(99_000)["unknown_ms_max"] == 20_000


def test_an_order_that_is_unknown_across_a_restart_is_as_old_after_it() -> None:
    meter = Meter()
    meter.unproven({"a": 1_000}, 1_000)
    again = Meter(base=meter.values(50_000))
    again.unproven({"a": 1_000}, 60_000)
    again.unproven({}, 111_000)
    assert again.values(111_000)["unknown_ms_max"] == 110_000


def test_counts_add_up_and_maxima_stay_over_a_restart() -> None:
    meter = Meter()
    meter.arrived(900)
    meter.back(60_000)
    meter.naked(7_000)
    meter.naked(3_000)
    again = Meter(base=meter.values(0))
    again.arrived(100)
    again.back(5_000)
    again.naked(500)
    found = again.values(0)
    assert found["naked_ms_max"] == 7_000
    assert (found["feed_age_ms_p99"], found["feed_age_ms_count"], found["downtime_ms"], found["outage_ms_max"]) == (900, 2, 65_000, 60_000)
