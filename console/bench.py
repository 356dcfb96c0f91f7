"""`gatehouse bench`: how fast the engine is here, on a seeded market."""

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trader_core.model.instrument import Instrument

bench_app = typer.Typer(no_args_is_help=True, help="Measure the engine.")
MINUTES = 525_600
SEED = 7
PARAMS = {"fast": 10, "slow": 40}


@bench_app.command("backtest")
def backtest(
    *,
    minutes: Annotated[int, typer.Option(help="Bars per instrument, 100 to 2,000,000.")] = MINUTES,
    rounds: Annotated[int, typer.Option(help="Measured runs, 1 to 100; the median is shown.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Time decisions and simulation of sma_cross over a year of minutes, for one instrument and for ten."""
    options.between("--minutes", minutes, 100, 2_000_000)
    options.between("--rounds", rounds, 1, 100)
    values: dict[str, Any] = {}
    for count in (1, 10):
        with show.working(f"{count} x {minutes} bars"):
            values |= _measured(count, minutes, rounds)
    show.answer({"minutes": minutes, "rounds": rounds, **values}, as_json=as_json)


@bench_app.callback()
def bench() -> None:
    """Measure the engine."""


def _measured(count: int, minutes: int, rounds: int) -> dict[str, Any]:
    import numpy as np

    from trader_core.engine import simulate, strategies
    from trader_core.model.money import UNIT
    from trader_core.model.plan import Limits, Plan

    instruments, bars = _market(count, minutes)
    symbols = tuple(one.symbol for one in instruments)
    limits = Limits(positions_max=min(count, 5))
    plan = Plan("sma_cross", tuple(PARAMS.items()), symbols, "1m", 10_000 * UNIT, limits=limits)

    def decide() -> "NDArray[Any]":
        return np.stack([strategies.targets_of("sma_cross", PARAMS, bars[:, index]) for index in range(count)], axis=1)

    targets = decide()
    decide_s, simulate_s = _median_s(decide, rounds), _median_s(lambda: simulate.run(plan, instruments, bars, targets), rounds)
    result = simulate.run(plan, instruments, bars, targets)
    name = f"{count}_instruments" if count > 1 else "1_instrument"
    return {
        f"{name}_decide_ms": round(decide_s * 1000, 2), f"{name}_simulate_ms": round(simulate_s * 1000, 2),
        f"{name}_bars_per_s": round(count * minutes / simulate_s), f"{name}_fills": len(result.fills), f"{name}_digest": result.digest[:16],
    }  # fmt: skip


def _median_s(work: Callable[[], object], rounds: int) -> float:
    work()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _market(count: int, minutes: int) -> "tuple[tuple[Instrument, ...], NDArray[Any]]":
    """Return instruments and bars [T, N]: a geometric random walk around 20,000 with 0.08 % a minute, opened at the last close."""
    import numpy as np

    from trader_core.model.bar import BAR
    from trader_core.model.instrument import Instrument, freeze
    from trader_core.model.money import UNIT

    chance = np.random.default_rng(SEED)
    bars = np.zeros((minutes, count), BAR)
    steps = chance.normal(0, 0.0008, (minutes, count))
    close = np.maximum(np.rint(2_000_000 * np.exp(np.cumsum(steps - 0.0008**2 / 2, axis=0))), 100).astype(np.int64)
    open_ = np.vstack([np.full((1, count), 2_000_000, np.int64), close[:-1]])
    wick = np.abs(chance.normal(0, 0.0004, (minutes, count)))
    bars["ts"] = (1_672_531_200_000 + 60_000 * np.arange(minutes, dtype=np.int64))[:, None]
    bars["open"], bars["close"] = open_, close
    bars["high"] = np.rint(np.maximum(open_, close) * (1 + wick)).astype(np.int64)
    bars["low"] = np.maximum(np.rint(np.minimum(open_, close) * (1 - wick)), 1).astype(np.int64)
    bars["volume"] = 10**9
    plain = [Instrument("bench", f"C{index}/USD", f"C{index}", "USD", 2, 5, 1, 1, 1, UNIT, 1000, 1000) for index in range(count)]
    return tuple(freeze(one, int(bars["high"][:, index].max())) for index, one in enumerate(plain)), bars


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(bench_app, name="bench")
