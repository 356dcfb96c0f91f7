"""Feasibility: can a working capital make a whole round trip on an instrument, its fee and its worst exit included? Pure, in integers.

An exchange refuses what is too small, also when it is the only way out. The smallest legal capital is exact: with one unit
less, one lot less is bought, and that one cannot be sold at the stop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from trader_core.model.errors import OutOfRange
from trader_core.model.instrument import Instrument, qty_text, value_of
from trader_core.model.money import CAPITAL_MAX, PPM, rate, to_text


class Verdict(StrEnum):
    """What a stage can be on an instrument."""

    EXECUTABLE = "EXECUTABLE"
    NEEDS = "NEEDS"
    """A larger working capital, which a person has to accept."""
    SIMULATED_ONLY = "SIMULATED_ONLY"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the round trip has to survive. The price counts 10^-price_exp; the rest are parts per million."""

    price: int
    stop_ppm: int
    """How far below the price the stop lies."""
    collar_ppm: int = 0
    """How much more than the price an entry may cost (Costs.collar_ppm): capital is reserved for it."""
    exit_collar_ppm: int = 0
    """How far below the stop its order's limit lies (Costs.exit_collar_ppm): the venue values an order at its limit."""
    minimum_ppm: int = PPM
    """The multiple of the venue's minimum below which nothing is bought (Limits.minimum_ppm)."""

    def __post_init__(self) -> None:
        """Refuse a price or distances that no round trip has."""
        if self.price < 1 or not 0 < self.stop_ppm < PPM:
            raise OutOfRange("a positive price and a stop above 0 and below 100 %", f"{self.price}, {self.stop_ppm} ppm", "correct it")
        if not (0 <= self.collar_ppm <= PPM // 2 and 0 <= self.exit_collar_ppm <= PPM // 2 and self.minimum_ppm >= PPM):
            raise OutOfRange("collars from 0 to 50 %, a minimum of at least 100 %", repr(self), "correct it")


class Trip(NamedTuple):
    """One round trip: quantities count 10^-qty_exp, money account units."""

    qty: int
    cost: int
    """At the price, with the fee where it is taken in quote."""
    sellable: int
    dust: int
    """What is left behind in base, worth nothing."""
    dust_ppm: int
    """Of the cost, rounded up."""
    loss: int
    """All that is lost when the stop fills at its price: fees and dust included, a gap beyond it not."""


class Feasibility(NamedTuple):
    """The verdict on one working capital, why, the smallest legal one (0: none), and the trip of the one that can be made."""

    verdict: Verdict
    why: str
    smallest: int
    trip: Trip | None


def feasible(instrument: Instrument, ask: Ask, working_capital: int, loss_budget: int = 0) -> Feasibility:
    """Return what a working capital can do; `loss_budget` (0: none) is what one stop may cost. Both count account units."""
    lots = _most(lambda count: _needed(instrument, ask, count) <= working_capital, _lots_max(instrument, ask))
    first = _first_legal(instrument, ask)
    if first is None:
        why = f"no working capital up to {to_text(CAPITAL_MAX)} makes a round trip: {_illegal(instrument, ask, lots)}"
        return Feasibility(Verdict.SIMULATED_ONLY, why, 0, None)
    smallest, fault = _needed(instrument, ask, first), _illegal(instrument, ask, lots)
    trip = _trip(instrument, ask, max(lots, first) if not fault else first)
    if loss_budget and trip.loss > loss_budget:
        why = f"one stop loses {to_text(trip.loss)}, the stage may lose {to_text(loss_budget)} in all"
        return Feasibility(Verdict.SIMULATED_ONLY, f"{fault}; {why}" if fault else why, smallest, trip)
    return Feasibility(Verdict.NEEDS if fault else Verdict.EXECUTABLE, fault, smallest, trip)


def _first_legal(instrument: Instrument, ask: Ask) -> int | None:
    """Return the fewest lots that make a round trip: more lots are never less legal, so that halving finds them."""
    most = _lots_max(instrument, ask)
    if _illegal(instrument, ask, most):
        return None
    found = _most(lambda count: bool(_illegal(instrument, ask, count)), most) + 1
    assert not _illegal(instrument, ask, found), "the first legal count is legal"
    assert _illegal(instrument, ask, found - 1), "one lot below fails"
    return found


def _illegal(instrument: Instrument, ask: Ask, lots: int) -> str:
    """Return the first reason why a round trip of so many lots cannot be made, or an empty text."""
    qty = lots * instrument.lot
    if qty < max(instrument.qty_min, 1):
        return f"it buys {qty_text(instrument, qty)} {instrument.base}, the minimum is {qty_text(instrument, max(instrument.qty_min, 1))}"
    bought, least = value_of(instrument, ask.price, qty, up=False), _entry_minimum(instrument, ask)
    if bought < least:
        return f"it buys worth {to_text(bought)} {instrument.quote}, the least that is bought is {to_text(least)}"
    sellable, limit = _sellable(instrument, qty), _exit_limit(instrument, ask)
    sold = value_of(instrument, limit, sellable, up=False)
    if sellable < max(instrument.qty_min, 1) or sold < instrument.notional_min:
        what = f"of {qty_text(instrument, qty)} {instrument.base} bought, {qty_text(instrument, sellable)} can be sold after the fee"
        return f"{what}, worth {to_text(sold)} {instrument.quote} at the stop's limit: below the minimum of {_minimum(instrument)}"
    return ""


def _minimum(instrument: Instrument) -> str:
    return f"{to_text(instrument.notional_min)} {instrument.quote} and {qty_text(instrument, instrument.qty_min)} {instrument.base}"


def _trip(instrument: Instrument, ask: Ask, lots: int) -> Trip:
    qty = lots * instrument.lot
    worth = value_of(instrument, ask.price, qty, up=True)
    cost = worth if instrument.fee_in_base else worth + rate(worth, instrument.taker_ppm, up=True)
    sellable = _sellable(instrument, qty)
    dust = qty - _fee_base(instrument, qty) - sellable
    got = value_of(instrument, _stop(instrument, ask), sellable, up=False)
    dust_worth = value_of(instrument, ask.price, dust, up=True)
    return Trip(qty, cost, sellable, dust, -(-dust_worth * PPM // cost), cost - (got - rate(got, instrument.taker_ppm, up=True)))


def _needed(instrument: Instrument, ask: Ask, lots: int) -> int:
    """Return the capital that so many lots may cost at worst: at the entry's limit, with the fee where it is taken in quote."""
    raised = ask.price + ask.price * ask.collar_ppm // PPM
    worth = value_of(instrument, max(raised // instrument.tick * instrument.tick, instrument.tick), lots * instrument.lot, up=True)
    return worth if instrument.fee_in_base else worth + rate(worth, instrument.taker_ppm, up=True)


def _entry_minimum(instrument: Instrument, ask: Ask) -> int:
    minimum = max(instrument.notional_min, value_of(instrument, ask.price, instrument.qty_min, up=True))
    return rate(minimum, ask.minimum_ppm, up=True)


def _fee_base(instrument: Instrument, qty: int) -> int:
    return rate(qty, instrument.taker_ppm, up=True) if instrument.fee_in_base else 0


def _sellable(instrument: Instrument, qty: int) -> int:
    return (qty - _fee_base(instrument, qty)) // instrument.lot * instrument.lot


def _stop(instrument: Instrument, ask: Ask) -> int:
    """Return the stop's price, down to the tick."""
    return ask.price * (PPM - ask.stop_ppm) // PPM // instrument.tick * instrument.tick


def _exit_limit(instrument: Instrument, ask: Ask) -> int:
    """Return the lowest price of the stop's order, as the engine sets it: up to the tick."""
    stop = _stop(instrument, ask)
    lowered = stop - stop * ask.exit_collar_ppm // PPM
    return -(-lowered // instrument.tick) * instrument.tick


def _lots_max(instrument: Instrument, ask: Ask) -> int:
    """Return the most lots that the largest capital buys."""
    return CAPITAL_MAX // max(value_of(instrument, ask.price, instrument.lot, up=True), 1)


def _most(holds: Callable[[int], bool], most: int) -> int:
    """Return the largest count up to `most` for which `holds`, which is true up to some count and false beyond; 0 is taken as true."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
