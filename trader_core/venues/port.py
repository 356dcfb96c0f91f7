"""The Venue port: what a session needs of an exchange, whichever it is.

Every call returns values; what could not be proven is Outcome.UNKNOWN, never an exception. A venue knows nothing of
sessions, journals or limits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from trader_core.model.instrument import Instrument
from trader_core.model.session import Side

T = TypeVar("T")


class Outcome(StrEnum):
    """What one call proved."""

    OK = "OK"
    REJECTED = "REJECTED"
    """A whitelisted code says that the venue does not have the order."""
    UNKNOWN = "UNKNOWN"
    RETRYABLE_READ = "RETRYABLE_READ"
    """A read failed: it says nothing, and may be repeated."""
    NOT_FOUND = "NOT_FOUND"
    """The venue says it knows no such order *now*: no proof that it was never placed."""
    RATE = "RATE"
    AUTH = "AUTH"
    CLOCK = "CLOCK"
    RESTRICTED = "RESTRICTED"
    GATED = "GATED"
    """Our own last gate refused: proof that nothing was written to the socket."""


class VenueOrderState(StrEnum):
    """What the venue says of an order that it has."""

    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


CLOSED = frozenset({VenueOrderState.FILLED, VenueOrderState.CANCELED, VenueOrderState.EXPIRED, VenueOrderState.REJECTED})
"""States in which nothing more can fill."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One order, as journaled in SENDING: everything that goes over the wire is fixed here."""

    client_order_id: str
    symbol: str
    side: Side
    qty: int
    limit: int
    """Worst price, on the tick."""
    sent_ms: int
    """The venue's time that the signature carries."""
    window_ms: int
    """The venue refuses the request after sent_ms + window_ms."""
    order_type: str = "IOC"
    """IOC, LIMIT, MARKET, POST_ONLY or STOP."""
    trigger: int = 0
    """Of a STOP alone: the price at which the venue turns it into a limit order."""


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """What the venue reports of one order."""

    client_order_id: str
    venue_order_id: str
    state: VenueOrderState
    qty: int
    filled: int
    created_ms: int
    stop: bool = False
    """It waits for a price to be reached."""


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """One fill as the venue reports it; `trade_id` is unique per (venue, symbol)."""

    trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    qty: int
    price: int
    fee: int
    """In account units of the quote currency; 0 when it was taken in base."""
    fee_base: int
    """In units of the base currency."""
    ts_ms: int
    maker: bool = False
    fee_due: bool = False
    """The venue has not told the fee yet: `fee` and `fee_base` are the most that its schedule takes."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What a call proved, its value when it did, and the raw evidence (text without secrets, at most 2,000 characters)."""

    outcome: Outcome
    value: T | None = None
    code: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """One currency on the account; decimal texts, since a currency has no instrument's grid."""

    currency: str
    free: str
    locked: str


TRADES_MADE_HERE = -1
"""In place of how far back a venue's trades reach: it trades only while it is asked, so none can have been missed."""


class Venue(Protocol):
    """Where orders go. All coroutines; none raises for what the venue does."""

    async def submit(self, request: SendRequest) -> Reply[VenueOrder]:
        """Write the order to the venue once; only a parsed order of ours is OK, only a whitelisted code is REJECTED."""

    async def cancel(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Ask the venue to cancel."""

    async def order(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Look an order up by client id."""

    async def open_orders(self, symbol: str) -> Reply[list[VenueOrder]]:
        """Return all open orders of the account on a symbol."""

    async def trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        """Return the account's fills on a symbol since a time, oldest first, complete."""

    async def balances(self) -> Reply[list[Balance]]:
        """Return the account's balances; an empty answer is not OK."""

    async def time_ms(self) -> Reply[int]:
        """Return the venue's clock."""

    async def instruments(self, symbols: list[str]) -> Reply[list[Instrument]]:
        """Return the filters and fees of symbols, not yet frozen."""

    async def close(self) -> None:
        """Leave no socket behind."""
