"""Permits as stored: append-only, the newest rules; the database refuses one for money that no gate has earned."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from trader_core.evidence.permit import Level, Permit, standing
from trader_core.model.stage import StageName
from trader_core.store.database import translated
from trader_core.store.road_tables import GATE_RESULT, PERMIT

LOOK_BACK = 20
"""A bypass gives way to what stood before it; nobody stacks more of them than this."""


@dataclass(frozen=True, slots=True)
class NewPermit:
    """One word on a recipe of an account; `source` is gate, bypass or revocation."""

    account: str
    recipe: str
    level: Level
    stage: StageName
    source: str
    rehearsal: bool
    expires_ms: int
    actor: str
    reason: str
    road_id: str = ""
    gate_id: str | None = None
    approval_id: str | None = None


def issue(db: Connection, new: NewPermit) -> int:
    """Append a permit and return its number; raises NotPermitted when the database finds no gate and approval behind it."""
    values = {name: getattr(new, name) for name in NewPermit.__slots__} | {"level": new.level.name}
    with translated():
        return int(db.execute(insert(PERMIT).values(values).returning(PERMIT.c.permit_id)).scalar_one())


def load_permits(db: Connection, account: str, recipe: str) -> list[Permit]:
    """Return the newest permits of a recipe on an account, newest first."""
    query = select(PERMIT).where(PERMIT.c.account == account, PERMIT.c.recipe == recipe)
    with translated():
        rows = db.execute(query.order_by(PERMIT.c.permit_id.desc()).limit(LOOK_BACK)).mappings().all()
    return [
        Permit(Level[row["level"]], StageName(row["stage"]), row["rehearsal"], row["expires_ms"], row["source"], row["reason"],
               row["permit_id"])
        for row in rows
    ]  # fmt: skip


def permit_of(db: Connection, account: str, recipe: str, now_ms: int) -> Permit:
    """Return the permit that rules now (trader_core.evidence.permit.standing)."""
    return standing(load_permits(db, account, recipe), now_ms)


def demote(db: Connection, account: str, recipe: str, to: StageName, actor: str, reason: str, now_ms: int, road_id: str = "") -> Permit:
    """Leave the permit of a lower stage standing, if one was earned and still holds, else paper only; return what stands."""
    table = PERMIT.c
    earned = select(PERMIT, GATE_RESULT.c.expires_ms.label("gate_ms")).join(GATE_RESULT, GATE_RESULT.c.gate_id == table.gate_id)
    earned = earned.where(table.account == account, table.recipe == recipe, table.source == "gate", table.stage == to)
    row = db.execute(earned.order_by(table.permit_id.desc()).limit(1)).mappings().first()
    if row is not None and min(row["expires_ms"], row["gate_ms"]) > now_ms:
        parts = {"gate_id": row["gate_id"], "approval_id": row["approval_id"], "rehearsal": row["rehearsal"]}
        new = NewPermit(account, recipe, Level[row["level"]], to, "gate", expires_ms=row["expires_ms"], actor=actor, reason=reason,
                        road_id=road_id, **parts)  # fmt: skip
    else:
        new = NewPermit(
            account, recipe, Level.PAPER_ONLY, StageName.PAPER, "revocation", rehearsal=False, expires_ms=2**62, actor=actor,
            reason=reason, road_id=road_id,
        )  # fmt: skip
    issue(db, new)
    return permit_of(db, account, recipe, now_ms)
