"""Times that an operator asks about, measured on real processes: recovery, fail-over, kill, and what a kill cancels."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from deployments.postgres import Server
from tests.sockets.bench import BOOTS, PENDING, Bench, again, bench, stopped
from tests.sockets.campaign import cluster, folder
from tests.sockets.crafted import Crafter
from tests.sockets.kills import kills
from tests.sockets.world import SESSION, Nursery
from trader_core.model.command import Command

OPEN = 100
HOLDER = "select count(*) from pg_locks where locktype = 'advisory' and granted and mode = 'ExclusiveLock'"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, 99th percentile (the nearest rank) and maximum, and how many there were."""
    ranked = sorted(values)

    def rank(share: float) -> float:
        return round(ranked[max(ceil(share * len(ranked)) - 1, 0)], 4)

    return {"n": len(ranked), "p50": rank(0.5), "p99": rank(0.99), "max": rank(1.0)}


@contextmanager
def _load(found: dict[str, Any]) -> Iterator[None]:
    """Keep the machine's load of the last minute, before and after: a figure without it says nothing."""
    before = os.getloadavg()[0]
    yield
    found["load"] = [round(before, 1), round(os.getloadavg()[0], 1)]


async def recovery(server: Server, nursery: Nursery, place: Path, rounds: int) -> dict[str, float]:
    """Return seconds from kill -9 until the session steps a slot again, with its books compared; the command starts from nothing."""
    took = []
    async with bench(server, nursery, place) as running:
        await running.opened()
        for done in range(rounds):
            await running.next_order()
            began_s = time.monotonic()
            running.world.houses[0].kill()
            await running.holds(BOOTS, (SESSION,), done + 2)
            took.append(await running.trades() - began_s)
    return spread(took)


async def recovery_with_orders(server: Server, nursery: Nursery, place: Path, rounds: int) -> dict[str, float]:
    """Return seconds from the start with 100 unknown orders, half of which never reached the exchange, until none is and it trades."""
    took = []
    for number in range(rounds):
        (place / str(number)).mkdir()
        async with bench(server, nursery, place / str(number)) as running:
            await running.opened()
            house = running.world.houses[0]
            await stopped(house)
            await Crafter(running.world, house).orders(OPEN, resting=False, never_sent=OPEN // 2)
            boots = await running.asked(BOOTS, (SESSION,))
            began_s = time.monotonic()
            again(house)
            await running.holds(BOOTS, (SESSION,), boots + 1)
            await running.holds(PENDING, (SESSION,), 0)
            took.append(await running.trades() - began_s)
    return spread(took)


async def failover(server: Server, nursery: Nursery, place: Path, rounds: int) -> dict[str, Any]:
    """Return seconds from kill -9 of the trader that holds the account until the other one trades, and how many orders came twice."""
    took = []
    async with bench(server, nursery, place, traders=2) as running:
        await running.opened()
        for done in range(rounds):
            holder = await running.asked("select holder from lease")
            house = next(one for one in running.world.houses if one.process is not None and f"pid {one.process.pid}" == holder)
            await running.next_order()
            began_s = time.monotonic()
            house.kill(down_ms=8_000)  # so that the other one takes it
            await running.holds(BOOTS, (SESSION,), done + 2)
            took.append(await running.trades() - began_s)
        ledger = await running.world.ask("GET", "/ledger?account=main")
        count = Counter(order["client_id"] for order in ledger["orders"])
    return {**spread(took), "orders": len(count), "orders twice": sum(number > 1 for number in count.values())}


async def cancelled(server: Server, nursery: Nursery, place: Path, rounds: int, losing: float) -> dict[str, Any]:
    """Return seconds from a kill by word until none of 100 resting orders is open at the exchange, and until the trader says so.

    On a clock that runs as ours does: what is lost is tried again by its time.
    """
    there, said = [], []
    for number in range(rounds):
        (place / str(number)).mkdir()
        async with bench(server, nursery, place / str(number), clock="1x") as running:
            await running.opened()
            house = running.world.houses[0]
            await stopped(house)
            await Crafter(running.world, house).orders(OPEN, resting=True)
            boots = await running.asked(BOOTS, (SESSION,))
            again(house)
            await running.holds(BOOTS, (SESSION,), boots + 1)
            await asyncio.sleep(12)  # the budget of requests is whole again, as it is in a session that waits
            running.losing = losing
            began_s = time.monotonic()
            word = asyncio.create_task(running._word(Command.KILL))
            there.append(await _none_open(running) - began_s)
            said.append(await running.holds(PENDING, (SESSION,), 0) - began_s)
            running.losing = 0.0
            await word
    return {"orders": OPEN, "at the exchange": spread(there), "confirmed in the journal": spread(said)}


async def _none_open(running: Bench) -> float:
    while True:
        ledger = await running.world.ask("GET", "/ledger?account=main")
        if not any(order["status"] in {"NEW", "PARTIALLY_FILLED"} for order in ledger["orders"]):
            return time.monotonic()
        await asyncio.sleep(0.01)


def measured(rounds: int, told: Callable[[str], None]) -> dict[str, Any]:
    """Return every figure, in seconds; `rounds` counts fail-overs, recoveries and, five times as many, kills in each way.

    `told` hears of each as it is measured.
    """
    nursery, found = Nursery(), dict[str, Any]()
    few = max(rounds // 5, 1)
    with cluster() as server, _load(found):
        for name, work in (
            ("recovery", lambda place: recovery(server, nursery, place, rounds)),
            ("recovery with 100 unknown orders", lambda place: recovery_with_orders(server, nursery, place, few)),
            ("fail-over", lambda place: failover(server, nursery, place, rounds)),
            ("kill", lambda place: kills(server, nursery, place, max(rounds * 5, 1))),
            ("kill cancels 100 orders", lambda place: cancelled(server, nursery, place, few, 0.0)),
            ("kill cancels 100 orders, 20 % of requests lost", lambda place: cancelled(server, nursery, place, few, 0.2)),
        ):
            with folder() as place:
                found[name] = asyncio.run(work(place))
            told(f"{name}: {json.dumps(found[name])}")
    return found
