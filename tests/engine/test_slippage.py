"""What makes a fill worse, by hand; how orders of each side meet a bar; where protection lies, to the last unit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, Desk, bars, instrument, plan
from trader_core.engine import fills, protect
from trader_core.engine.fills import LIMIT, MARKET, STOP, STOP_LIMIT
from trader_core.model.money import PPM, PRODUCT_MAX

BUY, SELL = 1, -1


def of(array: Any) -> Any:
    return array.view(np.recarray)[0]


def worse(side: int = BUY, qty: int = 10, bar: str = "100/100/100/100/100", at: int = 0, symbol: str = "A/U", **costs: int) -> int:
    """Return the slippage in parts per million of a quantity in a bar of a hundred units."""
    desk = Desk(plan(symbol, costs=costs), instrument(symbol))
    return int(fills.slippage(of(desk.record), of(desk.grids), of(bars(bar, start_ms=START_MS + at * 60_000)), side, qty))


def test_fixed_slippage_and_half_of_the_spread_rounded_up_add_up() -> None:
    assert worse() == 0
    assert worse(slippage_ppm=500, spread_ppm=301) == 651


def test_an_impact_is_the_share_of_the_bar_that_is_taken_rounded_up() -> None:
    """Ten of a hundred units take a tenth of the impact and one more; more than the bar holds takes all of it."""
    assert worse(slippage_ppm=500, impact_ppm=10_000) == 500 + 1001
    assert worse(qty=200, impact_ppm=10_000) == 10_001
    assert worse(bar="100/100/100/100/0", impact_ppm=10_000) == 0
    assert worse(bar="100/100/100/100/1", impact_ppm=10_000) == 10_001
    assert worse(impact_ppm=1) == 1


def test_all_of_it_takes_at_most_the_whole_price() -> None:
    assert worse(slippage_ppm=500_000, spread_ppm=500_000, impact_ppm=500_000, qty=100) == PPM


def test_a_stress_draw_lies_between_its_bounds_and_differs_by_seed_instrument_bar_and_side() -> None:
    bounds: dict[str, Any] = {"stress_low_ppm": 500, "stress_high_ppm": 3000}
    draws = [worse(at=at, **bounds) for at in range(300)]
    assert 500 <= min(draws) < 600
    assert 2900 < max(draws) <= 3000
    assert 1600 < sum(draws) / 300 < 1900
    assert draws == [worse(at=at, **bounds) for at in range(300)]
    first = {worse(**bounds), worse(SELL, **bounds), worse(symbol="B/U", **bounds), worse(stress_seed=1, **bounds), draws[1]}
    assert len(first) == 5
    assert {worse(at=at, stress_low_ppm=700, stress_high_ppm=700) for at in range(9)} == {700}
    assert {worse(at=at, stress_low_ppm=1, stress_high_ppm=2) for at in range(50)} == {1, 2}
    assert worse(slippage_ppm=100, stress_low_ppm=700, stress_high_ppm=700) == 800
    assert {worse(at=at, stress_low_ppm=0, stress_high_ppm=1) for at in range(50)} == {0, 1}


def met(bar: str, side: int, kind: int, trigger: str, limit: str, fresh: int = 0) -> tuple[float, int, int]:
    price, after, maker = fills.meet(of(bars(bar)), side, kind, round(float(trigger) * 100), round(float(limit) * 100), fresh)
    return price / 100, int(after), int(maker)


@pytest.mark.parametrize(
    ("bar", "side", "kind", "trigger", "limit", "expected"),
    [
        ("100/101/99/100", BUY, STOP, "101", "105", (101, MARKET, 0)),
        ("100/100.99/99/100", BUY, STOP, "101", "105", (0, STOP, 0)),
        ("101/102/99/100", BUY, STOP, "101", "105", (101, MARKET, 0)),
        ("102/102/99/100", BUY, STOP_LIMIT, "101", "105", (102, LIMIT, 0)),
        ("100/101/99/100", SELL, STOP, "99", "95", (99, MARKET, 0)),
        ("100/101/99.01/100", SELL, STOP, "99", "95", (0, STOP, 0)),
        ("99/101/98/100", SELL, STOP, "99", "95", (99, MARKET, 0)),
        ("98/101/98/100", SELL, STOP_LIMIT, "99", "95", (98, LIMIT, 0)),
        ("100/101/99.01/100", SELL, STOP_LIMIT, "99", "95", (0, STOP_LIMIT, 0)),
        ("100/101/99/100", BUY, LIMIT, "0", "99", (0, LIMIT, 1)),
        ("100/101/99/100", BUY, LIMIT, "0", "99.01", (99.01, LIMIT, 1)),
        ("100/101/99/100", SELL, LIMIT, "0", "101", (0, LIMIT, 1)),
        ("100/101/99/100", SELL, LIMIT, "0", "100.99", (100.99, LIMIT, 1)),
        ("100/101/99/100", BUY, MARKET, "0", "1", (100, MARKET, 0)),
    ],
)
def test_a_bar_proves_what_it_proves_for_either_side(
    bar: str, side: int, kind: int, trigger: str, limit: str, expected: tuple[float, int, int]
) -> None:  # fmt: skip
    assert met(bar, side, kind, trigger, limit) == expected


@pytest.mark.parametrize(("side", "limit", "maker"), [(BUY, "100", 0), (BUY, "99.99", 1), (SELL, "100", 0), (SELL, "100.01", 1)])
def test_a_limit_that_meets_the_open_on_arrival_takes_it(side: int, limit: str, maker: int) -> None:
    assert met("100/101/99/100", side, LIMIT, "0", limit, fresh=1)[2] == maker


@pytest.mark.parametrize(("side", "limit", "qty"), [(BUY, 10_000, 5), (BUY, 9_999, 0), (SELL, 10_000, 5), (SELL, 10_001, 0)])
def test_a_fill_may_cost_its_limit_and_no_unit_more(side: int, limit: int, qty: int) -> None:
    desk = Desk()
    assert fills.fill_from(of(desk.record), of(desk.grids), of(bars("100")), side, 5, limit, 10_000, 0)[0] == qty


def test_a_fill_at_the_price_door_is_one_and_beyond_it_is_none() -> None:
    desk = Desk()
    door = int(desk.grids["price_max"][0])
    found = [
        fills.fill_from(of(desk.record), of(desk.grids), of(bars("100")), BUY, 5, 10 * door, price, 0)[0] for price in (door, door + 1)
    ]
    assert found == [5, 0]


def test_a_volume_below_nothing_carries_nothing() -> None:
    desk = Desk(plan(costs={"participation_ppm": 1_000_000}))
    assert [fills.volume_share(of(desk.record), of(desk.grids), volume) for volume in (-5, 0, 1)] == [0, 0, 1]


# protection


def levels(entry: int, top: int, **chosen: Any) -> int:
    desk = Desk(plan(**chosen))
    desk.slots["entry_cost"], desk.slots["top"] = entry, top
    return int(protect.stop_level(of(desk.slots), of(desk.record)))


def test_stops_lie_their_share_rounded_down_below() -> None:
    """A percent of 1050 is 10.5: ten away. The higher of the two stops counts; without any there is none."""
    assert levels(1050, 2000) == 0
    assert levels(1050, 2000, stop_loss_ppm=10_000) == 1040
    assert levels(1000, 1050, trailing_ppm=10_000) == 1040
    assert levels(1000, 1050, trailing_ppm=10_000, stop_loss_ppm=10_000) == 1040
    assert levels(1000, 1050, trailing_ppm=100_000, stop_loss_ppm=10_000) == 990
    assert levels(10**6, 10**6, stop_loss_ppm=1) == levels(10**6, 10**6, trailing_ppm=1) == 10**6 - 1


@pytest.mark.parametrize(("entry", "ppm", "level"), [(1050, 0, 0), (1050, 10_000, 1061), (1050, 2_010_000, 3161), (7, 3_000_000, 28)])
def test_a_take_lies_its_share_rounded_up_above(entry: int, ppm: int, level: int) -> None:
    assert protect.take_level(entry, ppm) == level


def test_a_take_that_no_price_could_reach_is_none() -> None:
    top = PRODUCT_MAX // 3
    assert protect.take_level(top, 1_000_000) == 2 * top
    assert protect.take_level(top + 1, 1_000_000) == 0


def test_what_is_left_below_a_lot_is_not_protected_and_forgets_its_levels() -> None:
    desk = Desk(plan(stop_loss_ppm=10_000, take_profit_ppm=10_000, trailing_ppm=10_000), instrument(lot=10))
    desk.fill(BUY, "0.0010", "100")
    assert [desk.of(name) for name in ("top", "stop_price", "take_price")] == [10_000, 9_900, 10_100]
    assert desk.of("entry_ts") == START_MS
    desk.fill(BUY, "0.0010", "200")
    assert desk.of("top") == 15_000, "the average is above the highest high"
    desk.slots["top"] = 20_000
    desk.fill(BUY, "0.0010", "200")
    assert desk.of("top") == 20_000
    desk.fill(SELL, "0.0025", "100")
    assert [desk.of(name) for name in ("entry_ts", "top", "stop_price", "take_price")] == [0, 0, 0, 0]


def watched(bar: str, chosen: Any, at: int = 0, **fields: int) -> tuple[int, int]:
    """Return (latched, stop) after a bar of a slot that was bought at 100.00."""
    desk = Desk(chosen)
    desk.fill(BUY, "1", "100")
    for name, value in fields.items():
        desk.slots[name] = value
    protect.watch_position(of(desk.slots), of(desk.record), of(bars(bar)), START_MS + at * 60_000)
    return desk.of("latched"), desk.of("stop_price")


TRAILED = plan(trailing_ppm=100_000)
TIMED = plan(time_stop_ms=180_000)


@pytest.mark.parametrize(
    ("bar", "expected"),
    [("100/100/91/95", (0, 9_000)), ("100/110/99/100", (0, 9_900)), ("100/110/95/99", (1, 9_900)), ("100/110/95/99.01", (0, 9_900))],
)
def test_a_close_at_the_risen_stop_leaves(bar: str, expected: tuple[int, int]) -> None:
    assert watched(bar, TRAILED) == expected


def test_without_a_trailing_stop_no_high_is_kept_and_the_smallest_one_follows() -> None:
    desk = Desk(plan(stop_loss_ppm=10_000))
    desk.fill(BUY, "1", "100")
    protect.watch_position(of(desk.slots), of(desk.record), of(bars("100/110/100/110")), START_MS)
    assert desk.of("top") == 10_000
    assert watched("100.01/20000/100.01/20000", plan(trailing_ppm=1)) == (0, 2_000_000 - 2)


def test_a_take_of_one_unit_is_one_and_none_is_never_hit() -> None:
    assert watched("100", plan(), take_price=1)[0] == 1
    assert watched("100", plan(), take_price=0)[0] == 0


def test_time_is_up_on_the_very_bar() -> None:
    assert [watched("100", TIMED, at)[0] for at in (2, 3)] == [0, 1]
    assert [watched("100", replace(TIMED, time_stop_ms=1), at)[0] for at in (0, 1)] == [0, 1]


def test_what_is_leaving_at_the_market_is_not_latched_and_what_rests_at_a_limit_is() -> None:
    stopped = plan(stop_loss_ppm=50_000)
    assert watched("94", stopped, selling=10_000, sell_kind=MARKET)[0] == 0
    assert watched("94", stopped, selling=10_000, sell_kind=LIMIT)[0] == 1
    assert watched("94", stopped, latched=2)[0] == 2, "an operator's latch stays his"
