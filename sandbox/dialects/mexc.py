"""MEXC's spot REST protocol, version 3, as the unmodified ccxt client speaks it: routes, signatures, codes. Pure.

What MEXC does with a client id used twice, and with a post-only order that would take, is not known; here a rule decides.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sandbox.candles import Candles
from sandbox.dialects.base import Request, Route
from sandbox.dialects.hexsigned import Code, HexSigned
from sandbox.dialects.listen_keys import ListenKeys
from sandbox.dialects.mexc_public import PublicCalls
from sandbox.dialects.mexc_signed import SignedCalls
from sandbox.dialects.mexc_stream import MexcSession
from sandbox.dialects.session import Session
from sandbox.dialects.wording import Worded
from sandbox.matching import Exchange
from sandbox.orders import No

CODES: Mapping[No, Code] = {
    No.SYMBOL: Code(400, -1121, "Invalid symbol."),
    No.FUNDS: Code(400, 30004, "Insufficient position"),
    No.LOT: Code(400, 10096, "amount decimal places is too long"),
    No.TICK: Code(400, 30010, "no valid trade price"),
    No.QTY_ZERO: Code(400, 10102, "param amount cannot be zero or negative"),
    No.QTY_MIN: Code(400, 10097, "amount is error"),
    No.NO_QTY: Code(400, 10095, "amount cannot be null"),
    No.NOTIONAL_MIN: Code(400, 30002, "The minimum transaction volume cannot be less than:{min}USDT"),
    No.NOTIONAL_MAX: Code(400, 30003, "The maximum transaction volume cannot be greater than:{max}USDT"),
    No.NO_ORDER: Code(400, -2013, "Order does not exist."),
    No.NOT_CANCELABLE: Code(400, -2011, "Unknown order sent."),
    No.DUPLICATE: Code(400, 603, "Repeated request"),
    No.WOULD_TAKE: Code(400, 30005, "Oversold"),
    No.PARAMETER: Code(400, 700004, "Param '{detail}' was not sent, was empty/null, or malformed."),
    No.ILLEGAL: Code(400, 700004, "Param '{detail}' was not sent, was empty/null, or malformed."),
    No.PRECISION: Code(400, 700004, "Param '{detail}' was not sent, was empty/null, or malformed."),
    No.REPEATED: Code(400, 700004, "Param '{detail}' was not sent, was empty/null, or malformed."),
    No.KEY: Code(400, 10072, "Api key info invalid"),
    No.SIGNATURE: Code(400, 700002, "Signature for this request is not valid."),
    No.TIMESTAMP: Code(400, 700003, "Timestamp for this request is outside of the recvWindow."),
    No.LISTEN_KEY: Code(400, -1125, "This listenKey does not exist."),
    No.RATE: Code(429, 429, "Too Many Requests"),
    No.WOULD_TRIGGER: Code(400, 30041, "current order type can not place order"),
    No.TOO_MANY: Code(400, 30029, "Cannot exceed the maximum order limit"),
    No.BAND: Code(400, 30087, "Order price exceeds allowed range"),
    No.HALTED: Code(400, 30000, "suspended transaction for the symbol"),
}


class Mexc(HexSigned):
    """One exchange behind MEXC's protocol."""

    name = "mexc"
    key_header = "x-mexc-apikey"
    sockets = ("GET /ws",)
    codes = CODES

    def __init__(self, exchange: Exchange, candles: Candles) -> None:
        """Offer the routes over an exchange."""
        super().__init__(exchange)
        public, signed = PublicCalls(exchange, candles), SignedCalls(exchange, self.powers)
        self.listen_keys, self._worded = ListenKeys(exchange), Worded()
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
            "POST /api/v3/userDataStream": Route(self.listen_keys.create, signed=True, weight=1),
            "GET /api/v3/userDataStream": Route(self.listen_keys.valid, signed=True, weight=1),
            "PUT /api/v3/userDataStream": Route(self.listen_keys.keep, signed=True, weight=1),
            "DELETE /api/v3/userDataStream": Route(self.listen_keys.remove, signed=True, weight=1),
        }

    def connect(self, request: Request) -> Session | None:
        """Begin a conversation on `/ws`; a listen key in the query adds the account's channels."""
        if request.path != "/ws":
            return None
        listen_key = dict(parse_qsl(request.query, keep_blank_values=True)).get("listenKey", "")
        return MexcSession(self.exchange, self._worded, self.listen_keys, listen_key, self.exchange.now_ms)

    def lose_listen_keys(self, account: str) -> bool:
        """End an account's listen keys, and with them the connections that showed one; return whether there were any."""
        return self.listen_keys.lose(account)
