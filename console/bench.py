"""`gatehouse bench`: how fast the engine is here, on works that other engines do as well."""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, show
from trader_core.model.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trader_core.engine.simulate import Result
    from trader_core.model.bar import Bars
    from trader_core.model.instrument import Instrument
    from trader_core.model.plan import Plan

bench_app = typer.Typer(no_args_is_help=True, help="Measure the engine.")
MINUTES = 525_600
STAKE, CASH = 100, 100_000
"""What each buy may cost, and what the account starts with, in whole units."""
CROSS = {"fast": 20, "slow": 100}
GRID = [{"fast": fast, "slow": slow} for fast in range(5, 55, 5) for slow in range(60, 260, 20)]
WORKS = ("W1", "W2", "W3")
GRADES = ("all", "window", "none")


@dataclass(frozen=True, slots=True)
class Work:
    """What is timed: a market, and how its targets are decided."""

    instruments: "tuple[Instrument, ...]"
    bars: "Bars"
    grade: str
    threads: int = 1
    """On which targets are decided."""

    def targets(self, params: dict[str, int]) -> "NDArray[np.int64]":
        """Return the targets of the SMA cross; one that stands already when the market begins is no signal."""
        from trader_core.engine import strategies

        decide = strategies.targets_of if self.grade == "window" else strategies.targets_all
        return decide("sma_cross", params, self.bars, threads=self.threads)

    def plan(self, params: dict[str, int]) -> "Plan":
        """Return a plan that stakes 100 a trade, pays 0.1 % of fee and 0.1 % of slippage, with every layer and exit armed far away."""
        from trader_core.model.money import UNIT
        from trader_core.model.plan import Costs, Limits, Plan

        count = len(self.instruments)
        limits = Limits(
            positions_max=count, exposure_max=CASH * UNIT, order_max=2 * STAKE * UNIT, orders_per_instrument_day=10**6,
            orders_per_hour=10**6, drawdown_max_ppm=990_000, daily_loss_max=CASH * UNIT, losses_max=10**6, errors_max=10**6,
        )  # fmt: skip
        return Plan(
            "sma_cross", tuple(params.items()), tuple(one.symbol for one in self.instruments), "1m", STAKE * count * UNIT,
            stop_loss_ppm=900_000, take_profit_ppm=50_000_000, trailing_ppm=900_000, time_stop_ms=366 * 86_400_000, limits=limits,
            costs=Costs(slippage_ppm=1000, participation_ppm=1_000_000),
        )  # fmt: skip

    def simulate(self, params: dict[str, int], targets: "NDArray[np.int64]") -> "Result":
        """Return the run, from an account that holds its cash and knows the targets that stand already."""
        from trader_core.engine import simulate
        from trader_core.engine.core import on_mode
        from trader_core.engine.state import new_state
        from trader_core.model.money import UNIT

        plan = self.plan(params)
        account, slots = new_state(plan, len(self.instruments))
        for name in ("cash", "equity", "peak", "day_equity"):
            account[name] = CASH * UNIT
        on_mode(account, 0)
        slots["target"] = targets[min(params["slow"], len(targets)) - 1]
        return simulate.run(plan, self.instruments, self.bars, targets, state=(account, slots))

    def outcome(self, params: dict[str, int], ready: "NDArray[np.int64] | None" = None) -> tuple[int, float]:
        """Return how many times it bought, and what the account was worth at the end."""
        from trader_core.model.money import UNIT

        result = self.simulate(params, self.targets(params) if ready is None else ready)
        bought = result.fills["signal"][(result.fills["side"] > 0) & (result.fills["qty"] > 0)]
        return len(set(bought.tolist())), int(result.equity[-1]) / UNIT


