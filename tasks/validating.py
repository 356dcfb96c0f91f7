"""Validation: paper beside dry-run for 72 hours of venue time, hour by hour, with a restart drill and a kill drill inside.

Everything is a row: thresholds are registered before the start, each drill is a command recorded once, and each hour's
figures are written under their names. So a flow that dies and is run again does what is left, and nothing twice.
"""

import time
from dataclasses import replace
from typing import Any

from tasks import telling
from tasks.sessions import HOUR_MS, answered, in_transaction, reached, require_trader, stepped, told
from tasks.subjects import Subject, frozen
from trader_core.evidence.permit import Level, Permit
from trader_core.evidence.validation import Thresholds
from trader_core.evidence.verdict import Verdict
from trader_core.model.command import Command
from trader_core.model.errors import SessionHalted
from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import gates, permits, sessions, validations
from trader_core.store.database import Connection, Engine

PAPER_ACCOUNT = "paper"
MINUTE_MS = 60_000
KILL_MINUTES = 30
"""How long the kill drill holds: no order may follow it meanwhile."""
SILENCE_S = 300.0
"""A session that steps nothing for this long has stopped."""
DRILLS = ("restart", "kill")


def lock_key(validation_id: str) -> str:
    """Return the name of the lock that whoever runs a validation holds."""
    return f"validation {validation_id}"


def begin(engine: Engine, subject: Subject, validation_id: str, hours: int) -> validations.ValidationRow:
    """Register a validation with its thresholds, or find it again; the attempt is counted per recipe for ever."""
    thresholds = Thresholds()
    return in_transaction(
        engine,
        lambda db: validations.register(db, validation_id, subject.road_id, subject.recipe, hours, thresholds, subject.freeze()),
    )


