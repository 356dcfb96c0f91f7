"""Declared tasks of stages and approvals."""

from dataclasses import asdict
from typing import Any

from prefect import task

from tasks import approving, judging, reach, rollback, staging
from tasks.declared import DATABASE, PLAIN, subject_of
from trader_core.settings import Settings
from trader_core.store import stage_runs

PROBE_PARTS = len(staging.PROBE)


@task(name="begin the stage", **DATABASE)
def begin_stage(number: int, plan: str, road_id: str, attempt: int, flow_run_id: str) -> dict[str, Any]:
    """Leave a stage run behind that is in preflight; raises BadInput while another stage trades the account."""
    subject = subject_of(plan, road_id)
    stage_run_id = f"s-{road_id}-{number}-{attempt}" if attempt else f"s-{flow_run_id}"
    settings = Settings()
    with reach.engine(settings) as engine:
        row = staging.begin_stage(settings, engine, subject, staging.stage_name(number), stage_run_id, flow_run_id)
    return {"stage_run_id": row.stage_run_id, "status": row.status}


@task(name="preflight", **DATABASE)
def preflight(stage_run_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Judge whether the stage may begin: data, permit, trader, kill, blocks, environment; every finding is kept."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return judging.preflight_gate(engine, stage_run_id, staging.preflight(settings, engine, stage_run_id), data)


@task(name="refuse the stage", **DATABASE)
def refuse_stage(stage_run_id: str, why: dict[str, Any]) -> dict[str, Any]:
    """Store that a stage did not begin, and why; nothing was sent."""
    with reach.engine(Settings()) as engine:
        staging.finish(engine, stage_run_id, "refused", **why)
    return why


@task(name="open the probe", **DATABASE)
def open_probe(stage_run_id: str) -> str:
    """Leave the probe's session requested."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return staging.open_session(settings, engine, stage_run_id, probe=True)


@task(name="part of the probe", task_run_name="probe {part}", **DATABASE)
def probe_part(stage_run_id: str, part: int) -> dict[str, Any]:
    """Let the probe go on to its next word, say it, and return the answer."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return staging.probe_part(settings, engine, stage_run_id, part)


@task(name="end the probe", **DATABASE)
def end_probe(stage_run_id: str) -> str:
    """Let the probe end flat, and return what is wrong with it; nothing is well."""
    settings = Settings()
    with reach.engine(settings) as engine:
        left = staging.end_probe(engine, stage_run_id)
        return judging.judge_probe(settings, engine, stage_run_id, left)


@task(name="open the stage", **DATABASE)
def open_stage(stage_run_id: str) -> str:
    """Leave the stage's session requested."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return staging.open_session(settings, engine, stage_run_id, probe=False)


@task(name="hour of the stage", task_run_name="hour {hour}", **DATABASE)
def stage_hour(stage_run_id: str, hour: int) -> dict[str, Any]:
    """Let the stage go on to the end of an hour of venue time, and say whether it is over; raises SessionHalted if it may not go on."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return asdict(staging.stage_hour(settings, engine, stage_run_id, hour))


@task(name="end the stage", **DATABASE)
def end_stage(stage_run_id: str) -> str:
    """End the stage's session flat, and return what is left; nothing is flat."""
    with reach.engine(Settings()) as engine:
        return staging.end_stage(engine, stage_run_id)


@task(name="judge the stage", **DATABASE)
def judge_stage(stage_run_id: str, left: str, probe: str) -> dict[str, Any]:
    """Judge an ended stage and return the gate's verdict."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return judging.stage_gate(settings, engine, stage_run_id, left, probe)


@task(name="finish the stage", **DATABASE)
def finish_stage(stage_run_id: str, judged: dict[str, Any]) -> dict[str, Any]:
    """Store that a stage ended by itself, with its gate."""
    with reach.engine(Settings()) as engine:
        staging.finish(engine, stage_run_id, "done", **judged)
    return judged


@task(name="roll back", **PLAIN)
def roll_back(stage_run_id: str, cause: str) -> dict[str, Any]:
    """Cancel, flatten, confirm flat, demote by one stage, tell; the caller holds the stage's lock."""
    return rollback.roll_back(Settings(), stage_run_id, cause, mine=True)


def roll_back_of(flow_run_id: str, cause: str) -> list[str]:
    """Roll back the stage runs that a dead flow run was the last to take: for hooks, which may come in any process."""
    settings = Settings()
    with reach.transaction(settings) as db:
        going = [row.stage_run_id for row in stage_runs.by_flow_run(db, flow_run_id) if row.status in stage_runs.GOING]
    for one in going:
        rollback.roll_back(settings, one, cause)
    return going


@task(name="ask for approval", **DATABASE)
def ask_approval(road_id: str, number: int, flow_run_id: str) -> dict[str, Any]:
    """Leave an approval waiting for a person, or find the one that was decided; tells that somebody is wanted."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return approving.ask(settings, engine, road_id, number, flow_run_id)


@task(name="decide", **DATABASE)
def decide_approval(approval_id: str, decision: str, approver: str, reason: str) -> dict[str, Any]:
    """Store a person's decision, once."""
    with reach.engine(Settings()) as engine:
        return approving.decide(engine, approval_id, decision, approver, reason)


@task(name="issue the permit", **DATABASE)
def issue_permit(approval_id: str) -> dict[str, Any]:
    """Issue the permit that an approval opens, once, and return the step's verdict."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return approving.issue(settings, engine, approval_id)
