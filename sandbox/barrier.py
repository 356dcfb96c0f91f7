"""A barrier on a stepped clock: sessions that share it move it together, to the smallest wish once each has said one.

A member that has died is waited for: its trader comes back and goes on. One that has ended leaves, so that nobody waits for it.
"""

import asyncio
from collections.abc import Callable, Sequence

HOLD_S = 5.0
"""How long an answer is held back for the others' wishes; then the client asks again."""


class Barrier:
    """The wishes of the members, by name."""

    def __init__(self, now_ms: Callable[[], int], advance: Callable[[int], None]) -> None:
        """Begin without members; `advance` moves the clock."""
        self._now, self._advance = now_ms, advance
        self._wishes: dict[str, int] = {}
        self._gone: set[str] = set()
        self._moved = asyncio.Condition()

    async def reach(self, who: str, members: Sequence[str], to_ms: int, hold_s: float = HOLD_S) -> int:
        """Wish the clock to `to_ms` and return its time once it shows that, or after a while when others have not asked yet."""
        self._gone.discard(who)
        self._wishes[who] = max(to_ms, self._wishes.get(who, 0))
        deadline = asyncio.get_running_loop().time() + hold_s
        async with self._moved:
            while True:
                self._move({who, *members})
                left = deadline - asyncio.get_running_loop().time()
                if self._now() >= to_ms or left <= 0:
                    return self._now()
                try:
                    await asyncio.wait_for(self._moved.wait(), left)
                except TimeoutError:
                    continue

    async def leave(self, who: str) -> None:
        """Wait for this member no more."""
        self._gone.add(who)
        self._wishes.pop(who, None)
        async with self._moved:
            self._moved.notify_all()

    def _move(self, members: set[str]) -> None:
        present = members - self._gone
        if not all(name in self._wishes for name in present):
            return
        target = min(self._wishes[name] for name in present)
        if target > self._now():
            self._advance(target)
            self._moved.notify_all()
