"""The report: verdicts first, then what failed first and what to do; every text escaped, and nothing fetched from elsewhere."""

import re

from trader_core.evidence import plots
from trader_core.evidence.report import Report, Step, failed, first_failing, render, summary_lines, to_json
from trader_core.evidence.verdict import Finding, Judgement, Verdict

SENT_TWICE = Finding("orders sent twice", "1", "0", holds=False, todo="stop, and report it")
TOO_SLOW = Finding("latency", "9000", "at most 3000", holds=False, todo="use a faster machine")
NO = Judgement("operations", Verdict.NO_GO, (Finding("slots", "3", "3", holds=True), SENT_TWICE, TOO_SLOW))
FEW = Finding("round trips", "3", "at least 30", holds=None, todo="trade longer")
UNSURE = Judgement("edge", Verdict.NOT_ENOUGH_EVIDENCE, (FEW,))
WELL = Judgement("operations", Verdict.GO, (Finding("slots", "3", "3", holds=True),))


def report(*verdicts: Judgement, judged: Judgement = NO) -> Report:
    """Return a report of one step."""
    step = Step("Paper <72 h>", [("equity", "12.5")], [plots.line("equity", "USDT", [1, 3, 2], "3 slots")], [judged])
    untested = [("profit", "72 hours prove none")]
    return Report(
        "A road", "made at noon", ["a <planted> trend"], [step], verdicts or (NO, UNSURE), "PAPER_ONLY", untested,
        [("ccxt", "4.5")], {"code": "abc123"}, "about 40 more days",
    )  # fmt: skip


def test_both_verdicts_come_first_then_the_next_action_then_what_was_not_tested_then_the_steps() -> None:
    page = render(report())
    marks = ("Read this first", '<div class="both">', "Failed first", "What was not tested", "1. Paper", "Components", "Hashes")
    places = [page.index(text) for text in marks]
    assert places == sorted(places)


def test_every_figure_finding_and_verdict_is_shown() -> None:
    page = render(report())
    for text in ("12.5", "orders sent twice", "fails", "NO GO", "NOT ENOUGH EVIDENCE", "not judged", "made at noon", "abc123", "4.5"):
        assert text in page, text


def test_what_failed_first_leads_with_its_next_action_and_the_others_follow() -> None:
    assert first_failing(report()) == ("operations", SENT_TWICE)
    assert [finding for _, finding in failed(report())] == [SENT_TWICE, TOO_SLOW]
    page = render(report())
    assert "<strong>Next:</strong> stop, and report it" in page
    assert "operations, latency: use a faster machine" in page


def test_without_a_failure_the_first_open_finding_of_a_verdict_that_is_not_go_leads() -> None:
    assert first_failing(report(WELL, UNSURE, judged=WELL)) == ("edge", FEW)
    assert first_failing(report(WELL, WELL, judged=WELL)) is None


def test_a_phone_gets_verdicts_permit_first_finding_action_and_date() -> None:
    assert summary_lines(report()) == [
        "operations: NO_GO",
        "edge: NOT_ENOUGH_EVIDENCE",
        "permit: PAPER_ONLY",
        "first: operations: orders sent twice: 1, allowed 0: FAILS",
        "next: stop, and report it",
        "enough evidence: about 40 more days",
    ]


def test_the_json_holds_everything_but_the_plots_and_one_action_per_failure() -> None:
    body = to_json(report())
    assert body["next_actions"] == [
        ["operations", "orders sent twice", "stop, and report it"], ["operations", "latency", "use a faster machine"],
    ]  # fmt: skip
    assert "plots" not in body["steps"][0]
    assert body["hashes"] == {"code": "abc123"}


def test_text_from_outside_is_escaped() -> None:
    page = render(report())
    assert "&lt;planted&gt;" in page
    assert "<planted>" not in page
    assert "Paper &lt;72 h&gt;" in page


def test_the_page_asks_nothing_of_the_network() -> None:
    page = render(report())
    assert re.findall(r"(?:src|href|url|@import)\s*[=(]?\s*[\"']?https?:", page) == []
    assert "<script" not in page


def test_a_line_of_three_points_spans_the_picture() -> None:
    """From 74 to 712 across, from 176 (least) to 12 (most) down."""
    assert '<polyline points="74.0,176.0 393.0,12.0 712.0,94.0"/>' in plots.line("equity", "USDT", [1, 3, 2], "3 slots")


def test_a_long_line_is_thinned_and_keeps_its_spike() -> None:
    drawn = plots.line("equity", "USDT", [*[5.0] * 50_000, 900.0, *[5.0] * 50_000], "slots")
    points = re.findall(r"[\d.]+,([\d.]+)", drawn.split("polyline")[1])
    assert len(points) <= plots.WIDTH + 4
    assert "12.0" in points


def test_fewer_than_two_points_are_not_drawn_and_a_flat_line_is() -> None:
    assert plots.line("a", "b", [], "") == plots.line("a", "b", [5], "") == ""
    assert "polyline" in plots.line("a", "b", [5, 5, 5], "")


def test_a_drawdown_is_measured_from_the_highest_value_so_far() -> None:
    assert plots.drawdowns([100, 120, 90, 120]) == [0.0, 0.0, -25.0, 0.0]


def test_a_histogram_counts_every_value() -> None:
    drawn = plots.histogram("slippage", "bps", [0.0, 0.0, 24.0])
    assert drawn.count("<rect") == 2
    assert plots.histogram("slippage", "bps", []) == ""
