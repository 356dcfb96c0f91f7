"""Commands on a real venue, played by an embedded exchange: collecting, paper, and money that needs two words."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from sandbox.server import Sandbox
from tests.console.conftest import Cli
from tests.venues import real_profile
from trader_core.evidence.permit import Level
from trader_core.model.stage import StageName
from trader_core.store import lease, permits
from trader_core.store.database import begin
from trader_core.store.sessions import load_session
from trader_core.venues.profiles import PROFILES

START = ("session", "start", "sma_cross", "--venue", "mexc", "--symbol", "BTC/USDT", "--hours", "1")
STAGE = (*START, "--mode", "stage", "--stage", "EUR_1", "--eur-rate", "1.1", "--eur-source", "a test")
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config()) as running:
        yield running


@pytest.fixture
def mexc(cli: Cli, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return the command line with a home whose local stack is never started."""
    real_profile.is_mexc(monkeypatch, exchange)
    monkeypatch.setattr("deployments.stack.ensure", lambda _: None)
    monkeypatch.delenv("LIVE_TRADING_ENABLED", raising=False)
    return cli


def permit(cli: Cli, recipe: str) -> None:
    new = permits.NewPermit(
        "mexc", recipe, Level.LIMITED, StageName.EUR_1, "bypass", rehearsal=False, expires_ms=int(time.time() * 1000) + 3_000_000,
        actor="test", reason="a test of the gate",
    )  # fmt: skip
    with begin(cli.database.engine("api")) as db:
        permits.issue(db, new)


def commands_for(cli: Cli) -> list[str]:
    with cli.database.engine("verify").connect() as db:
        return list(db.execute(text("select account from operator_command order by command_id")).scalars())


def test_candles_of_a_real_venue_are_collected_without_a_key(mexc: Cli) -> None:
    to_ms = int(time.time() * 1000) // 3_600_000 * 3_600_000
    words = ("collect", "--venue", "mexc", "--symbol", "BTC/USDT", "--timeframe", "1m", "--from", to_ms - 3_600_000, "--to", to_ms)
    found = mexc.json(*words)
    assert (found["rows"], found["bars_missing"]) == (60, 0)
    assert found["source"].startswith("venue mexc: its public data over http://127.0.0.1:")


def test_a_real_venue_that_does_not_answer_ends_in_4_and_stores_nothing(mexc: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(1))
    for words in (START, ("collect", "--venue", "mexc", "--symbol", "BTC/USDT", "--timeframe", "1m", "--from", 0, "--to", 60_000)):
        done = mexc.run(*words)
        assert (done.exit_code, "an answer of mexc" in done.stderr) == (4, True), done.stderr
    assert (mexc.count("trading_session"), mexc.count("candle")) == (0, 0)


def test_paper_on_a_real_venue_is_no_rehearsal_and_needs_neither_key_nor_rate(mexc: Cli) -> None:
    found = mexc.json(*START)
    with begin(mexc.database.engine("api")) as db:
        row = load_session(db, found["session_id"])
    assert (row.venue, row.account, str(row.mode), row.disclosures) == ("mexc", "paper", "paper", {"rehearsal": False})
    assert found["waits_for"] == []


def test_money_on_a_real_venue_says_which_of_the_two_words_is_missing(mexc: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    both = mexc.run(*STAGE)
    assert (both.exit_code, "GateShut" in both.stderr) == (1, True), both.stderr
    assert "LIVE_TRADING_ENABLED is not true; paper only: no gate has been passed" in both.stderr
    monkeypatch.setenv("LIVE_TRADING_ENABLED", "true")
    one = mexc.run(*STAGE)
    assert "LIVE_TRADING_ENABLED is not true" not in one.stderr
    assert "paper only: no gate has been passed" in one.stderr
    assert mexc.count("trading_session") == 0


def test_with_both_words_it_is_requested_and_the_trader_that_it_lacks_is_named(mexc: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVE_TRADING_ENABLED", "true")
    paper = mexc.json(*START)
    with begin(mexc.database.engine("api")) as db:
        permit(mexc, load_session(db, paper["session_id"]).plan.recipe("mexc"))
    found = mexc.json(*STAGE)
    assert found["account"] == "mexc"
    assert "gatehouse trader --account mexc" in found["trader"]
    with begin(mexc.database.engine("api")) as db:
        row = load_session(db, found["session_id"])
    assert (row.disclosures["fx"]["eur_ppm"], row.disclosures["fx"]["source"]) == (1_100_000, "a test")
    assert row.capital == 5 * 11_000_000_000
    assert row.plan.limits.daily_loss_max == 11_000_000_000


def test_a_rate_is_kept_for_a_day_and_an_older_one_is_asked_for_again(mexc: Cli) -> None:
    mexc.run(*STAGE)
    without = tuple(word for word in STAGE if word not in {"--eur-rate", "1.1", "--eur-source", "a test"})
    assert "GateShut" in mexc.run(*without).stderr
    kept = mexc.home / "run" / "eur-rate-mexc.json"
    kept.write_text(f'{{"eur_ppm": 1100000, "source": "a test", "at_ms": {int(time.time() * 1000) - DAY_MS - 1}}}')
    refused = mexc.run(*without)
    assert (refused.exit_code, "--eur-rate 1.08 --eur-source" in refused.stderr) == (2, True)


def test_a_word_for_every_account_is_not_said_to_one_that_nobody_uses(mexc: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0.0)
    mexc.run("pause", "--reason", "a test")
    assert commands_for(mexc) == ["paper", "sandbox"]
    with begin(mexc.database.engine("trader")) as db:
        lease.take(db, "mexc", "pid 1", "0" * 64, 60_000, int(time.time() * 1000))
    mexc.run("resume", "--reason", "a test")
    assert commands_for(mexc) == ["paper", "sandbox", "paper", "sandbox", "mexc"]


def test_a_word_for_a_named_account_is_said_to_it(mexc: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0.0)
    mexc.run("pause", "--account", "mexc", "--reason", "a test")
    assert commands_for(mexc) == ["mexc"]
