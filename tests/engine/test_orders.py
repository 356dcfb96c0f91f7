"""Orders by hand: how each kind meets a bar, how long it works, and what becomes of what a bar leaves."""

from typing import Any

import pytest

from tests.builders import START_MS, STEP_MS, bars, instrument, money, plan, targets
from trader_core.engine import simulate
from trader_core.engine.simulate import Result
from trader_core.model.plan import Execution, OrderKind

CHEAP = instrument(maker_ppm=500)
COLLAR = {"collar_ppm": 30_000, "exit_collar_ppm": 100_000}


def played(market: str, wanted: str, costs: dict[str, Any] | None = None, chosen: dict[str, Any] | None = None, **how: Any) -> Result:
    """Return a run with a capital of 1000 and half of it a position; makers pay 0.05 %, takers 0.1 %."""
    made = plan(costs={**COLLAR, **(costs or {})}, execution=Execution(**how), **(chosen or {}))
    return simulate.run(made, [CHEAP], bars(market), targets(wanted))


def fills(result: Result) -> list[tuple[int, int, float, int, int]]:
    """Return (slot, signed quantity in lots, price, maker, released) of every row."""
    return [
        (int(ts - START_MS) // STEP_MS, side * qty, price / 100, maker, released)
        for ts, side, qty, price, maker, released in result.fills[["ts", "side", "qty", "price", "maker", "released"]].tolist()
    ]


LIMIT: dict[str, Any] = {"entry_kind": OrderKind.LIMIT, "entry_offset_ppm": 10_000}
GOOD: dict[str, Any] = {"good_slots": 0}


def test_a_limit_order_fills_as_maker_only_when_the_market_trades_through_it() -> None:
    touched = played("100 100/100/99/99.5 99.5/99.5/98.99/99", "5000 5000 5000", **LIMIT, **GOOD)
    assert fills(touched) == [(2, 50_000, 99.0, 1, 0)]
    assert touched.fills["fee"].tolist() == [money("0.2475")]
    assert touched.decisions["kind"].tolist() == [OrderKind.LIMIT]
    assert touched.decisions["limit"].tolist() == [9_900]


def test_a_limit_order_that_is_marketable_on_arrival_takes_the_open() -> None:
    assert fills(played("100 98.5/98.6/98.4/98.5", "5000 5000", **LIMIT)) == [(1, 50_000, 98.5, 0, 0)]


def test_a_resting_limit_order_that_is_gapped_over_fills_at_its_own_price() -> None:
    assert fills(played("100 100 97/97/96/97", "5000 5000 5000", **LIMIT, **GOOD)) == [(2, 50_000, 99.0, 1, 0)]


def test_immediate_or_cancel_has_one_bar() -> None:
    assert fills(played("100 100 98", "5000 5000 5000", **LIMIT)) == [(1, 0, 0.0, 0, 50_000)]


def test_an_order_good_for_two_bars_has_two() -> None:
    assert fills(played("100 100 100 98", "5000 5000 5000 5000", good_slots=2, **LIMIT)) == [(2, 0, 0.0, 0, 50_000)]


def test_what_a_bar_does_not_carry_is_carried_to_the_next_ones() -> None:
    market = "100 100/100/100/100/300000 101/101/101/101/100000 102"
    result = played(market, "5000 5000 5000 5000", {"participation_ppm": 100_000}, **GOOD)
    assert fills(result) == [(1, 30_000, 100.0, 0, 0), (2, 10_000, 101.0, 0, 0), (3, 10_000, 101.0, 0, 0)]
    assert len(result.decisions) == 1
    assert int(result.account["reserved"][0]) == 0


def test_a_target_that_moves_cancels_what_still_works() -> None:
    market = "100 100/100/100/100/300000 101 102 103"
    result = played(market, "5000 0 0 0 0", {"participation_ppm": 100_000}, **GOOD)
    assert fills(result) == [(1, 30_000, 100.0, 0, 0), (2, 0, 0.0, 0, 20_000), (3, -30_000, 101.0, 0, 0)]


def test_a_breaker_that_trips_cancels_what_still_works() -> None:
    """Three coins of five are held when the price falls by forty: a loss of 120.3 trips the budget of 100."""
    market = "100 100/100/100/100/300000 90/90/60/60/0 60 60"
    limits = {"loss_max": money("100")}
    result = played(market, "5000 5000 5000 5000 5000", {"participation_ppm": 100_000}, {"limits": limits}, **GOOD)
    assert fills(result) == [(1, 30_000, 100.0, 0, 0), (3, 0, 0.0, 0, 20_000)]


def test_a_delay_of_one_bar_fills_one_bar_later() -> None:
    assert fills(played("100 101 102", "5000 5000 5000", delay_slots=1)) == [(2, 50_000, 101.0, 0, 0)]


STOP: dict[str, Any] = {"entry_kind": OrderKind.STOP, "entry_offset_ppm": 10_000}


@pytest.mark.parametrize(("bar", "price"), [("100/100.99/99/100", 0.0), ("100/101/99/100", 101.0), ("103/104/102/103", 103.0)])
def test_a_stop_entry_fills_at_its_trigger_or_at_an_open_beyond_it(bar: str, price: float) -> None:
    assert fills(played(f"100 {bar}", "5000 5000", **STOP))[0][2] == price


def test_a_stop_entry_beyond_its_collar_does_not_fill_and_stays_a_market_order() -> None:
    result = played("100 105/105/105/105 104/104/104/104 104.5", "5000 5000 5000 5000", **STOP, **GOOD)
    assert result.decisions["trigger"].tolist() == [10_100]
    assert result.decisions["limit"].tolist() == [10_403]
    assert fills(result) == [(2, 50_000, 104.0, 0, 0)]


def test_a_stop_limit_that_was_jumped_over_rests_at_its_limit() -> None:
    how = {**STOP, **GOOD, "entry_kind": OrderKind.STOP_LIMIT}
    result = played("100 105/105/105/105 105/105/104/104.5 104.5/104.5/104.02/104.1", "5000 5000 5000 5000", **how)
    assert fills(result) == [(2, 50_000, 104.03, 1, 0)]


EXIT: dict[str, Any] = {"exit_kind": OrderKind.LIMIT, "exit_offset_ppm": 10_000}


def test_a_limit_exit_waits_above_the_close() -> None:
    result = played("100 100 100 100/101/100/101 101/101.01/101/101", "5000 5000 0 0 0", **EXIT, **GOOD)
    assert fills(result)[1:] == [(4, -50_000, 101.0, 1, 0)]


def test_a_protective_exit_takes_the_place_of_a_limit_exit() -> None:
    result = played("100 100 100 90 90 90", "5000 5000 0 0 0 0", chosen={"stop_loss_ppm": 50_000}, **EXIT, **GOOD)
    assert fills(result)[1:] == [(4, 0, 0.0, 0, 50_000), (5, -50_000, 90.0, 0, 0)]
    assert result.decisions["cause"].tolist() == [1, 1, 2]


RESTING: dict[str, Any] = {"resting": True}
BOTH: dict[str, Any] = {"stop_loss_ppm": 50_000, "take_profit_ppm": 100_000}


@pytest.mark.parametrize(
    ("bar", "exit_"),
    [
        ("100/100/95.01/96", None),
        ("100/100/95/96", (95.0, 0)),
        ("94/96/93/96", (94.0, 0)),
        ("100/110/99/100", None),
        ("100/110.01/99/100", (110.0, 1)),
        ("112/113/111/112", (110.0, 1)),
        ("100/120/90/100", (95.0, 0)),
    ],
)
def test_resting_protection_leaves_inside_the_bar_and_the_stop_comes_first(bar: str, exit_: tuple[float, int] | None) -> None:
    result = played(f"100 100 {bar}", "5000 5000 5000", chosen=BOTH, **RESTING)
    assert fills(result)[1:] == ([(2, -50_000, *exit_, 0)] if exit_ else [])
    assert int(result.slots["latched"][0]) == (1 if exit_ else 0)


def test_a_position_bought_at_the_open_can_be_stopped_out_in_the_same_bar() -> None:
    assert fills(played("100 100/101/95/100", "5000 5000", chosen=BOTH, **RESTING))[1:] == [(1, -50_000, 95.0, 0, 0)]


def test_a_position_bought_at_the_open_can_take_its_profit_in_the_same_bar() -> None:
    assert fills(played("100 100/111/99/100", "5000 5000", chosen=BOTH, **RESTING))[1:] == [(1, -50_000, 110.0, 1, 0)]


def test_a_position_bought_inside_a_bar_takes_no_profit_in_it_but_may_be_stopped() -> None:
    wild = played("100 100/120/98/100", "5000 5000", chosen=BOTH, **LIMIT, **RESTING)
    assert fills(wild) == [(1, 50_000, 99.0, 1, 0)]
    fallen = played("100 100/120/94/100", "5000 5000", chosen=BOTH, **LIMIT, **RESTING)
    assert fills(fallen)[1:] == [(1, -50_000, 94.05, 0, 0)]


@pytest.mark.parametrize(("bar", "rows"), [("100/105/99/104", 1), ("100/105/99/102.9", 2), ("103.5/105/102/104", 2)])
def test_a_low_before_a_stop_entry_proves_nothing(bar: str, rows: int) -> None:
    how: dict[str, Any] = {"entry_kind": OrderKind.STOP, "entry_offset_ppm": 40_000, **RESTING}
    result = played(f"100 {bar}", "5000 5000", chosen={"stop_loss_ppm": 10_000}, **how)
    assert fills(result)[0][2] == 104.0
    assert len(fills(result)) == rows


def test_what_a_bar_does_not_carry_of_a_resting_stop_leaves_at_the_next_open() -> None:
    market = "100 100 100/100/94/94/200000 93 92"
    result = played(market, "5000 5000 5000 5000 5000", {"participation_ppm": 100_000}, BOTH, **RESTING)
    assert fills(result)[1:] == [(2, -20_000, 95.0, 0, 30_000), (3, -30_000, 94.0, 0, 0)]
    assert result.decisions["signal"].tolist() == [0, 1, 2]


def test_resting_protection_withdraws_a_limit_exit_first() -> None:
    result = played("100 100 100 100/100/94/94", "5000 5000 0 0", chosen=BOTH, **EXIT, **GOOD, **RESTING)
    assert fills(result)[1:] == [(3, 0, 0.0, 0, 50_000), (3, -50_000, 95.0, 0, 0)]


TRAILING: dict[str, Any] = {"trailing_ppm": 50_000}


def test_a_trailing_stop_rises_with_the_highs_and_never_falls() -> None:
    result = played("100 100 100/110/100/110 110/110/105/106 106/106/104.5/106 106", "5000 " * 5 + "5000", chosen=TRAILING)
    assert fills(result)[1:] == [(5, -50_000, 106.0, 0, 0)]
    assert result.decisions["ts"].tolist() == [START_MS, START_MS + 4 * STEP_MS]


def test_a_high_raises_the_trailing_stop_behind_its_own_bar_only() -> None:
    result = played("100 100 100/110/96/109 109", "5000 5000 5000 5000", chosen=TRAILING)
    assert len(fills(result)) == 1
    closed_below = played("100 100 100/110/96/104 104", "5000 5000 5000 5000", chosen=TRAILING)
    assert fills(closed_below)[1:] == [(3, -50_000, 104.0, 0, 0)]


def test_a_resting_trailing_stop_fills_at_its_level() -> None:
    result = played("100 100 100/110/100/110 110/110/104/104", "5000 5000 5000 5000", chosen=TRAILING, **RESTING)
    assert fills(result)[1:] == [(3, -50_000, 104.5, 0, 0)]


def test_a_time_stop_leaves_three_bars_after_the_entry() -> None:
    result = played("100 100 100 100 100 100", "5000 " * 5 + "5000", chosen={"time_stop_ms": 3 * STEP_MS})
    assert fills(result)[1:] == [(5, -50_000, 100.0, 0, 0)]
    assert result.decisions["cause"].tolist() == [1, 2]
