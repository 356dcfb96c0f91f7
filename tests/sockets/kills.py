"""Kill accepted -> nothing more is sent: a mill of orders through the real gateway, stopped again and again in three ways."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from deployments.postgres import Server
from tests.sockets.bench import Bench, bench
from tests.sockets.world import ACCOUNT, Nursery
from trader_core.model.command import Command
from trader_core.model.instrument import Instrument
from trader_core.model.session import SENTINEL, Side
from trader_core.store import commands, database
from trader_core.store.database import open_engine
from trader_core.trader import events as ev
from trader_core.trader.control import Control
from trader_core.trader.process import Running, Trader
from trader_core.venues.link import Link, connect
from trader_core.venues.port import SendRequest
from trader_core.venues.sandbox_clock import SteppedClock

WORKERS = 4
QUIET_S = 0.15
SLACK_S = 0.05
"""Later than so long after a kill nothing may come, whatever the machine does."""
SYMBOLS = ("BTC/USDT",)
BUDGET_MS = 10_000
"""Within so much of the exchange's time the budget of requests is full again."""


class Mill:
    """Sends one order after the other for as long as the gate lets it."""

    def __init__(self, link: Link, control: Control, instrument: Instrument) -> None:
        self.link, self.control, self.instrument, self.number = link, control, instrument, 0

    async def run(self) -> None:
        """Send until cancelled; far below the market, so that nothing fills."""
        while True:
            self.number += 1
            now_ms = self.link.feed.now_ms()
            request = SendRequest(f"gh{self.number}", self.instrument.symbol, Side.BUY, 100, 5_000_000, now_ms, 5_000)
            await self.link.gateway.submit(request)
            await asyncio.sleep(0.01 if self.control.killed() else 0)


async def kills(server: Server, nursery: Nursery, place: Path, rounds: int) -> dict[str, Any]:
    """Return for each way seconds from the accepted kill to the last order at the wire, and how many came after that was over."""
    found: dict[str, Any] = {}
    async with bench(server, nursery, place) as running:
        house = running.world.houses[0]
        engine = open_engine(house.url.replace("postgresql://", "postgresql+psycopg://") + "&options=-c%20role%3Dgatehouse_trader")
        trader = Trader(engine, ACCOUNT, house.home)
        serving = asyncio.create_task(trader.serve())
        await asyncio.wait_for(trader.held.wait(), 60)
        control = Control(sentinel=trader.sentinel, lease_until_ok=trader.lease_ok)
        trader.running["bench"] = Running(control, asyncio.create_task(asyncio.sleep(10**6)))
        link = await connect("sandbox", house.home, SYMBOLS, "1m", lambda _: control.killed() or None, private=True)
        instruments = (await link.gateway.instruments(list(SYMBOLS))).value
        assert instruments is not None
        link.gateway.use(instruments)
        mill = Mill(link, control, instruments[0])
        workers = [asyncio.create_task(mill.run()) for _ in range(WORKERS)]
        try:
            for way in ("in process", "switch", "file, database away"):
                house.wire.away = way.startswith("file")
                if house.wire.away:
                    house.wire.cut()
                found[way] = await _rounds(running, trader, mill, way, rounds)
        finally:
            for task in (*workers, trader.running["bench"].task):
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await link.close()
            house.wire.away = False
            trader.stopping.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(serving, 20)
    return found


async def _rounds(running: Bench, trader: Trader, mill: Mill, way: str, rounds: int) -> dict[str, Any]:
    from tests.sockets.figures import spread  # noqa: PLC0415 - it measures with this

    took, after, sent = [], 0, 0
    for number in range(rounds):
        await _flows(running)
        accepted_s = await _kill(running, trader, way, number)
        await asyncio.sleep(QUIET_S)
        later = [at_s - accepted_s for at_s in running.arrived if at_s > accepted_s]
        took.append(max(later, default=0.0))
        after += sum(late_s > SLACK_S for late_s in later)
        sent += len(running.arrived)
        running.arrived.clear()
        await _revive(running, trader, mill, way)
    return {**spread(took), "orders sent": sent, "sends after": after}


async def _flows(running: Bench) -> None:
    """Wait until orders flow."""
    running.arrived.clear()
    async with asyncio.timeout(60):
        while len(running.arrived) < 8:  # noqa: ASYNC110 - orders set no event
            await asyncio.sleep(0.005)


async def _kill(running: Bench, trader: Trader, way: str, number: int) -> float:
    """Kill, and return when that was accepted."""
    if way == "in process":
        trader.desk._hand(trader.running["bench"], ev.Operator(Command.KILL, number + 1, "bench", "a bench", 0, 0), {})
        return time.monotonic()
    if way == "switch":
        return await asyncio.to_thread(_switched, running, True)
    (running.world.houses[0].home / SENTINEL).write_text("a bench")
    return time.monotonic()


def _switched(running: Bench, is_on: bool) -> float:  # noqa: FBT001 - the switch's own value
    with database.begin(running.world.engine("api")) as db:
        commands.set_switch(db, "kill", is_on=is_on, actor="bench", reason="a bench")
    return time.monotonic()


async def _revive(running: Bench, trader: Trader, mill: Mill, way: str) -> None:
    """Let orders flow again; the exchange's clock goes on a little, so that no budget ends."""
    if way == "switch":
        await asyncio.to_thread(_switched, running, False)
    (running.world.houses[0].home / SENTINEL).unlink(missing_ok=True)
    trader.running["bench"].killed = ""
    async with asyncio.timeout(30):
        while trader.kill:  # noqa: ASYNC110 - the round clears it
            await asyncio.sleep(0.01)
    mill.control.kill = ""
    mill.control.inbox.clear()
    assert isinstance(mill.link.clock, SteppedClock), "the bench steps its exchange"
    await mill.link.clock.advance(mill.link.feed.now_ms() + BUDGET_MS)
