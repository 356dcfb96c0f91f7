"""What the pages show works: every command line is one that the program takes, every query of docs/operating.md runs and answers."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from console.main import app
from tests.conftest import Database
from tests.console.conftest import ONE_MINUTE, START_MS, Cli, wave
from tests.integration.world import world
from trader_core.model.command import Command
from trader_core.model.session import SessionMode

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
QUERIES = re.findall(r"```sql\n(.*?);\n```", (ROOT / "docs" / "operating.md").read_text(), re.DOTALL)
NONE_WHEN_WELL = ("from unresolved_order", "in ('missing', 'both')", "kind = 'RECONCILED'")


def _shown() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("gatehouse "):
                    yield page.name, line.split("#")[0].strip()


def test_the_pages_show_commands_and_queries() -> None:
    assert len(list(_shown())) >= 15
    assert len(QUERIES) >= 10


@pytest.mark.parametrize(("page", "line"), list(_shown()))
def test_a_command_line_of_a_page_is_one_that_the_program_takes(page: str, line: str) -> None:
    result = CliRunner().invoke(app, [*shlex.split(line)[1:], "--help"])
    assert result.exit_code == 0, (page, result.output)


def test_a_command_line_with_an_unknown_option_would_be_found() -> None:
    assert CliRunner().invoke(app, ["session", "start", "sma_cross", "--minutes", "3", "--help"]).exit_code == 2


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    named = {command.name or command.callback.__name__.rstrip("_") for command in app.registered_commands if command.callback}
    assert [name for name in named | {group.name for group in app.registered_groups} if f"`{name}`" not in readme
            and f"gatehouse {name}" not in readme] == []  # fmt: skip


async def test_every_query_of_the_operating_page_answers(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a backtest with a gap in its candles, a paused paper session and a stage session, all of them real."""
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database.own_url())
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    cli, lines = Cli(tmp_path, database), wave(400)
    del lines[200:203]
    cli.json("import", cli.file("wave.csv", lines), *ONE_MINUTE)
    run = ("backtest", "sma_cross", *ONE_MINUTE, "--from", START_MS, "--param", "fast=2", "--param", "slow=5")
    cli.json(*run, "--to", START_MS + 375 * 60_000)  # ends while the price climbs: with a position
    cli.json(*run, "--to", START_MS + 375 * 60_000, "--capital", "1")  # too little for an order: with refusals
    async with world(database, tmp_path) as found:
        found.trader("paper")
        session_id = found.request(SessionMode.PAPER, minutes=60)
        await found.stepped(session_id, 5)
        found.say("paper", Command.PAUSE, session_id)
        await found.ended(session_id)
        found.trader("sandbox")
        await found.ended(found.request(minutes=60))
    with database.engine("api").connect() as db:
        for query in QUERIES:
            rows = db.execute(text(query.replace(":", "\\:"))).all()
            assert bool(rows) is not any(part in query for part in NONE_WHEN_WELL), query
        gaps = next(query for query in QUERIES if "missing\n" in query)
        assert [row.missing for row in db.execute(text(gaps.replace(":", "\\:")))] == [3]
