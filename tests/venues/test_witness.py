"""What streams say of one symbol's bars, by hand-made events: minutes of 60,000 ms, the slot under test opens at 600,000."""

import itertools

import pytest

from trader_core.venues.spoken import Print
from trader_core.venues.witness import Witness

MINUTE, SLOT = 60_000, 600_000
BAR = (SLOT, 100, 120, 90, 110, 40)
BEFORE, AFTER = Print(SLOT - 1, 6, 99, 5), Print(SLOT + MINUTE, 11, 111, 5)
TRADES = (Print(SLOT, 7, 100, 10), Print(SLOT + 5, 8, 120, 10), Print(SLOT + 5, 9, 90, 10), Print(SLOT + 59_999, 10, 110, 10))
"""They make BAR: it opens with the first and closes with the last."""


def heard(*trades: Print) -> Witness:
    witness = Witness(MINUTE)
    for one in trades:
        witness.trade(one, one.ts_ms)
    return witness


def test_trades_without_a_hole_from_before_the_open_to_after_the_close_prove_a_bar() -> None:
    assert heard(BEFORE, *TRADES, AFTER).proven(SLOT) == BAR


def test_in_whatever_order_and_how_often_they_come() -> None:
    for order in itertools.permutations(TRADES):
        assert heard(BEFORE, *order, order[0], AFTER, order[2]).proven(SLOT) == BAR


@pytest.mark.parametrize("missing", range(6))
def test_with_any_of_them_missing_nothing_is_proven(missing: int) -> None:
    all_of_them = (BEFORE, *TRADES, AFTER)
    assert heard(*(one for i, one in enumerate(all_of_them) if i != missing)).proven(SLOT) is None


def test_before_a_trade_of_the_next_slot_was_heard_nothing_is_proven() -> None:
    assert heard(BEFORE, *TRADES).proven(SLOT) is None


def test_trades_without_numbers_prove_nothing_and_are_a_sum_when_heard_from_before_the_open_on() -> None:
    witness = heard(*(one._replace(number=-1) for one in (BEFORE, *TRADES, AFTER)))
    assert (witness.proven(SLOT), witness.traded(SLOT)) == (None, BAR)
    late = heard(*(one._replace(number=-1) for one in TRADES[1:]))
    assert late.traded(SLOT) is None


def test_a_stream_that_broke_inside_a_slot_has_no_sum_of_it_but_numbers_still_prove_it() -> None:
    witness = heard(BEFORE, *TRADES[:2])
    witness.cut()
    for one in (*TRADES[2:], AFTER):
        witness.trade(one, one.ts_ms)
    assert (witness.traded(SLOT), witness.proven(SLOT)) == (None, BAR)


def test_skipped_numbers_are_counted_where_they_are_skipped() -> None:
    witness = Witness(MINUTE)
    assert [witness.trade(one, 0) for one in (BEFORE, TRADES[2], TRADES[0], TRADES[1], TRADES[3])] == [0, 2, 0, 0, 0]


def test_an_older_state_of_a_candle_never_replaces_a_newer_one() -> None:
    witness = Witness(MINUTE)
    assert witness.candle((SLOT, 100, 120, 100, 120, 20))
    assert witness.candle(BAR)
    assert not witness.candle((SLOT, 100, 120, 100, 120, 20))
    assert not witness.candle(BAR)
    assert witness.expected(SLOT) == BAR


def test_what_is_long_past_is_forgotten_and_not_taken_again() -> None:
    witness = heard(BEFORE, *TRADES, AFTER)
    witness.candle(BAR)
    for number in range(12, 20):
        witness.trade(Print(SLOT + (number - 10) * MINUTE, number, 100, 1), 0)
    assert (witness.expected(SLOT), witness.traded(SLOT), witness.candle(BAR)) == (None, None, False)
    assert witness.trade(TRADES[0], 0) == 0
    assert witness.traded(SLOT) is None
