"""Causality: the built-in strategies pass, and every planted cheat is caught, one that peeks a single bar too."""

from collections.abc import Callable

import numpy as np
import pytest

from trader_core.engine import strategies
from trader_core.evidence.causality import Sample, Targets, judge_causality, sample
from trader_core.evidence.verdict import Verdict
from trader_core.model.bar import Bars

ROWS, CUTS, LOOKBACK = 700, 60, 20
SMALL: dict[str, dict[str, int]] = {
    "sma_cross": {"fast": 5, "slow": 20}, "breakout": {"entry": 10, "exit": 5, "memory": 20}, "macd": {"fast": 3, "slow": 6, "signal": 3},
    "ema_cross": {"fast": 3, "slow": 6}, "bollinger_reversion": {"period": 10, "memory": 20}, "rsi_reversion": {"memory": 20},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(strategies.STRATEGIES))
def test_every_built_in_strategy_is_causal(name: str) -> None:
    params = strategies.parse_params(strategies.find(name), SMALL.get(name, {}))
    lookback = strategies.lookback(name, params)
    judged = judge_causality(
        lookback,
        lambda bars: strategies.targets_of(name, params, bars),
        lambda bars: strategies.targets_all(name, params, bars),
        sample(ROWS, lookback, CUTS, 7),
    )
    assert judged.verdict is Verdict.GO, judged.findings


def _mean(closes: np.ndarray, length: int) -> np.ndarray:
    sums = np.cumsum(np.concatenate([[0], closes]))
    found = np.full(len(closes), np.nan)
    if len(closes) >= length:
        found[length - 1 :] = (sums[length:] - sums[:-length]) / length
    return found


def _targets(wanted: np.ndarray, rows: int) -> Targets:
    targets = np.where(wanted, 10_000, 0).astype(np.int64)
    targets[: LOOKBACK - 1] = -1
    return targets[:rows]


def honest(bars: Bars) -> Targets:
    """In while the close is above the mean of the last 20."""
    return _targets(bars["close"] > _mean(bars["close"], LOOKBACK), len(bars))


def shifted(bars: Bars) -> Targets:
    """The classical cheat: the next bar's close is known, a shift by -1."""
    following = np.concatenate([bars["close"][1:], bars["close"][-1:]])
    return _targets(following > bars["close"], len(bars))


def normalised(bars: Bars) -> Targets:
    """Prices are measured against the mean of the whole series, its future too."""
    return _targets(bars["close"] > bars["close"].mean(), len(bars))


def centred(bars: Bars) -> Targets:
    """A moving mean that is centred on its bar."""
    half = LOOKBACK // 2
    mean = np.concatenate([_mean(bars["close"], LOOKBACK)[half:], np.full(half, bars["close"][-1])])[: len(bars)]
    return _targets(bars["close"] > mean, len(bars))


def labelled(bars: Bars) -> Targets:
    """Five minutes are summed up under the label of their first one: four bars early."""
    last = np.minimum((bars["ts"] // 60_000 // 5 * 5 + 4) - bars["ts"][0] // 60_000, len(bars) - 1)
    return _targets(bars["close"][last] > bars["open"], len(bars))


def peeking(bars: Bars) -> Targets:
    """Honest, but for the one bar before the last: it looks a single bar ahead when there is one."""
    targets = honest(bars)
    if len(bars) > LOOKBACK:
        targets[-2] = 10_000 if bars["close"][-1] > bars["close"][-2] else 0
    return targets


def unclosed(bars: Bars) -> Targets:
    """The high of the hour that is not over yet."""
    hour = bars["ts"] // 3_600_000
    highest = np.array([bars["high"][hour == one].max() for one in hour])
    return _targets(bars["close"] * 1_001 > highest * 1_000, len(bars))


def endless(bars: Bars) -> Targets:
    """No look ahead, but a memory without end: the mean of all bars so far."""
    return _targets(bars["close"] > np.cumsum(bars["close"]) / np.arange(1, len(bars) + 1), len(bars))


@pytest.mark.parametrize("cheat", [shifted, normalised, centred, labelled, peeking, unclosed], ids=lambda one: str(one.__name__))
def test_every_planted_cheat_is_caught_even_when_the_window_cheats_alike(cheat: Callable[[Bars], Targets]) -> None:
    judged = judge_causality(LOOKBACK, cheat, cheat, sample(ROWS, LOOKBACK, CUTS, 7))
    failed = [one.name for one in judged.findings if one.holds is False]
    assert judged.verdict is Verdict.NO_GO
    assert {"prefix invariance", "future poisoning"} & set(failed), failed
    assert judged.first() is not None
    assert all(one.todo for one in judged.findings if one.holds is False)


def test_an_honest_one_passes_and_one_that_remembers_for_ever_fails_by_its_warm_up_alone() -> None:
    seen = sample(ROWS, LOOKBACK, CUTS, 7)
    assert judge_causality(LOOKBACK, honest, honest, seen).verdict is Verdict.GO
    judged = judge_causality(LOOKBACK, endless, endless, seen)
    assert [one.name for one in judged.findings if one.holds is False] == ["warm-up"]


def test_a_sweep_that_decides_otherwise_than_the_window_is_caught() -> None:
    judged = judge_causality(LOOKBACK, honest, lambda bars: np.maximum(honest(bars) - 1, -1), sample(ROWS, LOOKBACK, CUTS, 7))
    assert [one.name for one in judged.findings if one.holds is False] == ["sweep and window decide alike"]


def test_a_strategy_that_never_decides_is_not_enough_evidence() -> None:
    def silent(bars: Bars) -> Targets:
        return np.full(len(bars), -1, np.int64)

    assert judge_causality(LOOKBACK, silent, silent, sample(ROWS, LOOKBACK, CUTS, 7)).verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_the_cuts_hold_the_first_window_and_the_last_bar_and_are_the_same_for_a_seed() -> None:
    one, other = sample(100, 20, 5, 3), sample(100, 20, 5, 3)
    assert isinstance(one, Sample)
    assert {20, 99, 100} <= set(one.cuts)
    assert one.cuts == other.cuts
    assert (one.bars == other.bars).all()
