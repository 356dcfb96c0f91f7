"""Clocks run forwards."""

import time

import pytest

from trader_core.clock import ManualClock, WallClock, monotonic_ms


def test_a_manual_clock_stands_still_until_it_is_advanced() -> None:
    clock = ManualClock(60_000)
    assert [clock.now_ms(), clock.now_ms()] == [60_000, 60_000]
    clock.advance(120_000)
    assert clock.now_ms() == 120_000


def test_a_manual_clock_refuses_to_run_backwards() -> None:
    clock = ManualClock(60_000)
    with pytest.raises(AssertionError, match="forwards"):
        clock.advance(59_999)


def test_the_wall_clock_counts_epoch_milliseconds() -> None:
    before = int(time.time() * 1000) - 1
    assert before <= WallClock().now_ms() <= int(time.time() * 1000) + 1


def test_the_monotonic_clock_never_runs_backwards() -> None:
    first = monotonic_ms()
    assert monotonic_ms() >= first
