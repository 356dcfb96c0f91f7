"""`gatehouse init`: what it writes is read back, what is there is not lost, and the three commands that it names are ones that run."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console import options
from console.main import app
from console.status import _own_checks
from trader_core import config
from trader_core.engine.strategies import find
from trader_core.venues import keys
from trader_core.venues.profiles import PROFILES


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


def answer(*arguments: str) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_was_asked_for_is_read_back(home: Path) -> None:
    answer("--venue", "mexc", "--strategy", "breakout", "--symbol", "sol/usdt,BTC/USDT", "--timeframe", "5m")
    found = config.read(home)
    plan = found.plans["first"]
    assert (plan.venue, plan.strategy, plan.symbols, plan.timeframe) == ("mexc", "breakout", ("SOL/USDT", "BTC/USDT"), "5m")
    assert plan.stop_loss_ppm == 20_000
    assert found.road == config.RoadConfig()
    assert found.slack == config.SlackConfig()


def test_on_the_embedded_exchange_the_stages_are_a_rehearsal(home: Path) -> None:
    answer()
    road = config.read(home).road
    assert (road.eur_1.hours_min, road.eur_10.hours_min, road.eur_100.hours_min) == (6, 6, 6)
    assert "rehearsal" in (home / config.FILE).read_text()


@pytest.mark.parametrize("strategy", ["sma_cross", "breakout"])
def test_every_key_is_written_and_has_its_comment(home: Path, strategy: str) -> None:
    answer("--strategy", strategy)
    lines = (home / config.FILE).read_text().splitlines()
    keys = [line for line in lines if " = " in line and not line.startswith("#")]
    plain = {line.split(" = ")[0] for line in keys}
    tables = {"params", "settings", "others"}
    assert plain >= {*config.PlanConfig.model_fields, *config.StageRules.model_fields, *config.SlackConfig.model_fields} - tables
    assert plain >= {one.name for one in find(strategy).params}
    assert config.read(home).plans["first"].params == {one.name: one.default for one in find(strategy).params}
    assert "[plans.first.params]" in lines
    assert config.read(home).plans["first"].settings == {"trailing_ppm": 0, "orders_per_hour": 60}


def test_a_file_that_is_there_is_not_replaced_without_force(home: Path) -> None:
    answer()
    before = (home / config.FILE).read_text()
    refused = run("--venue", "mexc")
    assert (refused.exit_code, "--force" in refused.stderr) == (2, True)
    assert (home / config.FILE).read_text() == before
    kept = Path(answer("--venue", "mexc", "--force")["kept"])
    assert kept.read_text() == before
    assert config.read(home).plans["first"].venue == "mexc"
    assert sorted(path.name for path in home.iterdir()) == sorted([config.FILE, kept.name])


def test_a_file_that_cannot_be_read_can_be_replaced(home: Path) -> None:
    home.mkdir()
    (home / config.FILE).write_text("[plans")
    assert Path(answer("--force")["kept"]).read_text() == "[plans"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--venue", "bitmex"), "a venue of sandbox, mexc"),
        (("--strategy", "nope"), "a strategy of aroon_trend, bollinger_reversion, breakout, buy_and_hold,"),
        (("--timeframe", "3m"), "a timeframe of"),
        (("--symbol", "BTCUSDT"), "a symbol such as"),
        (("--symbol", "BTC/USDT,BTC/EUR"), "symbols of one quote currency"),
    ],
)
def test_bad_input_writes_nothing(home: Path, arguments: tuple[str, ...], says: str) -> None:
    refused = run(*arguments)
    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.stderr
    assert not home.exists()


def test_the_doctor_tells_of_the_configuration_and_of_keys_and_misses_neither(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_VENUE_KEY", raising=False)
    settings = options.settings()
    none = [("none", "")] * len(PROFILES)
    assert [(one.found, one.todo) for one in _own_checks(settings)] == [("none; `gatehouse init` writes one", ""), *none]
    answer("--venue", "mexc")
    keys.write(keys.place("mexc", home), {"key": "CANARYKEY1", "secret": "CANARYSECRET"})
    assert [one.todo for one in _own_checks(settings)] == [""] * (1 + len(PROFILES))
    (home / config.FILE).write_text("[plan]")
    keys.place("mexc", home).chmod(0o644)
    wrong = _own_checks(settings)
    assert [bool(one.todo) for one in wrong] == [True, True, *[False] * (len(PROFILES) - 1)]
    assert "CANARY" not in str(wrong)


def test_who_chooses_a_real_venue_is_told_what_to_read_first(home: Path) -> None:
    assert "not authorised under MiCA" in run("--venue", "mexc").stdout
    assert answer("--force")["read_first"] == ""


@pytest.mark.parametrize("venue", ["sandbox", "mexc"])
def test_the_three_commands_that_come_next_are_ones_that_the_program_takes(home: Path, venue: str) -> None:
    commands = answer("--venue", venue)["next"]
    assert len(commands) == 3
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "gatehouse"
        shown = CliRunner().invoke(app, [*words, "--help"])
        assert shown.exit_code == 0, (line, shown.output)
    begin, end = (datetime.fromisoformat(commands[1].split(f"{name} ")[1][:10]).replace(tzinfo=UTC) for name in ("--from", "--to"))
    assert (end - begin).days == 30
    assert venue == "mexc" or end.isoformat() == "2026-01-05T00:00:00+00:00"
