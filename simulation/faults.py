"""What goes wrong in one run: each kind of fault is on or off, rare or frequent, as the seed says."""

from collections import Counter
from enum import StrEnum
from random import Random

RATES_PERCENT = (2, 10, 30)
RATES_PERCENT_OFTEN = (10, 30, 80)
CRASH_PER_MILLE = (1, 4, 12)


class Fault(StrEnum):
    """One kind of fault."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    GARBAGE_PLACED = "garbage answer, placed"
    GARBAGE_NOT_PLACED = "garbage answer, not placed"
    SLOW_REQUEST = "slow request"
    SLOW_ANSWER = "slow answer"
    REFUSED = "refused"
    PARTIAL = "partial fill"
    UNFILLED = "no fill"
    RESTING = "order rests"
    LATE_REPORT = "fill reported after the end"
    LAG = "visible late"
    QUERY_FAILED = "query failed"
    QUERY_SLOW = "query slow"
    TRADES_TWICE = "trade reported twice"
    TRADES_ANONYMOUS = "trade without client id"
    CANCEL_LOST = "cancel lost"
    COMMIT_FAILED = "commit failed"
    COMMIT_UNANSWERED = "commit done, answer lost"
    CRASH = "crash"
    BAR_MISSING = "bar missing"
    KILL = "kill"
    PAUSE = "pause"
    CANCEL_ALL = "cancel all"
    CLOSE_ALL = "close all"


OFTEN = frozenset({Fault.PARTIAL, Fault.RESTING, Fault.KILL})
CRASHES = frozenset({Fault.CRASH, Fault.COMMIT_FAILED, Fault.COMMIT_UNANSWERED})


class Faults:
    """The faults of one seed, counted as they happen."""

    def __init__(self, seed: int, without: frozenset[Fault] = frozenset()) -> None:
        """Draw which kinds are on, and how often each strikes; `without` switches kinds off."""
        self.random = Random(seed)  # noqa: S311 - chance that can be repeated is the point
        self.counts: Counter[Fault] = Counter()
        self.calm = False
        self._per_mille = {kind: self._draw(kind) for kind in Fault}
        for kind in without:
            self._per_mille[kind] = 0

    def _draw(self, kind: Fault) -> int:
        enabled, level = self.random.random() < (0.8 if kind in OFTEN else 0.5), self.random.randrange(3)
        if not enabled:
            return 0
        if kind in CRASHES:
            return CRASH_PER_MILLE[level]
        return 10 * (RATES_PERCENT_OFTEN if kind in OFTEN else RATES_PERCENT)[level]

    def hit(self, kind: Fault) -> bool:
        """Return whether this kind strikes now; never in the calm phase."""
        if self.calm or self.random.randrange(1_000) >= self._per_mille[kind]:
            return False
        self.counts[kind] += 1
        return True

    def on(self, kind: Fault) -> bool:
        """Return whether this kind may strike in this run."""
        return self._per_mille[kind] > 0

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return self.random.randint(low, high)
