"""What is asked again after which outcome, when, and how often at most. Pure: what looks like chance follows from names and counts.

An order itself is never sent again, whatever became of it. What is repeated are questions about it and its cancel, ever more
slowly, never in step with others, and within a session's budget. Where that is spent questions wait; cancels do not.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trader_core.trader import events as ev
from trader_core.venues.port import Outcome

if TYPE_CHECKING:
    from trader_core.trader.state import State


FLOORS_MS = {Outcome.RATE: 2_000, Outcome.AUTH: 8_000, Outcome.CLOCK: 8_000, Outcome.RESTRICTED: 8_000}
"""A question that came to this waits at least so long, before chance takes up to half of it; any other goes by its step alone.

`Retry-After` holds every lane besides, in the limiter, where the venue said it. What becomes of an order is settled in `settling`.
"""

CANCEL_AGAIN_MS = 2_000
"""So long at most until an order that did not end is cancelled again."""
FEED_FIRST_MS, FEED_LONGEST_MS = 1_000, 8_000
"""After bars that could not be had."""
_COSTS: dict[type, int] = {ev.Look: 1, ev.FetchTrades: 1, ev.ProveTrades: 1, ev.ProveAbsence: 2, ev.Examine: 3, ev.CancelOrder: 2}
"""What an effect asks of the venue; a cancel is followed by a look."""
_MINUTE_MS = 60_000
_HALF = 1 << 17


def wait_ms(backoff_ms: Sequence[int], name: str, tries: int, outcome: Outcome, *, canceling: bool = False) -> int:
    """Return how long to wait before asking again, after `tries` askings: between half of the step and all of it."""
    longest = max(backoff_ms[min(tries, len(backoff_ms) - 1)], FLOORS_MS.get(outcome, 0))
    return _jittered(min(longest, CANCEL_AGAIN_MS) if canceling else longest, name, tries)


def feed_wait_ms(name: str, failures: int) -> int:
    """Return how long to wait before asking for bars again, after so many failures in a row."""
    return _jittered(min(FEED_FIRST_MS << min(failures, 10), FEED_LONGEST_MS), name, failures)


def _jittered(longest_ms: int, name: str, tries: int) -> int:
    share = int.from_bytes(hashlib.sha256(f"{name} {tries}".encode()).digest()[:2], "big")
    return longest_ms // 2 + longest_ms * share // _HALF


@dataclass(slots=True)
class Budget:
    """How much may be asked of the venue: a bucket that fills with the venue's time. One call holds a minute's worth of ms.

    Time never goes back here. A restart begins with a full one.
    """

    now_ms: int = 0
    held: int = 0

    def fill(self, now_ms: int, burst: int, per_minute: int) -> None:
        """Take what has flowed in until now; the first time it is full."""
        passed = max(now_ms - self.now_ms, 0)
        self.held = min(self.held + passed * per_minute, burst * _MINUTE_MS)
        self.now_ms = max(now_ms, self.now_ms)

    def left(self, now_ms: int, burst: int, per_minute: int) -> int:
        """Return how many calls could be taken now; changes nothing."""
        return min(self.held + max(now_ms - self.now_ms, 0) * per_minute, burst * _MINUTE_MS) // _MINUTE_MS

    def take(self, calls: int, reserve: int | None = None) -> bool:
        """Take so many calls, unless fewer than the reserve would be left; where none is named they always go."""
        if reserve is not None and self.held < (calls + reserve) * _MINUTE_MS:
            return False
        self.held = max(self.held - calls * _MINUTE_MS, 0)
        return True

    def wait_ms(self, calls: int, reserve: int, per_minute: int) -> int:
        """Return how long until so many calls can be taken."""
        return max(-(-((calls + reserve) * _MINUTE_MS - self.held) // per_minute), 1)


def within(state: "State", event: ev.Event, effects: list[ev.Effect]) -> list[ev.Effect]:
    """Return the effects that the budget carries, in their order; a question that waits is asked by a later tick.

    What an operator's word asks for is never held back, and neither are cancels; both are paid for all the same. The lists that
    prove an end may take the reserve: else the looks of many orders, each of which costs less, would keep them waiting for ever.
    """
    bounds = state.protocol
    if not bounds.asks_per_minute or isinstance(event, ev.Slot | ev.Spooled):
        return effects
    state.budget.fill(event.now_ms, bounds.asks_burst, bounds.asks_per_minute)
    spoken = isinstance(event, ev.Operator)
    return [effect for effect in effects if _carried(state, effect, spoken=spoken)]


def may_ask(state: "State", now_ms: int, more: int = 0) -> bool:
    """Take one question from the budget that is about no order, such as the balances; False when it has to wait.

    So many `more` that follow from it are paid for as far as the budget goes, and wait for nothing.
    """
    bounds = state.protocol
    if not bounds.asks_per_minute:
        return True
    state.budget.fill(now_ms, bounds.asks_burst, bounds.asks_per_minute)
    return state.budget.take(1, bounds.asks_reserve) and state.budget.take(more)


def _carried(state: "State", effect: ev.Effect, *, spoken: bool) -> bool:
    cost = _COSTS.get(type(effect), 0)
    reserve = 0 if isinstance(effect, ev.ProveAbsence) else state.protocol.asks_reserve
    if not cost or state.budget.take(cost, None if spoken or isinstance(effect, ev.CancelOrder) else reserve):
        return True
    if isinstance(effect, ev.Look | ev.ProveAbsence) and effect.client_order_id in state.watches:
        free_ms = state.budget.now_ms + state.budget.wait_ms(cost, reserve, state.protocol.asks_per_minute)
        watch = state.watches[effect.client_order_id]
        watch.next_ms = max(watch.next_ms, free_ms)
    return False
