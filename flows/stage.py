"""The flow `stage`: EUR 1, 10 or 100 a position with real orders; whatever goes wrong ends flat and one stage lower."""

from typing import Any

from prefect import flow

from flows import show
from flows.common import HOOKS, PlanName, RoadId, StageNumber, described, fresh_data, run_id, step_of
from tasks import declared, roads
from tasks import declared_money as money
from tasks.rollback import lock_key
from trader_core.evidence.verdict import Verdict
from trader_core.settings import Settings


@flow(name="stage", flow_run_name="stage-{stage}-{road_id}{plan}", persist_result=False, **HOOKS)
@described
def stage(stage: StageNumber = 1, road_id: RoadId = "", plan: PlanName = "") -> dict[str, Any]:
    """Trade one stage with real orders: preflight, a probe (stage 1), hours until enough was seen, an end that is flat, and a gate.

    Its permit must stand: the road issues it after a person's approval. On an exception, a signal, a cancellation or a kill
    everything is cancelled, sold, confirmed flat, demoted by one stage and told.
    """
    settings, step = Settings(), step_of("stage", {"stage": stage})
    assert step is not None, "every stage is a step"
    with roads.walking(settings, road_id, step, run_id()) as walked:
        began = money.begin_stage(stage, plan, road_id, walked.attempt, run_id())
        stage_run_id = began["stage_run_id"]
        walked.result["stage_run"] = stage_run_id
        with declared.holding(lock_key(stage_run_id)):
            walked.result |= _run(stage_run_id, stage, plan, road_id)
        show.gate(f"stage EUR_{stage}", walked.result)
    return walked.result


def _run(stage_run_id: str, number: int, plan: str, road_id: str) -> dict[str, Any]:
    try:
        before = money.preflight(stage_run_id, fresh_data(f"stage {number}", plan, road_id))
        if before["verdict"] != Verdict.GO:
            return money.refuse_stage(stage_run_id, before)
        wrong = _probe(stage_run_id) if number == 1 else ""
        _trade(stage_run_id)
        judged = money.judge_stage(stage_run_id, money.end_stage(stage_run_id), wrong)
    except Exception as error:
        money.roll_back(stage_run_id, f"{type(error).__name__}: {error}")
        raise
    if judged["verdict"] == Verdict.NO_GO:
        return {**money.roll_back(stage_run_id, f"its gate says NO_GO: {judged['first']}"), **judged}
    return money.finish_stage(stage_run_id, judged)


def _probe(stage_run_id: str) -> str:
    money.open_probe(stage_run_id)
    for part in range(money.PROBE_PARTS):
        money.probe_part(stage_run_id, part)
    return money.end_probe(stage_run_id)


def _trade(stage_run_id: str) -> None:
    money.open_stage(stage_run_id)
    hour = 0
    while True:
        hour += 1
        if money.stage_hour(stage_run_id, hour)["over"]:
            return
