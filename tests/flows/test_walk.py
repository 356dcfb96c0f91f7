"""The road without Prefect: signal, order, execution, position, gate, permit, report; every row by its session."""

import threading
import time

import pytest
from sqlalchemy import text

from tasks import approving, judging, reporting, rollback, staging, validating
from tests.flows.conftest import Walk
from trader_core.evidence.permit import Level
from trader_core.evidence.road import Step, StepStatus
from trader_core.evidence.validation import Thresholds
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.errors import BadInput, GateShut
from trader_core.model.stage import StageName
from trader_core.store import approvals, permits, roads, sessions, stage_runs, validations
from trader_core.store.database import begin
from trader_core.store.gates import load_gate

SHORT = ["hours", "instruments", "upper 95 % bound of the reject rate (ppm)", "order tests that the venue answered"]
GO = Judgement("validation", Verdict.GO, (Finding("given", "yes", "yes", holds=True),))


def count(walk: Walk, query: str, **values: object) -> int:
    with walk.database.engine("verify").connect() as db:
        return int(db.execute(text(query), values).scalar_one())


def supervise(walk: Walk, over: threading.Event) -> None:
    """Do what the local stack's supervisor does: a trader that ended is started again."""
    while not over.wait(0.2):
        walk.keep_up()


def permitted(walk: Walk, road_id: str, stage: StageName) -> None:
    """Leave an approved permit for a stage behind, resting on a gate that said GO."""
    subject = walk.subject()
    with begin(walk.engine) as db:
        judging.keep(db, f"g-{road_id}-{stage}", road_id, "validate", subject, GO, {})
        row = approvals.ask(db, f"a-{road_id}-{stage}", road_id, stage, f"g-{road_id}-{stage}", "run")
        approvals.decide(db, row.approval_id, approve=True, approver="ana", reason="a test")
    approving.issue(walk.settings, walk.engine, f"a-{road_id}-{stage}")


def test_paper_and_dry_run_see_the_same_bars_decide_alike_and_survive_both_drills(walk: Walk) -> None:
    subject, over = walk.road(walk.subject(hours=3)), threading.Event()
    row = validating.begin(walk.engine, subject, "v-1", 3)
    assert row.status == "registered"
    watcher = threading.Thread(target=supervise, args=(walk, over))
    watcher.start()
    try:
        paper, dry = _opened(walk)
        for hour in (1, 2, 3):
            validating.to_hour(walk.settings, walk.engine, "v-1", hour)
            judging.save_hour(walk.engine, "v-1", hour)
            name = validating.drill_at(3, hour)
            if name:
                first = validating.drill(walk.settings, walk.engine, "v-1", hour, name)
                assert validating.drill(walk.settings, walk.engine, "v-1", hour, name) == first, "a drill is done once"
        validating.ended(walk.settings, walk.engine, "v-1")
    finally:
        over.set()
        watcher.join()
    judged = judging.validation_gate(walk.engine, "v-1")
    assert judged["verdict"] == Verdict.NOT_ENOUGH_EVIDENCE, judged
    found = {one.name: one for one in _gate(walk, judged["gate_id"])}
    assert found["decisions that differ between paper and dry-run"].measured == "0 of 180"
    assert found["bars that differ between paper and dry-run"].holds
    assert found["orders after the kill"].measured == "0"
    assert found["restart drill"].holds
    assert found["kill drill"].holds
    assert [one.name for one in found.values() if one.holds is False] == SHORT, "too short for these alone"
    for session_id in (paper, dry):
        assert count(walk, "select count(*) from signal where session_id = :id", id=session_id) > 0
        assert count(walk, "select count(*) from fill where session_id = :id", id=session_id) > 0
    assert count(walk, "select count(*) from session_statistic where session_id = :id and name = 'order_tests'", id=dry) == 1
    assert count(walk, "select count(distinct hour) from validation_metric where validation_id = 'v-1'") == 3


def _opened(walk: Walk) -> tuple[str, str]:
    deadline = time.monotonic() + 30
    while True:
        try:
            return validating.open_sessions(walk.settings, walk.engine, "v-1")
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _gate(walk: Walk, gate_id: str) -> tuple[Finding, ...]:
    with begin(walk.engine) as db:
        gate = load_gate(db, gate_id)
    assert gate is not None
    return gate.findings


def test_a_validation_keeps_the_thresholds_that_it_was_registered_with(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    first = validating.begin(walk.engine, subject, "v-a", 3)
    assert validating.begin(walk.engine, subject, "v-a", 3) == first
    assert validating.begin(walk.engine, subject, "v-b", 3).attempt == 2
    with begin(walk.engine) as db, pytest.raises(BadInput, match="registered with"):
        validations.register(db, "v-a", subject.road_id, subject.recipe, 3, Thresholds(hours_min=1), subject.freeze())
    with begin(walk.engine) as db, pytest.raises(BadInput, match="registered with"):
        validations.register(db, "v-a", subject.road_id, subject.recipe, 4, Thresholds(), subject.freeze())


def stage(walk: Walk, stage_run_id: str, road_id: str = "") -> str:
    """Begin an EUR_1 stage with its permit, and return its session's id once it trades."""
    subject = walk.road(walk.subject(stage_hours=1))
    permitted(walk, subject.road_id, StageName.EUR_1)
    staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_1, stage_run_id, "run-1")
    session_id = staging.open_session(walk.settings, walk.engine, stage_run_id, probe=False)
    staging.stage_hour(walk.settings, walk.engine, stage_run_id, 1)
    return session_id


