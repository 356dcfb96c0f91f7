"""Statistics of the gates: intervals, bounds and percentiles, each with its source. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
YEAR_MS = 365 * 86_400_000


class Sharpe(NamedTuple):
    """An annualised Sharpe ratio with its 95 % interval, and the days that would tell it from zero (None: it is not positive)."""

    value: float
    low: float
    high: float
    days_needed: float | None


ROUNDING = 1e-12
"""A spread below this share of the largest return is the arithmetic's, not the market's."""


def sharpe(returns: Sequence[float] | NDArray[np.float64], period_ms: int) -> Sharpe | None:
    """Return the annualised Sharpe ratio of returns per period; None for fewer than 3 or without any variation.

    Standard error: sqrt((1 - g3 SR + (g4 - 1)/4 SR²)/(T - 1)), Mertens 2002, with Pearson's kurtosis (a Gaussian's is 3);
    days needed: the minimum track record length at 95 %, Bailey & López de Prado 2012.
    """
    values = np.asarray(returns, np.float64)
    count = values.size
    if count < 3 or float(values.std(ddof=1)) <= ROUNDING * float(np.abs(values).max()):  # noqa: PLR2004 - two points have no spread worth a name
        return None
    spread = values.std(ddof=1)
    ratio = float(values.mean() / spread)
    centred = (values - values.mean()) / values.std()
    skew, kurtosis = float((centred**3).mean()), float((centred**4).mean())
    variance = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    error = math.sqrt(max(variance, 0.0) / (count - 1))
    scale = math.sqrt(YEAR_MS / period_ms)
    needed = (1 + variance * (1.6448536269514722 / ratio) ** 2) * period_ms / 86_400_000 if ratio > 0 else None
    return Sharpe(ratio * scale, (ratio - Z_95 * error) * scale, (ratio + Z_95 * error) * scale, needed)


def upper_bound(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of a failure rate (Clopper & Pearson 1934), by bisection; 1 without a trial.

    Without a failure it is 1 - (1 - confidence)^(1/n): 0 of 60 bounds the rate by 4.9 %.
    """
    if trials == 0 or failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(failures, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(failures: int, trials: int, rate: float) -> float:
    """Return the probability of at most so many failures at a rate."""
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * math.log(rate) + (trials - k) * math.log1p(-rate)
        for k in range(failures + 1)
    ] if 0 < rate < 1 else [0.0 if rate == 0 else -math.inf]  # fmt: skip
    return math.fsum(math.exp(one) for one in logs)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of all lie at or below (nearest rank); None for no values."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)]


def mean_interval(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Return (mean, low, high) of the 95 % interval of a mean, m ± 1.96 s / sqrt(n); None for fewer than 2 values."""
    count = len(values)
    if count < 2:  # noqa: PLR2004 - one value has no spread
        return None
    mean = math.fsum(values) / count
    half = Z_95 * math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (count - 1) / count)
    return mean, mean - half, mean + half
