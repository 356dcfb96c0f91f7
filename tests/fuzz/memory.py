"""A gateway whose unmodified client is answered from memory: everything but the socket is real."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from multidict import CIMultiDict
from yarl import URL

from sandbox.dialects.base import Request
from trader_core.venues.door import CALL
from trader_core.venues.gateway import Gateway
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.profiles import ApiKey, sandbox_profile


class Said(NamedTuple):
    """One HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    charset: str = "utf-8"


class _Response:
    """What the client takes for an aiohttp response, and for the context that brings it."""

    reason = "as it was said"

    def __init__(self, said: Said) -> None:
        self.status, self.headers, self._said = said.status, CIMultiDict(said.headers), said

    async def text(self, errors: str = "strict") -> str:
        return self._said.body.decode(self._said.charset, errors)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        return None


class Memory:
    """What the gateway takes for its transport. Like the real one it marks the call as written before it answers."""

    headers: Mapping[str, str] = {}

    def __init__(self, answer: Callable[[Request], Said]) -> None:
        self.answer = answer
        self.get, self.post, self.put, self.delete = (self._verb(verb) for verb in ("GET", "POST", "PUT", "DELETE"))

    def _verb(self, verb: str) -> Callable[..., _Response]:
        def send(url: URL, *, data: bytes | None = None, headers: Mapping[str, str], **_options: Any) -> _Response:
            CALL.get().written = True
            lower = {name.lower(): value for name, value in headers.items()}
            return _Response(self.answer(Request(verb, url.raw_path, url.raw_query_string, lower, (data or b"").decode())))

        return send

    async def close(self) -> None:
        """Leave nothing behind."""


class Free(Limiter):
    """A limiter without limits."""

    async def take(self, _lane: Lane, _weight: int, _patience_ms: int = 0) -> bool:
        return True

    def hold(self, _retry_after_ms: int) -> None:
        """Go on at once."""


def gateway_of(venue: str, now_ms: int, key: ApiKey, answer: Callable[[Request], Said]) -> Gateway:
    """Return a gateway of a venue's protocol that is answered by `answer` and whose gate lets every order pass."""
    profile = sandbox_profile("http://127.0.0.1:9", stepped=True, dialect=venue)
    made = Gateway(profile, lambda: now_ms, key=key, may_send=lambda _: None, limiter=Free(profile, lambda: now_ms))
    wire, memory = made._wire, Memory(answer)
    wire._transport = memory  # type: ignore[assignment]
    wire._exchange.session, wire._exchange.own_session = memory, False
    return made
