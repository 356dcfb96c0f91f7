"""The plan: strategy, parameters, limits and costs, frozen when a session opens."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum
from typing import Any, NamedTuple

from trader_core.model.errors import OutOfRange, UnknownName
from trader_core.model.money import BPS, CAPITAL_MAX, MONEY_MAX, PPM, UNIT

YEAR_MS = 366 * 86_400_000
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
    price_collar_ppm: int = 100_000
    """Layer 6: the worst price of a buy lies at most this far above the decision's close."""
    orders_per_hour: int = 0
    """Layer 7: orders of one UTC hour, over all instruments, beyond which nothing is bought; 0 is off."""
    cooldown_ms: int = 3_600_000
    latch: bool = False
    """A latched breaker needs an operator; otherwise it resets after the cooldown."""
    band_ppm: int = 50_000
    """A change below this share of the slot is not traded."""
    minimum_ppm: int = 1_250_000
    """Nor one below this multiple of the venue's minimum."""


@dataclass(frozen=True, slots=True)
class Costs:
    """How fills are modelled, and how far a price may run away from its decision.

    What makes a taker's price worse adds up: the fixed slippage, half of the spread, a draw of the stress model, the impact.
    """

    slippage_ppm: int = 500
    spread_ppm: int = 0
    """Distance of the best ask from the best bid; a taker pays half of it, rounded up."""
    stress_low_ppm: int = 0
    stress_high_ppm: int = 0
    """Stress: each fill is worse by a draw between the two, the same for the same seed, instrument, bar and side; 500 to 3000 is usual."""
    stress_seed: int = 0
    impact_ppm: int = 0
    """Taking a whole bar's volume moves the price by this, a part of it by its share."""
    participation_ppm: int = 100_000
    """The largest share of a bar's volume that one order takes; 0 is unlimited."""
    collar_ppm: int = 20_000
    """Entries are limited at the decision's close plus this; it is also the reserve of cash."""
    exit_collar_ppm: int = 100_000


class OrderKind(IntEnum):
    """How an order meets the market; the integer is what the engine's records hold."""

    MARKET = 0
    """At the next price, no worse than its limit."""
    LIMIT = 1
    """Rests at its limit and fills as maker when the market trades through it."""
    STOP = 2
    """Becomes a market order at its trigger."""
    STOP_LIMIT = 3
    """Becomes a limit order at its trigger."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How orders are placed and how long they stay. The defaults are what a trader can do on every venue."""

    entry_kind: OrderKind = OrderKind.MARKET
    entry_offset_ppm: int = 0
    """A limit entry lies this far below the decision's close, the trigger of a stop entry this far above it."""
    exit_kind: OrderKind = OrderKind.MARKET
    """MARKET or LIMIT: how a strategy leaves. Protective and operator exits always go to the market."""
    exit_offset_ppm: int = 0
    """A limit exit lies this far above the decision's close."""
    good_slots: int = 1
    """Bars for which an order works: 1 is immediate-or-cancel, 0 good-till-cancelled; what a bar leaves unfilled is carried on."""
    delay_slots: int = 0
    """Bars that pass before an order reaches the venue."""
    resting: bool = False
    """Stop and take rest at the venue and fill inside the bar; otherwise the trader watches them and leaves at the next open.

    A trader lets the stop rest alone, and only where the venue holds stops; a take that rests is simulated only.
    """

    @property
    def simulated_only(self) -> str:
        """Return what of it no trader can do yet, in words; empty when a trader can."""
        asked = {
            "entry_kind": self.entry_kind != OrderKind.MARKET, "exit_kind": self.exit_kind != OrderKind.MARKET,
            "good_slots": self.good_slots != 1, "delay_slots": self.delay_slots != 0,
        }  # fmt: skip
        return ", ".join(name for name, used in asked.items() if used)


