"""MEXC's spot REST protocol, version 3, as the unmodified ccxt client speaks it: routes, signatures, codes. Pure.

What MEXC does with a client id used twice, and with a post-only order that would take, is not known; here a rule decides.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sandbox.candles import Candles
from sandbox.dialects.mexc_public import PublicCalls
from sandbox.dialects.mexc_signed import SignedCalls
from sandbox.faults import Answer
from sandbox.market import MINUTE_MS
from sandbox.matching import Exchange
from sandbox.orders import No, Refused

CODES = {
    No.SYMBOL: (400, -1121, "Invalid symbol."),
    No.FUNDS: (400, 30004, "Insufficient position"),
    No.LOT: (400, 10096, "amount decimal places is too long"),
    No.TICK: (400, 30010, "no valid trade price"),
    No.QTY_ZERO: (400, 10102, "param amount cannot be zero or negative"),
    No.QTY_MIN: (400, 10097, "amount is error"),
    No.NO_QTY: (400, 10095, "amount cannot be null"),
    No.NOTIONAL_MIN: (400, 30002, "The minimum transaction volume cannot be less than:{min}USDT"),
    No.NOTIONAL_MAX: (400, 30003, "The maximum transaction volume cannot be greater than:{max}USDT"),
    No.NO_ORDER: (400, -2013, "Order does not exist."),
    No.NOT_CANCELABLE: (400, -2011, "Unknown order sent."),
    No.DUPLICATE: (400, 603, "Repeated request"),
    No.WOULD_TAKE: (400, 30005, "Oversold"),
    No.PARAMETER: (400, 700004, "Param '{detail}' was not sent, was empty/null, or malformed."),
    No.KEY: (400, 10072, "Api key info invalid"),
    No.SIGNATURE: (400, 700002, "Signature for this request is not valid."),
    No.TIMESTAMP: (400, 700003, "Timestamp for this request is outside of the recvWindow."),
    No.RATE: (429, 429, "Too Many Requests"),
}
WINDOW_DEFAULT_MS, WINDOW_MAX_MS, AHEAD_MS = 5_000, 60_000, 1_000


class Key(NamedTuple):
    """An API key's secret and the account that it opens."""

    secret: str
    account: str


class Route(NamedTuple):
    """Who answers a request, whether it must be signed, and what it weighs."""

    call: Callable[[str, dict[str, str]], Any]
    signed: bool
    weight: int


class Mexc:
    """One exchange behind MEXC's protocol; `answer` is the whole of it."""

    def __init__(self, exchange: Exchange, candles: Candles) -> None:
        """Offer the routes over an exchange."""
        self.exchange = exchange
        self.keys: dict[str, Key] = {}
        self._weights: dict[str, tuple[int, int]] = {}
        public, signed = PublicCalls(exchange, candles), SignedCalls(exchange)
        self.powers = signed.powers
        self._routes = {
            "GET /api/v3/ping": Route(public.ping, signed=False, weight=1),
            "GET /api/v3/time": Route(public.time, signed=False, weight=1),
            "GET /api/v3/exchangeInfo": Route(public.exchange_info, signed=False, weight=10),
            "GET /api/v1/contract/detail": Route(public.contracts, signed=False, weight=1),
            "GET /api/v3/klines": Route(public.klines, signed=False, weight=1),
            "GET /api/v3/depth": Route(public.depth, signed=False, weight=1),
            "GET /api/v3/trades": Route(public.trades, signed=False, weight=5),
            "GET /api/v3/aggTrades": Route(public.agg_trades, signed=False, weight=1),
            "GET /api/v3/ticker/24hr": Route(public.ticker_day, signed=False, weight=1),
            "GET /api/v3/ticker/price": Route(public.ticker_price, signed=False, weight=1),
            "GET /api/v3/ticker/bookTicker": Route(public.ticker_book, signed=False, weight=1),
            "GET /api/v3/capital/config/getall": Route(signed.currencies, signed=True, weight=10),
            "GET /api/v3/account": Route(signed.account, signed=True, weight=10),
            "GET /api/v3/tradeFee": Route(signed.trade_fee, signed=True, weight=20),
            "POST /api/v3/order": Route(signed.create, signed=True, weight=1),
            "POST /api/v3/order/test": Route(signed.test, signed=True, weight=1),
            "GET /api/v3/order": Route(signed.order, signed=True, weight=2),
            "DELETE /api/v3/order": Route(signed.cancel, signed=True, weight=1),
            "GET /api/v3/openOrders": Route(signed.open_orders, signed=True, weight=3),
            "DELETE /api/v3/openOrders": Route(signed.cancel_all, signed=True, weight=1),
            "GET /api/v3/allOrders": Route(signed.all_orders, signed=True, weight=10),
            "GET /api/v3/myTrades": Route(signed.my_trades, signed=True, weight=10),
        }

    def answer(self, site: str, query: str, api_key: str | None) -> Answer:
        """Return the response to `site`, such as `GET /api/v3/time`, with its raw query string."""
        route = self._routes.get(site)
        if route is None:
            return Answer(404, b'{"code":404,"msg":"Not Found"}')
        try:
            self._weigh(route.weight, api_key or "")
            account = self._authenticated(query, api_key) if route.signed else ""
            body = route.call(account, dict(parse_qsl(query, keep_blank_values=True)))
        except Refused as refused:
            return self._no(refused)
        return Answer(200, body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode())

    def _no(self, refused: Refused) -> Answer:
        rules = self.exchange.rules
        status, code, text = CODES[refused.why]
        texts = {"min": rules.notional_min / 10**10, "max": rules.notional_max / 10**10, "detail": refused.detail}
        body = json.dumps({"code": code, "msg": text.format(**texts)}).encode()
        if refused.why is not No.RATE:
            return Answer(status, body)
        wait_s = -(-(MINUTE_MS - self.exchange.now_ms % MINUTE_MS) // 1000)
        return Answer(status, body, headers=(("Retry-After", str(wait_s)),))

    def _weigh(self, weight: int, api_key: str) -> None:
        limit = self.exchange.rules.weight_limit
        if not limit:
            return
        minute = self.exchange.now_ms // MINUTE_MS
        before, used = self._weights.get(api_key, (minute, 0))
        used = weight + (used if before == minute else 0)
        if used > limit:
            raise Refused(No.RATE)
        self._weights[api_key] = (minute, used)

    def _authenticated(self, query: str, api_key: str | None) -> str:
        """Return the account that signed the query; raises Refused(KEY, SIGNATURE or TIMESTAMP)."""
        key = self.keys.get(api_key or "")
        if key is None:
            raise Refused(No.KEY)
        signed, _, signature = query.rpartition("&signature=")
        expected = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Refused(No.SIGNATURE)
        params = dict(parse_qsl(signed))
        try:
            sent_ms, window_ms = int(params["timestamp"]), int(params.get("recvWindow", WINDOW_DEFAULT_MS))
        except (KeyError, ValueError) as error:
            raise Refused(No.PARAMETER, "timestamp") from error
        now_ms = self.exchange.now_ms + self.exchange.rules.skew_ms
        if not (sent_ms < now_ms + AHEAD_MS and now_ms - sent_ms <= min(window_ms, WINDOW_MAX_MS)):
            raise Refused(No.TIMESTAMP)
        return key.account
