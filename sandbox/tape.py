"""What happens on the markets of an exchange as time passes: trades, candles, books and quotes, tick by tick. Pure."""

from collections.abc import Iterator

from sandbox.book import Book, Level
from sandbox.events import BookChanged, CandleSeen, Event, QuoteSeen, Stream, Topic, TradeSeen
from sandbox.market import (
    CLOSE,
    HIGH,
    LOW,
    MINUTE_MS,
    OPEN,
    QUOTE,
    TICK_MS,
    TICKS_DAY,
    VOLUME,
    Ints,
    minute_candles,
    partial_candle,
    tick_price,
)
from sandbox.matching import Exchange

WEEK = 10_080
MONDAY = 4 * 1_440
"""1970-01-05, in minutes: weeks begin on Mondays."""


class Tape:
    """The events of an exchange's markets; the last book of each is kept, and so are the candles in the making."""

    def __init__(self, exchange: Exchange) -> None:
        """Read an exchange's market."""
        self._market, self._drawn = exchange.market, exchange.books
        self._books: dict[str, dict[int, Book]] = {}
        self._candles: dict[tuple[str, int], tuple[int, tuple[int, ...]]] = {}
        """The last candle told by market and step, and the tick that it was told after."""

    def events(self, topics: frozenset[Topic], from_ms: int, to_ms: int) -> Iterator[Event]:
        """Yield what happened in (from_ms, to_ms] and one of the topics tells, in the order of its times."""
        wanted = sorted(topics)
        for tick in range(from_ms // TICK_MS + 1, to_ms // TICK_MS + 1):
            for topic in wanted:
                yield from self._ticked(topic, tick)

    def _ticked(self, topic: Topic, tick: int) -> Iterator[Event]:
        if topic.stream is Stream.KLINES:
            yield from self._candle(topic.name, topic.step, tick)
            return
        if topic.stream is Stream.TRADES:
            price, qty, buys = self._traded(topic.name, tick)
            if qty:
                yield TradeSeen(topic.name, tick, tick * TICK_MS, price, qty, buys)
            return
        before, book = self._book(topic.name, tick - 1), self._book(topic.name, tick)
        if topic.stream is Stream.BOOK:
            bids, asks = _changed(before.bids, book.bids), _changed(before.asks, book.asks)
            yield BookChanged(topic.name, tick, tick, bids, asks, tick * TICK_MS)
        elif book.bids and book.asks:
            last = tick_price(self._market, topic.name, tick)
            yield QuoteSeen(topic.name, book.bids[0], book.asks[0], last, tick * TICK_MS)

    def _traded(self, name: str, tick: int) -> tuple[int, int, bool]:
        day, row = divmod(tick, TICKS_DAY)
        block = self._market.block(name, day)
        return int(block.prices[row]), int(block.volumes[row]), bool(block.buys[row])

    def _book(self, name: str, tick: int) -> Book:
        """Return the book at a tick; those of the last two are kept."""
        kept = self._books.setdefault(name, {})
        if tick not in kept:
            book = self._drawn.at(name, tick, tick_price(self._market, name, tick))
            self._books[name] = kept = {at: kept[at] for at in kept if at == tick - 1} | {tick: book}
        return kept[tick]

    def _candle(self, name: str, step: int, tick: int) -> Iterator[Event]:
        """Yield the candle that closed where this tick begins another, and the one that it belongs to."""
        ts_ms = tick * TICK_MS
        first = _window(ts_ms // MINUTE_MS, step)
        if first * MINUTE_MS == ts_ms and (closed := self._whole(name, first - step, ts_ms - 1)):
            yield CandleSeen(name, first - step, step, closed, closed=True, ts_ms=ts_ms)
        price, qty, _ = self._traded(name, tick)
        if not qty:
            return
        after, values = self._candles.get((name, step), (0, ()))
        follows = after == tick - 1 and first * MINUTE_MS != ts_ms
        values = _grown(values, price, qty) if follows and values else self._whole(name, first, ts_ms)
        self._candles[name, step] = (tick, values)
        if values:  # at a price of 0 nothing was traded yet that makes a candle
            yield CandleSeen(name, first, step, values, closed=False, ts_ms=ts_ms)

    def _whole(self, name: str, first: int, until_ms: int) -> tuple[int, ...]:
        """Return the candle of the minutes from `first` to `until_ms`; empty where nothing was traded."""
        minute = until_ms // MINUTE_MS
        rows = [row for row in minute_candles(self._market, name, first, minute) if row[CLOSE]]
        partial = partial_candle(self._market, name, minute, until_ms)
        rows += [] if partial is None else [partial]
        return _joined(rows) if rows else ()


def _window(minute: int, step: int) -> int:
    """Return the minute in which the candle of a minute opens."""
    offset = MONDAY if step == WEEK else 0
    return minute - (minute - offset) % step


def _grown(values: tuple[int, ...], price: int, qty: int) -> tuple[int, ...]:
    """Return a candle after another trade."""
    opened, high, low, _, volume, worth = values
    return (opened, max(high, price), min(low, price), price, volume + qty, worth + price * qty)


def _joined(rows: list[Ints]) -> tuple[int, ...]:
    """Return the candle that candles in a row make."""
    high, low = max(int(row[HIGH]) for row in rows), min(int(row[LOW]) for row in rows)
    volume, worth = sum(int(row[VOLUME]) for row in rows), sum(int(row[QUOTE]) for row in rows)
    return (int(rows[0][OPEN]), high, low, int(rows[-1][CLOSE]), volume, worth)


def _changed(before: tuple[Level, ...], after: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the levels to set, and with a quantity of 0 those to remove, that turn one side into the other."""
    old, new = dict(before), dict(after)
    gone = tuple(Level(price, 0) for price in old if price not in new)
    return gone + tuple(level for level in after if old.get(level.price) != level.qty)
