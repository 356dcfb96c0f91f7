"""The server: operator's side, weights, running clock, and its life as a process."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest

from sandbox.__main__ import config_of, main, parser
from sandbox.clock import Clock, speed_of
from sandbox.config import START_MS, Config, instant_ms
from sandbox.launch import launch
from sandbox.pairs import Rules
from sandbox.replay import ReplayMarket, Track
from sandbox.server import start
from tests.venues.sandbox_client import Raw, raw, running
from tests.venues.sandbox_market_fixed import BTC
from trader_core.model.bar import BAR
from trader_core.model.errors import GatehouseError, OutOfRange, PortTaken, VenueUnavailable
from trader_core.model.money import money

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000", "newClientOrderId": "gh1"}


@pytest.fixture
async def wire() -> AsyncIterator[Raw]:
    async with running(Config(trend_bps=180)) as sandbox, raw(sandbox) as sender:
        yield sender


async def test_the_operators_port_wants_its_token(wire: Raw) -> None:
    assert (await wire.admin("GET /state", token="wrong"))[0] == 401
    assert (await wire.admin("GET /nothing"))[0] == 404
    status, state = await wire.admin("GET /state")
    assert status == 200
    assert (state["now_ms"], state["clock"], state["seed"], state["planted_trend_bps"]) == (START_MS, "stepped", 7, 180)
    assert state["accounts"]["main"] == {"USDT": {"free": "10000", "locked": "0"}}
    assert state["rules"]["notional_min"] == "1"
    assert len(state["symbols"]) == 10
    assert (await wire.send("GET /state"))[0] == 404, "the clients' port knows nothing of it"


async def test_the_stepped_clock_stands_still_until_it_is_told(wire: Raw) -> None:
    assert await wire.send("GET /api/v3/time") == (200, b'{"serverTime":1767571200000}')
    assert await wire.send("GET /api/v3/time") == (200, b'{"serverTime":1767571200000}')
    assert await wire.admin("POST /advance", {"to_ms": START_MS + 60_000}) == (200, {"now_ms": START_MS + 60_000, "fills": 0})
    assert (await wire.admin("POST /advance", {"to_ms": START_MS + 60_000}))[0] == 200, "a repetition changes nothing"
    assert await wire.send("GET /api/v3/time") == (200, b'{"serverTime":1767571260000}')
    status, body = await wire.admin("POST /advance", {"to_ms": START_MS})
    assert (status, "backwards" in body["error"]) == (400, True)
    assert (await wire.admin("POST /advance", {"until": 1}))[0] == 400


async def test_switches_change_the_rules_while_it_runs(wire: Raw) -> None:
    small = {**ORDER, "quantity": "0.00001"}  # worth 0.50 USDT
    assert (await wire.call("POST /api/v3/order", **small))[0] == 400
    status, rules = await wire.admin("POST /switches", {"notional_min": "0.10", "duplicates": "always", "skew_ms": 700})
    assert (status, rules["notional_min"], rules["duplicates"]) == (200, "0.1", "always")
    assert (await wire.call("POST /api/v3/order", **small))[0] == 200
    assert b"603" in (await wire.call("POST /api/v3/order", **small))[1]
    assert await wire.send("GET /api/v3/time") == (200, b'{"serverTime":1767571200700}')
    for wrong in ({"nothing": 1}, {"duplicates": "sometimes"}, {"taker_ppm": -1}):
        assert (await wire.admin("POST /switches", wrong))[0] == 400
    assert wire.sandbox.exchange.rules == Rules(notional_min=money("0.10"), duplicates="always", skew_ms=700)


async def test_a_new_account_has_its_own_key_and_the_ledger_shows_the_truth(wire: Raw) -> None:
    status, opened = await wire.admin("POST /accounts", {"account": "second", "credits": {"USDT": "60"}})
    assert (status, opened["balances"]["USDT"]["free"]) == (200, "60")
    wire.key, wire.secret = opened["api_key"], opened["secret"]
    assert (await wire.call("POST /api/v3/order", **ORDER))[0] == 200
    await wire.admin("POST /switches", {"read_lag_ms": 1_000})
    assert (await wire.call("GET /api/v3/order", symbol="BTCUSDT", origClientOrderId="gh1"))[0] == 400
    _, truth = await wire.admin("GET /ledger?account=second")
    assert [(order["client_id"], order["status"], order["qty"]) for order in truth["orders"]] == [("gh1", "NEW", 1_000)]
    assert truth["balances"]["USDT"] == {"free": "9.975", "locked": "50.025"}
    assert (await wire.admin("GET /ledger"))[1]["orders"] == []
    for wrong in ({"account": "(market)", "credits": {}}, {"credits": {"USDT": "-1"}}, {"credits": {"USDT": "much"}}, {}):
        assert (await wire.admin("POST /accounts", wrong))[0] == 400


async def test_faults_are_set_counted_and_cleared_by_the_operator(wire: Raw) -> None:
    assert (await wire.admin("POST /faults", [{"site": "GET /api/v3/time", "kind": "503_empty", "nth": 2}]))[0] == 200
    assert [(await wire.send("GET /api/v3/time"))[0] for _ in range(3)] == [200, 503, 200]
    _, report = await wire.admin("GET /faults")
    assert [(rule["kind"], rule["seen"], rule["fired"]) for rule in report["faults"]] == [("503_empty", 3, 1)]
    _, cleared = await wire.admin("DELETE /faults")
    assert (cleared["faults"], cleared["kinds"]["503_empty"]) == ([], {"seen": 3, "fired": 1}), "what has happened stays counted"
    assert (await wire.admin("POST /faults", [{"site": "x", "kind": "x"}]))[0] == 400


async def test_the_weight_of_requests_is_limited_per_minute_of_venue_time(wire: Raw) -> None:
    await wire.admin("POST /switches", {"weight_limit": 25})
    assert [(await wire.call("GET /api/v3/account"))[0] for _ in range(3)] == [200, 200, 429]
    assert (await wire.call("GET /api/v3/order", symbol="BTCUSDT", origClientOrderId="x"))[0] == 400, "five are left: this weighs two"
    url = f"http://127.0.0.1:{wire.sandbox.port}/api/v3/account?{wire.signed({})}"
    async with wire.session.get(url, headers={"X-MEXC-APIKEY": wire.key}) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
    await wire.admin("POST /advance", {"to_ms": START_MS + 60_000})
    assert (await wire.call("GET /api/v3/account"))[0] == 200


@pytest.mark.parametrize(
    ("site", "query", "code"),
    [
        ("GET /api/v3/klines", "symbol=XMRUSDT&interval=1m", b"-1121"),
        ("GET /api/v3/klines", "symbol=BTCUSDT&interval=7m", b"700004"),
        ("GET /api/v3/klines", "symbol=BTCUSDT&interval=1m&startTime=soon", b"700004"),
        ("GET /api/v3/nothing", "", b"404"),
        ("GET /api/v3/account", "", b"10072"),
    ],
)
async def test_bad_requests_get_a_code_and_no_more(wire: Raw, site: str, query: str, code: bytes) -> None:
    status, body = await wire.send(site, query)
    assert status in (400, 404)
    assert code in body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"side": "HOLD"}, b"700004"),
        ({"type": "STOP"}, b"700004"),
        ({"quantity": ""}, b"10095"),
        ({"quantity": "0"}, b"10102"),
        ({"quantity": "-1"}, b"10102"),
        ({"quantity": "NaN"}, b"700004"),
        ({"price": ""}, b"30010"),
        ({"price": "1e99"}, b"700004"),
        ({"symbol": "btcusdt"}, b"-1121"),
    ],
)
async def test_a_malformed_order_is_refused_with_a_code(wire: Raw, change: dict[str, str], code: bytes) -> None:
    status, body = await wire.call("POST /api/v3/order", **{**ORDER, **change})
    assert (status, code in body) == (400, True), body
    assert wire.sandbox.exchange.all_orders() == []


async def test_a_running_clock_cannot_be_advanced_and_does_not_stand_still() -> None:
    async with running(Config(clock="60x")) as sandbox, raw(sandbox) as wire:
        first, second = [int((await wire.send("GET /api/v3/time"))[1][14:-1]) for _ in range(2)]
        assert START_MS <= first <= second
        sandbox.clock = Clock(START_MS, 60, time.monotonic() * 1000 - 10_000)
        later = int((await wire.send("GET /api/v3/time"))[1][14:-1])
        assert START_MS + 600_000 <= later < START_MS + 1_200_000
        assert (await wire.admin("POST /advance", {"to_ms": START_MS + 10**9}))[0] == 400


def test_the_running_clock_is_wall_time_times_its_speed() -> None:
    assert Clock(1_000, 10, 500.0).read(600.0) == 2_000
    assert (Clock(1_000).read(9e9), Clock(1_000).mode, Clock(0, 60).mode) == (1_000, "stepped", "60x")
    assert [speed_of(text) for text in ("stepped", "1x", "60x")] == [0, 1, 60]
    for wrong in ("0x", "61x", "fast", "-1x", "10"):
        with pytest.raises(OutOfRange):
            speed_of(wrong)


def test_options_become_a_config_and_wrong_ones_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    options = parser().parse_args(["--seed", "9", "--start", "2026-01-06", "--credit", "USDT=5", "--notional-min", "0.10"])
    config = config_of(options)
    assert (config.seed, config.start_ms, config.credits) == (9, START_MS + 86_400_000, (("USDT", "5"),))
    assert config.in_force.notional_min == money("0.10")
    assert instant_ms("2026-01-05T01:00:00+01:00") == START_MS
    for wrong in (["--clock", "99x"], ["--start", "soon"], ["--credit", "USDT"], ["--seed", "-1"], ["--taker-ppm", "-1"]):
        assert main(wrong) == 1
        assert capsys.readouterr().err.startswith("expected ")


async def test_a_port_in_use_is_named() -> None:
    async with running() as sandbox:
        with pytest.raises(PortTaken, match=str(sandbox.port)):
            await start(Config(port=sandbox.port))
        with pytest.raises(PortTaken, match=str(sandbox.port)):
            await start(Config(admin_port=sandbox.port))


def test_a_process_announces_itself_to_its_owner_alone_and_ends_when_told() -> None:
    with launch("--seed", "3", "--planted-trend", "180") as launched:
        path = launched.folder / "announce.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        announced = launched.announced
        assert (announced["seed"], announced["planted_trend_bps"], announced["clock"]) == (3, 180, "stepped")
        assert announced["pid"] == launched.process.pid
        assert announced["port"] != announced["admin_port"]
        with pytest.raises(PortTaken):
            launch("--port", str(announced["port"]))
    assert launched.process.returncode == 0
    assert not launched.folder.exists()
    launched.stop()


def test_a_process_that_cannot_start_says_why() -> None:
    with pytest.raises(VenueUnavailable, match="61x"):
        launch("--clock", "61x")


PARENT = """
import os, sys
from sandbox.launch import launch
launched = launch()
print(launched.process.pid, launched.folder, flush=True)
sys.stdin.read()
"""


def test_a_process_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        os.kill(int(pid), 0)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while (Path(folder) / "announce.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not (Path(folder) / "announce.json").exists()
    (Path(folder) / "stderr").unlink()
    Path(folder).rmdir()


async def test_candles_given_as_arrays_are_traded_like_any_market() -> None:
    bars = np.array(
        [(START_MS, 100_00, 101_00, 99_00, 100_50, 12_000_000), (START_MS + 60_000, 100_50, 100_50, 97_00, 98_00, 24_000_000)], dtype=BAR
    )
    market = ReplayMarket([Track(BTC, bars)])
    async with running(Config(credits=(("USDT", "1000"),)), market) as sandbox, raw(sandbox) as wire:
        assert (await wire.call("POST /api/v3/order", **{**ORDER, "price": "98.50", "quantity": "1"}))[0] == 200
        await wire.admin("POST /advance", {"to_ms": START_MS + 120_000})
        (fill,) = (await wire.admin("GET /ledger"))[1]["fills"]
        assert (fill["price"], fill["qty"], fill["cost"]) == (98_50, 1_000_000, "98.5")
        assert START_MS + 60_000 < fill["ts_ms"] < START_MS + 120_000


def test_an_end_interrupts_a_hanging_answer() -> None:
    with launch() as launched:
        base, admin = (launched.announced[name] for name in ("base_url", "admin_url"))
        body = json.dumps([{"site": "GET /api/v3/time", "kind": "timeout", "params": {"seconds": 60}}]).encode()
        headers = {"X-Sandbox-Token": launched.announced["admin_token"]}
        urlopen(Request(f"{admin}/faults", data=body, headers=headers)).close()
        with pytest.raises(TimeoutError):
            urlopen(f"{base}/api/v3/time", timeout=0.2)
    assert launched.process.returncode == 0


def test_configs_that_make_no_market_are_refused() -> None:
    for wrong in ({"seed": -1}, {"trend_bps": 5_000}, {"start_ms": 0}, {"history_days": -1}):
        with pytest.raises(GatehouseError):
            Config(**wrong)  # type: ignore[arg-type]
    for rules in ({"maker_ppm": 600}, {"crossing": "maybe"}, {"read_lag_ms": -1}, {"notional_min": 3, "notional_max": 2}):
        with pytest.raises(OutOfRange):
            Rules(**rules)
