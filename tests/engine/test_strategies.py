"""Window strategies: by hand, blind to everything but the window, and the same in a sweep."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import bars, random_market
from trader_core.engine import strategies
from trader_core.engine.kernel import COMPILED
from trader_core.engine.strategies import ROWS_PER_THREAD
from trader_core.engine.strategies.table import BLOCK
from trader_core.model.errors import DataFault, OutOfRange, UnknownName

ROWS = 600 if COMPILED else 120
some = settings(max_examples=40 if COMPILED else 5, deadline=None)
PARAMS: dict[str, dict[str, int]] = {
    "sma_cross": {"fast": 3, "slow": 8}, "breakout": {"entry": 6, "exit": 3, "memory": 9}, "metronome": {"on": 2, "off": 3},
    "momentum": {"period": 5, "rise_ppm": 100}, "rsi_reversion": {"period": 5, "low": 40, "high": 60, "memory": 9}, "buy_and_hold": {},
    "ema_cross": {"fast": 2, "slow": 5}, "macd": {"fast": 2, "slow": 4, "signal": 3},
    "bollinger_reversion": {"period": 4, "width_pct": 100, "memory": 6},
    "volatility_target": {"period": 4, "target_ppm": 2_000, "step_bps": 1_000},
}  # fmt: skip
NAMES = sorted(PARAMS)


def test_the_fast_mean_must_stand_above_the_slow_one() -> None:
    """Means of 1 and 2 bars: 100 100 101 102 101 is above only where the last close is above the one before it."""
    found = strategies.targets_of("sma_cross", {"fast": 1, "slow": 2}, bars("100 100 101 102 101"))
    assert found.tolist() == [-1, 0, 10_000, 10_000, 0]


def test_means_that_differ_by_less_than_one_unit_are_told_apart() -> None:
    """Means of 2 and 3 bars: 100.005 against 100.0033, then equal."""
    found = strategies.targets_of("sma_cross", {"fast": 2, "slow": 3}, bars("100 100 100.01 100 100"))
    assert found.tolist() == [-1, -1, 10_000, 10_000, 0]


def test_a_close_above_the_highest_high_enters_and_one_below_the_lowest_low_leaves() -> None:
    text = (
        "100/101/99/100 100/101/99/100 100/101/99/100 100/102/99/101 100/102/99/101.01 100/103/99/103 100/103/98/99 99/99/98/98 98/98/97/97"
    )
    found = strategies.targets_of("breakout", {"entry": 2, "exit": 1, "memory": 3}, bars(text))
    assert found.tolist() == [-1, -1, -1, -1, 0, 10_000, 10_000, 10_000, 0]


def test_an_entry_is_forgotten_after_memory_bars() -> None:
    found = strategies.targets_of("breakout", {"entry": 1, "exit": 1, "memory": 2}, bars("100 100 101 101 101 101"))
    assert found.tolist() == [-1, -1, 10_000, 10_000, 0, 0]


def test_a_metronome_looks_at_nothing_but_the_time() -> None:
    """From minute 28,333,440, which five divides: in for two minutes, out for three; the first bar decides nothing."""
    market = bars("100 250 100 1 100 100 100")
    market["ts"] = 1_700_006_400_000 + 60_000 * np.arange(7)
    found = strategies.targets_of("metronome", {"on": 2, "off": 3}, market)
    assert found.tolist() == [-1, 10_000, 0, 0, 0, 10_000, 10_000]


def test_momentum_compares_with_the_close_a_period_ago() -> None:
    """Two bars back, and more than 1 %: 101 is 1 % above 100 and not more, 101.01 is; 102.01 is not above 101 by more than 1 %."""
    found = strategies.targets_of("momentum", {"period": 2, "rise_ppm": 10_000}, bars("100 101 101 102.01 102.02 102.01"))
    assert found.tolist() == [-1, -1, 0, 0, 10_000, 0]


def test_momentum_without_a_rise_wants_any_rise() -> None:
    assert strategies.targets_of("momentum", {"period": 1, "rise_ppm": 0}, bars("100 100 100.01 100")).tolist() == [-1, 0, 10_000, 0]


def test_an_oversold_index_enters_and_an_overbought_one_leaves() -> None:
    """Two moves each: -1 -1 is 0 %, -1 +1 is 50 % and lies between, +1 +2 is 100 %."""
    params = {"period": 2, "low": 30, "high": 60, "memory": 2}
    found = strategies.targets_of("rsi_reversion", params, bars("100 100 99 98 99 101 101 101 101"))
    assert found.tolist() == [-1, -1, -1, 10_000, 10_000, 0, 0, 0, 0]


def test_an_index_at_its_limit_counts_and_one_unit_beside_it_does_not() -> None:
    """Gains of 3 and losses of 7 are 30 %; gains of 3.01 of 10.01 are more. Without a move there is no index."""
    params = {"period": 2, "low": 30, "high": 60, "memory": 1}
    assert strategies.targets_of("rsi_reversion", params, bars("100 103 96")).tolist() == [-1, -1, 10_000]
    assert strategies.targets_of("rsi_reversion", params, bars("100 103.01 96.01")).tolist() == [-1, -1, 0]
    assert strategies.targets_of("rsi_reversion", params, bars("100 100 100")).tolist() == [-1, -1, 0]


def test_an_exponential_mean_follows_faster_the_shorter_it_is() -> None:
    """Shares 1 and 2/3 over eight bars: the fast mean is the close; after a fall it is below at once, after a rise above."""
    params = {"fast": 1, "slow": 2}
    found = strategies.targets_of("ema_cross", params, bars("100 100 100 100 100 100 100 100 103 106 100"))
    assert found.tolist() == [*[-1] * 7, 0, 10_000, 10_000, 0]
    window = bars("100 100 100 100 100 100 100 103")
    assert strategies.find("ema_cross").indicators(params, window) == {"fast_mean": 10_300, "slow_mean": 10_200}


def test_macd_is_above_its_signal_while_the_means_move_apart() -> None:
    """Lengths 1, 2 and 1: the signal is the line itself, so that nothing is ever above; with 2 it lags behind a rise."""
    rising = "100 " * 12 + "103 109"
    assert strategies.targets_of("macd", {"fast": 1, "slow": 2, "signal": 1}, bars(rising)).tolist() == [-1] * 11 + [0, 0, 0]
    assert strategies.targets_of("macd", {"fast": 1, "slow": 2, "signal": 2}, bars("100 " * 15 + "103 100")).tolist()[-3:] == [
        -1,
        10_000,
        0,
    ]
    window = bars("100 " * 15 + "103")
    shown = strategies.find("macd").indicators({"fast": 1, "slow": 2, "signal": 2}, window)
    assert shown == {"line": 100, "signal": 66}


def test_a_close_below_the_band_enters_and_one_above_the_mean_leaves() -> None:
    """Closes 100 100 100 96: mean 99, deviation 1.73, so that 96 lies 1.73 deviations below it; 100 again lies above."""
    params = {"period": 4, "width_pct": 170, "memory": 2}
    found = strategies.targets_of("bollinger_reversion", params, bars("100 100 100 100 100 96 100"))
    assert found.tolist() == [-1, -1, -1, -1, 0, 10_000, 0]
    wider = strategies.targets_of("bollinger_reversion", params | {"width_pct": 174}, bars("100 100 100 100 100 96 100"))
    assert wider.tolist() == [-1, -1, -1, -1, 0, 0, 0]
    shown = strategies.find("bollinger_reversion").indicators({"period": 4, "width_pct": 100, "memory": 1}, bars("100 100 100 96"))
    assert shown == {"close": 9_600, "mean": 9_900, "band": 9_726}


def test_twice_the_volatility_that_is_wanted_halves_the_position() -> None:
    """Returns of 1 % and of 2 %: wanted are 0.51 %, so that 5100 and 2550 bps remain, in steps of 1000."""
    params = {"period": 2, "target_ppm": 5_100, "step_bps": 1_000}
    found = strategies.targets_of("volatility_target", params, bars("100 100 100 101 102.01 104.0502 106.131204", price_exp=6))
    assert found.tolist()[:3] == [-1, -1, 10_000], "without a move all of it"
    assert found.tolist()[4] == 5_000
    assert found.tolist()[6] == 2_000
    shown = strategies.find("volatility_target").indicators(params, bars("100 102 104.04", price_exp=6))
    assert shown["volatility_ppm"] // 10 in {1_999, 2_000}


def test_buy_and_hold_is_always_in() -> None:
    assert strategies.targets_of("buy_and_hold", {}, bars("100 99 - 98")).tolist() == [10_000, 10_000, -1, 10_000]


@pytest.mark.parametrize("name", NAMES)
@some
@given(seed=st.integers(0, 10**6), data=st.data())
def test_decide_all_equals_decide_on_every_bar(name: str, seed: int, data: st.DataObject) -> None:
    market, _ = random_market(seed, ROWS, 1)
    strategy = strategies.find(name)
    drawn = {param.name: data.draw(st.integers(param.low, min(param.high, max(param.low + 30, 40)))) for param in strategy.params}
    params: Any = {**drawn, "slow": drawn["fast"] + drawn["slow"]} if "slow" in drawn else drawn
    one_by_one = strategies.targets_of(name, params, market[:, 0])
    assert (one_by_one == strategies.targets_all(name, params, market[:, 0])).all()


@pytest.mark.skipif(not COMPILED, reason="thousands of bars take minutes in plain Python")
@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_several_blocks_is_decided_as_its_columns_are(name: str) -> None:
    market, _ = random_market(8, 2 * BLOCK + 77, 3)
    for targets in (strategies.targets_of, strategies.targets_all):
        whole = targets(name, PARAMS[name], market)
        for column in range(3):
            assert (whole[:, column] == targets(name, PARAMS[name], market[:, column])).all()
        start = BLOCK - 5
        later = targets(name, PARAMS[name], market[start:])
        rows = strategies.lookback(name, PARAMS[name])
        assert (later[rows - 1 :] == whole[start + rows - 1 :]).all()


@pytest.mark.skipif(not COMPILED, reason="thousands of bars take minutes in plain Python")
def test_threads_change_nothing() -> None:
    market, _ = random_market(9, 2 * ROWS_PER_THREAD + 3, 2)
    one = strategies.targets_of("sma_cross", {"fast": 5, "slow": 20}, market)
    assert (strategies.targets_of("sma_cross", {"fast": 5, "slow": 20}, market, threads=3) == one).all()


@pytest.mark.parametrize("name", NAMES)
def test_both_targets_occur_in_a_random_market(name: str) -> None:
    found = strategies.targets_of(name, PARAMS[name], random_market(1, ROWS, 1)[0][:, 0])
    if name == "volatility_target":
        assert len(set(found.tolist())) > 3, "more than in and out"
    else:
        assert set(found.tolist()) == ({-1, 10_000} if name == "buy_and_hold" else {-1, 0, 10_000})


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_later_changes_no_earlier_target(name: str) -> None:
    market, _ = random_market(2, ROWS, 1)
    whole = strategies.targets_of(name, PARAMS[name], market[:, 0])
    for cut in range(1, ROWS, 7):
        assert (strategies.targets_of(name, PARAMS[name], market[:cut, 0]) == whole[:cut]).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_before_the_window_changes_nothing(name: str) -> None:
    market, _ = random_market(3, ROWS, 1, gaps=False)
    rows = strategies.lookback(name, PARAMS[name])
    whole = strategies.targets_of(name, PARAMS[name], market[:, 0])
    for at in range(rows - 1, ROWS, 11):
        assert strategies.target_at(name, PARAMS[name], market[at + 1 - rows : at + 1, 0]) == whole[at]
        assert strategies.target_at(name, PARAMS[name], market[: at + 1, 0]) == whole[at]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_slot_silences_the_whole_window_behind_it(name: str) -> None:
    market, _ = random_market(4, 60, 1, gaps=False)
    rows = strategies.lookback(name, PARAMS[name])
    for field in ("open", "high", "low", "close", "volume"):
        market[field][30] = 0
    for found in (strategies.targets_of(name, PARAMS[name], market[:, 0]), strategies.targets_all(name, PARAMS[name], market[:, 0])):
        silent = [at for at in range(60) if found[at] == -1]
        assert silent == [*range(rows - 1), *range(30, 30 + rows)]


@pytest.mark.parametrize("name", NAMES)
def test_too_few_bars_give_no_target(name: str) -> None:
    rows = strategies.lookback(name, PARAMS[name])
    market = random_market(5, rows, 1, gaps=False)[0][: rows - 1]
    assert strategies.target_at(name, PARAMS[name], market[:, 0]) == -1
    assert strategies.targets_of(name, PARAMS[name], market[:0, 0]).tolist() == []
    assert strategies.targets_all(name, PARAMS[name], market[:0, 0]).tolist() == []


def test_indicators_are_the_values_that_were_compared() -> None:
    window = bars("100 101/104/97/102 102/103/98/101 105")
    sma = strategies.find("sma_cross")
    assert sma.indicators({"fast": 2, "slow": 4}, window) == {"fast_mean": 10_300, "slow_mean": 10_200}
    breakout = strategies.find("breakout")
    assert breakout.indicators({"entry": 2, "exit": 1, "memory": 1}, window) == {
        "close": 10_500,
        "highest_high": 10_400,
        "lowest_low": 9_800,
    }


def test_the_new_ones_show_what_they_compared_too() -> None:
    window = bars("100 103 96")
    assert strategies.find("momentum").indicators({"period": 2, "rise_ppm": 0}, window) == {"close": 9_600, "close_before": 10_000}
    rsi = strategies.find("rsi_reversion")
    assert rsi.indicators({"period": 2, "low": 30, "high": 60, "memory": 1}, window) == {"gains": 300, "losses": 700, "rsi": 30}
    assert rsi.indicators({"period": 1, "low": 30, "high": 60, "memory": 1}, bars("100 100"))["rsi"] == -1
    assert strategies.find("buy_and_hold").indicators({}, window) == {"close": 9_600}


def test_parameters_are_filled_in_and_read_from_text() -> None:
    assert strategies.parse_params(strategies.find("sma_cross"), {}) == {"fast": 20, "slow": 100}
    assert strategies.parse_params(strategies.find("breakout"), {"exit": "7"}) == {"entry": 55, "exit": 7, "memory": 200}


def test_an_unknown_strategy_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match=", ".join(NAMES)):
        strategies.find("martingale")


def test_an_unknown_parameter_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match="fast, slow"):
        strategies.parse_params(strategies.find("sma_cross"), {"faste": 1})


@pytest.mark.parametrize("value", [0, 500, "ten", "1.5"])
def test_a_parameter_out_of_range_is_answered_with_the_range(value: int | str) -> None:
    with pytest.raises(OutOfRange, match="from 1 to 499"):
        strategies.parse_params(strategies.find("sma_cross"), {"fast": value})


def test_fast_must_be_below_slow() -> None:
    with pytest.raises(OutOfRange, match="fast below slow"):
        strategies.parse_params(strategies.find("sma_cross"), {"fast": 100, "slow": 100})


def test_prices_whose_sum_over_the_window_would_wrap_are_refused() -> None:
    market, _ = random_market(6, 20, 1, gaps=False)
    market["close"][3] = 10**18
    with pytest.raises(DataFault, match="sma_cross"):
        strategies.targets_of("sma_cross", {"fast": 2, "slow": 8}, market[:, 0])


def test_every_strategy_has_a_number_of_its_own_and_defaults_in_range() -> None:
    numbers = [strategy.number for strategy in strategies.STRATEGIES.values()]
    assert len(set(numbers)) == len(numbers)
    for strategy in strategies.STRATEGIES.values():
        params = strategies.parse_params(strategy, {})
        assert strategy.lookback(params) >= 1
