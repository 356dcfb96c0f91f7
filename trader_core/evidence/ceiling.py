"""How far a permit reaches on a venue that can do less: what it cannot prove caps the level, with a reason each. Pure."""

from enum import StrEnum
from typing import NamedTuple

from trader_core.evidence.permit import Level


class ClientIds(StrEnum):
    """What a venue makes of our client order ids."""

    OPEN_UNIQUE = "open_unique"
    """No two open orders share one."""
    FOREVER_UNIQUE = "forever_unique"
    ECHO_ONLY = "echo_only"
    """They come back on orders and trades, and nothing keeps two orders apart."""
    NONE = "none"


class Capabilities(NamedTuple):
    """What bears on the proof of an order's fate."""

    client_ids: ClientIds = ClientIds.OPEN_UNIQUE
    lookup: bool = True
    """An order is found by its client id, also when it has ended."""
    validity_window: bool = True
    """A request is refused once its window has passed."""


def ceiling(found: Capabilities) -> tuple[Level, tuple[str, ...]]:
    """Return the highest level that a venue allows, and why it is not FULL."""
    table = (
        (found.client_ids is not ClientIds.NONE, Level.PAPER_ONLY, "it carries no client ids: an order cannot be told from another"),
        (found.client_ids is not ClientIds.ECHO_ONLY, Level.LIMITED, "it keeps no two orders of one client id apart"),
        (found.lookup, Level.PAPER_ONLY, "an order that has ended is not found by its client id: how it ended is not proven"),
        (found.validity_window, Level.LIMITED, "a request is good for ever: that an order was never placed is not provable"),
    )
    low = [(level, why) for fine, level, why in table if not fine]
    return min((level for level, _ in low), default=Level.FULL), tuple(why for _, why in low)
