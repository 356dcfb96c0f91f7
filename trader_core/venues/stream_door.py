"""The door of streams: to which hosts a client of streams may dial, what it may ask beside its sockets, and what it may say over them.

It is another door than that of orders: nothing that leaves here can place, change or cancel one.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from trader_core.model.errors import HostRefused, VenueRefused
from trader_core.venues.adapters.speech import Speech
from trader_core.venues.profiles import Profile, check_stream, check_url

_SCHEMES = {"ws", "wss"}


def check_dial(profile: Profile, url: str) -> None:
    """Pass when a client of streams may connect to an address; raises HostRefused otherwise."""
    if urlsplit(url).scheme in _SCHEMES:
        check_stream(profile, url)
    else:
        check_url(profile, url)


def check_call(speech: Speech, method: str, url: str) -> None:
    """Pass when a request is one of the few beside the sockets; raises VenueRefused otherwise."""
    if (method, urlsplit(url).path) not in speech.calls:
        asked = ", ".join(f"{verb} {path}" for verb, path in sorted(speech.calls))
        raise VenueRefused(f"one of {asked}", f"{method} {urlsplit(url).path}", "stop: streams ask for nothing else")


def check_word(speech: Speech, said: str) -> None:
    """Pass when a text may be said over a socket; raises VenueRefused for a method that is no subscription, or none at all."""
    try:
        word = json.loads(said)["method"]
    except (ValueError, KeyError, TypeError):
        word = None
    if not isinstance(word, str) or word not in speech.words:
        raise VenueRefused(f"a word of {', '.join(sorted(speech.words))}", repr(word)[:60], "stop: streams say nothing else")


class Connector(aiohttp.TCPConnector):
    """Connects to the profile's hosts alone, whatever a redirect says."""

    def __init__(self, profile: Profile) -> None:
        """Bind the profile's hosts."""
        super().__init__(limit=50, keepalive_timeout=30)
        self._profile = profile

    async def connect(self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ASYNC109 - its base says so
        """Return a connection; raises HostRefused for another host or a proxy."""
        check_dial(self._profile, str(req.url))
        if req.proxy is not None:
            raise HostRefused("no proxy", "a proxy", "remove it")
        return await super().connect(req, traces, timeout)


class Transport:
    """What a client of streams takes for its aiohttp session."""

    def __init__(self, profile: Profile, speech: Speech) -> None:
        """Open a session that reads no environment; must run inside an event loop."""

        class Socket(aiohttp.ClientWebSocketResponse):
            """A socket that says nothing but subscriptions."""

            async def send_str(self, data: str, compress: int | None = None) -> None:
                """Send a text when it may be said."""
                check_word(speech, data)
                await super().send_str(data, compress)

        self._profile, self._speech = profile, speech
        self._session = aiohttp.ClientSession(connector=Connector(profile), trust_env=False, ws_response_class=Socket)
        self.headers = self._session.headers
        self.get, self.post, self.put, self.delete = (self._verb(verb) for verb in ("GET", "POST", "PUT", "DELETE"))

    def _verb(self, verb: str) -> Callable[..., Any]:
        def send(url: URL, **options: Any) -> Any:
            check_call(self._speech, verb, str(url))
            return self._session.request(verb, url, allow_redirects=False, **options)

        return send

    def ws_connect(self, url: str, **options: Any) -> Any:
        """Dial a socket; raises HostRefused for another host."""
        check_dial(self._profile, url)
        return self._session.ws_connect(url, **options)

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._session.close()
