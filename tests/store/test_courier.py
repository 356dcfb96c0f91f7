"""The courier with a real outbox and a receiver on a real socket: nothing is lost, nobody is flooded, one bad answer stops nothing."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks import courier
from tests.conftest import Database
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.settings import Settings
from trader_core.store import outbox
from trader_core.store.database import begin

FILE = "gatehouse.toml"


@dataclass
class Receiver:
    """What stands in for Slack: it keeps what it was sent and answers as it is told."""

    port: int = 0
    answers: list[tuple[int, str]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, text = found.answers.pop(0) if found.answers else (200, "ok")
            if status == 200:
                found.taken.append(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def settings(home: Path, receiver: Receiver) -> Settings:
    return Settings(home=home, slack_webhook=SecretStr(f"http://127.0.0.1:{receiver.port}/services/T0/B0"))


def told(database: Database, count: int, severity: Severity = Severity.WARNING) -> None:
    with begin(database.engine("flow")) as db:
        for number in range(count):
            outbox.notify(db, Alert(AlertKind.TEST, severity, f"alert {number}", "", f"{severity} {number}"), int(time.time() * 1000) - 1)


def states(database: Database) -> dict[str, int]:
    with begin(database.engine("flow")) as db:
        return outbox.counts(db)


def titles(receiver: Receiver) -> list[str]:
    return [body["text"] for body in receiver.taken]


def test_what_waits_is_delivered_once(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    told(database, 2)
    engine = database.engine("flow")
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 2
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 0
    assert (len(receiver.taken), states(database)) == (2, {"sent": 2})


def test_a_receiver_that_refuses_loses_nothing_and_is_tried_later(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    told(database, 1)
    receiver.answers = [(500, "server_error")]
    engine = database.engine("flow")
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 0
    with begin(engine) as db:
        row = outbox.newest(db)[0]
        assert (row.state, row.tries, row.error) == ("waiting", 1, "HTTP 500: server_error")
        assert outbox.due(db, int(time.time() * 1000)) == [], "later, not at once"
        assert len(outbox.due(db, int(time.time() * 1000) + 3_600_000)) == 1


def test_beyond_twelve_a_minute_warnings_are_held_back_and_that_is_told_and_critical_ones_go(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    """Thirty warnings and three critical ones: the critical ones go first and count, so that nine warnings follow and 21 are held."""
    told(database, 30)
    told(database, 3, Severity.CRITICAL)
    engine = database.engine("flow")
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 12
    assert states(database) == {"sent": 12, "suppressed": 21, "waiting": 1}
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 1
    assert titles(receiver)[-1].startswith("21 alerts were held back")


def test_without_a_webhook_or_switched_off_everything_waits(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    told(database, 1)
    engine = database.engine("flow")
    assert courier.deliver(engine, Settings(home=tmp_path)) == 0
    (tmp_path / FILE).write_text("[slack]\nenabled = false\n")
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 0
    assert (receiver.taken, states(database)) == ([], {"waiting": 1})
    (tmp_path / FILE).unlink()
    assert courier.deliver(engine, settings(tmp_path, receiver)) == 1


def test_a_sink_that_cannot_be_written_is_a_failed_try_and_no_end(database: Database, tmp_path: Path) -> None:
    told(database, 1)
    (tmp_path / "alerts.jsonl").mkdir()
    sink = Settings(home=tmp_path, slack_webhook=SecretStr("sink"))
    assert courier.deliver(database.engine("flow"), sink) == 0
    with begin(database.engine("flow")) as db:
        assert outbox.newest(db)[0].error == "alerts.jsonl: Is a directory"


def test_after_twenty_tries_an_alert_stays_listed_as_failed(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    told(database, 1)
    with begin(database.engine("flow")) as db:
        for _ in range(outbox.TRIES_MAX):
            outbox.failed(db, outbox.newest(db)[0], "HTTP 500", 0)
    assert courier.deliver(database.engine("flow"), settings(tmp_path, receiver)) == 0
    assert (receiver.taken, states(database)) == ([], {"failed": 1})


def test_the_more_urgent_of_one_cause_is_not_swallowed_by_the_other(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        info = Alert(AlertKind.TEST, Severity.INFO, "well", "", "one cause")
        assert outbox.notify(db, info, 1) == outbox.notify(db, info, 2)
        outbox.notify(db, Alert(AlertKind.TEST, Severity.CRITICAL, "not well", "", "one cause"), 3)
        assert [row.alert.title for row in outbox.newest(db)] == ["not well", "well"]