def drill_at(hours: int, hour: int) -> str:
    """Return which drill follows an hour: a restart after a third, a kill after two thirds; none for a run of less than three hours."""
    if hours < len(DRILLS) + 1:
        return ""
    return {hours // 3: "restart", 2 * hours // 3: "kill"}.get(hour, "")


def open_sessions(settings: Settings, engine: Engine, validation_id: str) -> tuple[str, str]:
    """Leave the paper session and the dry run beside it requested, both in one transaction, and return their ids. Safe to repeat.

    Raises TraderAway at once when nobody would open them.
    """
    row = in_transaction(engine, lambda db: validations.load(db, validation_id))
    subject = frozen(row.subject, row.road_id)
    for account in (PAPER_ACCOUNT, subject.account):
        require_trader(engine, account)
    granted = HOUR_MS if stepped(settings, subject.plan.venue) else 0
    paper_id, dry_id = f"paper-{validation_id}", f"dry-{validation_id}"
    paper = sessions.NewSession(
        session_id=paper_id, mode=SessionMode.PAPER, account=PAPER_ACCOUNT, venue=subject.plan.venue, stage=StageName.PAPER,
        plan=subject.paper_plan(), instruments=(), from_ms=0, until_ms=row.hours * HOUR_MS, granted_ms=granted,
        disclosures={"rehearsal": subject.sandbox, "validation": validation_id, "recipe": subject.recipe},
    )  # fmt: skip
    dry = replace(paper, session_id=dry_id, mode=SessionMode.DRY_RUN, account=subject.account, beside=paper_id)

    def work(db: Connection) -> None:
        sessions.create_session(db, paper)
        sessions.create_session(db, dry)
        validations.set_sessions(db, validation_id, paper_id, dry_id)

    in_transaction(engine, work)
    return paper_id, dry_id


def to_hour(settings: Settings, engine: Engine, validation_id: str, hour: int) -> validations.ValidationRow:
    """Let both sessions go on to the end of an hour of their own time, and return the validation; raises SessionHalted, TraderAway."""
    row = in_transaction(engine, lambda db: validations.load(db, validation_id))
    _step(settings, engine, row, hour * HOUR_MS)
    return row


def _step(settings: Settings, engine: Engine, row: validations.ValidationRow, length_ms: int) -> list[sessions.SessionRow]:
    pair = [one for one in (row.paper_session_id, row.dry_session_id) if one]
    if stepped(settings, frozen(row.subject).plan.venue):
        in_transaction(engine, lambda db: [sessions.grant(db, one, length_ms) for one in pair])
    return reached(engine, pair, length_ms, SILENCE_S)


def drill(settings: Settings, engine: Engine, validation_id: str, hour: int, name: str) -> dict[str, Any]:
    """Carry a drill out at the end of an hour, on both sessions alike, and store what was answered. Safe to repeat."""
    row = in_transaction(engine, lambda db: validations.load(db, validation_id))
    if name in row.drills:
        return dict(row.drills[name])
    found = (_restart if name == "restart" else _kill)(settings, engine, row, hour)
    in_transaction(engine, lambda db: validations.add_drill(db, validation_id, name, found))
    return found


def _restart(_settings: Settings, engine: Engine, row: validations.ValidationRow, hour: int) -> dict[str, Any]:
    said = _say(engine, row, Command.RESTART, f"restart drill after hour {hour}", "restart")
    return {"hour": hour, "answers": said}


def _kill(settings: Settings, engine: Engine, row: validations.ValidationRow, hour: int) -> dict[str, Any]:
    """Kill both sessions, let them step on, and resume them; their journals show whether it held (trader_core.trader.drills)."""
    reason = f"kill drill after hour {hour}"
    said = _say(engine, row, Command.KILL, reason, "kill")
    _step(settings, engine, row, hour * HOUR_MS + KILL_MINUTES * MINUTE_MS)
    resumed = _say(engine, row, Command.RESUME, "the kill drill is over", "resume")
    return {"hour": hour, "reason": reason, "answers": [*said, *resumed]}


def _say(engine: Engine, row: validations.ValidationRow, command: Command, reason: str, name: str) -> list[str]:
    pair = [one for one in (row.paper_session_id, row.dry_session_id) if one]
    numbers = [told(engine, one, command, reason, f"{row.validation_id} {name} {one}") for one in pair]
    return [answered(engine, number) for number in numbers]


def ended(settings: Settings, engine: Engine, validation_id: str) -> validations.ValidationRow:
    """Wait for both sessions' ends and return the validation; raises SessionHalted when one did not finish."""
    row = in_transaction(engine, lambda db: validations.load(db, validation_id))
    for found in _step(settings, engine, row, 0):
        if found.status != "finished":
            raise SessionHalted(f"{found.session_id} to finish", f"{found.status}: {found.error[:200]}", "look at the trader's log")
    return row


def renew(settings: Settings, engine: Engine, validation_id: str) -> dict[str, Any]:
    """After a validation outside the road's steps: a GO renews the permit that stands, anything else takes it; both are told."""
    row = in_transaction(engine, lambda db: validations.load(db, validation_id))
    subject, now_ms = frozen(row.subject, row.road_id), int(time.time() * 1000)

    def work(db: Connection) -> Permit:
        stands = permits.permit_of(db, subject.account, subject.recipe, now_ms)
        if row.verdict == Verdict.GO and stands.level > Level.PAPER_ONLY:
            gate = gates.load_gate(db, f"g-{validation_id}")
            assert gate is not None, "a verdict has its gate"
            permits.renew(db, subject.account, subject.recipe, gate.gate_id, gate.expires_ms, "revalidation")
        elif row.verdict != Verdict.GO:
            why = f"{validation_id} says {row.verdict}"
            permits.demote(db, subject.account, subject.recipe, StageName.PAPER, "revalidation", why, now_ms, row.road_id)
        return permits.permit_of(db, subject.account, subject.recipe, now_ms)

    stands = in_transaction(engine, work)
    severity = "info" if row.verdict == Verdict.GO else "critical"
    telling.tell(
        settings, "stage", severity, f"Re-validation of {subject.name}: {row.verdict}", f"its permit is now {stands.level.name}",
        f"revalidation {validation_id}", road=row.road_id,
    )  # fmt: skip
    return {"permit": stands.level.name}
