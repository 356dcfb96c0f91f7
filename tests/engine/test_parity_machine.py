"""The day-one test: the machine on the simulated venue does to the last byte what a simulation does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import builders
from trader_core.engine.layout import DECISION, FILL
from trader_core.engine.simulate import run, simulate
from trader_core.engine.state import grid_records, new_state, plan_record, state_bytes
from trader_core.model.bar import Bars
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.model.session import Mode, SessionMode
from trader_core.trader.control import Control
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record, decode, encode
from trader_core.trader.recovery import fold, full_digest, opening
from trader_core.trader.shell import Shell
from trader_core.trader.state import State
from trader_core.venues.simulated import SimulatedVenue

SLOTS = 120
GRIDS: tuple[dict[str, Any], ...] = (
    {},
    {"qty_exp": 2, "fee_in_base": True, "qty_min": 3},
    {"price_exp": 2, "qty_exp": 10, "lot": 10_000_000, "tick": 5},
    {"lot": 25, "taker_ppm": 2_500},
)


class ListedFeed:
    """Bars from memory, and missing ones behind their end; its clock stands at the close of the last slot that was handed out."""

    def __init__(self, bars: Bars) -> None:
        self.bars, self.at = bars, -1

    async def next_slot(self, slot_ms: int) -> Bars:
        self.at = (slot_ms - builders.START_MS) // builders.STEP_MS
        row: Bars = self.bars[self.at] if self.at < len(self.bars) else np.zeros_like(self.bars[0])
        return row

    async def history(self, from_ms: int, to_ms: int) -> Bars:
        return self.bars[:0]

    def now_ms(self) -> int:
        return builders.START_MS + (self.at + 1) * builders.STEP_MS

    async def close(self) -> None:
        """Hold nothing."""


class ListedDecider:
    """Targets from memory, one row per slot."""

    lookback = 1
    faults: tuple[tuple[str, str], ...] = ()

    def __init__(self, targets: NDArray[np.int64]) -> None:
        self.rows = iter(targets)

    def push(self, bars: Bars, _now_ms: int) -> NDArray[np.int64]:
        return next(self.rows)

    def warm(self, history: Bars) -> None:
        """Need no window."""


@dataclass
class MemoryJournal:
    """Encoded lines, as a database would give them back."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)

    async def commit(self, records: Sequence[Record], state: State) -> None:
        self.lines += [(str(record.kind), encode(record.body)) for record in records]

    def records(self) -> list[Record]:
        return [decode(kind, body) for kind, body in self.lines]


class WatchedShell(Shell):
    """The real shell, which notes the engine's bytes after each slot."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.seen: list[bytes] = []

    async def slot(self, ts_ms: int) -> None:
        await super().slot(ts_ms)
        self.seen.append(state_bytes(self.state.account, self.state.slots))


def traded(count: int, **changes: Any) -> tuple[Plan, tuple[Instrument, ...]]:
    symbols = tuple(f"{name}/USDT" for name in ("BTC", "ETH", "SOL", "ADA")[:count])
    costs = {"slippage_ppm": 700, "participation_ppm": 50_000, "collar_ppm": 20_000, "exit_collar_ppm": 100_000}
    limits = {"positions_max": max(count - 1, 1), "band_ppm": 50_000, "losses_max": 3, "drawdown_max_ppm": 300_000}
    plan = builders.plan(*symbols, limits=limits, costs=costs, **changes)
    return plan, tuple(builders.instrument(symbol, **GRIDS[i]) for i, symbol in enumerate(symbols))


def through_machine(plan: Plan, instruments: tuple[Instrument, ...], bars: Bars, targets: NDArray[np.int64]) -> tuple[Any, MemoryJournal]:
    journal, feed = MemoryJournal(), ListedFeed(bars)
    protocol = Protocol(stops="RESTING" if plan.execution.resting else "BOT_SIDE")
    first = opening("parity", plan, instruments, protocol, builders.START_MS, {"USDT": str(plan.capital // 10**10)})
    asyncio.run(journal.commit([first], fold([first])))
    state = fold([first])
    venue = SimulatedVenue(instruments, state.plan_record, state.grids, feed, plan.capital)
    shell = WatchedShell(
        state, journal, venue, venue, Control(until_ms=builders.START_MS + len(bars) * builders.STEP_MS, mode=SessionMode.PAPER, unread="")
    )
    shell.decider = ListedDecider(targets)  # type: ignore[assignment]
    asyncio.run(shell.run(1, "test"))
    return shell, journal


def slot_by_slot(plan: Plan, instruments: tuple[Instrument, ...], bars: Bars, targets: NDArray[np.int64]) -> list[bytes]:
    """Return the engine's bytes as a simulation leaves them after each slot."""
    account, slots = new_state(plan, len(instruments))
    account["mode"] = int(Mode.ACTIVE)
    record, grids, count = plan_record(plan), grid_records(instruments, plan), len(instruments)
    ts = builders.START_MS + builders.STEP_MS * np.arange(len(bars), dtype=np.int64)
    curves, found = np.zeros((2, len(bars)), np.int64), []
    buffers = (np.zeros(8 * count, DECISION), np.zeros(8 * count, FILL), curves[0], curves[1], np.zeros(2, np.int64))
    for at in range(len(bars)):
        taken = simulate(account, slots, record, grids, ts, bars[: at + 1], targets[: at + 1], at, *buffers, 1)
        assert taken == at + 1
        found.append(state_bytes(account, slots))
    return found


