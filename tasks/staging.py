"""A stage: preflight, probe, hours of trading with real orders, and an end that is flat. One row per stage run leads through it."""

import time
from dataclasses import dataclass
from typing import Any

from tasks import operators
from tasks.rollback import flatten, give_back_probe, remains, subject_of
from tasks.sessions import HOUR_MS, answered, in_transaction, reached, require_trader, stepped, told
from tasks.subjects import Subject
from trader_core import fx
from trader_core.config import StageRules
from trader_core.evidence.feasibility import Ask, feasible
from trader_core.evidence.feasibility import Verdict as Feasible
from trader_core.evidence.permit import withheld
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.command import Command
from trader_core.model.errors import GateShut, SessionHalted, TraderAway
from trader_core.model.money import PPM, to_text
from trader_core.model.plan import Plan
from trader_core.model.session import SessionMode, StopPolicy
from trader_core.model.stage import STAGES, StageName
from trader_core.settings import Settings
from trader_core.store import permits, sessions, snapshots, stage_runs
from trader_core.store.blocks import standing_blocks
from trader_core.store.candles import last_prices
from trader_core.store.database import Connection, Engine
from trader_core.store.stage_runs import StageRunRow
from trader_core.venues import check
from trader_core.venues.profiles import ceiling_of

MINUTE_MS = 60_000
CHECK_AGE_MAX_MS = 24 * 3_600_000
STOP_ASSUMED_PPM = 20_000
"""A plan without a stop is reckoned with one of 2 %."""
SILENCE_S = 300.0
"""A session that steps nothing for this long has stopped."""
PROBE = (
    ("a round trip", 12, None), ("a restart", 24, Command.RESTART), ("a kill", 36, Command.KILL), ("a resume", 48, Command.RESUME),
    ("cancel all", 54, Command.CANCEL_ALL),
)  # fmt: skip
"""What the probe goes through: after so many minutes the word is said, and what follows it must still be right."""
PROBE_PARAMS = {"on": 3, "off": 3}
PROBE_MINUTES = 60
PROBE_PERMIT_MS = 3 * 3_600_000
"""How long the probe's own permit lasts: it takes an hour of the venue's time."""


@dataclass(frozen=True, slots=True)
class Hour:
    """How a stage stands after an hour: whether it is over, and why."""

    hour: int
    over: bool
    why: str
    episodes: int


def stage_name(number: int) -> StageName:
    """Return the stage of a number: 1, 10 or 100; raises GateShut for another."""
    name = f"EUR_{number}"
    if name not in {str(stage) for stage in STAGES}:
        raise GateShut("a stage of 1, 10, 100", str(number), "choose one of them")
    return StageName(name)


def rules_of(subject: Subject, stage: StageName) -> StageRules:
    """Return how long the stage lasts."""
    return subject.road.rules(stage)


def begin_stage(
    settings: Settings, engine: Engine, subject: Subject, stage: StageName, stage_run_id: str, flow_run_id: str
) -> StageRunRow:  # fmt: skip
    """Leave a stage run behind that is in preflight, or find it again, with what one EUR is worth frozen in it.

    Raises BadInput while another stage trades the account, and without a fresh rate on a real venue.
    """
    venue = subject.plan.venue
    rate = fx.rehearsal() if subject.sandbox else fx.require(fx.stored(settings, venue), venue)
    rules = {"subject": subject.freeze(), "stage": rules_of(subject, stage).model_dump(), "rehearsal": subject.sandbox, "fx": rate}
    budget = subject.stage_plan(stage, rate["eur_ppm"]).limits.loss_max
    return in_transaction(
        engine, lambda db: stage_runs.begin(db, stage_run_id, subject.road_id, subject.account, stage, budget, rules, flow_run_id)
    )  # fmt: skip


