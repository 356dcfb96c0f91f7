"""The gateway: the Venue port over the unmodified ccxt client of one venue. Nothing else imports ccxt.

It asks the client for endpoints (what its implicit methods do) and not for `create_order`, because that truncates quantities,
rewrites market orders and sends numbers, where the wire must carry exactly the texts that the journal holds.
"""

import logging
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro as streaming

from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.venues import history, order_test, outcomes
from trader_core.venues.adapters.base import Row
from trader_core.venues.adapters.known import ADAPTERS, SPEECHES
from trader_core.venues.agreed import agreed
from trader_core.venues.door import OrdersAllowed, check_client, orders_closed
from trader_core.venues.fields import vouched
from trader_core.venues.hurry import Hurry
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import CLOSED, Balance, Outcome, Reply, SendRequest, VenueOrder, VenueTrade
from trader_core.venues.profiles import ApiKey, Profile
from trader_core.venues.reads import Reads
from trader_core.venues.stream_client import StreamClient
from trader_core.venues.stream_door import check_dial
from trader_core.venues.wire import MaySend, Wire

_CLIENT_ID = re.compile(r"[A-Za-z0-9_\-]+")
_LISTEN_WINDOW_MS = 60_000
"""Of a request for an account's streams: it changes nothing there, so that it may come late."""
_ADDRESS = re.compile(r"([a-z]+)://([^/]*)(.*)", re.DOTALL)


