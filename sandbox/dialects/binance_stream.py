"""Binance's websockets of markets: `/ws` for raw streams, `/stream` for combined ones, subscribed by path or by request. Pure."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.dialects.binance_events import book_event, candle_event, day_event, quote_event, trade_event
from sandbox.dialects.session import GOING_AWAY, LIFE_MS, Close, Frame, Ping, Subscriptions, parsed
from sandbox.dialects.wording import Worded
from sandbox.events import BookChanged, CandleSeen, Event, QuoteSeen, Stream, Topic, TradeSeen
from sandbox.matching import Exchange
from sandbox.pairs import Pair

STREAMS_MAX = 1_024
NAME_MAX = 100
PING_MS = 20_000
STEPS = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1_440, "1w": 10_080}
"""Binance's intervals that the market has candles of, in minutes."""
KINDS = {
    "trade": Stream.TRADES, "aggTrade": Stream.TRADES, "depth": Stream.BOOK, "depth@100ms": Stream.BOOK,
    "bookTicker": Stream.TICKER, "ticker": Stream.TICKER, "miniTicker": Stream.TICKER,
}  # fmt: skip
DAILY = ("ticker", "miniTicker")
"""Kinds that tell of the last 24 hours, at most once a second."""
DAILY_MS = 1_000
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")
BAD_REQUEST, BAD_JSON = 2, 3
DayOf = Callable[[Pair], dict[str, Any]]
"""The last 24 hours of a market, as REST tells them."""


class Pulse:
    """What every connection to Binance lives by: a ping every 20 seconds, and an end after 24 hours."""

    def __init__(self, now_ms: int) -> None:
        """Begin now."""
        self._until_ms, self._pinged_ms = now_ms + LIFE_MS, now_ms

    def beat(self, now_ms: int) -> list[Frame]:
        """Return the ping or the end that is due."""
        if now_ms >= self._until_ms:
            return [Close(GOING_AWAY)]
        if now_ms < self._pinged_ms + PING_MS:
            return []
        self._pinged_ms = now_ms
        return [Ping(str(now_ms).encode())]


