"""What one run trades: up to three instruments with unlike grids, a plan with limits that bind, and bars with holes."""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulation.faults import Fault, Faults
from simulation.plans import Choices, source
from trader_core.model.bar import BAR, Bars
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import UNIT
from trader_core.model.plan import Costs, Execution, Limits, Plan
from trader_core.trader.protocol import Protocol

STEP_MS = 60_000
START_MS = 1_700_000_040_000 // STEP_MS * STEP_MS
TARGETS = (0, 0, 2_500, 5_000, 10_000, 10_000, -1)
PROTOCOL = Protocol()
FEE_PPM = 1_000

_SPECS = (
    # base, price_exp, qty_exp, tick, lot, qty_min, first price
    ("AAA", 2, 6, 1, 10, 10, 2_000_000),
    ("BBB", 4, 1, 1, 1, 10, 15_000),
    ("CCC", 5, 7, 5, 1_000, 10_000, 250_000),
)
Row = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Market:
    """The frozen plan and instruments of one run, with bars[T, N] and targets[T, N], and the bounds that the trader is told."""

    plan: Plan
    instruments: tuple[Instrument, ...]
    bars: Bars
    targets: NDArray[np.int64]
    protocol: Protocol
    prices: tuple[tuple[tuple[int, int], ...], ...]
    """(open, close) that the venue trades at, by instrument and slot; the bar may be missing all the same."""

    def price(self, index: int, now_ms: int) -> int:
        """Return the venue's price of an instrument: the slot's open in its first half, its close afterwards."""
        column = self.prices[index]
        slot = min(max((now_ms - START_MS) // STEP_MS, 0), len(column) - 1)
        return column[slot][0 if now_ms % STEP_MS < STEP_MS // 2 else 1]


def instruments(choices: Choices | None = None) -> tuple[Instrument, ...]:
    """Return the instruments, frozen; the third needs a division in every notional."""
    chosen = choices or Choices()
    return tuple(
        freeze(
            Instrument(
                "sim", f"{base}/USDT", base, "USDT", price_exp, qty_exp, tick, lot, qty_min, UNIT, chosen.fee_ppm, chosen.fee_ppm,
                fee_in_base=bool(chosen.base_fees >> index & 1),
            ),
            price,
        )
        for index, (base, price_exp, qty_exp, tick, lot, qty_min, price) in enumerate(_SPECS[: chosen.symbols])
    )  # fmt: skip


def market(seed: int, choices: Choices, faults: Faults, slots: int) -> Market:
    """Return the market of a seed: a bar is missing only where the faults say so, and never in the first slot."""
    traded = instruments(choices)
    walks = [_walk(source(seed, f"prices {i}"), choices, slots, _SPECS[i]) for i in range(len(traded))]
    missing = {(slot, i) for slot in range(1, slots) for i in range(len(traded)) if faults.hit(Fault.BAR_MISSING)}
    empty = (0, 0, 0, 0, 0, 0)
    rows = [[empty if (slot, i) in missing else walk[slot] for i, walk in enumerate(walks)] for slot in range(slots)]
    wishes = [_wishes(source(seed, f"targets {i}"), slots) for i in range(len(traded))]
    return Market(
        plan=_plan(choices, traded),
        instruments=traded,
        bars=np.array(rows, dtype=BAR),
        targets=np.array(wishes, np.int64).T.copy(),
        protocol=_protocol(choices),
        prices=tuple(tuple((row[1], row[4]) for row in walk) for walk in walks),
    )


def _protocol(choices: Choices) -> Protocol:
    burst = choices.asks_per_minute // 2
    return Protocol(
        window_ms=choices.window_ms, visibility_ms=choices.visibility_ms, give_up_ms=choices.give_up_ms, trades_kept_ms=0,
        stops="RESTING" if choices.resting else "BOT_SIDE",
        validity_window=choices.validity_window, lookup=choices.lookup,
        asks_per_minute=choices.asks_per_minute, asks_burst=burst, asks_reserve=burst // 4,
    )  # fmt: skip


def _plan(choices: Choices, traded: tuple[Instrument, ...]) -> Plan:
    names = (
        "positions_max", "exposure_max", "order_max", "orders_per_hour", "orders_per_instrument_day", "errors_max", "losses_max",
        "drawdown_max_ppm", "cooldown_ms", "latch",
    )  # fmt: skip
    return Plan(
        strategy="sma_cross",
        params=(("fast", 2), ("slow", 3)),
        symbols=tuple(instrument.symbol for instrument in traded),
        timeframe="1m",
        capital=choices.capital,
        stop_loss_ppm=choices.stop_loss_ppm,
        take_profit_ppm=choices.take_profit_ppm,
        trailing_ppm=choices.trailing_ppm,
        limits=Limits(**{name: getattr(choices, name) for name in names}),
        costs=Costs(),
        execution=Execution(resting=choices.resting),
    )


def _walk(chance: Random, choices: Choices, slots: int, spec: tuple[str, int, int, int, int, int, int]) -> list[Row]:
    """Return a bar per slot: each opens where the last closed, and closes on the tick."""
    rows: list[Row] = []
    tick, price, reach = spec[3], spec[6], choices.volatility
    for slot in range(slots):
        opened = price
        price = max(price * (10_000 + chance.randint(-reach, reach)) // 10_000 // tick * tick, tick)
        rows.append((START_MS + slot * STEP_MS, opened, max(opened, price), min(opened, price), price, chance.randint(10**6, 10**10)))
    return rows


def _wishes(chance: Random, slots: int) -> list[int]:
    """Return targets that stay for some slots and then change."""
    found: list[int] = []
    while len(found) < slots:
        found += [chance.choice(TARGETS)] * chance.randint(1, 3)
    return found[:slots]
