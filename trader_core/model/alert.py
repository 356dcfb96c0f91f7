"""Alerts: what people are told, and how urgent it is. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    """Now: it is never held back."""


class AlertKind(StrEnum):
    """What an alert is about."""

    GATE = "gate"
    BREAKER = "breaker"
    KILL = "kill"
    PAUSE = "pause"
    STAGE = "stage"
    APPROVAL = "approval"
    SESSION = "session"
    CRASH = "crash"
    BOOKS = "books"
    NIGHTLY = "nightly"
    BYPASS = "bypass"
    SUMMARY = "summary"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell; two of the same key within ten minutes are one, counted."""

    kind: AlertKind
    severity: Severity
    title: str
    body: str
    key: str
    fields: tuple[tuple[str, str], ...] = ()
