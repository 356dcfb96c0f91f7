"""Slack: an alert as blocks that read well on a phone, and one way to send them. The webhook's address is a secret."""

import json
import logging
import os
import re
import stat
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from trader_core.model.alert import Alert, Severity
from trader_core.model.errors import BadInput
from trader_core.settings import Settings

TIMEOUT_S = 10
SINK = "sink"
HOST = "hooks.slack.com"
MARKS = {Severity.INFO: "🟢", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
OK, TOO_MANY = 200, 429
MUTE = logging.getLogger("gatehouse.slack.mute")
"""The client logs errors whose text may hold the address: nobody hears it."""
MUTE.disabled = True
WAIT_MAX_S = 3600
"""A receiver that asks for more is tried again after this."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one try to deliver gave: `error` is empty when it arrived; `after_ms` is how long the receiver asks to wait."""

    error: str = ""
    after_ms: int = 0


def webhook(settings: Settings) -> str:
    """Return where alerts go: the environment's word, or the file's; empty when nobody said. Raises BadInput for a wrong address.

    Neither the address nor a part of it is in any error.
    """
    given = (
        settings.slack_webhook.get_secret_value() if settings.slack_webhook else _from_file(settings.folder() / "secrets" / "slack.json")
    )
    if given in {"", SINK}:
        return given
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = urlsplit("")
    real = parts.scheme == "https" and parts.hostname == HOST
    loopback = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not (real or loopback):
        raise BadInput(f"a Slack webhook: an https address at {HOST}", "another address", "`gatehouse credentials set slack`")
    return given


def _from_file(path: Path) -> str:
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - the file's own rights
        if mode & 0o077:
            raise BadInput(f"{path} readable by you alone (0600)", oct(mode), f"chmod 600 {path}")
        return str(json.loads(path.read_text())["webhook"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f'{path} as {{"webhook": address}}', type(error).__name__, "`gatehouse credentials set slack`") from error


def blocks_of(alert: Alert, repeats: int = 1, when_ms: int = 0) -> list[dict[str, Any]]:
    """Return an alert as Slack's blocks, within Slack's limits on lengths."""
    times = f" ({repeats} times)" if repeats > 1 else ""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{MARKS[alert.severity]} {alert.title}{times}"[:150], "emoji": True}},
        {"type": "section", "text": {"type": "mrkdwn", "text": alert.body[:2900] or "no further words"}},
    ]
    fields = [{"type": "mrkdwn", "text": f"*{name}*\n{value}"[:1900]} for name, value in alert.fields if value][:10]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(when_ms / 1000 if when_ms else time.time()))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"{alert.kind} · {alert.severity} · {when}"}]})
    return blocks


def send(address: str, alert: Alert, repeats: int = 1, when_ms: int = 0) -> Sent:
    """Post an alert and return what became of it; whatever goes wrong is a value that does not hold the address."""
    try:
        client = WebhookClient(address, timeout=TIMEOUT_S, retry_handlers=[], logger=MUTE)
        answer = client.send(text=f"{alert.title}: {alert.body}"[:300], blocks=blocks_of(alert, repeats, when_ms))
    except (OSError, ValueError, HTTPException, SlackClientError) as error:
        return Sent(type(error).__name__)  # its text may hold the address, or a part of it
    if answer.status_code == OK and answer.body == "ok":
        return Sent()
    wait = answer.headers.get("Retry-After") or answer.headers.get("retry-after") or "0"
    after_ms = min(int(wait), WAIT_MAX_S) * 1000 if re.fullmatch(r"[0-9]{1,9}", str(wait)) else 0
    code = str(answer.body) if re.fullmatch(r"[a-z_]{1,60}", str(answer.body)) else "no code of Slack's"
    return Sent(f"HTTP {answer.status_code}: {code}", after_ms)
