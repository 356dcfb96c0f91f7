"""Roads: one row each, its steps by attempt; whoever runs a step holds its lock, and the lock goes with the process."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence.road import OPEN, Attempt, RoadStatus, Step, StepStatus
from trader_core.model.errors import BadInput, StepRunning, UnknownName
from trader_core.store.database import translated
from trader_core.store.road_tables import ROAD, ROAD_STEP

ENDED = tuple(status for status in RoadStatus if status not in OPEN)


@dataclass(frozen=True, slots=True)
class NewRoad:
    """What a road is from its start on; `config` holds the plan and the road's rules as plain JSON values."""

    road_id: str
    account: str
    venue: str
    recipe: str
    config: Mapping[str, Any]
    rehearsal: bool


@dataclass(frozen=True, slots=True)
class RoadRow:
    """A road as stored."""

    road_id: str
    account: str
    venue: str
    recipe: str
    config: dict[str, Any]
    config_digest: str
    rehearsal: bool
    step: str
    status: RoadStatus
    operations: str
    edge: str
    report: str
    error: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One attempt at one step; `result` holds ids and verdicts."""

    road_id: str
    step: Step
    attempt: int
    status: StepStatus
    flow_run_id: str
    result: dict[str, Any]
    error: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def as_attempt(self) -> Attempt:
        """Return what the road's rules look at."""
        return Attempt(self.step, self.attempt, self.status, str(self.result.get("verdict", "")))


def digest_of(config: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of a configuration's canonical JSON."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def create_road(db: Connection, new: NewRoad) -> bool:
    """Store a road and say whether it is new: the same id stays as it is. Raises BadInput while another of its recipe goes on."""
    query = select(ROAD.c.road_id).where(ROAD.c.account == new.account, ROAD.c.recipe == new.recipe, ROAD.c.status.in_(OPEN))
    going = db.execute(query.where(ROAD.c.road_id != new.road_id)).scalars().first()
    if going is not None:
        raise BadInput("no other road of this plan on this account", f"{going} goes on", f"`gatehouse road status {going}` shows it")
    values = {name: getattr(new, name) for name in NewRoad.__slots__} | {"config_digest": digest_of(new.config)}
    statement = insert(ROAD).values(values | {"step": Step.COLLECT, "status": RoadStatus.WALKING})
    with translated():
        return db.execute(statement.on_conflict_do_nothing(index_elements=["road_id"]).returning(ROAD.c.road_id)).first() is not None


def load_road(db: Connection, road_id: str) -> RoadRow:
    """Return one road; raises UnknownName."""
    row = db.execute(select(ROAD).where(ROAD.c.road_id == road_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a road", repr(road_id)[:80], "`gatehouse road list` names them")
    return _road(row)


def list_roads(db: Connection, limit: int = 20) -> list[RoadRow]:
    """Return the newest roads first."""
    return [_road(row) for row in db.execute(select(ROAD).order_by(ROAD.c.started_at.desc()).limit(limit)).mappings()]


def open_roads(db: Connection) -> list[RoadRow]:
    """Return the roads that go on, oldest first."""
    query = select(ROAD).where(ROAD.c.status.in_(OPEN)).order_by(ROAD.c.started_at)
    return [_road(row) for row in db.execute(query).mappings()]


def set_road(db: Connection, road_id: str, **values: Any) -> None:
    """Store status, step, verdicts, report or error of a road that has not ended; raises UnknownName for no road at all."""
    changes: dict[str, Any] = {**values, "updated_at": func.now()}
    if values.get("status") in ENDED:
        changes["finished_at"] = func.now()
    statement = update(ROAD).where(ROAD.c.road_id == road_id, ROAD.c.status.in_(OPEN)).values(**changes)
    if db.execute(statement).rowcount == 0:
        load_road(db, road_id)


def steps_of(db: Connection, road_id: str) -> list[StepRow]:
    """Return every attempt at every step, oldest request first."""
    query = select(ROAD_STEP).where(ROAD_STEP.c.road_id == road_id).order_by(ROAD_STEP.c.requested_at, ROAD_STEP.c.attempt)
    return [_step(row) for row in db.execute(query).mappings()]


def request_step(db: Connection, road_id: str, step: Step, attempt: int) -> bool:
    """Store that an attempt is wanted and say whether that is new. Safe to repeat."""
    statement = insert(ROAD_STEP).values(road_id=road_id, step=step, attempt=attempt, status=StepStatus.REQUESTED)
    made = db.execute(statement.on_conflict_do_nothing().returning(ROAD_STEP.c.step)).first() is not None
    set_road(db, road_id, step=step)
    return made


def begin_step(db: Connection, road_id: str, step: Step, flow_run_id: str) -> StepRow:
    """Mark the newest attempt as running and return it; raises BadInput for a step out of order or one that has ended."""
    found = [row for row in steps_of(db, road_id) if row.step is step]
    if not found:
        raise BadInput(f"the step {step} to be requested by its road", "no request", f"`gatehouse road status {road_id}` says what is next")
    newest = found[-1]
    if newest.status in {StepStatus.DONE, StepStatus.FAILED}:
        raise BadInput(f"the step {step} to be open", f"it is {newest.status}", f"`gatehouse road status {road_id}` says what is next")
    change_step(
        db, newest, status=StepStatus.RUNNING, flow_run_id=flow_run_id, started_at=func.coalesce(ROAD_STEP.c.started_at, func.now())
    )
    return newest


def change_step(db: Connection, row: StepRow, **values: Any) -> None:
    """Store what became of an attempt."""
    if values.get("status") in {StepStatus.DONE, StepStatus.FAILED}:
        values["finished_at"] = func.now()
    table = ROAD_STEP.c
    db.execute(update(ROAD_STEP).where(table.road_id == row.road_id, table.step == row.step, table.attempt == row.attempt).values(**values))
    set_road(db, row.road_id)


@contextmanager
def alone(engine: Engine, key: str) -> Iterator[Connection]:
    """Hold the lock of a key on a connection of its own, which is yielded; raises StepRunning at once when another process has it.

    The database frees it the moment the process dies, kill -9 too.
    """
    with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        if not db.execute(text("select pg_try_advisory_lock(hashtextextended(:key, 0))"), {"key": key}).scalar_one():
            raise StepRunning(f"nobody else at {key}", "another run that has it", "wait for that one: it goes on")
        try:
            yield db
        finally:
            if not db.invalidated:
                db.execute(text("select pg_advisory_unlock(hashtextextended(:key, 0))"), {"key": key})


def taken(db: Connection, key: str) -> bool:
    """Tell whether somebody holds the lock of a key now; the look itself takes nothing that outlives its transaction."""
    return not db.execute(text("select pg_try_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}).scalar_one()


def _road(row: RowMapping) -> RoadRow:
    return RoadRow(**(dict(row) | {"status": RoadStatus(row["status"])}))


def _step(row: RowMapping) -> StepRow:
    return StepRow(**(dict(row) | {"step": Step(row["step"]), "status": StepStatus(row["status"])}))
