"""The engine's int64 arithmetic equals the model's unbounded integers at every door and edge."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from trader_core.engine import arithmetic as engine
from trader_core.engine.kernel import COMPILED
from trader_core.model import money
from trader_core.model.money import MONEY_MAX, PPM, PRODUCT_MAX

many = settings(max_examples=500 if COMPILED else 100, deadline=None)
amounts = st.integers(0, MONEY_MAX) | st.integers(MONEY_MAX - 3, MONEY_MAX) | st.integers(0, 3)
rates = st.integers(0, PPM) | st.sampled_from([0, 1, PPM - 1, PPM])


@many
@given(st.integers(0, 6), st.integers(0, 6), st.integers(1, PRODUCT_MAX), st.data())
def test_notionals_equal_the_models_inside_the_doors(price_exp: int, qty_exp: int, price: int, data: st.DataObject) -> None:
    shift = money.MONEY_EXP - price_exp - qty_exp
    multiplier, divisor = 10 ** max(shift, 0), 10 ** max(-shift, 0)
    top = min(PRODUCT_MAX, MONEY_MAX // multiplier * divisor) // price
    qty = data.draw(st.integers(0, top) | st.just(top))
    assert engine.notional_down(price, qty, multiplier, divisor) == money.notional(price, qty, price_exp, qty_exp, up=False)
    assert engine.notional_up(price, qty, multiplier, divisor) == money.notional(price, qty, price_exp, qty_exp, up=True)


@many
@given(amounts, rates)
def test_rates_equal_the_models(amount: int, ppm: int) -> None:
    assert engine.rate_down(amount, ppm) == money.rate(amount, ppm, up=False)
    assert engine.rate_up(amount, ppm) == money.rate(amount, ppm, up=True)


@many
@given(st.integers(0, PRODUCT_MAX), rates)
def test_rates_hold_for_prices_and_volumes_up_to_the_door(amount: int, ppm: int) -> None:
    assert engine.rate_down(amount, ppm) == amount * ppm // PPM
    assert engine.rate_up(amount, ppm) == -(-amount * ppm // PPM)


@many
@given(amounts, st.integers(1, PRODUCT_MAX) | st.integers(PRODUCT_MAX - 3, PRODUCT_MAX), st.data())
@example(MONEY_MAX, PRODUCT_MAX, None)
def test_a_share_of_a_basis_equals_the_models(a: int, c: int, data: st.DataObject | None) -> None:
    b = c - 1 if data is None else data.draw(st.integers(0, c) | st.sampled_from([0, 1, c - 1, c]))
    assert engine.multiply_divide(a, b, c) == money.multiply_divide(a, b, c)


@many
@given(amounts, rates)
def test_the_largest_amount_before_a_rate_fits_and_one_more_does_not(budget: int, ppm: int) -> None:
    amount = engine.before_rate(budget, ppm)
    assert amount + money.rate(amount, ppm, up=True) <= budget
    assert amount + 1 + money.rate(amount + 1, ppm, up=True) > budget


@many
@given(st.integers(1, engine.WORTH_MAX), st.integers(1, 10**9), st.sampled_from([(1, 1), (1, 10), (1, 100), (10, 1), (10**6, 1)]))
def test_the_quantity_of_a_worth_fits_and_one_more_does_not(worth: int, price: int, grid: tuple[int, int]) -> None:
    multiplier, divisor = grid
    qty = engine.quantity_of(worth, price, multiplier, divisor)
    assert -(-price * qty * multiplier // divisor) <= worth
    assert -(-price * (qty + 1) * multiplier // divisor) > worth


def test_no_budget_and_no_worth_buy_nothing() -> None:
    assert engine.before_rate(-5, 1000) == 0
    assert engine.quantity_of(-5, 100, 1, 1) == 0


@many
@given(st.integers(0, 10**15), st.integers(1, 10**6))
def test_steps_lie_around_a_value(value: int, step: int) -> None:
    below, above = engine.down_to(value, step), engine.up_to(value, step)
    assert below <= value <= above
    assert below % step == above % step == 0
    assert above - below in (0, step)


def test_a_lot_drawn_for_a_name_and_a_time_never_changes() -> None:
    assert engine.mix(0, 0) == 1763857118235929907
    assert engine.mix(123_456_789_012_345_678, 1_700_006_400_000) == 754643455035276072


def test_different_names_draw_different_lots_and_every_name_wins_sometimes() -> None:
    names = [7 * 10**17 + k for k in range(8)]
    winners = set()
    for slot in range(200):
        lots = [int(engine.mix(name, 1_700_006_400_000 + 60_000 * slot)) for name in names]
        assert len(set(lots)) == len(names)
        assert all(0 <= lot < 2**62 for lot in lots)
        winners.add(lots.index(max(lots)))
    assert winners == set(range(8))
