"""Simulating: the engine's functions over bars in memory, with fills at the next open."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine.core import on_mode
from trader_core.engine.kernel import entry
from trader_core.engine.layout import DECISION, FILL, Record
from trader_core.engine.play import SIMULATED, SIMULATED_SLOWLY, play
from trader_core.engine.settle import ROWS_FILLED
from trader_core.engine.state import grid_records, new_state, plan_record, state_bytes
from trader_core.model.bar import BAR, Bars, timeframe_ms
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.model.session import Mode

ROWS = 4096
"""Decisions and fills are handed over in pieces of this many rows, so that memory stays bounded."""


@entry
def simulate(  # noqa: PLR0917 - compiled functions take no keywords
    account: Any, slots: Any, plan: Any, grids: Any, ts: Any, bars: Any, targets: Any, start: int, decisions: Any, fills: Any,
    equity: Any, cash: Any, counts: Any, how: int,
) -> int:  # fmt: skip
    """Take the slots ts[T], bars[T, N], targets[T, N] from `start` on and return the first slot that was not taken.

    It stops before a buffer could overflow: drain decisions[:counts[0]] and fills[:counts[1]], and call again. equity[T] and
    cash[T] are written for every slot taken. A slot that does not ascend is not taken and counts as a fault.
    """
    return play(account, slots, plan, grids, ts, bars, targets, start, decisions, fills, equity, cash, counts, how)


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation left: its end state, every decision and fill, and equity and cash at each slot's close."""

    account: Record
    slots: Record
    decisions: Record
    fills: Record
    ts: NDArray[np.int64]
    equity: NDArray[np.int64]
    cash: NDArray[np.int64]
    state: bytes

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, over everything in it: equal runs have equal digests."""
        digest = hashlib.sha256(self.state)
        for part in (self.decisions, self.fills, self.ts, self.equity, self.cash):
            digest.update(np.ascontiguousarray(part).view(np.uint8).data)
        return digest.hexdigest()


def run(
    plan: Plan,
    instruments: tuple[Instrument, ...] | list[Instrument],
    bars: Bars,
    targets: NDArray[np.int64],
    *,
    state: tuple[Record, Record] | None = None,
    glides: bool = True,
) -> Result:
    """Return the simulation of bars[T, N] (or [T] of one instrument) with targets of the same shape, -1 for no decision.

    Without `glides` every bar takes the long way, which leads to the same place: a test compares.
    Without `state` it starts ACTIVE with the plan's capital; with one, it goes on from a copy of it. Raises DataFault for
    bars off the plan's time grid or beyond a price door, and OutOfRange for instruments that are not the plan's.
    """
    grids, record = grid_records(instruments, plan), plan_record(plan)
    bars, targets = _shaped(bars, len(instruments), BAR), _shaped(targets, len(instruments), np.dtype(np.int64))
    if bars.shape != targets.shape:
        raise DataFault(f"targets of shape {bars.shape}", str(targets.shape), "give one target per bar")
    ts = slot_times(bars, timeframe_ms(plan.timeframe))
    account, slots = new_state(plan, len(instruments)) if state is None else (state[0].copy(), state[1].copy())
    if state is None:
        on_mode(account, int(Mode.ACTIVE))
    equity, cash = np.zeros(len(ts), np.int64), np.zeros(len(ts), np.int64)
    before = int(account["ts"][0])
    rows = _drain(account, slots, record, grids, ts, bars, targets, equity, cash, SIMULATED if glides else SIMULATED_SLOWLY)
    if rows is None:
        raise _fault(instruments, bars, before, ts)
    return Result(account, slots, *rows, ts, equity, cash, state_bytes(account, slots))


class Joined:
    """One result of runs that each go on from the state of the one before, over a known number of slots."""

    def __init__(self, slots: int) -> None:
        """Make room for every slot's time, equity and cash: they are kept once."""
        self._curves, self._at = np.zeros((3, slots), np.int64), 0
        self._rows: list[tuple[Record, Record]] = []
        self._last: Result | None = None

    @property
    def state(self) -> tuple[Record, Record] | None:
        """Return what the next run goes on from; None before the first."""
        return None if self._last is None else (self._last.account, self._last.slots)

    def add(self, part: Result) -> None:
        """Take the next run."""
        end = self._at + len(part.ts)
        self._curves[:, self._at : end] = part.ts, part.equity, part.cash
        self._at, self._last = end, part
        self._rows.append((part.decisions, part.fills))

    def result(self) -> Result:
        """Return the whole."""
        assert self._last is not None, "at least one run"
        assert self._at == self._curves.shape[1], "every slot was run"
        decisions, fills = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        ts, equity, cash = self._curves
        return replace(self._last, decisions=decisions, fills=fills, ts=ts, equity=equity, cash=cash)


