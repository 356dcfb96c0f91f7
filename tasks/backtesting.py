"""A backtest from stored bars to a finished session, for the command and for the flow."""

import os
import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import simulate, strategies
from trader_core.engine.coarse import coarsen, spread
from trader_core.engine.simulate import Result
from trader_core.evidence.causality import require_causal
from trader_core.evidence.excursions import Excursions
from trader_core.evidence.metrics import Metrics, book, episode_returns
from trader_core.model.bar import Bars, timeframe_ms
from trader_core.model.errors import DataFault, OutOfRange
from trader_core.model.plan import Plan
from trader_core.store.backtests import Opened, digest_of, save_backtest, traded
from trader_core.store.database import Connection, Engine, begin
from trader_core.store.imports import check_collection
from trader_core.store.journal_files import Journal, journal
from trader_core.store.markets import Market, open_market

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
    fills: str = ""
    """A finer timeframe whose bars fill what the plan's timeframe decides; empty: its own."""

    @property
    def ratio(self) -> int:
        """Return how many bars that fill make one that decides."""
        return timeframe_ms(self.plan.timeframe) // timeframe_ms(self.fills) if self.fills else 1

    def check(self) -> None:
        """Raise OutOfRange unless whole bars that fill make whole bars that decide, from the first to the last."""
        step_ms = timeframe_ms(self.plan.timeframe)
        if self.fills and (step_ms % timeframe_ms(self.fills) or timeframe_ms(self.fills) >= step_ms):
            raise OutOfRange(f"fills by a timeframe that divides {self.plan.timeframe}", self.fills, "for example 1m")
        if self.fills and (self.from_ms % step_ms or self.to_ms % step_ms):
            raise OutOfRange(f"an interval of whole bars of {self.plan.timeframe}", f"{self.from_ms} to {self.to_ms}", "round it")


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
    excursions: dict[str, int]

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


def open_(db: Connection, asked: Asked) -> tuple[Market, dict[str, Any]]:
    """Return the market and what must be disclosed of it; raises UnknownName or DataFault."""
    plan = asked.plan
    disclosures: dict[str, Any] = {"rehearsal": True} if asked.venue == REHEARSAL else {}
    if asked.data_session:
        row = check_collection(db, asked.data_session, asked.venue, plan.timeframe, plan.symbols)
        disclosures["data"] = row.source
    asked.check()
    require_causal(plan)
    lookback = strategies.plan_lookback(plan) * asked.ratio
    timeframe = asked.fills or plan.timeframe
    market = open_market(db, asked.venue, plan.symbols, timeframe, (asked.from_ms, asked.to_ms), lookback)
    market.align = asked.ratio
    return market, disclosures


def decided_on(plan: Plan, bars: Bars, ratio: int) -> NDArray[np.int64]:
    """Return the targets [T, N] for bars [T, N] that fill, `ratio` of which make one that decides."""
    threads = os.cpu_count() or 1
    if ratio == 1:
        return strategies.plan_targets(plan, bars, threads=threads)
    return spread(strategies.plan_targets(plan, coarsen(bars, ratio), threads=threads), ratio)


class Played(NamedTuple):
    """What came of a plan on a market, the seconds that the engine took, and how far its round trips went for and against it."""

    result: Result
    engine_s: float
    excursions: dict[str, int]


def played(plan: Plan, market: Market, db: Connection, written: Journal) -> Played:
    """Play a plan on a market that is read, and a journal that is written, piece by piece."""
    on_grid = replace(plan, timeframe=market.timeframe)  # the engine steps on the bars that fill
    parts = simulate.Joined(market.slots)
    engine_s, decided, seen = 0.0, False, Excursions(market.instruments, market.step_ms)
    for bars, warm in market.pieces(db):
        started = time.monotonic()
        targets = decided_on(plan, bars, market.align)[warm:]
        part = simulate.run(on_grid, market.instruments, bars[warm:], targets, state=parts.state)
        parts.add(part)
        engine_s += time.monotonic() - started
        decided = decided or bool((targets >= 0).any())
        written.write(bars[warm:], targets, part)
        seen.feed(bars[warm:], traded(part.fills))
    if not decided:
        expected = f"a window of {market.lookback // market.align} bars without a gap, for {plan.strategy} to decide on"
        raise DataFault(expected, f"none in {market.slots} slots", "take a longer interval, collect more bars, or a shorter window")
    result = parts.result()
    written.digest = digest_of(plan, result)
    return Played(result, engine_s, seen.figures())


def run(engine: Engine, home: Path, asked: Asked, session_id: str = "") -> Backtested:
    """Leave a finished session behind, with its journal per bar as a file, and return it; an id that is stored already stays."""
    session_id = session_id or new_id()
    with begin(engine) as db:
        market, disclosures = open_(db, asked)
        with journal(home / "backtests", session_id, market) as written:
            result, engine_s, excursions = played(asked.plan, market, db, written)
    opened = Opened(session_id, asked.venue, asked.plan, asked.data_session, str(written.path.relative_to(home)), disclosures)
    try:
        with begin(engine) as db:
            metrics = save_backtest(db, opened, market, result, excursions)
    except BaseException:
        written.path.unlink()
        raise
    return Backtested(session_id, asked, market, result, metrics, disclosures, written.path, engine_s, excursions)
