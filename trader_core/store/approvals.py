"""Approvals: asked for once, decided once, by somebody with a name."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence.road import OPEN
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.stage import StageName
from trader_core.store.road_tables import APPROVAL, ROAD

NAME_MIN = 2


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One approval; `flow_run_id` is the run that waits for it."""

    approval_id: str
    road_id: str
    stage: StageName
    gate_id: str
    status: str
    flow_run_id: str
    approver: str
    reason: str
    requested_at: datetime
    decided_at: datetime | None


def ask(db: Connection, approval_id: str, road_id: str, stage: StageName, gate_id: str, flow_run_id: str) -> ApprovalRow:
    """Store that an approval is wanted, and which run waits for it; one that was decided stays as it is. Safe to repeat."""
    values = {"approval_id": approval_id, "road_id": road_id, "stage": stage, "gate_id": gate_id, "status": "requested"}
    db.execute(insert(APPROVAL).values(values).on_conflict_do_nothing(index_elements=["approval_id"]))
    waits = update(APPROVAL).where(APPROVAL.c.approval_id == approval_id, APPROVAL.c.status == "requested")
    db.execute(waits.values(flow_run_id=flow_run_id))
    return load(db, approval_id)


def decide(db: Connection, approval_id: str, *, approve: bool, approver: str, reason: str) -> ApprovalRow:
    """Store a person's decision and return it; raises BadInput for nobody's, and for a second one."""
    name = approver.strip()
    if len(name) < NAME_MIN or len(name) > 100:  # noqa: PLR2004 - a name
        raise BadInput(f"the approver's name, {NAME_MIN} to 100 characters", repr(approver)[:40], "say who decides")
    changes = {"status": "approved" if approve else "refused", "approver": name, "reason": reason.strip()[:1000], "decided_at": func.now()}
    statement = update(APPROVAL).where(APPROVAL.c.approval_id == approval_id, APPROVAL.c.status == "requested").values(**changes)
    if db.execute(statement).rowcount == 0:
        found = load(db, approval_id)
        raise BadInput(
            "an approval that is still open", f"{approval_id} was {found.status} by {found.approver}", "nothing is left to decide"
        )
    return load(db, approval_id)


def load(db: Connection, approval_id: str) -> ApprovalRow:
    """Return one approval; raises UnknownName."""
    row = db.execute(select(APPROVAL).where(APPROVAL.c.approval_id == approval_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of an approval", repr(approval_id)[:80], "`gatehouse approve` without an id lists them")
    return ApprovalRow(**(dict(row) | {"stage": StageName(row["stage"])}))


def waiting(db: Connection, road_id: str = "") -> list[ApprovalRow]:
    """Return the open approvals of one road that goes on, or of all such, oldest first: a road that has ended asks nobody."""
    query = select(APPROVAL).join(ROAD, ROAD.c.road_id == APPROVAL.c.road_id)
    query = query.where(APPROVAL.c.status == "requested", ROAD.c.status.in_(OPEN)).order_by(APPROVAL.c.requested_at)
    if road_id:
        query = query.where(APPROVAL.c.road_id == road_id)
    return [ApprovalRow(**(dict(row) | {"stage": StageName(row["stage"])})) for row in db.execute(query).mappings()]
