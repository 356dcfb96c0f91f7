"""The market: the same seed gives the same ticks, and candles are what ticks add up to."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sandbox.book import book_at
from sandbox.candles import Candles
from sandbox.config import START_MS
from sandbox.market import (
    CLOSE,
    DAY_MS,
    HIGH,
    LOW,
    MINUTES_DAY,
    OPEN,
    TICK_MS,
    TICKS_DAY,
    VOLUME,
    SeededMarket,
    minute_candles,
    partial_candle,
    tick_price,
)
from sandbox.pairs import PAIRS, Pair
from sandbox.replay import ReplayMarket, Track, load, replayed
from trader_core.model.bar import BAR
from trader_core.model.errors import DataFault, OutOfRange, UnknownName

DAY = START_MS // DAY_MS
DIGEST = """
import hashlib
from sandbox.market import SeededMarket
from sandbox.pairs import PAIRS
market, digest = SeededMarket(11, PAIRS, 180), hashlib.sha256()
for pair in PAIRS:
    for day in range({day} - 2, {day} + 2):
        for part in market.block(pair.id, day):
            digest.update(part.tobytes())
print(digest.hexdigest())
"""
BTC_YEAR = Path(__file__).parents[3] / "shared/data/candles/binance/BTC_USDT-1m.parquet"


def digest_of(market: SeededMarket, days: list[int]) -> str:
    blocks = {(pair.id, day): market.block(pair.id, day) for day in days for pair in reversed(PAIRS)}
    digest = hashlib.sha256()
    for key in sorted(blocks, key=lambda key: ([pair.id for pair in PAIRS].index(key[0]), key[1])):
        for part in blocks[key]:
            digest.update(part.tobytes())
    return digest.hexdigest()


def test_two_processes_and_any_order_of_questions_give_the_same_market_to_the_last_tick() -> None:
    script = DIGEST.format(day=DAY)
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    days = [DAY + 1, DAY - 2, DAY, DAY - 1]
    assert digest_of(SeededMarket(11, PAIRS, 180), days) == other
    assert digest_of(SeededMarket(11, PAIRS, 180), sorted(days)) == other
    assert digest_of(SeededMarket(12, PAIRS, 180), days) != other


def test_a_pair_is_the_same_whichever_other_pairs_are_traded() -> None:
    alone, among = SeededMarket(3, PAIRS[4:5]), SeededMarket(3, PAIRS)
    assert (alone.block("DOGEUSDT", DAY).prices == among.block("DOGEUSDT", DAY).prices).all()


def test_days_join_without_a_leap_and_prices_stay_near_their_reference() -> None:
    for trend in (0, 180):
        market = SeededMarket(5, PAIRS, trend)
        for pair in PAIRS:
            ends = [market.block(pair.id, day).prices[[0, -1]] for day in range(DAY - 30, DAY + 4)]
            leaps = [abs(int(after[0]) / int(before[1]) - 1) for before, after in pairwise(ends)]
            assert max(leaps) < 0.01
            assert all(0.3 < int(first) / pair.reference < 3 for first, _ in ends)


def test_minute_candles_are_exactly_what_their_twelve_ticks_add_up_to() -> None:
    block = SeededMarket(7, PAIRS).block("BTCUSDT", DAY)
    for minute in (0, 1, 777, MINUTES_DAY - 1):
        prices, volumes = (part[minute * 12 : minute * 12 + 12].tolist() for part in block[:2])
        worth = sum(price * volume for price, volume in zip(prices, volumes, strict=True))
        assert block.candles[minute].tolist() == [prices[0], max(prices), min(prices), prices[-1], sum(volumes), worth]


def test_the_current_candle_grows_tick_by_tick_into_the_closed_one() -> None:
    market, minute = SeededMarket(7, PAIRS), START_MS // 60_000 + 5
    block = market.block("ETHUSDT", DAY)
    first = partial_candle(market, "ETHUSDT", minute, minute * 60_000)
    third = partial_candle(market, "ETHUSDT", minute, minute * 60_000 + 2 * TICK_MS + 1)
    whole = partial_candle(market, "ETHUSDT", minute, minute * 60_000 + 59_999)
    assert first is not None
    assert third is not None
    assert whole is not None
    assert first[VOLUME] == block.volumes[60]
    assert third[HIGH] == max(block.prices[60:63])
    assert third[CLOSE] == block.prices[62]
    assert whole.tolist() == minute_candles(market, "ETHUSDT", minute, minute + 1)[0].tolist()


def test_volatility_changes_and_jumps_occur() -> None:
    market = SeededMarket(7, PAIRS)
    prices = np.concatenate([market.block("BTCUSDT", day).prices for day in range(DAY - 20, DAY)]).astype(float)
    steps = np.diff(np.log(prices))
    hours = steps[: len(steps) // 720 * 720].reshape(-1, 720).std(1)
    assert hours.max() > 2 * hours.min()
    assert np.abs(steps).max() > 10 * steps.std()


def earned(seed: int, trend_bps: int) -> float:
    """Mean return over ten pairs and 72 hours of holding while the mean of 10 closes is above the mean of 40, paying 0.15 % a side."""
    market, first, total = SeededMarket(seed, PAIRS, trend_bps), START_MS // 60_000, 0.0
    for pair in PAIRS:
        rows = minute_candles(market, pair.id, first - 40, first + 3 * MINUTES_DAY).astype(float)
        sums = np.cumsum(np.append(0.0, rows[:, CLOSE]))
        fast, slow = (sums[40:] - sums[30:-10]) / 10, (sums[40:] - sums[:-40]) / 40
        held = (fast > slow)[:-1].astype(float)
        returns = np.diff(np.log(rows[40:, OPEN]))
        turns = np.abs(np.diff(np.append(0.0, held))).sum()
        total += float((held[: len(returns)] * returns).sum() - turns * 0.0015)
    return total / len(PAIRS)


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_a_planted_trend_pays_a_moving_average_cross_and_without_it_the_costs_win(seed: int) -> None:
    assert earned(seed, 180) > 0.15
    assert earned(seed, 0) < 0


def test_the_book_is_the_same_for_the_same_tick_ordered_and_never_crossed() -> None:
    for pair in PAIRS:
        for tick in range(START_MS // TICK_MS, START_MS // TICK_MS + 50):
            book = book_at(7, pair, tick, pair.reference)
            assert book == book_at(7, pair, tick, pair.reference)
            bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert 0 < bids[0] < pair.reference < asks[0] < pair.reference * 1.002
            assert min(level.qty for side in book for level in side) > 0
    assert book_at(8, PAIRS[0], 1, 100) != book_at(7, PAIRS[0], 1, 100)


def rows(text: bytes) -> list[list[str]]:
    return [row.split(",") for row in text.decode().replace('"', "").strip("[]").split("],[")] if text != b"[]" else []


def test_candles_obey_start_end_and_limit_and_end_with_the_current_minute() -> None:
    candles, now_ms = Candles(SeededMarket(7, PAIRS), START_MS - DAY_MS), START_MS + 90_000
    youngest = rows(candles.rows("BTCUSDT", "1m", None, None, 3, now_ms))
    assert [int(row[0]) - START_MS for row in youngest] == [-60_000, 0, 60_000]
    within = rows(candles.rows("BTCUSDT", "1m", START_MS - 120_000, START_MS, 500, now_ms))
    assert [int(row[0]) - START_MS for row in within] == [-120_000, -60_000]
    assert len(rows(candles.rows("BTCUSDT", "1m", START_MS - DAY_MS, None, 500, now_ms))) == 500
    assert rows(candles.rows("BTCUSDT", "1m", START_MS + 120_000, None, 500, now_ms)) == []
    oldest = rows(candles.rows("BTCUSDT", "1m", 0, START_MS - DAY_MS + 60_000, 500, now_ms))
    assert [int(row[0]) for row in oldest] == [START_MS - DAY_MS]
    first = rows(candles.rows("BTCUSDT", "1m", START_MS - 2 * DAY_MS, None, 1, now_ms))
    assert [int(row[0]) for row in first] == [START_MS - DAY_MS]


def test_no_candle_of_the_future_is_told() -> None:
    candles = Candles(SeededMarket(7, PAIRS), START_MS - DAY_MS)
    for interval, step_ms in (("1m", 60_000), ("60m", 3_600_000)):
        told = rows(candles.rows("BTCUSDT", interval, START_MS, START_MS + 10 * step_ms, 500, START_MS + 3 * step_ms + 5_000))
        assert [int(row[0]) - START_MS for row in told] == [0, step_ms, 2 * step_ms, 3 * step_ms]
        two_ticks = SeededMarket(7, PAIRS).block("BTCUSDT", DAY).volumes[3 * step_ms // TICK_MS :][:2].sum()
        assert round(float(told[-1][5]) * 10**6) == two_ticks


def test_an_hour_is_what_its_minutes_add_up_to() -> None:
    market, hour = SeededMarket(7, PAIRS), START_MS // 60_000 - 60
    candles = Candles(market, START_MS - DAY_MS)
    minutes = minute_candles(market, "XRPUSDT", hour, hour + 60)
    (row,) = rows(candles.rows("XRPUSDT", "60m", hour * 60_000, START_MS, 10, START_MS))
    assert [round(float(text) * 10_000) for text in row[1:5]] == [
        minutes[0, OPEN], minutes[:, HIGH].max(), minutes[:, LOW].min(), minutes[-1, CLOSE],
    ]  # fmt: skip
    assert round(float(row[5]) * 100) == minutes[:, VOLUME].sum()


MINUTES = {0: (100, 130, 90, 120, 25), 120_000: (120, 125, 80, 85, 12), 180_000: (85, 85, 85, 85, 0)}


def three_minutes() -> ReplayMarket:
    start = DAY * DAY_MS
    bars = np.array([(start + at, *bar) for at, bar in MINUTES.items()], dtype=BAR)
    return ReplayMarket([Track(Pair("BTC", "USDT", 2, 6, 100, 0.02, 1e6), bars)])


def test_replayed_candles_come_back_unchanged_and_a_missing_minute_has_none() -> None:
    market, minute = three_minutes(), DAY * MINUTES_DAY
    assert minute_candles(market, "BTCUSDT", minute, minute + 5)[:, :5].tolist() == [
        [100, 130, 90, 120, 25], [0, 0, 0, 0, 0], [120, 125, 80, 85, 12], [85, 85, 85, 85, 0], [0, 0, 0, 0, 0],
    ]  # fmt: skip
    text = Candles(market, DAY * DAY_MS).rows("BTCUSDT", "1m", DAY * DAY_MS, None, 500, DAY * DAY_MS + 300_000)
    assert [int(row[0]) - DAY * DAY_MS for row in rows(text)] == [0, 120_000, 180_000]


def test_a_rising_candle_visits_its_low_first_and_a_falling_one_its_high() -> None:
    prices = three_minutes().block("BTCUSDT", DAY).prices
    assert prices[:12].tolist() == [100, 90, 90, 90, 130, 130, 130, 125, 125, 125, 125, 120]
    assert prices[12:24].tolist() == [120] * 12
    assert prices[24:36].tolist() == [120, 125, 125, 125, 80, 80, 80, 82, 82, 82, 82, 85]
    assert tick_price(three_minutes(), "BTCUSDT", (DAY + 1) * TICKS_DAY) == 85
    assert tick_price(three_minutes(), "BTCUSDT", DAY * TICKS_DAY - 1) == 0


def test_replay_refuses_candles_that_contradict_themselves_and_unknown_pairs(tmp_path: Path) -> None:
    bars = np.array([(DAY * DAY_MS, 100, 90, 95, 97, 1)], dtype=BAR)
    with pytest.raises(DataFault, match="high is below"):
        ReplayMarket([Track(PAIRS[0], bars)])
    fives = np.array([(DAY * DAY_MS + at * 300_000, 100, 100, 100, 100, 1) for at in range(3)], dtype=BAR)
    with pytest.raises(DataFault, match="bars of 300 s"):
        ReplayMarket([Track(PAIRS[0], fives)])
    with pytest.raises(UnknownName, match="BTC/USDT"):
        replayed((("XMR/USDT", "x.parquet"),))
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataFault, match=r"bad\.parquet"):
        load(PAIRS[0], tmp_path / "bad.parquet")


@pytest.mark.skipif(not BTC_YEAR.exists(), reason="the measured candles of 2023 are not beside this checkout")
def test_a_real_day_replays_exactly() -> None:
    bars = load(PAIRS[0], BTC_YEAR)
    market = ReplayMarket([Track(PAIRS[0], bars)])
    day = int(bars["ts"][0]) // DAY_MS + 30
    expected = bars[(bars["ts"] >= day * DAY_MS) & (bars["ts"] < (day + 1) * DAY_MS)]
    found = minute_candles(market, "BTCUSDT", day * MINUTES_DAY, (day + 1) * MINUTES_DAY)
    for column, name in ((OPEN, "open"), (HIGH, "high"), (LOW, "low"), (CLOSE, "close"), (VOLUME, "volume")):
        assert (found[:, column] == expected[name]).all()


def test_a_grid_too_fine_for_the_ledger_is_refused() -> None:
    with pytest.raises(OutOfRange, match="coarser"):
        Pair("A", "B", 6, 5, 1, 0.1, 1.0)
