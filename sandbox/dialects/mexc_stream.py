"""MEXC's websocket: JSON to ask, protobuf to tell. Channels of markets, and of the account whose listen key was shown. Pure."""

import json
from functools import partial
from typing import Any

from sandbox.dialects.listen_keys import ListenKeys
from sandbox.dialects.mexc_bodies import account_body, candle_body, deals_body, depth_body, fill_body, order_body, push, quote_body
from sandbox.dialects.session import GOING_AWAY, LIFE_MS, POLICY, Close, Frame, Subscriptions, parsed
from sandbox.dialects.wording import Worded
from sandbox.events import BalanceChanged, BookChanged, CandleSeen, Event, OrderChanged, QuoteSeen, Stream, Topic, TradeSeen, time_of
from sandbox.matching import Exchange

CHANNELS_MAX = 30
STEPS = {
    "Min1": 1, "Min5": 5, "Min15": 15, "Min30": 30, "Min60": 60, "Hour4": 240, "Day1": 1_440, "Week1": 10_080,
}  # fmt: skip
"""MEXC's intervals that the market has candles of, in minutes."""
OFTEN = ("100ms", "10ms")
PRIVATE = {
    "spot@private.orders.v3.api.pb": Stream.ORDERS,
    "spot@private.deals.v3.api.pb": Stream.FILLS,
    "spot@private.account.v3.api.pb": Stream.ACCOUNT,
}
AGGREGATED = {
    "public.aggre.deals.v3.api.pb": Stream.TRADES,
    "public.aggre.depth.v3.api.pb": Stream.BOOK,
    "public.aggre.bookTicker.v3.api.pb": Stream.TICKER,
}
CANDLES = "public.kline.v3.api.pb"
REFUSED = "Not Subscribed successfully! [{channels}].  Reason\uff1a {reason}! "
"""MEXC refuses with the code 0 of a success and this text."""
BUCKET_MS = 100
"""Trades of a market within this span are told together."""


