"""Collecting: closed candles of a subject's instruments from its venue into the database, as one collection session."""

import asyncio
from dataclasses import dataclass

from tasks.subjects import Subject
from trader_core.model.bar import slot_of, timeframe_ms
from trader_core.model.errors import UnknownName, VenueUnavailable
from trader_core.model.instrument import Instrument
from trader_core.settings import Settings
from trader_core.store.database import Engine, begin
from trader_core.store.imports import Series, store_series
from trader_core.venues.link import Link, connect
from trader_core.venues.port import Outcome

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Collected:
    """What one collection left behind: its id, its interval [from, to), and how many rows are new or changed."""

    collection_session_id: str
    from_ms: int
    to_ms: int
    rows: int
    inserted: int
    revised: int


def collect(settings: Settings, engine: Engine, subject: Subject, days: int = 0) -> Collected:
    """Fetch the last `days` (0: as planned) of closed candles and store them; a differing candle becomes a revision. Safe to repeat.

    Raises UnknownName, VenueUnavailable or DataFault; then nothing is stored.
    """
    series, interval = asyncio.run(_fetched(settings, subject, days or subject.plan.history_days))
    source = f"venue {subject.plan.venue}, public candles" + (": the embedded exchange's synthetic market" if subject.sandbox else "")
    with begin(engine) as db:
        row, _, inserted, revised = store_series(db, subject.plan.timeframe, series, source)
    return Collected(row.collection_session_id, *interval, row.rows, inserted, revised)


async def _fetched(settings: Settings, subject: Subject, days: int) -> tuple[list[Series], tuple[int, int]]:
    plan, step_ms = subject.plan, timeframe_ms(subject.plan.timeframe)
    link = await connect(plan.venue, settings.folder(), plan.symbols, plan.timeframe, None, private=False)
    try:
        instruments = await instruments_of(link, plan.symbols)
        to_ms = slot_of(link.feed.now_ms(), step_ms)
        from_ms = slot_of(to_ms - days * DAY_MS, step_ms)
        bars = await link.feed.history(from_ms, to_ms)
        return [Series(one, bars[bars["close"][:, index] > 0, index]) for index, one in enumerate(instruments)], (from_ms, to_ms)
    finally:
        await link.close()


async def instruments_of(link: Link, symbols: tuple[str, ...]) -> list[Instrument]:
    """Return what the venue offers under these symbols; raises UnknownName or VenueUnavailable."""
    reply = await link.gateway.instruments(list(symbols))
    if reply.value is not None:
        return reply.value
    if reply.outcome is Outcome.NOT_FOUND:
        raise UnknownName(f"symbols of {link.profile.name}", reply.evidence[:300], "choose others")
    raise VenueUnavailable("the venue's filters and fees", f"{reply.outcome} {reply.code} {reply.evidence[:300]}", "see whether it answers")


def venue_now_ms(settings: Settings, subject: Subject) -> int:
    """Return the venue's time; raises VenueUnavailable."""

    async def ask() -> int:
        link = await connect(subject.plan.venue, settings.folder(), subject.plan.symbols, subject.plan.timeframe, None, private=False)
        try:
            return link.feed.now_ms()
        finally:
            await link.close()

    return asyncio.run(ask())


def recent(settings: Settings, subject: Subject, hours: int) -> tuple[int, int]:
    """Return the last hours of closed bars as [from, to) on the grid of the subject's timeframe, by the venue's time."""
    step_ms = timeframe_ms(subject.plan.timeframe)
    to_ms = slot_of(venue_now_ms(settings, subject), step_ms)
    return slot_of(to_ms - hours * 3_600_000, step_ms), to_ms
