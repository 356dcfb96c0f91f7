"""A whole world in one event loop: the embedded exchange, a real database, a trader; only the command line is left out."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from sandbox.config import Config
from sandbox.pairs import Rules
from sandbox.server import Sandbox, start
from tests.conftest import Database
from trader_core.evidence.permit import Level
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.plan import Limits, Plan
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.model.stage import StageName
from trader_core.store import commands, database, journal, permits, sessions
from trader_core.trader.examine import Examined, examine
from trader_core.trader.opening import Opener
from trader_core.trader.process import Trader
from trader_core.trader.records import Record, decode
from trader_core.trader.recovery import fold
from trader_core.trader.state import State

MINUTE_MS = 60_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
ENDED = (SessionStatus.FINISHED, SessionStatus.HALTED, SessionStatus.FAILED)
RULES = Rules(maker_ppm=500, taker_ppm=1000, notional_min=UNIT // 10)


@dataclass
class World:
    """What a test holds on to."""

    sandbox: Sandbox
    database: Database
    home: Path
    traders: list[Trader] = field(default_factory=list)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    number: int = 0
    engines: dict[str, Engine] = field(default_factory=dict)

    def engine(self, role: str) -> Engine:
        """Return this world's engine of a role."""
        if role not in self.engines:
            self.engines[role] = self.database.engine(role)
        return self.engines[role]

    def trader(self, account: str) -> Trader:
        """Start a trader of an account in this event loop."""
        engine = self.database.engine("trader")
        trader = Trader(engine, account, self.home)
        trader.run_session = Opener(engine, trader.thread, self.home, timeout_s=0.4)
        self.traders.append(trader)
        self.tasks.append(asyncio.create_task(trader.serve()))
        return trader

    def request(self, mode: SessionMode = SessionMode.STAGE, minutes: int = 20, end: StopPolicy = StopPolicy.KEEP, slow: int = 5) -> str:
        """Request a session of sma_cross 2/5, which trades often, with a permit where it needs one; a slower one holds for long."""
        new = self.new(mode, minutes, end, slow)
        with database.begin(self.engine("flow")) as db:
            if mode is SessionMode.STAGE:
                permits.issue(db, bypass(new))
        self.store(new)
        return new.session_id

    def new(
        self, mode: SessionMode = SessionMode.STAGE, minutes: int = 20, end: StopPolicy = StopPolicy.KEEP, slow: int = 5
    ) -> sessions.NewSession:  # fmt: skip
        """Return a session that is not requested yet."""
        self.number += 1
        plan = Plan("sma_cross", (("fast", 2), ("slow", slow)), SYMBOLS, "1m", 30 * UNIT, limits=Limits(positions_max=3))
        return sessions.NewSession(
            session_id=f"{mode}-{self.number}", mode=mode, account="paper" if mode is SessionMode.PAPER else "sandbox",
            venue="sandbox", stage=StageName.EUR_10, plan=plan, instruments=(), from_ms=0, until_ms=minutes * MINUTE_MS,
            stop_policy=end,
        )  # fmt: skip

    def store(self, new: sessions.NewSession) -> None:
        """Request it."""
        with database.begin(self.engine("flow")) as db:
            sessions.create_session(db, new)

    def row(self, session_id: str) -> sessions.SessionRow:
        """Return a session as stored."""
        with database.begin(self.engine("verify")) as db:
            return sessions.load_session(db, session_id)

    async def ended(self, session_id: str, within_s: float = 60.0) -> sessions.SessionRow:
        """Wait until a session has ended, and return it."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            row = self.row(session_id)
            if row.status in ENDED:
                return row
            await asyncio.sleep(0.02)
        raise AssertionError(f"{session_id} did not end: {self.row(session_id)}")

    async def stepped(self, session_id: str, slots: int, within_s: float = 60.0) -> None:
        """Wait until a session has stepped some slots."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            row = self.row(session_id)
            if row.from_ms and (row.next_ms - row.from_ms) // MINUTE_MS >= slots:
                return
            assert row.status is not SessionStatus.FAILED, row.error
            await asyncio.sleep(0.005)
        raise AssertionError(f"{session_id} did not come to slot {slots}")

    def say(self, account: str, command: Command, session_id: str | None = None, **args: str) -> int:
        """Record an operator's command."""
        with database.begin(self.engine("api")) as db:
            return commands.request(db, account, command, actor="test", reason="a test", session_id=session_id, args=args)

    def records(self, session_id: str) -> list[Record]:
        """Return a session's journal."""
        with database.begin(self.engine("verify")) as db:
            return [decode(row.kind, row.body) for row in journal.load(db, session_id)]

    def state(self, session_id: str) -> State:
        """Return the folded state."""
        return fold(self.records(session_id))

    def examine(self, session_id: str) -> Examined:
        """Examine a session against the exchange's own ledger."""
        with database.begin(self.engine("verify")) as db:
            return examine(db, session_id, self.placed())

    def placed(self) -> dict[str, int]:
        """Return how many orders the exchange really has per client id."""
        return dict(Counter(order.asked.client_id for order in self.sandbox.exchange.all_orders()))


@asynccontextmanager
async def world(database: Database, home: Path, config: Config | None = None) -> AsyncIterator[World]:
    """Yield a world whose exchange listens on loopback, and take all of it down."""
    sandbox = await start(config or Config(trend_bps=60, history_days=1, rules=RULES))
    (home / "run").mkdir(parents=True, exist_ok=True)
    (home / "run" / "sandbox.json").write_text(json.dumps(sandbox.announcement()))
    made = World(sandbox, database, home)
    try:
        yield made
    finally:
        for trader in made.traders:
            trader.stopping.set()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await sandbox.stop()


def bypass(new: sessions.NewSession) -> permits.NewPermit:
    """Return a rehearsal's permit for a session, for half an hour."""
    expires_ms = int(time.time() * 1000) + 30 * 60_000
    return permits.NewPermit(
        new.account, new.plan.recipe(new.venue), Level.LIMITED, new.stage, "bypass", rehearsal=True, expires_ms=expires_ms, actor="test",
        reason="a test of the trader",
    )  # fmt: skip


def fault(kind: str, when: str, nth: int = 1, count: int = 1, **params: Any) -> dict[str, Any]:
    """Return one fault on order creation."""
    return {"site": "POST /api/v3/order", "kind": kind, "when": when, "nth": nth, "count": count, "params": params}
