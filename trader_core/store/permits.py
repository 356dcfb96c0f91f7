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
                        road_id=row["road_id"], **parts)  # fmt: skip
    else:
        new = NewPermit(
            account, recipe, Level.PAPER_ONLY, StageName.PAPER, "revocation", rehearsal=False, expires_ms=2**62, actor=actor,
            reason=reason, road_id=road_id,
        )  # fmt: skip
    issue(db, new)
    return permit_of(db, account, recipe, now_ms)


def of_approval(db: Connection, approval_id: str) -> int | None:
    """Return the number of the permit that an approval opened, or None."""
    query = select(PERMIT.c.permit_id).where(PERMIT.c.approval_id == approval_id).order_by(PERMIT.c.permit_id).limit(1)
    found = db.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


@dataclass(frozen=True, slots=True)
class Ending:
    """A permit for money whose end is near."""

    permit_id: int
    account: str
    recipe: str
    level: str
    stage: str
    road_id: str
    expires_ms: int


def ending(db: Connection, from_ms: int, to_ms: int) -> list[Ending]:
    """Return the permits for money that rule their recipes and end within [from, to), soonest first; a bypass is none of them."""
    newest = select(PERMIT).distinct(PERMIT.c.account, PERMIT.c.recipe).where(PERMIT.c.source != "bypass")
    query = newest.order_by(PERMIT.c.account, PERMIT.c.recipe, PERMIT.c.permit_id.desc()).subquery()
    near = select(query).where(query.c.level.in_(["LIMITED", "FULL"]), query.c.expires_ms >= from_ms, query.c.expires_ms < to_ms)
    rows = db.execute(near.order_by(query.c.expires_ms)).mappings()
    return [Ending(**{name: row[name] for name in Ending.__slots__}) for row in rows]


def renew(db: Connection, account: str, recipe: str, gate_id: str, expires_ms: int, actor: str) -> int | None:
    """Append the permit for money that was earned last once more, resting on a newer gate, and return its number; None without one."""
    table = PERMIT.c
    earned = select(PERMIT).where(
        table.account == account, table.recipe == recipe, table.source == "gate", table.level.in_(["LIMITED", "FULL"])
    )
    row = db.execute(earned.order_by(table.permit_id.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    new = NewPermit(
        account, recipe, Level[row["level"]], StageName(row["stage"]), "gate", row["rehearsal"], expires_ms, actor,
        f"renews permit {row['permit_id']}", row["road_id"], gate_id, row["approval_id"],
    )  # fmt: skip
    return issue(db, new)


def lend(db: Connection, account: str, recipe: str, to_recipe: str, expires_ms: int, reason: str) -> int | None:
    """Append the newest permit of a recipe for another one, until `expires_ms` at most, and return its number; None without one.

    A stage's probe trades by another recipe than the stage: it rests on the same gate and the same approval.
    """
    query = select(PERMIT).where(PERMIT.c.account == account, PERMIT.c.recipe == recipe).order_by(PERMIT.c.permit_id.desc()).limit(1)
    row = db.execute(query).mappings().first()
    if row is None:
        return None
    new = NewPermit(
        account, to_recipe, Level[row["level"]], StageName(row["stage"]), row["source"], row["rehearsal"],
        min(row["expires_ms"], expires_ms), row["actor"], reason, row["road_id"], row["gate_id"], row["approval_id"],
    )  # fmt: skip
    return issue(db, new)


def give_back(db: Connection, account: str, recipe: str, now_ms: int, reason: str) -> None:
    """End what was lent to a recipe: from now on it is for paper only. Safe to repeat."""
    if permit_of(db, account, recipe, now_ms).level > Level.PAPER_ONLY:
        issue(db, NewPermit(account, recipe, Level.PAPER_ONLY, StageName.PAPER, "revocation", rehearsal=False, expires_ms=2**62,
                            actor="stage", reason=reason))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ruling:
    """The permit that rules one recipe of one account now."""

    account: str
    recipe: str
    permit: Permit


def ruling(db: Connection, now_ms: int) -> list[Ruling]:
    """Return what rules each recipe for which a permit was ever issued, by account and recipe."""
    pairs = db.execute(select(PERMIT.c.account, PERMIT.c.recipe).distinct().order_by(PERMIT.c.account, PERMIT.c.recipe)).all()
    return [Ruling(account, recipe, permit_of(db, account, recipe, now_ms)) for account, recipe in pairs]
