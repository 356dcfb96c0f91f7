"""What the figures are measured with: a world whose traders are the command itself, and watches on its journal."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from deployments.postgres import Server
from tests.sockets import child
from tests.sockets.plans import ORDER, SockPlan, Strike
from tests.sockets.run import Run
from tests.sockets.wires import Wire
from tests.sockets.world import PACE_MS, SESSION, House, Nursery, World

SLOTS = 5_000
LONG_S = 120.0
BOOTS = "select count(*) from journal where session_id = %s and kind = 'BOOTED'"
TRADES = """
select 1 from journal bar where bar.session_id = %(id)s and bar.kind = 'BARS'
   and bar.seq > (select max(seq) from journal where session_id = %(id)s and kind = 'BOOTED')
   and exists (select 1 from journal flag where flag.session_id = %(id)s and flag.kind = 'FLAG' and flag.seq < bar.seq
       and flag.seq > (select max(seq) from journal where session_id = %(id)s and kind = 'BOOTED')
       and convert_from(flag.body, 'UTF8')::jsonb @> '{"flag": "start", "on": false}') limit 1
"""
"""A slot that was stepped after the last boot, with the books compared and the session let go."""
PENDING = """
select count(*) from orders where session_id = %s
   and state in ('INTENT', 'SENDING', 'UNKNOWN', 'QUARANTINED', 'OPEN', 'PARTIAL', 'CANCELING')
"""


class Bench(Run):
    """A run without faults, whose requests may be lost by chance."""

    losing = 0.0
    arrived: list[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dice, self.arrived = Random(7), []

    async def passes(self, wire: Wire, site: str, client_id: str = "") -> Sequence[Strike]:
        """Note when an order came."""
        if site == ORDER:
            self.arrived.append(time.monotonic())
        return ()

    def is_lost(self) -> bool:
        """Return whether this request is lost."""
        return self.dice.random() < self.losing

    async def asked(self, query: str, values: Any = None) -> Any:
        """Return the first value of a query, straight from the database; None for no row."""
        async with await psycopg.AsyncConnection.connect(self.world.database.own_url(), autocommit=True) as db:
            row = await (await db.execute(query, values)).fetchone()
        return row[0] if row else None

    async def holds(self, query: str, values: Any, wanted: Any, within_s: float = LONG_S) -> float:
        """Wait until a query says so, and return the steady clock's time then; raises TimeoutError with the logs."""
        async with await psycopg.AsyncConnection.connect(self.world.database.own_url(), autocommit=True) as db:
            until_s = time.monotonic() + within_s
            while time.monotonic() < until_s:
                row = await (await db.execute(query, values)).fetchone()
                if (row[0] if row else None) == wanted:
                    return time.monotonic()
                await asyncio.sleep(0.005)
        raise TimeoutError(query + "\n".join(house.log()[-3_000:] for house in self.world.houses))

    async def trades(self) -> float:
        """Wait until the session is let go and steps a slot after the last boot."""
        return await self.holds(TRADES, {"id": SESSION}, 1)

    async def next_order(self, within_s: float = 60.0) -> None:
        """Wait until an order comes to the wire."""
        before, until_s = len(self.arrived), time.monotonic() + within_s
        while len(self.arrived) == before and time.monotonic() < until_s:  # noqa: ASYNC110 - it must not be late
            await asyncio.sleep(0.001)

    async def opened(self) -> None:
        """Start the traders and wait until they trade."""
        await asyncio.to_thread(self.request)
        self.world.start()
        await self.until(lambda row: row.from_ms and row.next_ms > row.from_ms, LONG_S)
        for house in self.world.houses:
            house.venue.pace_ms = PACE_MS
        await asyncio.to_thread(self.grant, SLOTS)
        await self.trades()


@asynccontextmanager
async def bench(server: Server, nursery: Nursery, folder: Path, traders: int = 1, clock: str = "stepped") -> AsyncIterator[Bench]:
    """Yield a world without faults whose traders are started as commands."""
    world = World(server, folder, nursery)
    running = Bench(SockPlan(11, SLOTS, traders), world)
    options = ("--seed", "11", "--clock", clock, "--planted-trend", "60", "--history-days", "1", "--notional-min", "0.1")
    try:
        await world.build(options, traders, running, "", child.TIMEOUT_S)
        for house in world.houses:
            house.command = True
        yield running
    finally:
        await world.take_down()


async def stopped(house: House) -> None:
    """End a trader and let nobody start it again until `again`."""
    await house.end()


def again(house: House) -> None:
    """Keep a trader running once more."""
    house.wanted = True
    house.task = asyncio.create_task(house.keep())
