"""Feasibility by hand: what EUR 1, 5, 6, 10 and 100 can do where the minimum order is 5, and that the smallest legal sum is exact."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader_core.evidence.feasibility import Ask, Verdict, _illegal, _most, _needed, feasible
from trader_core.model.errors import OutOfRange
from trader_core.model.instrument import Instrument
from trader_core.model.money import UNIT

BTCEUR = Instrument(
    "binance", "BTC/EUR", "BTC", "EUR", 2, 8, 1, 1_000, 1_000, 5 * UNIT, 1_000, 1_000, fee_in_base=True,
)  # fmt: skip
"""Binance's: least worth 5 EUR, lot 0.00001 BTC, 0.1 % fee taken in base."""
BTCUSDT = Instrument("mexc", "BTC/USDT", "BTC", "USDT", 2, 6, 1, 1, 1, UNIT, 0, 500)
"""MEXC's: least worth 1 USDT, lot 0.000001 BTC, 0.05 % fee taken in quote."""
AT_80_000 = Ask(price=80_000_00, stop_ppm=20_000)


def eur(amount: str) -> int:
    return int(float(amount) * 1000) * UNIT // 1000


def test_eur_5_buys_less_than_the_minimum() -> None:
    """5 / 80,000 = 0.0000625: 0.00006 BTC on the lot, worth 4.80."""
    found = feasible(BTCEUR, AT_80_000, eur("5"))
    assert found.verdict is Verdict.NEEDS
    assert found.why == "it buys worth 4.8 EUR, the least that is bought is 5"


def test_eur_6_buys_what_cannot_be_sold_again() -> None:
    """0.00007 BTC for 5.60; after 0.1 % of it only 0.00006 is on the lot: 4.80 at the price, 4.704 at the stop of 78,400."""
    found = feasible(BTCEUR, AT_80_000, eur("6"))
    assert found.verdict is Verdict.NEEDS
    assert found.why.startswith("of 0.00007 BTC bought, 0.00006 can be sold after the fee, worth 4.704 EUR at the stop's limit: below")


