"""What an order on a real venue needs: the environment's word, and a permit that was read a moment ago.

The gateway asks at its door, and the door asks again with a connection in hand. A permit that ends takes nothing but new
risk: what was bought under it may always be sold, so that no exit is trapped.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from trader_core.clock import WallClock
from trader_core.evidence.permit import Level, Permit, standing, withheld
from trader_core.model.errors import DatabaseAway, SessionHalted, VenueUnavailable, WrongKey
from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName
from trader_core.store.permits import load_permits
from trader_core.store.sessions import SessionRow
from trader_core.venues.door import OrdersAllowed, orders_closed
from trader_core.venues.link import Link
from trader_core.venues.permissions import faults
from trader_core.venues.port import Outcome
from trader_core.venues.profiles import SANDBOX, ceiling_of

READ_S = 5.0
AGE_MAX_MS = 30_000
"""An older permit counts as none: the database may have said otherwise meanwhile."""

InThread = Callable[[Callable[[Any], Any]], Awaitable[Any]]


@dataclass(slots=True)
class Guard:
    """Answers the gateway before each order on a real venue; `permits` are the newest ones, as read at `read_ms`."""

    switch: str
    """Why this environment places no real orders; empty: it does."""
    stage: StageName
    now_ms: Callable[[], int]
    permits: Sequence[Permit] = ()
    read_ms: int = 0
    ceiling: Level = Level.FULL
    """The highest level that the venue allows."""

    def __call__(self, side: str) -> str:
        """Return why an order of this side may not go, or an empty text."""
        if self.switch or side == "SELL":
            return self.switch
        age_ms = self.now_ms() - self.read_ms
        if not 0 <= age_ms <= AGE_MAX_MS:
            return f"the permit was read {age_ms} ms ago, at most {AGE_MAX_MS} count"
        return self.withheld()

    def withheld(self) -> str:
        """Return why the permits as read withhold new risk, or an empty text."""
        return withheld(standing(self.permits, self.now_ms()), SessionMode.STAGE, self.stage, sandbox=False, ceiling=self.ceiling)

    def take(self, permits: Sequence[Permit]) -> None:
        """Replace what was read."""
        self.permits, self.read_ms = permits, self.now_ms()


@asynccontextmanager
async def permitted(row: SessionRow, switch: str, in_thread: InThread) -> AsyncIterator[OrdersAllowed]:
    """Yield what guards the orders of a session, kept fresh meanwhile; one that refuses all for whatever needs no real order.

    Raises SessionHalted, naming each thing that is missing, for a session that has not begun. One that has begun is brought up
    all the same: it may hold positions, which have to be reconciled and, as far as the environment allows, sold.
    """
    if row.mode is not SessionMode.STAGE or row.venue == SANDBOX:
        yield orders_closed
        return
    guard = Guard(switch, row.stage, WallClock().now_ms, ceiling=ceiling_of(row.venue))

    async def read() -> None:
        guard.take(await in_thread(lambda db: load_permits(db, row.account, row.plan.recipe(row.venue))))

    await read()
    missing = [reason for reason in (switch, guard.withheld()) if reason]
    if missing and not row.from_ms:
        raise SessionHalted(
            f"leave to place orders on {row.venue}", "; ".join(missing), "walk the road with `gatehouse road`, then start a new session"
        )
    reading = asyncio.create_task(_again(read))
    try:
        yield guard
    finally:
        reading.cancel()


async def require_modest_key(link: Link) -> None:
    """Pass when the key of a private link to a real venue trades spot and does nothing else; raises SessionHalted otherwise.

    Raises WrongKey for a key that the venue does not accept, and VenueUnavailable when it does not say: then nothing is opened.
    """
    if link.profile.sandbox:
        return
    reply = await link.gateway.permissions()
    found = f"{reply.outcome} {reply.code} {reply.evidence[:200]}"
    if reply.outcome is Outcome.AUTH:
        raise WrongKey("an API key that the venue accepts", found, "`gatehouse credentials set` with the right one")
    if reply.value is None:
        raise VenueUnavailable("what the venue says of this key", found, "see whether it answers, then start a new session")
    wrong = faults(reply.value)
    if wrong:
        what, todo = ("; ".join(one[part] for one in wrong) for part in (0, 1))
        raise SessionHalted("a key that trades spot and does nothing else", what, todo)


async def _again(read: Callable[[], Awaitable[None]]) -> None:
    """Read the permits every few seconds; while the database is away they grow old, and the guard counts that."""
    while True:
        await asyncio.sleep(READ_S)
        with suppress(DatabaseAway):
            await read()
