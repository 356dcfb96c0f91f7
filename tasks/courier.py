"""The courier: `python -m tasks.courier` delivers what lies in the outbox, once a second; never in the order path.

An alert is marked as sent after Slack has taken it: a courier that dies in between delivers it again. At most twelve a minute
go out; what is not critical beyond that is held back and counted.
"""

import argparse
import json
import os
import signal
import threading
import time
from pathlib import Path

import structlog

from tasks import reach, slack
from trader_core import config as configuration
from trader_core.log import configure
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.errors import BadInput, DatabaseAway
from trader_core.settings import Settings
from trader_core.store import outbox
from trader_core.store.database import Engine, begin
from trader_core.store.outbox import OutboxRow

log = structlog.get_logger()

ROUND_S, AWAY_S = 1.0, 2.0
PER_MINUTE = 12


def deliver(engine: Engine, settings: Settings) -> int:
    """Deliver what is due and return how many were; without a webhook everything waits."""
    address = slack.webhook(settings)
    if not address or not configuration.read(settings.folder()).slack.enabled:
        return 0
    now_ms, done, held = int(time.time() * 1000), 0, 0
    with begin(engine) as db:
        left = PER_MINUTE - outbox.sent_since(db, 60)
    while True:
        with begin(engine) as db:
            rows = outbox.due(db, now_ms, 1)
            if not rows:
                break
            row = rows[0]
            if left <= 0 and row.alert.severity is not Severity.CRITICAL:
                outbox.suppressed(db, row.alert_id, f"more than {PER_MINUTE} a minute")
                held += 1
                continue
            said = _handed(address, settings.folder(), row)
            if said.error:
                outbox.failed(db, row, said.error, now_ms, said.after_ms)
                log.warning("an alert was not taken", alert=row.alert_id, text=said.error)
                break
            outbox.sent(db, row.alert_id)
        left, done = left - 1, done + 1
    if held:
        text = "They came faster than they are sent. `gatehouse alert list --state suppressed` shows them."
        summary = Alert(AlertKind.SUMMARY, Severity.CRITICAL, f"{held} alerts were held back", text, f"held back {now_ms}")
        with begin(engine) as db:
            outbox.notify(db, summary, now_ms)
    return done


def _handed(address: str, home: Path, row: OutboxRow) -> slack.Sent:
    if address != slack.SINK:
        return slack.send(address, row.alert, row.repeats, row.created_ms)
    line = {"title": row.alert.title, "severity": row.alert.severity, "blocks": slack.blocks_of(row.alert, row.repeats, row.created_ms)}
    try:
        with (home / "alerts.jsonl").open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        return slack.Sent(f"alerts.jsonl: {error.strerror}")
    return slack.Sent()


def main() -> None:
    """Deliver until SIGTERM, or until the parent is gone."""
    options = argparse.ArgumentParser(prog="python -m tasks.courier", description="Delivers alerts from the outbox to Slack.")
    options.add_argument("--parent", type=int, default=0, help="stop when this process is gone; 0: run until a signal")
    parent = options.parse_args().parent
    settings, over = Settings(), threading.Event()
    configure(settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    while not over.is_set() and (not parent or os.getppid() == parent):
        try:
            with reach.engine(settings) as engine:
                while not over.wait(ROUND_S) and (not parent or os.getppid() == parent):
                    deliver(engine, settings)
        except DatabaseAway as error:
            log.warning("the outbox cannot be read", text=str(error))
            over.wait(AWAY_S)
        except BadInput as error:
            log.warning("alerts wait", text=str(error))
            over.wait(60 * AWAY_S)


if __name__ == "__main__":
    main()
