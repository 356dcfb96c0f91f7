"""Virtual time: one heap of what happens when; what happens at the same time happens in the order that the seed says."""

import heapq
from collections.abc import Callable
from random import Random

Action = Callable[[], None]


class Scheduler:
    """A clock in ms that moves only from one action to the next."""

    def __init__(self, start_ms: int, ties: Random) -> None:
        """Stand at the start with nothing to do."""
        self.start_ms, self.now_ms, self._ties = start_ms, start_ms, ties.random
        self._heap: list[tuple[int, float, int, Action]] = []
        self._number = 0

    def at(self, when_ms: int, action: Action) -> None:
        """Do the action at a time, at once when that has passed."""
        self._number += 1
        now_ms = self.now_ms
        heapq.heappush(self._heap, (max(now_ms, when_ms), self._ties(), self._number, action))

    def after(self, delay_ms: int, action: Action) -> None:
        """Do the action after a delay, at once for one of 0 or less."""
        self._number += 1
        heapq.heappush(self._heap, (self.now_ms + delay_ms if delay_ms > 0 else self.now_ms, self._ties(), self._number, action))

    def elapsed(self) -> int:
        """Return the ms since the start."""
        return self.now_ms - self.start_ms

    def run(self, until_ms: int) -> None:
        """Do everything that is due before a time, then stand there."""
        heap = self._heap
        while heap and heap[0][0] < until_ms:
            self.now_ms, _, _, action = heapq.heappop(heap)
            action()
        self.now_ms = until_ms
