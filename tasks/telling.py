"""Telling people: one alert into the outbox, whatever the database does meanwhile."""

import structlog

from trader_core.settings import Settings

log = structlog.get_logger()


def tell(settings: Settings, kind: str, severity: str, title: str, body: str, key: str, **fields: str) -> None:
    """Leave one alert in the outbox."""
    log.warning("alert", kind=kind, severity=severity, title=title, text=body, key=key, home=str(settings.folder()), **fields)
