"""Telling people: one alert into the outbox. Whoever tells is never kept waiting by it, and never fails because of it."""

import time

import structlog

from tasks import reach
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.errors import GatehouseError
from trader_core.settings import Settings
from trader_core.store import outbox

log = structlog.get_logger()


def tell(settings: Settings, kind: str, severity: str, title: str, body: str, key: str, **fields: str) -> None:
    """Leave one alert in the outbox; what cannot be stored is logged."""
    alert = Alert(
        AlertKind(kind), Severity(severity), title, body, key, tuple((name, str(value)) for name, value in fields.items() if value)
    )
    try:
        with reach.transaction(settings) as db:
            outbox.notify(db, alert, int(time.time() * 1000))
    except GatehouseError as error:
        log.warning("an alert could not be stored", title=title, text=body, why=str(error))
