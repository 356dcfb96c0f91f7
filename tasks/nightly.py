"""The nightly backtest of every plan: its figures beside those of the nights before, and what is wrong with them."""

import hashlib
from typing import Any

from tasks import backtesting, reach
from tasks.backtesting import Asked, Backtested
from tasks.collecting import DAY_MS
from tasks.subjects import Subject
from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import DataFault
from trader_core.model.money import to_text
from trader_core.settings import Settings
from trader_core.store.candles import candle_range
from trader_core.store.database import Connection, begin
from trader_core.store.instruments import find_instrument
from trader_core.store.nights import Night, last_nights, save_night
from trader_core.trader.process import code_hash


def figures(done: Backtested) -> dict[str, Any]:
    """Return what a backtest ended with, as plain values."""
    metrics = done.metrics
    return {
        "session_id": done.session_id, "digest": done.digest, "plan_digest": done.asked.plan.digest(), "from_ms": done.asked.from_ms,
        "to_ms": done.asked.to_ms, "return_ppm": metrics.return_ppm, "drawdown_ppm": metrics.drawdown_ppm, "trades": metrics.episodes,
        "fills": metrics.fills, "equity": to_text(metrics.equity_last), "fees": to_text(metrics.fees), "win_rate": metrics.win_rate,
        "profit_factor": metrics.profit_factor,
    }  # fmt: skip


def night(settings: Settings, subject: Subject) -> tuple[Night, list[Night]]:
    """Backtest a plan over its days of stored history up to the last whole day, store the night, and return it with those before.

    Raises UnknownName or DataFault when nothing is stored.
    """
    with reach.engine(settings) as engine:
        with begin(engine) as db:
            from_ms, to_ms = interval(db, subject)
            before = last_nights(db, subject.name)
        done = backtesting.run(engine, settings.folder(), Asked(subject.paper_plan(), subject.plan.venue, from_ms, to_ms))
        found = night_of(subject.name, done)
        with begin(engine) as db:
            save_night(db, found)
    return found, before


def night_of(name: str, done: Backtested) -> Night:
    """Return a backtest as a night; the hash of its data covers every bar that it read, the warm-up too."""
    data = hashlib.sha256(done.market.bars.tobytes()).hexdigest()
    metrics = done.metrics
    return Night(
        name, done.session_id, done.asked.plan.digest(), data, code_hash(), done.digest, metrics.return_ppm, metrics.drawdown_ppm,
        metrics.episodes, done.asked.from_ms, done.asked.to_ms,
    )  # fmt: skip


def interval(db: Connection, subject: Subject) -> tuple[int, int]:
    """Return [from, to): the plan's days of history up to the last whole UTC day that all its instruments have; raises DataFault."""
    plan = subject.plan
    ends = []
    for symbol in plan.symbols:
        instrument_id, _ = find_instrument(db, plan.venue, symbol)
        ends.append(candle_range(db, instrument_id, plan.timeframe)[1] + timeframe_ms(plan.timeframe))
    to_ms = min(ends) // DAY_MS * DAY_MS
    if to_ms <= 0:
        raise DataFault(f"a whole day of {plan.timeframe} bars of {', '.join(plan.symbols)}", "less", "run the flow `collect` first")
    return to_ms - plan.history_days * DAY_MS, to_ms
