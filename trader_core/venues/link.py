"""The link: from a venue's name to its gateway and feed."""

import hashlib
import json
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trader_core.clock import WallClock
from trader_core.model.errors import GatehouseError, VenueUnavailable
from trader_core.venues import keys
from trader_core.venues.adapters.known import SPEECHES
from trader_core.venues.door import OrdersAllowed, orders_closed
from trader_core.venues.feed import RealTimeFeed, StepFeed
from trader_core.venues.gateway import Gateway
from trader_core.venues.profiles import SANDBOX, ApiKey, Profile, profile_named, sandbox_profile
from trader_core.venues.pulse import Pulse
from trader_core.venues.reads import Reads
from trader_core.venues.sandbox_clock import RunningClock, SteppedClock
from trader_core.venues.simulated import Feed
from trader_core.venues.stream_feed import StreamFeed
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
    clock: SteppedClock | RunningClock
    pulse: Pulse = field(default_factory=Pulse)
    """How the feed's streams are; empty where it has none."""

    @property
    def skew_ms(self) -> int:
        """How far the venue's clock may be off by the last measurement; a stepped one never is."""
        return max(self.clock.error_ms, 0) if isinstance(self.clock, RunningClock) else 0

    async def close(self) -> None:
        """Leave no socket behind."""
        await self.feed.close()
        await self.gateway.close()


def announcement(home: Path) -> dict[str, str]:
    """Return what the embedded exchange of this home says of itself; raises VenueUnavailable when none runs."""
    path = home / ANNOUNCE
    try:
        said: dict[str, Any] = json.loads(path.read_text())
        return {name: str(said[name]) for name in FIELDS} | {"dialect": str(said.get("dialect", "mexc"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = f"nothing that can be read at {path}"
        raise VenueUnavailable("an embedded exchange that runs", found, "start it with `gatehouse up`") from error


def turn_file(home: Path, venue: str = SANDBOX) -> Path | None:
    """Return the file whose lock a session holds while it steps the exchange's clock; None where the clock runs by itself.

    Two sessions that step one clock take each other's time away: what one signs is stale when the other has moved on.
    """
    stepped = venue == SANDBOX and announcement(home)["clock"] == "stepped"
    return home / "run" / "clock.lock" if stepped else None


async def connect(
    venue: str,
    home: Path,
    symbols: tuple[str, ...],
    timeframe: str,
    may_send: MaySend | None,
    *,
    private: bool,
    timeout_s: float = 10.0,
    orders_allowed: OrdersAllowed = orders_closed,
    streams: bool = False,
    books: bool = False,
) -> Link:
    """Return a link with its clock set; only a `private` one holds the account's key. On a real venue `orders_allowed` guards orders.

    With `streams` its feed listens, where the venue has streams and its clock runs, with `books` to order books too; without, and
    elsewhere, it asks by REST alone.
    Raises UnknownName for a venue without a profile, BadInput without a key for a private link, VenueUnavailable when it does not answer.
    """
    if venue == SANDBOX:
        return await _embedded(home, symbols, timeframe, may_send, private=private, timeout_s=timeout_s, streams=(streams, books))
    profile = profile_named(venue)
    key = keys.load(venue, home).key if private else None
    clock = RunningClock(WallClock().now_ms(), speed=profile.speed, step_ms=profile.clock_step_ms)
    gateway = Gateway(profile, clock.now_ms, key=key, may_send=may_send, timeout_s=timeout_s, orders_allowed=orders_allowed)
    reads = gateway.reader()
    try:
        await clock.measure(reads.time_ms)
    except VenueUnavailable as error:
        await reads.close()
        await gateway.close()
        todo = "check the connection; some countries and networks are refused by this venue"
        raise VenueUnavailable(f"an answer of {venue} at {profile.base_url}", error.found, todo) from error
    feed, pulse = _running(gateway, reads, clock, symbols, timeframe, streams=(streams, books), private=private)
    return Link(gateway, feed, profile, _identity(venue, key.key if key else "public"), clock, pulse)


def _running(
    gateway: Gateway,
    reads: Reads,
    clock: RunningClock,
    symbols: tuple[str, ...],
    timeframe: str,
    *,
    streams: tuple[bool, bool],
    private: bool,
) -> tuple[Feed, Pulse]:
    """Return the feed of a clock that runs, and its pulse; `streams` says whether it listens, and whether to books too."""
    pulse, profile = Pulse(), gateway.profile
    if not streams[0] or not profile.ws_hosts:
        return RealTimeFeed(reads, clock, symbols, timeframe), pulse
    seed = zlib.crc32(" ".join((profile.name, *symbols)).encode())
    return StreamFeed(
        reads, clock, symbols, timeframe, lambda of_account: gateway.listener(timeframe, private=of_account), pulse,
        per_line=SPEECHES[profile.speaks].per_line, private=private, books=streams[1], seed=seed,
    ), pulse  # fmt: skip


async def _embedded(
    home: Path,
    symbols: tuple[str, ...],
    timeframe: str,
    may_send: MaySend | None,
    *,
    private: bool,
    timeout_s: float,
    streams: tuple[bool, bool],
) -> Link:
    said = announcement(home)
    stepped = said["clock"] == "stepped"
    speed = 1.0 if stepped else float(str(said["clock"]).rstrip("x"))
    profile = sandbox_profile(said["base_url"], stepped=stepped, speed=speed, dialect=said["dialect"])
    key = ApiKey(said["api_key"], said["secret"]) if private else None
    clock: SteppedClock | RunningClock = (
        SteppedClock(said["admin_url"], said["admin_token"])
        if stepped
        else RunningClock(WallClock().now_ms(), speed=speed, step_ms=profile.clock_step_ms)
    )
    gateway = Gateway(profile, clock.now_ms, key=key, may_send=may_send, timeout_s=timeout_s)
    reads, pulse = gateway.reader(), Pulse()
    try:
        if isinstance(clock, SteppedClock):
            await clock.sync()
            feed: Feed = StepFeed(reads, clock, symbols, timeframe)
        else:
            await clock.measure(reads.time_ms)
            feed, pulse = _running(gateway, reads, clock, symbols, timeframe, streams=streams, private=private)
    except GatehouseError:
        await reads.close()
        await gateway.close()
        if isinstance(clock, SteppedClock):
            await clock.close()
        raise
    return Link(gateway, feed, profile, _identity(SANDBOX, said["api_key"]), clock, pulse)


def _identity(venue: str, key: str) -> str:
    return hashlib.sha256(f"{venue} {key}".encode()).hexdigest()[:12]


async def leave_clock(home: Path, who: str) -> None:
    """Tell the embedded exchange that a session has ended, so that nobody who shares its clock waits for it; no exchange, nobody waits."""
    try:
        said = announcement(home)
    except VenueUnavailable:
        return
    if said["clock"] != "stepped":
        return
    clock = SteppedClock(said["admin_url"], said["admin_token"])
    try:
        with suppress(VenueUnavailable):
            await clock.leave(who)
    finally:
        await clock.close()
