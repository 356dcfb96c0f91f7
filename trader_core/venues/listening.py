"""Listening to a venue for a while, without an account and without money: does what it streams reach us, whole and in time?"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trader_core.model.errors import BadInput
from trader_core.model.instrument import price_text
from trader_core.venues.link import connect
from trader_core.venues.port import Reply
from trader_core.venues.pulse import StreamHealth
from trader_core.venues.stream_feed import StreamFeed


@dataclass(frozen=True, slots=True)
class Heard:
    """One stream after a while."""

    stream: str
    health: StreamHealth
    age_ms: int
    best: str
    """Of a book: the best bid and ask; "" while there is none that is whole, and for other streams."""


async def listen(venue: str, home: Path, symbols: tuple[str, ...], timeframe: str, seconds: float) -> list[Heard]:
    """Return how a venue's streams of some symbols were after `seconds` of the wall.

    Raises BadInput where there are none to listen to, UnknownName for a venue or symbol that is not there, VenueUnavailable for a
    venue that does not answer.
    """
    link = await connect(venue, home, symbols, timeframe, None, private=False, streams=True, books=True)
    try:
        feed = link.feed
        if not isinstance(feed, StreamFeed):
            why = "an embedded exchange whose clock is stepped" if link.profile.stepped else f"{venue}, which is asked by REST alone"
            raise BadInput("a venue whose clock runs and that has streams", why, "choose mexc or binance, or start the exchange at 1x")
        reply = await link.gateway.instruments(list(symbols))
        if reply.value is None:
            raise BadInput(f"the instruments {', '.join(symbols)} on {venue}", _said(reply), "choose other symbols")
        names = {one.symbol: one for one in reply.value}
        feed.listen()
        await asyncio.sleep(seconds)
        found = []
        for stream, health in link.pulse.streams.items():
            kind, _, symbol = stream.partition(" ")
            book = feed.book(symbol) if kind == "book" else None
            best = f"{price_text(names[symbol], book.bids[0][0])} / {price_text(names[symbol], book.asks[0][0])}" if book else ""
            found.append(Heard(stream, health, health.age_ms(feed.now_ms()), best))
        return found
    finally:
        await link.close()


def _said(reply: Reply[Any]) -> str:
    return f"{reply.outcome} {reply.code} {reply.evidence}"[:200]