def test_the_smallest_legal_sum_is_eur_6_40() -> None:
    """0.00008 BTC for 6.40; 0.00007 of it can be sold, at the stop for 5.488; its fee is 0.005488: 6.40 - 5.482512 are lost."""
    found = feasible(BTCEUR, AT_80_000, eur("5"))
    assert found.smallest == eur("6.4")
    assert found.trip is not None
    assert (found.trip.qty, found.trip.sellable, found.trip.cost) == (8_000, 7_000, eur("6.4"))
    assert found.trip.loss == 6_400_000 * (UNIT // 10**6) - 5_482_512 * (UNIT // 10**6)
    assert feasible(BTCEUR, AT_80_000, eur("6.4")).verdict is Verdict.EXECUTABLE
    assert feasible(BTCEUR, AT_80_000, eur("6.4") - 1).verdict is Verdict.NEEDS


def test_eur_10_leaves_8_2_percent_of_dust() -> None:
    """0.00012 BTC for 9.60; less its fee 0.00011988, of which 0.00011 can be sold: 0.00000988 BTC, 0.7904 EUR, stay behind."""
    found = feasible(BTCEUR, AT_80_000, eur("10"))
    assert found.verdict is Verdict.EXECUTABLE
    assert found.trip is not None
    assert (found.trip.qty, found.trip.sellable, found.trip.dust, found.trip.dust_ppm) == (12_000, 11_000, 988, 82_334)


def test_eur_100_leaves_0_7_percent_of_dust() -> None:
    """0.00125 BTC for exactly 100; 0.00124875 after the fee, 0.00124 on the lot: 0.00000875 BTC or 0.70 EUR."""
    found = feasible(BTCEUR, AT_80_000, eur("100"))
    assert found.trip is not None
    assert (found.trip.qty, found.trip.cost, found.trip.dust_ppm) == (125_000, eur("100"), 7_000)


def test_a_fee_in_quote_leaves_no_dust_and_is_paid_on_top() -> None:
    """At 50,000 one lot is 0.05. 2.00 buy 39 lots: 1.95 and 0.000975 fee; 40 lots would need 2.001."""
    found = feasible(BTCUSDT, Ask(50_000_00, 20_000), 2 * UNIT)
    assert found.verdict is Verdict.EXECUTABLE
    assert found.trip is not None
    assert (found.trip.qty, found.trip.dust, found.trip.dust_ppm) == (39, 0, 0)
    assert found.trip.cost == 19_509_750_000
    assert found.trip.loss == 19_509_750_000 - (19_110_000_000 - 9_555_000)


def test_the_worth_at_the_stop_decides_how_much_is_needed() -> None:
    """A lot is 0.05 at 50,000. At a stop of 10 % it is 0.045: 23 lots are 1.035, 22 are 0.99. Without a stop 20 would do."""
    found = feasible(BTCUSDT, Ask(50_000_00, 100_000), UNIT)
    assert (found.verdict, found.trip and found.trip.qty) == (Verdict.NEEDS, 23)
    assert found.smallest == 11_505_750_000


def test_the_exit_s_own_limit_counts_because_the_venue_values_an_order_at_it() -> None:
    """At 2 % below 50,000, and 10 % below that, a lot is 0.0441: 23 lots are 1.0143, 22 are 0.9702."""
    found = feasible(BTCUSDT, Ask(50_000_00, 20_000, exit_collar_ppm=100_000), 2 * UNIT)
    assert found.smallest == 11_505_750_000
    assert feasible(BTCUSDT, Ask(50_000_00, 20_000), 2 * UNIT).smallest == 10_505_250_000  # 21 lots: 1.029 at the stop


def test_the_collar_is_reserved_and_the_engine_s_own_minimum_holds() -> None:
    """1.25 times the minimum are 25 lots at 0.05; reserved at 51,000 and with the fee they need 1.275 + 0.0006375."""
    found = feasible(BTCUSDT, Ask(50_000_00, 20_000, collar_ppm=20_000, minimum_ppm=1_250_000), UNIT)
    assert (found.verdict, found.smallest) == (Verdict.NEEDS, 12_756_375_000)
    assert found.why == "it buys worth 0.95 USDT, the least that is bought is 1.25"


def test_a_stop_that_costs_more_than_the_stage_may_lose_is_simulated_only() -> None:
    """The 6.40 of the smallest legal sum lose 0.917488 at the stop."""
    found = feasible(BTCEUR, AT_80_000, eur("1"), eur("0.9"))
    assert found.verdict is Verdict.SIMULATED_ONLY
    assert found.why.endswith("one stop loses 0.917488, the stage may lose 0.9 in all")
    assert feasible(BTCEUR, AT_80_000, eur("1"), eur("1")).verdict is Verdict.NEEDS
    assert feasible(BTCEUR, AT_80_000, eur("100"), eur("2")).verdict is Verdict.SIMULATED_ONLY


def test_a_minimum_beyond_every_capital_is_simulated_only() -> None:
    found = feasible(replace(BTCUSDT, notional_min=2_000_000 * UNIT), Ask(50_000_00, 20_000), UNIT)
    assert (found.verdict, found.smallest, found.trip) == (Verdict.SIMULATED_ONLY, 0, None)


@pytest.mark.parametrize(("price", "stop_ppm"), [(0, 20_000), (1, 0), (1, 1_000_000), (-1, 20_000)])
def test_a_price_or_a_stop_that_cannot_be_is_refused(price: int, stop_ppm: int) -> None:
    with pytest.raises(OutOfRange):
        Ask(price, stop_ppm)


@given(
    price=st.integers(1, 10**9), tick=st.integers(1, 50), lot=st.integers(1, 5_000), stop=st.integers(1, 900_000),
    least=st.integers(0, 20 * UNIT), qty_min=st.integers(0, 10**6), fee=st.integers(0, 100_000), base=st.booleans(),
    collar=st.integers(0, 500_000), least_ppm=st.integers(1_000_000, 2_000_000),
)  # fmt: skip
def test_one_lot_below_the_smallest_legal_sum_fails(
    price: int, tick: int, lot: int, stop: int, least: int, qty_min: int, fee: int, base: bool, collar: int, least_ppm: int  # noqa: FBT001
) -> None:  # fmt: skip
    one = Instrument("v", "A/B", "A", "B", 4, 6, tick, lot, qty_min, least, fee, fee, fee_in_base=base)
    ask = Ask(price * tick, stop, collar, collar, least_ppm)
    found = feasible(one, ask, UNIT)
    if not found.smallest:
        return
    lots = _most(lambda count: _needed(one, ask, count) <= found.smallest, 10**16)
    below = _most(lambda count: _needed(one, ask, count) <= found.smallest - 1, 10**16)
    assert not _illegal(one, ask, lots)
    assert below < lots
    assert _illegal(one, ask, below)
    assert feasible(one, ask, found.smallest).verdict is Verdict.EXECUTABLE
    assert feasible(one, ask, found.smallest - 1).verdict is Verdict.NEEDS
