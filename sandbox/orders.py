"""Orders, fills and refusals of the embedded exchange, as values."""

from dataclasses import dataclass
from enum import StrEnum

from trader_core.model.errors import VenueRefused

BUY, SELL = 1, -1


class Kind(StrEnum):
    """Order types, as MEXC names them, and stops, as Binance does."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    IOC = "IMMEDIATE_OR_CANCEL"
    FOK = "FILL_OR_KILL"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


STOPS = frozenset({Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT, Kind.TAKE_PROFIT, Kind.TAKE_PROFIT_LIMIT})
"""Kinds that wait until the last price reaches their trigger."""
AT_MARKET = frozenset({Kind.MARKET, Kind.STOP_LOSS, Kind.TAKE_PROFIT})
"""Kinds without a limit of their own."""
TAKES_ONLY = AT_MARKET | {Kind.IOC, Kind.FOK}
"""Kinds that never rest in the book."""


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"


OPEN = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


class No(StrEnum):
    """Why the exchange refuses; the dialect turns it into a code."""

    SYMBOL = "SYMBOL"
    FUNDS = "FUNDS"
    LOT = "LOT"
    TICK = "TICK"
    QTY_ZERO = "QTY_ZERO"
    QTY_MIN = "QTY_MIN"
    NO_QTY = "NO_QTY"
    NOTIONAL_MIN = "NOTIONAL_MIN"
    NOTIONAL_MAX = "NOTIONAL_MAX"
    NO_ORDER = "NO_ORDER"
    NOT_CANCELABLE = "NOT_CANCELABLE"
    DUPLICATE = "DUPLICATE"
    WOULD_TAKE = "WOULD_TAKE"
    PARAMETER = "PARAMETER"
    ILLEGAL = "ILLEGAL"
    PRECISION = "PRECISION"
    REPEATED = "REPEATED"
    KEY = "KEY"
    SIGNATURE = "SIGNATURE"
    TIMESTAMP = "TIMESTAMP"
    LISTEN_KEY = "LISTEN_KEY"
    RATE = "RATE"
    WOULD_TRIGGER = "WOULD_TRIGGER"
    TOO_MANY = "TOO_MANY"
    BAND = "BAND"
    HALTED = "HALTED"


class Refused(VenueRefused):
    """The exchange says no; nothing was changed."""

    def __init__(self, why: No, detail: str = "") -> None:
        """Keep the reason for the dialect."""
        self.why, self.detail = why, detail
        super().__init__("a request within the exchange's rules", f"{why} {detail}".strip(), "correct the request")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asks for; quantities in lots, prices in ticks, `quote_qty` in ledger units of the quote."""

    symbol: str
    side: int
    kind: Kind
    qty: int = 0
    price: int = 0
    quote_qty: int = 0
    client_id: str = ""
    stop: int = 0
    """The trigger of a stop; 0 for every other kind."""

    @property
    def falls_to(self) -> bool:
        """Return whether a stop is triggered by a price at or below its trigger, and not at or above it."""
        return (self.kind in (Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT)) == (self.side == SELL)


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order; every change makes a new one. Money counts ledger units."""

    number: int
    account: str
    asked: NewOrder
    qty: int
    price: int
    """The limit; of an order at market its protection price."""
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    filled: int = 0
    cost: int = 0
    fee: int = 0
    """Paid in quote or base; a third currency's fees stand in the fills alone."""
    fee_raw: int = 0
    """Sum of cost times ppm, before the one rounding."""
    locked: int = 0
    working_ms: int = 0
    """Since when it trades; 0 while a stop waits for its trigger."""
    self_met: bool = False
    """True where it ended because it met an order of its own account."""

    @property
    def is_waiting(self) -> bool:
        """Return whether it is a stop that has not been triggered yet."""
        return self.asked.kind in STOPS and not self.working_ms

    @property
    def id(self) -> str:
        """Return the exchange's id of the order."""
        return f"C02__{self.number}"

    @property
    def remaining(self) -> int:
        """Return the lots not filled."""
        return self.qty - self.filled


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; `cost` in ledger units of the quote, `fee` in those of `fee_currency`."""

    trade_id: str
    order_number: int
    account: str
    symbol: str
    client_id: str
    side: int
    qty: int
    price: int
    cost: int
    fee: int
    ts_ms: int
    maker: bool
    fee_currency: str = ""
    number: int = 0
    """Counts the fills of all accounts, from 1."""

    @property
    def order_id(self) -> str:
        """Return the exchange's id of the order that was filled."""
        return f"C02__{self.order_number}"
