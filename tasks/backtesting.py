"""A backtest from stored bars to a finished session, for the command and for the flow."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from trader_core.engine import simulate, strategies
from trader_core.engine.simulate import Result
from trader_core.evidence.metrics import Metrics, book, episode_returns
from trader_core.model.plan import Plan
from trader_core.store.backtests import Market, Opened, digest_of, load_market, save_backtest, traded
from trader_core.store.database import Engine, begin
from trader_core.store.imports import check_collection
from trader_core.store.journal_files import write_journal

REHEARSAL = "sandbox"
"""The embedded exchange: what was tried on its market says so for ever."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, already read: a plan, where its bars are, and which interval [from, to) in epoch ms."""

    plan: Plan
    venue: str
    from_ms: int
    to_ms: int
    data_session: str | None = None


@dataclass(frozen=True, slots=True)
class Backtested:
    """A backtest that is stored; `engine_s` is what deciding and simulating took."""

    session_id: str
    asked: Asked
    market: Market
    result: Result
    metrics: Metrics
    disclosures: dict[str, Any]
    journal: Path
    engine_s: float

    @property
    def returns(self) -> list[float]:
        """Return each round trip's profit over what was paid for it, after costs."""
        return episode_returns(book(self.market.instruments, traded(self.result.fills))[0])

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of the plan and of everything that it did."""
        return digest_of(self.asked.plan, self.result)


def new_id() -> str:
    """Return the id of a backtest that begins now."""
    return f"b-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def load(engine: Engine, asked: Asked) -> tuple[Market, dict[str, Any]]:
    """Return the bars and what must be disclosed of them; raises UnknownName or DataFault."""
    plan = asked.plan
    disclosures: dict[str, Any] = {"rehearsal": True} if asked.venue == REHEARSAL else {}
    with begin(engine) as db:
        if asked.data_session:
            row = check_collection(db, asked.data_session, asked.venue, plan.timeframe, plan.symbols)
            disclosures["data"] = row.source
        lookback = strategies.lookback(plan.strategy, dict(plan.params))
        market = load_market(db, asked.venue, plan.symbols, plan.timeframe, (asked.from_ms, asked.to_ms), lookback)
    return market, disclosures


def decide(plan: Plan, market: Market) -> tuple[NDArray[Any], Result]:
    """Return the targets [T, N] and what came of them."""
    targets = strategies.targets_of(plan.strategy, dict(plan.params), market.bars)[market.warm :]
    return targets, simulate.run(plan, market.instruments, market.bars[market.warm :], targets)


def run(engine: Engine, home: Path, asked: Asked, session_id: str = "") -> Backtested:
    """Leave a finished session behind, with its journal per bar as a file, and return it; an id that is stored already stays."""
    market, disclosures = load(engine, asked)
    started = time.monotonic()
    targets, result = decide(asked.plan, market)
    engine_s = time.monotonic() - started
    session_id = session_id or new_id()
    journal = write_journal(home / "backtests", session_id, market, targets, result, digest_of(asked.plan, result))
    opened = Opened(session_id, asked.venue, asked.plan, asked.data_session, str(journal.relative_to(home)), disclosures)
    try:
        with begin(engine) as db:
            metrics = save_backtest(db, opened, market, result)
    except BaseException:
        journal.unlink()
        raise
    return Backtested(session_id, asked, market, result, metrics, disclosures, journal, engine_s)
