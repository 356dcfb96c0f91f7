"""The only door to the socket: which host, which path, which order, and whether it may still go.

It stands in two places, both after the limiter and after signing: before the client hands a request to its transport, and
again when a connection is in hand and the next step is writing. A request that passes neither leaves no byte.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from trader_core.model.errors import HostRefused, VenueRefused
from trader_core.venues.adapters.known import ADAPTERS
from trader_core.venues.outcomes import Call
from trader_core.venues.profiles import Profile, check_url

CALL: ContextVar[Call] = ContextVar("gatehouse_call")
"""The call of this task: what it may send, and what was seen of it."""

OrdersAllowed = Callable[[str], str]
"""Asked with BUY or SELL before an order may go to a real venue: "" lets it go, anything else is the reason why not."""

_PROXIES = tuple(
    "aiohttp_proxy proxy proxyUrl proxy_url proxyUrlCallback proxy_url_callback httpProxy http_proxy httpProxyCallback"  # noqa: SIM905
    " http_proxy_callback httpsProxy https_proxy httpsProxyCallback https_proxy_callback socksProxy socks_proxy"
    " socksProxyCallback socks_proxy_callback".split()
)


def orders_closed(_side: str) -> str:
    """Return why no order goes to a real venue as long as nobody brings a permit."""
    return "nobody showed a permit: real venues are open for reads, key checks and the order test only"


def check_order(profile: Profile, method: str, url: str, body: str, orders_allowed: OrdersAllowed) -> None:
    """Pass for everything but an order on a real venue; that one passes when it is allowed now. Raises VenueRefused."""
    adapter, path = ADAPTERS[profile.speaks], urlsplit(url).path
    if profile.sandbox:
        return
    try:
        pairs = adapter.pairs(url, body)
    except ValueError:
        pairs = []
    if not adapter.places(method, path, pairs):
        return
    reason = orders_allowed(adapter.side(pairs))
    if reason:
        raise VenueRefused(f"leave to place orders on {profile.name}", reason, "walk the road first: the permit comes with it")


def check_request(profile: Profile, call: Call, method: str, url: str, body: str, orders_allowed: OrdersAllowed = orders_closed) -> None:
    """Pass when this signed request is the one that was decided: its host, path and every pair of its query and body.

    `call.signed` names the pairs of an order; None stands for any other call, whose pairs are not compared. Raises HostRefused for another
    host and VenueRefused for any other difference.
    """
    check_url(profile, url)
    adapter, path = ADAPTERS[profile.speaks], urlsplit(url).path
    if (method, path) not in adapter.allowed or (method, path) != (call.ask.method, call.ask.path):
        raise VenueRefused(f"{call.ask.method} {call.ask.path} from the allow-list", f"{method} {path}", "stop: it asks for something else")
    check_order(profile, method, url, body, orders_allowed)
    try:
        pairs = adapter.pairs(url, body)
    except ValueError:
        pairs = []
    if call.signed is None:
        if adapter.places(method, path, pairs):
            raise VenueRefused("an order that a journaled request stands behind", "one without", "stop and report it")
        return
    found = {name: value for name, value in pairs if name != adapter.sealed}
    if len(pairs) != len(found) + 1 or found != call.signed:
        differing = sorted(key for key in found.keys() | call.signed.keys() if found.get(key) != call.signed.get(key))
        raise VenueRefused("a signed request equal to the journaled one", f"other {', '.join(differing) or 'form'}", "stop and report it")


def check_client(exchange: Any) -> None:
    """Pass when nobody gave the client a proxy, a retry, a trusting environment or a talkative log; raises VenueRefused otherwise."""
    proxies = [name for name in _PROXIES if getattr(exchange, name, None)]
    talks = exchange.verbose or exchange.logger.isEnabledFor(10)
    if proxies or talks or exchange.aiohttp_trust_env or exchange.options.get("maxRetriesOnFailure"):
        found = ", ".join(proxies) or "verbose logging, retries or a trusted environment"
        raise VenueRefused("a client without proxy, retries and debug log", found, "remove that setting")


class Connector(aiohttp.TCPConnector):
    """Hands out a connection only to the bound host, and only while the call of this task may still go."""

    def __init__(self, profile: Profile, may_go: Callable[[Call], str], orders_allowed: OrdersAllowed = orders_closed) -> None:
        """Bind the profile's host; `may_go` answers "" or the reason to refuse."""
        super().__init__(limit=50, keepalive_timeout=30)
        self._profile, self._may_go, self._orders_allowed = profile, may_go, orders_allowed

    async def connect(self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ASYNC109 - its base says so
        """Return a connection, or raise with nothing written: HostRefused for another host, VenueRefused when the call may not go.

        aiohttp repeats a request by itself when a connection was lost under it, unless it is a POST: that ends here.
        """
        check_url(self._profile, str(req.url))
        if CALL.get().written:
            raise aiohttp.ClientConnectionError("the connection was lost, and no request is written twice")
        if req.proxy is not None:
            raise HostRefused("no proxy", "a proxy", "remove it")
        connection = await super().connect(req, traces, timeout)
        call = CALL.get()
        try:
            check_order(self._profile, req.method, str(req.url), _text(req), self._orders_allowed)
        except VenueRefused:
            connection.close()
            raise
        reason = self._may_go(call)
        if reason:
            connection.close()
            raise VenueRefused("leave to send at the last moment", reason, "see the reason")
        call.written = True
        if call.leaves is not None:
            call.leaves()
        return connection


def _text(req: aiohttp.ClientRequest) -> str:
    """Return the body that is about to be written, "" for none and for one that is no text: that one says nothing."""
    try:
        return req.body.decode() if req.body else ""
    except (UnicodeDecodeError, TypeError, AttributeError):
        return ""


class Transport:
    """What the client takes for its aiohttp session: the same four verbs, with redirects off."""

    def __init__(self, profile: Profile, may_go: Callable[[Call], str], orders_allowed: OrdersAllowed = orders_closed) -> None:
        """Open a session that reads no environment; must run inside an event loop."""
        self._session = aiohttp.ClientSession(connector=Connector(profile, may_go, orders_allowed), trust_env=False)
        self.headers = self._session.headers
        self.get, self.post, self.put, self.delete = (self._verb(verb) for verb in ("GET", "POST", "PUT", "DELETE"))

    def _verb(self, verb: str) -> Callable[..., Any]:
        def send(url: URL, **options: Any) -> Any:
            return self._session.request(verb, url, allow_redirects=False, **options)

        return send

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._session.close()
        await asyncio.sleep(0)
