"""The nightly backtest of every plan: its figures beside those of the nights before, and what is wrong with them."""

import time
from typing import Any

from tasks import backtesting, collecting, reach, telling
from tasks.backtesting import Asked, Backtested
from tasks.collecting import DAY_MS
from tasks.subjects import Subject
from trader_core.evidence.backtest_gate import NightFigures, nightly_finding
from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import DataFault, UnknownName
from trader_core.model.money import to_text
from trader_core.settings import Settings
from trader_core.store.candles import candle_range
from trader_core.store.database import Connection, begin
from trader_core.store.instruments import find_instrument
from trader_core.store.nights import Night, last_nights, save_alert, save_night
from trader_core.trader.code import code_hash


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
    metrics, plan = done.metrics, done.asked.plan.digest()
    return Night(
        name, done.session_id, plan, done.market.data, code_hash(), done.digest, metrics.return_ppm, metrics.drawdown_ppm,
        metrics.episodes, done.asked.from_ms, done.asked.to_ms,
    )  # fmt: skip


def days_behind(settings: Settings, subject: Subject) -> int:
    """Return how many days reach back from now over all that is not stored yet, and one more for late revisions.

    0, the plan's whole history, while a part of that is not stored. Raises VenueUnavailable.
    """
    plan, now_ms = subject.plan, collecting.venue_now_ms(settings, subject)
    with reach.transaction(settings) as db:
        try:
            ranges = [candle_range(db, find_instrument(db, plan.venue, symbol)[0], plan.timeframe) for symbol in plan.symbols]
        except UnknownName:
            return 0
    firsts, lasts, _ = zip(*ranges, strict=True)
    if not all(lasts) or max(firsts) > now_ms - (plan.history_days - 1) * DAY_MS:
        return 0
    return int(min((now_ms - min(lasts)) // DAY_MS + 2, plan.history_days))


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


def run(settings: Settings, subject: Subject) -> dict[str, Any]:
    """Backtest a plan for the night, tell what must not be or what left its own interval, and return the night as a row."""
    found, before = night(settings, subject)
    wrong = nightly_finding(_as_figures(found), [_as_figures(one) for one in before])
    if wrong:
        with reach.transaction(settings) as db:
            save_alert(db, found.plan_name, found.session_id, wrong)
        telling.tell(
            settings, "nightly", "critical" if "never" in wrong else "warning", f"Nightly backtest of {subject.name}", wrong,
            f"night {found.session_id}", session=found.session_id,
        )  # fmt: skip
    return row_of(found) | {"alert": wrong}


def _as_figures(one: Night) -> NightFigures:
    return NightFigures(one.inputs, one.result_digest, one.return_ppm)


def row_of(one: Night) -> dict[str, Any]:
    """Return a night as a row of a table that people read."""
    day = time.strftime("%Y-%m-%d", time.gmtime(one.to_ms / 1000))
    return {
        "plan": one.plan_name, "up to": day, "return": f"{one.return_ppm / 10_000:.2f} %",
        "drawdown": f"{one.drawdown_ppm / 10_000:.2f} %", "round trips": one.trades, "result": one.result_digest[:12],
        "data": one.data_hash[:12], "alert": one.alert, "session_id": one.session_id, "return_ppm": one.return_ppm,
    }  # fmt: skip


def rows(settings: Settings, plan: str) -> list[dict[str, Any]]:
    """Return a plan's last nights as rows, newest first."""
    with reach.transaction(settings) as db:
        return [row_of(one) for one in last_nights(db, plan)]
