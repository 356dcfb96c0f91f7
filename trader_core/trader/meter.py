"""What a session's machine is like to the clock: latencies, feed age, unproven orders, errors. Times are arguments; nothing is journaled.

A restart begins a new meter on top of what is stored: counts add up, percentiles and maxima keep the larger value. So a bad
hour is never averaged away by a restart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trader_core.evidence.statistics import percentile
from trader_core.trader.tally import NAMES
from trader_core.venues.port import Outcome

KEPT = 100_000
"""Samples of one kind: more than a month of minutes."""
ERRORS = (Outcome.UNKNOWN, Outcome.RETRYABLE_READ, Outcome.RATE, Outcome.AUTH, Outcome.CLOCK)
COUNTS = ("api_calls", "api_errors", "order_tests", "order_tests_rejected", "order_tests_unproven", "unknown_count", "downtime_ms")


async def kept_nowhere(_values: dict[str, int]) -> None:
    """Let a meter's values go."""


@dataclass(slots=True)
class Meter:
    """Samples and counts of one session in one process; `base` is what was stored before it."""

    base: Mapping[str, int] = field(default_factory=dict)
    decision_ms: list[int] = field(default_factory=list)
    ack_ms: list[int] = field(default_factory=list)
    order_test_ms: list[int] = field(default_factory=list)
    feed_age_ms: list[int] = field(default_factory=list)
    unknown_ms: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    refusals: dict[int, int] = field(default_factory=dict)
    """Refusals of the guard in this process, by model.session.Refusal."""
    outage_ms_max: int = 0
    skew_ms_max: int = 0
    naked_ms_max: int = 0
    """The longest time that something was held without what protects it (`trader.resting.naked_ms`)."""
    tally: Mapping[str, int] = field(default_factory=dict)
    """What came from outside in this process, and what became of it, by the names of trader.tally."""
    _since: dict[str, int] = field(default_factory=dict)

    def decided(self, ms: int) -> None:
        """Count how long a decision took from its bars to its durable intents."""
        self._keep(self.decision_ms, ms)

    def answered(self, outcome: Outcome, ms: int) -> None:
        """Count an order's answer and how long it took."""
        self.asked(outcome)
        self._keep(self.ack_ms, ms)

    def tested(self, outcome: Outcome, ms: int) -> None:
        """Count an order test."""
        self.asked(outcome)
        self._keep(self.order_test_ms, ms)
        self.counts["order_tests"] += 1
        self.counts["order_tests_rejected"] += outcome is Outcome.REJECTED
        self.counts["order_tests_unproven"] += outcome not in {Outcome.OK, Outcome.REJECTED}

    def asked(self, outcome: Outcome) -> None:
        """Count a call to the venue, and whether it failed."""
        self.counts["api_calls"] += 1
        self.counts["api_errors"] += outcome in ERRORS

    def arrived(self, age_ms: int) -> None:
        """Count how old a slot's bars were when they came, in the venue's time."""
        self._keep(self.feed_age_ms, max(age_ms, 0))

    def unproven(self, since_ms: Mapping[str, int], now_ms: int) -> None:
        """Take which orders are of unknown fate now, in the venue's time; one that was and no longer is has lasted so long.

        `since_ms` holds when each was sent: an order that was unknown before a restart is as old after it.
        """
        present = since_ms.keys()
        for cid in present - self._since.keys():
            self._since[cid] = since_ms[cid] or now_ms
            self.counts["unknown_count"] += 1
        for cid in self._since.keys() - present:
            self._keep(self.unknown_ms, now_ms - self._since.pop(cid))

    def refused(self, refusals: Iterable[int]) -> None:
        """Count what the guard refused."""
        for refusal in refusals:
            self.refusals[refusal] = self.refusals.get(refusal, 0) + 1

    def back(self, away_ms: int) -> None:
        """Count a time that the session was away, in the venue's time."""
        self.counts["downtime_ms"] += max(away_ms, 0)
        self.outage_ms_max = max(self.outage_ms_max, away_ms)

    def naked(self, ms: int) -> None:
        """Take for how long something is held without what protects it."""
        self.naked_ms_max = max(self.naked_ms_max, ms)

    def oldest_unproven_ms(self, now_ms: int) -> int:
        """Return how long the oldest order of unknown fate has been so; 0 without one."""
        return now_ms - min(self._since.values(), default=now_ms)

    def values(self, now_ms: int) -> dict[str, int]:
        """Return every statistic by name, on top of what was stored before; an order of unknown fate counts as long as it has been one."""
        found = {name: self.base.get(name, 0) + count for name, count in self.counts.items()}
        found |= {f"messages_{name}": self.base.get(f"messages_{name}", 0) + self.tally.get(name, 0) for name in NAMES}
        samples = {
            "latency_decision_ms": self.decision_ms, "latency_ack_ms": self.ack_ms, "latency_order_test_ms": self.order_test_ms,
            "feed_age_ms": self.feed_age_ms,
        }  # fmt: skip
        for name, taken in samples.items():
            for share in (50, 95, 99):
                value = percentile(taken, share / 100)
                if value is not None or f"{name}_p{share}" in self.base:
                    found[f"{name}_p{share}"] = max(int(value or 0), self.base.get(f"{name}_p{share}", 0))
            found[f"{name}_count"] = self.base.get(f"{name}_count", 0) + len(taken)
        largest = {
            "unknown_ms_max": max([self.oldest_unproven_ms(now_ms), *self.unknown_ms]),
            "outage_ms_max": self.outage_ms_max,
            "skew_ms_max": self.skew_ms_max,
            "naked_ms_max": self.naked_ms_max,
        }
        return found | {name: max(value, self.base.get(name, 0)) for name, value in largest.items()}

    def _keep(self, samples: list[int], ms: int) -> None:
        if len(samples) < KEPT:
            samples.append(ms)