def test_a_stage_trades_with_real_orders_ends_flat_and_its_gate_says_so(walk: Walk) -> None:
    session_id = stage(walk, "s-1")
    left = staging.end_stage(walk.engine, "s-1")
    assert left == ""
    judged = judging.stage_gate(walk.settings, walk.engine, "s-1", left, "")
    assert judged["verdict"] == Verdict.GO, judged
    assert count(walk, "select count(*) from orders where session_id = :id and state = 'FILLED'", id=session_id) > 0
    assert count(walk, "select count(*) from open_position where session_id = :id", id=session_id) == 0
    assert count(walk, "select count(*) from signal_outcome where session_id = :id and outcome in ('missing', 'both')", id=session_id) == 0


def test_a_rollback_ends_flat_demotes_and_is_done_once(walk: Walk) -> None:
    session_id = stage(walk, "s-1")
    done = rollback.roll_back(walk.settings, "s-1", "a test broke it")
    assert done["flat"]
    assert done["permit"] == "PAPER_ONLY"
    assert rollback.roll_back(walk.settings, "s-1", "again") == {}
    with begin(walk.engine) as db:
        row = stage_runs.load(db, "s-1")
        subject = rollback.subject_of(row)
        assert (row.status, row.cause) == ("rolled_back", "a test broke it")
        assert sessions.load_session(db, session_id).status == "finished"
        assert permits.permit_of(db, row.account, subject.recipe, int(time.time() * 1000)).level is Level.PAPER_ONLY
    assert count(walk, "select count(*) from outbox where kind = 'stage' and title like '%was rolled back'") == 1
    assert count(walk, "select count(*) from open_position where session_id = :id", id=session_id) == 0


def test_a_probe_s_permit_ends_with_the_probe(walk: Walk) -> None:
    subject = walk.road(walk.subject(stage_hours=1))
    permitted(walk, subject.road_id, StageName.EUR_1)
    staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_1, "s-1", "run-1")
    session_id = staging.open_session(walk.settings, walk.engine, "s-1", probe=True)
    with begin(walk.engine) as db:
        probe, now_ms = sessions.load_session(db, session_id).plan.recipe("sandbox"), int(time.time() * 1000)
        assert permits.permit_of(db, "sandbox", probe, now_ms).level is Level.LIMITED
    rollback.roll_back(walk.settings, "s-1", "a test broke it")
    with begin(walk.engine) as db:
        assert permits.permit_of(db, "sandbox", probe, now_ms).level is Level.PAPER_ONLY


def test_a_rollback_of_eur_10_leaves_the_permit_of_eur_1(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    permitted(walk, subject.road_id, StageName.EUR_1)
    permitted(walk, subject.road_id, StageName.EUR_10)
    staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_10, "s-10", "run")
    assert rollback.roll_back(walk.settings, "s-10", "before it traded")["permit"] == "LIMITED up to EUR_1"


def test_a_second_stage_on_the_account_is_refused(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_1, "s-1", "run")
    with pytest.raises(BadInput, match="no other stage"):
        staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_10, "s-2", "run")


def test_a_preflight_without_a_permit_or_behind_a_kill_says_no_and_names_both(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    staging.begin_stage(walk.settings, walk.engine, subject, StageName.EUR_1, "s-1", "run")
    (walk.home / "KILL").touch()
    found = staging.preflight(walk.settings, walk.engine, "s-1")
    assert found.verdict is Verdict.NO_GO
    failing = {one.name: one.measured for one in found.findings if not one.holds}
    assert "paper only" in failing["permit"]
    assert "the file" in failing["kill"]


def test_an_approval_needs_a_gate_that_says_go(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    with pytest.raises(GateShut, match="none was judged"):
        approving.ask(walk.settings, walk.engine, subject.road_id, 1, "run")


def test_the_report_of_a_road_that_stopped_says_where_and_what_to_do(walk: Walk) -> None:
    subject = walk.road(walk.subject())
    with begin(walk.engine) as db:
        roads.request_step(db, subject.road_id, Step.COLLECT, 1)
        row = roads.begin_step(db, subject.road_id, Step.COLLECT, "run")
        roads.change_step(db, row, status=StepStatus.FAILED, error="VenueUnavailable: it does not answer")
    done = reporting.write(walk.settings, walk.engine, subject.road_id)
    assert done["operations"] == Verdict.NO_GO
    page = (walk.home / done["report"]).read_text()
    assert "it does not answer" in page
    assert "REHEARSAL" in page
