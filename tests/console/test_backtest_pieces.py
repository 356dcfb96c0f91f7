"""Backtests piece by piece: nothing depends on where a piece ends, and minutes may fill what longer bars decide."""

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet
import pytest

from tasks.backtesting import Asked, open_, played
from tests.console.conftest import ONE_MINUTE, START_MS, Cli, wave
from tests.console.test_backtest import MINUTES, RUN, _with_bars
from trader_core.model.money import UNIT
from trader_core.model.plan import Limits, Plan
from trader_core.store.database import begin
from trader_core.store.journal_files import journal
from trader_core.store.markets import PIECE_BARS, open_market


@pytest.mark.parametrize("piece_bars", [2, 14, 130, 10_000])
def test_a_market_that_is_read_in_pieces_gives_the_same_run_and_the_same_journal(cli: Cli, tmp_path: Path, piece_bars: int) -> None:
    """Two instruments, one with a hole that is longer than most pieces: nothing depends on where a piece ends."""
    lines = wave(MINUTES)
    cli.json("import", cli.file("whole.csv", lines), "--venue", "test", "--symbol", "BTC/USDT", "--timeframe", "1m")
    cli.json("import", cli.file("hole.csv", lines[:150] + lines[230:]), "--venue", "test", "--symbol", "ETH/USDT", "--timeframe", "1m")
    pairs = ("BTC/USDT", "ETH/USDT")
    limits = Limits(positions_max=2)
    chosen = Plan("sma_cross", (("fast", 2), ("slow", 5)), pairs, "1m", 1000 * UNIT, stop_loss_ppm=5_000, limits=limits)
    found = []
    for size in (piece_bars, PIECE_BARS):
        with begin(cli.database.engine("verify")) as db:
            market = open_market(db, "test", pairs, "1m", (START_MS + 20 * 60_000, START_MS + MINUTES * 60_000), 5)
            market.piece_bars = size
            with journal(tmp_path, f"j{size}", market) as written:
                result, _, far = played(chosen, market, db, written)
        table = pyarrow.parquet.read_table(tmp_path / f"j{size}.parquet")
        found.append((result.digest, written.digest, market.bars, market.data, table.to_pydict(), far))
    assert found[0] == found[1]
    assert found[0][5]["adverse_max_ppm"] >= found[0][5]["adverse_ppm"] >= 0
    assert found[0][2] == 2 * MINUTES - 2 * 20 - 80


def test_a_journal_of_a_run_that_failed_is_not_left_behind(cli: Cli, tmp_path: Path) -> None:
    _with_bars(cli)
    with begin(cli.database.engine("verify")) as db:
        market = open_market(db, "test", ("BTC/USDT",), "1m", (START_MS, START_MS + 60_000), 5)
    with pytest.raises(ZeroDivisionError), journal(tmp_path / "runs", "j", market):
        raise ZeroDivisionError
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("piece_bars", [20, 100, 10_000])
def test_the_hour_decides_and_the_minute_fills(cli: Cli, tmp_path: Path, piece_bars: int) -> None:
    """Ten minutes make a bar here: what is decided at its close is filled at the next minute's open, wherever a piece ends."""
    _with_bars(cli)
    asked = Asked(
        Plan("momentum", (("period", 1), ("rise_ppm", 0)), ("BTC/USDT",), "5m", 1000 * UNIT, limits=Limits(positions_max=1)),
        "test", START_MS + 50 * 60_000, START_MS + MINUTES * 60_000, fills="1m",
    )  # fmt: skip
    with begin(cli.database.engine("verify")) as db:
        market, _ = open_(db, asked)
        market.piece_bars = piece_bars
        with journal(tmp_path, f"f{piece_bars}", market) as written:
            result, _, _ = played(asked.plan, market, db, written)
    closes = [int(float(line.split(",")[4]) * 100) for line in wave(MINUTES)]
    fives = closes[4::5]
    wanted = [10_000 if now > before else 0 for before, now in pairwise(fives)]
    table = pyarrow.parquet.read_table(tmp_path / f"f{piece_bars}.parquet")
    targets = table["target:BTC/USDT"].to_pylist()
    assert [target for slot, target in enumerate(targets) if slot % 5 != 4] == [-1] * 280
    assert [target for slot, target in enumerate(targets) if slot % 5 == 4] == wanted[9:]
    intents = result.decisions[result.decisions["refusal"] == 0]
    assert len(intents) > 5
    assert ((intents["ts"] - START_MS) // 60_000 % 5 == 4).all()
    filled = result.fills[result.fills["qty"] > 0]
    assert ((filled["ts"] - START_MS) // 60_000 % 5 == 0).all()


@pytest.mark.parametrize(("fills", "said"), [("5m", "divides 1m"), ("1m", "divides 1m"), ("7m", "a timeframe of")])
def test_a_timeframe_that_cannot_fill_is_refused(cli: Cli, fills: str, said: str) -> None:
    _with_bars(cli)
    refused = cli.run(*RUN, "--fills", fills)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr


def test_an_interval_too_short_to_decide_in_is_refused_and_nothing_is_stored(cli: Cli) -> None:
    _with_bars(cli)
    short = ("backtest", "sma_cross", *ONE_MINUTE, "--from", START_MS, "--to", START_MS + 30 * 60_000)
    refused = cli.run(*short)
    assert (refused.exit_code, "a window of 100 bars" in refused.stderr) == (2, True), refused.stderr
    assert list((cli.home / "backtests").glob("*")) == []


def test_reading_candles_is_timed(cli: Cli) -> None:
    _with_bars(cli)
    found = cli.json("bench", "candles", "--venue", "test", "--symbol", "BTC/USDT", "--rounds", 2)
    assert found["rows"] == MINUTES
    assert found["rows_per_s"] > 0
