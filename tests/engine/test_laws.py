"""Laws that hold for every run: money is conserved, costs cost, limits limit, and units are only units."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import START_MS, Desk, instrument, money, plan, random_market
from tests.engine.test_properties import NAMES, desk_of, simulated_plans
from trader_core.engine import simulate
from trader_core.engine.kernel import COMPILED
from trader_core.evidence.metrics import book
from trader_core.model.bar import Bars
from trader_core.model.instrument import Instrument, freeze, value_of
from trader_core.model.money import UNIT
from trader_core.model.plan import Plan
from trader_core.store.backtests import traded

some = settings(max_examples=60 if COMPILED else 5, deadline=None)
ROWS = 150 if COMPILED else 40


def conserved(chosen: Plan, instruments: tuple[Instrument, ...], market: Bars, wanted: Any) -> simulate.Result:
    """Assert after every slot that no unit of money came or went but by what was realised, and return the whole run."""
    state = None
    for t in range(len(market)):
        one = simulate.run(chosen, instruments, market[t : t + 1], wanted[t : t + 1], state=state)
        state = one.account, one.slots
        account, slots = one.account[0], one.slots
        assert int(account["cash"]) + int(slots["cost"].sum()) == chosen.capital + int(account["realised"])
        worth = sum(value_of(x, int(s["close"]), int(s["position"]), up=False) for x, s in zip(instruments, slots, strict=True))
        assert int(account["equity"]) == int(account["cash"]) + worth
        assert int(account["faults"]) == 0
    return simulate.run(chosen, instruments, market, wanted)


@some
@given(simulated_plans(), st.integers(0, 10**6))
def test_money_is_conserved_to_the_unit_after_every_bar(chosen: Plan, seed: int) -> None:
    desk = desk_of(chosen)
    conserved(chosen, desk.instruments, *random_market(seed, ROWS // 2, len(NAMES)))


def test_a_shib_like_and_a_btc_like_instrument_share_one_account() -> None:
    """A price of 0.0000123 with whole coins, and one of 67,000 with lots of 0.00001: nothing wraps, nothing is lost."""
    plain = Instrument("t", "SHIB/U", "SHIB", "U", 10, 0, 1, 1, 0, UNIT, 500, 1000)
    shib = freeze(plain, 200_000)
    btc = freeze(replace(plain, symbol="BTC/U", base="BTC", price_exp=2, qty_exp=8, tick=1, lot=1000), 7_000_000)
    market, wanted = random_market(5, ROWS, 2, gaps=False)
    for column, factor in ((0, 12), (1, 670)):
        for name in ("open", "high", "low", "close"):
            market[name][:, column] *= factor
    market["high"][:, 0] = np.minimum(market["high"][:, 0], shib.price_max)
    market["volume"][:, 0], market["volume"][:, 1] = 10**12, 10**11
    limits = {"positions_max": 2, "drawdown_max_ppm": 0}
    chosen = plan("SHIB/U", "BTC/U", capital=1_000_000 * UNIT, limits=limits, costs={"slippage_ppm": 500, "collar_ppm": 20_000})
    result = conserved(chosen, (shib, btc), market, wanted)
    bought = [result.fills[(result.fills["instrument"] == i) & (result.fills["side"] > 0)]["qty"].max() for i in range(2)]
    assert bought[0] > 10**9, "thousands of millions of coins"
    assert bought[1] > 10**7, "tenths of a bitcoin"


@some
@given(simulated_plans(), st.integers(0, 10**6), st.integers(1, 10**9))
def test_for_identical_fills_a_higher_fee_never_leaves_more_money(chosen: Plan, seed: int, more: int) -> None:
    desk = desk_of(chosen)
    fills = traded(simulate.run(chosen, desk.instruments, *random_market(seed, ROWS, len(NAMES))).fills)
    dearer = [fill._replace(fee=fill.fee + more) for fill in fills]
    cheap, dear = book(desk.instruments, fills)[1], book(desk.instruments, dearer)[1]
    for one, other in zip(cheap, dear, strict=True):
        assert other.fees > one.fees
    held = [sum((f.side * f.qty - f.fee_base) for f in fills if f.instrument == i) for i in range(len(NAMES))]
    if not any(held) and fills:
        assert dear[-1].realised < cheap[-1].realised


WIDER = {
    "exposure_max": money("400"), "order_max": money("300"), "qty_max": 30_000, "orders_per_hour": 2, "orders_per_instrument_day": 1,
    "positions_max": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", WIDER)
@some
@given(st.integers(0, 10**6))
def test_for_one_state_and_one_instrument_a_wider_limit_never_refuses_what_a_narrower_one_allowed(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    narrow = int(rng.integers(1, 2 * WIDER[name])) if name != "positions_max" else 1
    wide = narrow + int(rng.integers(1, WIDER[name] + 1))
    answers = []
    for limit in (narrow, wide):
        desk = Desk(plan(limits={name: limit}, capital=1000 * UNIT))
        desk.slots["position"], desk.slots["cost"] = 20_000, money("200")
        desk.account["cash"] -= money("200")
        desk.account["rate_hour"], desk.account["rate_count"] = START_MS // 3_600_000, int(np.random.default_rng(seed).integers(0, 4))
        desk.account["positions"] = 1
        if name == "positions_max":  # a slot is a share of them: its money must not move with the limit
            desk.grids["allocation_bps"] = 5_000
        rows = desk.bar("100", int(np.random.default_rng(seed + 1).integers(2_500, 10_001)))
        answers.append(sum(int(row["qty"]) > 0 for row in rows))
    assert answers[1] >= answers[0]


@some
@given(st.integers(0, 10**6))
def test_prices_and_money_times_ten_give_the_result_times_ten(seed: int) -> None:
    """Another unit of money is another unit, no other result: quantities and times stay, every amount is ten times as large."""
    costs = {"slippage_ppm": 500, "collar_ppm": 20_000, "exit_collar_ppm": 100_000, "participation_ppm": 100_000}
    market, wanted = random_market(seed, ROWS, len(NAMES))
    results = []
    for factor in (1, 10):
        grids = [instrument(name, tick=factor, notional_min=factor * UNIT) for name in NAMES]
        instruments = [replace(one, price_max=one.price_max * factor, qty_max=10**6) for one in grids]
        chosen = plan(*NAMES, capital=factor * 1000 * UNIT, costs=costs, limits={"positions_max": 3, "band_ppm": 50_000})
        scaled = market.copy()
        for name in ("open", "high", "low", "close"):
            scaled[name] *= factor
        results.append(simulate.run(chosen, instruments, scaled, wanted))
    one, ten = results
    assert (ten.equity == 10 * one.equity).all()
    assert (ten.cash == 10 * one.cash).all()
    for name in ("ts", "instrument", "side", "qty", "released"):
        assert (ten.fills[name] == one.fills[name]).all()
    for name in ("price", "fee"):
        assert (ten.fills[name] == 10 * one.fills[name]).all()
    assert len(one.fills) > 10
