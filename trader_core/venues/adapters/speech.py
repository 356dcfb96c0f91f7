"""What a venue's streams must be able to say, so that the feed need not know which protocol it hears. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_from, qty_from
from trader_core.venues import marketdata
from trader_core.venues.fields import market_id, text
from trader_core.venues.spoken import AHEAD_MS, Print, Row, Said

_COUNT_MAX = 2**63


class Speech(ABC):
    """One venue's streams. Messages that cannot be vouched for raise DataFault; those that say nothing are None."""

    hook: str
    """The client's own method that every decoded message passes."""
    per_line: int
    """How many streams one connection may carry."""
    calls: frozenset[tuple[str, str]]
    """Method and path of every request that a client of streams makes beside its sockets."""
    words: frozenset[str]
    """Methods that may be said over a socket: none of them places an order."""
    intervals: Mapping[str, str]
    """The venue's names of timeframes."""

    @abstractmethod
    def tune(self, options: dict[str, Any], speed: float) -> None:
        """Set what the client needs to know of connections and keys; `speed` is that of the venue's clock."""

    @abstractmethod
    def said(self, message: object, known: Mapping[str, Instrument], timeframe: str, step_ms: int, now_ms: int) -> Said | None:
        """Return what a message says of instruments known by the venue's names."""

    def market(self, instrument: Instrument) -> dict[str, Any]:
        """Return an instrument as the client keeps it, so that it loads no markets by itself."""
        name = market_id(instrument)
        return {
            "id": name, "lowercaseId": name.lower(), "symbol": instrument.symbol, "base": instrument.base, "quote": instrument.quote,
            "baseId": instrument.base, "quoteId": instrument.quote, "type": "spot", "spot": True, "margin": False, "swap": False,
            "future": False, "option": False, "contract": False, "linear": None, "inverse": None, "settle": None, "active": True,
        }  # fmt: skip


def instrument_of(known: Mapping[str, Instrument], name: object) -> Instrument:
    """Return the instrument that a message is about; raises DataFault for one that nobody asked for."""
    found = known.get(name) if isinstance(name, str) else None
    if found is None:
        raise DataFault(f"a message about {', '.join(known)}", repr(name)[:60], "listen again")
    return found


def moment(value: object, now_ms: int) -> int:
    """Return the time of an event; raises DataFault unless it is a number that does not lie in the future."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= now_ms + AHEAD_MS:
        raise DataFault(f"an event up to {now_ms}", repr(value)[:60], "listen again")
    return value


def count(value: object, what: str) -> int:
    """Return a number that counts something; raises DataFault otherwise."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _COUNT_MAX:
        raise DataFault(f"{what} as a count", repr(value)[:60], "listen again")
    return value


def candle(fields: list[object], instrument: Instrument, step_ms: int, now_ms: int) -> Row:
    """Return one bar of time, open, high, low, close and volume; raises DataFault as for a bar that REST tells."""
    found = marketdata.bars([fields], instrument, step_ms, 0, now_ms + AHEAD_MS)[0]
    ts, open_, high, low, close, volume = (int(found[name]) for name in ("ts", "open", "high", "low", "close", "volume"))
    return ts, open_, high, low, close, volume


def trade(row: dict[str, Any], instrument: Instrument, ts_ms: int, number: int, keys: tuple[str, str]) -> Print:
    """Return one trade whose price and quantity stand under two keys; raises DataFault when they are off the grids."""
    price, qty = price_from(instrument, text(row, keys[0])), qty_from(instrument, text(row, keys[1]))
    if qty == 0:
        raise DataFault(f"a trade of {instrument.symbol} of more than nothing", repr(row)[:80], "listen again")
    return Print(ts_ms, number, price, qty)
