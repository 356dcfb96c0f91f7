"""The gateway: the Venue port over the unmodified ccxt client of MEXC. Nothing else imports ccxt.

It asks the client for endpoints (what its implicit methods do) and not for `create_order`, because that truncates quantities,
rewrites market orders and sends numbers, where the wire must carry exactly the texts that the journal holds.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ccxt.async_support as ccxt

from trader_core.model.errors import DataFault
from trader_core.model.instrument import price_text, qty_text
from trader_core.venues import order_test, outcomes, parse, permissions
from trader_core.venues.door import OrdersAllowed, check_client, orders_closed
from trader_core.venues.fields import market_id, rows
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.outcomes import Call
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import Balance, Outcome, Reply, SendRequest, VenueOrder, VenueTrade
from trader_core.venues.profiles import ApiKey, Profile, check_url
from trader_core.venues.reads import Reads
from trader_core.venues.wire import MaySend, Wire

TRADES_PER_PAGE = 100
_CLIENT_ID = re.compile(r"[A-Za-z0-9_\-]+")


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
        limiter = limiter or Limiter(profile, now_ms)
        super().__init__(Wire(_client(profile, key, timeout_s), profile, now_ms, limiter, may_send, secrets, orders_allowed))
        self._orders_allowed = orders_allowed
        self._claimed: set[str] = set()
        self._client_ids: dict[str, str] = {}

    def install_gate(self, may_send: MaySend) -> None:
        """Ask `may_send` from now on before every order: for a session that is made after its gateway."""
        self._wire.may_send = may_send

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
        instrument, params = self._known(request.symbol), self._params(request)
        pinned = {"timestamp": str(request.sent_ms), "recvWindow": str(request.window_ms)}
        call = Call("POST", "order", request, {**params, **pinned})
        try:
            await self._wire.ask(call, params, Lane.ORDERS, 1)
        finally:
            if not call.written:
                self._claimed.discard(request.client_order_id)
        outcome = outcomes.of_create(call)
        if outcome is not Outcome.OK:
            return self._reply(call, outcome)
        return self._named(self._parsed(call, lambda raw: parse.ack(raw, request, instrument), Outcome.UNKNOWN))

    async def test_order(self, request: SendRequest) -> Reply[None]:
        """Let the venue check an order without placing it; OK only for its own empty answer, REJECTED by whitelisted code."""
        fault = self._fault(request)
        if fault:
            return Reply(Outcome.GATED, code="request", evidence=fault)
        return await order_test.tested(self._wire, self._params(request))

    async def permissions(self) -> Reply[Permissions]:
        """Return what the venue says that this key may do."""
        return await self._read("account", {}, permissions.read, Lane.URGENT, 10)

    async def cancel(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Ask the venue to cancel; NOT_FOUND when it says that it has no such open order, UNKNOWN for anything unproven."""
        instrument = self._known(symbol)
        call = Call("DELETE", "order")
        await self._wire.ask(call, {"symbol": market_id(instrument), "origClientOrderId": client_order_id}, Lane.URGENT, 1)
        outcome = outcomes.of_cancel(call)
        if outcome is not Outcome.OK:
            return self._reply(call, outcome)
        return self._named(self._parsed(call, lambda raw: parse.order(raw, instrument, client_order_id), Outcome.UNKNOWN))

    async def order(self, symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        """Look an order up by client id; NOT_FOUND is only the venue's own word, garbage is RETRYABLE_READ."""
        instrument = self._known(symbol)
        params = {"symbol": market_id(instrument), "origClientOrderId": client_order_id}
        return self._named(await self._read("order", params, lambda raw: parse.order(raw, instrument, client_order_id), Lane.URGENT, 2))

    async def open_orders(self, symbol: str) -> Reply[list[VenueOrder]]:
        """Return all open orders of the account on a symbol; only a well-formed empty list is empty."""
        instrument = self._known(symbol)

        def every(raw: object) -> list[VenueOrder]:
            return [parse.order(row, instrument) for row in rows(raw, "open orders")]

        return await self._read("openOrders", {"symbol": market_id(instrument)}, every, Lane.URGENT, 3)

    async def trades(self, symbol: str, since_ms: int) -> Reply[list[VenueTrade]]:
        """Return the account's fills on a symbol since a time, oldest first, complete; RESTRICTED for a third-currency fee.

        Which end of a full page the venue cuts off is not documented, so a full page is halved in time until none is full.
        """
        instrument = self._known(symbol)
        spans, found = [(since_ms, max(self._wire.now_ms(), since_ms) + 1_000)], list[dict[str, Any]]()
        while spans:
            begin, end = spans.pop()
            page = await self._page(market_id(instrument), begin, end)
            if page.value is None:
                return Reply(page.outcome, code=page.code, evidence=page.evidence)
            full, middle = len(page.value) >= TRADES_PER_PAGE, (begin + end) // 2
            if full and begin == end:
                return Reply(Outcome.RETRYABLE_READ, code="full_page", evidence=f"{len(page.value)} trades at {begin} ms and perhaps more")
            if full:
                spans += [(begin, middle), (middle + 1, end)]
                continue
            found += page.value
        try:
            foreign = next((row for row in found if parse.fee_is_foreign(row, instrument)), None)
            if foreign is not None:
                return Reply(Outcome.RESTRICTED, code="fee_currency", evidence=self._wire.clean(f"a fee in a third currency: {foreign}"))
            known = {trade.trade_id: trade for trade in (parse.trade(row, instrument) for row in found)}
        except DataFault as fault:
            return Reply(Outcome.RETRYABLE_READ, code="malformed", evidence=self._wire.clean(str(fault)))
        return Reply(Outcome.OK, sorted(map(self._owned, known.values()), key=lambda trade: (trade.ts_ms, trade.trade_id)))

    async def balances(self) -> Reply[list[Balance]]:
        """Return the account's balances; an empty answer is RETRYABLE_READ."""
        return await self._read("account", {}, parse.balances, Lane.URGENT, 10)

    async def _page(self, symbol: str, begin_ms: int, end_ms: int) -> Reply[list[Any]]:
        params = {"symbol": symbol, "startTime": str(begin_ms), "endTime": str(end_ms), "limit": str(TRADES_PER_PAGE)}
        return await self._read("myTrades", params, lambda raw: rows(raw, "trades"), Lane.URGENT, 10)

    def _params(self, request: SendRequest) -> dict[str, str]:
        instrument = self._known(request.symbol)
        params = {
            "symbol": market_id(instrument),
            "side": request.side.name,
            "type": parse.WIRE_TYPES[request.order_type],
            "quantity": qty_text(instrument, request.qty),
            "newClientOrderId": request.client_order_id,
        }
        return params if request.order_type == "MARKET" else {**params, "price": price_text(instrument, request.limit)}

    def _fault(self, request: SendRequest) -> str:
        """Return why this request cannot be written at all, or ""."""
        checks = (
            (request.symbol in self._instruments, f"no instrument {request.symbol} was loaded"),
            (_CLIENT_ID.fullmatch(request.client_order_id) is not None, "its client id has characters that the venue does not take"),
            (len(request.client_order_id) <= self.profile.client_id_len_max, "its client id is too long"),
            (request.order_type in parse.WIRE_TYPES, f"order type {request.order_type} is not offered"),
            (request.qty > 0 and (request.limit > 0 or request.order_type == "MARKET"), "its quantity or limit is not positive"),
            (0 < request.window_ms <= self.profile.window_ms_max, f"its window is not within 1 to {self.profile.window_ms_max} ms"),
        )
        return next((fault for fine, fault in checks if not fine), "")

    def _named(self, reply: Reply[VenueOrder]) -> Reply[VenueOrder]:
        if reply.value is not None:
            self._client_ids[reply.value.venue_order_id] = reply.value.client_order_id
        return reply

    def _owned(self, trade: VenueTrade) -> VenueTrade:
        """Return the trade with our client id where the venue names only its own."""
        ours = trade.client_order_id or self._client_ids.get(trade.venue_order_id, "")
        return replace(trade, client_order_id=ours)


def _client(profile: Profile, key: ApiKey | None, timeout_s: float) -> Any:
    """Return ccxt's client with every address replaced, no retries, no limiter of its own and no talkative log."""
    logging.getLogger("ccxt.base.exchange").setLevel(logging.WARNING)
    exchange = ccxt.mexc({"enableRateLimit": False, "timeout": int(timeout_s * 1_000), "aiohttp_trust_env": False})
    exchange.options["maxRetriesOnFailure"] = 0
    exchange.enableLastHttpResponse = exchange.enableLastResponseHeaders = False
    exchange.timeout_on_exit = 0
    if key is not None:
        exchange.apiKey, exchange.secret = key.key, key.secret
    exchange.urls = _bound(exchange.urls, profile)
    for url in _leaves(exchange.urls):
        check_url(profile, url)
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
    path = re.sub(r"^[a-z]+://[^/]*", "", urls)
    return profile.base_url + path.rstrip("/")


def _leaves(urls: Any) -> list[str]:
    if isinstance(urls, str):
        return [urls]
    children = urls.values() if isinstance(urls, dict) else urls if isinstance(urls, list) else ()
    return [leaf for child in children for leaf in _leaves(child)]
