"""`gatehouse feasibility`: a table for the three stages, from the venue's filters or stored ones, without a key."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from console.feasibility import percent_ppm
from sandbox.pairs import Rules
from sandbox.server import Sandbox
from tests.console.conftest import Cli, wave
from tests.venues import real_profile
from trader_core.model.errors import BadInput
from trader_core.model.instrument import Instrument
from trader_core.model.money import UNIT
from trader_core.store.database import begin
from trader_core.store.instruments import upsert_instrument
from trader_core.venues.profiles import PROFILES

BTCEUR = Instrument("binance", "BTC/EUR", "BTC", "EUR", 2, 8, 1, 1_000, 1_000, 5 * UNIT, 1_000, 1_000, fee_in_base=True)


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config(rules=Rules(notional_min=UNIT))) as running:
        yield running


def stages(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["stage"]: (one["verdict"], one["smallest_legal"]) for one in answer["stages"]}


def test_stored_filters_answer_without_any_venue(cli: Cli) -> None:
    """At 80,000, a stop of 2 % and a limit 10 % below it, a lot of 0.00001 BTC is worth 0.7056: 8 have to be sellable.

    9 bought are 8 after the fee. The entry's own limit is 81,600: 9 lots need 7.344. They cost 7.20 at the price, and 8 of them
    bring 6.272 at the stop, less a fee of 0.006272.
    """
    with begin(cli.database.engine("trader")) as db:
        upsert_instrument(db, BTCEUR)
    found = cli.json("feasibility", "binance", "BTC/EUR", "--stop", "2%", "--price", "80000")
    assert stages(found) == {"EUR_1": ("NEEDS", "7.344"), "EUR_10": ("EXECUTABLE", "7.344"), "EUR_100": ("EXECUTABLE", "7.344")}
    assert found["stages"][0]["loss_at_stop"] == "0.934272"
    assert found["stages"][1]["dust_per_trip"] == "8.23 %"
    assert (found["one_eur"], found["filters"].startswith("stored ones")) == ("1 EUR (settled in EUR)", True)


def test_without_a_price_the_last_stored_candle_counts(cli: Cli) -> None:
    cli.json("import", cli.file("wave.csv", wave(60)), "--venue", "test", "--symbol", "BTC/EUR", "--timeframe", "1m")
    found = cli.json("feasibility", "test", "BTC/EUR", "--stop", "2%")
    assert found["price"] == "109.5"
    assert "ASSUMED by the import" in found["filters"]


def test_a_real_venue_is_asked_without_a_key(cli: Cli, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    found = cli.json("feasibility", "mexc", "BTC/USDT", "--stop", "2%", "--eur-rate", "1.1", "--eur-source", "a test")
    assert found["filters"] == "mexc, just now, fees as published"
    assert found["one_eur"] == "1.1 USDT (a test)"
    assert [one["verdict"] for one in found["stages"]] == ["NEEDS", "EXECUTABLE", "EXECUTABLE"]
    again = cli.json("feasibility", "mexc", "BTC/USDT", "--stop", "2%")
    assert again["one_eur"] == "1.1 USDT (a test)"


def test_a_rate_that_nobody_gave_is_called_an_assumption(cli: Cli, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    assert "ASSUMED" in cli.json("feasibility", "mexc", "BTC/USDT", "--stop", "2%")["one_eur"]


def test_the_table_names_all_three_stages(cli: Cli, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    shown = cli.run("feasibility", "mexc", "ETH/USDT", "--stop", "2%")
    assert shown.exit_code == 0, shown.output
    assert all(word in shown.stdout for word in ("EUR_1", "EUR_10", "EUR_100", "EXECUTABLE", "A gap through the stop loses more"))


def test_a_venue_that_does_not_answer_is_said_beside_the_stored_filters(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(1))
    refused = cli.run("feasibility", "mexc", "BTC/USDT", "--stop", "2%", "--price", "80000")
    assert (refused.exit_code, "mexc did not answer" in refused.stderr) == (2, True), refused.stderr
    with begin(cli.database.engine("trader")) as db:
        upsert_instrument(db, Instrument("mexc", "BTC/USDT", "BTC", "USDT", 2, 6, 1, 1, 1, UNIT, 0, 500))
    found = cli.json("feasibility", "mexc", "BTC/USDT", "--stop", "2%", "--price", "80000")
    assert found["filters"].startswith("stored ones (mexc did not answer")


@pytest.mark.parametrize(("text", "ppm"), [("2%", 20_000), ("0.25%", 2_500), ("99.9999%", 999_999), ("0.0001%", 1)])
def test_percentages_are_read(text: str, ppm: int) -> None:
    assert percent_ppm(text) == ppm


@pytest.mark.parametrize("text", ["2", "2 %", "0%", "100%", "-2%", "2,5%", "0.00001%", "%", "", "2%%", "\uff11%", "1e1%", " 2%", "2%\n"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        percent_ppm(text)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--stop", "two"), "a percentage above 0%"),
        (("--stop", "2%", "--price", "-5"), "--price on the grid"),
        (("--stop", "2%", "--price", "80000.001"), "--price on the grid"),
        (("--stop", "2%", "--price", "inf"), "--price on the grid"),
        (("--stop", "2%"), "a price of BTC/EUR"),
        (("--stop", "2%", "--eur-rate", "1.1"), "settled in EUR"),
    ],
)
def test_bad_input_is_refused(cli: Cli, more: tuple[str, ...], says: str) -> None:
    with begin(cli.database.engine("trader")) as db:
        upsert_instrument(db, BTCEUR)
    refused = cli.run("feasibility", "binance", "BTC/EUR", *more)
    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.output


def test_the_answer_is_one_json_object(cli: Cli) -> None:
    with begin(cli.database.engine("trader")) as db:
        upsert_instrument(db, BTCEUR)
    done = cli.run("feasibility", "binance", "BTC/EUR", "--stop", "2%", "--price", "80000", "--json")
    assert len(json.loads(done.stdout)["stages"]) == 3
