"""The checker's own copy of the rules: an order's legal moves, the modes, what may leave in each. Nothing here comes from the product.

A rule that changes in the product has to be changed here as well, by somebody who means it.
"""

_ON_VENUE = {"ACK": "OPEN", "PART_FILL": "PARTIAL", "FULL_FILL": "FILLED", "CANCELED": "CANCELED", "EXPIRED": "EXPIRED"}
MOVES: dict[str, dict[str, str]] = {
    "INTENT": {"ABANDON": "ABANDONED", "SEND": "SENDING"},
    "SENDING": {**_ON_VENUE, "ABANDON": "ABANDONED", "REJECT": "REJECTED", "LOSE": "UNKNOWN"},
    "UNKNOWN": {**_ON_VENUE, "REJECT": "REJECTED", "ABSENT": "NOT_PLACED", "GIVE_UP": "QUARANTINED", "LOSE": "UNKNOWN"},
    "QUARANTINED": {**_ON_VENUE, "REJECT": "REJECTED", "ABSENT": "NOT_PLACED"},
    "OPEN": {**_ON_VENUE, "CANCEL": "CANCELING", "LOSE": "UNKNOWN"},
    "PARTIAL": {**_ON_VENUE, "ACK": "PARTIAL", "CANCEL": "CANCELING", "LOSE": "UNKNOWN"},
    "CANCELING": {**_ON_VENUE, "ACK": "CANCELING", "PART_FILL": "CANCELING", "CANCEL": "CANCELING", "LOSE": "UNKNOWN"},
}
"""state -> event -> state."""
ENDED = frozenset({"FILLED", "CANCELED", "EXPIRED", "REJECTED", "NOT_PLACED", "ABANDONED", "DENIED"})
ABSENT = frozenset({"REJECTED", "NOT_PLACED", "ABANDONED", "DENIED"})
"""States that claim that the venue never had the order."""
NOT_CALLED_OFF = frozenset({"INTENT", "OPEN", "PARTIAL"})
"""What cancel-all, close-all and kill leave no order in; the first and the last leave stops that rest."""
RESTS = frozenset({"OPEN", "PARTIAL"})
"""States of an order that the venue has; a stop may stay in them."""
CALLS_OFF = frozenset({"kill", "cancel_all", "close_all"})

ACTIVE, REDUCING, HALTED, KILLED = 0, 1, 2, 3
KILLING, HALTING = frozenset({"kill"}), frozenset({"start", "difference", "database", "fault", "overfill"})
TARGET, PROTECT, OPERATOR = 1, 2, 3
"""Why an order exists, as its intent says."""
BREAKER_REFUSALS = range(11, 16)


def mode_of(flags: set[str]) -> int:
    """Return the worst mode that any flag forces: one that is neither kill nor halt lets nothing new in."""
    if flags & KILLING:
        return KILLED
    if flags & HALTING:
        return HALTED
    return REDUCING if flags else ACTIVE


def allowed(mode: int, *, buys: bool, cause: int) -> bool:
    """Return whether an order may leave in a mode."""
    if buys:
        return mode == ACTIVE
    return mode <= REDUCING or cause == OPERATOR or (mode == HALTED and cause == PROTECT)
