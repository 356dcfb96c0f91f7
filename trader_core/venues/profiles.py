"""Venue profiles: what one exchange allows and can do, as data proven by tests instead of read from the client's `has`."""

import ipaddress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urlsplit

from trader_core.evidence.ceiling import Capabilities, ClientIds, ceiling
from trader_core.evidence.permit import Level
from trader_core.model.bar import TIMEFRAMES_MS
from trader_core.model.errors import HostRefused, UnknownName

SANDBOX = "sandbox"
_HTTPS = 443
_WSS = frozenset({None, 443, 9443})


class Stops(StrEnum):
    """Who watches a protective stop."""

    RESTING = "RESTING"
    """The exchange, as a resting order."""
    BOT_SIDE = "BOT_SIDE"
    """The trader, on each bar or quote."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key pair; it never shows itself."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one venue allows and can do; it holds no secret."""

    name: str
    speaks: str
    """The adapter of its protocol."""
    hosts: frozenset[str]
    """Host names that a request may go to, and no other."""
    quotes: tuple[str, ...]
    fee_in_base: bool
    client_id_len_max: int
    lookup_by_client_id: bool
    ack_echoes_client_id: bool
    window_ms_max: int
    """The longest validity that a signed request is given."""
    window_ms_min: int
    """The shortest one that the venue takes."""
    visibility_ms: int
    """An accepted order can be seen by its id at the latest this long after it was accepted."""
    stops: Stops
    clock_step_ms: int
    """How finely the venue tells its time."""
    dead_mans_switch: bool
    """The venue cancels everything by itself unless it hears from us in time."""
    timeframes: tuple[str, ...]
    """Bars that it offers."""
    bars_kept: int
    """How many bars of each timeframe it keeps; 0 for all of its history."""
    weight_window_ms: int
    weight_data: int
    """Weight of market data that may be asked for in one window."""
    weight_orders: int
    """Weight of private calls in one window, the reserve included."""
    weight_reserve: int
    """Part of `weight_orders` that only cancels and look-ups may use."""
    cancel_timeout_ms: int = 1_000
    """So long the first cancels of an order, and the look after each, are waited for: what is lost is asked again soon."""
    sandbox: bool = False
    base_url: str = ""
    """Scheme, host and port that every request goes to."""
    stepped: bool = False
    """Venue time stands still until the session advances it: waiting for it can never help."""
    speed: float = 1.0
    """Venue milliseconds per wall millisecond of a free-running clock."""
    acknowledge: str = ""
    """What a person must have read before their money goes there."""
    trades_kept_ms: int = 0
    """How far back the account's trades can be read; 0: to the first one."""
    client_ids: ClientIds = ClientIds.OPEN_UNIQUE
    validity_window: bool = True
    """It refuses a request once its window has passed."""
    ws_hosts: tuple[str, ...] = ()
    """Host names that a stream may come from, and no other; without one the venue is asked by REST alone."""

    @property
    def capabilities(self) -> Capabilities:
        """Return what bears on the proof of an order's fate."""
        return Capabilities(self.client_ids, self.lookup_by_client_id, self.validity_window)


MEXC = Profile(
    name="mexc",
    speaks="mexc",
    hosts=frozenset({"api.mexc.com"}),
    quotes=("USDT", "USDC"),
    fee_in_base=False,
    client_id_len_max=32,
    lookup_by_client_id=True,
    ack_echoes_client_id=False,
    window_ms_max=5_000,
    window_ms_min=1,
    visibility_ms=10_000,
    stops=Stops.BOT_SIDE,
    clock_step_ms=1,
    dead_mans_switch=False,
    timeframes=tuple(TIMEFRAMES_MS),
    bars_kept=0,
    weight_window_ms=10_000,
    weight_data=400,
    weight_orders=400,
    weight_reserve=80,
    base_url="https://api.mexc.com",
    ws_hosts=("wbs-api.mexc.com",),
    trades_kept_ms=30 * 86_400_000,
    acknowledge=(
        "MEXC is reported as not authorised under MiCA since 2026-07-01: residents of the EU may find their account restricted to"
        " withdrawals. It holds no resting stop orders for spot: while the trader is away, nothing sells."
    ),
)
"""MEXC spot: 500 weight in 10 s by its documents, of which we use four fifths."""

BINANCE = Profile(
    name="binance",
    speaks="binance",
    hosts=frozenset({"api.binance.com"}),
    quotes=("EUR", "USDC", "USDT"),
    fee_in_base=True,
    client_id_len_max=36,
    lookup_by_client_id=True,
    ack_echoes_client_id=True,
    window_ms_max=5_000,
    window_ms_min=1,
    visibility_ms=10_000,
    stops=Stops.RESTING,
    clock_step_ms=1,
    dead_mans_switch=False,
    timeframes=tuple(TIMEFRAMES_MS),
    bars_kept=0,
    weight_window_ms=60_000,
    weight_data=3_600,
    weight_orders=1_800,
    weight_reserve=360,
    base_url="https://api.binance.com",
    ws_hosts=("stream.binance.com", "ws-api.binance.com"),
    acknowledge=(
        "Binance is reported to be leaving the EU: residents may find their account restricted to withdrawals. Fees of a purchase are"
        " taken in what was bought; paying them in BNB must be switched off, since a fee in a third currency stops the session."
    ),
)
"""Binance spot: 6,000 weight in a minute by its documents, of which we use nine tenths."""

