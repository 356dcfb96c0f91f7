"""Verdicts: each count that must be exact, and an interval that one can work out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from trader_core.evidence.verdict import EPISODES_MIN, Operations, Verdict, judge_edge, judge_operations

CLEAN = Operations(
    slots_expected=4320, slots_stepped=4320, duplicate_slots=0, chain_verifies=True, fold_equals=True, unresolved_orders=0,
    signals_without_outcome=0, orders_sent_twice=0, differences=0, anomalies=0,
)  # fmt: skip


def test_a_clean_session_is_a_go_with_every_finding_named() -> None:
    judged = judge_operations(CLEAN)
    assert judged.verdict is Verdict.GO
    assert len(judged.findings) == 9
    assert str(judged.findings[0]) == "slots stepped: 4320, allowed 4320: holds"


@pytest.mark.parametrize(
    "change",
    [
        {"slots_stepped": 4319}, {"duplicate_slots": 1}, {"chain_verifies": False}, {"fold_equals": False}, {"unresolved_orders": 1},
        {"signals_without_outcome": 1}, {"orders_sent_twice": 1}, {"differences": 1}, {"anomalies": 1},
    ],
)  # fmt: skip
def test_any_single_count_that_is_off_is_a_no_go(change: dict[str, Any]) -> None:
    judged = judge_operations(replace(CLEAN, **change))
    assert judged.verdict is Verdict.NO_GO
    assert [finding.holds for finding in judged.findings].count(False) == 1


def test_a_session_without_slots_is_no_evidence() -> None:
    assert judge_operations(replace(CLEAN, slots_expected=0, slots_stepped=0)).verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_fewer_round_trips_than_asked_are_no_evidence_however_good() -> None:
    judged = judge_edge([0.5] * (EPISODES_MIN - 1))
    assert judged.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert judged.findings[0].holds is None


def test_the_interval_is_the_mean_and_1_96_standard_errors() -> None:
    # 50 times +2 %, 50 times 0 %: mean 1 %, s = sqrt(100 * 0.01**2 / 99) = 1.00504 %, half = 1.95996 * 1.00504 / 10 = 0.19698 %.
    judged = judge_edge([0.02] * 50 + [0.0] * 50)
    assert judged.verdict is Verdict.GO
    assert judged.findings[0].measured == "1.000 % ± 0.197 % over 100 round trips"


def test_a_mean_whose_interval_holds_zero_is_not_enough() -> None:
    # 50 times +2 %, 50 times -1.9 %: mean 0.05 %, half about 0.38 %.
    assert judge_edge([0.02] * 50 + [-0.019] * 50).verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_a_loss_beyond_its_interval_is_a_no_go() -> None:
    judged = judge_edge([-0.02] * 50 + [0.0] * 50)
    assert judged.verdict is Verdict.NO_GO
    assert judged.findings[0].holds is False
