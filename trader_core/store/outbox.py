"""The outbox: alerts wait here until somebody has them; repeats are counted, failures tried again, and nothing is lost."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.log import clean_text
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.store.database import translated
from trader_core.store.road_tables import OUTBOX

REPEAT_MS = 600_000
TRIES_MAX = 20
BACKOFF_MS, BACKOFF_MAX_MS = 2_000, 3_600_000


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One alert that waits, or has ended; `state` is waiting, sent, suppressed or failed."""

    alert_id: int
    alert: Alert
    state: str
    repeats: int
    tries: int
    error: str
    created_ms: int


def notify(db: Connection, alert: Alert, now_ms: int) -> int:
    """Leave an alert in the outbox, without secrets, and return its number; a repeat within ten minutes only counts."""
    table, key = OUTBOX.c, clean_text(alert.key)[:300]
    recent = select(table.alert_id).where(table.dedup_key == key, table.severity == alert.severity, table.created_ms > now_ms - REPEAT_MS)
    with translated():
        number = db.execute(recent.order_by(table.created_ms.desc()).limit(1)).scalar_one_or_none()
        if number is not None:
            db.execute(update(OUTBOX).where(table.alert_id == number).values(repeats=table.repeats + 1))
            return int(number)
        values = {
            "kind": alert.kind, "severity": alert.severity, "dedup_key": key, "title": clean_text(alert.title)[:200],
            "body": clean_text(alert.body)[:2000], "fields": [[name, clean_text(value)[:500]] for name, value in alert.fields],
            "created_ms": now_ms, "next_try_ms": now_ms,
        }  # fmt: skip
        return int(db.execute(insert(OUTBOX).values(values).returning(table.alert_id)).scalar_one())


def due(db: Connection, now_ms: int, limit: int = 20) -> list[OutboxRow]:
    """Return the alerts whose time has come, the most urgent first, locked for this transaction: two couriers never share one."""
    table = OUTBOX.c
    urgent = func.array_position(["critical", "warning", "info"], table.severity)
    query = select(OUTBOX).where(table.state == "waiting", table.next_try_ms <= now_ms).order_by(urgent, table.alert_id)
    with translated():
        return [_row(row) for row in db.execute(query.limit(limit).with_for_update(skip_locked=True)).mappings()]


def sent(db: Connection, alert_id: int) -> None:
    """Mark an alert as delivered."""
    _change(db, alert_id, state="sent", error="", sent_at=func.now())


def suppressed(db: Connection, alert_id: int, why: str) -> None:
    """Mark an alert as held back: it is counted in a later one."""
    _change(db, alert_id, state="suppressed", error=why[:300])


def failed(db: Connection, row: OutboxRow, error: str, now_ms: int, after_ms: int = 0) -> None:
    """Count a try that failed and set the next one, ever later; after many tries the alert stays, as failed, with its error."""
    wait = max(after_ms, min(BACKOFF_MS * 2**row.tries, BACKOFF_MAX_MS))
    state = "failed" if row.tries + 1 >= TRIES_MAX else "waiting"
    _change(db, row.alert_id, state=state, tries=row.tries + 1, next_try_ms=now_ms + wait, error=clean_text(error)[:300])


def sent_since(db: Connection, since_seconds: int) -> int:
    """Return how many alerts were delivered in the last seconds."""
    table = OUTBOX.c
    moment = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, since_seconds)
    return int(db.execute(select(func.count()).select_from(OUTBOX).where(table.state == "sent", table.sent_at > moment)).scalar_one())


def counts(db: Connection) -> dict[str, int]:
    """Return how many alerts are in each state."""
    query = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
    return {str(state): int(count) for state, count in db.execute(query)}


def newest(db: Connection, limit: int = 20, state: str = "") -> list[OutboxRow]:
    """Return the newest alerts, of one state or of all."""
    query = select(OUTBOX).order_by(OUTBOX.c.alert_id.desc()).limit(limit)
    return [_row(row) for row in db.execute(query.where(OUTBOX.c.state == state) if state else query).mappings()]


def _change(db: Connection, alert_id: int, **values: Any) -> None:
    with translated():
        db.execute(update(OUTBOX).where(OUTBOX.c.alert_id == alert_id).values(**values))


def _row(row: RowMapping) -> OutboxRow:
    fields = tuple((str(name), str(value)) for name, value in row["fields"])
    alert = Alert(AlertKind(row["kind"]), Severity(row["severity"]), row["title"], row["body"], row["dedup_key"], fields)
    return OutboxRow(row["alert_id"], alert, row["state"], row["repeats"], row["tries"], row["error"], row["created_ms"])
