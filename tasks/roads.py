"""The road as a row that short flow runs advance: each step is requested in the database first, then asked of Prefect."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from deployments import prefect_client
from deployments.prefect_client import PrefectAway
from tasks import reach
from tasks.locks import held, patiently
from trader_core.evidence.road import OPEN, STAGE_OF, UNDER_WAY, Next, RoadStatus, Step, StepStatus, next_of
from trader_core.model.errors import StepRunning
from trader_core.settings import Settings
from trader_core.store import roads
from trader_core.store.database import Engine, begin

log = structlog.get_logger()

SUFFIX = "/gatehouse"
"""Every deployment of ours is called flow/gatehouse."""
TRIES, TRY_S = 20, 0.5
"""Whoever advances a road looks at it once: one who comes meanwhile waits, because the other may have looked too early."""
GRACE_S = 20.0
"""A run has this long to take its step's lock, and a lock this long to be taken again, before its process counts as dead."""


@dataclass(slots=True)
class Walked:
    """A step that is being taken; what is put into `result` is stored at its end."""

    step: Step
    attempt: int
    result: dict[str, Any] = field(default_factory=dict)


def lock_key(road_id: str, step: Step) -> str:
    """Return the name of the lock that whoever takes a step holds."""
    return f"road {road_id} {step}"


def parameters_of(road_id: str, step: Step) -> dict[str, Any]:
    """Return what a step's deployment is called with."""
    stage = STAGE_OF.get(step)
    return {"road_id": road_id} | ({"stage": int(stage.value.removeprefix("EUR_"))} if stage else {})


def deployment_of(step: Step) -> str:
    """Return the deployment that takes a step."""
    return ("approve" if step.startswith("approve") else "stage" if step.startswith("stage") else str(step)) + SUFFIX


def begin_road(settings: Settings, new: roads.NewRoad) -> bool:
    """Leave a road behind whose first step is asked for, and say whether it is new. Raises BadInput while another of its recipe goes on."""
    with reach.transaction(settings) as db:
        made = roads.create_road(db, new)
    advance(settings, new.road_id)
    return made


def advance(settings: Settings, road_id: str) -> str:
    """Take the road on by one step if it can be, and return what is waited for or how it ended. Safe to repeat, and from many sides."""
    with reach.engine(settings) as engine:
        for _ in range(TRIES):
            try:
                with roads.alone(engine, f"road {road_id}"):
                    return _advance(settings, engine, road_id)
            except StepRunning:
                time.sleep(TRY_S)
        return "another run advances it"


def _advance(settings: Settings, engine: Engine, road_id: str) -> str:
    with begin(engine) as db:
        road = roads.load_road(db, road_id)
        if road.status not in OPEN:
            return str(road.status)
        steps = roads.steps_of(db, road_id)
        found = next_of([row.as_attempt() for row in steps])
        if found.start is not None:
            roads.request_step(db, road_id, found.start, found.attempt)
        elif found.end is not None:
            roads.set_road(db, road_id, status=found.end)
            return str(found.end)
    return _asked(settings, engine, road_id, found, steps)


def _asked(settings: Settings, engine: Engine, road_id: str, found: Next, steps: list[roads.StepRow]) -> str:
    """Ask Prefect for the step that is wanted; while it is away the request stands, and `resume` asks again."""
    step = found.start or found.wait
    assert step is not None, "a road waits, starts or ends"
    newest = next((row for row in reversed(steps) if row.step is step), None)
    attempt = found.attempt or (newest.attempt if newest else 1)
    if found.wait and newest is not None and (newest.flow_run_id or newest.status is not StepStatus.REQUESTED):
        return f"waits for {step}"
    try:
        run = prefect_client.trigger(settings, deployment_of(step), parameters_of(road_id, step), f"{road_id} {step} {attempt}", (road_id,))
    except PrefectAway as error:
        log.warning("a step waits for Prefect", road=road_id, step=step, text=str(error))
        return f"{step} waits for Prefect's server"
    with begin(engine) as db:
        row = next(row for row in reversed(roads.steps_of(db, road_id)) if row.step is step)
        if not row.flow_run_id:
            roads.change_step(db, row, flow_run_id=run)
    return f"asked for {step}"


