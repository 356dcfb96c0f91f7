"""`gatehouse check`, `blocks` and `unblock`: a bad candle blocks its instrument, and only a good check or a person frees it."""

from tests.console.conftest import ONE_MINUTE, START_MS, Cli, row, wave

BARS = 60
ASKED = ("check", *ONE_MINUTE, "--from", START_MS, "--to", START_MS + BARS * 60_000)


def imported(cli: Cli, lines: list[str], name: str = "a.csv") -> None:
    cli.json("import", cli.file(name, lines), *ONE_MINUTE)


def test_good_candles_pass_and_leave_a_page_that_needs_no_network(cli: Cli) -> None:
    imported(cli, wave(BARS))
    answer = cli.json(*ASKED)
    assert (answer["status"], answer["findings"]) == ("passed", [])
    page = open(answer["page"]).read()  # noqa: PTH123, SIM115 - a path of the answer
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert cli.json("blocks") == {"blocks": []}


def test_missing_candles_block_and_a_whole_check_frees_again(cli: Cli) -> None:
    lines = wave(BARS)
    imported(cli, lines[:20] + lines[22:])
    result = cli.run(*ASKED)
    assert (result.exit_code, "missing" in result.output) == (1, True)
    assert [(one["venue"], one["symbol"]) for one in cli.json("blocks")["blocks"]] == [("test", "BTC/USDT")]
    imported(cli, lines[20:22], "b.csv")
    assert cli.run(*ASKED).exit_code == 0
    assert cli.json("blocks") == {"blocks": []}


def test_a_person_frees_an_instrument_with_a_reason_and_nobody_twice(cli: Cli) -> None:
    imported(cli, wave(BARS)[:20])
    assert cli.run(*ASKED).exit_code == 1
    assert cli.run("unblock", "test", "BTC/USDT").exit_code == 2, "a reason is needed"
    assert cli.run("unblock", "test", "BTC/USDT", "--reason", "an outage that every exchange had").exit_code == 0
    assert cli.json("blocks") == {"blocks": []}
    assert cli.run("unblock", "test", "BTC/USDT", "--reason", "an outage that every exchange had").exit_code == 2


def test_what_is_not_there_is_named(cli: Cli) -> None:
    imported(cli, [row(0), row(1)])
    unknown = cli.run("check", "--venue", "test", "--symbol", "ETH/USDT", "--timeframe", "1m", "--from", "2026-01-04", "--to", "2026-01-05")
    assert unknown.exit_code != 0
    assert "ETH/USDT" in unknown.output
    backwards = cli.run("check", *ONE_MINUTE, "--from", "2026-01-05", "--to", "2026-01-04")
    assert backwards.exit_code == 2
