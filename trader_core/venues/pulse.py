"""The pulse of a feed: how its streams are, what people must be told of it, and what the session's loop should look at."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from trader_core.model.bar import Bars

GATHER_S = 0.1
"""Reasons to look that come within this time are one: they cost one question to the venue."""
ALARMS_MAX = 100
BARS = "bars"
"""The name under which the feed itself is listed among its streams."""


@dataclass(slots=True)
class StreamHealth:
    """How one stream is, in the venue's time."""

    since_ms: int = 0
    """When it was opened."""
    last_ms: int = 0
    """When it said something last; pongs and acknowledgements say nothing. 0: not yet."""
    lag_ms: int = -1
    """How late its newest event came; -1 before the first."""
    messages: int = 0
    gaps: int = 0
    reconnects: int = 0
    revisions: int = 0
    why: str = ""
    """Why it was opened again last."""

    def age_ms(self, now_ms: int) -> int:
        """Return how long it has said nothing."""
        return max(now_ms - max(self.last_ms, self.since_ms), 0)


@dataclass(slots=True)
class Pulse:
    """Shared by the feed, which writes, and by those who look. A feed without streams leaves it empty."""

    streams: dict[str, StreamHealth] = field(default_factory=dict)
    alarms: deque[str] = field(default_factory=lambda: deque(maxlen=ALARMS_MAX))
    """What people must be told, oldest first: bars that were changed after they were acted on."""
    _late: list[tuple[int, int, Bars]] = field(default_factory=list)
    _look: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, name: str) -> StreamHealth:
        """Return the health of a stream, a new one when it is not known yet."""
        return self.streams.setdefault(name, StreamHealth())

    def stir(self) -> None:
        """Ask the session's loop to look at what is on its way: something may have happened to it."""
        self._look.set()

    async def stirred(self, task: "asyncio.Future[Any]", timeout_s: float) -> bool:
        """Wait until the task is done, somebody stirs or the time is over, and return whether somebody stirred."""
        look = asyncio.ensure_future(self._look.wait())
        try:
            await asyncio.wait({task, look}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            look.cancel()
        if task.done() or not self._look.is_set():
            return False
        await asyncio.wait({task}, timeout=GATHER_S)
        self._look.clear()
        return True

    def came_late(self, slot_ms: int, column: int, bar: Bars) -> None:
        """Keep a bar that belongs into a window which has moved on already."""
        self._late.append((slot_ms, column, bar))

    def take_late(self) -> list[tuple[int, int, Bars]]:
        """Return those bars with their slots and columns, once."""
        found, self._late = self._late, []
        return found
