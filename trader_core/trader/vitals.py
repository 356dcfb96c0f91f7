"""Vitals: how a session's streams are, stored every few seconds, and what their feed has to tell people."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from trader_core.model.alert import Alert
from trader_core.model.errors import StoreError
from trader_core.store.streams import StreamRow
from trader_core.trader.telling import revised
from trader_core.venues.pulse import Pulse

log = structlog.get_logger()

EVERY_S = 3.0
WHY_MAX = 200


def rows_of(pulse: Pulse, now_ms: int) -> list[StreamRow]:
    """Return a pulse as rows, at the venue's time."""
    return [
        StreamRow(name, one.age_ms(now_ms), one.lag_ms, one.messages, one.gaps, one.reconnects, one.revisions, one.why[:WHY_MAX])
        for name, one in pulse.streams.items()
    ]


async def watch_over(
    pulse: Pulse,
    now_ms: Callable[[], int],
    keep: Callable[[Sequence[StreamRow]], Awaitable[None]],
    tell: Callable[[Alert], None],
    session_id: str,
    every_s: float = EVERY_S,
) -> None:
    """Store a pulse and tell its alarms until cancelled; a database that is away is not waited for."""
    while True:
        await asyncio.sleep(every_s)
        while pulse.alarms:
            tell(revised(session_id, pulse.alarms.popleft()))
        if pulse.streams:
            try:
                await keep(rows_of(pulse, now_ms()))
            except StoreError as error:
                log.warning("the health of streams was not stored", session=session_id, why=type(error).__name__)
