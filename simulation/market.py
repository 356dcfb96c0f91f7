"""What one run trades: three instruments with unlike grids, a plan with limits that bind, and bars with holes."""

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.faults import Fault, Faults
from trader_core.model.bar import BAR, Bars
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import UNIT
from trader_core.model.plan import Costs, Limits, Plan
from trader_core.trader.events import Protocol

STEP_MS = 60_000
START_MS = 1_700_000_040_000 // STEP_MS * STEP_MS
TARGETS = (0, 0, 2_500, 5_000, 10_000, 10_000, -1)
PROTOCOL = Protocol()
FEE_PPM = 1_000

_SPECS = (
    # base, price_exp, qty_exp, tick, lot, qty_min, first price, fee in base
    ("AAA", 2, 6, 1, 10, 10, 2_000_000, False),
    ("BBB", 4, 1, 1, 1, 10, 15_000, True),
    ("CCC", 5, 7, 5, 1_000, 10_000, 250_000, False),
)


@dataclass(frozen=True, slots=True)
class Market:
    """The frozen plan and instruments of one run, with bars[T, N] and targets[T, N]."""

    plan: Plan
    instruments: tuple[Instrument, ...]
    bars: Bars
    targets: NDArray[np.int64]

    def price(self, index: int, now_ms: int) -> int:
        """Return the venue's price of an instrument: the slot's open in its first half, its close afterwards."""
        slot = min(max((now_ms - START_MS) // STEP_MS, 0), len(self.bars) - 1)
        while self.bars["close"][slot, index] == 0:
            slot -= 1
        name = "open" if now_ms % STEP_MS < STEP_MS // 2 else "close"
        return int(self.bars[name][slot, index])


def instruments() -> tuple[Instrument, ...]:
    """Return the three instruments, frozen; the third needs a division in every notional."""
    return tuple(
        freeze(
            Instrument("sim", f"{base}/USDT", base, "USDT", price_exp, qty_exp, tick, lot, qty_min, UNIT, FEE_PPM, FEE_PPM, 0, 0, in_base),
            price,
        )
        for base, price_exp, qty_exp, tick, lot, qty_min, price, in_base in _SPECS
    )  # fmt: skip


def market(faults: Faults, slots: int) -> Market:
    """Return the market of a seed: a bar is missing only where the faults say so, and never in the first slot."""
    random, traded = faults.random, instruments()
    limits = Limits(
        positions_max=random.choice((1, 2, 3)),
        exposure_max=random.choice((300, 600, 900, 10_000)) * UNIT,
        errors_max=random.choice((0, 3)),
        losses_max=random.choice((0, 4)),
        cooldown_ms=5 * STEP_MS,
    )
    plan = Plan(
        strategy="sma_cross",
        params=(("fast", 2), ("slow", 3)),
        symbols=tuple(instrument.symbol for instrument in traded),
        timeframe="1m",
        capital=1_000 * UNIT,
        stop_loss_ppm=random.choice((0, 10_000)),
        take_profit_ppm=random.choice((0, 10_000)),
        limits=limits,
        costs=Costs(),
    )
    bars, targets = np.zeros((slots, len(traded)), BAR), np.zeros((slots, len(traded)), np.int64)
    for index, spec in enumerate(_SPECS):
        _walk(faults, bars[:, index], spec[6], spec[3])
        targets[:, index] = _wishes(random, slots)
    return Market(plan, traded, bars, targets)


def _walk(faults: Faults, column: NDArray[Any], price: int, tick: int) -> None:
    for slot in range(len(column)):
        open_ = price
        price = max(price * (10_000 + faults.between(-60, 60)) // 10_000 // tick * tick, tick)
        low, high = min(open_, price), max(open_, price)
        if slot and faults.hit(Fault.BAR_MISSING):
            continue
        column[slot] = (START_MS + slot * STEP_MS, open_, high, low, price, faults.between(10**6, 10**10))


def _wishes(random: Random, slots: int) -> list[int]:
    """Return targets that stay for some slots and then change."""
    found: list[int] = []
    while len(found) < slots:
        found += [random.choice(TARGETS)] * random.randint(1, 3)
    return found[:slots]
