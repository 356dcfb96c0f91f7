"""Approving: a stage waits for a person; the decision is stored once, and only then is the permit issued."""

import time
from typing import Any

from tasks import roads, subjects, telling
from tasks.sessions import in_transaction
from tasks.staging import stage_name
from trader_core.evidence.gates import shut
from trader_core.evidence.permit import Level
from trader_core.evidence.road import STAGE_OF, STEPS, Step, StepStatus
from trader_core.evidence.verdict import Verdict
from trader_core.model.errors import BadInput, GateShut
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import approvals, gates, permits
from trader_core.store import roads as road_rows
from trader_core.store.approvals import ApprovalRow
from trader_core.store.database import Connection, Engine

PERMIT_DAYS = 30
DAY_MS = 86_400_000
REHEARSED_BY = "rehearsal, nobody was asked"


def ask(settings: Settings, engine: Engine, road_id: str, number: int, flow_run_id: str) -> dict[str, Any]:
    """Leave an approval waiting for a person, or find the one that was decided; raises GateShut without a gate that says GO.

    A rehearsal that says so approves itself; nothing else can.
    """
    stage = stage_name(number)
    row = in_transaction(engine, lambda db: _asked(db, road_id, stage, flow_run_id))
    subject = in_transaction(engine, lambda db: subjects.of_road(db, road_id))
    if row.status == "requested" and subject.sandbox and subject.road.approval_skipped:
        row = in_transaction(engine, lambda db: approvals.decide(db, row.approval_id, approve=True, approver=REHEARSED_BY, reason=""))
    if row.status == "requested":
        roads.note(settings, road_id, step_of(stage), StepStatus.WAITING, approval_id=row.approval_id)
        body = f"`gatehouse approve {row.approval_id} --as YOUR-NAME`, or --refuse; or Resume in Prefect's page."
        title = f"Approval wanted: {row.stage} for {subject.name}"
        telling.tell(settings, "approval", "warning", title, body, f"asked {row.approval_id}", road=road_id)
    return {
        "approval_id": row.approval_id, "status": row.status, "stage": str(row.stage), "road_id": road_id, "plan": subject.name,
        "rehearsal": subject.sandbox,
    }  # fmt: skip


def step_of(stage: StageName) -> Step:
    """Return the step that asks for a stage."""
    return next(step for step in STEPS if step.startswith("approve") and STAGE_OF[step] is stage)


def _asked(db: Connection, road_id: str, stage: StageName, flow_run_id: str) -> ApprovalRow:
    step = step_of(stage)
    before = STEPS[STEPS.index(step) - 1]
    gate_id = next((row.result.get("gate_id", "") for row in reversed(road_rows.steps_of(db, road_id)) if row.step is before), "")
    if not gate_id:
        raise GateShut(f"the gate of {before} behind an approval of {stage}", "none was judged", f"`gatehouse road status {road_id}`")
    why = shut(gates.load_gate(db, gate_id), int(time.time() * 1000))
    if why:
        raise GateShut(f"the gate of {before} to say GO", why, f"`gatehouse road status {road_id}`")
    return approvals.ask(db, f"a-{road_id}-{stage}", road_id, stage, gate_id, flow_run_id)


def words(asked: dict[str, Any]) -> str:
    """Return what a person reads above the form."""
    market = "the embedded exchange: nothing real is risked" if asked["rehearsal"] else "a REAL exchange, with real money"
    return (
        f"### {asked['stage']} for the plan **{asked['plan']}**\n\nIt trades on {market}. "
        f"`gatehouse road status {asked['road_id']}` shows every gate before it.\n\n"
        f"In a shell: `gatehouse approve {asked['approval_id']} --as YOUR-NAME` (or `--refuse`)."
    )


def decide(engine: Engine, approval_id: str, decision: str, approver: str, reason: str) -> dict[str, Any]:
    """Store a person's decision; one that was made already stands, and is returned. Raises BadInput for nobody's."""

    def work(db: Connection) -> ApprovalRow:
        found = approvals.load(db, approval_id)
        if found.status != "requested" and found.approver == approver.strip():
            return found  # this very decision, in a run that is repeated
        return approvals.decide(db, approval_id, approve=decision == "approve", approver=approver, reason=reason)

    row = in_transaction(engine, work)
    return {"approval_id": approval_id, "status": row.status}


def issue(settings: Settings, engine: Engine, approval_id: str) -> dict[str, Any]:
    """Issue the permit that an approval opens, once, and return it with the step's verdict; a refusal is a NO_GO."""
    found = in_transaction(engine, lambda db: _issued(db, approvals.load(db, approval_id)))
    title = f"Stage approved: {approval_id}" if found["verdict"] == Verdict.GO else f"Stage refused: {approval_id}"
    telling.tell(settings, "stage", "info", title, found["reason"], f"decided {approval_id}", by=found["approver"])
    return found


def _issued(db: Connection, row: ApprovalRow) -> dict[str, Any]:
    if row.status == "requested":
        raise BadInput("a decision", f"{row.approval_id} still waits", "`gatehouse approve` lists what waits")
    said = {"approval_id": row.approval_id, "approver": row.approver, "reason": row.reason}
    if row.status == "refused":
        return {**said, "verdict": str(Verdict.NO_GO)}
    subject, gate, now_ms = subjects.of_road(db, row.road_id), gates.load_gate(db, row.gate_id), int(time.time() * 1000)
    assert gate is not None, "an approval names its gate"
    number = permits.of_approval(db, row.approval_id)
    if number is None:
        new = permits.NewPermit(
            subject.account, subject.recipe, Level.LIMITED, row.stage, "gate", rehearsal=subject.sandbox,
            expires_ms=min(gate.expires_ms, now_ms + PERMIT_DAYS * DAY_MS), actor=row.approver,
            reason=row.reason or f"{row.stage} was approved", road_id=row.road_id, gate_id=row.gate_id, approval_id=row.approval_id,
        )  # fmt: skip
        number = permits.issue(db, new)
    return {**said, "permit_id": number, "verdict": str(Verdict.GO)}