@entry
def lay_grid(bars: Any, step_ms: int, ts: Any) -> int:
    """Write the open time of each slot of bars[T, N] to ts[T]; return T, or the first slot that is off the grid, or -1 for no bar.

    A slot without a bar may carry its time or 0.
    """
    rows, count = bars.shape
    start, known = -1, -1
    for at in range(rows):
        for i in range(count):
            found = bars[at, i].ts
            if found != 0 and known < 0:
                start, known = found - step_ms * at, at
            if found != 0 and found != start + step_ms * at:
                return at
        ts[at] = start + step_ms * at
    for at in range(known):
        ts[at] = start + step_ms * at
    return rows if known >= 0 else -1


def slot_times(bars: Bars, step_ms: int) -> NDArray[np.int64]:
    """Return the open time of each slot of bars[T, N], also of slots without a bar; raises DataFault off one grid."""
    ts = np.zeros(len(bars), np.int64)
    row = int(lay_grid(bars, step_ms, ts))
    if row < 0 or not len(bars):
        raise DataFault("at least one bar", "an empty interval", "choose another interval, or import data for it")
    if row < len(bars):
        found = f"times {sorted(set(bars['ts'][row].tolist()))} in slot {row}"
        raise DataFault("all bars on one grid without a missing slot", found, f"put them {step_ms} ms apart, close 0 where none is")
    return ts


def _shaped(array: Any, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array as [T, N], contiguous and writable: the compiled code knows one layout only."""
    shaped = np.asarray(array, dtype)
    if shaped.ndim == 1:
        shaped = shaped.reshape(-1, 1)
    if shaped.ndim != 2 or shaped.shape[1] != count:  # noqa: PLR2004 - [T, N]
        raise DataFault(f"an array of shape [T, {count}]", str(shaped.shape), "give one column per instrument")
    return np.require(shaped, requirements=["C", "W"])


def _drain(
    account: Record, slots: Record, plan: Record, grids: Record, ts: NDArray[np.int64], bars: Bars, targets: NDArray[np.int64],
    equity: NDArray[np.int64], cash: NDArray[np.int64], how: int,
) -> tuple[Record, Record] | None:  # fmt: skip
    """Take all slots and return (decisions, fills), or None when one of them was a fault."""
    rows = ROWS + ROWS_FILLED * len(slots)
    decisions, fills, counts = np.zeros(rows, DECISION), np.zeros(rows, FILL), np.zeros(2, np.int64)
    decided, filled, at, faults = [decisions[:0].copy()], [fills[:0].copy()], 0, int(account["faults"][0])
    while at < len(ts):
        at = int(simulate(account, slots, plan, grids, ts, bars, targets, at, decisions, fills, equity, cash, counts, how))
        decided.append(decisions[: counts[0]].copy())
        filled.append(fills[: counts[1]].copy())
        if int(account["faults"][0]) != faults:
            return None
    return np.concatenate(decided), np.concatenate(filled)


def _fault(instruments: tuple[Instrument, ...] | list[Instrument], bars: Bars, last_ms: int, ts: NDArray[np.int64]) -> DataFault:
    """Name the first bar that the engine could not take."""
    if last_ms >= ts[0]:
        return DataFault(f"slots after slot {last_ms}", f"slot {ts[0]}", "go on from the slot behind the state's last one")
    for i, instrument in enumerate(instruments):
        prices = np.stack([bars[name][:, i] for name in ("open", "high", "low", "close")])
        beyond = np.flatnonzero((bars["close"][:, i] != 0) & ((prices.max(axis=0) > instrument.price_max) | (prices.min(axis=0) <= 0)))
        if len(beyond):
            words = ", ".join(f"{name} {bars[name][beyond[0], i]}" for name in ("open", "high", "low", "close"))
            found = f"{instrument.symbol} with {words} at {ts[beyond[0]]}"
            return DataFault(f"prices from 1 to {instrument.price_max}", found, "check the data, or import it again")
    return DataFault("fills inside every door", "one beyond it", "report this with the plan and its data")
