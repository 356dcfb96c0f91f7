"""Stops that rest: the machine on the simulated venue sells inside the bars at which a simulation sells, and at its prices."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import builders
from tests.engine.test_parity_machine import SLOTS, through_machine, traded
from trader_core.engine.simulate import run
from trader_core.model.bar import Bars
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Execution, Plan
from trader_core.trader import protecting
from trader_core.trader.records import Kind

NAMES = ("ts", "instrument", "side", "qty", "price", "fee", "fee_base")


def both(plan: Plan, instruments: tuple[Instrument, ...], bars: Bars, targets: NDArray[np.int64]) -> tuple[list[Any], list[Any], int]:
    """Return the fills of a simulation, those of the machine, and how many of the machine's stops sold."""
    expected = run(plan, instruments, bars, targets).fills
    shell, journal = through_machine(plan, instruments, bars, targets)
    orders = shell.state.orders
    rows = [record.body for record in journal.records() if record.kind is Kind.FILL]
    placed = [{**row, "instrument": (order := orders[row["client_order_id"]]).index, "side": int(order.side)} for row in rows]
    simulated = sorted(tuple(int(row[name]) for name in NAMES) for row in expected[expected["qty"] > 0])
    sold = sum(order.trigger > 0 and order.filled > 0 for order in orders.values())
    return simulated, sorted(tuple(row[name] for name in NAMES) for row in placed), sold


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_stops_of_the_machine_sell_where_those_of_a_simulation_do(seed: int, count: int) -> None:
    plan, instruments = traded(count, stop_loss_ppm=30_000, execution=Execution(resting=True))
    simulated, placed, sold = both(plan, instruments, *builders.random_market(seed, SLOTS, count))
    assert placed == simulated
    assert sold >= 3


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_stops_that_rise_are_replaced_between_two_bars(monkeypatch: pytest.MonkeyPatch, seed: int, count: int) -> None:
    monkeypatch.setattr(protecting, "MOVED_PPM", 0)  # else a stop stays where its level moved by less than a tenth of a percent
    plan, instruments = traded(count, stop_loss_ppm=30_000, trailing_ppm=25_000, execution=Execution(resting=True))
    simulated, placed, sold = both(plan, instruments, *builders.random_market(seed, SLOTS, count))
    assert placed == simulated
    assert sold >= 3


LIFT, FALL = "100/100/100/100", "100/100/96/99"


def by_hand(*words: str, resting: bool) -> list[Any]:
    """Return the machine's fills of 1 BTC bought at the second bar's open, with a stop 3 % below."""
    plan = builders.plan(
        stop_loss_ppm=30_000, execution=Execution(resting=resting), costs={"collar_ppm": 20_000, "exit_collar_ppm": 50_000}
    )
    bars = builders.bars(" ".join(words)).reshape(-1, 1)
    targets = np.full((len(words), 1), 10_000, np.int64)
    placed = both(plan, (builders.instrument(),), bars, targets)[1]
    found = [((ts - builders.START_MS) // builders.STEP_MS, side, price) for ts, _, side, _, price, *_ in placed]
    return sorted(found, key=lambda fill: (fill[0], -fill[1]))


def test_a_stop_sells_at_its_trigger_in_the_bar_that_reaches_it() -> None:
    assert by_hand(LIFT, LIFT, FALL, LIFT, resting=True) == [(1, 1, 10_000), (2, -1, 9_700)]


def test_a_stop_is_there_for_the_rest_of_the_bar_whose_open_bought() -> None:
    assert by_hand(LIFT, FALL, LIFT, resting=True) == [(1, 1, 10_000), (1, -1, 9_700)]


def test_a_stop_that_the_price_jumps_over_sells_at_the_open() -> None:
    assert by_hand(LIFT, LIFT, "94/95/93/94", LIFT, resting=True) == [(1, 1, 10_000), (2, -1, 9_400)]


def test_a_stop_whose_limit_the_price_jumps_over_is_followed_by_the_traders_own_exit() -> None:
    assert by_hand(LIFT, LIFT, "80/81/79/80", "80/80/80/80", resting=True) == [(1, 1, 10_000), (3, -1, 8_000)]


def test_without_a_stop_at_the_venue_the_trader_leaves_at_the_next_open() -> None:
    assert by_hand(LIFT, LIFT, FALL, LIFT, resting=False) == [(1, 1, 10_000), (3, -1, 10_000)]
