"""What holds for every market, plan and fate of an order: nothing oversold, nothing overspent, and books that add up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import STEP_MS, Desk, instrument, plan, random_market
from trader_core.engine import core, simulate
from trader_core.engine.kernel import COMPILED
from trader_core.engine.state import state_bytes
from trader_core.model.instrument import value_of
from trader_core.model.money import UNIT, rate
from trader_core.model.plan import Execution, OrderKind, Plan
from trader_core.model.session import Cause, Refusal

NAMES = ("A/U", "B/U", "C/U")
some = settings(max_examples=60 if COMPILED else 5, deadline=None)
SLOTS = 120 if COMPILED else 40


KINDS = list(OrderKind)


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    return Execution(
        entry_kind=draw(st.sampled_from(KINDS)),
        entry_offset_ppm=draw(st.sampled_from([0, 5_000, 20_000])),
        exit_kind=draw(st.sampled_from([OrderKind.MARKET, OrderKind.LIMIT])),
        exit_offset_ppm=draw(st.sampled_from([0, 10_000])),
        good_slots=draw(st.sampled_from([0, 1, 3])),
        delay_slots=draw(st.sampled_from([0, 0, 2])),
        resting=draw(st.booleans()),
    )


@st.composite
def simulated_plans(draw: st.DrawFn) -> Plan:
    """Plans with every kind of order and cost that a simulation knows."""
    start = draw(plans())
    costs = replace(
        start.costs,
        spread_ppm=draw(st.sampled_from([0, 300])),
        stress_low_ppm=(low := draw(st.sampled_from([0, 500]))),
        stress_high_ppm=low and 3000,
        stress_seed=draw(st.integers(0, 9)),
        impact_ppm=draw(st.sampled_from([0, 10_000])),
    )
    return replace(start, costs=costs, execution=draw(executions()), stop_loss_ppm=start.stop_loss_ppm or 40_000)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    limits = {
        "positions_max": draw(st.integers(1, 3)),
        "exposure_max": draw(st.sampled_from([0, 300, 700, 10_000])) * UNIT,
        "order_max": draw(st.sampled_from([50, 300, 10_000])) * UNIT,
        "qty_max": draw(st.sampled_from([0, 30_000])),
        "orders_per_instrument_day": draw(st.sampled_from([0, 3])),
        "drawdown_max_ppm": draw(st.sampled_from([0, 100_000])),
        "daily_loss_max": draw(st.sampled_from([0, 100 * UNIT])),
        "loss_max": draw(st.sampled_from([0, 50 * UNIT])),
        "losses_max": draw(st.sampled_from([0, 3])),
        "errors_max": draw(st.sampled_from([0, 3])),
        "band_ppm": draw(st.sampled_from([0, 50_000])),
        "orders_per_hour": draw(st.sampled_from([0, 10])),
    }
    costs = {
        "slippage_ppm": draw(st.sampled_from([0, 500, 5000])),
        "participation_ppm": draw(st.sampled_from([0, 100_000])),
        "collar_ppm": draw(st.sampled_from([0, 20_000])),
        "exit_collar_ppm": draw(st.sampled_from([0, 100_000])),
    }
    stops = {
        "stop_loss_ppm": draw(st.sampled_from([0, 20_000])),
        "take_profit_ppm": draw(st.sampled_from([0, 50_000])),
        "trailing_ppm": draw(st.sampled_from([0, 30_000])),
        "time_stop_ms": draw(st.sampled_from([0, 10 * STEP_MS])),
    }
    return plan(*NAMES, limits=limits, costs=costs, **stops)


def desk_of(chosen: Plan) -> Desk:
    """Return a desk over three instruments with different grids."""
    grids: tuple[dict[str, Any], ...] = ({}, {"lot": 100, "tick": 5}, {"lot": 7, "taker_ppm": 2500, "qty_min": 70})
    return Desk(chosen, *(instrument(name, **grid) for name, grid in zip(NAMES, grids, strict=True)))


def check_books(desk: Desk, slack: int = 0) -> None:
    """Assert every identity and bound of a state; `slack` is what fees of extra partial fills may round up to."""
    account, slots = desk.account[0], desk.slots
    assert int(account["faults"]) == 0
    assert (slots["position"] >= 0).all()
    assert (slots["selling"] <= slots["position"]).all()
    assert (slots["cost"] >= 0).all()
    assert int(account["cash"]) >= int(account["reserved"]) - slack
    assert int(account["reserved"]) == int(slots["buy_reserved"].sum())
    assert int(slots["cost"].sum()) + int(account["reserved"]) <= desk.plan.limits.exposure_max + slack
    assert int(account["cash"]) + int(slots["cost"].sum()) == desk.plan.capital + int(account["realised"])
    assert int(account["realised"]) == int(slots["realised"].sum())
    assert int(account["fees"]) == int(slots["fees"].sum())
    held = [i for i, x in enumerate(desk.instruments) if slots["position"][i] >= x.lot or slots["buying"][i] > 0]
    assert int(account["positions"]) == len(held)
    assert len(held) <= desk.plan.limits.positions_max


def check_equity(desk: Desk) -> None:
    """Assert that equity is cash and every position at its last close."""
    worth = [value_of(x, int(desk.slots["close"][i]), int(desk.slots["position"][i]), up=False) for i, x in enumerate(desk.instruments)]
    assert desk["equity"] == desk["cash"] + sum(worth)
    assert desk["peak"] >= desk["equity"]


def check_rows(desk: Desk, rows: Any, before: Any, wanted: Any, first_signal: int) -> None:
    """Assert that every signal has a cause and ends as an intent or a refusal, and that no wanted change is without one."""
    assert rows["signal"].tolist() == list(range(first_signal, first_signal + len(rows)))
    assert len(set(rows["instrument"].tolist())) == len(rows)
    for row in rows:
        i, qty, refusal = int(row["instrument"]), int(row["qty"]), Refusal(int(row["refusal"]))
        assert Cause(int(row["cause"])) in Cause
        assert (qty == 0) == (refusal is not Refusal.NONE)
        assert qty % desk.instruments[i].lot == 0
        assert abs(qty) <= abs(int(row["wanted"]))
        assert (int(row["verdicts"]) == 0) or refusal is not Refusal.NONE
        if qty:
            assert int(row["limit"]) % desk.instruments[i].tick == 0
            assert int(desk.slots["buying" if qty > 0 else "selling"][i]) == abs(qty)
    moved = [i for i in range(len(NAMES)) if desk.slots["target"][i] != before["target"][i]]
    for i in moved:
        assert desk.slots["target"][i] == wanted[i]
        nothing = wanted[i] == 0 and before["position"][i] < desk.instruments[i].lot
        assert nothing or i in rows["instrument"], "a target moved without a signal"


@some
@given(simulated_plans(), st.integers(0, 10**6))
def test_simulated_fills_keep_every_bound_at_every_slot(chosen: Plan, seed: int) -> None:
    desk = desk_of(chosen)
    market, wanted = random_market(seed, SLOTS, len(NAMES))
    whole = simulate.run(chosen, desk.instruments, market, wanted)
    for t in range(SLOTS):
        one = simulate.run(chosen, desk.instruments, market[t : t + 1], wanted[t : t + 1], state=(desk.account, desk.slots))
        desk.account, desk.slots = one.account, one.slots
        check_books(desk)
        check_equity(desk)
    assert state_bytes(desk.account, desk.slots) == whole.state


@some
@given(simulated_plans(), st.integers(0, 10**6), st.sampled_from([1, 20]))
def test_gliding_over_quiet_bars_changes_nothing(chosen: Plan, seed: int, held: int) -> None:
    desk = desk_of(chosen)
    market, wanted = random_market(seed, SLOTS, len(NAMES), gaps=held == 1)
    wanted = np.ascontiguousarray(wanted[np.arange(SLOTS) // held * held])
    long_way = simulate.run(chosen, desk.instruments, market, wanted, glides=False)
    assert simulate.run(chosen, desk.instruments, market, wanted).digest == long_way.digest


@some
@given(simulated_plans(), st.integers(0, 10**6))
def test_every_order_is_filled_or_released_to_the_last_lot(chosen: Plan, seed: int) -> None:
    desk = desk_of(chosen)
    market, wanted = random_market(seed, SLOTS, len(NAMES), gaps=False)
    result = simulate.run(chosen, desk.instruments, market, wanted)
    intents = result.decisions[result.decisions["refusal"] == 0]
    settled: dict[int, int] = {}
    for row in result.fills:
        settled[int(row["signal"])] = settled.get(int(row["signal"]), 0) + int(row["qty"] + row["released"]) * int(row["side"])
    working = set(result.slots["buy_signal"][result.slots["buying"] > 0]) | set(result.slots["sell_signal"][result.slots["selling"] > 0])
    for row in intents:
        if row["signal"] not in working:
            assert settled[int(row["signal"])] == row["qty"]
        else:
            assert abs(settled.get(int(row["signal"]), 0)) < abs(row["qty"])


@some
@given(plans(), st.integers(0, 10**6))
def test_any_fate_of_an_order_keeps_every_bound(chosen: Plan, seed: int) -> None:
    """Fills in pieces inside the limit, releases, rejections and gaps, in any order, over many slots."""
    desk, rng, fills = desk_of(chosen), np.random.default_rng(seed), 0
    market, wanted = random_market(seed, SLOTS, len(NAMES))
    for t in range(SLOTS):
        for i in rng.permutation(len(NAMES)):
            fills += fate(desk, int(i), rng)
            check_books(desk, slack=2 * fills)
        before, first = desk.slots.copy(), desk["signals"]
        rows = desk.slot(market[t].copy(), wanted[t].copy())
        check_books(desk, slack=2 * fills)
        check_equity(desk)
        check_rows(desk, rows, before, wanted[t], first)


def fate(desk: Desk, i: int, rng: np.random.Generator) -> int:
    """Let chance decide what becomes of what instrument i has in flight; return the number of fills."""
    fills = 0
    x = desk.instruments[i]
    for side, name, bound in ((1, "buying", "buy_limit"), (-1, "selling", "sell_limit")):
        left = desk.of(name, i)
        while left and rng.random() < 0.7:
            qty, limit = int(rng.integers(1, left + 1)), desk.of(bound, i)
            price = max(limit - side * int(rng.integers(0, 50)), 1)
            fee = rate(value_of(x, price, qty, up=True), x.taker_ppm, up=True)
            assert core.on_fill(desk.account, desk.slots, desk.record, desk.grids, i, side, qty, price, fee, 0, 0) == 0
            fills, left = fills + 1, desk.of(name, i)
        if left and rng.random() < 0.8:
            core.on_release(desk.account, desk.slots, desk.record, desk.grids, i, side, left, int(rng.random() < 0.3))
    return fills


@pytest.mark.parametrize("seed", range(3))
def test_a_losing_run_ends_with_cash_and_not_below(seed: int) -> None:
    """A market that only falls, all in, with the highest costs: the account shrinks and never owes."""
    chosen = plan(*NAMES, costs={"slippage_ppm": 5000, "collar_ppm": 20_000, "exit_collar_ppm": 200_000}, limits={"positions_max": 3})
    desk = desk_of(chosen)
    market, _ = random_market(seed, SLOTS, len(NAMES), gaps=False)
    for name in ("open", "high", "low", "close"):
        market[name] = np.sort(market[name], axis=0)[::-1]
    wanted = np.where(np.arange(SLOTS)[:, None] // 3 % 2 == 0, 10_000, 0).repeat(len(NAMES), axis=1)
    result = simulate.run(chosen, desk.instruments, market, wanted)
    assert (result.cash >= 0).all()
    assert 0 <= int(result.equity[-1]) < chosen.capital
