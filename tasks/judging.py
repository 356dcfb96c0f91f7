"""Judging: each gate of the road from what is stored, kept with the hashes that it rests on."""

import time
from collections.abc import Mapping
from typing import Any

from tasks import subjects
from tasks.rollback import subject_of
from tasks.sessions import HOUR_MS, in_transaction
from tasks.subjects import SANDBOX, Subject
from tasks.venue_ledger import venue_orders
from trader_core.evidence.backtest_gate import judge_backtest
from trader_core.evidence.causality import plan_finding
from trader_core.evidence.gates import Gate
from trader_core.evidence.ladder import CUMULATIVE_EUR, Earned, StageShown, judge_road, judge_stage
from trader_core.evidence.road import STAGE_OF, Step, StepStatus
from trader_core.evidence.validation import judge_validation
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.money import PPM, UNIT
from trader_core.settings import Settings
from trader_core.store import gates, outbox, stage_runs, validations
from trader_core.store import roads as road_rows
from trader_core.store.database import Connection, Engine
from trader_core.store.stage_runs import StageRunRow
from trader_core.trader import measure
from trader_core.trader.code import code_hash
from trader_core.trader.examine import examine

DAY_MS = 86_400_000
COUNTS_DAYS = 30
"""How long a gate counts: after that it is stale, and shut."""
REQUIRED = ("data quality", "backtest", "validation", "stage EUR_1", "stage EUR_10", "stage EUR_100")
"""The gates that a whole road has."""

SEVERITIES = {Verdict.NO_GO: Severity.CRITICAL, Verdict.NOT_ENOUGH_EVIDENCE: Severity.WARNING}


