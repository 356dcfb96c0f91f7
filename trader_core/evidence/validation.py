"""Validation: what 72 hours of paper beside dry-run must show before the first order with money. Three-valued, every finding named. Pure.

The thresholds are defaults by judgement unless a source is named; they are hashed and registered before a run starts, so
that nobody can fit them to what came out. Profit is no criterion: 72 hours cannot prove an edge.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import Enum

from trader_core.evidence.statistics import upper_bound
from trader_core.evidence.verdict import Finding, Judgement, Verdict

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is allowed. Rates count parts per million, times milliseconds."""

    hours_min: int = 72
    instruments_min: int = 10
    bars_min_ppm: int = 950_000
    """Share of the expected bars that each instrument must have had."""
    gaps_max_ppm: int = 1_000
    uptime_min_ppm: int = 995_000
    outage_max_ms: int = 600_000
    unknown_max_ms: int = 60_000
    """The longest time that an order may have been of unknown fate."""
    order_tests_min: int = 30
    """Order tests that the venue answered: half of the orders that bound the reject rate are the dry run's."""
    rejects_max_ppm: int = 10_000
    rejects_bound_ppm: int = 50_000
    """Upper 95 % bound of the reject rate: 59 orders without a reject bound it so (Clopper & Pearson 1934)."""
    api_errors_max_ppm: int = 5_000
    skew_max_ms: int = 1_000
    ack_p50_max_ms: int = 500
    ack_p95_max_ms: int = 1_500
    ack_p99_max_ms: int = 3_000
    decision_p99_max_ms: int = 3_000
    """5 % of a one-minute bar."""
    feed_p99_max_ppm: int = 2_000_000
    """How old a slot's bars may be when they come, as a share of a bar's length."""

    def digest(self) -> str:
        """Return the SHA-256, in hex, of the thresholds' canonical JSON."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Measured:
    """What was counted; None: it was not measured. Sums run over both sessions unless a name says otherwise."""

    hours: float
    instruments: int
    bars_worst_ppm: int
    gaps_ppm: int
    uptime_ppm: int | None
    outage_ms: int | None
    slots_missing: int
    slots_twice: int
    unresolved: int
    unknown_ms: int | None
    signals_without_outcome: int
    orders_twice: int
    differences: int
    anomalies: int
    chain_verifies: bool
    fold_equals: bool
    orders: int
    rejects: int
    order_tests: int | None
    order_tests_rejected: int | None
    api_calls: int | None
    api_errors: int | None
    skew_ms: int | None
    ack_p50_ms: int | None
    ack_p95_ms: int | None
    ack_p99_ms: int | None
    decision_p99_ms: int | None
    feed_p99_ppm: int | None
    compared: int
    bars_differ: int
    decisions_differ: int
    first_difference: str
    restart_drill: bool | None
    kill_drill: bool | None
    orders_after_kill: int
    thresholds_registered: bool
    attempts: int


class Weight(Enum):
    """What a finding that does not hold means."""

    HARD = "hard"
    LACK = "lack"
    """More of it would help: not enough evidence."""
    NOTED = "noted"


NOT_TESTED = (
    ("mute-feed drill", "a feed that falls silent is noticed in time"),
    ("replay parity", "the recorded bars through the backtest give the same decisions"),
)
"""What comes with later versions: listed, so that nobody takes silence for a pass."""

Weighed = tuple[Finding, Weight]


def judge_validation(thresholds: Thresholds, measured: Measured) -> Judgement:
    """Return NO_GO when a hard criterion fails, NOT_ENOUGH_EVIDENCE when there is too little of something, else GO."""
    found = [*_extent(thresholds, measured), *_machine(thresholds, measured), *_orders(thresholds, measured), *_drills(measured)]
    stops = [finding for finding, weight in found if finding.holds is False and weight is Weight.HARD]
    findings = [*stops, *(finding for finding, _ in found if finding not in stops)]
    findings += [Finding(name, f"not tested: {what}", "comes with a later version", holds=None) for name, what in NOT_TESTED]
    failed = {weight for finding, weight in found if finding.holds is False}
    unjudged = {weight for finding, weight in found if finding.holds is None}
    verdict = Verdict.GO
    if Weight.HARD in failed:
        verdict = Verdict.NO_GO
    elif Weight.LACK in failed | unjudged or Weight.HARD in unjudged:
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
    return Judgement("validation", verdict, tuple(findings))


def _extent(limits: Thresholds, seen: Measured) -> list[Weighed]:
    longer = f"validate again over {limits.hours_min} hours"
    return [
        (_least("hours", round(seen.hours, 2), limits.hours_min, longer), Weight.LACK),
        (_least("instruments", seen.instruments, limits.instruments_min, "add instruments to the plan"), Weight.LACK),
        (Finding("thresholds registered before the start", _yes(seen.thresholds_registered), "yes", seen.thresholds_registered,
                 "start a new validation: these figures were seen before the thresholds"), Weight.HARD),
        (Finding("attempts of this recipe", str(seen.attempts), "counted, not limited", holds=True), Weight.NOTED),
    ]  # fmt: skip


def _machine(limits: Thresholds, seen: Measured) -> list[Weighed]:
    read = "read the trader's log, and report it"
    hard = [
        _least("share of expected bars, worst instrument (ppm)", seen.bars_worst_ppm, limits.bars_min_ppm, "see whose data is thin"),
        _most("missing bars (ppm)", seen.gaps_ppm, limits.gaps_max_ppm, "run `gatehouse check`, repair, and validate again"),
        _least("uptime (ppm)", seen.uptime_ppm, limits.uptime_min_ppm, "find out what stopped the trader, then validate again"),
        _most("longest outage (ms)", seen.outage_ms, limits.outage_max_ms, "find out what stopped the trader, then validate again"),
        _most("slots missing", seen.slots_missing, 0, read),
        _most("slots stepped twice", seen.slots_twice, 0, read),
        _most("signals without an outcome", seen.signals_without_outcome, 0, read),
        _most("anomalies", seen.anomalies, 0, "`gatehouse session show` names them"),
        Finding("hash chains of the journals", "verify" if seen.chain_verifies else "are broken", "verify", seen.chain_verifies,
                "stop, and compare with a backup and the anchors"),
        Finding("folding the journals", "gives the running state" if seen.fold_equals else "gives another state", "gives the running state",
                seen.fold_equals, "report it: the machine is not what its journal says"),
        _most("clock skew (ms)", seen.skew_ms, limits.skew_max_ms, "set the machine's clock by NTP"),
        _most("decision latency p99 (ms)", seen.decision_p99_ms, limits.decision_p99_max_ms, "use a faster machine, or fewer instruments"),
        _most("age of arriving bars p99 (ppm of a bar)", seen.feed_p99_ppm, limits.feed_p99_max_ppm, "look at the network and the venue"),
    ]  # fmt: skip
    return [(finding, Weight.HARD) for finding in hard]


def _orders(limits: Thresholds, seen: Measured) -> list[Weighed]:
    rate = seen.rejects * PPM // seen.orders if seen.orders else 0
    bound = round(upper_bound(seen.rejects, seen.orders) * PPM)
    errors = None if seen.api_calls is None or seen.api_errors is None else seen.api_errors * PPM // max(seen.api_calls, 1)
    hard = [
        _most("unresolved orders at the end", seen.unresolved, 0, "look at the venue, then at `gatehouse session show`"),
        _most("longest UNKNOWN (ms)", seen.unknown_ms, limits.unknown_max_ms, "look at the venue's availability"),
        _most("orders sent twice", seen.orders_twice, 0, "stop, and report it"),
        _most("differences between books", seen.differences, 0, "stop, and compare with the venue"),
        _most("rejected orders (ppm)", rate, limits.rejects_max_ppm, "see why: minimum, tick, or balance"),
        _most("order tests that the venue refused", seen.order_tests_rejected, 0, "`gatehouse venue check` says what it refuses"),
        _most("API errors (ppm)", errors, limits.api_errors_max_ppm, "look at the connection, then validate again"),
        _most("acknowledgement p50 (ms)", seen.ack_p50_ms, limits.ack_p50_max_ms, "move closer to the venue"),
        _most("acknowledgement p95 (ms)", seen.ack_p95_ms, limits.ack_p95_max_ms, "move closer to the venue"),
        _most("acknowledgement p99 (ms)", seen.ack_p99_ms, limits.ack_p99_max_ms, "move closer to the venue"),
        _most("bars that differ between paper and dry-run", seen.bars_differ, 0, "the two saw different data: validate again"),
        _same_decisions(seen),
    ]  # fmt: skip
    more = "validate longer, or with more instruments: 59 clean orders bound the rate by 5 %"
    return [(finding, Weight.HARD) for finding in hard] + [
        (_most("upper 95 % bound of the reject rate (ppm)", bound, limits.rejects_bound_ppm, more), Weight.LACK),
        (_least("order tests that the venue answered", seen.order_tests, limits.order_tests_min, more), Weight.LACK),
    ]


def _same_decisions(seen: Measured) -> Finding:
    told = f"{seen.decisions_differ} of {seen.compared}" + (f": {seen.first_difference}" if seen.first_difference else "")
    holds = seen.decisions_differ == 0 if seen.compared else None
    todo = "report it: equal bars must give equal decisions"
    return Finding("decisions that differ between paper and dry-run", told, "0", holds, todo)


def _drills(seen: Measured) -> list[Weighed]:
    again = "validate again: the drill is part of it"
    return [
        (Finding("restart drill", _done(seen.restart_drill), "done, and gone on after it", seen.restart_drill, again), Weight.HARD),
        (Finding("kill drill", _done(seen.kill_drill), "done, and resumed", seen.kill_drill, again), Weight.HARD),
        (_most("orders after the kill", seen.orders_after_kill, 0, "stop, and report it"), Weight.HARD),
    ]


def _most(name: str, value: float | None, allowed: int, todo: str) -> Finding:
    return Finding(
        name, "not measured" if value is None else str(value), f"at most {allowed}", None if value is None else value <= allowed, todo
    )


def _least(name: str, value: float | None, allowed: int, todo: str) -> Finding:
    return Finding(
        name, "not measured" if value is None else str(value), f"at least {allowed}", None if value is None else value >= allowed, todo
    )


def _yes(yes: bool) -> str:  # noqa: FBT001 - a word for a bool
    return "yes" if yes else "no"


def _done(holds: bool | None) -> str:  # noqa: FBT001 - a word for a bool
    return {True: "done", False: "failed", None: "not done"}[holds]