class Rule(NamedTuple):
    """A strategy with its parameters, on some of a plan's symbols."""

    strategy: str
    params: tuple[tuple[str, int], ...]
    symbols: tuple[str, ...]


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
    trailing_ppm: int = 0
    """Exit this far below the highest high since the entry; 0 is off."""
    time_stop_ms: int = 0
    """Exit this long after the entry's first fill; 0 is off."""
    limits: Limits = field(default_factory=Limits)
    costs: Costs = field(default_factory=Costs)
    execution: Execution = field(default_factory=Execution)
    allocation_bps: tuple[int, ...] = ()
    others: tuple["Rule", ...] = ()
    """Further strategies, each with its own symbols; `strategy` has the rest. An instrument belongs to one of them."""

    def __post_init__(self) -> None:
        """Refuse what lies beyond a door."""
        _within("capital", self.capital, 1, CAPITAL_MAX)
        _within("number of symbols", len(self.symbols), 1, INSTRUMENTS_MAX)
        if len(set(self.symbols)) != len(self.symbols):
            raise OutOfRange("each symbol once", ", ".join(self.symbols), "remove the repetition")
        for part, doors in ((self, PLAN_DOORS), (self.limits, LIMIT_DOORS), (self.costs, COST_DOORS), (self.execution, EXECUTION_DOORS)):
            for name, (low, high) in doors.items():
                _within(name, getattr(part, name), low, high)
        self._check_execution()
        claimed = [symbol for rule in self.others for symbol in rule.symbols]
        if len(set(claimed)) != len(claimed) or not set(claimed) < set(self.symbols):
            expected = f"each symbol of {', '.join(self.symbols)} with one strategy, and at least one left for {self.strategy}"
            raise OutOfRange(expected, ", ".join(claimed), "give each to one")
        if self.allocation_bps and len(self.allocation_bps) != len(self.symbols):
            raise OutOfRange(f"{len(self.symbols)} allocations", str(len(self.allocation_bps)), "give one per symbol")
        if sum(self.allocation_bps) > BPS or min(self.allocation_bps, default=0) < 0:
            raise OutOfRange("allocations of at least 0 with a sum up to 10000 bps", str(self.allocation_bps), "lower them")

    def _check_execution(self) -> None:
        """Refuse what contradicts itself."""
        costs, how = self.costs, self.execution
        if costs.stress_low_ppm > costs.stress_high_ppm:
            found = f"{costs.stress_low_ppm} and {costs.stress_high_ppm}"
            raise OutOfRange("stress_low_ppm up to stress_high_ppm", found, "swap them")
        if how.exit_kind not in {OrderKind.MARKET, OrderKind.LIMIT}:
            raise OutOfRange("an exit_kind of MARKET or LIMIT", how.exit_kind.name, "use stop_loss_ppm for a stop")
        if how.resting and not (self.stop_loss_ppm or self.take_profit_ppm or self.trailing_ppm):
            raise OutOfRange("resting with a stop_loss_ppm, trailing_ppm or take_profit_ppm", "none of them", "set one, or drop resting")
        reach = self.limits.price_collar_ppm
        if how.entry_kind in {OrderKind.STOP, OrderKind.STOP_LIMIT} and how.entry_offset_ppm + costs.collar_ppm > reach:
            found = f"entry_offset_ppm {how.entry_offset_ppm} and collar_ppm {costs.collar_ppm}"
            raise OutOfRange(f"a sum up to price_collar_ppm {reach}: layer 6 would refuse every entry", found, "lower one of them")
        if how.entry_kind == OrderKind.MARKET and costs.collar_ppm > reach:
            found = f"{costs.collar_ppm} above {reach}"
            raise OutOfRange("collar_ppm up to price_collar_ppm: layer 6 would refuse every entry", found, "lower collar_ppm")

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return every strategy with the symbols that are its own: all symbols, each once."""
        claimed = {symbol for rule in self.others for symbol in rule.symbols}
        rest = tuple(symbol for symbol in self.symbols if symbol not in claimed)
        return (Rule(self.strategy, self.params, rest), *self.others)

    def require_tradable(self) -> None:
        """Raise OutOfRange when it asks for what only a simulation can do yet."""
        only = self.execution.simulated_only
        if self.execution.resting and self.take_profit_ppm:
            only = ", ".join(filter(None, (only, "resting with a take_profit_ppm (one order rests per position, and that is the stop)")))
        if only:
            raise OutOfRange("an execution that a trader can do", f"{only}, which only a backtest simulates yet", "leave it out")

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values: money and rates are integers."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Plan":
        """Return the plan that `to_json` wrote."""
        parts = dict(body)
        parts["params"] = tuple((str(name), int(value)) for name, value in parts["params"])
        parts["symbols"], parts["allocation_bps"] = tuple(parts["symbols"]), tuple(parts["allocation_bps"])
        rules = parts.get("others", ())
        parts["others"] = tuple(Rule(name, tuple((str(n), int(v)) for n, v in params), tuple(own)) for name, params, own in rules)
        parts["limits"], parts["costs"] = Limits(**parts["limits"]), Costs(**parts["costs"])
        how = dict(parts.get("execution", {}))
        kinds = {name: OrderKind(how[name]) for name in ("entry_kind", "exit_kind") if name in how}
        parts["execution"] = Execution(**{**how, **kinds})
        return cls(**parts)

    def recipe(self, venue: str) -> str:
        """Return the SHA-256, in hex, of what is judged and permitted: strategy, parameters, protection, instruments, timeframe, venue.

        Capital, limits and costs are left out: the same recipe climbs the stages with other sums.
        """
        parts = [venue, self.strategy, self.params, self.symbols, self.timeframe, self.stop_loss_ppm, self.take_profit_ppm]
        parts.extend((self.trailing_ppm, self.time_stop_ms, list(asdict(self.execution).values()), self.allocation_bps, self.others))
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 of the plan's canonical JSON, in hex."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


ADJUSTABLE = ("stop_loss_ppm", "take_profit_ppm", "trailing_ppm", "time_stop_ms")


def adjust(plan: Plan, changes: Mapping[str, str | int]) -> Plan:
    """Return the plan with other protections, limits, costs or ways of execution, each by its name.

    Money is in account units, kinds are words such as `limit`, switches 0 or 1. Raises UnknownName, or OutOfRange for a value.
    """
    parts: dict[str, Any] = {"limits": plan.limits, "costs": plan.costs, "execution": plan.execution}
    own: dict[str, Any] = {}
    for name, given in changes.items():
        place = next((part for part, value in parts.items() if name in value.__dataclass_fields__), None)
        if place is not None:
            parts[place] = replace(parts[place], **{name: _typed(name, given, getattr(parts[place], name))})
        elif name in ADJUSTABLE:
            own[name] = _typed(name, given, 0)
        else:
            known = sorted([*ADJUSTABLE, *(name for value in parts.values() for name in value.__dataclass_fields__)])
            raise UnknownName(f"a setting of {', '.join(known)}", repr(name), "choose one of them")
    return replace(plan, **parts, **own)


def _typed(name: str, given: str | int, before: Any) -> Any:
    """Return a value as the field's own type."""
    if isinstance(before, OrderKind):
        words = {kind.name.lower(): kind for kind in OrderKind}
        if str(given).lower() not in words:
            raise OutOfRange(f"{name} of {', '.join(words)}", repr(given), "choose one of them")
        return words[str(given).lower()]
    try:
        value = int(given)
    except ValueError as error:
        raise OutOfRange(f"{name} as a whole number", repr(given), "correct it") from error
    if not isinstance(before, bool):
        return value
    if value not in {0, 1}:
        raise OutOfRange(f"{name} of 0 or 1", repr(given), "choose one of them")
    return bool(value)


