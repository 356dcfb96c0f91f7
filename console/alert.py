"""`gatehouse alert`: whether alerts arrive, and which wait."""

import time
from importlib import import_module
from typing import Annotated

import typer

from console import options, reach, show
from trader_core.model.errors import BadInput, VenueUnavailable

alert_app = typer.Typer(no_args_is_help=True, help="Alerts: send one as a test, list them.")
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(alert_app, name="alert")


@alert_app.command("test")
def try_now(*, as_json: AsJson = False) -> None:
    """Send one alert now, past the outbox, and say whether it arrived."""
    from trader_core.model.alert import Alert, AlertKind, Severity

    settings, slack = options.settings(), import_module("tasks.slack")
    address = slack.webhook(settings)
    if not address:
        raise BadInput("a Slack webhook", "none is known", "`gatehouse credentials set slack`, or GATEHOUSE_SLACK_WEBHOOK")
    if address == slack.SINK:
        raise BadInput(
            "a Slack webhook", "the local sink: alerts go to alerts.jsonl of the home folder", "set a webhook to test Slack itself"
        )
    alert = Alert(AlertKind.TEST, Severity.INFO, "Gatehouse can reach you", "This is a test: nothing has happened.", "test")
    with show.working("Asking Slack"):
        said = slack.send(address, alert, when_ms=int(time.time() * 1000))
    if said.error:
        raise VenueUnavailable(
            "Slack to take an alert", said.error, "check the webhook and the connection; alerts wait in the outbox meanwhile"
        )
    show.answer({"delivered": True}, as_json=as_json)


@alert_app.command("list")
def list_(
    *,
    state: Annotated[str, typer.Option(help="waiting, sent, suppressed or failed; empty: all.")] = "",
    limit: Annotated[int, typer.Option(help="How many, 1 to 1000.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest alerts and what became of them."""
    options.between("--limit", limit, 1, 1000)
    if state not in {"", "waiting", "sent", "suppressed", "failed"}:
        raise BadInput("a state of waiting, sent, suppressed, failed", repr(state)[:40], "choose one of them")
    outbox = import_module("trader_core.store.outbox")
    with reach.database(options.settings()) as server, reach.connection(server, "api") as db:
        found = outbox.newest(db, limit, state)
    lines = [
        {"id": row.alert_id, "when": show.moment(row.created_ms), "severity": str(row.alert.severity), "state": row.state,
         "times": row.repeats, "title": row.alert.title, "body": row.alert.body, "error": row.error}
        for row in found
    ]  # fmt: skip
    if as_json:
        show.answer({"alerts": lines}, as_json=True)
        return
    columns = ["id", "when", "severity", "state", "times", "title", "error"]
    show.rows("Alerts" if lines else "No alerts", columns, [[line[name] for name in columns] for line in lines])
