"""`gatehouse letters`: shown with their raw form; a word about one reaches its session."""

import json

import pytest

from tests.console.conftest import Cli
from tests.store import rows
from trader_core.model.session import SessionStatus
from trader_core.store import commands, journal, lease
from trader_core.store.database import begin
from trader_core.store.sessions import create_session

LETTER = {"number": 1, "source": "FILL", "why": "a fill of gh1, which was REJECTED", "raw": {"trade_id": "t1"}, "at_ms": 1_700_000_000_000}


@pytest.fixture
def lettered(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    with begin(cli.database.engine("trader")) as db:
        create_session(db, rows.new_session(), SessionStatus.RUNNING)
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        records = [journal.Record("LETTER", json.dumps(LETTER).encode())]
        journal.append(db, "s1", "paper", 0, journal.genesis("s1"), epoch, records)
    return cli


def test_letters_are_listed_and_shown_raw(lettered: Cli) -> None:
    assert lettered.json("letters", "list")["letters"] == [{"session_id": "s1", "account": "paper", **LETTER}]
    assert "a fill of gh1" in lettered.run("letters", "list").output
    assert lettered.json("letters", "show", "s1", 1)["raw"] == {"trade_id": "t1"}


@pytest.mark.parametrize("word", ["replay", "dismiss"])
def test_a_word_about_a_letter_is_recorded_for_its_session(lettered: Cli, word: str) -> None:
    assert "no trader has taken it yet" in lettered.json("letters", word, "s1", 1, "--reason", "looked")["outcome"]
    with begin(lettered.database.engine("trader")) as db:
        (row,) = commands.pending(db, "paper")
    assert (row.session_id, str(row.command), row.args, row.reason) == ("s1", word, {"letter": 1}, "looked")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("show", "s1", 2), "an open letter of s1"), (("replay", "s1", 1), "a reason"), (("dismiss", "s9", 1, "--reason", "x"), "s9")],
)
def test_what_is_wrong_changes_nothing(lettered: Cli, arguments: tuple[object, ...], said: str) -> None:
    result = lettered.run("letters", *arguments)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (2, True)
    assert lettered.count("operator_command") == 0


def test_without_letters_it_says_so(cli: Cli) -> None:
    assert "No letter is open" in cli.run("letters", "list").output
