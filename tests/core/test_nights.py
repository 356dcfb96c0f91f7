"""Nightly backtests: what must never be, and what leaves a plan's own interval."""

from trader_core.evidence.backtest_gate import NightFigures, nightly_finding


def night(data: str, return_ppm: int, digest: str = "d") -> NightFigures:
    return NightFigures(("plan", data, "code"), digest, return_ppm)


EVEN = [night(f"day {day}", 1_000 if day % 2 else -1_000) for day in range(10)]


def test_equal_plan_data_and_code_with_another_result_is_told_and_an_equal_one_is_not() -> None:
    assert "this must never be" in nightly_finding(night("day 1", 1_000, "other"), [night("day 1", 1_000)])
    assert nightly_finding(night("day 1", 1_000), [night("day 1", 1_000)]) == ""


def test_a_return_beyond_three_deviations_of_ten_nights_is_told() -> None:
    """Five times +1000 and five times -1000: mean 0, deviation sqrt(10e6 / 9) = 1054, three of them 3162."""
    assert nightly_finding(night("new", 3_162), EVEN) == ""
    assert "3163 ppm lies outside" in nightly_finding(night("new", 3_163), EVEN)


def test_nine_nights_are_too_few_and_repeats_of_one_night_s_data_are_one_night() -> None:
    assert nightly_finding(night("new", 900_000), EVEN[:9]) == ""
    assert nightly_finding(night("new", 900_000), [night("day 1", 0)] * 50) == ""


def test_a_jump_after_ten_equal_nights_is_told_and_a_basis_point_is_not() -> None:
    flat = [night(f"day {day}", 0) for day in range(10)]
    assert nightly_finding(night("new", 300), flat) == ""
    assert "lies outside" in nightly_finding(night("new", 301), flat)
