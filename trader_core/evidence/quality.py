"""Data quality: one table of rules for the batch gate and for each arriving bar. Pure.

A finding names its rule, what was measured and allowed, where it was seen, and which instruments depend on it. Thresholds
were chosen on real candles with known defects (docs/data-quality.md): real crashes warn, wicks and jumps that no market makes block.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.bar import Bars

PPM = 1_000_000
SCALE = 1.4826
"""Times the median absolute deviation estimates a Gaussian's standard deviation (Hampel 1974)."""
SCALE_FLOOR = 0.0005
Mask = NDArray[np.bool_]


class Severity(StrEnum):
    """What a rule that does not hold means."""

    BLOCK = "block"
    """Nothing new may rest on the instrument's data."""
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it allows, in which unit; `todo` is what a person does when it does not hold."""

    name: str
    severity: Severity
    limit: int
    unit: str
    meaning: str
    todo: str


REFETCH, LOOK = "fetch the bars again: `gatehouse check --repair`", "look at the bars; take the instrument out, or unblock it with a reason"
RULES = {rule.name: rule for rule in (
    Rule("missing", Severity.BLOCK, 1_000, "ppm of the slots", "bars that the grid expects from first to last", REFETCH),
    Rule("gaps", Severity.WARN, 0, "gaps", "stretches of missing bars", "no decision is made across a gap; fetch again to be sure"),
    Rule("off_grid", Severity.BLOCK, 0, "bars", "times that are no multiple of the timeframe", REFETCH),
    Rule("order", Severity.BLOCK, 0, "bars", "times that do not ascend, duplicates among them", REFETCH),
    Rule("ohlc", Severity.BLOCK, 0, "bars", "prices that contradict each other, or are not positive; negative volumes", REFETCH),
    Rule("future", Severity.BLOCK, 0, "bars", "bars that close after now", "set the clock; fetch again"),
    Rule("stale", Severity.BLOCK, 5, "slots", "age of the newest bar", "see whether the exchange answers; collect again"),
    Rule("silent_share", Severity.BLOCK, 200_000, "ppm of the bars", "bars without volume", LOOK),
    Rule("silent_run", Severity.BLOCK, 240, "bars", "longest stretch without volume", LOOK),
    Rule("silent", Severity.WARN, 0, "bars", "bars without volume", "thin trading: expect worse fills"),
    Rule("wick", Severity.BLOCK, 150_000, "ppm of the price", "wicks this long that are also beyond 100 deviations", LOOK),
    Rule("jump", Severity.BLOCK, 600_000, "ppm (logarithm)", "closes this far from the close before", LOOK),
    Rule("spike", Severity.WARN, 30, "deviations", "closes and wicks beyond this and beyond 3 %", "a crash is real: look once"),
)}  # fmt: skip
WICK_DEVIATIONS, SPIKE_MIN = 100.0, 0.03
ARRIVING = ("ohlc", "future", "jump", "wick")
"""The rules that one bar alone, or with the window before it, can break."""


def digest(rules: dict[str, Rule] = RULES) -> str:
    """Return the SHA-256, in hex, of the table: which rules judged."""
    return hashlib.sha256(json.dumps([asdict(rule) for rule in rules.values()], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One rule on one instrument: how often it was broken, where first and last (epoch ms; 0: nowhere), and what depends on it."""

    rule: str
    severity: Severity
    symbol: str
    holds: bool
    measured: str
    allowed: str
    count: int
    first_ms: int
    last_ms: int
    blocks: tuple[str, ...]

    def plain(self) -> Finding:
        """Return it as a gate's finding."""
        where = f" at {self.first_ms}" if self.first_ms and not self.holds else ""
        name = f"{self.symbol}: {self.rule}" + ("" if self.severity is Severity.BLOCK else " (warning)")
        return Finding(name, self.measured + where, self.allowed, self.holds, RULES[self.rule].todo if self.rule in RULES else "")


def check(symbol: str, bars: Bars, interval: tuple[int, int], step_ms: int, now_ms: int) -> list[QualityFinding]:
    """Return what every rule says of one instrument's bars [T] inside [from, to), as they are stored: any order, any duplicate."""
    ts = bars["ts"].astype(np.int64)
    if not len(bars):
        return [_finding("missing", symbol, PPM, PPM, interval[0], interval[1] - step_ms, "no bar at all")]
    found = [*_times(symbol, ts, interval, step_ms, now_ms), *_silence(symbol, bars)]
    wrong = contradicts(bars)
    found.append(_counted("ohlc", symbol, ts, wrong))
    sane = bars[~wrong]
    if len(sane) > 1:
        found += _moves(symbol, sane[np.argsort(sane["ts"], kind="stable")])
    return found


