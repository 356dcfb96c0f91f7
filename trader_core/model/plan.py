"""The plan: strategy, parameters, limits and costs, frozen when a session opens."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from trader_core.model.errors import OutOfRange
from trader_core.model.money import BPS, CAPITAL_MAX, MONEY_MAX, PPM, UNIT

INSTRUMENTS_MAX = 60
"""60 positions at the money door still add up inside int64."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the guard enforces. Money counts account units; 0 switches a limit off where its comment says so."""

    positions_max: int = 5
    exposure_max: int = MONEY_MAX
    """Everything held plus everything in flight at its worst may not cost more."""
    order_max: int = MONEY_MAX
    """The largest worth of one order at its worst price."""
    orders_per_instrument_day: int = 0
    """Layer 3's count: entries per instrument and UTC day; 0 is off."""
    qty_max: int = 0
    """Layer 3's absolute quantity, in the instrument's units; 0 leaves the instrument's own door."""
    drawdown_max_ppm: int = 0
    """Fall of equity from its peak that trips the breaker; 0 is off."""
    daily_loss_max: int = 0
    """Fall of equity since the first bar of the UTC day that trips the breaker; 0 is off."""
    loss_max: int = 0
    """Fall of equity below the capital that trips the breaker: a stage's loss budget; 0 is off."""
    losses_max: int = 0
    """Losing episodes in a row that trip the breaker; 0 is off."""
    errors_max: int = 0
    """Rejected orders in a row that trip the breaker; 0 is off."""
    cooldown_ms: int = 3_600_000
    latch: bool = False
    """A latched breaker needs an operator; otherwise it resets after the cooldown."""
    band_ppm: int = 50_000
    """A change below this share of the slot is not traded."""
    minimum_ppm: int = 1_250_000
    """Nor one below this multiple of the venue's minimum."""


@dataclass(frozen=True, slots=True)
class Costs:
    """How fills are modelled, and how far a price may run away from its decision."""

    slippage_ppm: int = 500
    participation_ppm: int = 100_000
    """The largest share of a bar's volume that one order takes; 0 is unlimited."""
    collar_ppm: int = 20_000
    """Entries are limited at the decision's close plus this; it is also the reserve of cash."""
    exit_collar_ppm: int = 100_000


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides. `allocation_bps` per symbol replaces the equal split when it is not empty."""

    strategy: str
    params: tuple[tuple[str, int], ...]
    symbols: tuple[str, ...]
    timeframe: str
    capital: int
    stop_loss_ppm: int = 0
    take_profit_ppm: int = 0
    limits: Limits = field(default_factory=Limits)
    costs: Costs = field(default_factory=Costs)
    allocation_bps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what lies beyond a door."""
        _within("capital", self.capital, 1, CAPITAL_MAX)
        _within("number of symbols", len(self.symbols), 1, INSTRUMENTS_MAX)
        if len(set(self.symbols)) != len(self.symbols):
            raise OutOfRange("each symbol once", ", ".join(self.symbols), "remove the repetition")
        _within("stop_loss_ppm", self.stop_loss_ppm, 0, PPM - 1)
        _within("take_profit_ppm", self.take_profit_ppm, 0, 100 * PPM)
        limits, costs = self.limits, self.costs
        _within("positions_max", limits.positions_max, 1, INSTRUMENTS_MAX)
        for name in ("exposure_max", "order_max", "daily_loss_max", "loss_max"):
            _within(name, getattr(limits, name), 0, MONEY_MAX)
        for name in ("drawdown_max_ppm", "band_ppm"):
            _within(name, getattr(limits, name), 0, PPM)
        _within("minimum_ppm", limits.minimum_ppm, PPM, 10 * PPM)
        _within("cooldown_ms", limits.cooldown_ms, 0, 31 * 86_400_000)
        for name in ("slippage_ppm", "collar_ppm", "exit_collar_ppm"):
            _within(name, getattr(costs, name), 0, PPM // 2)
        _within("participation_ppm", costs.participation_ppm, 0, PPM)
        if self.allocation_bps and len(self.allocation_bps) != len(self.symbols):
            raise OutOfRange(f"{len(self.symbols)} allocations", str(len(self.allocation_bps)), "give one per symbol")
        if sum(self.allocation_bps) > BPS or min(self.allocation_bps, default=0) < 0:
            raise OutOfRange("allocations of at least 0 with a sum up to 10000 bps", str(self.allocation_bps), "lower them")

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values: money and rates are integers."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Plan":
        """Return the plan that `to_json` wrote."""
        parts = dict(body)
        parts["params"] = tuple((str(name), int(value)) for name, value in parts["params"])
        parts["symbols"], parts["allocation_bps"] = tuple(parts["symbols"]), tuple(parts["allocation_bps"])
        parts["limits"], parts["costs"] = Limits(**parts["limits"]), Costs(**parts["costs"])
        return cls(**parts)

    def recipe(self, venue: str) -> str:
        """Return the SHA-256, in hex, of what is judged and permitted: strategy, parameters, protection, instruments, timeframe, venue.

        Capital, limits and costs are left out: the same recipe climbs the stages with other sums.
        """
        parts = [venue, self.strategy, self.params, self.symbols, self.timeframe, self.stop_loss_ppm, self.take_profit_ppm]
        parts.append(self.allocation_bps)
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 of the plan's canonical JSON, in hex."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OutOfRange(f"{name} from {low} to {high}", str(value), "choose a value in that range")


def units(amount: int) -> int:
    """Return whole units of the settlement currency as account units."""
    return amount * UNIT
