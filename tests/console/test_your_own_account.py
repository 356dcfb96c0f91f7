"""docs/your-own-account.md: every command line on it is run, in its order, on an embedded exchange that plays MEXC."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from console.main import app
from sandbox.server import Sandbox
from tests.console.conftest import Cli
from tests.venues import real_profile
from trader_core.config import RoadConfig
from trader_core.model.money import UNIT
from trader_core.model.stage import STAGES

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-account.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
STAYS = "LIVE_TRADING_ENABLED=true gatehouse trader --account mexc"
"""The one line that runs until it is stopped: tests/integration/test_real_venue.py starts that trader."""
WEBHOOK = "https://hooks.slack.com/services/T0/B0/abcdefgh"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config(history_days=3)) as running:
        yield running


def test_the_page_has_lines_and_each_is_run_or_named() -> None:
    assert len(LINES) >= 16
    assert [line for line in LINES if not line.startswith("gatehouse ")] == [STAYS]


def test_every_line_of_the_page_runs_in_its_order(cli: Cli, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    monkeypatch.setattr("deployments.stack.ensure", lambda _: None)
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0.0)
    for line in LINES:
        if line != STAYS:
            done = run(line, exchange)
            assert done.exit_code == 0, (line, done.output)
            assert exchange.secret not in done.output
    assert exchange.exchange.all_orders() == []
    assert (cli.count("trading_session"), (cli.home / "secrets" / "mexc.json").exists()) == (2, False)


def run(line: str, exchange: Sandbox) -> Result:
    """Run one line of the page; its dates become the last two whole days, which this exchange has."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for date, day in (("2026-10-27", today - timedelta(days=1)), ("2026-11-26", today)):
        line = line.replace(date, day.date().isoformat())
    typed = {"mexc": f"{exchange.api_key}\n{exchange.secret}\n", "slack": f"{WEBHOOK}\n"}.get(line.split()[-1])
    return CliRunner().invoke(app, shlex.split(line)[1:], input=typed)


def test_the_page_s_figures_are_those_of_the_stages_and_the_configuration() -> None:
    road = RoadConfig()
    hours = [road.validation_hours, *(rules.hours_min for rules in (road.eur_1, road.eur_10, road.eur_100))]
    assert f"**{sum(hours) / 24:.0f} days**" in PAGE
    for name, rules in (("EUR_1", road.eur_1), ("EUR_10", road.eur_10), ("EUR_100", road.eur_100)):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
        stage = next(one for one in STAGES.values() if one.name == name)
        assert f"| {rules.hours_min / 24:.0f} days | {rules.episodes_min} | €{stage.working_capital // UNIT}" in row
        assert row.endswith(f"| €{stage.loss_budget // UNIT} |")
    assert sum(stage.loss_budget for stage in STAGES.values()) == 14 * UNIT
