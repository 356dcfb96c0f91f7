"""Sessions that are asked for what cannot be, and exchanges that refuse or answer badly while a session starts or runs."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.launch import Launched, launch
from tests.conftest import Database
from tests.console.conftest import Cli
from tests.console.test_bad_input import says
from tests.console.test_collect import _answering
from tests.integration.world import World, world
from trader_core.model.session import Mode, SessionMode, SessionStatus
from trader_core.store.database import begin
from trader_core.store.sessions import create_session, sessions_of
from trader_core.trader import retrying

START = ("session", "start", "sma_cross")
FOREVER = 10**9
BAD = [
    (("session", "start", "nope"), "a strategy of aroon_trend, bollinger_reversion, breakout, buy_and_hold,"),
    ((*START, "--symbol", "BTCUSDT"), "a symbol such as BTC/USDT"),
    ((*START, "--symbol", "BTC/USDT,btc/usdt"), "each symbol once"),
    ((*START, "--symbol", "BTC/USDT,NOPE/USDT"), "NOPE/USDT"),
    ((*START, "--symbol", ","), "at least one symbol"),
    ((*START, "--timeframe", "7m"), "a timeframe of 1m"),
    ((*START, "--venue", "bitmex"), "a venue of sandbox, mexc"),
    ((*START, "--venue", "mexc", "--mode", "stage"), "--eur-rate 1.08 --eur-source"),
    ((*START, "--venue", "mexc", "--eur-rate", "1.08"), "--eur-rate together with --eur-source"),
    ((*START, "--venue", "mexc", "--eur-rate", "1,08", "--eur-source", "my bank"), "--eur-rate as a decimal number"),
    ((*START, "--venue", "mexc", "--eur-rate", "0", "--eur-source", "my bank"), "--eur-rate from 0.001"),
    ((*START, "--eur-rate", "1.08", "--eur-source", "my bank"), "no --eur-rate on the embedded exchange"),
    ((*START, "--mode", "real"), "a mode of paper, stage"),
    ((*START, "--mode", "stage", "--stage", "EUR_7"), "a stage of EUR_1, EUR_10, EUR_100"),
    ((*START, "--capital", "-5"), "a capital above 0"),
    ((*START, "--capital", "1000000.01"), "up to 1000000"),
    ((*START, "--capital", "NaN"), "capital as a finite number"),
    ((*START, "--param", "fast=0"), "fast of sma_cross"),
    ((*START, "--param", "fast=50", "--param", "slow=5"), "for sma_cross"),
    ((*START, "--param", "pace=3"), "a parameter of sma_cross"),
    ((*START, "--stop-loss-ppm", "-1"), "stop_loss_ppm from 0"),
    ((*START, "--take-profit-ppm", "100000001"), "take_profit_ppm from 0"),
]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Launched]:
    with launch("--seed", "7", "--history-days", "2") as running:
        yield running


def _announce(cli: Cli, said: dict[str, object]) -> None:
    """Announce an exchange of a process that lives, so that nothing is started for it."""
    (cli.home / "run").mkdir(exist_ok=True)
    (cli.home / "run" / "sandbox.json").write_text(json.dumps({"pid": os.getpid(), **said}))


def test_what_no_trader_could_run_is_refused_before_it_is_requested(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    for words, expected in BAD:
        says(cli.run(*words), 2, expected)
    assert cli.count("trading_session") == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"oops"), (200, b"<html>maintenance</html>"), (200, b""), (200, None)],
    ids=["500", "html", "empty", "nothing"],
)
def test_no_session_is_requested_from_an_exchange_that_answers_badly(cli: Cli, status: int, body: bytes | None) -> None:
    with _answering(status, body) as address:
        keys = {"admin_token": "t", "api_key": "k", "secret": "s", "clock": "stepped"}
        _announce(cli, {"base_url": address, "admin_url": address, **keys})
        says(cli.run(*START), 4, "VenueUnavailable")
    assert cli.count("trading_session") == 0


def test_a_second_session_on_the_exchange_s_account_is_refused_and_a_paper_one_says_whom_it_waits_for(cli: Cli, exchange: Launched) -> None:
    _announce(cli, exchange.announced)
    stage = (*START, "--mode", "stage", "--stage", "EUR_10")
    says(cli.run(*stage), 1, "a permit")
    bypass = ("permit", "bypass", START[2], "--venue", "sandbox", "--stage", "EUR_10", "--symbol", "BTC/USDT", "--minutes", "60")
    assert cli.run(*bypass, "--reason", "a session by hand, for a test").exit_code == 0
    first = cli.json(*stage)
    says(cli.run(*stage), 2, "no other session on the account sandbox", first["session_id"])
    assert cli.json(*START)["waits_for"] == [first["session_id"]], "one session at a time steps the clock"
    with begin(cli.database.engine("api")) as db:
        assert len(sessions_of(db, "sandbox", [SessionStatus.REQUESTED])) == 1


def test_a_session_that_has_ended_cannot_be_stopped(cli: Cli) -> None:
    from console.session import build  # noqa: PLC0415

    ended = build("sma_cross", "paper", "sandbox", ("BTC/USDT",), "1m", 1, "1000", "EUR_1", {})
    with begin(cli.database.engine("flow")) as db:
        create_session(db, ended, SessionStatus.FAILED)
    says(cli.run("session", "stop", ended.session_id), 2, "a session that runs", "is failed")
    assert cli.count("operator_command") == 0


async def _until(ready: Callable[[], bool], within_s: float = 90.0) -> None:
    until = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < until, "it did not come"
        await asyncio.sleep(0.01)


def _told(found: World, session_id: str, field: str) -> str:
    """Return a field of what `gatehouse session show` says."""
    return str(Cli(found.home, found.database).json("session", "show", session_id)[field])


async def test_a_wrong_key_fails_the_session_with_a_clear_message_and_nothing_is_sent(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database.own_url())
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    async with world(database, tmp_path) as found:
        path = tmp_path / "run" / "sandbox.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"secret": "0" * 32}))
        found.trader("sandbox")
        session_id = found.request()
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FAILED
        assert _told(found, session_id, "status") == "failed"
        for part in ("an API key that the venue accepts", "AUTH", "correct key and secret"):
            assert part in _told(found, session_id, "error")
        assert found.placed() == {}


@pytest.mark.parametrize("site", ["GET /api/v3/account", "GET /api/v3/exchangeInfo", "GET /api/v3/klines"])
@pytest.mark.parametrize("kind", ["500", "502_html", "html_200", "empty_200", "reset"])
async def test_an_exchange_that_answers_badly_when_a_session_opens_fails_it_and_nothing_is_sent(
    database: Database, tmp_path: Path, site: str, kind: str
) -> None:
    async with world(database, tmp_path) as found:
        found.sandbox.faults.add([{"site": site, "kind": kind, "when": "before", "count": FOREVER}])
        found.trader("sandbox")
        session_id = found.request()
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FAILED
        assert [part for part in ("expected ", "; found ", "; ") if part not in row.error] == []
        assert found.placed() == {}


@pytest.mark.parametrize("mode", [SessionMode.PAPER, SessionMode.STAGE])
@pytest.mark.parametrize("kind", ["500", "502_html", "html_200", "empty_200", "reset"])
async def test_a_session_whose_exchange_falls_silent_only_reduces_until_bars_arrive_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mode: SessionMode
) -> None:
    monkeypatch.setattr(retrying, "FEED_LONGEST_MS", 20)
    async with world(database, tmp_path) as found:
        found.trader("paper" if mode is SessionMode.PAPER else "sandbox")
        session_id = found.request(mode, minutes=1500)
        await found.stepped(session_id, 5)
        found.sandbox.faults.add([{"site": "GET /api/v3/klines", "kind": kind, "when": "before", "count": FOREVER}])
        await _until(lambda: "stale" in found.state(session_id).flags)
        assert found.state(session_id).mode is Mode.REDUCING
        before = found.row(session_id).next_ms
        found.sandbox.faults.clear()
        await _until(lambda: "stale" not in found.state(session_id).flags)
        await found.stepped(session_id, (before - found.row(session_id).from_ms) // 60_000 + 5)
        assert found.state(session_id).mode is Mode.ACTIVE
        assert found.row(session_id).error == ""


async def test_a_balance_that_cannot_be_read_keeps_a_session_from_being_sure_and_does_not_end_it(
    database: Database, tmp_path: Path
) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=180)
        await found.stepped(session_id, 5)
        found.sandbox.faults.add([{"site": "GET /api/v3/account", "kind": "html_200", "when": "before", "count": 3}])
        row = await found.ended(session_id)
        assert (row.status, row.error) == (SessionStatus.FINISHED, "")
        assert found.sandbox.faults.rules[0].fired >= 1
        assert found.state(session_id).anomalies == 0
