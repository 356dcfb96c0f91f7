"""The ladder: shut gates say why, a stage keeps its loss budgets, and a road earns what both verdicts allow."""

from dataclasses import replace
from typing import Any

import pytest

from trader_core.evidence.backtest_gate import judge_backtest
from trader_core.evidence.gates import Gate, shut
from trader_core.evidence.ladder import StageShown, judge_road, judge_stage
from trader_core.evidence.permit import Level
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.money import UNIT
from trader_core.model.stage import StageName

GO, NO_GO, LACK = Verdict.GO, Verdict.NO_GO, Verdict.NOT_ENOUGH_EVIDENCE
GATE = Gate("g1", "w1", "validate", "validation", "r1", GO, (), {}, judged_ms=1_000, expires_ms=2_000)
SHOWN = StageShown(
    StageName.EUR_10, hours=24, hours_min=24, episodes=3, episodes_min=3, lost=3 * UNIT - 1, budget=3 * UNIT,
    lost_before=9 * UNIT + 1, budget_all=12 * UNIT, left="", operations=Judgement("operations", GO, ()), slippage_bps=50.0, probe="",
)  # fmt: skip
GAINS, LOSSES, EVEN = [0.01, 0.02] * 15, [-0.01, -0.02] * 15, [0.01, -0.01] * 15


def road(verdict: Verdict, returns: list[float], stages: tuple[StageName, ...] = (StageName.EUR_1,)) -> tuple[Level, StageName]:
    """Return what a road of one gate has earned."""
    earned = judge_road({"validation": Judgement("validation", verdict, ())}, ["validation"], returns, stages)
    return earned.level, earned.stage


def test_a_gate_is_open_until_its_last_millisecond() -> None:
    assert shut(GATE, 1_999) == ""
    assert "has expired" in shut(GATE, 2_000)


def test_a_gate_that_is_missing_or_from_the_future_is_shut() -> None:
    assert shut(None, 1_999) == "it was never judged"
    assert shut(replace(GATE, judged_ms=61_000, expires_ms=99_000), 1_000) == ""
    assert "in the future" in shut(replace(GATE, judged_ms=61_001, expires_ms=99_000), 1_000)


@pytest.mark.parametrize("verdict", [NO_GO, LACK])
def test_a_gate_that_does_not_say_go_is_shut_and_names_what_fails(verdict: Verdict) -> None:
    failed = replace(GATE, verdict=verdict, findings=(Finding("gaps", "7", "at most 5", holds=False),))
    assert shut(failed, 1_999) == f"validation says {verdict}: gaps: 7, allowed at most 5: FAILS"


def test_a_stage_at_its_limits_goes() -> None:
    assert judge_stage(SHOWN).verdict is GO


@pytest.mark.parametrize(
    "changes",
    [
        {"lost": 3 * UNIT, "lost_before": 0},
        {"lost_before": 9 * UNIT + 2},
        {"left": "5 BTC"},
        {"probe": "no fill"},
        {"slippage_bps": 50.1},
        {"operations": Judgement("operations", NO_GO, ())},
    ],
)
def test_each_hard_failure_of_a_stage_is_no_go_on_its_own(changes: dict[str, Any]) -> None:
    assert judge_stage(replace(SHOWN, **changes)).verdict is NO_GO


UNSEEN = Judgement("operations", GO, (Finding("hash chain", "unknown", "verifies", holds=None),))


@pytest.mark.parametrize(
    "changes", [{"hours": 23.9}, {"episodes": 2}, {"operations": Judgement("operations", LACK, ())}, {"operations": UNSEEN}]
)
def test_a_stage_that_was_too_short_is_not_enough_evidence(changes: dict[str, Any]) -> None:
    assert judge_stage(replace(SHOWN, **changes)).verdict is LACK


def test_a_road_earns_full_only_with_go_on_both() -> None:
    assert road(GO, GAINS, (StageName.EUR_1, StageName.EUR_10, StageName.EUR_100)) == (Level.FULL, StageName.EUR_100)
    assert road(GO, GAINS) == (Level.LIMITED, StageName.EUR_1), "the last stage is missing"
    assert road(GO, GAINS, ()) == (Level.PAPER_ONLY, StageName.PAPER), "no stage was walked"
    assert road(GO, EVEN) == (Level.LIMITED, StageName.EUR_1)
    assert road(LACK, GAINS) == (Level.LIMITED, StageName.EUR_1)
    assert road(GO, EVEN, ()) == (Level.PAPER_ONLY, StageName.PAPER)
    assert road(GO, LOSSES) == road(NO_GO, GAINS) == (Level.PAPER_ONLY, StageName.PAPER)


def test_a_road_that_requires_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="none was required"):
        judge_road({}, [], GAINS, (StageName.EUR_1,))


def test_a_gate_that_was_never_judged_is_not_enough_evidence() -> None:
    assert judge_road({}, ["validation"], GAINS, ()).operations.verdict is LACK


CAUSAL = Finding("causality", "1 strategies", "no target depends on a later bar", holds=True)


def test_a_backtest_of_a_strategy_that_sees_the_future_proves_nothing() -> None:
    assert judge_backtest(EVEN, 0, None, replace(CAUSAL, holds=False)).verdict is NO_GO
    assert judge_backtest(EVEN, 0, None, replace(CAUSAL, holds=None)).verdict is LACK


def test_a_backtest_needs_30_round_trips_no_sure_loss_and_at_most_30_percent_drawdown() -> None:
    assert judge_backtest(EVEN, 300_000, None, CAUSAL).verdict is GO
    assert judge_backtest(EVEN, 300_001, None, CAUSAL).verdict is NO_GO
    assert judge_backtest(EVEN[1:], 0, None, CAUSAL).verdict is LACK
    assert judge_backtest(LOSSES, 0, None, CAUSAL).verdict is NO_GO
    assert judge_backtest(LOSSES[1:], 0, None, CAUSAL).verdict is LACK