def judge(findings: Sequence[QualityFinding]) -> Judgement:
    """Return NO_GO when a blocking rule is broken, NOT_ENOUGH_EVIDENCE without any finding, else GO; warnings stay visible."""
    blocking = [one for one in findings if one.severity is Severity.BLOCK]
    verdict = Verdict.NOT_ENOUGH_EVIDENCE if not findings else Verdict.NO_GO if not all(one.holds for one in blocking) else Verdict.GO
    wrong = sorted((one for one in findings if not one.holds), key=lambda one: one.severity is Severity.WARN)
    return Judgement("data quality", verdict, (*(one.plain() for one in wrong), *_together([one for one in findings if one.holds])))


def _together(holding: Sequence[QualityFinding]) -> list[Finding]:
    """Return one finding per rule for the instruments on which it holds."""
    found: dict[str, list[QualityFinding]] = {}
    for one in holding:
        found.setdefault(one.rule, []).append(one)
    return [Finding(rule, f"holds on {len(ones)}: {', '.join(one.symbol for one in ones)}"[:300], ones[0].allowed, holds=True)
            for rule, ones in found.items()]  # fmt: skip


def blocked(findings: Sequence[QualityFinding]) -> dict[str, str]:
    """Return each instrument that a broken blocking rule stops, with the first reason."""
    found: dict[str, str] = {}
    for one in findings:
        if not one.holds and one.severity is Severity.BLOCK:
            for symbol in one.blocks:
                found.setdefault(symbol, f"{one.rule}: {one.measured}, allowed {one.allowed}")
    return found


def contradicts(bars: Bars) -> Mask:
    """Return which bars have prices that contradict each other, are not positive, or a negative volume."""
    open_, high, low, close = (bars[name] for name in ("open", "high", "low", "close"))
    wrong: Mask = (
        (np.minimum.reduce([open_, high, low, close]) <= 0) | (high < np.maximum.reduce([open_, low, close]))
        | (low > np.minimum(open_, close)) | (bars["volume"] < 0)
    )  # fmt: skip
    return wrong


def arriving_fault(window: Bars, bar: Bars, step_ms: int, now_ms: int) -> str:
    """Return what is wrong with an arriving bar (shape [1]) behind the window of bars before it, or an empty text.

    The window may hold missing slots (close 0); without a valid bar in it only the bar itself is judged. Uses the same rules.
    """
    if bool(contradicts(bar)[0]):
        return "ohlc: its prices contradict each other"
    if int(bar["ts"][0]) + step_ms > now_ms:
        return "future: it closes after now"
    before = window[window["close"] > 0]
    if len(before) < 2:  # noqa: PLR2004 - no spread without two
        return ""
    close, last = float(bar["close"][0]), float(before["close"][-1])
    jump = abs(np.log(close / last))
    if jump * PPM > RULES["jump"].limit:
        return f"jump: {jump * 100:.1f} % from the close before"
    wick = float(wicks_of(bar)[0])
    if wick * PPM > RULES["wick"].limit and wick > WICK_DEVIATIONS * deviation(before["close"].astype(np.float64)):
        return f"wick: {wick * 100:.1f} % of the price"
    return ""


def deviation(closes: NDArray[np.float64]) -> float:
    """Return the robust standard deviation of the logarithmic returns that are not zero, at least 0.05 %."""
    moves = np.diff(np.log(closes))
    moving = np.abs(moves[moves != 0])
    return max(float(np.median(moving)) * SCALE if moving.size else 0.0, SCALE_FLOOR)


def wicks_of(bars: Bars) -> NDArray[np.float64]:
    """Return how far each bar's longer wick reaches beyond its body, as a share of the price."""
    open_, high, low, close = (bars[name].astype(np.float64) for name in ("open", "high", "low", "close"))
    longer: NDArray[np.float64] = np.maximum(high / np.maximum(open_, close) - 1, 1 - low / np.minimum(open_, close))
    return longer


