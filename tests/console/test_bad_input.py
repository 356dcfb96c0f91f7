"""Bad input, command by command: one message with what was expected, what was found and what to do; an exit code; nothing written."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from sqlalchemy import text
from typer.testing import Result

from deployments import stack
from sandbox.__main__ import main as sandbox_main
from tests.console.conftest import ONE_MINUTE, Cli, row
from trader_core.settings import Settings
from trader_core.store import commands as store_commands
from trader_core.store.database import begin
from trader_core.store.lease import account_lock

AWAY = "postgresql://nobody:hunter2@127.0.0.1:1/gatehouse?connect_timeout=2"
INTERVAL = ("--from", "2026-01-04T23:00", "--to", "2026-01-05")
COLLECT = ("collect", "--symbol", "BTC/USDT", "--timeframe", "1m", *INTERVAL)
WORDS = tuple((word, "--reason", "a test") for word in ("kill", "pause", "resume", "cancel-all", "close-all"))
NEED_DATABASE = (
    ("import", "a.csv", *ONE_MINUTE), COLLECT, ("backtest", "sma_cross", *ONE_MINUTE, *INTERVAL), ("session", "start", "sma_cross"),
    ("session", "stop", "s"), ("session", "list"), ("session", "show", "s"), ("status",), ("up",), ("up", "--database"), ("trader",),
    ("demo",), *WORDS,
)  # fmt: skip


def says(result: Result, code: int, *texts: str) -> None:
    """Demand the exit code, one message of three parts with these texts, and nothing on stdout that looks like success."""
    assert result.exit_code == code, (result.output, result.exception)
    assert [result.stderr.count(part) for part in ("expected ", "found  ", "what to do")] == [1, 1, 1], result.stderr
    assert "Traceback" not in result.output
    assert [one for one in texts if one not in result.stderr] == [], result.stderr


def each(cli: Cli, commands: tuple[tuple[str, ...], ...], code: int, *texts: str) -> None:
    """Run every command and demand the same of each."""
    for words in commands:
        says(cli.run(*words), code, *texts)


@pytest.fixture(autouse=True)
def _in_its_home(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(cli.home)
    cli.file("a.csv", [row(0)])
    yield
    # `trader` points the log at this command's stderr, which is closed by now: later tests in this process would fail on it.
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def _left(cli: Cli) -> set[str]:
    return {path.name for path in cli.home.iterdir()} - {"a.csv"}


def test_every_command_says_that_the_database_is_away_and_hides_its_password(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", AWAY)
    each(cli, NEED_DATABASE, 3, "DatabaseAway", "GATEHOUSE_DATABASE_URL", "Connection refused")
    assert "hunter2" not in "".join(cli.run(*words).output for words in NEED_DATABASE[:4])
    left = {f"{word}.{account}" for word in ("CANCEL_ALL", "CLOSE_ALL") for account in ("paper", "sandbox", "mexc", "binance", "kraken")}
    assert _left(cli) <= {"KILL", "PAUSE", "run"} | left, (
        "words that need no database leave their files and a local stack its lock; nobody leaves anything else"
    )


def test_every_command_says_that_the_database_is_too_old(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trader_core.store.database.VERSION_MIN", 99)
    each(cli, NEED_DATABASE, 3, "DatabaseTooOld", "PostgreSQL 99 or newer", "upgrade it")


def test_every_command_says_that_the_database_is_ahead_of_this_program(cli: Cli) -> None:
    with psycopg.connect(cli.database.own_url()) as db:
        db.execute("update alembic_version set version_num = '9999'")
    each(cli, NEED_DATABASE, 3, "NotMigrated", "schema 9999", "update the program")
    assert (cli.count("candle"), cli.count("trading_session"), cli.count("operator_command")) == (0, 0, 0)


def test_every_command_says_that_a_login_may_not_set_a_bare_database_up(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"bare_{os.urandom(4).hex()}"
    with psycopg.connect(cli.database.own_url(), autocommit=True) as db:
        db.execute(f"create database {name} template template0")
        db.execute(f"create role {name} login password 'p'")
        try:
            server = cli.database.server
            assert server.address is not None
            host = server.address.host.replace("/", "%2F")
            bare = f"postgresql://{name}:p@/{name}?host={host}&port={server.address.port}"
            monkeypatch.setenv("GATEHOUSE_DATABASE_URL", bare)
            each(cli, NEED_DATABASE[:-5], 3, "may create roles", "CREATEROLE")
            with psycopg.connect(cli.database.own_url().replace(f"/{server.database}?", f"/{name}?")) as other:
                tables = other.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
            assert tables == (0,)
        finally:
            db.execute(f"drop database {name} with (force)")
            db.execute(f"drop role {name}")


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_is_no_folder_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (cli.home / "file").write_text("mine")
    monkeypatch.setenv("GATEHOUSE_HOME", str(cli.home / place))
    each(cli, (*NEED_DATABASE, ("doctor",), ("down",)), 2, "a home folder at", "which is no folder", "GATEHOUSE_HOME")
    assert (cli.home / "file").read_text() == "mine"


def test_a_home_that_cannot_be_written_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.delenv("GATEHOUSE_DATABASE_URL")
    monkeypatch.setenv("GATEHOUSE_HOME", str(cli.home / "new"))
    monkeypatch.setattr(Path, "mkdir", refuse)
    each(cli, (*NEED_DATABASE[:7], ("up",), ("kill",), ("demo",)), 2, "a home folder at", "Permission denied", "GATEHOUSE_HOME")
    assert not (cli.home / "new").exists()


def test_an_operating_system_s_no_elsewhere_stays_a_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise FileNotFoundError(2, "No such file", str(cli.home / "a.part"))

    monkeypatch.setattr("console.status._versions", lost)
    assert isinstance(cli.run("status").exception, FileNotFoundError)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GATEHOUSE_SANDBOX_PORT", "many", "GATEHOUSE_SANDBOX_PORT to be readable"),
        ("GATEHOUSE_LOG_LEVEL", "loud", "GATEHOUSE_LOG_LEVEL of DEBUG, INFO"),
        ("LIVE_TRADING_ENABLED", "maybe", "LIVE_TRADING_ENABLED to be readable"),
    ],
)
def test_a_setting_that_means_nothing_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(name, value)
    says(cli.run("status"), 2, expected)


RANGES = [
    (("session", "start", "sma_cross", "--hours", "0"), "--hours from 1 to 744"),
    (("session", "start", "sma_cross", "--hours", "745"), "--hours from 1 to 744"),
    (("session", "list", "--limit", "0"), "--limit from 1 to 1000"),
    (("demo", "--days", "0"), "--days from 1"),
    (("demo", "--seed", "-1"), "--seed from 0"),
    (("bench", "backtest", "--rounds", "0"), "--rounds from 1 to 100"),
    (("bench", "backtest", "--bars", "1"), "--bars from 300"),
    (("up", "--clock", "61x"), "the clock's speed from 1 to 60"),
    (("up", "--clock", "fast"), "a clock of stepped, or 1x to 60x"),
    (("trader", "--account", "nope"), "an account of paper, sandbox"),
    (("session", "stop", "nope"), "the id of a session"),
    (("session", "show", "nope"), "the id of a session"),
]


@pytest.mark.parametrize(("words", "expected"), RANGES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_a_value_beyond_its_range_is_refused(cli: Cli, words: tuple[str, ...], expected: str) -> None:
    says(cli.run(*words), 2, expected)
    assert _left(cli) == set()


@pytest.mark.parametrize("word", [words[0] for words in WORDS])
def test_a_word_to_an_unknown_account_changes_nothing(cli: Cli, word: str) -> None:
    (cli.home / "KILL").write_text("before")
    says(cli.run(word, "--account", "nope"), 2, "an account of paper, sandbox", "'nope'")
    assert (cli.home / "KILL").read_text() == "before"
    assert cli.count("operator_command") == 0


def test_a_kill_without_a_database_stands_in_its_file_and_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", AWAY)
    says(cli.run("kill", "--reason", "storm"), 3, "accepted: the file", "KILL stands", "sends nothing new and cancels what rests")
    assert (cli.home / "KILL").read_text() == "storm"


def test_a_resume_without_a_database_leaves_the_kill_as_it_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.home / "KILL").write_text("storm")
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", AWAY)
    says(cli.run("resume", "--reason", "over"), 3, "DatabaseAway")
    assert (cli.home / "KILL").read_text() == "storm"


def test_a_kill_and_its_resume_are_seen_in_the_status(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    cli.json("kill", "--reason", "storm")
    found = cli.json("status")
    assert (found["killed"].startswith("yes"), found["kill_switch"].startswith("on: storm")) == (True, True)
    answer = cli.json("resume", "--reason", "over")
    assert "no trader has taken it yet" in answer["paper"]
    assert (cli.json("status")["kill_switch"], (cli.home / "KILL").exists()) == ("off", False)
    with begin(cli.database.engine("api")) as db:
        assert not store_commands.read_switches(db)["kill"].is_on


@pytest.mark.parametrize("words", [("session", "start", "sma_cross"), ("demo",)], ids=["session", "demo"])
def test_nothing_is_started_while_a_kill_stands(cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    cli.json("kill", "--reason", "storm")
    says(cli.run(*words), 2, "no kill that stands", "KILL", "switch (storm)", "`gatehouse resume` first")
    (cli.home / "KILL").unlink()
    says(cli.run(*words), 2, "switch (storm)")
    assert cli.count("trading_session") == 0


def test_a_second_trader_of_an_account_is_refused(cli: Cli) -> None:
    with account_lock(cli.database.engine("trader"), "paper"):
        says(cli.run("trader", "--account", "paper"), 3, "Fenced", "no other trader for the account paper", "stop that one first")


def test_ctrl_c_ends_a_trader_without_a_word_of_python(cli: Cli) -> None:
    compiled = os.environ.get("NUMBA_CACHE_DIR", "")
    if compiled:
        (cli.home / "cache").symlink_to(Path(compiled).parent)  # a start without it compiles for a quarter of a minute
    command = [sys.executable, "-m", "console", "trader", "--account", "paper"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]) as process:
        _until(lambda: cli.count("lease") == 1)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[0].decode()
    assert (process.returncode, "Traceback" in said) == (0, False), said


def _until(ready: Callable[[], bool], within_s: float = 90.0) -> None:
    until = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("words", [("demo",), COLLECT], ids=["demo", "collect"])
def test_a_second_local_stack_in_one_home_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    with stack.alone(Settings()):
        says(cli.run(*words), 2, "no other local stack in this home", "GATEHOUSE_HOME to another folder")


def test_what_keeps_a_supervisor_from_starting_is_told_by_up(cli: Cli) -> None:
    with stack.alone(Settings()):
        result = cli.run("up")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert "no other local stack in this home" in result.stderr


@pytest.mark.parametrize("words", [("demo",), COLLECT], ids=["demo", "collect"])
def test_a_port_in_use_is_named_and_nothing_stays_behind(cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("GATEHOUSE_SANDBOX_PORT", str(taken.getsockname()[1]))
        says(cli.run(*words), 1, "PortTaken", "another program")
    assert not (cli.home / "run" / "sandbox.json").exists()
    assert cli.count("collection_session") == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--port", "-1"], "ports from 0 to 65535"),
        (["--admin-port", "65536"], "ports from 0 to 65535"),
        (["--announce", "none/x.json"], "an existing folder for the announcement"),
        (["--clock", "90x"], "a clock of stepped, or 1x to 60x"),
        (["--credit", "USDT"], "NAME=VALUE"),
        (["--start", "soon"], "an ISO time"),
        (["--replay", "BTC/USDT=none.parquet"], "a Parquet file"),
    ],
)
def test_an_exchange_that_cannot_be_started_says_why(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    assert sandbox_main(words) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("expected"), said.err.count("found")) == ("", 1, 1)
    assert expected in said.err


def test_an_exchange_whose_port_is_taken_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert sandbox_main(["--port", str(port)]) == 1
    assert f"expected port {port} free" in capsys.readouterr().err


def test_a_demonstration_gives_up_what_an_aborted_one_left(cli: Cli) -> None:
    """Its exchange is gone, and with it the orders that its session knows of."""
    from console.demo import give_up_old  # noqa: PLC0415
    from console.session import build  # noqa: PLC0415
    from trader_core.store.sessions import create_session, load_session  # noqa: PLC0415

    left = build("sma_cross", "paper", "sandbox", ("BTC/USDT",), "1m", 1, "1000", "EUR_1", {})
    with begin(cli.database.engine("flow")) as db:
        create_session(db, left)
    give_up_old(cli.database)
    with begin(cli.database.engine("api")) as db:
        found = load_session(db, left.session_id)
        assert db.execute(text("select count(*) from trading_session where status = 'requested'")).scalar_one() == 0
    assert (found.status, found.error) == ("failed", "its embedded exchange is gone")