@contextmanager
def walking(settings: Settings, road_id: str, step: Step, flow_run_id: str) -> Iterator[Walked]:
    """Take a step of a road: its lock is held, its row says so, and its end is stored; then the road is advanced.

    A step that raises is stored as failed, and the error goes on. One whose process dies keeps its row: `resume` finds it.
    Without a road nothing is stored. Raises StepRunning when another run has the step, BadInput for a step out of order.
    """
    if not road_id:
        yield Walked(step, 0)
        return
    with reach.engine(settings) as engine:
        with held(engine, lock_key(road_id, step)):
            row = patiently(lambda: _begun(engine, road_id, step, flow_run_id))
            walked = Walked(step, row.attempt, dict(row.result))
            try:
                yield walked
            except Exception as error:
                failed = {"status": StepStatus.FAILED, "error": f"{type(error).__name__}: {error}"[:1000], "result": walked.result}
                patiently(lambda: _changed(engine, row, failed))
                _after(settings, road_id)
                raise
            patiently(lambda: _changed(engine, row, {"status": StepStatus.DONE, "result": walked.result, "error": ""}))
        _after(settings, road_id)


def note(settings: Settings, road_id: str, step: Step, status: StepStatus, **result: Any) -> None:
    """Store on the way what a step knows so far, for whoever looks or goes on with it."""
    if not road_id:
        return
    with reach.transaction(settings) as db:
        row = next(row for row in reversed(roads.steps_of(db, road_id)) if row.step is step)
        roads.change_step(db, row, status=status, result={**row.result, **result})
        roads.set_road(db, road_id, status=RoadStatus.WAITING if status is StepStatus.WAITING else RoadStatus.WALKING)


def _begun(engine: Engine, road_id: str, step: Step, flow_run_id: str) -> roads.StepRow:
    with begin(engine) as db:
        roads.set_road(db, road_id, status=RoadStatus.WALKING)
        return roads.begin_step(db, road_id, step, flow_run_id)


def _changed(engine: Engine, row: roads.StepRow, values: dict[str, Any]) -> None:
    with begin(engine) as db:
        roads.change_step(db, row, **values)


def _after(settings: Settings, road_id: str) -> None:
    patiently(lambda: advance(settings, road_id))


def dead_steps(settings: Settings) -> list[roads.StepRow]:
    """Return the steps that are under way by their rows while nobody holds their lock, looked at twice with a pause between."""
    first = {(row.road_id, row.step, row.attempt) for row in _unheld(settings)}
    if not first:
        return []
    time.sleep(GRACE_S)
    return [row for row in _unheld(settings) if (row.road_id, row.step, row.attempt) in first]


def _unheld(settings: Settings) -> list[roads.StepRow]:
    with reach.transaction(settings) as db:
        steps = [row for road in roads.open_roads(db) for row in roads.steps_of(db, road.road_id)]
        under_way = [row for row in steps if row.status in UNDER_WAY and row.status is not StepStatus.WAITING]
        return [row for row in under_way if not roads.taken(db, lock_key(row.road_id, row.step))]


def again(settings: Settings, row: roads.StepRow) -> str:
    """Ask Prefect for another run of a step whose run is dead, and return the new run's id; its lock makes a double one harmless."""
    if row.flow_run_id and row.status is StepStatus.RUNNING:
        prefect_client.mark_crashed(settings, row.flow_run_id, "its process is gone; the road goes on with another run")
    key = f"{row.road_id} {row.step} {row.attempt} after {row.flow_run_id or 'nothing'}"
    run = prefect_client.trigger(settings, deployment_of(row.step), parameters_of(row.road_id, row.step), key, (row.road_id,))
    with reach.transaction(settings) as db:
        roads.change_step(db, row, flow_run_id=run)
    return run


def crashed(settings: Settings, road_id: str, step: Step, flow_run_id: str) -> str:
    """Ask for another run of a step at once when the run that had it has crashed, and return the new run; nothing when it goes on.

    `resume` would find it too, minutes later. However often a crash is reported, one run follows it: the key is the dead run's.
    """
    with reach.transaction(settings) as db:
        row = next((row for row in reversed(roads.steps_of(db, road_id)) if row.step is step), None)
        if row is None or row.flow_run_id != flow_run_id or row.status is not StepStatus.RUNNING:
            return ""
        if roads.taken(db, lock_key(road_id, step)):
            return ""
    return again(settings, row)


def cancelled(settings: Settings, road_id: str, step: Step) -> None:
    """Store that a person ended a step; the road goes to its report and ends there."""
    with reach.transaction(settings) as db:
        row = next((row for row in reversed(roads.steps_of(db, road_id)) if row.step is step and row.status in UNDER_WAY), None)
        if row is not None:
            roads.change_step(db, row, status=StepStatus.FAILED, error="cancelled by a person")
    advance(settings, road_id)
