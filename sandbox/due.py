"""What is to happen at a later time of the venue: calls, and notes that name who is called, which can be saved. Pure."""

import heapq
from collections.abc import Callable
from typing import Any, NamedTuple

from trader_core.model.errors import BadInput


class Note(NamedTuple):
    """Plain data for the handler called `name`."""

    name: str
    data: Any


Action = Callable[[], None] | Note


class Due:
    """Actions by time; those of one instant in the order in which they came."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._heap: list[tuple[int, int, Action]] = []
        self._count = 0

    def add(self, due_ms: int, action: Action) -> None:
        """Have an action done when the clock reaches `due_ms`."""
        heapq.heappush(self._heap, (due_ms, self._count, action))
        self._count += 1

    def next_ms(self, until_ms: int) -> int | None:
        """Return when the next action is due, or None when that is later than `until_ms`."""
        return self._heap[0][0] if self._heap and self._heap[0][0] <= until_ms else None

    def pop(self) -> Action:
        """Remove the next action and return it."""
        return heapq.heappop(self._heap)[2]

    def names(self) -> set[str]:
        """Return the names of the handlers that notes are for."""
        return {action.name for _, _, action in self._heap if isinstance(action, Note)}

    def saved(self) -> list[Any]:
        """Return the notes as plain data, in order; raises BadInput when a call is among them."""
        calls = [due_ms for due_ms, _, action in self._heap if not isinstance(action, Note)]
        if calls:
            found = f"{len(calls)} calls of code, the first due at {min(calls)}"
            raise BadInput("nothing to come but notes", found, "save when these are done")
        return [[due_ms, *action] for due_ms, _, action in sorted(self._heap, key=lambda due: due[:2]) if isinstance(action, Note)]
