"""The core's only clocks: whoever needs the time is given one of these, or better the time itself."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time that a session counts."""

    def now_ms(self) -> int:
        """Return the time in epoch ms."""


class WallClock:
    """Tells the machine's time."""

    def now_ms(self) -> int:
        """Return the machine's time in epoch ms."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """Stands still until it is set: a stepped venue's time, or a test's."""

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return the time in epoch ms that was set last."""
        return self._now_ms

    def advance(self, to_ms: int) -> None:
        """Set the time; it never runs backwards."""
        assert to_ms >= self._now_ms, f"a clock runs forwards: {self._now_ms} -> {to_ms}"
        self._now_ms = to_ms


_STEADY = getattr(time, "CLOCK_BOOTTIME", None) or time.CLOCK_MONOTONIC
"""The one that goes on while the machine sleeps, where there is one: a lease does not last longer because nobody looked."""


def monotonic_ms() -> int:
    """Return a time in ms that only grows, through sleep too: for durations and leases, never for a record."""
    return time.clock_gettime_ns(_STEADY) // 1_000_000
