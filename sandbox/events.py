"""What happens on the exchange that a stream can tell, in the exchange's own integers: a dialect writes it for the wire. Pure."""

from enum import StrEnum
from typing import NamedTuple

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
    """What an account holds of a currency now, in ledger units."""

    account: str
    currency: str
    free: int
    locked: int
    ts_ms: int


Event = TradeSeen | CandleSeen | BookChanged | QuoteSeen | OrderChanged | BalanceChanged
