"""One run: the plan's faults against real processes, then the calm, then what the exchange and the journal say of it."""

import asyncio
import time
from pathlib import Path
from signal import SIGCONT
from typing import Any

from deployments.postgres import Server
from tests.integration.world import MINUTE_MS, bypass
from tests.sockets import child
from tests.sockets.checker import Outcome, gathered, judged
from tests.sockets.draw import SYMBOLS
from tests.sockets.plans import SockPlan
from tests.sockets.upset import Upset
from tests.sockets.world import ACCOUNT, PACE_MS, SESSION, Nursery, World
from trader_core.model.money import UNIT
from trader_core.model.plan import Limits, Plan
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.model.stage import StageName
from trader_core.store import database, permits, sessions

CALM_SLOTS = 12
OPENS_S, CALM_S = 150.0, 150.0
"""How long a session may take to open, and to step another slot or to end once nothing fails any more."""
USUAL = (
    "--planted-trend", "60", "--history-days", "1", "--taker-ppm", "1000", "--maker-ppm", "500", "--notional-min", "0.1",
)  # fmt: skip
"""What every plan's exchange is started with."""
ENDED = (SessionStatus.FINISHED, SessionStatus.HALTED, SessionStatus.FAILED)


class Run(Upset):
    """One plan from its first process to its outcome."""

    async def go(self) -> Outcome:
        """Run the plan and return what was found; raises TimeoutError where the world itself does not come up."""
        began_s = time.monotonic()
        await asyncio.to_thread(self.request)
        self.world.start()
        await self.until(lambda row: row.from_ms and row.next_ms > row.from_ms, OPENS_S)
        await self.world.ask("POST", "/faults", {"seed": self.plan.seed, "rules": list(self.plan.venue)})
        for house in self.world.houses:
            house.venue.pace_ms = PACE_MS if self.plan.clock == "stepped" else 0
        self.armed = True
        await asyncio.to_thread(self.grant, self.plan.slots)
        safety_s = 12.0 if self.plan.clock == "stepped" else self.plan.slots + 8.0
        done = self.plan.slots * MINUTE_MS
        await self.until(lambda row: row.next_ms - row.from_ms >= done or row.status in ENDED, safety_s, strict=False)
        await self.calm()
        row = await self.ended()
        unsaid = await self._answers()
        kinds = (await self.world.ask("GET", "/faults"))["kinds"]
        self.fired.update({f"venue {name}": counts["fired"] for name, counts in kinds.items() if counts["fired"]})
        evidence = await gathered(self.world, row, self.arrivals, self.kills, unsaid)
        return judged(self.plan, evidence, self.fired, self.said, time.monotonic() - began_s)

    async def ended(self) -> sessions.SessionRow:
        """Wait until the session has ended, or has not moved for long, and return it: a busy machine is only slow."""
        before = -1
        while True:
            row = await self.until(lambda row, seen=before: row.status in ENDED or row.next_ms != seen, CALM_S, strict=False)
            if row.status in ENDED or row.next_ms == before:
                return row
            before = row.next_ms

    async def _answers(self) -> int:
        """Wait for what is still said, and return how many words nobody answered."""
        waiting = list(self.tasks)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=10)
            for task in late:
                task.cancel()
            return len(late)
        return 0

    async def calm(self) -> None:
        """Take every fault away, start every process again, and grant the rest."""
        self.armed = False
        self.lossy_until_s = 0.0
        await self.world.ask("DELETE", "/faults")
        for house in self.world.houses:
            house.venue.calm()
            house.wire.calm()
            house.signal(SIGCONT)
            house.kill()
        await asyncio.to_thread(self.grant, self.plan.slots + CALM_SLOTS)  # a trader's own transaction comes through this loop

    def request(self) -> None:
        """Request the session with its permit; one slot is granted."""
        symbols = SYMBOLS[: self.plan.symbols]
        plan = Plan("sma_cross", (("fast", 2), ("slow", 5)), symbols, "1m", 30 * UNIT, limits=Limits(positions_max=3))
        until_ms = (self.plan.slots + CALM_SLOTS) * MINUTE_MS
        new = sessions.NewSession(
            session_id=SESSION, mode=SessionMode.STAGE, account=ACCOUNT, venue="sandbox", stage=StageName.EUR_10, plan=plan,
            instruments=(), from_ms=0, until_ms=until_ms, stop_policy=StopPolicy.KEEP, granted_ms=MINUTE_MS,
        )  # fmt: skip
        with database.begin(self.world.engine("flow")) as db:
            permits.issue(db, bypass(new))
            sessions.create_session(db, new)

    def grant(self, slots: int) -> None:
        """Let the session step so many slots in all."""
        with database.begin(self.world.engine("flow")) as db:
            sessions.grant(db, SESSION, slots * MINUTE_MS)

    def row(self) -> sessions.SessionRow:
        """Return the session as stored."""
        with database.begin(self.world.engine("verify")) as db:
            return sessions.load_session(db, SESSION)

    async def until(self, holds: Any, within_s: float, *, strict: bool = True) -> sessions.SessionRow:
        """Wait until the session's row is so and return it; when it never is, raise TimeoutError with the logs, or return it as it is."""
        until_s = time.monotonic() + within_s
        while True:
            row = await asyncio.to_thread(self.row)
            if holds(row):
                return row
            if time.monotonic() > until_s:
                if strict:
                    raise TimeoutError(f"{row}\n" + "\n".join(house.log()[-3_000:] for house in self.world.houses))
                return row
            await asyncio.sleep(0.08)


async def run(plan: SockPlan, server: Server, nursery: Nursery, folder: Path, bug: str = "") -> Outcome:
    """Run a plan in a new folder and return what was found."""
    world = World(server, folder, nursery)
    running = Run(plan, world)
    options = ("--seed", str(plan.seed % 2**31), "--dialect", plan.dialect, "--clock", plan.clock, "--market", plan.market, *USUAL)
    try:
        await world.build(options, plan.traders, running, bug, child.TIMEOUT_S)
        return await running.go()
    finally:
        for task in list(running.tasks):
            task.cancel()
        await world.take_down()
