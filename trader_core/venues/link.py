"""The link: from a venue's name to its gateway and feed."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trader_core.clock import WallClock
from trader_core.model.errors import GatehouseError, UnknownName, VenueUnavailable
from trader_core.venues.feed import RealTimeFeed, StepFeed
from trader_core.venues.gateway import Gateway
from trader_core.venues.profiles import ApiKey, Profile, sandbox_profile
from trader_core.venues.sandbox_clock import RunningClock, SteppedClock
from trader_core.venues.simulated import Feed
from trader_core.venues.wire import MaySend

ANNOUNCE = Path("run") / "sandbox.json"
FIELDS = ("base_url", "admin_url", "admin_token", "api_key", "secret", "clock")


@dataclass(frozen=True, slots=True)
class Link:
    """One session's way to its venue."""

    gateway: Gateway
    feed: Feed
    profile: Profile
    identity: str
    """Names the account at this venue without telling its key: trade ids are unique under it."""

    async def close(self) -> None:
        """Leave no socket behind."""
        await self.feed.close()
        await self.gateway.close()


def announcement(home: Path) -> dict[str, str]:
    """Return what the embedded exchange of this home says of itself; raises VenueUnavailable when none runs."""
    path = home / ANNOUNCE
    try:
        said: dict[str, Any] = json.loads(path.read_text())
        return {name: str(said[name]) for name in FIELDS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = f"nothing that can be read at {path}"
        raise VenueUnavailable("an embedded exchange that runs", found, "start it with `gatehouse up`") from error


def turn_file(home: Path) -> Path | None:
    """Return the file whose lock a session holds while it steps the exchange's clock; None where the clock runs by itself.

    Two sessions that step one clock take each other's time away: what one signs is stale when the other has moved on.
    """
    return home / "run" / "clock.lock" if announcement(home)["clock"] == "stepped" else None


async def connect(
    venue: str, home: Path, symbols: tuple[str, ...], timeframe: str, may_send: MaySend | None, *, private: bool, timeout_s: float = 10.0
) -> Link:
    """Return a link with its clock set; only a `private` one holds the account's key.

    Raises UnknownName for a venue that is not open yet and VenueUnavailable when it does not answer.
    """
    if venue != "sandbox":
        raise UnknownName("the venue sandbox", repr(venue), "real exchanges stay closed until permits exist")
    said = announcement(home)
    stepped = said["clock"] == "stepped"
    speed = 1.0 if stepped else float(str(said["clock"]).rstrip("x"))
    profile = sandbox_profile(said["base_url"], stepped=stepped, speed=speed)
    key = ApiKey(said["api_key"], said["secret"]) if private else None
    clock: SteppedClock | RunningClock = (
        SteppedClock(said["admin_url"], said["admin_token"]) if stepped else RunningClock(WallClock().now_ms(), speed=speed)
    )
    gateway = Gateway(profile, clock.now_ms, key=key, may_send=may_send, timeout_s=timeout_s)
    try:
        if isinstance(clock, SteppedClock):
            await clock.sync()
            feed: Feed = StepFeed(gateway, clock, symbols, timeframe)
        else:
            await clock.measure(gateway.time_ms)
            feed = RealTimeFeed(gateway, clock, symbols, timeframe)
    except GatehouseError:
        await gateway.close()
        if isinstance(clock, SteppedClock):
            await clock.close()
        raise
    identity = hashlib.sha256(f"{venue} {said['api_key']}".encode()).hexdigest()[:12]
    return Link(gateway, feed, profile, identity)