def keep(
    db: Connection, gate_id: str, road_id: str, step: str, subject: Subject, judged: Judgement, inputs: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Store a judgement, once per id, and return its verdict with what comes first; what was stored before stands.

    A gate that does not say GO is told, in the transaction that stores it.
    """
    now_ms = int(time.time() * 1000)
    found = Gate(
        gate_id, road_id, step, judged.gate, subject.recipe, judged.verdict, judged.findings,
        {"code": code_hash(), "config": road_rows.digest_of(subject.freeze()), "rehearsal": subject.sandbox, **inputs},
        now_ms, now_ms + COUNTS_DAYS * DAY_MS,
    )  # fmt: skip
    new = gates.save_gate(db, found)
    stored = gates.load_gate(db, gate_id)
    assert stored is not None, "it was stored just now, or before"
    found_now = said(gate_id, stored.judgement())
    if new and stored.verdict is not Verdict.GO:
        fields = (("plan", subject.name), ("gate", gate_id), ("to do", found_now["todo"]), *((("road", road_id),) if road_id else ()))
        title = f"Gate {judged.gate}: {stored.verdict.replace('_', ' ')}"
        outbox.notify(db, Alert(AlertKind.GATE, SEVERITIES[stored.verdict], title, found_now["first"], gate_id, fields), now_ms)
    return found_now


def said(gate_id: str, judged: Judgement) -> dict[str, Any]:
    """Return a judgement as a step's result holds it."""
    first = judged.first()
    return {"gate_id": gate_id, "verdict": str(judged.verdict), "first": str(first) if first else "", "todo": first.todo if first else ""}


def backtest_gate(engine: Engine, subject: Subject, gate_id: str, done: Any) -> dict[str, Any]:
    """Judge a backtest before paper and store the gate."""
    judged = judge_backtest(done.returns, done.metrics.drawdown_ppm, done.metrics.profit_factor, plan_finding(done.asked.plan))
    inputs = {"session": done.session_id, "digest": done.digest, "data": done.asked.data_session}
    return in_transaction(engine, lambda db: keep(db, gate_id, subject.road_id, "backtest", subject, judged, inputs))


def save_hour(engine: Engine, validation_id: str, hour: int) -> int:
    """Store the figures of a validation's paper session as of an hour, and return how many."""

    def work(db: Connection) -> int:
        row = validations.load(db, validation_id)
        assert row.paper_session_id is not None, "it runs"
        values = measure.figures(measure.see(db, row.paper_session_id))
        validations.save_metrics(db, validation_id, hour, values)
        return len(values)

    return in_transaction(engine, work)


def validation_gate(engine: Engine, validation_id: str) -> dict[str, Any]:
    """Judge a validation whose sessions have ended, store the gate and the last figures, and return its verdict."""

    def work(db: Connection) -> dict[str, Any]:
        row = validations.load(db, validation_id)
        subject = subjects.frozen(row.subject, row.road_id)
        assert row.paper_session_id is not None, "it ran"
        paper = measure.see(db, row.paper_session_id)
        dry = measure.see(db, row.dry_session_id) if row.dry_session_id else None
        registered = row.thresholds.digest() == row.thresholds_digest and row.started_at is not None and row.registered_at <= row.started_at
        measured, found = measure.measure(db, paper, dry, row.drills, registered=registered, attempts=row.attempt)
        judged = judge_validation(row.thresholds, measured)
        validations.save_metrics(db, validation_id, row.hours, measure.figures(paper))
        validations.finish(db, validation_id, "done", judged.verdict)
        inputs = {"thresholds": row.thresholds_digest, "paper": paper.row.state_digest, "dry": dry.row.state_digest if dry else "",
                  "compared": found.slots if found else 0}  # fmt: skip
        return keep(db, f"g-{validation_id}", row.road_id, "validate", subject, judged, inputs)

    return in_transaction(engine, work)


def stage_gate(settings: Settings, engine: Engine, stage_run_id: str, left: str, probe: str) -> dict[str, Any]:
    """Judge a stage whose session has ended, store the gate, and return its verdict."""

    def work(db: Connection) -> dict[str, Any]:
        row = stage_runs.load(db, stage_run_id)
        subject = subject_of(row)
        judged = judge_stage(shown(settings, db, row, subject, left, probe))
        return keep(db, f"g-{stage_run_id}", row.road_id, f"stage {row.stage}", subject, judged, {"session": row.session_id})

    return in_transaction(engine, work)


def shown(settings: Settings, db: Connection, row: StageRunRow, subject: Subject, left: str, probe: str) -> StageShown:
    """Return what a stage's session showed."""
    assert row.session_id is not None, "it traded"
    seen = measure.see(db, row.session_id)
    ledger = venue_orders(settings) if subject.plan.venue == SANDBOX else None
    mine = {cid: count for cid, count in (ledger or {}).items() if cid in seen.state.orders} if ledger is not None else None
    operations = examine(db, row.session_id, mine).operations
    before = [one for one in stage_runs.of_road(db, row.road_id) if row.road_id and one.stage_run_id != row.stage_run_id]
    slipped = seen.slippage_bps
    rules = row.rules["stage"]
    budget_all = CUMULATIVE_EUR * UNIT * int(row.rules["fx"]["eur_ppm"]) // PPM
    return StageShown(
        row.stage, (seen.state.next_slot_ms - seen.row.from_ms) / HOUR_MS, rules["hours_min"], len(seen.episodes), rules["episodes_min"],
        lost(seen), row.loss_budget, sum(int(one.result.get("lost", 0)) for one in before), budget_all, left, operations,
        sum(slipped) / len(slipped) if slipped else None, probe,
    )  # fmt: skip


def lost(seen: measure.Seen) -> int:
    """Return what a session has lost of its capital so far, in account units; a gain is no loss."""
    return max(seen.row.capital - (seen.equity[-1] if seen.equity else seen.row.capital), 0)


def road_gate(engine: Engine, road_id: str) -> tuple[Earned, dict[str, Judgement]]:
    """Return what a road has earned so far, and the judgements that it rests on by name."""
    return in_transaction(engine, lambda db: _earned(db, road_id))


def _earned(db: Connection, road_id: str) -> tuple[Earned, dict[str, Judgement]]:
    found = {gate.gate: gate.judgement() for gate in gates.of_road(db, road_id)}
    steps = road_rows.steps_of(db, road_id)
    for row in steps:
        if row.status is StepStatus.FAILED:
            name = NAMES.get(row.step, str(row.step))
            finding = Finding(
                "the step itself", row.error[:200], "ends well", holds=False, todo="see `gatehouse road status`, then start a new road"
            )
            found[name] = Judgement(name, Verdict.NO_GO, (finding,))
    returns = [one for seen in _sessions(db, road_id) for one in seen.returns]
    walked = [STAGE_OF[row.step] for row in steps if row.step.startswith("stage") and row.result.get("verdict") == Verdict.GO]
    return judge_road(found, REQUIRED, returns, walked), found


NAMES = {
    Step.COLLECT: "data quality", Step.BACKTEST: "backtest", Step.VALIDATE: "validation", Step.STAGE_1: "stage EUR_1",
    Step.STAGE_10: "stage EUR_10", Step.STAGE_100: "stage EUR_100",
}  # fmt: skip


def _sessions(db: Connection, road_id: str) -> list[measure.Seen]:
    ids = [row.paper_session_id for row in validations.of_road(db, road_id) if row.status == "done" and row.paper_session_id]
    ids += [row.session_id for row in stage_runs.of_road(db, road_id) if row.session_id]
    return [measure.see(db, one) for one in ids]


def preflight_gate(engine: Engine, stage_run_id: str, judged: Judgement, data: Mapping[str, Any]) -> dict[str, Any]:
    """Store what a preflight said, the fresh data's gate among it, and return its verdict."""
    fresh = Finding("fresh data", f"{data.get('verdict')}: {data.get('first', '')}".strip(": "), "GO", data.get("verdict") == Verdict.GO,
                    str(data.get("todo", "")))  # fmt: skip
    findings = (fresh, *judged.findings)
    whole = Judgement("preflight", Verdict.GO if all(one.holds for one in findings) else Verdict.NO_GO, findings)

    def work(db: Connection) -> dict[str, Any]:
        row = stage_runs.load(db, stage_run_id)
        return keep(
            db, f"g-pre-{stage_run_id}", row.road_id, f"preflight {row.stage}", subject_of(row), whole, {"data": data.get("gate_id")}
        )

    return in_transaction(engine, work)


def judge_probe(settings: Settings, engine: Engine, stage_run_id: str, left: str) -> str:
    """Return what is wrong with a stage's probe, in words; nothing is well."""

    def work(db: Connection) -> str:
        row = stage_runs.load(db, stage_run_id)
        assert row.probe_session_id is not None, "it was opened"
        seen = measure.see(db, row.probe_session_id)
        ledger = venue_orders(settings) if row.account == SANDBOX else None
        mine = {cid: count for cid, count in (ledger or {}).items() if cid in seen.state.orders} if ledger is not None else None
        first = examine(db, row.probe_session_id, mine).operations.first()
        wrong = [left] if left else []
        wrong += [] if seen.episodes else ["no round trip was made"]
        wrong += [] if seen.state.boots > 1 else ["it was never restarted"]
        wrong += [str(first)] if first is not None else []
        return "; ".join(wrong)

    return in_transaction(engine, work)
