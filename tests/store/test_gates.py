"""Gates as stored: nobody can turn a NO_GO into a GO unseen."""

import pytest
from sqlalchemy import text

from tests.conftest import Database
from trader_core.evidence.gates import Gate
from trader_core.evidence.verdict import Finding, Verdict
from trader_core.model.errors import ChainBroken
from trader_core.store import gates
from trader_core.store.database import begin

SHUT = Gate("g-1", "r-1", "validate", "validation", "recipe", Verdict.NO_GO, (Finding("hours", "1", "72", holds=False, todo="wait"),),
            {"code": "abc", "share": 0.1, "slots": 3}, 10, 1_000)  # fmt: skip


def test_a_gate_is_stored_once_and_read_as_it_was_judged(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        assert gates.save_gate(db, SHUT)
        assert not gates.save_gate(db, SHUT), "the first word stands"
        assert gates.load_gate(db, "g-1") == SHUT
        assert gates.last_gate(db, "recipe", "validation") == SHUT
        assert gates.load_gate(db, "g-2") is None


def test_a_verdict_that_somebody_changed_behind_the_database_s_back_is_noticed(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gates.save_gate(db, SHUT)
    with begin(database.engine("migrate")) as db:
        db.execute(text("set local role gatehouse_owner"))
        db.execute(text("alter table gate_result disable trigger user"))
        db.execute(text("update gate_result set verdict = 'GO'"))
        db.execute(text("alter table gate_result enable trigger user"))
    with begin(database.engine("flow")) as db, pytest.raises(ChainBroken, match="a row that was changed"):
        gates.last_gate(db, "recipe", "validation")
