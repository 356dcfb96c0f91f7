"""A gateway and a feed on an embedded exchange in this process, through the same link that a session takes."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sandbox.server import Sandbox
from trader_core.model.instrument import Instrument
from trader_core.venues import link
from trader_core.venues.feed import RealTimeFeed, StepFeed
from trader_core.venues.gateway import Gateway
from trader_core.venues.wire import MaySend


class Connected(NamedTuple):
    """What a session holds of its venue, and the instruments of the feed's columns, not yet frozen."""

    gateway: Gateway
    feed: StepFeed | RealTimeFeed
    instruments: list[Instrument]


async def linked(
    sandbox: Sandbox, symbols: Sequence[str], *, key: bool = True, changed: dict[str, str] | None = None, streams: bool = False
) -> link.Link:
    """Return the link to an exchange, with changes of what it announces."""
    with TemporaryDirectory() as home:
        path = Path(home) / link.ANNOUNCE
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**sandbox.announcement(), **(changed or {})}))
        return await link.connect("sandbox", Path(home), tuple(symbols), "1m", None, private=key, streams=streams)


async def connect(sandbox: Sandbox, symbols: Sequence[str], *, may_send: MaySend | None = None, key: bool = True) -> Connected:
    """Return a gateway and feed with their instruments loaded."""
    found = await linked(sandbox, symbols, key=key)
    if may_send is not None:
        found.gateway.install_gate(may_send)
    instruments = (await found.gateway.instruments(list(symbols))).value
    assert instruments is not None
    assert isinstance(found.feed, StepFeed | RealTimeFeed)
    return Connected(found.gateway, found.feed, instruments)