def preflight(settings: Settings, engine: Engine, stage_run_id: str) -> Judgement:
    """Return what speaks for and against letting a stage begin now; every finding counts, and one that cannot be read is a no."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    subject = subject_of(row)
    found = in_transaction(engine, lambda db: _findings(settings, db, row, subject))
    found.append(_trader_finding(engine, row.account))
    verdict = Verdict.GO if all(finding.holds for finding in found) else Verdict.NO_GO
    return Judgement("preflight", verdict, tuple(found))


def _findings(settings: Settings, db: Connection, row: StageRunRow, subject: Subject) -> list[Finding]:
    now_ms = int(time.time() * 1000)
    permit = permits.permit_of(db, row.account, subject.recipe, now_ms)
    why = withheld(permit, SessionMode.STAGE, row.stage, sandbox=subject.sandbox, ceiling=ceiling_of(subject.plan.venue))
    kill = operators.standing_kill(settings, db)
    blocks = {symbol: reason for symbol, reason in standing_blocks(db, subject.plan.venue).items() if symbol in subject.plan.symbols}
    free = len(blocks) < len(subject.plan.symbols)
    env = subject.sandbox or settings.live_trading_enabled
    more = [_feasible(db, row, subject)] + ([] if subject.sandbox else [_checked(settings, subject.plan.venue)])
    return [*more,
        Finding("permit", why or f"{permit.level.name} up to {permit.stage}", f"LIMITED up to {row.stage}", not why),
        Finding("kill", kill or "none stands", "none stands", not kill),
        Finding("blocked instruments", ", ".join(f"{s} ({r})" for s, r in blocks.items()) or "none", "at least one that is free", free),
        Finding("LIVE_TRADING_ENABLED", "set" if settings.live_trading_enabled else "not set", "set, outside the embedded exchange", env),
    ]  # fmt: skip


def _feasible(db: Connection, row: StageRunRow, subject: Subject) -> Finding:
    """Return whether the stage's capital makes a whole round trip, its fee and stop included, on at least one instrument."""
    eur_ppm, said, fine = int(row.rules["fx"]["eur_ppm"]), [], 0
    capital = subject.road.working_capital(row.stage) * eur_ppm // PPM
    plan = subject.stage_plan(row.stage, eur_ppm)
    stop_ppm = plan.stop_loss_ppm or STOP_ASSUMED_PPM
    for instrument, price in last_prices(db, subject.plan.venue, subject.plan.symbols, subject.plan.timeframe):
        ask = Ask(price, stop_ppm, plan.costs.collar_ppm, plan.costs.exit_collar_ppm, plan.limits.minimum_ppm)
        found = feasible(instrument, ask, capital)
        fine += found.verdict is Feasible.EXECUTABLE
        said.append(f"{instrument.symbol} {found.verdict}" + (f" {to_text(found.smallest)}" if found.verdict is Feasible.NEEDS else ""))
    where = f"accepted_capital_eur of [road.{row.stage.lower()}]"
    todo = f"`gatehouse feasibility {subject.plan.venue} SYMBOL` names the smallest legal capital: accept it as {where}, on a new road"
    return Finding(
        f"feasible with {to_text(capital)} a position", ", ".join(said) or "nothing is stored", "at least one EXECUTABLE", fine > 0, todo
    )


def _checked(settings: Settings, venue: str) -> Finding:
    """Return whether a real venue was checked within a day, and well."""
    report, todo = check.load(settings.folder(), venue), f"`gatehouse venue check {venue}`"
    if report is None:
        return Finding("venue check", "NOT TESTED", "well, within a day", holds=False, todo=todo)
    fresh = time.time() * 1000 - report.at_ms < CHECK_AGE_MAX_MS
    return Finding("venue check", "well" if report.well else "something is wrong", "well, within a day", report.well and fresh, todo)


def _trader_finding(engine: Engine, account: str) -> Finding:
    try:
        require_trader(engine, account)
    except TraderAway as error:
        return Finding("trader", error.found, f"one of this code that answers for {account}", holds=False)
    return Finding("trader", "answers", f"one of this code that answers for {account}", holds=True)


