"""What the decider makes of arriving bars, with numbers that can be checked by hand."""

import numpy as np

from tests.builders import plan
from trader_core.model.bar import BAR, Bars
from trader_core.trader.decider import Decider

MINUTE_MS, FULL = 60_000, 10_000
PLAN = plan("BTC/USDT", "ETH/USDT", strategy="sma_cross", params=(("fast", 2), ("slow", 5)))


def test_a_faulty_bar_brings_no_decision_on_its_instrument_and_leaves_the_other_alone() -> None:
    """An hour in which two instruments rise by one a minute: then the first trades at a third, then both go on."""
    decider = Decider(PLAN)
    decider.warm(np.stack([slot(minute, 100_000 + minute) for minute in range(60)]))
    assert list(decider.push(slot(60, 100_060), 61 * MINUTE_MS)) == [FULL, FULL]
    assert list(decider.push(slot(61, 100_061, first=33_000), 62 * MINUTE_MS)) == [-1, FULL]
    assert decider.faults == [("BTC/USDT", "jump: 110.9 % from the close before")]


def test_a_bar_that_closes_after_now_is_no_basis_and_two_seconds_of_a_lagging_clock_are_forgiven() -> None:
    decider = Decider(PLAN)
    decider.warm(np.stack([slot(minute, 100_000 + minute) for minute in range(60)]))
    assert list(decider.push(slot(60, 100_060), 61 * MINUTE_MS - 2_000)) == [FULL, FULL]
    assert list(decider.push(slot(61, 100_061), 62 * MINUTE_MS - 2_001)) == [-1, -1]


def test_a_bar_that_contradicts_itself_never_enters_a_window_not_even_from_history() -> None:
    """sma_cross of 2 and 5 looks back some bars: none is decided until the bar that cannot be has left them."""
    broken, decider = slot(58, 100_058), Decider(PLAN)
    broken["low"][0] = 200_000
    decider.warm(np.stack([*(slot(minute, 100_000 + minute) for minute in range(58)), broken]))
    targets = [list(decider.push(slot(minute, 100_000 + minute), (minute + 1) * MINUTE_MS)) for minute in range(59, 59 + decider.lookback)]
    assert [one[0] for one in targets] == [-1] * (decider.lookback - 1) + [FULL]
    assert [one[1] for one in targets] == [FULL] * decider.lookback


def slot(minute: int, close: int, first: int = 0) -> Bars:
    """Return one slot [2]: both close at a price, the first at another one where that is named."""
    bars = np.zeros(2, BAR)
    for index, price in enumerate((first or close, close)):
        bars[index] = (minute * MINUTE_MS, price, price, price, price, 10)
    return bars


def test_a_bar_that_comes_late_fills_its_slot_so_that_the_window_is_whole_again() -> None:
    decider, missing = Decider(PLAN), slot(62, 0)
    decider.warm(np.stack([slot(minute, 100_000 + minute) for minute in range(62)]))
    missing["open"] = missing["close"] = 0
    assert list(decider.push(missing, 63 * MINUTE_MS)) == [-1, -1]
    assert list(decider.push(slot(63, 100_063), 64 * MINUTE_MS)) == [-1, -1]
    decider.mend(62 * MINUTE_MS, 0, slot(62, 100_062)[:1])
    assert list(decider.push(slot(64, 100_064), 65 * MINUTE_MS)) == [FULL, -1], "only the first instrument's came"


def test_a_late_bar_that_contradicts_itself_or_whose_slot_is_past_changes_nothing() -> None:
    decider = Decider(PLAN)
    decider.warm(np.stack([slot(minute, 100_000 + minute) for minute in range(60)]))
    broken = slot(59, 100_059)[:1]
    broken["low"] = 200_000
    decider.mend(2 * MINUTE_MS, 0, slot(2, 1)[:1])
    assert list(decider.push(slot(60, 100_060), 61 * MINUTE_MS)) == [FULL, FULL]
    decider.mend(59 * MINUTE_MS, 0, broken)
    assert list(decider.push(slot(61, 100_061), 62 * MINUTE_MS)) == [-1, FULL]
