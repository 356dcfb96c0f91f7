"""Figures of a run, on numbers that fit on paper: prices and quantities without decimals, money in whole units."""

import numpy as np
import pytest

from trader_core.evidence.metrics import Traded, book, drawdown_ppm, episode_returns, measure
from trader_core.model.instrument import Instrument
from trader_core.model.money import UNIT

COIN = Instrument("v", "A/USD", "A", "USD", 0, 0, 1, 1, 1, 0, 0, 0)
OTHER = Instrument("v", "B/USD", "B", "USD", 0, 0, 1, 1, 1, 0, 0, 0)


def _buy(ts: int, qty: int, price: int, fee: int = 0, *, instrument: int = 0, fee_base: int = 0) -> Traded:
    return Traded(ts, instrument, 1, qty, price, fee * UNIT, fee_base)


def _sell(ts: int, qty: int, price: int, fee: int = 0, *, instrument: int = 0) -> Traded:
    return Traded(ts, instrument, -1, qty, price, fee * UNIT, 0)


def _equity(*units: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([unit * UNIT for unit in units], np.int64)


def test_a_round_trip_earns_the_difference_less_both_fees() -> None:
    episodes, booked = book([COIN], [_buy(1, 2, 100, 1), _sell(5, 2, 110, 1)])
    # 220 less a fee of 1 against 200 and a fee of 1
    assert [(one.opened_ts, one.closed_ts, one.cost, one.profit) for one in episodes] == [(1, 5, 201 * UNIT, 18 * UNIT)]
    assert booked[-1] == (5, 18 * UNIT, 2 * UNIT, 0)


def test_a_partial_sale_takes_its_share_of_the_cost_and_leaves_the_episode_open() -> None:
    episodes, booked = book([COIN], [_buy(1, 4, 100), _sell(2, 1, 120)])
    assert episodes == []
    assert (booked[-1].realised, booked[-1].positions) == (20 * UNIT, 1)


def test_an_episode_adds_up_all_its_fills() -> None:
    episodes, _ = book([COIN], [_buy(1, 1, 100), _buy(2, 1, 200), _sell(3, 1, 170), _sell(4, 1, 140)])
    # cost 300 for 2, so 150 each: +20, then -10
    assert [(one.cost, one.profit) for one in episodes] == [(300 * UNIT, 10 * UNIT)]


def test_two_episodes_in_a_row_do_not_mix() -> None:
    episodes, _ = book([COIN], [_buy(1, 1, 100), _sell(2, 1, 90), _buy(3, 1, 80), _sell(4, 1, 95)])
    assert [(one.opened_ts, one.cost, one.profit) for one in episodes] == [(1, 100 * UNIT, -10 * UNIT), (3, 80 * UNIT, 15 * UNIT)]


def test_instruments_are_counted_apart() -> None:
    fills = [_buy(1, 1, 100), _buy(1, 1, 50, instrument=1), _sell(2, 1, 60, instrument=1)]
    episodes, booked = book([COIN, OTHER], fills)
    assert [one.instrument for one in episodes] == [1]
    assert [one.positions for one in booked] == [1, 2, 1]


def test_a_fee_in_base_makes_the_rest_dearer() -> None:
    # 10 bought, 1 kept by the venue: 9 cost 1000, and 9 sold at 120 bring 1080
    episodes, booked = book([COIN], [_buy(1, 10, 100, fee_base=1), _sell(2, 9, 120)])
    assert episodes[0].profit == 80 * UNIT
    assert booked[-1].fees == 100 * UNIT


def test_selling_more_than_was_bought_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="2 sold of 1"):
        book([COIN], [_buy(1, 1, 100), _sell(2, 2, 100)])


def test_the_drawdown_is_measured_from_the_highest_value_so_far() -> None:
    assert drawdown_ppm(_equity(100, 200, 150, 300, 270)) == 250_000
    assert drawdown_ppm(_equity(100, 101)) == 0
    assert drawdown_ppm(_equity()) == 0


def test_the_drawdown_is_rounded_up() -> None:
    assert drawdown_ppm(_equity(3, 2)) == 333_334


def test_a_run_is_summed_up() -> None:
    fills = [_buy(1, 1, 100, 1), _sell(2, 1, 121, 1), _buy(3, 1, 100, 1), _sell(4, 1, 90, 1), _buy(5, 1, 100, 1)]
    figures = measure([COIN], 1000 * UNIT, _equity(999, 1019, 1018, 1007, 1006), fills)
    assert (figures.return_ppm, figures.fills, figures.episodes, figures.wins) == (6000, 5, 2, 1)
    assert figures.drawdown_ppm == 12_758  # 13 of 1019
    # +121 - 1 - 101 = 19 and 90 - 1 - 101 = -12
    assert (figures.realised, figures.fees) == (7 * UNIT, 5 * UNIT)
    assert (figures.win_rate, figures.profit_factor, figures.fees_share) == (0.5, 19 / 12, 5 / 19)


def test_a_run_without_trades_has_no_ratios() -> None:
    figures = measure([COIN], 1000 * UNIT, _equity(1000, 1000), [])
    assert (figures.return_ppm, figures.drawdown_ppm, figures.episodes) == (0, 0, 0)
    assert (figures.win_rate, figures.profit_factor, figures.fees_share) == (None, None, None)


def test_the_first_loss_counts_from_the_capital() -> None:
    assert measure([COIN], 1000 * UNIT, _equity(900), []).drawdown_ppm == 100_000


def test_the_return_of_an_episode_is_over_what_was_paid() -> None:
    episodes, _ = book([COIN], [_buy(1, 1, 100), _sell(2, 1, 90)])
    assert episode_returns(episodes) == [-0.1]