@bench_app.command("backtest")
def backtest(
    *,
    work: Annotated[str, typer.Option(help="W1: one instrument; W2: ten that share cash; W3: a hundred parameter sets.")] = "W1",
    decide: Annotated[
        str, typer.Option(help="all: decided by a sweep; window: by the window alone, evidence grade; none: ready targets.")
    ] = "all",
    bars: Annotated[int, typer.Option(envvar="BARS", help="Bars per instrument, 300 to 525600: a year of minutes.")] = MINUTES,
    rounds: Annotated[int, typer.Option(help="Measured runs, 1 to 100; the median is shown.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Time an SMA cross over a year of minutes, decisions, fills, records and equity included; loading and compiling are not."""
    options.between("--bars", bars, 300, MINUTES)
    options.between("--rounds", rounds, 1, 100)
    if work.upper() not in WORKS:
        raise UnknownName(f"a work of {', '.join(WORKS)}", repr(work), "choose one of them")
    if decide not in GRADES or (decide == "none" and work.upper() == "W3"):
        raise UnknownName("a --decide of all, window, or (but for W3) none", repr(decide), "choose one of them")
    with show.working("Measuring"):
        show.answer(_measured(work.upper(), decide, bars, rounds), as_json=as_json)


@bench_app.command("step")
def step(
    *,
    rounds: Annotated[int, typer.Option(help="Calls that are measured, 100 to 1000000; the median is shown.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Time one bar of ten instruments as a trader takes it, from Python, and the guard alone."""
    import numpy as np

    from trader_core.engine import core, guard
    from trader_core.engine.layout import DECISION
    from trader_core.engine.state import grid_records, new_state, plan_record

    options.between("--rounds", rounds, 100, 1_000_000)
    instruments, bars = market(10, MINUTES)
    asked = Work(instruments, bars, "window")
    plan = asked.plan(CROSS)
    account, slots = new_state(plan, 10)
    core.on_mode(account, 0)
    record, grids, out = plan_record(plan), grid_records(asked.instruments, plan), np.zeros(10, DECISION)
    targets = np.zeros((2, 10), np.int64)
    targets[1] = 10_000
    ts, taken = [int(value) for value in asked.bars["ts"][:, 0]], []
    for k in range(1, min(2 * rounds, len(ts))):
        started = time.perf_counter()
        decided = core.on_bar(account, slots, record, grids, ts[k], asked.bars[k], targets[k % 2], out)
        ended = time.perf_counter()
        if decided == len(slots):  # every other bar wants all ten to buy
            taken.append(ended - started)
        slots["buying"], slots["buy_reserved"] = 0, 0  # forgotten, so that the next one may
        account["reserved"], account["positions"] = 0, 0
    ask = (account, slots, record, grids, 3, ts[-1], 3_000_000, 3_000_100, 10_000, 10_000)
    bar_us = 1e6 * statistics.median(taken)
    guard_us = 1e6 * statistics.median(_timed(lambda: guard.verdicts_of(*ask), rounds)[0])
    values = {"engine": "gatehouse", "instruments": 10, "bar_us": round(bar_us, 2), "guard_us": round(guard_us, 2), "bars": len(taken)}
    show.answer(values, as_json=as_json)


@bench_app.command("candles")
def candles(
    *,
    venue: Annotated[str, typer.Option(help="Venue whose stored bars are read.")],
    symbol: Annotated[str, typer.Option(help="One symbol.")],
    timeframe: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h or 1d.")] = "1m",
    rounds: Annotated[int, typer.Option(help="Measured reads, 1 to 100; the median is shown.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Time reading every stored bar of an instrument out of PostgreSQL into the engine's arrays."""
    from importlib import import_module

    from console import reach
    from trader_core.store.database import begin

    options.between("--rounds", rounds, 1, 100)
    stored, instruments = import_module("trader_core.store.candles"), import_module("trader_core.store.instruments")
    with reach.database(options.settings()) as server, reach.engine(server, "flow") as engine, begin(engine) as db:
        number, _ = instruments.find_instrument(db, options.venue(venue), options.symbols(symbol)[0])
        times, found = _timed(lambda: stored.load_bars(db, number, timeframe, 0, options.TS_MAX), rounds)
    seconds = statistics.median(times)
    values = {"rows": len(found), "read_s": round(seconds, 4), "rows_per_s": round(len(found) / seconds), "rss_mb": _peak_mb()}
    show.answer(values, as_json=as_json)


@bench_app.callback()
def bench() -> None:
    """Measure the engine."""


def market(count: int, minutes: int) -> Any:
    """Return the instruments and bars of console.bench_market, which is imported when it is needed."""
    from console import bench_market

    return bench_market.market(count, minutes)


def _measured(work: str, grade: str, minutes: int, rounds: int) -> dict[str, Any]:
    from importlib import metadata

    every = GRID if work == "W3" else [CROSS]
    instruments, bars = market(10 if work == "W2" else 1, minutes)
    asked = Work(instruments, bars, grade, 1 if len(every) > 1 else _cores())
    ready = asked.targets(CROSS) if grade == "none" else None
    threads = _cores()

    def run() -> list[tuple[int, float]]:
        if len(every) == 1:
            return [asked.outcome(params, ready) for params in every]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(asked.outcome, every))

    times, found = _timed(run, rounds)
    total = minutes * len(asked.instruments) * len(every)
    return {
        "engine": "gatehouse", "version": metadata.version("gatehouse"), "work": work, "decide": grade,
        "run_s": round(statistics.median(times), 6), "min_s": round(min(times), 6), "reps": rounds, "threads": threads, "bars": total,
        "bars_per_s": round(total / statistics.median(times)), "rss_mb": _peak_mb(),
        "trades": sum(count for count, _ in found), "equity": round(sum(worth for _, worth in found), 4),
    }  # fmt: skip


def _timed(work: Callable[[], Any], rounds: int) -> tuple[list[float], Any]:
    """Return the seconds of each round, the first one not counted, and what the last one returned."""
    found, taken = work(), []
    for _ in range(rounds):
        started = time.perf_counter()
        found = work()
        taken.append(time.perf_counter() - started)
    return taken, found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(bench_app, name="bench")
