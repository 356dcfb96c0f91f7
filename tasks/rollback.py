"""Rollback: cancel, flatten, confirm flat, demote one stage, tell, and store it. Safe to repeat, and from many sides at once.

It is best effort wherever it is called from; what decides is the row of the stage run, and whoever finds one that nobody
holds rolls it back.
"""

import time
from typing import Any

import structlog

from tasks import reach, roads, subjects, telling
from tasks.locks import held, patiently
from tasks.sessions import ENDED, in_transaction, told
from trader_core.evidence.permit import RUNGS
from trader_core.evidence.road import STAGE_OF, UNDER_WAY, StepStatus
from trader_core.model.command import Command
from trader_core.model.errors import GatehouseError, StepRunning
from trader_core.model.session import SessionStatus, StopPolicy
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import permits, sessions, stage_runs
from trader_core.store import roads as road_rows
from trader_core.store.database import Connection, Engine
from trader_core.store.stage_runs import StageRunRow

log = structlog.get_logger()

FLAT_S = 120.0
POLL_S = 0.2


def lock_key(stage_run_id: str) -> str:
    """Return the name of the lock that whoever runs a stage, or rolls it back, holds."""
    return f"stage {stage_run_id}"


def roll_back(settings: Settings, stage_run_id: str, cause: str, *, mine: bool = False) -> dict[str, Any]:
    """Leave the stage run ended, its sessions flat as far as that can be had, its recipe demoted by one stage, and people told.

    `mine`: the caller holds the stage's lock. Returns what was done; nothing when the stage has ended already, or another
    run has it.
    """
    with reach.engine(settings) as engine:
        if mine:
            return _roll_back(settings, engine, stage_run_id, cause, mine=True)
        try:
            with held(engine, lock_key(stage_run_id)):
                return _roll_back(settings, engine, stage_run_id, cause, mine=False)
        except StepRunning:
            return {}


def _roll_back(settings: Settings, engine: Engine, stage_run_id: str, cause: str, *, mine: bool) -> dict[str, Any]:
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    if row.status not in stage_runs.GOING:
        return {}
    in_transaction(engine, lambda db: stage_runs.change(db, stage_run_id, status="rolling_back", cause=cause[:1000]))
    left = flatten(engine, row)
    permit = in_transaction(engine, lambda db: _demoted(db, row, cause))
    result = {**row.result, "flat": not left, "left": left, "permit": permit, "cause": cause[:300]}
    in_transaction(engine, lambda db: _ended(db, row, result, mine=mine))
    telling.tell(
        settings, "stage", "critical", f"{row.stage} was rolled back", cause[:500], f"rollback {stage_run_id}",
        flat="yes" if not left else f"NO: {left}", permit=permit, road=row.road_id, stage_run=stage_run_id,
    )  # fmt: skip
    if row.road_id and not mine:
        patiently(lambda: roads.advance(settings, row.road_id))
    return result


def flatten(engine: Engine, row: StageRunRow) -> str:
    """End the stage's sessions with everything sold, and return what is left in words; nothing is flat."""
    left = [_flat(engine, session_id, row.stage_run_id) for session_id in (row.probe_session_id, row.session_id) if session_id]
    return "; ".join(filter(None, left))


def _flat(engine: Engine, session_id: str, stage_run_id: str) -> str:
    found = in_transaction(engine, lambda db: sessions.load_session(db, session_id))
    if found.status not in ENDED:
        in_transaction(engine, lambda db: sessions.grant(db, session_id, 0))
        told(engine, session_id, Command.STOP, f"rollback of {stage_run_id}", f"flatten {stage_run_id}", StopPolicy.FLATTEN)
    deadline = time.monotonic() + FLAT_S
    while found.status not in ENDED and time.monotonic() < deadline:
        time.sleep(POLL_S)
        found = in_transaction(engine, lambda db: sessions.load_session(db, session_id))
    return remains(found)


def remains(row: sessions.SessionRow) -> str:
    """Return what a session that should have ended flat still holds, or why that is not known; nothing when it is flat."""
    if row.status is not SessionStatus.FINISHED or row.result is None:
        return "" if row.from_ms == 0 and row.status is SessionStatus.FAILED else f"{row.session_id} is {row.status}: look at the venue"
    kept = {symbol: qty for symbol, qty in row.result.get("kept", {}).items() if not _dust(row, symbol, qty)}
    return f"{row.session_id} keeps {', '.join(kept)}" if kept else ""


def _dust(row: sessions.SessionRow, symbol: str, qty: int) -> bool:
    """Tell whether a quantity is too small for the venue to take: less than one lot."""
    return any(one.symbol == symbol and qty < one.lot for one in row.instruments)


def _demoted(db: Connection, row: StageRunRow, cause: str) -> str:
    subject = subject_of(row)
    lower = RUNGS[RUNGS.index(row.stage) - 1]
    now_ms = int(time.time() * 1000)
    give_back_probe(db, row)
    stands = permits.demote(
        db, row.account, subject.recipe, lower, "rollback", f"{row.stage} was rolled back: {cause}"[:500], now_ms, row.road_id
    )
    return f"{stands.level.name} up to {stands.stage}" if stands.stage is not StageName.PAPER else stands.level.name


def give_back_probe(db: Connection, row: StageRunRow) -> None:
    """End the permit that a stage's probe was lent; nothing without a probe."""
    if row.probe_session_id:
        probe = sessions.load_session(db, row.probe_session_id)
        now_ms = int(time.time() * 1000)
        permits.give_back(db, row.account, probe.plan.recipe(probe.venue), now_ms, f"the probe of {row.stage_run_id} is over")


def subject_of(row: StageRunRow) -> subjects.Subject:
    """Return the subject that a stage run froze."""
    return subjects.frozen(row.rules["subject"], row.road_id)


def _ended(db: Connection, row: StageRunRow, result: dict[str, Any], *, mine: bool) -> None:
    """Store the end; the road's step is its flow's to end, or this one's where that flow is gone."""
    stage_runs.change(db, row.stage_run_id, status="rolled_back", result=result)
    if not row.road_id or mine:
        return
    for step in road_rows.steps_of(db, row.road_id):
        if STAGE_OF.get(step.step) is row.stage and step.step.startswith("stage") and step.status in UNDER_WAY:
            why = f"rolled back: {result['cause']}"
            road_rows.change_step(
                db, step, status=StepStatus.FAILED, error=why, result={**step.result, "stage_run": row.stage_run_id, **result}
            )


def roll_back_dead(settings: Settings) -> dict[str, str]:
    """Roll back every stage run that goes on by its row while nobody holds its lock, looked at twice with a pause between."""
    first = set(_unheld(settings))
    if not first:
        return {}
    time.sleep(roads.GRACE_S)
    done = {}
    for stage_run_id in [one for one in _unheld(settings) if one in first]:
        try:
            done[stage_run_id] = str(roll_back(settings, stage_run_id, "its flow run died"))
        except GatehouseError as error:
            log.exception("a rollback failed", stage_run=stage_run_id)
            done[stage_run_id] = f"failed: {error}"
    return done


def _unheld(settings: Settings) -> list[str]:
    with reach.transaction(settings) as db:
        return [row.stage_run_id for row in stage_runs.going(db) if not road_rows.taken(db, lock_key(row.stage_run_id))]
