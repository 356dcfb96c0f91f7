"""Hurry: a cancel is waited for less long than anything else, and so is the look after it, so that a lost one is soon asked again. Pure."""

from dataclasses import dataclass, field

from trader_core.venues.port import CLOSED, VenueOrder

ROUNDS = 3
"""After so many cancels of one order the time doubles: a venue that is only slow is never given up."""


@dataclass(slots=True)
class Hurry:
    """How long to wait for calls about orders that are being cancelled; `longest_s` is what any other call may take."""

    first_s: float
    longest_s: float
    tries: dict[str, int] = field(default_factory=dict)
    """How often each order has been asked to end since it was last seen open for good or closed."""

    def again(self, client_order_id: str) -> float:
        """Count one more cancel of an order, and return how long to wait for it."""
        self.tries[client_order_id] = self.tries.get(client_order_id, 0) + 1
        return self.wait_s(client_order_id)

    def wait_s(self, client_order_id: str) -> float:
        """Return how long to wait for an answer about an order: 0 leaves it to the client, for one that nobody cancels."""
        tries = self.tries.get(client_order_id, 0)
        return min(self.first_s * 2.0 ** min((tries - 1) // ROUNDS, 10), self.longest_s) if tries else 0.0

    def seen(self, order: VenueOrder) -> None:
        """Forget an order that has ended."""
        if order.state in CLOSED:
            self.tries.pop(order.client_order_id, None)
