"""The operator's words at the command line: reasons, and a resume that clears everything or nothing."""

import pytest

from tests.console.conftest import Cli
from tests.console.test_bad_input import says
from tests.store import rows
from trader_core.model.session import SessionStatus
from trader_core.store import commands as store_commands
from trader_core.store.database import begin
from trader_core.store.orders import upsert_order_states
from trader_core.store.sessions import create_session
from trader_core.store.signals import insert_intents, insert_signals


@pytest.mark.parametrize("word", ["pause", "resume", "reduce", "cancel-all", "close-all"])
def test_a_word_without_a_reason_is_refused_and_changes_nothing(cli: Cli, word: str) -> None:
    (cli.home / "KILL").write_text("storm")
    says(cli.run(word), 2, "a reason", "--reason TEXT")
    assert ((cli.home / "KILL").exists(), (cli.home / "PAUSE").exists(), cli.count("operator_command")) == (True, False, 0)


def test_nobody_is_kept_from_a_kill_by_a_question(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    cli.json("kill")
    assert "gave no reason" in (cli.home / "KILL").read_text()


def test_a_resume_is_refused_whole_while_an_order_is_unresolved(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    cli.json("kill", "--reason", "storm")
    with begin(cli.database.engine("trader")) as db:
        create_session(db, rows.new_session(), SessionStatus.RUNNING)
        insert_signals(db, "s1", [rows.signal(1)])
        insert_intents(db, "s1", [rows.intent(1)])
        upsert_order_states(db, [rows.order(1, state="UNKNOWN")])
    says(cli.run("resume", "--reason", "over"), 2, "no order whose fate is unknown", "1 of paper", "nothing was changed")
    found = cli.json("status")
    assert (found["kill_switch"].startswith("on: storm"), (cli.home / "KILL").read_text()) == (True, "storm")
    with begin(cli.database.engine("trader")) as db:
        upsert_order_states(db, [rows.order(1, state="FILLED", filled=5)])
    cli.json("resume", "--reason", "over")
    assert not (cli.home / "KILL").exists()


def test_where_a_session_refuses_a_resume_everything_stands_as_before(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.ANSWER_S", 0)
    cli.json("kill", "--reason", "storm")
    cli.json("pause", "--reason", "lunch")
    monkeypatch.setattr("tasks.operators.outcome", lambda *_: "s1: refused: the books differ: BTC: 1 more")
    answer = cli.json("resume", "--reason", "over")
    assert answer["paper"] == "s1: refused: the books differ: BTC: 1 more; the kill or pause stands as before"
    assert ((cli.home / "KILL").read_text(), (cli.home / "PAUSE").read_text()) == ("storm", "lunch")
    with begin(cli.database.engine("api")) as db:
        found = store_commands.read_switches(db)
    assert [(found[name].is_on, found[name].reason) for name in ("kill", "pause")] == [(True, "storm"), (True, "lunch")]
