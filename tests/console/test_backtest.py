"""`gatehouse backtest`: the same run twice is the same run, alone or beside others, and every signal has an outcome."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet
import pytest
from sqlalchemy import text

from tests.console.conftest import ONE_MINUTE, START_MS, Cli, row, wave
from trader_core.store.database import begin
from trader_core.store.orders import fills_of, orders_of
from trader_core.store.sessions import load_session, load_statistics
from trader_core.store.signals import missing_outcomes
from trader_core.store.snapshots import load_pnl, open_positions

ROOT = Path(__file__).parents[2]
MINUTES = 400
RUN = (
    "backtest",
    "sma_cross",
    *ONE_MINUTE,
    "--from",
    START_MS,
    "--to",
    START_MS + MINUTES * 60_000,
    "--param",
    "fast=2",
    "--param",
    "slow=5",
)


def _with_bars(cli: Cli, symbols: tuple[str, ...] = ("BTC/USDT",)) -> dict[str, Any]:
    file = cli.file("wave.csv", wave(MINUTES))
    return [cli.json("import", file, "--venue", "test", "--symbol", symbol, "--timeframe", "1m") for symbol in symbols][-1]


def test_the_same_run_twice_has_one_digest_and_two_sessions(cli: Cli) -> None:
    _with_bars(cli)
    first, second = cli.json(*RUN), cli.json(*RUN)
    assert first["digest"] == second["digest"]
    assert first["session_id"] != second["session_id"]
    for name in ("bars", "signals", "fills", "trades", "equity", "fees", "drawdown_ppm"):
        assert first[name] == second[name], name
    assert (first["bars"], first["slots"]) == (MINUTES, MINUTES)
    assert first["trades"] >= 5


def test_another_parameter_has_another_digest(cli: Cli) -> None:
    _with_bars(cli)
    assert cli.json(*RUN)["digest"] != cli.json(*RUN, "--slippage-ppm", 600)["digest"]


def test_what_is_printed_is_what_is_stored(cli: Cli) -> None:
    _with_bars(cli)
    done = cli.json(*RUN)
    with begin(cli.database.engine("api")) as db:
        session, statistics = load_session(db, done["session_id"]), load_statistics(db, done["session_id"])
        orders, fills, pnl = orders_of(db, done["session_id"]), fills_of(db, done["session_id"]), load_pnl(db, done["session_id"])
    assert (session.mode, session.status, session.next_ms) == ("backtest", "finished", START_MS + MINUTES * 60_000)
    assert session.result is not None
    assert session.result["digest"] == done["digest"]
    assert (len(fills), float(statistics["equity"])) == (done["fills"], float(done["equity"]))
    assert sum(order.filled for order in orders) == sum(fill.qty for fill in fills)
    assert {order.state for order in orders} <= {"FILLED", "CANCELED", "ABANDONED"}
    assert pnl[-1].equity == round(float(done["equity"]) * 10**10)


def test_every_signal_has_a_cause_and_ends_as_an_intent_or_a_refusal(cli: Cli) -> None:
    _with_bars(cli)
    done = cli.json(*RUN, "--capital", 1, "--stop-loss-ppm", 5000)
    with begin(cli.database.engine("api")) as db:
        assert missing_outcomes(db, done["session_id"]) == 0
        causes = set(db.execute(text("select distinct cause from signal")).scalars())
        refused = int(db.execute(text("select count(*) from refusal")).scalar_one())
    assert causes <= {"TARGET", "PROTECT"}
    assert refused > 0, "a capital of 1 is below the venue's minimum with its margin"


def test_what_the_figures_book_is_what_the_engine_booked(cli: Cli) -> None:
    _with_bars(cli, ("BTC/USDT", "ETH/USDT"))
    done = cli.json(*RUN, "--symbol", "BTC/USDT,ETH/USDT")
    with begin(cli.database.engine("api")) as db:
        pnl, held = load_pnl(db, done["session_id"])[-1], open_positions(db, done["session_id"])
        capital = load_session(db, done["session_id"]).capital
        realised = int(db.execute(text("select sum(realised) from position_snapshot")).scalar_one())
    assert pnl.realised == realised
    assert pnl.cash + sum(one.cost for one in held) == capital + pnl.realised
    assert pnl.positions == len(held)


def test_the_journal_has_a_row_per_slot_and_names_the_digest(cli: Cli) -> None:
    _with_bars(cli)
    done = cli.json(*RUN)
    table = pyarrow.parquet.read_table(cli.home / "backtests" / f"{done['session_id']}.parquet")
    assert table.num_rows == MINUTES
    assert table.column_names == ["ts", "cash", "equity", "close:BTC/USDT", "target:BTC/USDT", "position:BTC/USDT"]
    said = pyarrow.parquet.read_metadata(cli.home / "backtests" / f"{done['session_id']}.parquet").metadata
    assert (said[b"digest"].decode(), said[b"session_id"].decode()) == (done["digest"], done["session_id"])
    assert table["equity"][-1].as_py() == round(float(done["equity"]) * 10**10)
    assert min(table["position:BTC/USDT"].to_pylist()) == 0


def test_bars_before_the_interval_fill_the_window(cli: Cli) -> None:
    _with_bars(cli)
    whole = ("backtest", "sma_cross", *ONE_MINUTE, "--to", START_MS + 100 * 60_000, "--param", "fast=2", "--param", "slow=5")
    late = cli.json(*whole, "--from", START_MS + 50 * 60_000)
    table = pyarrow.parquet.read_table(cli.home / "backtests" / f"{late['session_id']}.parquet")
    assert -1 not in table["target:BTC/USDT"].to_pylist()
    first = cli.json(*whole, "--from", START_MS)
    table = pyarrow.parquet.read_table(cli.home / "backtests" / f"{first['session_id']}.parquet")
    assert [target == -1 for target in table["target:BTC/USDT"].to_pylist()[:6]] == [True] * 4 + [False] * 2


def test_no_decision_is_made_across_a_gap(cli: Cli) -> None:
    lines = wave(100)
    del lines[50:53]
    cli.json("import", cli.file("a.csv", lines), *ONE_MINUTE)
    done = cli.json(
        "backtest", "sma_cross", *ONE_MINUTE, "--from", START_MS, "--to", START_MS + 6_000_000, "--param", "fast=2", "--param", "slow=5"
    )
    assert (done["bars"], done["slots"]) == (97, 100)
    table = pyarrow.parquet.read_table(cli.home / "backtests" / f"{done['session_id']}.parquet")
    targets = table["target:BTC/USDT"].to_pylist()
    assert [slot for slot, target in enumerate(targets) if target == -1] == [0, 1, 2, 3, *range(50, 57)]


def test_a_data_session_is_checked_before_it_is_used(cli: Cli) -> None:
    named = _with_bars(cli)["collection_session_id"]
    assert cli.json(*RUN, "--data-session", named)["bars"] == MINUTES
    cli.json("import", cli.file("b.csv", [row(3, "123.5")]), *ONE_MINUTE)
    result = cli.run(*RUN, "--data-session", named)
    assert (result.exit_code, "revised or added since" in result.stderr) == (2, True)


def test_four_runs_at_once_equal_the_run_alone(cli: Cli) -> None:
    _with_bars(cli)
    cache = ROOT / ".gatehouse" / "cache"
    if cache.is_dir():
        (cli.home / "cache").symlink_to(cache)
    alone = cli.json(*RUN)
    command = [sys.executable, "-m", "console.main", *map(str, RUN), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert {answer["digest"] for answer in answers} == {alone["digest"]}
    assert len({answer["session_id"] for answer in answers}) == 4


def test_a_run_that_cannot_be_stored_leaves_nothing_behind(cli: Cli) -> None:
    _with_bars(cli)
    with psycopg.connect(cli.database.own_url()) as db:
        db.execute("revoke insert on fill from gatehouse_flow")
    assert cli.run(*RUN).exit_code != 0
    assert (cli.count("trading_session"), cli.count("signal"), cli.count("orders")) == (0, 0, 0)
    assert list((cli.home / "backtests").iterdir()) == []


def test_people_read_percent_and_words(cli: Cli) -> None:
    _with_bars(cli)
    done, shown = cli.json(*RUN), cli.run(*RUN).stdout
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert lines["return"].strip() == f"{done['return_ppm'] / 10_000:.2f} %"
    assert lines["params"].strip() == "fast 2, slow 5"
    assert lines["digest"].strip() == done["digest"]


def test_a_run_without_a_trade_has_no_ratios(cli: Cli) -> None:
    _with_bars(cli)
    done = cli.json(*RUN, "--capital", "0.5")
    assert (done["trades"], done["win_rate"], done["profit_factor"], done["equity"]) == (0, None, None, "0.5")
    assert "nothing to divide by" in cli.run(*RUN, "--capital", "0.5").stdout


BAD = [
    (("backtest", "nope", *RUN[2:]), "a strategy of aroon_trend, bollinger_reversion, breakout, buy_and_hold,"),
    ((*RUN, "--symbol", "XYZ/USDT"), "'XYZ/USDT'"),
    ((*RUN, "--symbol", "BTCUSDT"), "a symbol such as BTC/USDT"),
    ((*RUN, "--symbol", ","), "at least one symbol"),
    ((*RUN, "--symbol", "BTC/USDT,btc/usdt"), "each symbol once"),
    ((*RUN, "--timeframe", "2m"), "a timeframe of 1m"),
    ((*RUN, "--timeframe", "5m"), "an empty interval"),
    ((*RUN, "--venue", "other"), "none is stored yet"),
    ((*RUN, "--param", "pace=3"), "a parameter of sma_cross"),
    ((*RUN, "--param", "fast"), "name=whole number"),
    ((*RUN, "--param", "slow=9"), "each parameter once"),
    ((*RUN[:-4], "--param", "fast=0"), "fast of sma_cross"),
    ((*RUN[:-4], "--param", "fast=50", "--param", "slow=5"), "for sma_cross"),
    ((*RUN, "--capital", "0"), "a capital above 0"),
    ((*RUN, "--capital", "1000001"), "a capital above 0 and up to 1000000"),
    ((*RUN, "--capital", "much"), "capital as a decimal number"),
    ((*RUN, "--stop-loss-ppm", "1000000"), "stop_loss_ppm from 0"),
    ((*RUN, "--positions-max", "61"), "positions_max from 1 to 60"),
    ((*RUN, "--slippage-ppm", "-1"), "slippage_ppm from 0"),
    ((*RUN, "--to", START_MS), "--to after --from"),
    ((*RUN, "--to", START_MS + 1), "on the grid of 60 s"),
    ((*RUN, "--from", "someday"), "--from as 2023-01-31"),
    ((*RUN, "--to", "99999999999999"), "between 1970 and 2100"),
    ((*RUN, "--from", "2024-01-01", "--to", "2024-01-02"), "an empty interval"),
    ((*RUN, "--data-session", "c-none"), "the id of a collection session"),
]


def test_each_bad_input_gets_one_message_and_no_session(cli: Cli) -> None:
    cli.json("import", cli.file("wave.csv", wave(20)), *ONE_MINUTE)
    for arguments, says in BAD:
        result = cli.run(*arguments)
        assert (result.exit_code, says in result.stderr, result.stderr.count("what to do")) == (2, True, 1), (says, result.stderr)
    assert (cli.count("trading_session"), cli.count("signal")) == (0, 0)


def test_symbols_of_two_currencies_cannot_share_an_account(cli: Cli) -> None:
    for symbol in ("BTC/USDT", "BTC/EUR"):
        cli.json("import", cli.file("a.csv", wave(20)), "--venue", "test", "--symbol", symbol, "--timeframe", "1m")
    result = cli.run(*RUN, "--symbol", "BTC/USDT,BTC/EUR")
    assert (result.exit_code, "one quote currency" in result.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--venue", "--symbol", "--timeframe", "--from", "--to"])
def test_what_has_no_default_must_be_named(cli: Cli, option: str) -> None:
    at = RUN.index(option)
    result = cli.run(*RUN[:at], *RUN[at + 2 :])
    assert (result.exit_code, option in result.stderr) == (2, True)
