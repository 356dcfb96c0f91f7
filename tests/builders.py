"""Small worlds with numbers that one can check by hand. BTC/USDT counts prices in 0.01 and quantities in 0.0001; fees are 0.1 %."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import core
from trader_core.engine.layout import DECISION, Record
from trader_core.engine.state import grid_records, new_state, plan_record
from trader_core.model.bar import BAR, Bars
from trader_core.model.instrument import Instrument, freeze, price_from, qty_from
from trader_core.model.money import UNIT
from trader_core.model.plan import Costs, Limits, Plan
from trader_core.model.session import Cause, Mode, Refusal

START_MS = 1_700_006_400_000
"""2023-11-15 00:00 UTC: slot 0 of every test market is the first of a day."""
STEP_MS = 60_000
PLENTY = 10**15


def instrument(symbol: str = "BTC/USDT", **changes: Any) -> Instrument:
    """Return a frozen instrument with ticks of 0.01, lots of 0.0001, a minimum of 1.00 and doors at a price of 10,000."""
    base, _, quote = symbol.partition("/")
    plain = Instrument(
        venue="test", symbol=symbol, base=base, quote=quote, price_exp=2, qty_exp=4, tick=1, lot=1, qty_min=0, notional_min=UNIT,
        maker_ppm=1000, taker_ppm=1000,
    )  # fmt: skip
    return freeze(replace(plain, **changes), 100_000)


def plan(*symbols: str, limits: dict[str, Any] | None = None, costs: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """Return a plan with a capital of 1,000 and one position, without slippage, collar, volume share or band."""
    chosen = symbols or ("BTC/USDT",)
    quiet = Costs(slippage_ppm=0, participation_ppm=0, collar_ppm=0, exit_collar_ppm=0)
    start = Plan(
        "sma_cross", (("fast", 2), ("slow", 3)), chosen, "1m", 1000 * UNIT, limits=Limits(positions_max=1, band_ppm=0), costs=quiet
    )
    return replace(start, limits=replace(start.limits, **(limits or {})), costs=replace(quiet, **(costs or {})), **changes)


def bars(text: str, price_exp: int = 2, start_ms: int = START_MS) -> Bars:
    """Return BAR[T] from closes such as "100 101.5 -": each opens at the close before it, `-` is missing, and volume is plenty.

    A bar may also be written open/high/low/close or open/high/low/close/volume (the volume as an integer).
    """
    rows, words = np.zeros(len(text.split()), BAR), text.split()
    before = ""
    for at, word in enumerate(words):
        rows["ts"][at] = start_ms + at * STEP_MS
        if word == "-":
            continue
        parts = word.split("/")
        ohlc = [round(float(part) * 10**price_exp) for part in parts[:4]]
        if len(parts) == 1:
            opened = round(float(before or word) * 10**price_exp)
            ohlc = [opened, max(opened, ohlc[0]), min(opened, ohlc[0]), ohlc[0]]
        rows[at] = (rows["ts"][at], *ohlc, int(parts[4]) if len(parts) > 4 else PLENTY)
        before = parts[3] if len(parts) > 1 else word
    return rows


def table(*columns: Bars) -> Bars:
    """Return bars[T, N] from one BAR[T] per instrument."""
    return np.ascontiguousarray(np.stack(columns, axis=1))


def targets(*columns: str) -> NDArray[np.int64]:
    """Return targets[T, N] from texts such as "0 10000 -1", one per instrument."""
    return np.ascontiguousarray(np.array([[int(word) for word in column.split()] for column in columns], np.int64).T)


def random_market(seed: int, rows: int, count: int, *, gaps: bool = True) -> tuple[Bars, NDArray[np.int64]]:
    """Return bars[rows, count] that wander around 100.00 with jumps and gaps, and targets that change often."""
    rng = np.random.default_rng(seed)
    market = np.zeros((rows, count), BAR)
    market["ts"] = (START_MS + STEP_MS * np.arange(rows))[:, None]
    close = np.maximum(10_000 * np.exp(np.cumsum(rng.normal(0, 0.02, (rows, count)), axis=0)), 50).astype(np.int64)
    close = np.minimum(close, 900_000)
    opened = np.roll(close, 1, axis=0)
    opened[0] = close[0]
    opened = np.maximum(opened + rng.integers(-30, 31, close.shape), 10)
    market["open"], market["close"] = opened, close
    market["high"] = np.maximum(opened, close) + rng.integers(0, 100, close.shape)
    market["low"] = np.maximum(np.minimum(opened, close) - rng.integers(0, 100, close.shape), 1)
    market["volume"] = rng.integers(0, 400_000, close.shape)
    wanted = rng.choice([0, 2500, 5000, 10_000], close.shape)
    kept = rng.random(close.shape) < 0.7
    for at in range(1, rows):
        wanted[at] = np.where(kept[at], wanted[at - 1], wanted[at])
    wanted[rng.random(close.shape) < 0.05] = -1
    if gaps:
        missing = rng.random(close.shape) < 0.03
        for name in ("open", "high", "low", "close", "volume"):
            market[name][missing] = 0
    return market, wanted.astype(np.int64)


class Desk:
    """One session's engine, driven by hand: texts in, rows with words out."""

    def __init__(self, chosen: Plan | None = None, *instruments: Instrument, mode: Mode = Mode.ACTIVE) -> None:
        """Open it in a mode, on a plan and its instruments."""
        self.plan = chosen or plan()
        self.instruments = instruments or tuple(instrument(symbol) for symbol in self.plan.symbols)
        self.account, self.slots = new_state(self.plan, len(self.instruments))
        self.record, self.grids = plan_record(self.plan), grid_records(self.instruments, self.plan)
        self.at = 0
        core.on_mode(self.account, int(mode))

    def bar(self, text: str, *wanted: int) -> Record:
        """Take the next slot, one word per instrument as in `bars`, and return the decisions."""
        row = np.concatenate([bars(word, start_ms=START_MS + self.at * STEP_MS) for word in text.split()])
        return self.slot(row, np.array(wanted, np.int64))

    def slot(self, row: Bars, wanted: NDArray[np.int64]) -> Record:
        """Take the next slot as arrays and return the decisions."""
        out = np.zeros(len(self.instruments), DECISION)
        ts = START_MS + self.at * STEP_MS
        count = core.on_bar(self.account, self.slots, self.record, self.grids, ts, row, wanted, out)
        self.at += 1
        assert count >= 0, "the engine refused the slot"
        return out[:count]

    def fill(self, side: int, qty: str, price: str, fee: str = "0", fee_base: str = "0", i: int = 0) -> int:
        """Book a fill and return its status."""
        x = self.instruments[i]
        fee_units = round(float(fee) * UNIT)
        amounts = (qty_from(x, qty), price_from(x, price), fee_units, qty_from(x, fee_base))
        return int(core.on_fill(self.account, self.slots, self.record, self.grids, i, side, *amounts, START_MS))

    def fee(self, price: str, fee: str, fee_base: str, booked: str, booked_base: str, i: int = 0) -> int:
        """Book a fee in place of what it was taken for, and return its status."""
        x = self.instruments[i]
        quote, base = (round(float(fee) * UNIT), round(float(booked) * UNIT)), (qty_from(x, fee_base), qty_from(x, booked_base))
        found = core.on_fee(self.account, self.slots, self.grids, i, price_from(x, price), quote[0], base[0], quote[1], base[1])
        return int(found)

    def release(self, side: int, qty: str, reason: int = 0, i: int = 0) -> None:
        """Release a quantity in flight."""
        core.on_release(self.account, self.slots, self.record, self.grids, i, side, qty_from(self.instruments[i], qty), reason)

    def buy(self, price: str = "100", i: int = 0) -> None:
        """Fill what is being bought, completely, at a price and without a fee."""
        qty = int(self.slots["buying"][i])
        core.on_fill(self.account, self.slots, self.record, self.grids, i, 1, qty, price_from(self.instruments[i], price), 0, 0, START_MS)

    def sell(self, price: str = "100", i: int = 0) -> None:
        """Fill what is being sold, completely, at a price and without a fee."""
        qty = int(self.slots["selling"][i])
        core.on_fill(self.account, self.slots, self.record, self.grids, i, -1, qty, price_from(self.instruments[i], price), 0, 0, START_MS)

    def of(self, name: str, i: int = 0) -> int:
        """Return a field of slot i by name."""
        return int(self.slots[name][i])

    def __getitem__(self, name: str) -> int:
        """Return a field of the account by name."""
        return int(self.account[name][0])


def money(text: str) -> int:
    """Return a decimal text as account units."""
    return round(float(text) * UNIT)


def words(row: Any) -> tuple[str, str]:
    """Return (cause, refusal) of a decision by name."""
    return Cause(int(row["cause"])).name, Refusal(int(row["refusal"])).name
