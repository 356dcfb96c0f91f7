"""The limiter: weight per window of *venue* time, with a reserve that only cancels and look-ups may use.

On a free-running clock a caller waits until the window has room. On a stepped clock venue time stands still until the
session advances it, so waiting would be for ever: there an exhausted budget is refused at once, and the caller says so.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from trader_core.venues.profiles import Profile


class Lane(StrEnum):
    """What a call is for; each lane is served first come, first served."""

    DATA = "DATA"
    ORDERS = "ORDERS"
    URGENT = "URGENT"
    """Cancels and look-ups: they may use the reserve, and never queue behind orders."""


class Limiter:
    """Counts the weight spent in each window of venue time and says when the next call may go."""

    def __init__(self, profile: Profile, now_ms: Callable[[], int], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Start with empty windows. `sleep` takes wall seconds."""
        self._profile, self._now, self._sleep = profile, now_ms, sleep
        orders: deque[tuple[int, int]] = deque()
        self._spent = {Lane.DATA: deque[tuple[int, int]](), Lane.ORDERS: orders, Lane.URGENT: orders}
        self._limit = {
            Lane.DATA: profile.weight_data,
            Lane.ORDERS: profile.weight_orders - profile.weight_reserve,
            Lane.URGENT: profile.weight_orders,
        }
        self._turn = {lane: asyncio.Lock() for lane in Lane}
        self._held_until_ms = 0

    async def take(self, lane: Lane, weight: int, patience_ms: int = 30_000) -> bool:
        """Wait until `weight` fits the lane's window, count it, and return True; False when that would take too long.

        `patience_ms` counts venue time. A stepped clock has no patience: it does not move while we wait.
        """
        if weight > self._limit[lane]:
            return False
        deadline_ms = self._now() + patience_ms
        async with self._turn[lane]:
            while (wait_ms := self.wait_ms(lane, weight)) > 0:
                if self._profile.stepped or self._now() + wait_ms > deadline_ms:
                    return False
                await self._sleep(wait_ms / 1000 / self._profile.speed)
            self._spent[lane].append((self._now(), weight))
            return True

    def wait_ms(self, lane: Lane, weight: int) -> int:
        """Return how much venue time must pass before `weight` fits: 0 when it fits now."""
        now, spent = self._now(), self._spent[lane]
        window_ms = self._profile.weight_window_ms
        while spent and not now - window_ms < spent[0][0] <= now + window_ms:  # ahead by more: the clock was set meanwhile
            spent.popleft()
        excess = sum(w for _, w in spent) + weight - self._limit[lane]
        free_ms = now
        for at_ms, w in spent:
            if excess <= 0:
                break
            excess, free_ms = excess - w, at_ms + window_ms
        return max(free_ms, self._held_until_ms) - now

    def hold(self, retry_after_ms: int) -> None:
        """Let nothing pass for `retry_after_ms` of venue time: the venue said Retry-After."""
        self._held_until_ms = max(self._held_until_ms, self._now() + retry_after_ms)
