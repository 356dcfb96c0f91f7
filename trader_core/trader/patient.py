"""Waiting for the store's thread: a kill that finds orders at the venue does not wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from trader_core.clock import monotonic_ms
from trader_core.model.errors import DatabaseAway
from trader_core.model.order import OrderState
from trader_core.trader.control import Control
from trader_core.trader.state import State

T = TypeVar("T")
POLL_S = 0.05
URGENT_MS = 400


def urgent(control: Control, state: State) -> bool:
    """Return whether a kill stands and something is at the venue, or may be: then no answer of the database is waited for long."""
    return bool(control.killed()) and any(order.state is not OrderState.INTENT for order in state.pending.values())


async def surely(work: Awaitable[T], urgent: Callable[[], bool]) -> T:
    """Return what the store's thread answers; raises DatabaseAway where something urgent has waited for it too long.

    What was begun goes on, and may yet be done: only the journal's head tells.
    """
    task, since_ms = asyncio.ensure_future(work), 0
    try:
        while not (await asyncio.wait({task}, timeout=POLL_S))[0]:
            since_ms = since_ms or monotonic_ms() if urgent() else 0
            if since_ms and monotonic_ms() - since_ms >= URGENT_MS:
                raise DatabaseAway("an answer of the database", f"none within {URGENT_MS} ms while a kill waits", "see `gatehouse status`")
    finally:
        if not task.done():
            task.add_done_callback(_heard)
    return task.result()


def _heard(task: "asyncio.Future[T]") -> None:
    """Take the answer that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
