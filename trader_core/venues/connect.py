"""From an announce file to a gateway, a clock and a feed that belong together."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trader_core.clock import WallClock
from trader_core.model.errors import UnknownName, VenueUnavailable, WrongKey
from trader_core.model.instrument import Instrument
from trader_core.venues.feed import RealTimeFeed, StepFeed
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import Outcome
from trader_core.venues.profiles import ApiKey, Profile, sandbox_profile
from trader_core.venues.sandbox_clock import RunningClock, SteppedClock
from trader_core.venues.wire import MaySend


class Announced(NamedTuple):
    """What an embedded exchange says of itself in its announce file; `key` and `admin_token` never show themselves."""

    profile: Profile
    key: ApiKey
    admin_url: str
    admin_token: str

    def __repr__(self) -> str:
        return f"Announced({self.profile.base_url})"


class Connected(NamedTuple):
    """A gateway and a feed on one venue clock, and the instruments of the feed's columns, not yet frozen. Close the feed last of all."""

    gateway: Gateway
    feed: StepFeed | RealTimeFeed
    instruments: list[Instrument]


def read_announce(path: Path) -> Announced:
    """Return what an announce file says; raises VenueUnavailable without a whole one, HostRefused for another host than loopback."""
    try:
        return announcement(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VenueUnavailable(
            f"the embedded exchange's announcement in {path.name}", type(error).__name__, "start the exchange"
        ) from error


def announcement(body: dict[str, Any]) -> Announced:
    """Return an announcement that is already read; raises HostRefused, or KeyError and ValueError for one that is not whole."""
    clock = str(body["clock"])
    speed = 1.0 if clock == "stepped" else float(clock.removesuffix("x"))
    profile = sandbox_profile(str(body["base_url"]), stepped=clock == "stepped", speed=speed)
    return Announced(profile, ApiKey(str(body["api_key"]), str(body["secret"])), str(body["admin_url"]), str(body["admin_token"]))


async def connect(
    announced: Announced, symbols: Sequence[str], timeframe: str = "1m", *, may_send: MaySend | None = None, key: bool = True
) -> Connected:
    """Return a gateway and feed on `symbols` with their instruments loaded; without `may_send` no order is ever sent.

    `key=False` reads public data only. Raises VenueUnavailable, WrongKey, or UnknownName for a symbol that cannot be traded.
    """
    profile, pair = announced.profile, announced.key if key else None
    feed: StepFeed | RealTimeFeed
    if profile.stepped:
        stepped = SteppedClock(announced.admin_url, announced.admin_token)
        await stepped.sync()
        gateway = Gateway(profile, stepped.now_ms, key=pair, may_send=may_send)
        feed = StepFeed(gateway, stepped, symbols, timeframe)
    else:
        running = RunningClock(WallClock().now_ms(), speed=profile.speed)
        gateway = Gateway(profile, running.now_ms, key=pair, may_send=may_send)
        await running.measure(gateway.time_ms)
        feed = RealTimeFeed(gateway, running, symbols, timeframe)
    try:
        return Connected(gateway, feed, await _instruments(gateway, list(symbols)))
    except BaseException:
        await feed.close()
        raise


async def _instruments(gateway: Gateway, symbols: list[str]) -> list[Instrument]:
    reply = await gateway.instruments(symbols)
    if reply.outcome is Outcome.NOT_FOUND:
        raise UnknownName(f"symbols of {gateway.profile.name}", reply.evidence[:300], "choose others")
    if reply.outcome is Outcome.AUTH:
        raise WrongKey(f"an API key that {gateway.profile.name} accepts", f"code {reply.code}", "correct the key")
    if reply.value is None:
        raise VenueUnavailable("the venue's filters and fees", f"{reply.outcome} {reply.code}", "look whether the exchange answers")
    return reply.value