KRAKEN = Profile(
    name="kraken",
    speaks="kraken",
    hosts=frozenset({"api.kraken.com"}),
    quotes=("EUR", "USD", "USDC", "USDT"),
    fee_in_base=False,
    client_id_len_max=28,
    lookup_by_client_id=True,
    ack_echoes_client_id=False,
    window_ms_max=6_000,
    window_ms_min=2_000,
    visibility_ms=10_000,
    stops=Stops.RESTING,
    clock_step_ms=1_000,
    dead_mans_switch=True,
    timeframes=("1m", "5m", "15m", "30m", "1h", "4h", "1d"),
    bars_kept=720,
    weight_window_ms=60_000,
    weight_data=48,
    weight_orders=20,
    weight_reserve=6,
    cancel_timeout_ms=2_000,
    base_url="https://api.kraken.com",
    acknowledge=(
        "Kraken keeps 720 bars of each timeframe, so that history comes from files. A key needs the rights to query funds, open and closed"
        " orders, to create, modify and cancel orders, and no other; give it a nonce window of some seconds, and use it for nothing else."
    ),
)
"""Kraken spot, entry tier: a third of a private call and one public call in a second. Orders and cancels have a counter of their own."""

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (MEXC, BINANCE, KRAKEN)}
"""Real venues by name. One is added when its protocol was spoken to something that answers like it."""

_STEPPED_WEIGHT = 20_000


def sandbox_profile(base_url: str, *, stepped: bool, speed: float = 1.0, dialect: str = "mexc") -> Profile:
    """Return the profile of the venue whose protocol an embedded exchange speaks, bound to that exchange.

    `base_url` is http://<loopback address>:<port>.

    On a stepped clock the budget counts per venue instant: it bounds a runaway loop, since nothing else asks that exchange.
    Raises HostRefused unless the address is a literal loopback address with a port.
    """
    host = loopback_host(base_url)
    real = profile_named(dialect)
    weights = (_STEPPED_WEIGHT, _STEPPED_WEIGHT, _STEPPED_WEIGHT // 5) if stepped else (400, 400, 80)
    return replace(
        real,
        name=SANDBOX,
        hosts=frozenset({host}),
        ws_hosts=(host,) if real.ws_hosts else (),
        sandbox=True,
        base_url=base_url.rstrip("/"),
        acknowledge="",
        stepped=stepped,
        speed=speed,
        weight_window_ms=MEXC.weight_window_ms,
        weight_data=weights[0],
        weight_orders=weights[1],
        weight_reserve=weights[2],
    )


def loopback_host(base_url: str) -> str:
    """Return the host of a loopback base URL; raises HostRefused for a name, another address, a user part or no port."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        inside = ipaddress.ip_address(host).is_loopback and parts.port is not None
    except ValueError:
        inside = False
    if parts.scheme not in {"http", "ws"} or not inside or parts.username is not None or parts.query or parts.fragment:
        raise HostRefused("a literal loopback address with a port, such as http://127.0.0.1:8790", base_url, "use the embedded exchange")
    return host


def profile_named(venue: str) -> Profile:
    """Return a real venue's profile; raises UnknownName naming those that exist."""
    if venue not in PROFILES:
        raise UnknownName(f"a venue of {', '.join((SANDBOX, *PROFILES))}", repr(venue), "choose one of them")
    return PROFILES[venue]


def ceiling_of(venue: str) -> Level:
    """Return the highest permit level that a venue allows; an embedded exchange answers as a whole venue does."""
    return ceiling(PROFILES[venue].capabilities)[0] if venue in PROFILES else Level.FULL


def check_url(profile: Profile, url: str) -> None:
    """Pass when a request may go to `url`: the profile's own host, and nothing else of it changed; raises HostRefused otherwise.

    On a real profile that is https on port 443 of one of its hosts. A profile bound to loopback, an embedded exchange's or a
    real one under test, goes to that one address and port.
    """
    base, found = urlsplit(profile.base_url), urlsplit(url)
    try:
        ports = found.port, base.port
    except ValueError:
        ports = 0, 0
    same = found.hostname == base.hostname and found.hostname in profile.hosts and found.username is None
    if profile.sandbox or base.scheme == "http":
        loopback_host(profile.base_url)
        fits = same and ports[0] == ports[1] and found.scheme in {"http", "ws"}
    else:
        fits = same and found.scheme == base.scheme == "https" and all(port in {None, _HTTPS} for port in ports)
    if not fits:
        place = f"{found.scheme}://{found.hostname}:{ports[0]}"
        raise HostRefused(f"a request to {profile.base_url or 'a known host'}", place, "stop and look at what changed the address")


def check_stream(profile: Profile, url: str) -> None:
    """Pass when a stream may come from `url`, as `check_url` for requests; raises HostRefused otherwise.

    On a real profile that is wss from one of its hosts for streams; a profile bound to loopback hears that one address and port.
    """
    base, found = urlsplit(profile.base_url), urlsplit(url)
    try:
        ports = found.port, base.port
    except ValueError:
        ports = 0, 0
    known = found.hostname in profile.ws_hosts and found.username is None
    if profile.sandbox or base.scheme == "http":
        loopback_host(profile.base_url)
        fits = known and found.hostname == base.hostname and ports[0] == ports[1] and found.scheme == "ws"
    else:
        fits = known and found.scheme == "wss" and ports[0] in _WSS
    if not fits:
        place = f"{found.scheme}://{found.hostname}:{ports[0]}"
        raise HostRefused(f"streams from {', '.join(profile.ws_hosts) or 'no host'}", place, "stop and look at what changed the address")
