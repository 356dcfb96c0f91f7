"""Two readings in a row: one that was cut short, or is empty by mistake, looks like a true one, but seldom twice in the same way."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from trader_core.venues.port import Outcome, Reply

T = TypeVar("T")


async def agreed(read: Callable[[], Awaitable[Reply[T]]], what: Callable[[T], Any] = lambda value: value) -> Reply[T]:
    """Return the second of two readings that agree in `what`, the one that failed, or RETRYABLE_READ where they differ."""
    first = await read()
    if first.value is None:
        return first
    second = await read()
    if second.value is None or what(first.value) == what(second.value):
        return second
    return Reply(Outcome.RETRYABLE_READ, code="differs", evidence="two readings in a row differ")
