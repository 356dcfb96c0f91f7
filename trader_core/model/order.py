"""The life of an order, as a table.

DECIDED has no row of its own at the venue or in the journal: it is a wanted trade before the guard has spoken. INTENT and
SENDING are two committed records; UNKNOWN is any outcome that is not proven. A terminal state is left by nothing; a late
fill changes the filled quantity of a terminal order and writes an ANOMALY, not a transition.
"""

import hashlib
from enum import StrEnum
from types import MappingProxyType

from trader_core.model.errors import IllegalMove


class OrderState(StrEnum):
    """Where an order is in its life; in capitals as it is stored."""

    DECIDED = "DECIDED"
    INTENT = "INTENT"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    QUARANTINED = "QUARANTINED"
    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    CANCELING = "CANCELING"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    NOT_PLACED = "NOT_PLACED"
    ABANDONED = "ABANDONED"
    DENIED = "DENIED"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    DENY = "DENY"
    INTEND = "INTEND"
    ABANDON = "ABANDON"
    SEND = "SEND"
    ACK = "ACK"
    PART_FILL = "PART_FILL"
    FULL_FILL = "FULL_FILL"
    CANCEL = "CANCEL"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECT = "REJECT"
    LOSE = "LOSE"
    ABSENT = "ABSENT"
    GIVE_UP = "GIVE_UP"


S, E = OrderState, OrderEvent
_ON_VENUE = {
    E.ACK: S.OPEN, E.PART_FILL: S.PARTIAL, E.FULL_FILL: S.FILLED, E.CANCELED: S.CANCELED, E.EXPIRED: S.EXPIRED,
}  # fmt: skip
TABLE = MappingProxyType(
    {
        S.DECIDED: {E.DENY: S.DENIED, E.INTEND: S.INTENT},
        S.INTENT: {E.ABANDON: S.ABANDONED, E.SEND: S.SENDING},
        S.SENDING: {**_ON_VENUE, E.ABANDON: S.ABANDONED, E.REJECT: S.REJECTED, E.LOSE: S.UNKNOWN},
        S.UNKNOWN: {**_ON_VENUE, E.REJECT: S.REJECTED, E.ABSENT: S.NOT_PLACED, E.GIVE_UP: S.QUARANTINED, E.LOSE: S.UNKNOWN},
        S.QUARANTINED: {**_ON_VENUE, E.REJECT: S.REJECTED, E.ABSENT: S.NOT_PLACED},
        S.OPEN: {**_ON_VENUE, E.CANCEL: S.CANCELING, E.LOSE: S.UNKNOWN},
        S.PARTIAL: {**_ON_VENUE, E.ACK: S.PARTIAL, E.CANCEL: S.CANCELING, E.LOSE: S.UNKNOWN},
        S.CANCELING: {**_ON_VENUE, E.ACK: S.CANCELING, E.PART_FILL: S.CANCELING, E.CANCEL: S.CANCELING, E.LOSE: S.UNKNOWN},
    }
)
"""(state, event) -> state: every move that is allowed, and no other."""

TERMINAL = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.NOT_PLACED, S.ABANDONED, S.DENIED})
UNRESOLVED = frozenset({S.SENDING, S.UNKNOWN, S.QUARANTINED, S.CANCELING})
"""States in which the venue's answer is still owed; they count as exposure."""
ABSENT_FOREVER = frozenset({S.REJECTED, S.NOT_PLACED, S.ABANDONED, S.DENIED})
"""States that claim that the venue never had the order."""


def move(state: OrderState, event: OrderEvent) -> OrderState:
    """Return the state after `event`; raises IllegalMove, and changes nothing, when the table has no such move."""
    moves = TABLE.get(state, {})
    if event not in moves:
        allowed = ", ".join(sorted(moves)) or "no event: it is terminal"
        raise IllegalMove(f"for an order in {state} one of: {allowed}", event, "report this with the session's journal")
    return moves[event]


def decision_key(session_id: str, symbol: str, slot_ms: int, leg: str, attempt: int) -> str:
    """Return the key under which one decision can become an order once: unique by constraint in the database."""
    return f"{session_id}|{symbol}|{slot_ms}|{leg}|{attempt}"


def client_order_id(key: str) -> str:
    """Return the venue's client order id of a decision: deterministic, 28 characters of [a-z0-9], within MEXC's 32."""
    return "gh" + hashlib.sha256(key.encode()).hexdigest()[:26]