class MarketSession:
    """One connection to the streams of markets."""

    must_talk = False

    def __init__(self, exchange: Exchange, worded: Worded, day_of: DayOf, streams: list[str], now_ms: int, *, combined: bool) -> None:
        """Listen to the streams that the path names; those that are none are ignored."""
        self._exchange, self._worded, self._day_of, self._combined = exchange, worded, day_of, combined
        self._open, self._pulse = Subscriptions(), Pulse(now_ms)
        self._stirred: set[str] = set()
        self._told_ms = now_ms
        for stream in streams:
            if _is_name(stream):
                self._open.add(stream, self._topics(stream))

    @property
    def topics(self) -> frozenset[Topic]:
        """Return what the client listens to."""
        return self._open.topics

    def receive(self, text: str, _now_ms: int) -> list[Frame]:
        """Return the answer to a request."""
        asked, refusal = _asked(text)
        if refusal:
            return [refusal]
        number, method, streams = asked.get("id"), asked["method"], asked.get("params", [])
        if method == "LIST_SUBSCRIPTIONS":
            return [_said({"result": self._open.channels, "id": number})]
        if not isinstance(streams, list) or not all(map(_is_name, streams)):
            return [_refused(BAD_REQUEST, "Invalid request: invalid stream", number)]
        return [self._subscribed(number, streams) if method == "SUBSCRIBE" else self._unsubscribed(number, streams)]

    def _subscribed(self, number: Any, streams: list[str]) -> str:
        if len({*self._open.channels, *streams}) > STREAMS_MAX:
            return _refused(BAD_REQUEST, f"Invalid request: too many streams, at most {STREAMS_MAX}", number)
        for stream in streams:
            self._open.add(stream, self._topics(stream))
        return _said({"result": None, "id": number})

    def _unsubscribed(self, number: Any, streams: list[str]) -> str:
        for stream in streams:
            self._open.remove(stream)
        return _said({"result": None, "id": number})

    def _topics(self, stream: str) -> tuple[Topic, ...]:
        """Return what feeds a stream; nothing feeds one that does not exist, and Binance does not say so."""
        pairs = self._exchange.market.pairs
        symbol, _, kind = stream.partition("@")
        if symbol in ("!ticker", "!miniTicker") and kind == "arr":
            return tuple(Topic(Stream.TICKER, name) for name in pairs)
        name = symbol.upper()
        if name not in pairs or symbol != symbol.lower():
            return ()
        step = STEPS.get(kind.removeprefix("kline_")) if kind.startswith("kline_") else None
        if step is not None:
            return (Topic(Stream.KLINES, name, step),)
        return (Topic(KINDS[kind], name),) if kind in KINDS else ()

    def push(self, topic: Topic, event: Event) -> list[Frame]:
        """Return one text a stream; what tells of 24 hours waits."""
        frames: list[Frame] = []
        for stream in self._open.of(topic):
            kind = stream.partition("@")[2]
            if kind in DAILY or kind == "arr":
                self._stirred.add(topic.name)
            else:
                shared = f"/stream {stream}" if self._combined else stream
                frames.append(self._worded.of(shared, event, partial(self._message, stream, kind, event)))
        return frames

    def _message(self, stream: str, kind: str, event: Event) -> Frame:
        return self._framed(stream, self._said(kind, event))

    def _said(self, kind: str, event: Event) -> Any:
        pairs = self._exchange.market.pairs
        if isinstance(event, TradeSeen):
            return trade_event(pairs[event.name], kind, event)
        if isinstance(event, CandleSeen):
            return candle_event(pairs[event.name], kind.removeprefix("kline_"), event)
        if isinstance(event, BookChanged):
            return book_event(pairs[event.name], event)
        assert isinstance(event, QuoteSeen), "accounts have a connection of their own"
        return quote_event(pairs[event.name], event)

    def settle(self, now_ms: int) -> list[Frame]:
        """Return the last 24 hours of what has moved, and what the pulse has due."""
        frames = self._daily(now_ms) if self._stirred and now_ms - self._told_ms >= DAILY_MS else []
        return [*frames, *self._pulse.beat(now_ms)]

    def _daily(self, now_ms: int) -> list[Frame]:
        pairs = self._exchange.market.pairs
        days = {name: self._day_of(pairs[name]) for name in pairs if name in self._stirred}
        days = {name: day for name, day in days.items() if "lastPrice" in day}
        self._stirred, self._told_ms = set(), now_ms
        frames: list[Frame] = []
        for stream in self._open.channels:
            symbol, _, kind = stream.partition("@")
            if kind == "arr" and days:
                frames.append(self._framed(stream, [day_event(symbol[1:], day, now_ms) for day in days.values()]))
            elif kind in DAILY and symbol.upper() in days:
                frames.append(self._framed(stream, day_event(kind, days[symbol.upper()], now_ms)))
        return frames

    def farewell(self, now_ms: int) -> list[Frame]:
        """Return that the server is about to shut down."""
        return [_said({"e": "serverShutdown", "E": now_ms})]

    def _framed(self, stream: str, said: Any) -> Frame:
        return _said({"stream": stream, "data": said} if self._combined else said)


def _is_name(stream: Any) -> bool:
    return isinstance(stream, str) and "@" in stream and len(stream) <= NAME_MAX


def _asked(text: str) -> tuple[dict[str, Any], str]:
    """Return a request with a known method, or what to say to anything else."""
    try:
        asked = parsed(text)
    except ValueError:
        return {}, _refused(BAD_JSON, "Invalid JSON: expected value at line 1 column 1", None)
    if not isinstance(asked, dict):
        return {}, _refused(BAD_REQUEST, "Invalid request: expected an object", None)
    number, method = asked.get("id"), asked.get("method")
    if isinstance(number, bool) or not isinstance(number, int | str | None):
        return {}, _refused(BAD_REQUEST, "Invalid request: request ID must be an unsigned integer", None)
    if method is None:
        return {}, _refused(BAD_REQUEST, "Invalid request: missing field `method`", number)
    if method not in METHODS:
        return {}, _refused(BAD_REQUEST, f"Invalid request: unknown variant `{method}`, expected one of {', '.join(METHODS)}", number)
    return asked, ""


def _said(answer: Any) -> str:
    return json.dumps(answer, separators=(",", ":"))


def _refused(code: int, words: str, number: Any) -> str:
    return _said({"error": {"code": code, "msg": words}, "id": number})
