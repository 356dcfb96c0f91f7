"""Declared tasks of data, backtests and validation."""

from dataclasses import asdict, replace
from typing import Any

from prefect import task

from tasks import backtesting, collecting, judging, nightly, quality, reach, subjects, validating
from tasks.declared import DATABASE, PLAIN, SOON, VENUE, subject_of
from trader_core import config
from trader_core.evidence.road import Step
from trader_core.settings import Settings
from trader_core.store import roads as road_rows
from trader_core.store.database import begin


@task(name="collect candles", **VENUE)
def collect_candles(plan: str, road_id: str, days: int) -> dict[str, Any]:
    """Store the closed candles of a subject as one collection session, and return its id and interval. The same candles change nothing."""
    settings = Settings()
    with reach.engine(settings) as engine:
        done = collecting.collect(settings, engine, subject_of(plan, road_id), days)
    return {name: getattr(done, name) for name in done.__slots__}


@task(name="check candles", **DATABASE)
def check_candles(purpose: str, plan: str, road_id: str, from_ms: int, to_ms: int, collection: str, quality_run_id: str) -> dict[str, Any]:
    """Check a subject's stored candles in the gate's own process, keep every finding, block what fails, and return the gate's verdict."""
    settings, subject = Settings(), subject_of(plan, road_id)
    now_ms = collecting.venue_now_ms(settings, subject)
    found = quality.check_data(
        settings,
        quality.CheckRequest(
            quality_run_id, purpose, subject.plan.venue, subject.plan.symbols, subject.plan.timeframe, from_ms, to_ms, now_ms,
            collection or None, road_id,
        ),
    )  # fmt: skip
    with reach.engine(settings) as engine, begin(engine) as db:
        judged = found.judgement if purpose == "collect" else replace(found.judgement, gate=f"data before {purpose}")
        kept = judging.keep(db, f"g-{quality_run_id}", road_id, purpose, subject, judged, {"page": found.page})
    return {**kept, "quality_run_id": quality_run_id, "status": found.status, "page": found.page}


@task(name="last days of data", **VENUE)
def recent_interval(plan: str, road_id: str, hours: int) -> tuple[int, int]:
    """Return the last hours of closed bars as [from, to): what a session that begins now would warm up on."""
    return collecting.recent(Settings(), subject_of(plan, road_id), hours)


@task(name="repair candles", **VENUE)
def repair_candles(quality_run_id: str) -> dict[str, Any]:
    """Fetch what a failed check points at again, and store it as a collection that names the check."""
    return asdict(quality.repair(Settings(), quality_run_id))


@task(name="plans", **PLAIN)
def plan_names() -> list[str]:
    """Return the names of all configured plans."""
    return sorted(config.read(Settings().folder()).plans)


@task(name="days behind", task_run_name="days behind {plan}", **VENUE)
def days_behind(plan: str) -> int:
    """Return how many days of a plan's candles have to be fetched before tonight's backtest; 0: all that it plans."""
    settings = Settings()
    return nightly.days_behind(settings, subjects.of_plan(settings, plan))


@task(name="nightly backtest", task_run_name="backtest {plan}", **DATABASE)
def backtest_night(plan: str) -> dict[str, Any]:
    """Backtest one plan, store the night, tell what must not be, and return its figures."""
    settings = Settings()
    return nightly.run(settings, subjects.of_plan(settings, plan))


@task(name="nights", **DATABASE)
def nights_of(plan: str) -> list[dict[str, Any]]:
    """Return a plan's last nights, newest first, as rows of a table."""
    return nightly.rows(Settings(), plan)


@task(name="backtest of a road", **DATABASE)
def backtest_of_road(road_id: str, attempt: int) -> dict[str, Any]:
    """Backtest a road's plan on what its first step collected, judge it, and return the gate's verdict."""
    settings = Settings()
    with reach.engine(settings) as engine:
        with begin(engine) as db:
            collected = next(row for row in reversed(road_rows.steps_of(db, road_id)) if row.step is Step.COLLECT)
            subject = subjects.of_road(db, road_id)
        interval, data = (collected.result["from_ms"], collected.result["to_ms"]), collected.result["collection_session_id"]
        asked = backtesting.Asked(subject.paper_plan(), subject.plan.venue, *interval, data)
        done = backtesting.run(engine, settings.folder(), asked, f"b-{road_id}-{attempt}")
        return nightly.figures(done) | judging.backtest_gate(engine, subject, f"g-b-{road_id}-{attempt}", done)


@task(name="register a validation", **DATABASE)
def begin_validation(plan: str, road_id: str, hours: int, attempt: int, flow_run_id: str) -> dict[str, Any]:
    """Register a validation with its thresholds, hashed before anything is measured; one that is registered is found again."""
    subject = subject_of(plan, road_id)
    validation_id = f"v-{road_id}-{attempt}" if attempt else f"v-{flow_run_id}"
    with reach.engine(Settings()) as engine:
        row = validating.begin(engine, subject, validation_id, hours or subject.road.validation_hours)
    return {"validation_id": row.validation_id, "hours": row.hours, "attempt": row.attempt, "thresholds": row.thresholds_digest}


@task(name="open paper and dry-run", **SOON)
def open_validation(validation_id: str) -> tuple[str, str]:
    """Leave both sessions requested; raises TraderAway within seconds when nobody would open them."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return validating.open_sessions(settings, engine, validation_id)


@task(name="hour of validation", task_run_name="hour {hour}", **DATABASE)
def validate_hour(validation_id: str, hour: int) -> dict[str, Any]:
    """Let both sessions go on to the end of an hour of venue time, and store the hour's figures."""
    settings = Settings()
    with reach.engine(settings) as engine:
        row = validating.to_hour(settings, engine, validation_id, hour)
        figures = judging.save_hour(engine, validation_id, hour)
    return {"hour": hour, "figures": figures, "drill": validating.drill_at(row.hours, hour)}


@task(name="drill", task_run_name="{name} drill", **DATABASE)
def drill(validation_id: str, hour: int, name: str) -> dict[str, Any]:
    """Carry a drill out on both sessions at the end of an hour, and store what it showed."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return validating.drill(settings, engine, validation_id, hour, name)


@task(name="judge the validation", **DATABASE)
def judge_validation(validation_id: str) -> dict[str, Any]:
    """Wait for both ends, judge by the registered thresholds, and return the gate's verdict."""
    settings = Settings()
    with reach.engine(settings) as engine:
        validating.ended(settings, engine, validation_id)
        return judging.validation_gate(engine, validation_id)


@task(name="renew the permit", **DATABASE)
def renew_permit(validation_id: str) -> dict[str, Any]:
    """After a re-validation: a GO renews the permit that stands, anything else takes it and tells so."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return validating.renew(settings, engine, validation_id)
