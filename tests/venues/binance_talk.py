"""One connection to a Binance over a fixed market, spoken to frame by frame, and signatures for it."""

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from sandbox.config import START_MS
from sandbox.dialects.base import Key, Request
from sandbox.dialects.binance import Binance
from sandbox.dialects.known import speak
from sandbox.events import Event, topics_of
from sandbox.market import DAY_MS
from tests.venues.sandbox_market_fixed import exchange

if TYPE_CHECKING:
    from sandbox.dialects.session import Frame, Session

NOW_MS = START_MS + 5_000


class Talk:
    """A Binance over a fixed market, and one connection to a path of it."""

    def __init__(self, path: str = "/ws", query: str = "") -> None:
        self.venue = exchange()
        dialect = speak("binance", self.venue, START_MS - DAY_MS)
        assert isinstance(dialect, Binance)
        self.dialect = dialect
        self.dialect.keys["key"] = Key("secret", "me")
        session = dialect.connect(Request("GET", path, query))
        assert session is not None
        self.session: Session = session

    def say(self, text: str) -> Any:
        (frame,) = self.session.receive(text, START_MS)
        assert isinstance(frame, str)
        return json.loads(frame)

    def ask(self, method: str, params: Any = None, number: Any = 1) -> Any:
        return self.say(json.dumps({"method": method, "params": params if params is not None else [], "id": number}))

    def told(self, *events: Event, now_ms: int = NOW_MS) -> list[Any]:
        frames: list[Frame] = []
        for event in events:
            for topic in topics_of(event):
                if topic in self.session.topics:
                    frames += self.session.push(topic, event)
        frames += self.session.settle(now_ms)
        return [json.loads(frame) for frame in frames if isinstance(frame, str)]


def signed(secret: str = "secret", key: str = "key", **params: Any) -> dict[str, Any]:
    asked = {"apiKey": key, "timestamp": START_MS, **params}
    text = "&".join(f"{name}={asked[name]}" for name in sorted(asked))
    return {**asked, "signature": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def account_of(key: str = "key") -> Talk:
    talk = Talk("/ws-api/v3")
    assert talk.ask("userDataStream.subscribe.signature", signed(key=key))["result"] == {"subscriptionId": 0}
    return talk
