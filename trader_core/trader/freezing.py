"""Freezing: the instruments of a session as they are when it opens, with doors around the last price known."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from trader_core.model.bar import slot_of
from trader_core.model.errors import SessionHalted, VenueUnavailable, WrongKey
from trader_core.model.instrument import Instrument, freeze
from trader_core.store import sessions
from trader_core.venues.link import Link
from trader_core.venues.port import Outcome, Reply

PAUSES_S = (0.25, 0.5, 1.0)
"""How long an opening waits before it asks again what the venue did not answer."""
PASSING = frozenset({Outcome.RETRYABLE_READ, Outcome.RATE})


async def frozen(row: sessions.SessionRow, link: Link, step_ms: int, now: int) -> tuple[Instrument, ...]:
    """Return the venue's instruments with doors around the last price known; one settlement currency for all."""
    found = await answer(lambda: link.gateway.instruments(list(row.plan.symbols)), "instruments")
    quotes = {instrument.quote for instrument in found}
    if len(quotes) != 1:
        raise SessionHalted("instruments in one settlement currency", ", ".join(sorted(quotes)), "choose symbols with one quote")
    link.gateway.use(found)
    history = await link.feed.history(slot_of(now, step_ms) - 60 * step_ms, slot_of(now, step_ms))
    highs = history["high"].max(axis=0)
    return tuple(freeze(instrument, int(high)) for instrument, high in zip(found, highs, strict=True))


async def answer(ask: Callable[[], Awaitable[Reply[Any]]], what: str) -> Any:
    """Return what a venue answers to a read, asked again while it only failed to; raises as `value_of` does."""
    reply = await ask()
    for pause_s in PAUSES_S:
        if reply.outcome not in PASSING:
            break
        await asyncio.sleep(pause_s)
        reply = await ask()
    return value_of(reply, what)


def value_of(reply: Reply[Any], what: str) -> Any:
    """Return what a venue answered; raises WrongKey for a key that it does not accept, VenueUnavailable where it does not say."""
    found = f"{reply.outcome} {reply.code} {reply.evidence[:200]}"
    if reply.outcome is Outcome.AUTH:
        raise WrongKey("an API key that the venue accepts", found, "correct key and secret, then start a new session")
    if reply.value is None:
        raise VenueUnavailable(f"the venue's {what}", found, "see whether it answers, then start a new session")
    return reply.value
