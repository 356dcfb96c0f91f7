"""`gatehouse collect`: candles of the embedded exchange through its unmodified client, and exchanges that answer badly."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.launch import Launched, launch
from tests.console.conftest import Cli
from trader_core.store.database import begin
from trader_core.store.sessions import load_session

START = "2026-01-05T00:00"
RUN = ("collect", "--symbol", "BTC/USDT,ETH/USDT", "--timeframe", "1m", "--from", "2026-01-04T23:00", "--to", START)


def _announce(cli: Cli, said: dict[str, Any]) -> None:
    folder = cli.home / "run"
    folder.mkdir(exist_ok=True)
    (folder / "sandbox.json").write_text(json.dumps(said))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Launched]:
    with launch("--seed", "7", "--start", START, "--history-days", "2") as running:
        yield running


def test_candles_are_collected_once(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    first, second = cli.json(*RUN), cli.json(*RUN)
    assert (first["rows"], first["inserted"], first["bars_missing"], first["known"]) == (120, 120, 0, False)
    assert (second["rows"], second["inserted"], second["revised"], second["known"]) == (120, 0, 0, True)
    assert first["collection_session_id"] == second["collection_session_id"]
    assert (cli.count("candle"), cli.count("instrument")) == (120, 2)


def test_what_was_collected_can_be_backtested_by_its_name(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    named = cli.json(*RUN)["collection_session_id"]
    interval = ("--from", "2026-01-04T23:00", "--to", START)
    done = cli.json(
        "backtest",
        "breakout",
        "--venue",
        "sandbox",
        "--symbol",
        "BTC/USDT,ETH/USDT",
        "--param",
        "entry=10",
        "--param",
        "exit=5",
        "--param",
        "memory=20",
        "--timeframe",
        "1m",
        *interval,
        "--data-session",
        named,
    )
    assert done["bars"] == 120
    source = "venue sandbox: the embedded exchange's synthetic market, seed 7, planted trend 0 bps, clock stepped"
    assert done["disclosures"] == {"rehearsal": True, "data": source}
    with begin(cli.database.engine("api")) as db:
        assert load_session(db, done["session_id"]).disclosures == done["disclosures"]


def test_candles_that_have_not_closed_are_missing_and_never_invented(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    done = cli.json(*RUN[:-4], "--from", "2026-01-04T23:00", "--to", "2026-01-05T01:00")
    assert done["rows"] + done["bars_missing"] == 240
    assert done["bars_missing"] >= 100


def test_without_an_exchange_the_command_brings_its_own_and_leaves_none(cli: Cli) -> None:
    assert cli.json(*RUN)["rows"] == 120
    assert not (cli.home / "run" / "sandbox.json").exists()


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--symbol", "NOPE/USDT", "UnknownName"),
        ("--timeframe", "3m", "a timeframe of"),
        ("--to", "2026-01-04T23:00", "--to after --from"),
        ("--venue", "bitmex", "a venue of sandbox, mexc"),
    ],
)
def test_bad_input_is_refused(cli: Cli, exchange: Launched, option: str, value: str, says: str) -> None:
    _announce(cli, exchange.announced)
    result = cli.run(*RUN, option, value)
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert cli.count("candle") == 0


def test_an_interval_without_candles_is_refused(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    result = cli.run(*RUN[:-4], "--from", "2027-01-01", "--to", "2027-01-01T01:00")
    assert (result.exit_code, "at least one candle" in result.stderr) == (2, True)


@contextmanager
def _answering(status: int, body: bytes | None) -> Iterator[str]:
    """Serve one answer to everything on loopback; None closes the connection without a byte."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if body is None:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("clock", ["stepped", "10x"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"oops"), (200, b"<html>maintenance</html>"), (200, b""), (200, None)],
    ids=["500", "html", "empty", "nothing"],
)
def test_an_exchange_that_answers_badly_ends_in_4_and_loses_nothing(cli: Cli, clock: str, status: int, body: bytes | None) -> None:
    with _answering(status, body) as address:
        said = {"base_url": address, "admin_url": address, "admin_token": "t", "api_key": "k", "secret": "s", "clock": clock}
        _announce(cli, said)
        result = cli.run(*RUN)
    assert (result.exit_code, result.stderr.count("what to do")) == (4, 1), (result.stderr, result.exception)
    assert (cli.count("candle"), cli.count("collection_session")) == (0, 0)


def test_an_exchange_that_is_gone_ends_in_4(cli: Cli) -> None:
    with _answering(200, b"") as address:
        pass
    _announce(cli, {"base_url": address, "admin_url": address, "admin_token": "t", "api_key": "k", "secret": "s", "clock": "stepped"})
    assert cli.run(*RUN).exit_code == 4


def test_an_announcement_of_a_real_host_is_refused(cli: Cli) -> None:
    host = "https://api.mexc.com"
    _announce(cli, {"base_url": host, "admin_url": host, "admin_token": "t", "api_key": "k", "secret": "s", "clock": "stepped"})
    result = cli.run(*RUN)
    assert (result.exit_code, "HostRefused" in result.stderr) == (4, True)
    assert os.environ.get("LIVE_TRADING_ENABLED") is None
