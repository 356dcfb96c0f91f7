"""The report: everything that was given stands in the page, escaped, and nothing is fetched from elsewhere."""

import re

from trader_core.evidence.report import WIDTH, Report, Step, curve, render
from trader_core.evidence.verdict import Finding, Judgement, Verdict

NO = Judgement("operations", Verdict.NO_GO, (Finding("orders sent twice", "1", "0", holds=False),))
UNSURE = Judgement("edge", Verdict.NOT_ENOUGH_EVIDENCE, (Finding("round trips", "3", "at least 30", holds=None),))


def page() -> str:
    step = Step("Paper <72 h>", [("equity", "12.5")], equity=[1, 3, 2], judgements=[NO])
    return render(Report("A road", "made at noon", ["a <planted> trend"], [step], [NO, UNSURE]))


def test_disclosures_come_before_the_verdicts_and_the_verdicts_before_the_steps() -> None:
    places = [page().index(text) for text in ("Read this first", "Verdicts", "1. Paper")]
    assert places == sorted(places)


def test_every_figure_finding_and_verdict_is_shown() -> None:
    for text in ("12.5", "orders sent twice", "<strong>fails</strong>", "NO GO", "NOT ENOUGH EVIDENCE", "not judged", "made at noon"):
        assert text in page(), text


def test_text_from_outside_is_escaped() -> None:
    assert "&lt;planted&gt;" in page()
    assert "<planted>" not in page()
    assert "Paper &lt;72 h&gt;" in page()


def test_the_page_asks_nothing_of_the_network() -> None:
    assert re.findall(r"(?:src|href|url|@import)\s*[=(]?\s*[\"']?https?:", page()) == []
    assert "<script" not in page()


def test_a_curve_of_three_points_spans_the_picture() -> None:
    assert '<polyline points="0.0,155.0 360.0,5.0 720.0,80.0"/>' in curve([1, 3, 2])


def test_a_long_curve_is_thinned_and_keeps_its_last_point() -> None:
    drawn = curve([*range(10_000), 20_000])
    points = re.findall(r"[\d.]+,[\d.]+", drawn)
    assert len(points) <= WIDTH * 2
    assert points[-1] == "720.0,5.0"


def test_a_curve_that_is_empty_or_flat_is_not_drawn() -> None:
    assert curve([]) == curve([5]) == curve([5, 5, 5]) == ""
