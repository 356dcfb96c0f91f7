"""Doors: where the orders of a session go, and how its way to the venue is let go."""

import asyncio

from trader_core.clock import monotonic_ms
from trader_core.model.order import OrderState
from trader_core.model.session import SessionMode
from trader_core.trader.lost import FOREVER_MS, PATIENCE_MS
from trader_core.trader.meter import Meter
from trader_core.trader.state import State
from trader_core.venues.dry_run import DryRunVenue
from trader_core.venues.link import Link
from trader_core.venues.port import Venue
from trader_core.venues.simulated import Feed, SimulatedVenue


def door(mode: SessionMode, state: State, link: Link, meter: Meter) -> tuple[Venue, Feed]:
    """Choose where orders go: the one place that asks."""
    if mode is SessionMode.STAGE:
        return link.gateway, link.feed
    parts = (state.instruments, state.plan_record, state.grids, link.feed, state.plan.capital)
    venue = SimulatedVenue(*parts) if mode is SessionMode.PAPER else DryRunVenue(*parts, link.gateway, meter.tested, monotonic_ms)
    waiting = [order for order in state.pending.values() if order.state is not OrderState.INTENT]
    requests = [(order.request, order.filled) for order in waiting]
    positions = [state.position(i) for i in range(len(state.instruments))]
    venue.restore(int(state.account["cash"][0]), positions, requests)
    return venue, venue


def patience_ms(mode: SessionMode) -> int:
    """Return how long entries stay open while the database is away: where money hangs on them, not for ever."""
    return PATIENCE_MS if mode is SessionMode.STAGE else FOREVER_MS


async def closed(link: Link) -> None:
    """Close the link also while this task is being cancelled: no socket stays behind."""
    closing = asyncio.ensure_future(link.close())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise
