"""Compile everything that a command uses into the cache folder: `python -m trader_core.engine.warm`."""

import sys
import time

import numpy as np

from trader_core.engine import coarse, core, fills, guard, kernel, simulate, strategies
from trader_core.engine.layout import DECISION
from trader_core.engine.state import grid_records, new_state, plan_record
from trader_core.model.bar import BAR, timeframe_ms
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import UNIT
from trader_core.model.plan import Plan

BARS = 300


def warm() -> None:
    """Call every compiled function once with the types that all callers use."""
    instrument = freeze(Instrument("warm", "A/B", "A", "B", 2, 8, 1, 1, 0, 0, 0, 0), 1000)
    plan = Plan("sma_cross", (), ("A/B",), "1m", 100 * UNIT)
    bars, targets = np.zeros((BARS, 1), BAR), np.zeros((BARS, 1), np.int64)
    bars["ts"][:, 0] = np.arange(1, BARS + 1) * timeframe_ms(plan.timeframe)
    for name in ("open", "high", "low", "close"):
        bars[name] = 100
    simulate.run(plan, (instrument,), bars, targets)
    coarse.coarsen(bars, 5)
    account, slots = new_state(plan, 1)
    record, grids = plan_record(plan), grid_records((instrument,), plan)
    core.on_bar(account, slots, record, grids, 60_000, bars[0], targets[0], np.zeros(4, DECISION))
    core.on_fill(account, slots, record, grids, 0, 1, 1, 100, 0, 0, 60_000)
    guard.verdicts_of(account, slots, record, grids, 0, 60_000, 100, 100, 1, 1)
    fills.fill_of(record, grids, bars[0], 0, 1, 1, 100, 100)
    core.on_fee(account, slots, grids, 0, 100, 0, 0, 0, 0)
    core.on_release(account, slots, record, grids, 0, 1, 1, 0)
    core.on_exit(account, slots, record, grids, 0, 60_000, np.zeros(4, DECISION))
    core.sellable_now(slots, record, grids, 0)
    core.stop_wanted(slots, record, grids, 0)
    core.on_protect(account, slots, record, grids, 0, 60_000, np.zeros(4, DECISION))
    core.on_operator(account, slots, 0, core.RESET_BREAKER)
    for strategy in strategies.STRATEGIES.values():
        params = strategies.parse_params(strategy, {})
        strategies.targets_of(strategy.name, params, bars)


if __name__ == "__main__":
    started = time.perf_counter()
    warm()
    sys.stdout.write(f"engine compiled into {kernel.cache_folder()} in {time.perf_counter() - started:.1f} s\n")