def open_session(settings: Settings, engine: Engine, stage_run_id: str, *, probe: bool) -> str:
    """Leave the stage's session (or its probe's) requested, and return its id. Safe to repeat."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    subject = subject_of(row)
    eur_ppm = int(row.rules["fx"]["eur_ppm"])
    plan, minutes = (_probe_plan(subject, row.stage, eur_ppm), PROBE_MINUTES) if probe else (subject.stage_plan(row.stage, eur_ppm), 0)
    session_id = f"{'probe' if probe else 'stage'}-{stage_run_id}"
    length_ms = minutes * MINUTE_MS if probe else int(rules_of(subject, row.stage).hours_max * HOUR_MS)
    granted = (PROBE[0][1] * MINUTE_MS if probe else HOUR_MS) if stepped(settings, subject.plan.venue) else 0
    new = sessions.NewSession(
        session_id=session_id, mode=SessionMode.STAGE, account=row.account, venue=subject.plan.venue, stage=row.stage, plan=plan,
        instruments=(), from_ms=0, until_ms=length_ms, stop_policy=StopPolicy.FLATTEN,
        disclosures={"rehearsal": subject.sandbox, "stage_run": stage_run_id, "recipe": subject.recipe, "fx": row.rules["fx"]},
        granted_ms=granted,
    )  # fmt: skip

    def work(db: Connection) -> None:
        if sessions.create_session(db, new) and probe:
            until_ms = int(time.time() * 1000) + PROBE_PERMIT_MS
            permits.lend(db, row.account, subject.recipe, plan.recipe(subject.plan.venue), until_ms, f"probe of {stage_run_id}")
        column = "probe_session_id" if probe else "session_id"
        stage_runs.change(db, stage_run_id, status="probing" if probe else "trading", **{column: session_id})

    in_transaction(engine, work)
    return session_id


def _probe_plan(subject: Subject, stage: StageName, eur_ppm: int) -> Plan:
    """Return the plan of the probe: in and out by the clock, on the subject's first instrument, with the stage's money."""
    config = subject.plan.model_copy(update={"strategy": "metronome", "params": PROBE_PARAMS, "symbols": subject.plan.symbols[:1]})
    return Subject(subject.name, config, subject.road, subject.road_id).stage_plan(stage, eur_ppm)


def probe_part(settings: Settings, engine: Engine, stage_run_id: str, part: int) -> dict[str, Any]:
    """Let the probe go on to its next word, say it, and return what was answered; the last part ends it flat. Safe to repeat."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    assert row.probe_session_id is not None, "the probe is opened first"
    session_id = row.probe_session_id
    name, minutes, word = PROBE[part]
    _granted(settings, engine, session_id, subject_of(row).plan.venue, minutes * MINUTE_MS)
    reached(engine, [session_id], minutes * MINUTE_MS, SILENCE_S)
    said = answered(engine, told(engine, session_id, word, f"probe: {name}", f"probe {stage_run_id} {part}")) if word else "made"
    return {"part": name, "minutes": minutes, "answer": said}


def end_probe(engine: Engine, stage_run_id: str) -> str:
    """End the probe flat and return what is left; nothing is well."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    assert row.probe_session_id is not None, "the probe is opened first"
    session_id = row.probe_session_id
    in_transaction(engine, lambda db: sessions.grant(db, session_id, 0))
    left = remains(reached(engine, [session_id], 0, SILENCE_S)[0])
    in_transaction(engine, lambda db: give_back_probe(db, row))
    return left


def _granted(settings: Settings, engine: Engine, session_id: str, venue: str, length_ms: int) -> None:
    if stepped(settings, venue):
        in_transaction(engine, lambda db: sessions.grant(db, session_id, length_ms))


def stage_hour(settings: Settings, engine: Engine, stage_run_id: str, hour: int) -> Hour:
    """Let the stage go on to the end of an hour of its own time, and return how it stands; raises SessionHalted when it may not go on."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    assert row.session_id is not None, "the session is opened first"
    session_id, rules = row.session_id, StageRules(**row.rules["stage"])
    _granted(settings, engine, session_id, subject_of(row).plan.venue, hour * HOUR_MS)
    found = reached(engine, [session_id], hour * HOUR_MS, SILENCE_S)[0]
    episodes, lost = in_transaction(engine, lambda db: _standing(db, found))
    if lost >= row.loss_budget:
        raise SessionHalted("a loss within the stage's budget", f"{lost} of {row.loss_budget} account units", "it is rolled back")
    if hour >= rules.hours_min and episodes >= rules.episodes_min:
        return Hour(hour, over=True, why=f"{hour} hours and {episodes} round trips", episodes=episodes)
    ended = hour >= rules.hours_max or found.status == "finished"
    return Hour(hour, over=ended, why="its longest time is over" if ended else "", episodes=episodes)


def _standing(db: Connection, row: sessions.SessionRow) -> tuple[int, int]:
    """Return the round trips so far and the money lost so far, in account units."""
    pnl = snapshots.load_pnl(db, row.session_id)
    lost = max(row.capital - pnl[-1].equity, 0) if pnl else 0
    return snapshots.closed_episodes(db, row.session_id), lost


def end_stage(engine: Engine, stage_run_id: str) -> str:
    """End the stage's session flat and return what is left; nothing is well."""
    row = in_transaction(engine, lambda db: stage_runs.load(db, stage_run_id))
    return flatten(engine, row)


def finish(engine: Engine, stage_run_id: str, status: str, **result: Any) -> None:
    """Store how a stage run ended."""

    def work(db: Connection) -> None:
        row = stage_runs.load(db, stage_run_id)
        stage_runs.change(db, stage_run_id, status=status, result={**row.result, **result})

    in_transaction(engine, work)
