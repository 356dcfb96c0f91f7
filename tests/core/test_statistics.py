"""The statistics of the gates against numbers worked out by hand, or taken from the formulas' own papers."""

import math

import pytest

from trader_core.evidence.statistics import YEAR_MS, mean_interval, percentile, sharpe, upper_bound

HOUR_MS = 3_600_000


@pytest.mark.parametrize(("trials", "bound"), [(20, 0.1391), (60, 0.0487), (300, 0.00994), (1000, 0.002991), (4320, 0.000693)])
def test_no_failure_in_n_trials_bounds_the_rate(trials: int, bound: float) -> None:
    assert upper_bound(0, trials) == pytest.approx(bound, rel=0.01)


def test_one_failure_in_93_bounds_the_rate_by_five_percent() -> None:
    assert upper_bound(1, 93) == pytest.approx(0.05, abs=0.0003)
    assert upper_bound(1, 92) > 0.05


def test_nothing_is_bounded_without_a_trial_or_when_all_failed() -> None:
    assert upper_bound(0, 0) == 1.0
    assert upper_bound(5, 5) == 1.0


def test_a_sharpe_ratio_by_hand() -> None:
    """Returns 1, 2, 3, 4, 5: mean 3, deviation sqrt(2.5); skew 0, Pearson's kurtosis 1.7; T = 5."""
    found = sharpe([1, 2, 3, 4, 5], YEAR_MS)
    assert found is not None
    ratio = 3 / math.sqrt(2.5)
    error = math.sqrt((1 + 0.7 / 4 * ratio**2) / 4)
    assert found.value == pytest.approx(ratio)
    assert found.low == pytest.approx(ratio - 1.959964 * error)
    assert found.high == pytest.approx(ratio + 1.959964 * error)


def test_72_hours_cannot_tell_a_sharpe_of_two_from_zero() -> None:
    """72 hourly returns, symmetric around a mean of 2/sqrt(8760) deviations: the interval is about ± 1.96 * 11.1 wide."""
    mean = 2 / math.sqrt(8760)
    found = sharpe([mean + (1 if i % 2 else -1) * math.sqrt(71 / 72) for i in range(72)], HOUR_MS)
    assert found is not None
    assert found.value == pytest.approx(2, abs=0.01)
    assert found.high - found.value == pytest.approx(1.96 * 11.1, rel=0.01)
    assert found.days_needed is not None
    assert 200 < found.days_needed < 300


def test_no_variation_and_too_few_returns_have_no_sharpe_ratio() -> None:
    assert sharpe([1, 1, 1, 1], HOUR_MS) is None
    assert sharpe([1, 2], HOUR_MS) is None


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([30, 10, 20, 40], 0.5) == 20
    assert percentile([30, 10, 20, 40], 0.99) == 40
    assert percentile([7], 0.5) == 7
    assert percentile([], 0.5) is None


def test_the_interval_of_a_mean_by_hand() -> None:
    """1 and 3: mean 2, variance 2, half width 1.96 * sqrt(2 / 2)."""
    assert mean_interval([1, 3]) == pytest.approx((2, 2 - 1.959964, 2 + 1.959964))
    assert mean_interval([1]) is None
