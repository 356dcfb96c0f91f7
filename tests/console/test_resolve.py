"""`gatehouse resolve`: one thing that was seen, about one order or about trades, reaches its session; anything else changes nothing."""

import pytest

from tests.console.conftest import Cli
from tests.store import rows
from trader_core.model.session import SessionStatus
from trader_core.store import commands
from trader_core.store.database import begin
from trader_core.store.sessions import create_session


@pytest.fixture
def running(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    with begin(cli.database.engine("trader")) as db:
        create_session(db, rows.new_session(), SessionStatus.RUNNING)
    return cli


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        (("gh1", "--found", "v7"), {"about": "gh1", "found": "v7"}),
        (("gh1", "--absent"), {"about": "gh1", "found": ""}),
        (("--trades",), {"about": "trades", "found": ""}),
    ],
)
def test_what_was_seen_is_recorded_for_its_session(running: Cli, arguments: tuple[str, ...], args: dict[str, str]) -> None:
    answer = running.json("resolve", "s1", *arguments, "--reason", "on its page")
    assert (answer["about"], "no trader has taken it yet" in answer["outcome"]) == (args["about"], True)
    with begin(running.database.engine("trader")) as db:
        (row,) = commands.pending(db, "paper")
    assert (row.session_id, str(row.command), row.args, row.reason) == ("s1", "resolve", args, "on its page")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("s1", "gh1", "--reason", "x"), "one of --found ID, --absent and --trades"),
        (("s1", "gh1", "--found", "v1", "--absent", "--reason", "x"), "--found and --absent"),
        (("s1", "--absent", "--reason", "x"), "an order with --found and --absent"),
        (("s1", "gh1", "--trades", "--reason", "x"), "none with --trades"),
        (("s1", "gh 1", "--absent", "--reason", "x"), "at most 64 visible characters"),
        (("s1", "gh1", "--found", "v" * 65, "--reason", "x"), "at most 64 visible characters"),
        (("s1", "gh1", "--absent"), "a reason"),
        (("s9", "gh1", "--absent", "--reason", "x"), "s9"),
    ],
)
def test_what_is_wrong_changes_nothing(running: Cli, arguments: tuple[str, ...], said: str) -> None:
    result = running.run("resolve", *arguments)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (2, True), result.stderr
    assert running.count("operator_command") == 0