PLAN_DOORS = {
    "stop_loss_ppm": (0, PPM - 1), "take_profit_ppm": (0, 100 * PPM), "trailing_ppm": (0, PPM - 1), "time_stop_ms": (0, YEAR_MS),
}  # fmt: skip
LIMIT_DOORS = {
    "positions_max": (1, INSTRUMENTS_MAX), **dict.fromkeys(("exposure_max", "order_max", "daily_loss_max", "loss_max"), (0, MONEY_MAX)),
    **dict.fromkeys(("drawdown_max_ppm", "band_ppm", "price_collar_ppm"), (0, PPM)), "minimum_ppm": (PPM, 10 * PPM),
    "cooldown_ms": (0, 31 * 86_400_000), **dict.fromkeys(("orders_per_instrument_day", "orders_per_hour"), (0, 10**6)),
    **dict.fromkeys(("losses_max", "errors_max"), (0, 10**6)), "qty_max": (0, MONEY_MAX),
}  # fmt: skip
COST_DOORS = {
    **dict.fromkeys(("slippage_ppm", "collar_ppm", "exit_collar_ppm", "spread_ppm"), (0, PPM // 2)), "participation_ppm": (0, PPM),
    **dict.fromkeys(("stress_low_ppm", "stress_high_ppm", "impact_ppm"), (0, PPM // 2)), "stress_seed": (0, 2**61),
}  # fmt: skip
EXECUTION_DOORS = {
    "entry_offset_ppm": (0, PPM // 2), "exit_offset_ppm": (0, PPM // 2), "good_slots": (0, 10**6), "delay_slots": (0, 10**4),
}  # fmt: skip


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OutOfRange(f"{name} from {low} to {high}", str(value), "choose a value in that range")


def units(amount: int) -> int:
    """Return whole units of the settlement currency as account units."""
    return amount * UNIT
