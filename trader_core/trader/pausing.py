"""Patience: waiting for a venue while operators are listened to all the time."""

import asyncio
from typing import TYPE_CHECKING

from trader_core.clock import monotonic_ms
from trader_core.model.session import StopPolicy
from trader_core.trader.retrying import feed_wait_ms, may_ask

if TYPE_CHECKING:
    from trader_core.trader.shell import Shell

POLL_S = 0.25


async def before_bars(shell: "Shell", ts_ms: int, failures: int) -> None:
    """Wait before a slot's bars are asked for again, and for as long as the budget of questions is spent; no longer than to a stop."""
    state, wait_ms = shell.state, feed_wait_ms(f"{shell.state.session_id} {ts_ms}", failures)
    end_ms = monotonic_ms() + wait_ms
    while shell.control.stop is not StopPolicy.KEEP and (monotonic_ms() < end_ms or not may_ask(state, shell.feed.now_ms())):
        await asyncio.sleep(min(POLL_S, wait_ms / 1000))
        await shell.attend()