class Gateway(Reads):
    """One account on one venue (public data only without a key). Implements trader_core.venues.port.Venue."""

    def __init__(
        self,
        profile: Profile,
        now_ms: Callable[[], int],
        *,
        key: ApiKey | None = None,
        may_send: MaySend | None = None,
        limiter: Limiter | None = None,
        timeout_s: float = 10.0,
        orders_allowed: OrdersAllowed = orders_closed,
    ) -> None:
        """Bind the client to the profile's host; `now_ms` is the venue's clock. Without `may_send` no order is ever sent.

        On a real profile `orders_allowed` is asked besides, here and by the door: without one, no order is ever sent there.
        Raises HostRefused for a profile whose address is not among its hosts.
        """
        secrets = (key.key, key.secret) if key else ()
        self._limiter, self._timeout_s = limiter or Limiter(profile, now_ms), timeout_s
        super().__init__(Wire(_client(profile, key, timeout_s), profile, now_ms, self._limiter, may_send, secrets, orders_allowed))
        self._orders_allowed, self._key, self._hurry = orders_allowed, key, Hurry(profile.cancel_timeout_ms / 1_000, timeout_s)
        self._claimed: set[str] = set()
        self._client_ids: dict[str, str] = {}

    def install_gate(self, may_send: MaySend) -> None:
        """Ask `may_send` from now on before every order: for a session that is made after its gateway."""
        self._wire.may_send = may_send

    def reader(self) -> Reads:
        """Return another client for market data: connections of its own and no key, the same budget and the same instruments.

        So that no order waits behind bars, neither for a connection nor in the client.
        """
        wire = Wire(_client(self.profile, None, self._timeout_s), self.profile, self._wire.now_ms, self._limiter, None, ())
        return Reads(wire, self._instruments)

    def listener(self, timeframe: str, *, private: bool) -> StreamClient:
        """Return another client for streams of the instruments in use, with connections of its own; only a `private` one holds the key.

        It can place no order, and it is neither the client of orders nor that of reads.
        """
        exchange = _client(self.profile, self._key if private else None, self._timeout_s, streaming)
        exchange.nonce = self._wire.now_ms
        exchange.options["recvWindow"] = _LISTEN_WINDOW_MS
        speech, step_ms = SPEECHES[self.profile.speaks], timeframe_ms(timeframe)
        return StreamClient(exchange, self.profile, speech, dict(self._instruments), timeframe, step_ms)

    async def submit(self, request: SendRequest) -> Reply[VenueOrder]:
        """Write the order once. OK only for a parsed order of ours, REJECTED only for a whitelisted code, GATED for nothing written.

        Everything else is UNKNOWN, and so is a client id that this process wrote before. Raises HostRefused, with nothing written.
        """
        closed = "" if self.profile.sandbox else self._orders_allowed(request.side.name)
        if closed:
            return Reply(Outcome.GATED, code="orders", evidence=closed)
        fault = self._fault(request)
        if fault:
            return Reply(Outcome.GATED, code="request", evidence=fault)
        if request.client_order_id in self._claimed:
            return Reply(Outcome.UNKNOWN, code="written_before", evidence="this process wrote this client order id before: look it up")
        self._claimed.add(request.client_order_id)
        instrument, adapter = self._known(request.symbol), self._adapter
        ask = adapter.create(request, instrument)
        signed = {**ask.params, **adapter.pins(request)}
        call = self._wire.call(ask._replace(params={**ask.params, **adapter.sent(request)}), request, signed)
        try:
            await self._wire.ask(call, Lane.ORDERS)
        finally:
            if not call.written:
                self._claimed.discard(request.client_order_id)
        outcome = outcomes.of_create(call)
        if outcome is not Outcome.OK:
            return self._reply(call, outcome)
        return self._named(self._parsed(call, lambda raw: adapter.ack(raw, request, instrument), Outcome.UNKNOWN))

    async def test_order(self, request: SendRequest) -> Reply[None]:
        """Let the venue check an order without placing it; OK only for its own answer to a test, REJECTED by whitelisted code."""
        fault = self._fault(request)
        if fault:
            return Reply(Outcome.GATED, code="request", evidence=fault)
        return await order_test.tested(self._wire, self._adapter.test(request, self._known(request.symbol)), self._adapter.passed)

    async def permissions(self) -> Reply[Permissions]:
        """Return what the venue says that this key may do, twice: a list that was cut once would hide a right."""
        return await agreed(lambda: self._read(self._adapter.rights(), self._adapter.permissions, Lane.URGENT))

    async def cancel(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Ask the venue to cancel; NOT_FOUND when it says that it has no such open order, UNKNOWN for anything unproven."""
        instrument, ask = self._known(symbol), self._adapter.cancel(self._known(symbol), client_order_id)
        call = await self._wire.ask(self._wire.call(ask, timeout_s=self._hurry.again(client_order_id)), Lane.URGENT)
        outcome = outcomes.of_cancel(call)
        if outcome is not Outcome.OK:
            return self._reply(call, outcome)
        done = self._parsed(call, lambda raw: self._adapter.canceled(raw, instrument, client_order_id), Outcome.UNKNOWN)
        if done.value is not None:
            return self._named(Reply(done.outcome, done.value))
        if done.outcome is not Outcome.OK:
            return Reply(done.outcome, code=done.code, evidence=done.evidence)
        seen = await self.order(symbol, client_order_id)
        return seen if seen.value is not None else Reply(Outcome.UNKNOWN, code=seen.code, evidence=seen.evidence)

    async def cancel_symbol(self, symbol: str, ours: Collection[str]) -> list[Reply[VenueOrder]]:
        """Cancel the open orders among `ours` on a symbol and return a reply for each, or the one that kept us from listing them.

        By symbol, in one request, only where the venue can and every open order is ours and none is a resting stop: otherwise
        one by one, so that nothing else is cancelled. What the one request leaves unproven is cancelled one by one too.
        The list is read twice: one that was cut once would hide what must stay, or what must go.
        """
        listed = await agreed(
            lambda: self.open_orders(symbol), lambda found: sorted((one.venue_order_id, one.client_order_id) for one in found)
        )
        if listed.value is None:
            return [Reply(listed.outcome, code=listed.code, evidence=listed.evidence)]
        mine = [order.client_order_id for order in listed.value if order.client_order_id in ours and not order.stop]
        ask = self._adapter.cancel_all(self._known(symbol))
        if ask is not None and len(mine) == len(listed.value) > 1:
            call = await self._wire.ask(self._wire.call(ask), Lane.URGENT)
            if outcomes.of_cancel(call) is Outcome.OK:
                found = [await self.order(symbol, client_id) for client_id in mine]
                if all(reply.value is not None and reply.value.state in CLOSED for reply in found):
                    return found
        return [await self.cancel(symbol, client_id) for client_id in mine]

    async def order(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Look an order up by client id; NOT_FOUND is only the venue's own word, garbage is RETRYABLE_READ."""
        instrument, wait_s = self._known(symbol), self._hurry.wait_s(client_order_id)
        for ask in self._adapter.look_up(instrument, client_order_id):
            reply = await self._read(ask, lambda raw: self._adapter.found(raw, instrument, client_order_id), Lane.URGENT, wait_s)
            if reply.value is not None:
                return self._named(Reply(reply.outcome, reply.value))
            if reply.outcome is not Outcome.OK:
                return Reply(reply.outcome, code=reply.code, evidence=reply.evidence)
        return Reply(Outcome.NOT_FOUND, code="nowhere", evidence=f"{client_order_id} is neither among the open nor among the closed orders")

    async def open_orders(self, symbol: str) -> Reply[list[VenueOrder]]:
        """Return all open orders of the account on a symbol; only a well-formed empty list is empty."""
        instrument = self._known(symbol)
        return await self._read(self._adapter.open_ask(instrument), lambda raw: self._adapter.open(raw, instrument), Lane.URGENT)

    async def trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        """Return the account's fills on a symbol since a time, oldest first, complete; RESTRICTED for a third-currency fee."""
        instrument = self._known(symbol)
        rows = await history.rows(self._wire, self._adapter, self._read, instrument, since_ms)
        if rows.value is None:
            return Reply(rows.outcome, code=rows.code, evidence=rows.evidence)
        try:
            foreign, trades = vouched(partial(self._fills, instrument), rows.value)
        except DataFault as fault:
            return Reply(Outcome.RETRYABLE_READ, code="malformed", evidence=self._wire.clean(str(fault)))
        if foreign:
            return Reply(Outcome.RESTRICTED, code="fee_currency", evidence=self._wire.clean(f"a fee in a third currency: {foreign}"))
        found = sorted((trade for trade in trades if trade.ts_ms >= since_ms), key=lambda trade: (trade.ts_ms, trade.trade_id))
        return await self._owned(instrument, found)

    async def balances(self) -> Reply[list[Balance]]:
        """Return the account's balances; an empty answer is RETRYABLE_READ."""
        return await self._read(self._adapter.account(), self._adapter.balances, Lane.URGENT)

    async def cancel_all_after(self, seconds: int) -> Reply[None]:
        """Have the venue cancel everything unless it hears from us within `seconds`; 0 disarms. RESTRICTED where it has no such switch."""
        ask = self._adapter.dead_man(seconds)
        if ask is None:
            return Reply(Outcome.RESTRICTED, code="no_switch", evidence=f"{self.profile.name} has no dead man's switch")
        return await self._read(ask, self._adapter.dead_man_set, Lane.URGENT)

    def _fault(self, request: SendRequest) -> str:
        """Return why this request cannot be written at all, or ""."""
        window = self.profile.window_ms_min, self.profile.window_ms_max
        checks = (
            (request.symbol in self._instruments, f"no instrument {request.symbol} was loaded"),
            (not (self._adapter.request_fault(request)), self._adapter.request_fault(request)),
            (_CLIENT_ID.fullmatch(request.client_order_id) is not None, "its client id has characters that the venue does not take"),
            (len(request.client_order_id) <= self.profile.client_id_len_max, "its client id is too long"),
            (request.order_type in self._adapter.order_types, f"order type {request.order_type} is not offered"),
            (request.qty > 0 and (request.limit > 0 or request.order_type == "MARKET"), "its quantity or limit is not positive"),
            ((request.trigger > 0) == (request.order_type == "STOP"), "a STOP has a trigger, and no other order has one"),
            (window[0] <= request.window_ms <= window[1], f"its window is not within {window[0]} to {window[1]} ms"),
        )
        return next((fault for fine, fault in checks if not fine), "")

    def _named(self, reply: Reply[VenueOrder]) -> Reply[VenueOrder]:
        if reply.value is not None:
            self._client_ids[reply.value.venue_order_id] = reply.value.client_order_id
            self._hurry.seen(reply.value)
        return reply

    def _fills(self, instrument: Instrument, rows: list[Row]) -> tuple[str, list[VenueTrade]]:
        """Return a row with a fee in a third currency, "" for none, and otherwise each trade once."""
        mine = [row for row in rows if self._adapter.concerns(row, instrument)]
        foreign = next((str(row) for row in mine if self._adapter.fee_is_foreign(row, instrument)), "")
        known = {trade.trade_id: trade for trade in (self._adapter.trade(row, instrument) for row in mine if not foreign)}
        return foreign, list(known.values())

    def _name(self, instrument: Instrument, venue_order_id: str, payload: object) -> str:
        return self._adapter.named(payload, instrument, venue_order_id)

    async def _owned(self, instrument: Instrument, found: list[VenueTrade]) -> Reply[list[VenueTrade]]:
        """Return the trades with our client ids; where the venue names only its own, each unknown order is asked for once."""
        if not self._adapter.trades_name_orders:
            for venue_id in dict.fromkeys(trade.venue_order_id for trade in found if not trade.client_order_id):
                if venue_id not in self._client_ids:
                    ask = self._adapter.by_venue_id(instrument, venue_id)
                    named = await self._read(ask, partial(self._name, instrument, venue_id), Lane.URGENT)
                    if named.value is None:
                        return Reply(named.outcome, code=named.code, evidence=named.evidence)
                    self._client_ids[venue_id] = named.value
        ours = [replace(trade, client_order_id=trade.client_order_id or self._client_ids.get(trade.venue_order_id, "")) for trade in found]
        return Reply(Outcome.OK, ours)


def _client(profile: Profile, key: ApiKey | None, timeout_s: float, library: Any = ccxt) -> Any:
    """Return ccxt's client with every address replaced, no retries, no limiter of its own and no talkative log."""
    logging.getLogger("ccxt.base.exchange").setLevel(logging.WARNING)
    exchange = getattr(library, ADAPTERS[profile.speaks].client)(
        {"enableRateLimit": False, "timeout": int(timeout_s * 1_000), "aiohttp_trust_env": False}
    )
    exchange.options["maxRetriesOnFailure"] = 0
    exchange.enableLastHttpResponse = exchange.enableLastResponseHeaders = False
    exchange.timeout_on_exit = 0
    if key is not None:
        exchange.apiKey, exchange.secret = key.key, key.secret
    exchange.urls = _bound(exchange.urls, profile)
    for url in _leaves(exchange.urls):
        check_dial(profile, url)
    check_client(exchange)
    return exchange


def _bound(urls: Any, profile: Profile) -> Any:
    """Return a tree of addresses, each with the profile's scheme, host and port in front of its path."""
    if isinstance(urls, dict):
        return {name: _bound(url, profile) for name, url in urls.items()}
    if isinstance(urls, list):
        return [_bound(url, profile) for url in urls]
    if not isinstance(urls, str):
        return urls
    scheme, host, path = _parts(urls)
    if scheme not in {"ws", "wss"}:
        return profile.base_url + path.rstrip("/")
    if profile.base_url.startswith("http://"):
        return profile.base_url.replace("http", "ws", 1) + path.rstrip("/")
    fits = host.partition(":")[0] in profile.ws_hosts
    return f"wss://{host if fits else profile.ws_hosts[0]}{path.rstrip('/')}"


def _parts(url: str) -> tuple[str, str, str]:
    """Return scheme, host and path; what is no address is all path."""
    found = _ADDRESS.fullmatch(url)
    return (found[1], found[2], found[3]) if found else ("", "", url)


def _leaves(urls: Any) -> list[str]:
    if isinstance(urls, str):
        return [urls]
    children = urls.values() if isinstance(urls, dict) else urls if isinstance(urls, list) else ()
    return [leaf for child in children for leaf in _leaves(child)]
