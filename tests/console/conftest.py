"""The command line on a database and a home folder of the test's own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

# The engine finds its cache when it is imported: before a test moves the home folder, so that nothing is compiled twice.
import trader_core.engine.simulate  # noqa: F401
from console.main import app
from tests.conftest import Database

HEADER = "ts,open,high,low,close,volume"
START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
ONE_MINUTE = ("--venue", "test", "--symbol", "BTC/USDT", "--timeframe", "1m")


@dataclass
class Cli:
    """Commands in this process, with a database and a home of their own."""

    home: Path
    database: Database

    def run(self, *arguments: object) -> Result:
        """Run one command and return what it wrote and its exit code."""
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def json(self, *arguments: object) -> dict[str, Any]:
        """Run one command with --json, which must succeed, and return its answer."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        engine = self.database.engine("verify")
        with engine.connect() as db:
            found = int(db.execute(text(f"select count(*) from {table}")).scalar_one())
        engine.dispose()  # who waits for a row counts often
        return found

    def file(self, name: str, lines: Sequence[str], header: str = HEADER) -> Path:
        """Write a CSV file and return its path."""
        path = self.home / name
        path.write_text("\n".join([header, *lines]) + "\n")
        return path


@pytest.fixture
def cli(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database.own_url())
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return Cli(tmp_path, database)


def row(minute: int, price: str = "100", volume: str = "5") -> str:
    """Return one flat bar of a CSV file."""
    return f"{START_MS + minute * MINUTE_MS},{price},{price},{price},{price},{volume}"


def wave(count: int) -> list[str]:
    """Return bars whose price climbs from 100 to 110 and falls back again, every 40 minutes, with plenty of volume."""
    prices = [100 + 0.5 * min(minute % 40, 40 - minute % 40) for minute in range(count)]
    return [row(minute, f"{price:.2f}", "1000000") for minute, price in enumerate(prices)]
