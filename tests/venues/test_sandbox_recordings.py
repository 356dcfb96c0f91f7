"""Recorded minutes, trades and books as a market; a file with a defect is refused by row and column."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox import recorded_book
from sandbox.book import Level
from sandbox.config import START_MS, Config
from sandbox.market import DAY_MS, HIGH, TICK_MS, minute_candles, tick_price
from sandbox.pairs import PAIRS
from sandbox.replay import ReplayMarket, load, replayed
from sandbox.traded import TradedTrack
from tests.venues.sandbox_client import mexc, opened, running
from trader_core.model.errors import DataFault, OutOfRange, UnknownName

BTC = PAIRS[0]
DATA = Path(__file__).parents[3] / "shared" / "data"
RECORDED = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded trades and books are not beside this checkout")
TRADES = DATA / "trades" / "binance" / "BTC_USDT-20240808-09.parquet"
SNAPSHOT = DATA / "books" / "binance_BTC_USDT-depth-snapshots.parquet"
CHANGES = DATA / "books" / "binance_BTC_USDT-depth-diffs.parquet"
QUOTES = DATA / "books" / "binance_BTC_USDT-bookticker.parquet"

Rows = dict[str, list[Any]]


def written(path: Path, rows: Rows) -> Path:
    pq.write_table(pa.table(rows), path)
    return path


def minutes() -> Rows:
    at = [START_MS + row * 60_000 for row in range(3)]
    return {"ts": at, "open": [100.0] * 3, "high": [101.0] * 3, "low": [99.0] * 3, "close": [100.5] * 3, "volume": [2.5] * 3}


def trades() -> Rows:
    """Return five trades: four of one minute within two ticks and a third, and one two minutes later."""
    at = [START_MS + ms for ms in (1_000, 2_000, 4_000, 31_000, 125_000)]
    return {
        "ts": at, "price": [100.0, 103.0, 98.0, 101.0, 105.0], "amount": [1.0, 2.0, 0.5, 0.25, 3.0],
        "side": ["buy", "buy", "sell", "sell", "buy"],
    }  # fmt: skip


def book() -> tuple[Rows, Rows]:
    snapshot: Rows = {
        "ts": [START_MS] * 4, "last_update_id": [10] * 4, "side": ["bid", "bid", "ask", "ask"], "price": [99.0, 98.0, 101.0, 102.0],
        "qty": [1.0, 2.0, 3.0, 4.0],
    }  # fmt: skip
    changes: Rows = {
        "ts": [START_MS + 100, START_MS + 200, START_MS + 200, START_MS + 7_000], "first_update_id": [9, 12, 12, 15],
        "last_update_id": [11, 14, 14, 15], "side": ["bid", "ask", "ask", "bid"], "price": [99.5, 101.0, 100.5, 99.5],
        "qty": [5.0, 0.0, 6.0, 0.0],
    }  # fmt: skip
    return snapshot, changes


def test_a_minute_of_trades_has_their_candle_and_a_tick_their_sum(tmp_path: Path) -> None:
    market = replayed((("BTC/USDT", str(written(tmp_path / "t.parquet", trades()))),))
    candles = minute_candles(market, "BTCUSDT", START_MS // 60_000, START_MS // 60_000 + 3)
    lot, cent = 10**BTC.qty_exp, 100
    assert candles[0, :5].tolist() == [100 * cent, 103 * cent, 98 * cent, 101 * cent, int(3.75 * lot)]
    assert candles[1].tolist() == [0] * 6, "nobody traded"
    assert candles[2, :5].tolist() == [105 * cent] * 4 + [3 * lot]
    block = market.block("BTCUSDT", START_MS // DAY_MS)
    assert block.volumes[[0, 1, 6, 25]].tolist() == [int(3.5 * lot), 0, lot // 4, 3 * lot]
    assert block.buys[[0, 6, 25]].tolist() == [True, False, True], "who brought more into a tick"
    assert tick_price(market, "BTCUSDT", START_MS // TICK_MS + 13) == 101 * cent, "in silence the price stands"


def test_a_book_is_folded_tick_by_tick(tmp_path: Path) -> None:
    snapshot, changes = (written(tmp_path / f"{name}.parquet", rows) for name, rows in zip("sc", book(), strict=True))
    found = recorded_book.load(BTC, snapshot, changes)
    lot = 10**BTC.qty_exp
    assert (found.first, len(found.books)) == (START_MS // TICK_MS, 2)
    assert found.books[0].bids == (Level(99_50, 5 * lot), Level(99_00, lot), Level(98_00, 2 * lot))
    assert found.books[0].asks == (Level(100_50, 6 * lot), Level(102_00, 4 * lot)), "one was removed, one came before it"
    assert found.books[1].bids[0] == Level(99_00, lot)
    assert found.at(found.first, 100_00) is found.books[0]
    assert found.at(found.first, 120_00) is None, "somebody moved the price: this is no book of it"
    assert found.at(found.first + 2, 100_00) is None


async def test_a_client_trades_against_a_recorded_book(tmp_path: Path) -> None:
    files = [str(written(tmp_path / f"{name}.parquet", rows)) for name, rows in zip("tsc", (trades(), *book()), strict=True)]
    config = Config(replay=(("BTC/USDT", files[0]),), books=(("BTC/USDT", f"{files[1]},{files[2]}"),), history_days=0)
    async with running(config) as sandbox, opened(mexc(sandbox)) as exchange:
        shown = await exchange.fetch_order_book("BTC/USDT")
        assert (shown["bids"], shown["asks"]) == ([[99.5, 5.0], [99.0, 1.0], [98.0, 2.0]], [[100.5, 6.0], [102.0, 4.0]])
        await exchange.create_order("BTC/USDT", "limit", "buy", 7.0, 102.0)
        shown = await exchange.fetch_order_book("BTC/USDT")
        assert shown["asks"] == [[102.0, 3.0]], "six at 100.5 and one at 102 were taken"


SPOILT: list[tuple[str, Callable[[Rows], Any], str]] = [
    ("no open", lambda rows: rows.pop("open"), "m.parquet without open"),
    ("a text for a price", lambda rows: rows.update(high=["x"] * 3), r"values of type string in m\.parquet, row 0, column high"),
    ("nothing for a close", lambda rows: rows["close"].__setitem__(2, None), r"nothing in m\.parquet, row 2, column close"),
    ("NaN", lambda rows: rows["low"].__setitem__(1, float("nan")), r"nan in m\.parquet, row 1, column low"),
    ("infinite", lambda rows: rows["high"].__setitem__(1, float("inf")), r"inf in m\.parquet, row 1, column high"),
    ("a negative volume", lambda rows: rows["volume"].__setitem__(0, -1.0), r"-1\.0 in m\.parquet, row 0, column volume"),
    ("a price of 0", lambda rows: rows["open"].__setitem__(1, 0.0), r"0\.0 in m\.parquet, row 1, column open"),
    ("seconds", lambda rows: rows.update(ts=[at / 1_000 + 0.5 for at in rows["ts"]]), r"row 0, column ts"),
    ("off the grid", lambda rows: rows["ts"].__setitem__(1, START_MS + 60_001), r"off the grid in m\.parquet, row 1"),
    ("twice the same", lambda rows: rows["ts"].__setitem__(1, START_MS), r"duplicate in m\.parquet, row 1"),
    ("back in time", lambda rows: rows["ts"].reverse(), r"before the row above in m\.parquet, row 1"),
    ("a high below", lambda rows: rows["high"].__setitem__(2, 99.5), r"the high is below another price in m\.parquet, row 2"),
    ("no rows", lambda rows: rows.update({name: [] for name in rows}), r"none in m\.parquet"),
]


@pytest.mark.parametrize(("spoil", "said"), [case[1:] for case in SPOILT], ids=[case[0] for case in SPOILT])
def test_minutes_with_a_defect_are_refused_by_row_and_column(tmp_path: Path, spoil: Callable[[Rows], Any], said: str) -> None:
    rows = minutes()
    assert len(load(BTC, written(tmp_path / "m.parquet", rows))) == 3
    spoil(rows)
    with pytest.raises(DataFault, match=said):
        load(BTC, written(tmp_path / "m.parquet", rows))


@pytest.mark.parametrize(
    ("column", "row", "value", "said"),
    [
        ("side", 3, "both", r"'both' in t\.parquet, row 3, column side"),
        ("ts", 2, START_MS, rf"{START_MS} after {START_MS + 2_000} in t\.parquet, row 2, column ts"),
        ("price", 4, -1.0, r"-1\.0 in t\.parquet, row 4, column price"),
        ("price", 4, 0.0001, r"0\.0001 in t\.parquet, row 4, column price"),
        ("amount", 0, 1e13, r"row 0, column amount"),
    ],
)
def test_trades_with_a_defect_are_refused_by_row_and_column(tmp_path: Path, column: str, row: int, value: Any, said: str) -> None:
    rows = trades()
    rows[column][row] = value
    with pytest.raises(DataFault, match=said):
        TradedTrack.load(BTC, written(tmp_path / "t.parquet", rows))


@pytest.mark.parametrize(
    ("part", "column", "row", "value", "said"),
    [
        (0, "last_update_id", 2, 11, r"found 11 in s\.parquet, row 2, column last_update_id"),
        (1, "first_update_id", 3, 16, r"expected 15, .* found 16 in c\.parquet, row 3, column first_update_id"),
        (1, "first_update_id", 0, 12, r"begins with 11 or before; found 12 in c\.parquet, row 0"),
        (1, "price", 0, 101.0, r"found 10100 and 10050 in c\.parquet, row 2"),
        (1, "side", 0, None, r"found nothing in c\.parquet, row 0, column side"),
        (0, "qty", 1, float("nan"), r"found nan in s\.parquet, row 1, column qty"),
    ],
)
def test_a_book_with_a_defect_is_refused_by_row_and_column(tmp_path: Path, part: int, column: str, row: int, value: Any, said: str) -> None:
    parts = book()
    parts[part][column][row] = value
    snapshot, changes = (written(tmp_path / f"{name}.parquet", rows) for name, rows in zip("sc", parts, strict=True))
    with pytest.raises(DataFault, match=said):
        recorded_book.load(BTC, snapshot, changes)


def test_options_that_make_no_market_are_refused(tmp_path: Path) -> None:
    path = str(written(tmp_path / "t.parquet", trades()))
    with pytest.raises(UnknownName, match="XMR/USDT"):
        replayed((("XMR/USDT", path),))
    with pytest.raises(OutOfRange, match="another one for BTC/USDT"):
        replayed((("BTC/USDT", path), ("BTC/USDT", path)))
    with pytest.raises(OutOfRange, match="2026-01-05T00:00:00 up to 2026-01-05T00:02:10"):
        replayed((("BTC/USDT", path),)).covers(START_MS + DAY_MS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--replay", "BTC/USDT=nowhere.parquet"], "nowhere.parquet"),
        (["--replay", "BTC/USDT"], "NAME=VALUE"),
        (["--replay-book", "BTC/USDT=a,b"], "replay trades or minutes"),
        (["--market", "stormy"], "usual, calm, wild"),
        (["--dialect", "mtgox"], "mexc, binance, kraken"),
    ],
)
def test_the_command_says_what_is_wrong_and_ends(options: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox", *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@RECORDED
def test_real_trades_give_the_candles_that_they_add_up_to() -> None:
    table = pq.read_table(TRADES)
    at, price = table["ts"].to_numpy(), np.rint(table["price"].to_numpy() * 100).astype(int)
    market = ReplayMarket([TradedTrack.load(BTC, TRADES)])
    found = minute_candles(market, "BTCUSDT", int(at[0]) // 60_000, int(at[-1]) // 60_000 + 1)
    assert (found[:, HIGH] > 0).sum() == 12
    for row, minute in zip(found, range(int(at[0]) // 60_000, int(at[-1]) // 60_000 + 1), strict=True):
        prices = price[at // 60_000 == minute]
        assert row[:4].tolist() == [prices[0], prices.max(), prices.min(), prices[-1]]


@RECORDED
def test_the_book_folded_from_real_changes_has_the_quotes_that_were_recorded_beside_them() -> None:
    found = recorded_book.load(BTC, SNAPSHOT, CHANGES)
    quotes, changes = pq.read_table(QUOTES), pq.read_table(CHANGES)
    ids, lasts = quotes["update_id"].to_numpy(), changes["last_update_id"].to_numpy()
    ends = np.searchsorted(changes["ts"].to_numpy(), (found.first + np.arange(len(found.books)) + 1) * TICK_MS)
    agree = 0
    for book_, end in zip(found.books, ends, strict=True):
        row = int(np.searchsorted(ids, lasts[end - 1], side="right")) - 1
        quote = [round(float(quotes[name][row].as_py()) * 100) for name in ("bid", "ask")]
        agree += [book_.bids[0].price, book_.asks[0].price] == quote
    assert (agree, len(found.books)) == (131, 131)
