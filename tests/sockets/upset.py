"""The director of one run: it counts what passes, strikes as the plan says, and speaks for the operators."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from signal import SIGCONT, SIGSTOP
from typing import Any, NamedTuple

from simulation.plans import ABOUT_TO, HAS_LEFT, source
from tests.sockets.plans import COMMITTING, LEFT, MOMENT, ORDER, PASSES, REQUEST, SENDING, Chaos, SockPlan, Strike, Word
from tests.sockets.wires import Wire
from tests.sockets.world import ACCOUNT, House, World
from trader_core.model.command import Command
from trader_core.model.session import PAUSE_SENTINEL, SENTINEL
from trader_core.store import commands, database

LOSSY_S = 2.0
STIRS = {ORDER: ABOUT_TO, LEFT: HAS_LEFT, SENDING: COMMITTING, REQUEST: PASSES}
"""Site -> what a word calls the same moment."""
PROCESS = frozenset({Chaos.CRASH, Chaos.PAUSED, Chaos.OVERTAKEN})


class Kill(NamedTuple):
    """A kill that was said, and from when to when nothing may leave; in seconds of the machine's steady clock."""

    by: str
    at_s: float
    until_s: float = float("inf")


class Arrival(NamedTuple):
    """An order's bytes at the wire: when, whose, and whether the database had its SENDING then."""

    at_s: float
    client_id: str
    written_ahead: bool


@dataclass(eq=False)
class Upset:
    """One plan in progress, as the director of all wires."""

    plan: SockPlan
    world: World
    armed: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    arrivals: list[Arrival] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    lossy_until_s: float = 0.0
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    holder: int = 0
    """The house of whoever sent or wrote last."""

    def __post_init__(self) -> None:
        self._chance = source(self.plan.seed, "lossy")

    # what the wires ask

    async def passes(self, wire: Wire, site: str, client_id: str = "") -> Sequence[Strike]:
        """Count one more at a site and return what strikes it."""
        if site != REQUEST:
            self.holder = int(wire.name.rpartition(" ")[2])
        if site == ORDER:
            arrived_s = time.monotonic()
            self.arrivals.append(Arrival(arrived_s, client_id, await self.world.is_sending(client_id)))
        return self._stirred(site)

    def left(self, wire: Wire, client_id: str) -> None:
        """An order's bytes went on."""
        self._stirred(LEFT)

    def is_lost(self) -> bool:
        """Return whether this request is lost by chance."""
        lost = time.monotonic() < self.lossy_until_s and self._chance.random() < 0.2
        if lost:
            self.fired[Chaos.LOSSY] += 1
        return lost

    def _stirred(self, site: str) -> list[Strike]:
        if not self.armed:
            return []
        self.seen[site] += 1
        for word in self.plan.commands:
            if word.stir == STIRS.get(site) and word.nth == self.seen[site]:
                self.go_on(self.say(word, word.delay_ms / 1_000))
        found = [one for one in self.plan.faults if one.site == site and one.nth == self.seen[site]]
        if site == REQUEST:
            for strike in self.plan.faults:
                if strike.site == MOMENT and strike.nth == self.seen[site]:
                    self.go_on(self.moment(strike))
        for strike in found:
            if strike.kind in PROCESS:
                self._process(strike)
            else:
                self.fired[strike.kind] += 1
        return [one for one in found if one.kind not in PROCESS]

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # what strikes by itself

    def _process(self, strike: Strike) -> None:
        house = self.world.houses[self.holder]
        if house.process is None or not house.process.is_alive():
            return
        self.fired[strike.kind] += 1
        if strike.kind is Chaos.CRASH:
            house.kill(strike.value)
            return
        house.signal(SIGSTOP)
        if strike.kind is Chaos.OVERTAKEN:
            house.wire.away = True
            house.wire.cut()
        self.go_on(self._goes_on(house, strike))

    async def _goes_on(self, house: House, strike: Strike) -> None:
        await asyncio.sleep(strike.value / 1_000)
        house.signal(SIGCONT)
        if strike.kind is Chaos.OVERTAKEN:
            await asyncio.sleep(0.2)  # what it does first, it does on the word of memory
            house.wire.away = False

    async def moment(self, strike: Strike) -> None:
        house = self.world.houses[self.holder]
        if strike.kind in PROCESS:
            self._process(strike)
            return
        if strike.kind is Chaos.LOSSY:
            self.lossy_until_s = time.monotonic() + LOSSY_S
            return
        self.fired[strike.kind] += 1
        wire: Wire = house.venue if strike.kind in {Chaos.EXCHANGE_AWAY, Chaos.EXCHANGE_STALLS} else house.wire
        if strike.kind in {Chaos.EXCHANGE_AWAY, Chaos.DATABASE_AWAY}:
            await wire.gone(strike.value)
        elif strike.kind in {Chaos.EXCHANGE_STALLS, Chaos.DATABASE_STALLS}:
            await wire.stall(strike.value)
        elif strike.kind is Chaos.DATABASE_CUT:
            wire.cut_after = strike.value
        else:
            wire.cut()

    # what operators say

    async def say(self, word: Word, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if not self.armed:
            return
        self.said[f"{word.command} by {word.by}"] += 1
        if word.command is Command.RESUME:
            self._resume()
        if word.by == "file":
            name = SENTINEL if word.command is Command.KILL else PAUSE_SENTINEL
            for house in self.world.houses:
                (house.home / name).write_text("a plan")
        elif word.by == "switch":
            await asyncio.to_thread(self._switch, str(word.command), True)
        else:
            await self._word(word.command)
        if word.command is Command.KILL:
            self.kills.append(Kill(word.by, time.monotonic()))

    async def _word(self, command: Command) -> None:
        def ask() -> int:
            with database.begin(self.world.engine("api")) as db:
                return commands.request(db, ACCOUNT, command, actor="plan", reason="a plan")

        def outcome() -> str | None:
            with database.begin(self.world.engine("api")) as db:
                return commands.outcome_of(db, number)

        if command is Command.RESUME:
            for name in ("kill", "pause"):
                await asyncio.to_thread(self._switch, name, False)
        number = await asyncio.to_thread(ask)
        while await asyncio.to_thread(outcome) is None:  # noqa: ASYNC110 - a row sets no event here
            await asyncio.sleep(0.04)

    def _switch(self, name: str, is_on: bool) -> None:  # noqa: FBT001 - the switch's own value
        with database.begin(self.world.engine("api")) as db:
            commands.set_switch(db, name, is_on=is_on, actor="plan", reason="a plan")

    def _resume(self) -> None:
        self.kills = [kill if kill.until_s < float("inf") else kill._replace(until_s=time.monotonic()) for kill in self.kills]
        for house in self.world.houses:
            for name in (SENTINEL, PAUSE_SENTINEL):
                (house.home / name).unlink(missing_ok=True)
