"""What every protocol's conversation on one connection has in common: frames, subscriptions, and how the exchange speaks to it. Pure."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, Protocol

from sandbox.events import Event, Topic
from sandbox.market import DAY_MS

LIFE_MS = DAY_MS
"""How long a connection is left open."""
GOING_AWAY, POLICY = 1001, 1008
"""Codes to close a connection with."""


class Ping(NamedTuple):
    """A ping of the protocol below; the client has to answer."""

    payload: bytes


class Close(NamedTuple):
    """The end of a connection."""

    code: int
    reason: str = ""


Frame = str | bytes | Ping | Close
"""What goes over a connection to the client: a text, a binary message, or a control frame."""


class Session(Protocol):
    """One connection's side of the conversation: it answers what the client says, and words what it listens to."""

    @property
    def topics(self) -> frozenset[Topic]:
        """Return what the client listens to."""

    @property
    def must_talk(self) -> bool:
        """Return whether it is the client who has to keep a quiet connection alive, for lack of pings."""

    def receive(self, text: str, now_ms: int, /) -> list[Frame]:
        """Return the answer to what the client said."""

    def push(self, topic: Topic, event: Event, /) -> list[Frame]:
        """Return what an event of a topic is worth telling at once; the rest waits for `settle`."""

    def settle(self, now_ms: int, /) -> list[Frame]:
        """Return what is due now that everything until `now_ms` was pushed: what was gathered, pings, the end."""

    def farewell(self, now_ms: int, /) -> list[Frame]:
        """Return the last words before the exchange stops."""


class Subscriptions:
    """Channels by name as the client wrote them, and the topics that feed them."""

    def __init__(self) -> None:
        """Listen to nothing."""
        self._topics: dict[str, tuple[Topic, ...]] = {}
        self._channels: dict[Topic, list[str]] = {}

    @property
    def channels(self) -> list[str]:
        """Return all channels, the oldest first."""
        return list(self._topics)

    @property
    def topics(self) -> frozenset[Topic]:
        """Return the topics of all channels."""
        return frozenset(self._channels)

    def of(self, topic: Topic) -> list[str]:
        """Return the channels that a topic feeds."""
        return self._channels.get(topic, [])

    def add(self, channel: str, topics: Iterable[Topic]) -> None:
        """Listen to a channel; doing it twice is doing it once."""
        wanted = tuple(topics)
        if self._topics.get(channel) == wanted:
            return
        self.remove(channel)
        self._topics[channel] = wanted
        for topic in wanted:
            self._channels.setdefault(topic, []).append(channel)

    def remove(self, channel: str) -> None:
        """Listen to a channel no more."""
        for topic in self._topics.pop(channel, ()):
            self._channels[topic].remove(channel)
            if not self._channels[topic]:
                del self._channels[topic]


def parsed(text: str) -> Any:
    """Return what a client said as plain values; raises ValueError for what is no JSON, or nested without end."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
