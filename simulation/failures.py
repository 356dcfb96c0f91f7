"""The checker's own breaker of errors: which calls about orders failed, when that lets nothing new in, and when it does again."""

from typing import Any

from trader_core.trader import events as ev

WINDOW_MS, QUIET_MS, HOUR_MS = 60_000, 120_000, 3_600_000
CALLS_MIN, TRIPS_MAX = 10, 3
BAD = frozenset({"UNKNOWN", "RETRYABLE_READ", "RATE", "AUTH", "CLOCK"})


class Failures:
    """What one process was told in its life, and when the breaker tripped in all lives before it."""

    def __init__(self) -> None:
        """Know of nothing."""
        self.calls: list[tuple[int, bool]] = []
        self.now_ms = self.over_ms = 0
        self.trips: list[int] = []
        self.open = self.before = False
        """Whether it stands open by the records, and before this step."""

    def flag(self, body: dict[str, Any]) -> None:
        """Take a record of the flag."""
        self.open = bool(body["on"])
        self.trips += [body["at_ms"]] if self.open else []

    def begin(self, at_ms: int, *, closed: bool = False) -> None:
        """Count from here on: a process began, or an operator closed the breaker and let the session go on."""
        self.calls, self.now_ms, self.over_ms = [], at_ms, at_ms
        self.before = self.before and not closed

    def expected(self, event: ev.Event) -> bool:
        """Count what an event tells, and return whether the breaker must be open after it."""
        if isinstance(event, ev.Slot | ev.Spooled):
            return self.open
        self.now_ms = max(self.now_ms, event.now_ms)
        self.calls += [(self.now_ms, outcome in BAD) for outcome in _said(event)]
        if self.calls and self.now_ms - self.calls[0][0] >= WINDOW_MS:
            self.calls = [call for call in self.calls if self.now_ms - call[0] < WINDOW_MS]
        bad = len([1 for _, failed in self.calls if failed])
        most = 2 * bad > len(self.calls)
        if most and len(self.calls) >= CALLS_MIN:
            self.over_ms = self.now_ms
            return True
        often = len(self.trips) >= TRIPS_MAX and self.trips[-1] - self.trips[-TRIPS_MAX] <= HOUR_MS
        return self.before and (often or most or self.now_ms - self.over_ms < QUIET_MS)


def _said(event: ev.Event) -> list[str]:
    """Return what each call proved of which an event tells."""
    if isinstance(event, ev.AbsenceEvidence):
        return [str(event.open_orders.outcome), str(event.trades.outcome)]
    if isinstance(event, ev.Looked) and event.cancel is not None:
        return [str(event.cancel), str(event.reply.outcome)]
    if isinstance(event, ev.Answered | ev.Looked | ev.TradesSeen):
        return [said for said in (str(event.reply.outcome),) if said != "GATED"]
    return []
