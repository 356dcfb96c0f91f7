"""The breaker of errors: when too many of the last calls about orders failed or proved nothing, no new risk is taken. Pure.

What is counted: submissions, look-ups, cancels, and readings of trades and open orders. Bars that do not come have a flag of their
own. Exits, cancels and look-ups go on. It closes by itself after a quiet time; when it has tripped several times within an hour
only an operator closes it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trader_core.trader import events as ev
from trader_core.venues.port import Outcome

if TYPE_CHECKING:
    from trader_core.trader.run import Run
    from trader_core.trader.state import State

FLAG = "errors"
FAILED = frozenset({Outcome.UNKNOWN, Outcome.RETRYABLE_READ, Outcome.RATE, Outcome.AUTH, Outcome.CLOCK})
_PPM = 1_000_000


@dataclass(slots=True)
class Calls:
    """The calls of the last window in the order in which they were answered, and when too many of them had failed for the last time.

    Time never goes back here: what a clock that was set back says is taken for the latest moment known.
    """

    now_ms: int = 0
    held_ms: int = 0
    failed: int = 0
    recent: deque[tuple[int, bool]] = field(default_factory=deque)

    def take(self, now_ms: int, outcomes: tuple[Outcome, ...], window_ms: int) -> None:
        """Count what was answered now, and forget what has left the window."""
        self.now_ms = max(self.now_ms, now_ms)
        for outcome in outcomes:
            self.recent.append((self.now_ms, outcome in FAILED))
            self.failed += outcome in FAILED
        while self.recent and self.recent[0][0] <= self.now_ms - window_ms:
            self.failed -= self.recent.popleft()[1]

    def above(self, share_ppm: int, calls_min: int = 1) -> bool:
        """Return whether there are so many calls, and more than this share of them failed."""
        return len(self.recent) >= calls_min and self.failed * _PPM > share_ppm * len(self.recent)


def follow(run: "Run", event: ev.Event) -> None:
    """Count the calls of which an event tells, and let the breaker trip or close; runs after each event was handled."""
    if isinstance(event, ev.Slot | ev.Spooled):
        return
    state, bounds = run.state, run.state.protocol
    calls = state.calls
    calls.take(event.now_ms, _outcomes(event), bounds.errors_window_ms)
    share = bounds.errors_share_ppm
    if calls.above(share, bounds.errors_calls_min):
        calls.held_ms = calls.now_ms
        why = f"{calls.failed} of the last {len(calls.recent)} calls about orders failed or proved nothing"
        run.flag(FLAG, why, event.now_ms, on=True)
    elif FLAG in state.flags and not latched(state) and calls.now_ms >= calls.held_ms + bounds.errors_quiet_ms and not calls.above(share):
        run.flag(FLAG, "calls are answered again", event.now_ms, on=False)


def latched(state: "State") -> bool:
    """Return whether only an operator closes the breaker: it has tripped as often as is allowed, within the time for it."""
    trips, bounds = state.error_trips, state.protocol
    return FLAG in state.flags and len(trips) == bounds.errors_trips_max and trips[-1] - trips[0] <= bounds.errors_latch_ms


def begin(state: "State", now_ms: int) -> None:
    """Count anew: after a restart, and when an operator has looked."""
    state.calls = Calls(now_ms, now_ms)


def _outcomes(event: ev.Event) -> tuple[Outcome, ...]:
    """Return what the calls proved of which an event tells; what our own gate held back was no call."""
    if isinstance(event, ev.Answered):
        return () if event.reply.outcome is Outcome.GATED else (event.reply.outcome,)
    if isinstance(event, ev.Looked):
        return (event.reply.outcome,) if event.cancel is None else (event.cancel, event.reply.outcome)
    if isinstance(event, ev.TradesSeen):
        return (event.reply.outcome,)
    return (event.open_orders.outcome, event.trades.outcome) if isinstance(event, ev.AbsenceEvidence) else ()
