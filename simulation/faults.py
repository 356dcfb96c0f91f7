"""What can go wrong in a run: the kinds of fault, where each strikes, and the interpreter that carries a plan's faults out.

A plan says *the third time that a request could be lost, it is*, or *whatever is asked between these two moments fails*. The
interpreter counts how often each kind was asked about and how often it struck; it draws nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple


class Fault(StrEnum):
    """One kind of fault."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    GARBAGE_PLACED = "garbage answer, placed"
    GARBAGE_NOT_PLACED = "garbage answer, not placed"
    SLOW_REQUEST = "slow request"
    SLOW_TO_SEND = "slow to send"
    SLOW_ANSWER = "slow answer"
    REFUSED = "refused"
    PARTIAL = "partial fill"
    UNFILLED = "no fill"
    RESTING = "order rests"
    LATE_REPORT = "fill reported after the end"
    LAG = "visible late"
    BLIND = "ended order not found by id"
    QUERY_FAILED = "query failed"
    QUERY_SLOW = "query slow"
    TRADES_TWICE = "trade reported twice"
    TRADES_ANONYMOUS = "trade without client id"
    CANCEL_LOST = "cancel lost"
    STOP_LOST = "stop lost"
    STOP_RACES = "stop sells as it is cancelled"
    BAR_MISSING = "bar missing"
    BARS_LATE = "bars late"
    CLOCK_STEP = "clock steps"
    PERMIT_LOST = "permit lost"
    BLOCKED = "instrument blocked"
    PAUSED = "process paused"
    PAUSED_SENDING = "process paused before it sends"
    DATABASE_AWAY = "database away"
    DATABASE_LOST = "database lost at a step"
    LOST_BEHIND_ORDER = "database lost behind an order"
    LOST_IN_COMMIT = "database lost in a commit"
    LOCK_LOST = "lock lost"
    HISTORY_CUT = "trades no longer listed"
    STRANGER = "an order of somebody else"
    CRASH = "crash"
    COMMIT_FAILED = "commit failed"
    COMMIT_UNANSWERED = "commit done, answer lost"
    CRASH_AWAY = "crash while the database is away"
    CRASH_AT = "crash at a position"


class Trait(NamedTuple):
    """Where a kind strikes, what its one parameter is called, and between what it is drawn."""

    site: str
    parameter: str = ""
    low: int = 0
    high: int = 0


TIMEOUT = ("ms", 5_000, 15_000)
DOWNTIME = ("down_ms", 200, 40_000)
GONE = ("ms", 500, 400_000)
FOREVER_MS = 10 * GONE[2]
"""Until the calm."""
TRAITS = {
    Fault.REQUEST_LOST: Trait("request", *TIMEOUT),
    Fault.GARBAGE_NOT_PLACED: Trait("request", *TIMEOUT),
    Fault.SLOW_REQUEST: Trait("request", "ms", 1_000, 40_000),
    Fault.SLOW_TO_SEND: Trait("request", "ms", 500, 20_000),
    Fault.ANSWER_LOST: Trait("answer", *TIMEOUT),
    Fault.GARBAGE_PLACED: Trait("answer"),
    Fault.SLOW_ANSWER: Trait("answer", "ms", 1_000, 20_000),
    Fault.REFUSED: Trait("venue"),
    Fault.PARTIAL: Trait("venue", "tenths", 1, 9),
    Fault.UNFILLED: Trait("venue"),
    Fault.RESTING: Trait("venue", "tenths", 1, 9),
    Fault.LATE_REPORT: Trait("venue", "ms", 60_000, 240_000),
    Fault.LAG: Trait("venue", "percent", 1, 100),
    Fault.BLIND: Trait("venue"),
    Fault.QUERY_FAILED: Trait("query"),
    Fault.QUERY_SLOW: Trait("query", "ms", 200, 9_000),
    Fault.TRADES_TWICE: Trait("query"),
    Fault.TRADES_ANONYMOUS: Trait("venue"),
    Fault.CANCEL_LOST: Trait("cancel"),
    Fault.STOP_LOST: Trait("stop"),
    Fault.STOP_RACES: Trait("cancel", "tenths", 1, 10),
    Fault.BAR_MISSING: Trait("feed"),
    Fault.BARS_LATE: Trait("feed", "ms", 1_000, 200_000),
    Fault.CLOCK_STEP: Trait("second", "ms", -7_200_000, 7_200_000),
    Fault.PERMIT_LOST: Trait("second", "ms", 5_000, 200_000),
    Fault.BLOCKED: Trait("second", "ms", 5_000, 200_000),
    Fault.PAUSED: Trait("second", "ms", 500, 60_000),
    Fault.PAUSED_SENDING: Trait("request", "ms", 500, 60_000),
    Fault.DATABASE_AWAY: Trait("second", "ms", 500, 60_000),
    Fault.DATABASE_LOST: Trait("step", *GONE),
    Fault.LOST_BEHIND_ORDER: Trait("request", *GONE),
    Fault.LOST_IN_COMMIT: Trait("commit", *GONE),
    Fault.LOCK_LOST: Trait("second"),
    Fault.HISTORY_CUT: Trait("second"),
    Fault.STRANGER: Trait("second", "percent", 1, 90),
    Fault.CRASH: Trait("effect", *DOWNTIME),
    Fault.COMMIT_FAILED: Trait("commit", *DOWNTIME),
    Fault.COMMIT_UNANSWERED: Trait("commit", *DOWNTIME),
    Fault.CRASH_AWAY: Trait("away", *DOWNTIME),
    Fault.CRASH_AT: Trait("point", *DOWNTIME),
}
LOSSES = frozenset({Fault.DATABASE_LOST, Fault.LOST_BEHIND_ORDER, Fault.LOST_IN_COMMIT})
CRASHES = frozenset({Fault.CRASH, Fault.COMMIT_FAILED, Fault.COMMIT_UNANSWERED, Fault.CRASH_AWAY, Fault.CRASH_AT})


