"""`gatehouse audit archive`, and `gatehouse audit verify` through files and database as one whole."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.console.conftest import Cli
from tests.store.archives import ended, say
from tests.store.test_journal import filled, tamper
from trader_core.model.session import SessionStatus
from trader_core.store import anchors

ROOT = Path(__file__).parents[2]


def now() -> str:
    """Return this moment as --before takes it."""
    time.sleep(0.01)  # what was written a millisecond ago was written before
    return str(int(time.time() * 1000))


def test_sessions_that_ended_go_into_files_and_the_whole_still_verifies(cli: Cli) -> None:
    for name in ("s1", "s2"):
        anchors.keep(cli.home, name, ended(cli.database, name))
    ended(cli.database, "s3", SessionStatus.RUNNING)
    say(cli.database, "one", "two")
    folder, before = cli.home / "deep" / "archive", now()
    found = cli.json("audit", "archive", "--before", before, "--out", folder)
    made = [(one["chain"], one["from"], one["to"], one["removed"]) for one in found["segments"]]
    assert made == [("s1", 1, 4, 4), ("s2", 1, 4, 4), ("operators", 1, 2, 2)]
    assert cli.count("journal") == 4 + 3, "s3, and three records that say who archived what"
    verified = cli.json("audit", "verify", "--archive", folder)
    assert [(one["chain"], one["records"], one["anchors"], one["archived"]) for one in verified["chains"]] == [
        ("operators", 5, 0, 2), ("s1", 4, 1, 4), ("s2", 4, 1, 4), ("s3", 4, 0, 0),
    ]  # fmt: skip
    assert verified["files_not_verified"] == []
    assert cli.json("audit", "verify")["files_not_verified"] == ["operators.1-2.parquet", "s1.1-4.parquet", "s2.1-4.parquet"]
    assert "not verified: s1.1-4.parquet" in cli.run("audit", "verify", "--session", "s1").output
    again = cli.run("audit", "archive", "--before", before, "--out", folder)
    assert (again.exit_code, "Nothing to archive" in again.output, cli.count("journal_segment")) == (0, True, 3)
    assert cli.json("audit", "verify", "--file", folder / "s2.1-4.parquet")["records"] == 4
    assert "older records of s2 lie in s2.1-4.parquet" in cli.run("audit", "query", "--session", "s2").output
    told = cli.json("audit", "query", "--session", "operators", "--kind", "archived")["records"]
    assert [one["body"].split('"session_id":"')[1].split('"')[0] for one in told] == ["s1", "s2", "operators"]


def test_one_session_is_archived_alone(cli: Cli) -> None:
    ended(cli.database, "s1")
    ended(cli.database, "s2")
    found = cli.json("audit", "archive", "--before", now(), "--out", cli.home / "a", "--session", "s2")
    assert [one["chain"] for one in found["segments"]] == ["s2"]
    assert cli.json("audit", "export", "--out", cli.home / "x.csv")["chains"] == 2, "what the database has: s1 and the operators"
    result = cli.run("audit", "export", "--out", cli.home / "y.csv", "--session", "s2")
    assert (result.exit_code, "a session with a journal" in " ".join(result.stderr.split())) == (2, True)


def test_each_file_that_does_not_fit_is_named_and_ends_the_command_with_1(cli: Cli) -> None:
    for name in ("s1", "s2", "s3"):
        ended(cli.database, name)
    folder = cli.home / "a"
    cli.json("audit", "archive", "--before", now(), "--out", folder)
    (folder / "s1.1-4.parquet").unlink()
    shutil.copy(folder / "s3.1-4.parquet", folder / "s2.1-4.parquet")
    result = cli.run("audit", "verify", "--archive", folder)
    said = " ".join(result.stderr.split())
    assert result.exit_code == 1
    assert "the archived file s1.1-4.parquet" in said
    assert "s2.1-4.parquet as it was archived" in said
    assert "s3.1-4.parquet" not in said


def test_a_session_that_was_removed_without_its_archive_is_missed(cli: Cli) -> None:
    ended(cli.database, "s1")
    cli.json("audit", "archive", "--before", now(), "--out", cli.home / "a")
    tamper(cli.database, "delete from journal_segment", "delete from journal_head where session_id = 's1'")
    result = cli.run("audit", "verify", "--archive", cli.home / "a")
    assert (result.exit_code, "a segment s1.1-4.parquet, as a record of the operators says" in " ".join(result.stderr.split())) == (1, True)


def test_a_chain_that_does_not_run_through_its_anchor_is_not_archived(cli: Cli) -> None:
    anchors.keep(cli.home, "s1", ended(cli.database, "s1")._replace(seq=9))
    result = cli.run("audit", "archive", "--before", now(), "--out", cli.home / "a")
    assert (result.exit_code, cli.count("journal"), "record 9 of s1" in " ".join(result.stderr.split())) == (3, 4, True)
    assert list((cli.home / "a").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--before", "2099-01-01", "--out", "a"), "--before in the past"),
        (("--before", "soon", "--out", "a"), "--before as 2023-01-31"),
        (("--before", "2026-01-01", "--out", "a", "--session", "none"), "a session with a journal"),
        (("--before", "2026-01-01", "--out", "file"), "a folder that can be made"),
    ],
)
def test_what_is_wrong_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str) -> None:
    monkeypatch.chdir(cli.home)
    (cli.home / "file").write_text("")
    result = cli.run("audit", "archive", *arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())


KILLED = """
import os, signal, sys
import trader_core.store.audit_files as files
import trader_core.store.segments as segments

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

at, remove = sys.argv.pop(1), segments.remove
if at == "while it writes":
    files.synced = die
if at == "before it removes":
    segments.remove = die
if at == "before it commits":
    segments.remove = lambda db, segment: (remove(db, segment), die())
from console.main import app
app()
"""


@pytest.mark.parametrize("at", ["while it writes", "before it removes", "before it commits"])
def test_a_process_that_is_killed_on_the_way_loses_nothing_and_the_next_one_finishes(cli: Cli, at: str) -> None:
    anchors.keep(cli.home, "s1", ended(cli.database, "s1"))
    folder, before = cli.home / "a", now()
    words = ["audit", "archive", "--before", before, "--out", str(folder)]
    done = subprocess.run([sys.executable, "-c", KILLED, at, *words], cwd=ROOT, env={**os.environ}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (cli.count("journal"), cli.count("journal_segment")) == (4, 0)
    assert cli.json("audit", "verify", "--archive", folder)["records"] == 4
    assert (folder / "s1.1-4.parquet").exists() == (at != "while it writes")
    assert [one["removed"] for one in cli.json(*words)["segments"]] == [4]
    assert cli.json("audit", "verify", "--archive", folder)["chains"][1]["archived"] == 4


def test_a_chain_of_no_session_stays(cli: Cli) -> None:
    filled(cli.database, "nobody's")
    assert cli.json("audit", "archive", "--before", now(), "--out", cli.home / "a")["segments"] == []
    assert cli.count("journal") == 4
