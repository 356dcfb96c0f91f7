"""Validation: each threshold holds at its limit and fails on its own just beyond it."""

from dataclasses import replace
from typing import Any

import pytest

from trader_core.evidence.validation import Measured, Thresholds, judge_validation
from trader_core.evidence.verdict import Verdict

AT_THE_LIMIT = Measured(
    hours=72, instruments=10, bars_worst_ppm=950_000, gaps_ppm=1_000, uptime_ppm=995_000, outage_ms=600_000, slots_missing=0,
    slots_twice=0, unresolved=0, unknown_ms=60_000, signals_without_outcome=0, orders_twice=0, differences=0, anomalies=0,
    chain_verifies=True, fold_equals=True, orders=1_000, rejects=10, order_tests=30, order_tests_rejected=0, api_calls=1_000,
    api_errors=5, skew_ms=1_000, ack_p50_ms=500, ack_p95_ms=1_500, ack_p99_ms=3_000, decision_p99_ms=3_000, compared=100,
    feed_p99_ppm=2_000_000, bars_differ=0, decisions_differ=0, first_difference="", restart_drill=True, kill_drill=True,
    orders_after_kill=0, thresholds_registered=True, attempts=1,
)  # fmt: skip
BEYOND: dict[str, Any] = {
    "bars_worst_ppm": 949_999, "gaps_ppm": 1_001, "uptime_ppm": 994_999, "outage_ms": 600_001, "slots_missing": 1, "slots_twice": 1,
    "unresolved": 1, "unknown_ms": 60_001, "signals_without_outcome": 1, "orders_twice": 1, "differences": 1, "anomalies": 1,
    "chain_verifies": False, "fold_equals": False, "rejects": 11, "order_tests_rejected": 1, "api_errors": 6, "skew_ms": 1_001,
    "ack_p50_ms": 501, "ack_p95_ms": 1_501, "ack_p99_ms": 3_001, "decision_p99_ms": 3_001, "bars_differ": 1, "decisions_differ": 1,
    "feed_p99_ppm": 2_000_001, "restart_drill": False, "kill_drill": False, "orders_after_kill": 1, "thresholds_registered": False,
}  # fmt: skip
MAY_BE_MISSING = (
    "uptime_ppm", "outage_ms", "unknown_ms", "order_tests", "order_tests_rejected", "api_calls", "api_errors", "skew_ms", "ack_p50_ms",
    "ack_p95_ms", "ack_p99_ms", "decision_p99_ms", "feed_p99_ppm", "restart_drill", "kill_drill",
)  # fmt: skip


def failing(measured: Measured) -> tuple[Verdict, int]:
    """Return the verdict, and how many findings fail."""
    found = judge_validation(Thresholds(), measured)
    return found.verdict, sum(one.holds is False for one in found.findings)


def test_every_threshold_holds_at_its_limit() -> None:
    assert failing(AT_THE_LIMIT) == (Verdict.GO, 0)


@pytest.mark.parametrize("name", BEYOND)
def test_each_hard_threshold_fails_alone_just_beyond_its_limit_and_is_named_first(name: str) -> None:
    beyond = replace(AT_THE_LIMIT, **{name: BEYOND[name]})
    assert failing(beyond) == (Verdict.NO_GO, 1)
    assert judge_validation(Thresholds(), beyond).findings[0].holds is False


@pytest.mark.parametrize(
    "changes", [{"hours": 71.99}, {"instruments": 9}, {"orders": 58, "rejects": 0}, {"order_tests": 29}, {"order_tests": 0}]
)
def test_too_little_of_something_is_not_enough_evidence(changes: dict[str, Any]) -> None:
    assert failing(replace(AT_THE_LIMIT, **changes)) == (Verdict.NOT_ENOUGH_EVIDENCE, 1)


def test_59_orders_without_a_reject_bound_the_rate_by_5_percent() -> None:
    assert failing(replace(AT_THE_LIMIT, orders=59, rejects=0)) == (Verdict.GO, 0)


@pytest.mark.parametrize("name", MAY_BE_MISSING)
def test_what_was_not_measured_is_not_enough_evidence(name: str) -> None:
    assert failing(replace(AT_THE_LIMIT, **{name: None})) == (Verdict.NOT_ENOUGH_EVIDENCE, 0)  # type: ignore[arg-type]


def test_no_decision_compared_is_not_enough_evidence() -> None:
    assert failing(replace(AT_THE_LIMIT, compared=0)) == (Verdict.NOT_ENOUGH_EVIDENCE, 0)


def test_a_missing_figure_does_not_hide_one_that_fails() -> None:
    assert failing(replace(AT_THE_LIMIT, skew_ms=None, unresolved=1)) == (Verdict.NO_GO, 1)


def test_other_thresholds_have_another_digest() -> None:
    assert Thresholds().digest() == Thresholds().digest()
    assert Thresholds(hours_min=71).digest() != Thresholds().digest()