def _times(symbol: str, ts: NDArray[np.int64], interval: tuple[int, int], step_ms: int, now_ms: int) -> list[QualityFinding]:
    first, end = interval[0], min(interval[1], now_ms - now_ms % step_ms)
    there = np.unique(ts[(ts % step_ms == 0) & (ts >= first) & (ts < end)])
    slots = max((end - first) // step_ms, 1)
    missing = slots - len(there)
    share = missing * PPM // slots
    edges = np.concatenate([[first - step_ms], there, [end]])
    holes = np.flatnonzero(np.diff(edges) > step_ms)
    begin, stop = (int(edges[holes[0]]) + step_ms, int(edges[holes[-1] + 1]) - step_ms) if holes.size else (0, 0)
    longest = int(np.diff(edges).max()) // step_ms - 1
    late = max(end - (int(ts.max()) + step_ms), 0) // step_ms
    return [
        _finding("missing", symbol, share, missing, begin, stop, f"{missing} of {slots} bars, {share} ppm"),
        _finding("gaps", symbol, len(holes), len(holes), begin, stop, f"{len(holes)} gaps, the longest {longest} bars"),
        _counted("off_grid", symbol, ts, ts % step_ms != 0),
        _counted("order", symbol, ts, np.diff(ts, prepend=ts[:1] - 1) <= 0),
        _counted("future", symbol, ts, ts + step_ms > now_ms),
        _finding("stale", symbol, late, late, int(ts.max()), int(ts.max()), f"{late} slots behind"),
    ]  # fmt: skip


def _silence(symbol: str, bars: Bars) -> list[QualityFinding]:
    silent, ts = bars["volume"] == 0, bars["ts"]
    runs = np.diff(np.flatnonzero(np.concatenate([[True], ~silent, [True]]))) - 1
    longest = int(runs.max())
    at = int(np.flatnonzero(np.concatenate([[True], ~silent, [True]]))[int(runs.argmax())])
    where = int(ts[min(at, len(ts) - 1)]) if longest else 0
    count, share = int(silent.sum()), int(silent.sum()) * PPM // len(bars)
    return [
        _finding("silent_share", symbol, share, count, where, where, f"{count} of {len(bars)} bars, {share} ppm"),
        _finding("silent_run", symbol, longest, longest, where, where, f"{longest} bars in a row"),
        _counted("silent", symbol, ts, silent),
    ]


def _moves(symbol: str, bars: Bars) -> list[QualityFinding]:
    ts, closes, wicks = bars["ts"], bars["close"].astype(np.float64), wicks_of(bars)
    scale = deviation(closes)
    moves = np.abs(np.diff(np.log(closes), prepend=np.log(closes[0])))
    largest = np.maximum(moves, wicks)
    long_wicks = (wicks * PPM > RULES["wick"].limit) & (wicks > WICK_DEVIATIONS * scale)
    return [
        _seen("wick", symbol, ts, long_wicks, f"the longest {wicks.max() * 100:.1f} %, {wicks.max() / scale:.0f} deviations"),
        _seen("jump", symbol, ts, moves * PPM > RULES["jump"].limit, f"the largest {moves.max() * 100:.1f} % (logarithm)"),
        _seen("spike", symbol, ts, (largest > RULES["spike"].limit * scale) & (largest > SPIKE_MIN),
              f"the largest {largest.max() * 100:.1f} %, {largest.max() / scale:.0f} deviations"),
    ]  # fmt: skip


def _seen(name: str, symbol: str, ts: NDArray[np.int64], mask: Mask, said: str) -> QualityFinding:
    rows = np.flatnonzero(mask)
    first, last = (int(ts[rows[0]]), int(ts[rows[-1]])) if rows.size else (0, 0)
    return _made(name, symbol, holds=rows.size == 0, said=f"{rows.size} bars; {said}", count=rows.size, where=(first, last))


def _counted(name: str, symbol: str, ts: NDArray[np.int64], mask: Mask) -> QualityFinding:
    rows = np.flatnonzero(mask)
    first, last = (int(ts[rows[0]]), int(ts[rows[-1]])) if rows.size else (0, 0)
    return _finding(name, symbol, int(rows.size), int(rows.size), first, last, f"{rows.size} bars")


def _finding(name: str, symbol: str, value: int, count: int, first: int, last: int, said: str) -> QualityFinding:
    return _made(name, symbol, holds=value <= RULES[name].limit, said=said, count=count, where=(first, last))


def _made(name: str, symbol: str, *, holds: bool, said: str, count: int, where: tuple[int, int]) -> QualityFinding:
    rule = RULES[name]
    blocks = (symbol,) if rule.severity is Severity.BLOCK and not holds else ()
    return QualityFinding(name, rule.severity, symbol, holds, said, f"at most {rule.limit} {rule.unit}", int(count), *where, blocks)
