"""The dialects by name. Pure."""

from sandbox.candles import Candles
from sandbox.dialects.base import Dialect
from sandbox.dialects.binance import Binance
from sandbox.dialects.binance_public import row_text as binance_row
from sandbox.dialects.kraken import Kraken
from sandbox.dialects.kraken_public import row_text as kraken_row
from sandbox.dialects.mexc import Mexc
from sandbox.matching import Exchange


def speak(name: str, exchange: Exchange, history_from_ms: int) -> Dialect:
    """Return the dialect called `name` over an exchange; its candles begin at `history_from_ms`."""
    if name == "binance":
        return Binance(exchange, Candles(exchange.market, history_from_ms, binance_row))
    if name == "kraken":
        return Kraken(exchange, Candles(exchange.market, history_from_ms, kraken_row), history_from_ms)
    assert name == "mexc", "a config knows no other dialect"
    return Mexc(exchange, Candles(exchange.market, history_from_ms))
