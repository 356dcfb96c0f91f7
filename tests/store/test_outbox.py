"""The outbox in a real PostgreSQL: a repeat counts, the urgent goes first, and no secret is stored."""

from dataclasses import replace

from sqlalchemy import text

from tests.conftest import Database
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.store import outbox
from trader_core.store.database import begin

T0 = 1_672_531_200_000
TOLD = Alert(AlertKind.TEST, Severity.INFO, "a title", "a body", "key-1")


def test_a_repeat_within_ten_minutes_only_counts(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        first = outbox.notify(db, TOLD, T0)
        assert outbox.notify(db, TOLD, T0 + 599_999) == first
        assert outbox.notify(db, replace(TOLD, key="key-2"), T0) != first
        later = outbox.notify(db, TOLD, T0 + 600_000)
        assert later != first
        repeats = {row.alert_id: row.repeats for row in outbox.newest(db)}
        assert repeats[first] - repeats[later] == 1
        assert outbox.counts(db) == {"waiting": 3}


def test_the_most_urgent_goes_first_and_what_was_sent_is_not_due(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        for severity in (Severity.INFO, Severity.WARNING, Severity.CRITICAL):
            outbox.notify(db, replace(TOLD, severity=severity, key=severity), T0)
        found = outbox.due(db, T0)
        assert [row.alert.severity for row in found] == ["critical", "warning", "info"]
        outbox.sent(db, found[0].alert_id)
        assert [row.alert.severity for row in outbox.due(db, T0)] == ["warning", "info"]


def test_a_failed_try_waits_two_seconds(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        outbox.notify(db, TOLD, T0)
        outbox.failed(db, outbox.due(db, T0)[0], "away", T0)
        assert outbox.due(db, T0 + 1_999) == []
        assert [row.tries for row in outbox.due(db, T0 + 2_000)] == [1]


def test_no_secret_is_stored(database: Database) -> None:
    leak = "password=hunter2"
    with begin(database.engine("flow")) as db:
        outbox.notify(db, replace(TOLD, title=leak, body=leak, fields=(("url", "postgres://ana:hunter2@host/db"),)), T0)
        outbox.failed(db, outbox.due(db, T0)[0], leak, T0)
        stored = str(db.execute(text("select outbox::text from outbox")).scalar_one())
    assert "hunter2" not in stored
    assert stored.count("[hidden]") == 4