PROTECTIONS: tuple[dict[str, int], ...] = ({}, {}, {"trailing_ppm": 25_000}, {"time_stop_ms": 5 * builders.STEP_MS})


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_simulation_and_machine_leave_equal_bytes_after_every_slot_and_decide_alike(seed: int, count: int) -> None:
    plan, instruments = traded(count, stop_loss_ppm=30_000, take_profit_ppm=(0, 20_000)[seed % 2], **PROTECTIONS[seed])
    bars, targets = builders.random_market(seed, SLOTS, count)
    expected = run(plan, instruments, bars, targets)
    shell, journal = through_machine(plan, instruments, bars, targets)
    decided = [tuple(row) for record in journal.records() if record.kind is Kind.BARS for row in record.body["decisions"]]
    assert decided == [tuple(row.tolist()) for row in expected.decisions]
    assert shell.seen == slot_by_slot(plan, instruments, bars, targets)
    assert state_bytes(shell.state.account, shell.state.slots) == expected.state
    assert shell.state.anomalies == 0


def test_the_random_runs_contain_partial_fills_missed_bars_refusals_and_protective_exits() -> None:
    plan, instruments = traded(4, stop_loss_ppm=30_000)
    bars, targets = builders.random_market(0, SLOTS, 4)
    expected = run(plan, instruments, bars, targets)
    assert ((expected.fills["qty"] > 0) & (expected.fills["released"] > 0)).any()
    assert (bars["close"] == 0).any()
    assert (expected.decisions["refusal"] != 0).any()
    assert (expected.decisions["cause"] == 2).any()


def test_fills_and_orders_of_the_machine_are_those_of_the_simulation() -> None:
    plan, instruments = traded(4)
    bars, targets = builders.random_market(7, SLOTS, 4)
    expected = run(plan, instruments, bars, targets)
    shell, journal = through_machine(plan, instruments, bars, targets)
    signals = {order.client_order_id: order.signal for order in shell.state.orders.values()}
    rows = [r.body for r in journal.records() if r.kind is Kind.FILL]
    booked = sorted((r["ts"], signals[r["client_order_id"]], r["qty"], r["price"], r["fee"], r["fee_base"]) for r in rows)
    names = ("ts", "signal", "qty", "price", "fee", "fee_base")
    filled = expected.fills[expected.fills["qty"] > 0]
    assert booked == sorted(tuple(int(row[name]) for name in names) for row in filled)
    assert len(booked) > 10


def test_folding_the_journal_of_a_run_gives_its_state() -> None:
    plan, instruments = traded(2)
    bars, targets = builders.random_market(3, SLOTS, 2)
    shell, journal = through_machine(plan, instruments, bars, targets)
    assert full_digest(fold(journal.records())) == full_digest(shell.state)
