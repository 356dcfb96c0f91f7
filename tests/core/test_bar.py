"""Bars: on a grid, in order, and with prices that do not contradict each other."""

from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, STEP_MS, bars
from trader_core.model.bar import bar_faults, canonical_symbol, slot_of, timeframe_ms
from trader_core.model.errors import UnknownName


def test_sound_bars_have_no_fault() -> None:
    assert bar_faults(bars("100 101 99"), STEP_MS) == []


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("ts", START_MS + STEP_MS + 1, "off the grid"),
        ("ts", START_MS, "duplicate"),
        ("ts", START_MS - STEP_MS, "before the row above"),
        ("close", 0, "zero or negative"),
        ("high", 10_000, "below another price"),
        ("low", 10_050, "above open or close"),
        ("volume", -1, "volume is negative"),
    ],
)
def test_each_fault_is_found_in_its_row(field: str, value: int, fault: str) -> None:
    rows: Any = bars("100 101 102")
    rows[field][1] = value
    assert any(row == 1 and fault in text for row, text in bar_faults(rows, STEP_MS))


def test_no_bars_have_no_fault() -> None:
    assert bar_faults(bars(""), STEP_MS) == []
    assert np.array_equal(bars("- -")["close"], [0, 0])


def test_a_moment_belongs_to_the_bar_that_it_lies_in() -> None:
    assert slot_of(START_MS, STEP_MS) == START_MS
    assert slot_of(START_MS + STEP_MS - 1, STEP_MS) == START_MS


def test_a_timeframe_that_is_not_offered_is_named_with_those_that_are() -> None:
    assert timeframe_ms("4h") == 14_400_000
    with pytest.raises(UnknownName, match="1m, 5m, 15m, 30m, 1h, 4h, 1d"):
        timeframe_ms("2m")


def test_symbols_are_base_slash_quote_in_capitals() -> None:
    assert canonical_symbol("btc/usdt") == "BTC/USDT"
    for wrong in ("BTCUSDT", "BTC/USDT/EUR", "BTC-USDT", "/USDT", ""):
        with pytest.raises(UnknownName):
            canonical_symbol(wrong)
