"""The venue check: every thing has one answer, and what was not tested says so. Real venues are played by an embedded exchange."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.main import app
from sandbox.dialects.base import Powers
from sandbox.server import ACCOUNT, Sandbox
from tests.venues import real_profile
from trader_core.venues import check, keys
from trader_core.venues.check import NAMES
from trader_core.venues.check import Result as Said
from trader_core.venues.profiles import PROFILES

PUBLIC, PRIVATE = ["reachability", "clock", "filters", "bars", "fees"], ["key", "permissions", "order test", "client ids"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config()) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: Sandbox) -> Path:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    for name in ("GATEHOUSE_VENUE_KEY", "GATEHOUSE_VENUE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    real_profile.is_mexc(monkeypatch, exchange)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["venue", *arguments])


def checked(code: int, *more: str) -> dict[str, dict[str, Any]]:
    done = run("check", "mexc", "--json", *more)
    assert done.exit_code == code, done.output
    answer = json.loads(done.stdout)
    assert [one["name"] for one in answer["checks"]] == list(NAMES)
    return {one["name"]: one for one in answer["checks"]}


def names(said: dict[str, dict[str, Any]], result: Said) -> list[str]:
    return [name for name, one in said.items() if one["result"] == result]


def test_with_a_key_everything_is_tested_and_nothing_is_placed(home: Path, exchange: Sandbox) -> None:
    real_profile.give_key(home, exchange)
    said = checked(0, "--symbol", "BTC/USDT,ETH/USDT")
    assert names(said, Said.OK) == list(NAMES), said
    assert exchange.exchange.all_orders() == []
    assert "of 60 bars of 1m BTC/USDT 60, ETH/USDT 60" in said["bars"]["found"]
    assert "taker 0.05 %, this account's own" in said["fees"]["found"]
    assert "32 characters are taken" in said["client ids"]["found"]


def test_without_a_key_public_things_are_ok_and_the_rest_is_not_tested(home: Path) -> None:
    said = checked(0)
    assert (names(said, Said.OK), names(said, Said.NOT_TESTED)) == (PUBLIC, PRIVATE)
    assert "credentials set mexc" in said["key"]["todo"]


def test_a_venue_that_does_not_answer_is_failed_and_nothing_else_is_claimed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(1))
    said = checked(4)
    assert (names(said, Said.FAILED), names(said, Said.NOT_TESTED)) == (["reachability"], list(NAMES[1:]))
    shown = run("check", "mexc")
    assert (shown.exit_code, shown.stdout.count("NOT TESTED")) == (4, len(NAMES) - 1)


def test_the_result_is_kept_with_its_time_and_its_code(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check.load(home, "mexc") is None
    assert "NOT TESTED" in run("list").stdout
    checked(0)
    found = check.load(home, "mexc")
    assert found is not None
    assert (found.venue, found.well, len(found.code)) == ("mexc", True, 64)
    assert "ok at" in run("list").stdout
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(1))
    checked(4)
    failed = check.load(home, "mexc")
    assert failed is not None
    assert (failed.well, failed.at_ms >= found.at_ms) == (False, True)
    check.place(home, "mexc").write_text("{}")
    assert check.load(home, "mexc") is None


def test_a_key_that_can_withdraw_fails_the_check(home: Path, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.give_key(home, exchange)
    monkeypatch.setitem(exchange.dialect.powers, ACCOUNT, Powers(withdraws=True))
    said = checked(1)
    assert names(said, Said.FAILED) == ["permissions"]
    assert "without the right to withdraw" in said["permissions"]["todo"]


def test_a_wrong_key_and_an_open_one_fail_the_key_and_leave_the_rest_untested(home: Path, exchange: Sandbox) -> None:
    keys.write(keys.place("mexc", home), {"key": "CANARYKEY123", "secret": "CANARYSECRET"})
    wrong = checked(1)
    keys.place("mexc", home).chmod(0o644)
    left_open = checked(1)
    for said in (wrong, left_open):
        assert (names(said, Said.FAILED), names(said, Said.NOT_TESTED)) == (["key"], PRIVATE[1:])
        assert "CANARY" not in str(said)
    assert "chmod 600" in left_open["key"]["todo"]


def test_an_order_test_that_fails_leaves_client_ids_untested(home: Path, exchange: Sandbox) -> None:
    real_profile.give_key(home, exchange)
    exchange.faults.add([{"site": "POST /api/v3/order/test", "kind": "unknown_code", "count": 10}])
    try:
        said = checked(1)
    finally:
        exchange.faults.clear()
    assert names(said, Said.FAILED) == ["order test"]
    assert "-9999" in said["order test"]["found"]
    assert said["client ids"]["result"] == Said.NOT_TESTED


def test_a_machine_s_clock_that_is_off_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = replace(real_profile.config(), start_ms=real_profile.config().start_ms - 3_600_000)
    with real_profile.thread_of(late) as running:
        real_profile.is_mexc(monkeypatch, running)
        said = checked(1)
    assert names(said, Said.FAILED) == ["clock"]
    assert "behind this machine" in said["clock"]["found"]


def test_symbols_that_the_venue_does_not_offer_fail_the_filters(home: Path) -> None:
    said = checked(1, "--symbol", "NOPE/USDT")
    assert (names(said, Said.OK), names(said, Said.FAILED)) == (["reachability", "clock"], ["filters"])


def test_candles_that_cannot_be_read_fail_the_bars_alone(home: Path, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": "GET /api/v3/klines", "kind": "500", "count": 1_000}])
    try:
        said = checked(1)
    finally:
        exchange.faults.clear()
    assert names(said, Said.FAILED) == ["bars"]


@pytest.mark.parametrize(("arguments", "says"), [(("check", "bitmex"), "a venue of sandbox, mexc"),
                                                 (("check", "mexc", "--timeframe", "3m"), "a timeframe of"),
                                                 (("check", "mexc", "--symbol", "BTCUSDT"), "a symbol such as")])  # fmt: skip
def test_bad_input_is_refused_and_nothing_is_kept(home: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert not (home / "run").exists()


def test_the_symbols_of_the_configured_plans_are_the_default(home: Path) -> None:
    CliRunner().invoke(app, ["init", "--venue", "mexc", "--symbol", "SOL/USDT"])
    assert "SOL/USDT from 1 USDT" in checked(0)["filters"]["found"]


def test_listening_shows_how_each_stream_was_and_the_best_of_each_book(home: Path) -> None:
    with real_profile.thread_of(real_profile.config("30x")) as fast, pytest.MonkeyPatch.context() as patch:
        real_profile.is_mexc(patch, fast, 30.0)
        done = run("listen", "mexc", "--symbol", "BTC/USDT", "--seconds", "8", "--json")
    streams = {one["stream"]: one for one in json.loads(done.stdout)["streams"]}
    assert (done.exit_code, set(streams)) == (0, {"trades BTC/USDT", "klines BTC/USDT", "book BTC/USDT"})
    assert all(one["messages"] >= 10 and one["reconnects"] == 0 for one in streams.values()), streams
    bid, ask = map(float, streams["book BTC/USDT"]["best"].split(" / "))
    assert bid < ask


def test_there_is_nothing_to_listen_to_where_a_venue_has_no_streams(home: Path) -> None:
    with real_profile.thread_of(real_profile.config("1x")) as running, pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "mexc", replace(real_profile.bound(running.port), ws_hosts=()))
        done = run("listen", "mexc", "--symbol", "BTC/USDT", "--seconds", "1")
    assert done.exit_code == 2
    assert "asked by REST alone" in done.output
