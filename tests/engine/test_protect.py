"""Stops, takes and latches: what leaves by itself, and stays out until its target has been zero."""

import pytest

from tests.builders import Desk, plan, words
from trader_core.engine import core
from trader_core.model.session import Mode


def holding(desk: Desk, price: str = "100") -> Desk:
    """Return the desk after its first slot, with its position bought at a price."""
    desk.bar(price, 10_000)
    desk.buy(price)
    return desk


@pytest.mark.parametrize(("low", "latched"), [("95.01", 0), ("95", 1)])
def test_a_stop_five_percent_below_entry_is_hit_by_the_low(low: str, latched: int) -> None:
    desk = holding(Desk(plan(stop_loss_ppm=50_000)))
    rows = desk.bar(f"100/101/{low}/100", 10_000)
    assert desk.of("latched") == latched
    assert [words(row) for row in rows] == [("PROTECT", "NONE")] * latched


@pytest.mark.parametrize(("high", "latched"), [("109.99", 0), ("110", 1)])
def test_a_take_ten_percent_above_entry_is_hit_by_the_high(high: str, latched: int) -> None:
    desk = holding(Desk(plan(take_profit_ppm=100_000)))
    desk.bar(f"100/{high}/99/100", 10_000)
    assert desk.of("latched") == latched


@pytest.mark.parametrize(("high", "latched"), [("100", 0), ("99.99", 0), ("249.99", 0), ("250", 1)])
def test_a_take_may_lie_beyond_twice_the_entry(high: str, latched: int) -> None:
    desk = holding(Desk(plan(take_profit_ppm=1_500_000)))
    desk.bar(f"99/{high}/99/99", 10_000)
    assert desk.of("latched") == latched


def test_after_protection_the_instrument_stays_flat_until_its_target_has_been_zero() -> None:
    desk = holding(Desk(plan(stop_loss_ppm=50_000)))
    (row,) = desk.bar("90", 10_000)
    assert (words(row), row["target_from"], row["target_to"], desk.of("target")) == (("PROTECT", "NONE"), 10_000, 0, 10_000)
    desk.sell("90")
    assert len(desk.bar("100", 10_000)) == 0
    (row,) = desk.bar("100", 5000)
    assert (words(row), desk.of("target"), desk.of("latched")) == (("TARGET", "LATCHED"), 5000, 1)
    assert len(desk.bar("100", 0)) == 0
    assert desk.of("latched") == 0
    (row,) = desk.bar("100", 5000)
    assert words(row) == ("TARGET", "NONE")


def test_protection_works_while_halted_and_not_while_killed() -> None:
    desk = holding(Desk(plan(stop_loss_ppm=50_000)))
    core.on_mode(desk.account, int(Mode.KILLED))
    (row,) = desk.bar("90", 10_000)
    assert (words(row), row["verdicts"]) == (("PROTECT", "KILLED"), 1)
    assert len(desk.bar("90", 10_000)) == 0
    core.on_mode(desk.account, int(Mode.HALTED))
    (row,) = desk.bar("90", 10_000)
    assert words(row) == ("PROTECT", "NONE")


def test_protection_does_not_wait_for_a_buy_in_flight() -> None:
    desk = Desk(plan(stop_loss_ppm=50_000))
    desk.bar("100", 10_000)
    desk.fill(1, "1", "100")
    (row,) = desk.bar("90", 10_000)
    assert (words(row), row["qty"]) == (("PROTECT", "NONE"), -10_000)
    desk.sell("90")
    desk.fill(1, "1", "90")
    (row,) = desk.bar("90", 10_000)
    assert (words(row), row["qty"]) == (("PROTECT", "NONE"), -10_000)


def test_an_operator_closes_what_is_held_even_when_killed() -> None:
    desk = holding(Desk(mode=Mode.ACTIVE))
    core.on_mode(desk.account, int(Mode.KILLED))
    core.on_operator(desk.account, desk.slots, 0, core.LATCH_FLAT)
    (row,) = desk.bar("100", 10_000)
    assert (words(row), row["qty"]) == (("OPERATOR", "NONE"), -99_900)
    desk.sell()
    core.on_mode(desk.account, int(Mode.ACTIVE))
    assert len(desk.bar("100", 10_000)) == 0
    assert len(desk.bar("100", 0)) == 0
    assert desk.of("latched") == 0


def test_what_cannot_be_sold_does_not_keep_its_latch_once_its_target_is_zero() -> None:
    desk = Desk()
    desk.fill(1, "0.0099", "100")
    core.on_operator(desk.account, desk.slots, 0, core.LATCH_FLAT)
    assert [words(row) for row in desk.bar("100", -1)] == [("OPERATOR", "UNSELLABLE")]
    assert desk.of("latched") == 2
    desk.bar("100", 0)
    assert desk.of("latched") == 0
