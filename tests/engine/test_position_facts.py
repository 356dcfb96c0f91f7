"""Positions as another accountant booked them: average cost, realised and unrealised, at his own rounding; short cases are refused."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builders import START_MS, plan
from trader_core.engine import book, core
from trader_core.engine.state import grid_records, new_state, plan_record
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import UNIT

FACTS = Path(__file__).parents[3] / "shared" / "data" / "facts" / "nautilus_position_facts.json"
CASES: list[dict[str, Any]] = json.loads(FACTS.read_text())["cases"] if FACTS.exists() else []
DIGITS = {"USD": 2, "USDT": 8}
PRICE_EXP = 12
pytestmark = pytest.mark.skipif(not CASES, reason=f"{FACTS.parent} is not on this machine")


class Ledger:
    """One instrument, whole quantities, prices to the twelfth decimal, and an account that can pay for it."""

    def __init__(self, price: str) -> None:
        """Open it at a first price."""
        plain = Instrument("facts", "A/B", "A", "B", PRICE_EXP, 0, 1, 1, 0, 0, 0, 0)
        self.instrument = freeze(plain, int(Decimal(price).scaleb(PRICE_EXP)))
        self.plan = plan("A/B", capital=1_000_000 * UNIT)
        self.account, self.slots = new_state(self.plan, 1)
        self.records = plan_record(self.plan), grid_records([self.instrument], self.plan)

    def fill(self, side: int, qty: str, price: str, fee: Decimal) -> int:
        """Book a fill and return its status."""
        amounts = int(Decimal(qty)), int(Decimal(price).scaleb(PRICE_EXP)), int(fee * UNIT), 0
        return int(core.on_fill(self.account, self.slots, *self.records, 0, side, *amounts, START_MS))

    @property
    def average(self) -> Decimal:
        """Return the average price paid."""
        return Decimal(int(self.slots["entry_cost"][0])).scaleb(-PRICE_EXP)

    @property
    def realised(self) -> Decimal:
        """Return what is realised when fees count at once: we keep those of the entry in the basis until it leaves."""
        waiting = Decimal(int(self.slots["cost"][0])) / UNIT - self.average * int(self.slots["position"][0])
        return Decimal(int(self.slots["realised"][0])) / UNIT - waiting

    def unrealised(self, price: str) -> Decimal:
        """Return what the position is worth above its average price."""
        return (Decimal(price) - self.average) * int(self.slots["position"][0])


def expected(ledger: Ledger, name: str, value: Any, earned: Decimal) -> bool | None:
    """Return whether a fact holds, None for one that says nothing about a spot position."""
    kind, _, price = name.partition("@")
    if kind == "quantity":
        return int(ledger.slots["position"][0]) == int(Decimal(value))
    if kind == "avg_px_open" and int(ledger.slots["position"][0]):
        return abs(ledger.average - Decimal(str(value))) < Decimal("1e-9")
    if kind not in {"realized_pnl", "unrealized_pnl", "total_pnl"}:
        return None
    amount, currency = value.split()
    realised = ledger.realised - earned
    ours = {"realized_pnl": realised, "unrealized_pnl": ledger.unrealised(price or "0"), "total_pnl": realised}[kind]
    ours += ledger.unrealised(price) if kind == "total_pnl" else 0
    return round(ours, DIGITS[currency]) == Decimal(amount)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_position_is_booked_as_the_facts_say(case: dict[str, Any]) -> None:
    ledger, earned, checked = Ledger(case["steps"][0]["fill"]["price"]), Decimal(0), 0
    for step in case["steps"]:
        fill = step["fill"]
        amount, currency = fill["commission"].split()
        side, flat = (1 if fill["side"] == "BUY" else -1), not int(ledger.slots["position"][0])
        if side < 0 and flat:
            assert ledger.fill(side, "1", fill["price"], Decimal(0)) == book.FAULT_OVERSOLD, "a short sale is refused"
            return
        if flat:
            earned = ledger.realised  # a position that is opened again starts at nothing
        assert ledger.fill(side, fill["qty"], fill["price"], round(Decimal(amount), DIGITS[currency])) == book.BOOKED
        held = [expected(ledger, name, value, earned) for name, value in step.get("expect", {}).items()]
        assert False not in held, list(zip(step["expect"].items(), held, strict=True))
        checked += held.count(True)
    assert checked > 0 or "calculate_pnl" in case


def test_the_facts_hold_more_than_ten_long_cases_and_some_short_ones() -> None:
    first = [case["steps"][0]["fill"]["side"] for case in CASES]
    assert (first.count("BUY"), first.count("SELL")) == (11, 5)
