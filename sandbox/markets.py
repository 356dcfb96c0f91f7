"""From options to the market and the books of an exchange: seeded, or recorded."""

from pathlib import Path

from sandbox import recorded_book
from sandbox.books import Books
from sandbox.character import character_named
from sandbox.config import Config
from sandbox.market import Market, SeededMarket
from sandbox.replay import replayed
from trader_core.model.errors import OutOfRange, UnknownName


def market_of(config: Config) -> Market:
    """Return the market that a config describes; raises UnknownName, OutOfRange or DataFault for files that make none."""
    character = character_named(config.market)
    if not config.replay:
        return SeededMarket(config.seed, config.listed, config.trend_bps, character)
    market = replayed(config.replay, character.of(config.listed))
    market.covers(config.start_ms)
    return market


def books_of(config: Config, market: Market) -> Books:
    """Return the books of a market; raises UnknownName, OutOfRange or DataFault."""
    replayed_too = dict(config.replay)
    pairs = {pair.symbol: pair for pair in market.pairs.values()}
    recorded = {}
    for symbol, text in config.books:
        if symbol not in replayed_too:
            listed = ", ".join(replayed_too) or "those that --replay names"
            raise UnknownName(f"a symbol of {listed}", repr(symbol), "replay trades or minutes of the same time")
        snapshot, comma, changes = text.partition(",")
        if not comma:
            raise OutOfRange("SYMBOL=SNAPSHOT,CHANGES", f"{symbol}={text}", "name both files")
        pair = pairs[symbol]
        recorded[pair.id] = recorded_book.load(pair, Path(snapshot), Path(changes))
    return Books(config.seed, market.pairs, recorded)
