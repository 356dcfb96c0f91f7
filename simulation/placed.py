"""One order as the simulated venue truly has it."""

from dataclasses import dataclass, field

from trader_core.venues.port import SendRequest, VenueOrderState, VenueTrade


@dataclass(slots=True)
class Placed:
    """One order as the venue truly has it; what it shows of it comes later."""

    request: SendRequest
    venue_order_id: str
    index: int
    at_ms: int
    visible_ms: int
    state: VenueOrderState = VenueOrderState.OPEN
    filled: int = 0
    """The true filled quantity."""
    trades: list[tuple[int, VenueTrade]] = field(default_factory=list)
    """(from when on it is shown, the trade)."""
    late: int = 0
    """Filled quantity that is kept from every report until `late_ms`."""
    late_ms: int = 0
    armed: bool = False
    """It is a stop whose trigger no price has reached."""
    blind: bool = False
    """It ended at once, and the look-up by client id finds only orders that are open."""

    @property
    def resting(self) -> bool:
        """Whether it may still fill."""
        return self.state is VenueOrderState.OPEN
