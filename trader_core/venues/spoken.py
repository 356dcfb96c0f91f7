"""What streams say, checked: names of streams, and one value for each thing that may be heard on them. Pure."""

from enum import StrEnum
from typing import NamedTuple

from trader_core.venues.marketdata import Book

Row = tuple[int, int, int, int, int, int]
"""A bar as in model.bar.BAR: open time, open, high, low, close, volume."""
AHEAD_MS = 5_000
"""How far an event may lie ahead of what we think the venue's clock shows."""


class Kind(StrEnum):
    """Kinds of streams."""

    TRADES = "trades"
    KLINES = "klines"
    BOOK = "book"
    ORDERS = "orders"
    FILLS = "fills"
    BALANCE = "balance"


PRIVATE = (Kind.ORDERS, Kind.FILLS, Kind.BALANCE)


class Name(NamedTuple):
    """One stream; those of the account have no symbol."""

    kind: Kind
    symbol: str = ""

    def __str__(self) -> str:
        """Return it as people read it: trades BTC/USDT."""
        return f"{self.kind} {self.symbol}".strip()


class Print(NamedTuple):
    """One trade of the tape, on the instrument's grids; `number` is the venue's own count, -1 where it keeps none."""

    ts_ms: int
    number: int
    price: int
    qty: int


class Traded(NamedTuple):
    """Trades of a symbol."""

    symbol: str
    event_ms: int
    prints: tuple[Print, ...]

    @property
    def name(self) -> Name:
        """Return the stream that says it."""
        return Name(Kind.TRADES, self.symbol)


class Candle(NamedTuple):
    """How far a symbol's bar has come. Whether it is closed is never believed: the venue's clock decides that."""

    symbol: str
    event_ms: int
    row: Row

    @property
    def name(self) -> Name:
        """Return the stream that says it."""
        return Name(Kind.KLINES, self.symbol)


class Moved(NamedTuple):
    """A symbol's book moved by the changes numbered from `first` to `last`."""

    symbol: str
    event_ms: int
    first: int
    last: int

    @property
    def name(self) -> Name:
        """Return the stream that says it."""
        return Name(Kind.BOOK, self.symbol)


class Depth(NamedTuple):
    """A symbol's book after it moved."""

    symbol: str
    event_ms: int
    book: Book

    @property
    def name(self) -> Name:
        """Return the stream that says it."""
        return Name(Kind.BOOK, self.symbol)


class Stirred(NamedTuple):
    """Something happened on the account: a reason to look, and no more than that."""

    kind: Kind
    event_ms: int

    @property
    def name(self) -> Name:
        """Return the stream that says it."""
        return Name(self.kind)


Said = Traded | Candle | Moved | Depth | Stirred
