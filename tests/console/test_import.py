"""`gatehouse import`: exact candles, once, with their gaps and revisions known."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.console.conftest import HEADER, MINUTE_MS, ONE_MINUTE, START_MS, Cli, row
from trader_core.store.candles import load_bars
from trader_core.store.database import begin
from trader_core.store.instruments import find_instrument

REAL = Path(__file__).parents[3] / "shared" / "data" / "candles"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real candles are not beside this project (../shared/data)")


def _stored(cli: Cli) -> list[tuple[int, ...]]:
    with begin(cli.database.engine("flow")) as db:
        instrument_id, _ = find_instrument(db, "test", "BTC/USDT")
        return [tuple(bar.tolist()) for bar in load_bars(db, instrument_id, "1m", 0, 2 * START_MS)]


def test_decimals_become_integers_of_the_instruments_exponents(cli: Cli) -> None:
    file = cli.file("a.csv", [f"{START_MS},100.5,101.25,99.75,100,0.123", f"{START_MS + MINUTE_MS},100,100,100,100,7"])
    done = cli.json("import", file, *ONE_MINUTE)
    assert (done["price_exp"], done["qty_exp"], done["rows"], done["inserted"]) == (2, 3, 2, 2)
    assert _stored(cli)[0] == (START_MS, 10050, 10125, 9975, 10000, 123)


def test_the_same_file_twice_changes_nothing_and_says_so(cli: Cli) -> None:
    file = cli.file("a.csv", [row(0), row(1)])
    first = cli.json("import", file, *ONE_MINUTE)
    second = cli.run("import", file, *ONE_MINUTE)
    assert "nothing changed" in second.stdout
    again = cli.json("import", file, *ONE_MINUTE)
    assert again["collection_session_id"] == first["collection_session_id"]
    assert (again["inserted"], again["revised"], again["unchanged"]) == (0, 0, 2)
    assert (cli.count("collection_session"), cli.count("candle"), cli.count("candle_revision")) == (1, 2, 0)


def test_a_differing_candle_becomes_a_revision(cli: Cli) -> None:
    cli.json("import", cli.file("a.csv", [row(0), row(1, "100")]), *ONE_MINUTE)
    done = cli.json("import", cli.file("b.csv", [row(1, "101"), row(2)]), *ONE_MINUTE)
    assert (done["inserted"], done["revised"], done["unchanged"]) == (1, 1, 0)
    assert [bar[4] for bar in _stored(cli)] == [100, 101, 100]
    assert cli.count("candle_revision") == 1


def test_gaps_are_reported_and_not_refused(cli: Cli) -> None:
    file = cli.file("a.csv", [row(0), row(2), row(7)])
    done = cli.json("import", file, *ONE_MINUTE)
    assert (done["gaps"], done["bars_missing"]) == (2, 5)
    assert "the longest begins 2023-11-15 00:03:00 and lacks 4 bars" in cli.run("import", file, *ONE_MINUTE).stdout


def test_exponents_that_are_given_are_taken_and_volumes_rounded_down(cli: Cli) -> None:
    file = cli.file("a.csv", [row(0, "100", "1.999"), row(1, "100", "2.5")])
    done = cli.json("import", file, *ONE_MINUTE, "--price-exp", 4, "--qty-exp", 1)
    assert (done["price_exp"], done["qty_exp"], done["volumes_rounded_down"]) == (4, 1, 1)
    assert [(bar[4], bar[5]) for bar in _stored(cli)] == [(1_000_000, 19), (1_000_000, 25)]


def test_quantities_give_way_when_prices_need_many_decimals(cli: Cli) -> None:
    done = cli.json("import", cli.file("a.csv", [row(0, "0.0000123456", "5.25")]), *ONE_MINUTE)
    assert (done["price_exp"], done["qty_exp"]) == (10, 2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (str(START_MS // 1000), str(START_MS // 1000 + 60)),
        (str(START_MS * 1000), str((START_MS + MINUTE_MS) * 1000)),
        ("2023-11-15T00:00:00Z", "2023-11-15T00:01:00Z"),
        ("2023-11-15 00:00:00", "2023-11-15 00:01:00"),
        ("2023-11-15T01:00:00+01:00", "2023-11-15T01:01:00+01:00"),
    ],
    ids=["seconds", "microseconds", "utc", "naive is utc", "offset"],
)
def test_times_are_read_in_any_usual_form(cli: Cli, first: str, second: str) -> None:
    cli.json("import", cli.file("a.csv", [f"{first},1,1,1,1,1", f"{second},1,1,1,1,1"]), *ONE_MINUTE)
    assert [bar[0] for bar in _stored(cli)] == [START_MS, START_MS + MINUTE_MS]


def test_parquet_and_csv_of_the_same_candles_are_one_collection(cli: Cli) -> None:
    by_csv = cli.json("import", cli.file("a.csv", [row(0, "100.25"), row(1, "100.5")]), *ONE_MINUTE)
    times, prices = [START_MS, START_MS + MINUTE_MS], [100.25, 100.5]
    columns = {"ts": pa.array(times, pa.timestamp("ms")), **dict.fromkeys(("open", "high", "low", "close"), prices), "volume": [5.0, 5.0]}
    pyarrow.parquet.write_table(pa.table(columns), str(cli.home / "a.parquet"))
    by_parquet = cli.json("import", cli.home / "a.parquet", *ONE_MINUTE)
    assert by_parquet["content_hash"] == by_csv["content_hash"]


BAD_ROWS = [
    ([row(1), row(0)], "lies before the row above", "row 2"),
    ([row(0), row(0)], "duplicate", "row 2"),
    ([row(0), row(1, "nan")], "a finite number as open", "row 2"),
    ([row(0), f"{START_MS + MINUTE_MS},,1,1,1,1"], "nothing in row 2", "row 2"),
    ([row(0, "-5")], "a number above 0 as open", "-5.0 in row 1"),
    ([row(0), row(1, "0")], "above 0 as open", "0.0 in row 2"),
    ([row(0, "100", "-1")], "of at least 0 as volume", "-1.0 in row 1"),
    ([row(0, "1e17")], "within the door", "1e+17 in row 1"),
    ([row(0, "100", "1e19")], "within the door", "1e+19 in row 1"),
    ([f"{START_MS + 1},1,1,1,1,1"], "off the grid", "row 1"),
    ([f"{START_MS},100,99,98,100,1"], "the high is below another price", "row 1"),
    ([f"{START_MS},100,101,100.5,100,1"], "the low is above open or close", "row 1"),
    ([f"{START_MS},x,1,1,1,1"], "numbers in column open", "a.csv"),
    (["yesterday,1,1,1,1,1"], "an ISO time as ts", "'yesterday' in row 1"),
    ([], "at least one candle", "no row in a.csv"),
    ([",1,1,1,1,1", row(1)], "a time as ts", "nothing in row 1"),
    ([f"{START_MS}500,1,1,1,1,1", f"{START_MS + MINUTE_MS}500,1,1,1,1,1"], "a time of whole ms", "row 1"),
    (["1700006400.5,1,1,1,1,1"], "a time of whole ms", "row 1"),
    (["1e300,1,1,1,1,1"], "a time as ts", "1e+300"),
]


@pytest.mark.parametrize(("lines", "says", "where"), BAD_ROWS, ids=[says for _, says, _ in BAD_ROWS])
def test_a_bad_row_gets_one_message_and_nothing_is_stored(cli: Cli, lines: list[str], says: str, where: str) -> None:
    result = cli.run("import", cli.file("a.csv", lines), *ONE_MINUTE)
    assert result.exit_code == 2
    assert says in result.stderr
    assert where in result.stderr
    assert (result.stderr.count("expected"), result.stderr.count("found"), result.stderr.count("what to do")) == (1, 1, 1)
    assert (cli.count("candle"), cli.count("collection_session"), cli.count("instrument")) == (0, 0, 0)


def test_a_missing_column_is_named(cli: Cli) -> None:
    result = cli.run("import", cli.file("a.csv", [f"{START_MS},1,1"], header="ts,open,close"), *ONE_MINUTE)
    assert result.exit_code == 2
    assert "add high, low, volume" in result.stderr


def test_a_later_file_with_a_bad_row_leaves_what_was_stored(cli: Cli) -> None:
    cli.json("import", cli.file("a.csv", [row(0), row(1)]), *ONE_MINUTE)
    assert cli.run("import", cli.file("b.csv", [row(1, "7"), row(2, "-1")]), *ONE_MINUTE).exit_code == 2
    assert [bar[4] for bar in _stored(cli)] == [100, 100]


def test_a_finer_price_than_the_stored_instrument_has_is_refused(cli: Cli) -> None:
    cli.json("import", cli.file("a.csv", [row(0, "100.5")]), *ONE_MINUTE)
    result = cli.run("import", cli.file("b.csv", [row(1, "100.25")]), *ONE_MINUTE)
    assert result.exit_code == 2
    assert "a price of at most 1 decimals as open" in result.stderr


def test_exponents_of_a_stored_instrument_cannot_be_changed(cli: Cli) -> None:
    file = cli.file("a.csv", [row(0)])
    cli.json("import", file, *ONE_MINUTE)
    result = cli.run("import", file, *ONE_MINUTE, "--price-exp", 3)
    assert (result.exit_code, "price_exp 0" in result.stderr) == (2, True)


@pytest.mark.parametrize(("price_exp", "qty_exp"), [(8, 5), (13, 0), (-1, 2)])
def test_exponents_beyond_the_doors_are_refused(cli: Cli, price_exp: int, qty_exp: int) -> None:
    result = cli.run("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE, f"--price-exp={price_exp}", f"--qty-exp={qty_exp}")
    assert (result.exit_code, "OutOfRange" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.parquet", b"not parquet", "a.parquet as parquet"),
        ("a.txt", HEADER.encode(), "ends in .parquet or .csv"),
        ("a.csv", b"", "a.csv as csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(cli: Cli, name: str, content: bytes, says: str) -> None:
    (cli.home / name).write_bytes(content)
    result = cli.run("import", cli.home / name, *ONE_MINUTE)
    assert (result.exit_code, says in result.stderr) == (2, True)


def test_a_file_that_is_not_there_is_refused(cli: Cli) -> None:
    result = cli.run("import", cli.home / "none.csv", *ONE_MINUTE)
    assert (result.exit_code, "no file at" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--timeframe", "7m", "a timeframe of 1m"),
        ("--symbol", "BTCUSDT", "a symbol such as BTC/USDT"),
        ("--venue", "a b", "a venue such as"),
    ],
)
def test_an_unknown_name_is_refused(cli: Cli, option: str, value: str, says: str) -> None:
    result = cli.run("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE, option, value)
    assert (result.exit_code, says in result.stderr) == (2, True)


def test_a_column_that_stands_twice_is_refused(cli: Cli) -> None:
    file = cli.file("a.csv", [f"{START_MS},1,1,1,1,1,5"], header="ts,open,open,high,low,close,volume")
    result = cli.run("import", file, *ONE_MINUTE)
    assert (result.exit_code, "open more than once in a.csv" in result.stderr) == (2, True)
    assert cli.count("candle") == 0


def test_bars_of_a_longer_timeframe_are_refused(cli: Cli) -> None:
    file = cli.file("a.csv", [row(5 * bar) for bar in range(10)])
    result = cli.run("import", file, *ONE_MINUTE)
    assert (result.exit_code, "at least 300 s apart" in result.stderr, cli.count("candle")) == (2, True, 0)
    assert cli.json("import", file, *ONE_MINUTE[:-1], "5m")["gaps"] == 0


def test_bars_with_many_gaps_are_not_taken_for_another_timeframe(cli: Cli) -> None:
    file = cli.file("a.csv", [row(minute) for minute in (0, 1, *range(5, 50, 5))])
    assert cli.json("import", file, *ONE_MINUTE)["gaps"] == 9


@needs_real_data
@pytest.mark.parametrize(
    ("file", "symbol", "timeframe", "expected"),
    [
        ("binance/BTC_USDT-1m", "BTC/USDT", "1m", (525_520, 1, 80, 2, 5)),
        ("binance/DOGE_USDT-5m", "DOGE/USDT", "5m", (27_936, 0, 0, 5, 0)),
        ("binance_long/BTC_USDT-1h", "BTC/USDT", "1h", (58_419, 28, 128, 2, 6)),
    ],
)
def test_real_candles_come_in_whole(cli: Cli, file: str, symbol: str, timeframe: str, expected: tuple[int, ...]) -> None:
    done = cli.json("import", REAL / f"{file}.parquet", "--venue", "binance", "--symbol", symbol, "--timeframe", timeframe)
    assert tuple(done[name] for name in ("inserted", "gaps", "bars_missing", "price_exp", "qty_exp")) == expected
