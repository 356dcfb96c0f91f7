"""Venue clocks: the stepped one that the session itself advances, and the running one that is measured."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from trader_core.clock import monotonic_ms
from trader_core.model.errors import VenueUnavailable
from trader_core.venues.port import Reply
from trader_core.venues.profiles import loopback_host

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_OK = 200
BACK_MAX_MS = 1_000
"""A measurement that sets the clock back by more is believed at once: the one before was wrong."""


class SteppedClock:
    """The clock of an embedded exchange that stands still until it is told; this client alone advances it."""

    def __init__(self, admin_url: str, token: str) -> None:
        """Bind to the admin address; raises HostRefused unless it is a literal loopback address. Call `sync` before the first use."""
        loopback_host(admin_url)
        self._url, self._headers = admin_url.rstrip("/"), {"X-Sandbox-Token": token}
        self._session: aiohttp.ClientSession | None = None
        self._now_ms = 0
        self._shared: dict[str, object] = {}

    def share(self, who: str, members: Sequence[str]) -> None:
        """Move the clock together with others from now on: to the smallest wish, once each of them has said one."""
        self._shared = {"who": who, "with": list(members)}

    async def leave(self, who: str) -> None:
        """Tell the others of a shared clock to wait for this session no more."""
        await self._ask("POST", "/leave", {"who": who})

    def now_ms(self) -> int:
        """Return the venue's time as of the last answer."""
        return self._now_ms

    async def sync(self) -> int:
        """Ask for the venue's time and return it: after a start or a restart."""
        return await self._ask("GET", "/state", None)

    async def advance(self, to_ms: int) -> int:
        """Take the venue to `to_ms` and return its time; it never goes back, and a time already passed asks nothing."""
        while to_ms > self._now_ms:
            before = self._now_ms
            await self._ask("POST", "/advance", {"to_ms": to_ms, **self._shared})
            if not self._shared and self._now_ms == before:
                break
        return self._now_ms

    async def close(self) -> None:
        """Leave no socket behind."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, path: str, body: dict[str, object] | None) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, timeout=_TIMEOUT, headers=self._headers)
        try:
            async with self._session.request(method, self._url + path, json=body, allow_redirects=False) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise VenueUnavailable("the embedded exchange's clock", type(error).__name__, "start it, then try again") from error
        found = _now_in(text) if status == _OK else None
        if found is None:
            raise VenueUnavailable("the embedded exchange's time", f"HTTP {status}: {text[:120]!r}", "look at its log")
        self._now_ms = max(self._now_ms, found)
        return self._now_ms


class RunningClock:
    """A venue's running clock, followed by a measured offset; `speed` is venue ms per wall ms."""

    def __init__(
        self,
        start_ms: int,
        *,
        speed: float = 1.0,
        steady_ms: Callable[[], int] = monotonic_ms,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        step_ms: int = 1,
    ) -> None:
        """Start at a guess (the machine's time); `measure` corrects it. `sleep` takes wall seconds; the venue tells its time in steps."""
        self._steady, self._speed, self._sleep, self._step_ms = steady_ms, speed, sleep, step_ms
        self._anchor_ms, self._anchor_steady = start_ms, steady_ms()
        self.error_ms = -1
        """How far the clock may be off by the last measurement, in venue ms; -1 before the first."""
        self._floor_ms = 0
        """A later measurement that sets the clock back a little lets it stand still instead."""

    def now_ms(self) -> int:
        """Return the venue's time, to the precision of the last measurement."""
        return max(self._anchor_ms + int((self._steady() - self._anchor_steady) * self._speed), self._floor_ms)

    @property
    def speed(self) -> float:
        """Return venue ms per ms of the machine."""
        return self._speed

    def age_ms(self) -> int:
        """Return how long ago the clock was set, in ms of the machine."""
        return self._steady() - self._anchor_steady

    async def measure(self, ask: Callable[[], Awaitable[Reply[int]]], samples: int = 5) -> int:
        """Set the clock by the quickest of some answers and return the largest error that it may have, in venue ms.

        The venue looked at its clock at some moment of the round trip; its middle is off by at most half of it (Cristian, 1989).
        Raises VenueUnavailable when no sample came back.
        """
        best: tuple[int, int, int] | None = None
        why = ""
        for _ in range(samples):
            sent = self._steady()
            reply = await ask()
            got, why = self._steady(), reply.evidence[:160]
            if reply.value is not None and (best is None or got - sent < best[0]):
                best = got - sent, reply.value, (sent + got) // 2
        if best is None:
            raise VenueUnavailable("the venue's time", f"no answer in {samples} tries: {why}", "check the connection")
        before_ms, measured = self.now_ms(), self.error_ms >= 0
        trip, self._anchor_ms, self._anchor_steady = best
        self._floor_ms = 0
        if measured and 0 < before_ms - self.now_ms() <= BACK_MAX_MS:
            self._floor_ms = before_ms
        self.error_ms = int((trip + 1) * self._speed / 2) + self._step_ms // 2
        return self.error_ms

    async def until(self, venue_ms: int) -> None:
        """Return when the venue's clock shows `venue_ms`."""
        while (left := venue_ms - self.now_ms()) > 0:
            await self._sleep(left / 1_000 / self._speed)


def _now_in(text: str) -> int | None:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    found = answer.get("now_ms") if isinstance(answer, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
