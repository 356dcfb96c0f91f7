"""The pages about data quality and verdicts name the very rules, thresholds and budgets that judge."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from trader_core.config import RoadConfig
from trader_core.evidence.backtest_gate import DRAWDOWN_MAX_PPM, NIGHTS_MIN, TRADES_MIN
from trader_core.evidence.ladder import CUMULATIVE_EUR, SLIPPAGE_MAX_BPS
from trader_core.evidence.quality import RULES, Severity
from trader_core.evidence.validation import NOT_TESTED, Thresholds
from trader_core.model.money import UNIT
from trader_core.model.stage import STAGES

DOCS = Path(__file__).parents[2] / "docs"
QUALITY, VERDICTS = (DOCS / "data-quality.md").read_text(), (DOCS / "verdicts.md").read_text()
SAID = {
    "hours_min": "| hours | at least 72 |",
    "instruments_min": "| instruments | at least 10 |",
    "bars_min_ppm": "| share of the expected bars, worst instrument | at least 95 % |",
    "gaps_max_ppm": "| missing bars | at most 0.1 % |",
    "uptime_min_ppm": "| uptime | at least 99.5 % |",
    "outage_max_ms": "| longest outage | at most 10 minutes |",
    "unknown_max_ms": "| longest UNKNOWN | at most 60 s |",
    "order_tests_min": "| order tests that the venue answered | at least 30 | NOT_ENOUGH_EVIDENCE |",
    "rejects_max_ppm": "| rejected orders | at most 1 % |",
    "rejects_bound_ppm": "| upper 95 % bound of the reject rate | at most 5 %",
    "api_errors_max_ppm": "| API errors | at most 0.5 % |",
    "skew_max_ms": "| clock skew | at most 1 s |",
    "ack_p50_max_ms": "| acknowledgement p50, p95, p99 | at most 0.5 s, 1.5 s, 3 s |",
    "ack_p95_max_ms": "| acknowledgement p50, p95, p99 | at most 0.5 s, 1.5 s, 3 s |",
    "ack_p99_max_ms": "| acknowledgement p50, p95, p99 | at most 0.5 s, 1.5 s, 3 s |",
    "decision_p99_max_ms": "| decision latency p99 | at most 3 s ",
    "feed_p99_max_ppm": "| age of arriving bars p99 | at most two bars | NO_GO |",
}
"""What the page says of each threshold."""
DEFAULTS = (72, 10, 950_000, 1_000, 995_000, 600_000, 60_000, 30, 10_000, 50_000, 5_000, 1_000, 500, 1_500, 3_000, 3_000, 2_000_000)
"""The thresholds that these words were written for, in the order of the class."""


def test_the_page_of_data_quality_shows_every_rule_as_it_judges() -> None:
    words = {Severity.BLOCK: "blocks", Severity.WARN: "warns"}
    table = [
        f"| `{rule.name}` | {words[rule.severity]} | {rule.limit} {rule.unit} | {rule.meaning} | {rule.todo} |" for rule in RULES.values()
    ]
    assert [line for line in QUALITY.splitlines() if line.startswith("| `")] == table
    assert len(table) == 13
    assert "Thirteen rules" in VERDICTS


def test_the_page_of_verdicts_names_every_threshold_of_the_validation() -> None:
    assert list(SAID) == [field.name for field in fields(Thresholds)]
    assert tuple(getattr(Thresholds(), name) for name in SAID) == DEFAULTS, "the page's words were written for other values"
    assert [name for name, line in SAID.items() if line not in VERDICTS] == []


def test_the_page_of_verdicts_names_what_is_not_tested() -> None:
    assert [name for name, _ in NOT_TESTED if f"*{name}*" not in VERDICTS] == []


@pytest.mark.parametrize("name", ["EUR_1", "EUR_10", "EUR_100"])
def test_the_page_of_verdicts_names_each_stage_s_money_and_length(name: str) -> None:
    stage, rules = next(one for one in STAGES.values() if one.name == name), getattr(RoadConfig(), name.lower())
    money = f"€{stage.working_capital // UNIT} | €{stage.loss_budget // UNIT}"
    assert f"| {name} | {money} | {rules.hours_min:g} hours | {rules.episodes_min} | {rules.hours_max:g} hours |" in VERDICTS


def test_the_page_of_verdicts_names_the_limits_of_backtest_and_ladder() -> None:
    assert f"| largest drawdown | at most {DRAWDOWN_MAX_PPM // 10_000} % | NO_GO |" in VERDICTS
    assert f"| round trips | at least {TRADES_MIN} | NOT_ENOUGH_EVIDENCE |" in VERDICTS
    assert f"| lost on the road so far | at most €{CUMULATIVE_EUR} over all stages | NO_GO |" in VERDICTS
    assert f"| slippage, mean | at most {SLIPPAGE_MAX_BPS:g} bps" in VERDICTS
    assert (NIGHTS_MIN, len(re.findall("at least ten earlier nights", VERDICTS))) == (10, 1)
