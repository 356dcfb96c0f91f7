"""Validations: thresholds registered before the start, sessions, drills, and figures by hour."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence.validation import Thresholds
from trader_core.model.errors import BadInput, UnknownName
from trader_core.store.road_tables import VALIDATION_METRIC, VALIDATION_RUN


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """One validation; `drills` holds what each drill showed, and `subject` what was validated."""

    validation_id: str
    road_id: str
    recipe: str
    attempt: int
    hours: int
    thresholds: Thresholds
    thresholds_digest: str
    subject: dict[str, Any]
    status: str
    paper_session_id: str | None
    dry_session_id: str | None
    drills: dict[str, Any]
    verdict: str
    registered_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def register(
    db: Connection, validation_id: str, road_id: str, recipe: str, hours: int, thresholds: Thresholds, subject: Mapping[str, Any]
) -> ValidationRow:
    """Store a validation before its start, or find it again; the attempt counts every one of its recipe.

    Raises BadInput when it was registered with other thresholds, for another length or another subject: what is measured may not
    choose what is allowed.
    """
    db.execute(text("select pg_advisory_xact_lock(7743, hashtext(:recipe))"), {"recipe": recipe})
    table = VALIDATION_RUN.c
    attempt = 1 + int(db.execute(select(func.coalesce(func.max(table.attempt), 0)).where(table.recipe == recipe)).scalar_one())
    values = {
        "validation_id": validation_id, "road_id": road_id, "recipe": recipe, "attempt": attempt, "hours": hours,
        "thresholds": asdict(thresholds), "thresholds_digest": thresholds.digest(), "subject": dict(subject), "status": "registered",
    }  # fmt: skip
    db.execute(insert(VALIDATION_RUN).values(values).on_conflict_do_nothing(index_elements=["validation_id"]))
    found = load(db, validation_id)
    if found.thresholds_digest != thresholds.digest():
        raise BadInput(f"the thresholds that {validation_id} was registered with", "others", "start a new validation for new thresholds")
    if (found.recipe, found.hours, found.subject) != (recipe, hours, json.loads(json.dumps(dict(subject)))):
        raise BadInput(f"the plan and the length that {validation_id} was registered with", "others", "start a new validation for them")
    return found


def load(db: Connection, validation_id: str) -> ValidationRow:
    """Return one validation; raises UnknownName."""
    row = db.execute(select(VALIDATION_RUN).where(VALIDATION_RUN.c.validation_id == validation_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a validation", repr(validation_id)[:80], "`gatehouse road status` names them")
    return ValidationRow(**(dict(row) | {"thresholds": Thresholds(**row["thresholds"])}))


def set_sessions(db: Connection, validation_id: str, paper_id: str, dry_id: str | None) -> None:
    """Store which sessions belong to it; it runs from now on."""
    values = {"paper_session_id": paper_id, "dry_session_id": dry_id, "status": "running"}
    started = {"started_at": func.coalesce(VALIDATION_RUN.c.started_at, func.now())}
    db.execute(update(VALIDATION_RUN).where(VALIDATION_RUN.c.validation_id == validation_id).values(**values, **started))


def add_drill(db: Connection, validation_id: str, name: str, found: Mapping[str, Any]) -> None:
    """Store what a drill showed; the first word on it stays."""
    row = db.execute(select(VALIDATION_RUN.c.drills).where(VALIDATION_RUN.c.validation_id == validation_id).with_for_update()).one()
    drills = {name: dict(found)} | dict(row.drills)
    db.execute(update(VALIDATION_RUN).where(VALIDATION_RUN.c.validation_id == validation_id).values(drills=drills))


def save_metrics(db: Connection, validation_id: str, hour: int, values: Mapping[tuple[str, str], int | float]) -> None:
    """Store an hour's figures by (symbol, name), the symbol empty for all together; a later value replaces an earlier one."""
    if not values:
        return
    rows = [
        {"validation_id": validation_id, "hour": hour, "symbol": symbol, "name": name,
         "value": Decimal(repr(value) if isinstance(value, float) else value)}
        for (symbol, name), value in values.items()
    ]  # fmt: skip
    statement = insert(VALIDATION_METRIC).values(rows)
    key = ["validation_id", "hour", "symbol", "name"]
    db.execute(statement.on_conflict_do_update(index_elements=key, set_={"value": statement.excluded.value}))


def load_metrics(db: Connection, validation_id: str, hour: int) -> dict[tuple[str, str], Decimal]:
    """Return an hour's figures by (symbol, name)."""
    table = VALIDATION_METRIC.c
    query = select(table.symbol, table.name, table.value).where(table.validation_id == validation_id, table.hour == hour)
    return {(row.symbol, row.name): row.value for row in db.execute(query)}


def finish(db: Connection, validation_id: str, status: str, verdict: str) -> None:
    """Store how a validation ended."""
    values = {"status": status, "verdict": verdict, "finished_at": func.now()}
    db.execute(update(VALIDATION_RUN).where(VALIDATION_RUN.c.validation_id == validation_id).values(**values))


def of_road(db: Connection, road_id: str) -> list[ValidationRow]:
    """Return a road's validations, oldest first."""
    query = select(VALIDATION_RUN.c.validation_id).where(VALIDATION_RUN.c.road_id == road_id).order_by(VALIDATION_RUN.c.registered_at)
    return [load(db, one) for one in db.execute(query).scalars()]
