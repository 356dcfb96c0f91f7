"""What happens on the exchange that a stream can tell, in the exchange's own integers: a dialect writes it for the wire. Pure."""

from enum import StrEnum
from typing import NamedTuple, Protocol

from sandbox.book import Level
from sandbox.orders import Fill, Order


class Stream(StrEnum):
    """Kinds of streams; faults name them so, as in `stream:trades`."""

    TRADES = "trades"
    KLINES = "klines"
    BOOK = "book"
    TICKER = "ticker"
    ORDERS = "orders"
    FILLS = "fills"
    ACCOUNT = "account"

    @property
    def site(self) -> str:
        """Return the name that faults know it by."""
        return f"stream:{self.value}"


class Topic(NamedTuple):
    """What one can listen to: a stream of a market or, of the private kinds, of an account; candles last `step` minutes."""

    stream: Stream
    name: str
    step: int = 0


class Cause(StrEnum):
    """Why a balance changed."""

    PLACED = "PLACED"
    FILLED = "FILLED"
    CLOSED = "CLOSED"
    PAID_IN = "PAID_IN"


class TradeSeen(NamedTuple):
    """One print of the tape."""

    name: str
    number: int
    ts_ms: int
    price: int
    qty: int
    buys: bool
    """True where the taker bought."""


class CandleSeen(NamedTuple):
    """The state of one candle: `values` are those of sandbox.market, `minute` its open counted from 1970, `step` its minutes."""

    name: str
    minute: int
    step: int
    values: tuple[int, ...]
    closed: bool
    ts_ms: int


class BookChanged(NamedTuple):
    """Levels that changed between two versions of a book; a quantity of 0 removes a level."""

    name: str
    first: int
    last: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    ts_ms: int


class QuoteSeen(NamedTuple):
    """The best bid and ask, and the last price."""

    name: str
    bid: Level
    ask: Level
    last: int
    ts_ms: int


class OrderChanged(NamedTuple):
    """An order after a change: accepted, filled (then with the fill) or closed."""

    order: Order
    fill: Fill | None = None


class BalanceChanged(NamedTuple):
    """What an account holds of a currency now, and by how much and why that changed, in ledger units."""

    account: str
    currency: str
    free: int
    locked: int
    ts_ms: int
    free_by: int = 0
    locked_by: int = 0
    cause: Cause = Cause.FILLED


Event = TradeSeen | CandleSeen | BookChanged | QuoteSeen | OrderChanged | BalanceChanged
_OF_MARKETS = {TradeSeen: Stream.TRADES, BookChanged: Stream.BOOK, QuoteSeen: Stream.TICKER}


def time_of(event: Event) -> int:
    """Return the venue's time at which an event happened."""
    return event.order.updated_ms if isinstance(event, OrderChanged) else event.ts_ms


def topics_of(event: Event) -> tuple[Topic, ...]:
    """Return what one must listen to in order to hear of an event."""
    if isinstance(event, OrderChanged):
        told = (Stream.ORDERS, Stream.FILLS) if event.fill else (Stream.ORDERS,)
        return tuple(Topic(stream, event.order.account) for stream in told)
    if isinstance(event, BalanceChanged):
        return (Topic(Stream.ACCOUNT, event.account),)
    if isinstance(event, CandleSeen):
        return (Topic(Stream.KLINES, event.name, event.step),)
    return (Topic(_OF_MARKETS[type(event)], event.name),)


class Meddler(Protocol):
    """What may go wrong between the exchange and one connection; `site` names a stream, as in `stream:trades`."""

    def deliver(self, site: str, event: Event, now_ms: int, /) -> tuple[tuple[int, Event], ...]:
        """Return what a connection gets instead of an event, each with a delay in ms of venue time; nothing loses it."""

    def silent(self, site: str, now_ms: int, /) -> bool:
        """Return whether the stream stalls while the connection lives on: what happens meanwhile is never told."""

    def cut(self, site: str, now_ms: int, /) -> int | None:
        """Return the code to close a connection with that listens to the stream, or None to leave it alone."""


class Faithful:
    """The meddler that leaves everything as it is."""

    def deliver(self, _site: str, event: Event, _now_ms: int) -> tuple[tuple[int, Event], ...]:
        """Return the event, at once."""
        return ((0, event),)

    def silent(self, _site: str, _now_ms: int) -> bool:
        """Return that no stream stalls."""
        return False

    def cut(self, _site: str, _now_ms: int) -> int | None:
        """Return that no connection is closed."""
        return None