class Strike(NamedTuple):
    """One planned fault: at the nth time that its kind could strike, or each time within a window of the run's ms.

    What strikes at the site `second` could strike once in each second of the run.
    """

    kind: Fault
    nth: int = 0
    value: int = 0
    """The kind's one parameter, as TRAITS names it; 0 where it has none."""
    window: tuple[int, int] | None = None


class Faults:
    """The faults of one run, counted as they happen."""

    def __init__(self, strikes: Iterable[Strike]) -> None:
        """Sort the strikes by kind; `calm` stops them all."""
        self.counts: Counter[Fault] = Counter()
        self.asked: Counter[Fault] = Counter()
        self.struck: set[Strike] = set()
        self.calm = False
        self.elapsed: Callable[[], int] = lambda: 0
        """The run's ms; set by whoever owns its clock."""
        self._nths: dict[Fault, dict[int, Strike]] = {}
        self._windows: dict[Fault, list[Strike]] = {}
        for strike in strikes:
            if strike.window is None:
                self._nths.setdefault(strike.kind, {})[strike.nth] = strike
            else:
                self._windows.setdefault(strike.kind, []).append(strike)
        self._planned = frozenset(self._nths) | frozenset(self._windows)

    def seconds(self) -> list[Strike]:
        """Return the strikes that happen at a time of their own; whoever does them says so with `happened`."""
        found = [strike for kind in self._nths if TRAITS[kind].site == "second" for strike in self._nths[kind].values()]
        return sorted(found, key=lambda strike: (strike.nth, strike.kind))

    def happened(self, strike: Strike) -> None:
        """Count a strike."""
        self.counts[strike.kind] += 1
        self.struck.add(strike)

    def strike(self, kind: Fault) -> int | None:
        """Return the parameter of the fault that strikes now, or None when none does; never one in the calm phase."""
        if self.calm or kind not in self._planned:
            return None
        self.asked[kind] = count = self.asked[kind] + 1
        found = self._nths[kind].get(count) if kind in self._nths else None
        if found is None and kind in self._windows:
            now = self.elapsed()
            found = next((s for s in self._windows[kind] if s.window is not None and s.window[0] <= now < s.window[1]), None)
        if found is None:
            return None
        self.happened(found)
        return found.value

    def hit(self, kind: Fault) -> bool:
        """Return whether this kind strikes now."""
        return self.strike(kind) is not None

    def on(self, kind: Fault) -> bool:
        """Return whether the plan has any fault of this kind."""
        return kind in self._planned