class MexcSession:
    """One connection; with a listen key it also hears of that key's account, for as long as the key is valid."""

    must_talk = True

    def __init__(self, exchange: Exchange, worded: Worded, keys: ListenKeys, listen_key: str, now_ms: int) -> None:
        """Begin with no channels; an empty listen key is that of a public connection."""
        self._exchange, self._worded, self._keys, self._listen_key = exchange, worded, keys, listen_key
        self._until_ms = now_ms + LIFE_MS
        self._open = Subscriptions()
        self._trades: dict[str, list[TradeSeen]] = {}

    @property
    def topics(self) -> frozenset[Topic]:
        """Return what the client listens to."""
        return self._open.topics

    def receive(self, text: str, _now_ms: int) -> list[Frame]:
        """Return the acknowledgement of a request, or the answer to a ping."""
        try:
            asked = parsed(text)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return [_said(0, "msg format invalid")]
        number, channels = asked.get("id"), asked.get("params")
        number = number if type(number) is int else 0
        method = str(asked.get("method")).upper()
        if method == "PING":
            return [_said(number, "PONG")]
        if not isinstance(channels, list) or method not in ("SUBSCRIPTION", "UNSUBSCRIPTION"):
            return [_said(number, "msg format invalid")]
        names = [str(channel) for channel in channels]
        if method == "UNSUBSCRIPTION":
            for name in names:
                self._open.remove(name)
            return [_said(number, ",".join(names))]
        return [_said(number, self._subscribed(names))]

    def _subscribed(self, names: list[str]) -> str:
        """Listen to every channel that there is, and return MEXC's words for how that went."""
        unknown = [name for name in names if not self._topic(name)]
        known = {name: topic for name in names if (topic := self._topic(name))}
        if len({*self._open.channels, *known}) > CHANNELS_MAX:
            return REFUSED.format(channels=",".join(names), reason=f"Over {CHANNELS_MAX} subscriptions")
        for name, topic in known.items():
            self._open.add(name, (topic,))
        return REFUSED.format(channels=",".join(unknown), reason="Blocked") if unknown else ",".join(names)

    def _topic(self, channel: str) -> Topic | None:
        """Return what feeds a channel; none does that does not exist, or that needs a listen key that was not shown."""
        if channel in PRIVATE:
            account = self._keys.account_of(self._listen_key)
            return Topic(PRIVATE[channel], account) if account else None
        venue, _, rest = channel.partition("@")
        kind, *parts = rest.split("@")
        if venue != "spot" or len(parts) != 2:  # noqa: PLR2004 - how often and of what; of what and how long
            return None
        if kind == CANDLES and parts[0] in self._exchange.market.pairs and parts[1] in STEPS:
            return Topic(Stream.KLINES, parts[0], STEPS[parts[1]])
        if kind in AGGREGATED and parts[0] in OFTEN and parts[1] in self._exchange.market.pairs:
            return Topic(AGGREGATED[kind], parts[1])
        return None

    def push(self, topic: Topic, event: Event) -> list[Frame]:
        """Return one message a channel; trades wait until their tenth of a second is over. That a candle closed is not told."""
        if isinstance(event, TradeSeen):
            gathered = self._trades.get(event.name, [])
            if gathered and gathered[-1].ts_ms // BUCKET_MS == event.ts_ms // BUCKET_MS:
                gathered.append(event)
                return []
            frames = self._deals(event.name)
            self._trades[event.name] = [event]
            return frames
        if isinstance(event, CandleSeen) and event.closed:
            return []
        if topic.stream in PRIVATE.values():
            return [self._message(channel, topic, event) for channel in self._open.of(topic)]
        return [self._worded.of(channel, event, partial(self._message, channel, topic, event)) for channel in self._open.of(topic)]

    def _message(self, channel: str, topic: Topic, event: Event) -> bytes:
        ts_ms, pairs = time_of(event), self._exchange.market.pairs
        if isinstance(event, CandleSeen):
            interval = channel.rpartition("@")[2]
            return push(channel, event.name, ts_ms, candle_body(pairs[event.name], interval, event))
        if isinstance(event, BookChanged):
            return push(channel, event.name, ts_ms, depth_body(pairs[event.name], _kind(channel), event))
        if isinstance(event, QuoteSeen):
            return push(channel, event.name, ts_ms, quote_body(pairs[event.name], event))
        if isinstance(event, BalanceChanged):
            return push(channel, "", ts_ms, account_body(event))
        assert isinstance(event, OrderChanged), "trades are told together"
        pair = pairs[event.order.asked.symbol]
        if topic.stream is Stream.FILLS and event.fill:
            return push(channel, pair.id, event.fill.ts_ms, fill_body(pair, event.fill))
        return push(channel, pair.id, ts_ms, order_body(pair, event))

    def _deals(self, name: str) -> list[Frame]:
        trades = self._trades.pop(name, [])
        channels = self._open.of(Topic(Stream.TRADES, name)) if trades else []
        pair = self._exchange.market.pairs[name]
        return [push(channel, name, trades[-1].ts_ms, deals_body(pair, _kind(channel), trades)) for channel in channels]

    def settle(self, now_ms: int) -> list[Frame]:
        """Return the trades gathered; the end after a day, or once the listen key is not valid (any more)."""
        if self._listen_key and not self._keys.account_of(self._listen_key):
            return ["Invalid listen key", Close(POLICY, "Invalid listen key")]
        frames = [frame for name in list(self._trades) for frame in self._deals(name)]
        return [*frames, Close(GOING_AWAY)] if now_ms >= self._until_ms else frames

    def farewell(self, _now_ms: int) -> list[Frame]:
        """Return nothing: MEXC does not announce that it stops."""
        return []


def _kind(channel: str) -> str:
    """Return a channel without its market, as messages name what they carry."""
    return channel.rpartition("@")[0]


def _said(number: int, words: str) -> str:
    words = words.encode(errors="replace").decode()
    answer: dict[str, Any] = {"id": number, "code": 0, "msg": words}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
