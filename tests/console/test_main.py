"""The command line's own manners: one message per error, an exit code per kind, and no wait for help."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from console import options
from console.main import Commands, app
from tests.console.conftest import ONE_MINUTE, Cli, row
from trader_core.model import errors
from trader_core.store import database as store

ROOT = Path(__file__).parents[2]
HEAVY = ("numba", "ccxt", "pandas", "sqlalchemy", "pyarrow", "aiohttp", "pydantic_settings")


def _raising(error: BaseException) -> typer.Typer:
    program = typer.Typer(cls=Commands)

    @program.command()
    def fail() -> None:
        raise error

    @program.command()
    def other() -> None: ...

    return program


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.BadInput, 2), (errors.UnknownName, 2), (errors.DataFault, 2), (errors.DatabaseAway, 3), (errors.NotMigrated, 3),
        (errors.VenueUnavailable, 4), (errors.WrongKey, 4), (errors.PortTaken, 1), (errors.SessionHalted, 1),
    ],
)  # fmt: skip
def test_an_error_of_ours_is_one_message_and_its_exit_code(kind: type[errors.GatehouseError], code: int) -> None:
    result = CliRunner().invoke(_raising(kind("a cat", "a [bold]dog[/]", "swap them")), ["fail"])
    lines = [line.split(maxsplit=2) for line in result.stderr.splitlines()]
    assert (result.exit_code, result.stdout) == (code, "")
    assert lines == [[kind.__name__, "expected", "a cat"], ["found", "a", "[bold]dog[/]"], ["what", "to", "do  swap them"]]


def test_ctrl_c_is_no_error_of_ours() -> None:
    result = CliRunner().invoke(_raising(KeyboardInterrupt()), ["fail"])
    assert (result.exit_code, result.stderr.strip()) == (130, "stopped")


def test_a_bug_is_not_hidden() -> None:
    assert isinstance(CliRunner().invoke(_raising(ZeroDivisionError()), ["fail"]).exception, ZeroDivisionError)


def test_a_traceback_shows_no_local_variable() -> None:
    assert app.pretty_exceptions_show_locals is False


def test_help_imports_nothing_heavy() -> None:
    """The promise is half a second; what would break it is one of these imports."""
    code = f"import sys, console.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_says_what_it_does() -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout
    for name in ("import", "collect", "backtest", "status", "doctor", "up", "down"):
        assert name in listed
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(app, ["trade-now"]).exit_code == 2


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_SANDBOX_PORT", "many")
    with pytest.raises(errors.BadInput, match="GATEHOUSE_SANDBOX_PORT"):
        options.settings()


def test_a_database_that_is_away_ends_in_3(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/gatehouse?connect_timeout=2")
    result = cli.run("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE)
    assert (result.exit_code, "DatabaseAway" in result.stderr, "what to do" in result.stderr) == (3, True, True)


def test_a_database_that_is_too_old_ends_in_3(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    """No old server is at hand, so the oldest supported version is moved above the one that runs."""
    for module in ("trader_core.store.database", "deployments.bootstrap"):
        monkeypatch.setattr(f"{module}.VERSION_MIN", 99, raising=False)
    result = cli.run("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE)
    assert (result.exit_code, "DatabaseTooOld" in result.stderr, "99" in result.stderr) == (3, True, True)


def test_a_database_ahead_of_this_code_ends_in_3_and_loses_nothing(cli: Cli) -> None:
    file = cli.file("a.csv", [row(0)])
    cli.json("import", file, *ONE_MINUTE)
    with psycopg.connect(cli.database.own_url()) as db:
        db.execute("update alembic_version set version_num = '9999'")
    result = cli.run("import", file, *ONE_MINUTE)
    assert (result.exit_code, "NotMigrated" in result.stderr, "9999" in result.stderr) == (3, True, True)
    assert cli.count("candle") == 1


def test_a_database_that_was_never_migrated_is_migrated_by_the_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Single commands start what they need, the schema included."""
    name = f"bare_{os.urandom(4).hex()}"
    with psycopg.connect(cli.database.own_url(), autocommit=True) as db:
        db.execute(f"create database {name} template template0")
        try:
            bare = cli.database.own_url().replace(f"/{cli.database.server.database}?", f"/{name}?")
            monkeypatch.setenv("GATEHOUSE_DATABASE_URL", bare)
            assert cli.json("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE)["inserted"] == 1
            with psycopg.connect(bare) as other:
                found = other.execute("select version_num from alembic_version").fetchone()
            assert found == (store.SCHEMA,)
        finally:
            db.execute(f"drop database {name} with (force)")
