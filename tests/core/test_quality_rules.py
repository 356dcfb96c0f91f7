"""Every data rule on bars that one can check by hand: what it sees, where, how often, and whether it blocks."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.builders import START_MS, STEP_MS, bars
from trader_core.evidence.quality import QualityFinding, Severity, arriving_fault, blocked, check, judge
from trader_core.evidence.verdict import Verdict
from trader_core.model.bar import Bars

SLOTS = 20
END_MS = START_MS + SLOTS * STEP_MS
CALM = "100 100.1 " * (SLOTS // 2)
"""Closes 0.1 % apart: the robust deviation is 1.4826 times that, about 0.148 %."""


def checked(found: Bars, now_ms: int = END_MS) -> dict[str, QualityFinding]:
    return {one.rule: one for one in check("BTC/USDT", found, (START_MS, END_MS), STEP_MS, now_ms)}


def broken(found: Bars, now_ms: int = END_MS) -> set[str]:
    return {name for name, one in checked(found, now_ms).items() if not one.holds}


def changed(change: Callable[[Bars], None]) -> Bars:
    found = bars(CALM)
    change(found)
    return found


def put(at: int | slice, **values: int) -> Callable[[Bars], None]:
    def change(found: Bars) -> None:
        for name, value in values.items():
            found[name][at] = value

    return change


def test_calm_bars_that_are_all_there_break_no_rule_and_pass() -> None:
    found = check("BTC/USDT", bars(CALM), (START_MS, END_MS), STEP_MS, END_MS)
    assert [one.rule for one in found if not one.holds] == []
    assert judge(found).verdict is Verdict.GO
    assert blocked(found) == {}


def test_no_finding_at_all_is_no_pass() -> None:
    assert judge([]).verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_no_bar_at_all_is_everything_missing() -> None:
    found = check("BTC/USDT", bars(CALM)[:0], (START_MS, END_MS), STEP_MS, END_MS)
    assert [(one.rule, one.count, one.blocks) for one in found] == [("missing", 1_000_000, ("BTC/USDT",))]
    assert judge(found).verdict is Verdict.NO_GO


def test_two_bars_missing_in_the_middle_are_one_gap_named_by_its_ends() -> None:
    found = checked(np.delete(bars(CALM), [7, 8]))
    assert (found["missing"].measured, found["missing"].count) == ("2 of 20 bars, 100000 ppm", 2)
    assert (found["missing"].first_ms, found["missing"].last_ms) == (START_MS + 7 * STEP_MS, START_MS + 8 * STEP_MS)
    assert found["gaps"].measured == "1 gaps, the longest 2 bars"
    assert found["gaps"].severity is Severity.WARN


@pytest.mark.parametrize(("rows", "gap"), [(slice(1, None), 0), (slice(None, -1), SLOTS - 1)], ids=["first", "last"])
def test_a_first_or_a_last_bar_that_is_missing_is_seen(rows: slice, gap: int) -> None:
    found = checked(bars(CALM)[rows])
    assert (found["missing"].count, found["missing"].first_ms, found["missing"].holds) == (1, START_MS + gap * STEP_MS, False)


def test_bars_that_have_not_closed_yet_are_not_expected() -> None:
    assert broken(bars(CALM)[:10], now_ms=START_MS + 10 * STEP_MS) == set()


def test_five_slots_of_age_are_allowed_and_six_are_stale() -> None:
    assert "stale" not in broken(bars(CALM)[:-5])
    found = checked(bars(CALM)[:-6])
    assert (found["stale"].measured, found["stale"].holds) == ("6 slots behind", False)


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (put(5, ts=START_MS + 5 * STEP_MS + 1), {"off_grid", "missing", "gaps"}),
        (put(5, ts=START_MS + 4 * STEP_MS), {"order", "missing", "gaps"}),
        (put(5, high=9_999), {"ohlc"}),
        (put(5, low=10_011), {"ohlc"}),
        (put(5, open=0, low=0), {"ohlc"}),
        (put(5, volume=-1), {"ohlc"}),
        (put(5, volume=0), {"silent"}),
        (put(5, close=10_600, high=10_600), {"spike"}),
        (put(5, high=12_500), {"wick", "spike"}),
        (put(5, low=7_500), {"wick", "spike"}),
    ],
    ids=["off the grid", "twice", "high too low", "low too high", "zero", "negative volume", "no volume", "6 %", "wick up", "wick down"],
)  # fmt: skip
def test_a_planted_defect_breaks_its_rules_and_no_other(change: Callable[[Bars], None], rules: set[str]) -> None:
    assert broken(changed(change)) - {"spike"} == rules - {"spike"}
    if "spike" in rules:
        assert checked(changed(change))["spike"].holds is False


def test_two_bars_that_changed_places_are_out_of_order() -> None:
    found = bars(CALM)
    found[[5, 6]] = found[[6, 5]]
    assert broken(found) == {"order"}


def test_a_bar_that_closes_after_now_is_of_the_future() -> None:
    found = checked(bars(CALM), now_ms=END_MS - 1)
    assert (found["future"].count, found["future"].first_ms) == (1, END_MS - STEP_MS)


def test_a_close_twice_the_one_before_is_a_jump_and_blocks() -> None:
    found = checked(bars("100 100.1 " * 5 + "200 200.2 " * 5))
    assert found["jump"].measured == "1 bars; the largest 69.2 % (logarithm)"
    assert (found["jump"].first_ms, found["jump"].blocks) == (START_MS + 10 * STEP_MS, ("BTC/USDT",))


def test_a_fifth_of_silent_bars_is_allowed_and_more_is_not() -> None:
    allowed = changed(put(slice(0, 4), volume=0))
    more = changed(put(slice(0, 5), volume=0))
    assert broken(allowed) == {"silent"}
    assert checked(more)["silent_share"].measured == "5 of 20 bars, 250000 ppm"
    assert broken(more) == {"silent", "silent_share"}


def test_240_silent_bars_in_a_row_are_allowed_and_241_block() -> None:
    long = bars("100 100.1 " * 1_000)
    interval = (START_MS, START_MS + len(long) * STEP_MS)
    for count, holds in ((240, True), (241, False)):
        long["volume"][:] = 1
        long["volume"][500 : 500 + count] = 0
        found = {one.rule: one for one in check("BTC/USDT", long, interval, STEP_MS, interval[1])}
        assert (found["silent_run"].holds, found["silent_run"].measured) == (holds, f"{count} bars in a row")
        assert found["silent_run"].first_ms == START_MS + 500 * STEP_MS


def test_a_rough_market_is_measured_by_its_own_roughness() -> None:
    """Closes 4 % apart: a deviation is 1.4826 * ln(1.04) = 5.8 %, so that nothing there is a spike, nor is a wick of 20 %."""
    rough = bars("100 104 " * (SLOTS // 2))
    rough["high"][5] = 12_480
    assert broken(rough) == set()


def test_only_the_instrument_with_the_bad_bars_is_blocked() -> None:
    good = check("ETH/USDT", bars(CALM), (START_MS, END_MS), STEP_MS, END_MS)
    bad = check("BTC/USDT", changed(put(5, high=9_999)), (START_MS, END_MS), STEP_MS, END_MS)
    assert blocked([*good, *bad]) == {"BTC/USDT": "ohlc: 1 bars, allowed at most 0 bars"}
    judged = judge([*good, *bad])
    assert (judged.verdict, judged.findings[0].name) == (Verdict.NO_GO, "BTC/USDT: ohlc")
    assert judged.findings[0].todo, "it says what to do"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("100.1", ""),
        ("100/99/98/100", "ohlc: its prices contradict each other"),
        ("200", "jump: 69.2 % from the close before"),
        ("100/125/100/100", "wick: 25.0 % of the price"),
    ],
)
def test_an_arriving_bar_is_judged_by_the_same_rules(text: str, why: str) -> None:
    window = bars(CALM)
    assert arriving_fault(window, bars(text, start_ms=END_MS), STEP_MS, END_MS + STEP_MS) == why


def test_an_arriving_bar_that_has_not_closed_is_of_the_future() -> None:
    assert arriving_fault(bars(CALM), bars("100", start_ms=END_MS), STEP_MS, END_MS).startswith("future")


def test_a_window_with_missing_slots_is_measured_by_the_bars_that_it_has() -> None:
    assert arriving_fault(bars("100 - 100.1 -"), bars("100", start_ms=END_MS), STEP_MS, END_MS + STEP_MS) == ""
    assert arriving_fault(bars("- - -"), bars("100", start_ms=END_MS), STEP_MS, END_MS + STEP_MS) == ""
