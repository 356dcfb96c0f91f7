"""Telling people what a session's records say: kills, pauses, breaker trips, differences, ends.

Alerts are stored on a thread of their own: no order waits for one.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from trader_core.clock import WallClock
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.errors import StoreError
from trader_core.model.money import to_text
from trader_core.model.session import Refusal
from trader_core.store import database, outbox
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State

if TYPE_CHECKING:
    from trader_core.store.database import Engine

log = structlog.get_logger()

FLAGS = {
    "kill": (AlertKind.KILL, Severity.CRITICAL, "Killed"),
    "pause": (AlertKind.PAUSE, Severity.WARNING, "Paused"),
    "reduce": (AlertKind.PAUSE, Severity.WARNING, "Reducing"),
    "permit": (AlertKind.GATE, Severity.CRITICAL, "The permit is lost"),
    "dead_letter": (AlertKind.BOOKS, Severity.CRITICAL, "Something could not be explained"),
    "history": (AlertKind.BOOKS, Severity.CRITICAL, "Trades may be missing"),
    "fault": (AlertKind.BOOKS, Severity.CRITICAL, "A price lies beyond its door"),
    "key": (AlertKind.GATE, Severity.CRITICAL, "The API key may do what it should not"),
    "errors": (AlertKind.BREAKER, Severity.CRITICAL, "Calls to the exchange fail"),
    "naked": (AlertKind.SESSION, Severity.CRITICAL, "A position is without its stop"),
    "stale": (AlertKind.SESSION, Severity.WARNING, "Bars stopped arriving"),
}
"""Reasons to trade less that people are told, as they come."""


@dataclass(slots=True)
class Teller:
    """Leaves alerts in the outbox; what cannot be stored is logged, and nobody is kept waiting."""

    engine: "Engine"
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "gatehouse-alerts"))

    def tell(self, alert: Alert) -> None:
        """Hand an alert over and return at once."""
        log.warning("alert", title=alert.title, text=alert.body)
        try:
            self.thread.submit(self._store, alert).add_done_callback(_noticed)
        except RuntimeError:
            log.warning("an alert came after the end and was only logged", title=alert.title)

    def _store(self, alert: Alert) -> None:
        try:
            with database.begin(self.engine) as db:
                outbox.notify(db, alert, WallClock().now_ms())
        except StoreError as error:
            log.warning("an alert could not be stored", title=alert.title, why=type(error).__name__)

    def close(self) -> None:
        """Store what was handed over, and end."""
        self.thread.shutdown()


def _noticed(done: "Future[None]") -> None:
    error = done.exception()
    if error is not None:
        log.error("an alert was lost", why=type(error).__name__)


def log_only(alert: Alert) -> None:
    """Log an alert: nobody else listens."""
    log.warning("alert", title=alert.title, text=alert.body)


def alerts_of(state: State, records: Sequence[Record], breaker_before: int) -> list[Alert]:
    """Return what a step's records are told as; `breaker_before` is what had tripped the breaker before them."""
    found = [
        _flagged(state, record) for record in records if record.kind is Kind.FLAG and record.body["on"] and record.body["flag"] in FLAGS
    ]
    breaker = int(state.account["breaker"][0])
    if breaker and breaker != breaker_before:
        found.append(_tripped(state, breaker))
    return found


def failed(session_id: str, why: str, *, halted: bool = False) -> Alert:
    """Return what is told of a session that could not go on."""
    title = f"Session {'halted with unresolved orders' if halted else 'failed'}"
    return Alert(AlertKind.SESSION, Severity.CRITICAL, title, why, f"{session_id} ended", (("session", session_id),))


def said(session_id: str, text: str) -> Alert:
    """Return what the machine itself asks to be told."""
    return Alert(AlertKind.BOOKS, Severity.CRITICAL, "Look at a session", text, f"{session_id} {text[:80]}", (("session", session_id),))


def revised(session_id: str, text: str) -> Alert:
    """Return what is told when a venue changed a bar that a session had acted on."""
    return Alert(AlertKind.SESSION, Severity.WARNING, "A bar was revised", text, f"{session_id} revised", (("session", session_id),))


def _flagged(state: State, record: Record) -> Alert:
    flag, why = record.body["flag"], record.body["why"]
    kind, severity, title = FLAGS[flag]
    held = ", ".join(one.symbol for index, one in enumerate(state.instruments) if state.position(index))
    fields = (("session", state.session_id), ("held", held or "nothing"), ("mode", state.mode.name))
    return Alert(kind, severity, title, str(why), f"{state.session_id} {flag} {record.body['at_ms']}", fields)


def _tripped(state: State, breaker: int) -> Alert:
    account = state.account[0]
    fields = (
        ("session", state.session_id), ("equity", to_text(int(account["equity"]))), ("capital", to_text(state.plan.capital)),
        ("resets", "only by an operator" if account["breaker_latched"] else "after its cooldown"),
    )  # fmt: skip
    name = Refusal(breaker).name
    return Alert(AlertKind.BREAKER, Severity.CRITICAL, f"Circuit breaker: {name}", "Nothing new is opened; exits go on.",
                 f"{state.session_id} {name} {int(account['ts'])}", fields)  # fmt: skip
