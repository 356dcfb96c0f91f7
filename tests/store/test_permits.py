"""Permits are earned in the database: whatever a flow or a command says, without gate and approval no money moves."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Database
from trader_core.evidence.gates import Gate
from trader_core.evidence.permit import Level, withheld
from trader_core.evidence.verdict import Finding, Verdict
from trader_core.model.errors import BadInput, NotPermitted
from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName
from trader_core.store import approvals, permits, roads
from trader_core.store.database import Connection, begin
from trader_core.store.gates import save_gate
from trader_core.store.permits import NewPermit

HOUR_MS = 3_600_000
NOW_MS = int(time.time() * 1000)
EARNED = NewPermit(
    "mexc", "recipe", Level.LIMITED, StageName.EUR_1, "gate", rehearsal=False, expires_ms=NOW_MS + 24 * HOUR_MS, actor="ana",
    reason="EUR_1 was approved", road_id="r-1", gate_id="g-1", approval_id="a-1",
)  # fmt: skip


def gated(db: Connection, verdict: Verdict = Verdict.GO, expires_ms: int = NOW_MS + 48 * HOUR_MS, *, approve: bool | None = True) -> None:
    """Leave a road with one gate and an approval that rests on it behind; `approve=None` leaves the approval open."""
    roads.create_road(db, roads.NewRoad("r-1", "mexc", "mexc", "recipe", {"name": "alpha"}, rehearsal=False))
    finding = Finding("given", "yes", "yes", holds=verdict is Verdict.GO)
    save_gate(db, Gate("g-1", "r-1", "validate", "validation", "recipe", verdict, (finding,), {}, NOW_MS, expires_ms))
    approvals.ask(db, "a-1", "r-1", StageName.EUR_1, "g-1", "run")
    if approve is not None:
        approvals.decide(db, "a-1", approve=approve, approver="ana", reason="a test")


def test_a_permit_with_a_gate_that_says_go_and_an_approval_opens_its_stage_and_no_higher_one(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        permits.issue(db, EARNED)
        found = permits.permit_of(db, "mexc", "recipe", NOW_MS)
        assert withheld(found, SessionMode.STAGE, StageName.EUR_1, sandbox=False) == ""
        assert "ends at EUR_1" in withheld(found, SessionMode.STAGE, StageName.EUR_10, sandbox=False)
        assert permits.permit_of(db, "mexc", "another recipe", NOW_MS).level is Level.PAPER_ONLY


@pytest.mark.parametrize(
    ("verdict", "expires_ms", "approve", "changes"),
    [
        (Verdict.NO_GO, NOW_MS + HOUR_MS, None, {}),
        (Verdict.NOT_ENOUGH_EVIDENCE, NOW_MS + HOUR_MS, None, {}),
        (Verdict.GO, NOW_MS - 1, True, {}),
        (Verdict.GO, NOW_MS + HOUR_MS, None, {}),
        (Verdict.GO, NOW_MS + HOUR_MS, False, {}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"gate_id": None}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"approval_id": None}),
        (Verdict.GO, NOW_MS + HOUR_MS, None, {"approval_id": None, "rehearsal": True}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"stage": StageName.EUR_10}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"road_id": "r-2"}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"source": "revocation"}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"source": "bypass", "reason": "too short"}),
        (Verdict.GO, NOW_MS + HOUR_MS, True, {"source": "bypass", "expires_ms": NOW_MS + 2 * HOUR_MS}),
    ],
    ids=[
        "no go",
        "too little",
        "stale gate",
        "not approved yet",
        "refused",
        "no gate",
        "no approval",
        "a rehearsal by its own word",
        "another stage",
        "another road",
        "source",
        "short reason",
        "long bypass",
    ],
)
@pytest.mark.parametrize("level", [Level.LIMITED, Level.FULL])
def test_the_database_refuses_a_permit_that_was_not_earned(
    database: Database, level: Level, verdict: Verdict, expires_ms: int, changes: dict[str, object], *, approve: bool | None
) -> None:
    with begin(database.engine("flow")) as db:
        gated(db, verdict, expires_ms, approve=approve)
    with pytest.raises(NotPermitted), begin(database.engine("flow")) as db:
        permits.issue(db, replace(EARNED, level=level, **changes))  # type: ignore[arg-type]
    with begin(database.engine("verify")) as db:
        assert permits.load_permits(db, "mexc", "recipe") == []


def test_a_rehearsal_s_permit_opens_nothing_on_a_real_exchange(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        permits.issue(db, replace(EARNED, rehearsal=True))
        found = permits.permit_of(db, "mexc", "recipe", NOW_MS)
    assert "a rehearsal's" in withheld(found, SessionMode.STAGE, StageName.EUR_1, sandbox=False)
    assert withheld(found, SessionMode.STAGE, StageName.EUR_1, sandbox=True) == ""


def test_a_permit_ends_at_its_time_and_nothing_in_it_can_be_changed(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        permits.issue(db, EARNED)
        assert permits.permit_of(db, "mexc", "recipe", EARNED.expires_ms - 1).level is Level.LIMITED
        assert permits.permit_of(db, "mexc", "recipe", EARNED.expires_ms).level is Level.PAPER_ONLY
    for statement in ("update permit set stage = 'EUR_100'", "delete from permit", "truncate permit"):
        with pytest.raises(DBAPIError), begin(database.engine("flow")) as db:
            db.execute(text(statement))


def test_a_demotion_takes_a_permit_and_leaves_an_earned_lower_stage_standing(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        permits.issue(db, EARNED)
        approvals.ask(db, "a-10", "r-1", StageName.EUR_10, "g-1", "run")
        approvals.decide(db, "a-10", approve=True, approver="ana", reason="a test")
        permits.issue(db, replace(EARNED, stage=StageName.EUR_10, approval_id="a-10"))
        assert permits.demote(db, "mexc", "recipe", StageName.EUR_1, "rollback", "a test", NOW_MS).stage is StageName.EUR_1
        assert permits.demote(db, "mexc", "recipe", StageName.PAPER, "rollback", "a test", NOW_MS).level is Level.PAPER_ONLY


def test_a_loan_ends_with_what_it_rests_on_and_none_is_lent_without_a_permit(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        assert permits.lend(db, "mexc", "recipe", "probe", NOW_MS + HOUR_MS, "the probe") is None
        permits.issue(db, EARNED)
        permits.lend(db, "mexc", "recipe", "probe", NOW_MS + HOUR_MS, "the probe")
        permits.lend(db, "mexc", "recipe", "longer", NOW_MS + 99 * HOUR_MS, "the probe")
        assert permits.permit_of(db, "mexc", "probe", NOW_MS + HOUR_MS).level is Level.PAPER_ONLY
        assert permits.permit_of(db, "mexc", "longer", EARNED.expires_ms).level is Level.PAPER_ONLY


def test_a_loan_that_is_given_back_opens_nothing_and_the_lender_keeps_its_own(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        gated(db)
        permits.issue(db, EARNED)
        permits.lend(db, "mexc", "recipe", "probe", NOW_MS + HOUR_MS, "the probe")
        assert permits.permit_of(db, "mexc", "probe", NOW_MS).level is Level.LIMITED
        for _ in range(2):
            permits.give_back(db, "mexc", "probe", NOW_MS, "the probe is over")
        assert permits.permit_of(db, "mexc", "probe", NOW_MS).level is Level.PAPER_ONLY
        assert permits.permit_of(db, "mexc", "recipe", NOW_MS).level is Level.LIMITED
        assert len(permits.load_permits(db, "mexc", "probe")) == 2, "given back once"


@pytest.mark.parametrize("approver", ["", "  ", "x"])
def test_nobody_approves_nothing_and_nobody_approves_twice(database: Database, approver: str) -> None:
    with begin(database.engine("flow")) as db:
        gated(db, approve=None)
        with pytest.raises(BadInput):
            approvals.decide(db, "a-1", approve=True, approver=approver, reason="")
        approvals.decide(db, "a-1", approve=False, approver="ana", reason="")
        with pytest.raises(BadInput):
            approvals.decide(db, "a-1", approve=True, approver="bob", reason="")
        assert approvals.load(db, "a-1").status == "refused"
