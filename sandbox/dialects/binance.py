"""Binance's spot REST protocol, version 3, as the unmodified ccxt client speaks it: routes and codes. Pure.

Orders of EUR and USDT pairs. A client id is unique among open orders only; fees are taken from what a fill brings in.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sandbox.candles import Candles
from sandbox.dialects.base import Params, Request, Route
from sandbox.dialects.binance_account import AccountSession
from sandbox.dialects.binance_public import PublicCalls
from sandbox.dialects.binance_signed import SignedCalls
from sandbox.dialects.binance_stream import MarketSession
from sandbox.dialects.hexsigned import Code, HexSigned
from sandbox.dialects.session import Session
from sandbox.dialects.wording import Worded
from sandbox.matching import Exchange
from sandbox.orders import No

CODES: Mapping[No, Code] = {
    No.SYMBOL: Code(400, -1121, "Invalid symbol."),
    No.FUNDS: Code(400, -2010, "Account has insufficient balance for requested action."),
    No.LOT: Code(400, -1013, "Filter failure: LOT_SIZE"),
    No.TICK: Code(400, -1013, "Filter failure: PRICE_FILTER"),
    No.QTY_ZERO: Code(400, -1013, "Invalid quantity."),
    No.QTY_MIN: Code(400, -1013, "Filter failure: LOT_SIZE"),
    No.NO_QTY: Code(400, -1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
    No.NOTIONAL_MIN: Code(400, -1013, "Filter failure: NOTIONAL"),
    No.NOTIONAL_MAX: Code(400, -1013, "Filter failure: NOTIONAL"),
    No.NO_ORDER: Code(400, -2013, "Order does not exist."),
    No.NOT_CANCELABLE: Code(400, -2011, "Unknown order sent."),
    No.DUPLICATE: Code(400, -2010, "Duplicate order sent."),
    No.WOULD_TAKE: Code(400, -2010, "Order would immediately match and take."),
    No.PARAMETER: Code(400, -1102, "Mandatory parameter '{detail}' was not sent, was empty/null, or malformed."),
    No.ILLEGAL: Code(400, -1100, "Illegal characters found in parameter '{detail}'."),
    No.PRECISION: Code(400, -1111, "Parameter '{detail}' has too much precision."),
    No.REPEATED: Code(400, -1101, "Duplicate values for parameter '{detail}' detected."),
    No.KEY: Code(401, -2015, "Invalid API-key, IP, or permissions for action."),
    No.SIGNATURE: Code(400, -1022, "Signature for this request is not valid."),
    No.TIMESTAMP: Code(400, -1021, "Timestamp for this request is outside of the recvWindow."),
    No.LISTEN_KEY: Code(400, -1125, "This listenKey does not exist."),
    No.RATE: Code(429, -1003, "Too much request weight used; current limit is exceeded."),
    No.WOULD_TRIGGER: Code(400, -2010, "Stop price would trigger immediately."),
    No.TOO_MANY: Code(400, -1013, "Filter failure: MAX_NUM_ORDERS"),
    No.BAND: Code(400, -1013, "Filter failure: PERCENT_PRICE"),
    No.HALTED: Code(400, -1013, "Market is closed."),
}


class Binance(HexSigned):
    """One exchange behind Binance's protocol."""

    name = "binance"
    key_header = "x-mbx-apikey"
    sockets = ("GET /ws", "GET /ws/", "GET /stream", "GET /ws-api/v3")
    codes = CODES

    def __init__(self, exchange: Exchange, candles: Candles) -> None:
        """Offer the routes over an exchange."""
        super().__init__(exchange)
        public, signed = PublicCalls(exchange, candles), SignedCalls(exchange, self.powers)
        self._public, self._signed, self._worded = public, signed, Worded()
        self._losses: dict[str, int] = {}
        self._routes = {
            "GET /api/v3/ping": Route(public.ping, signed=False, weight=1),
            "GET /api/v3/time": Route(public.time, signed=False, weight=1),
            "GET /api/v3/exchangeInfo": Route(public.exchange_info, signed=False, weight=20),
            "GET /api/v3/klines": Route(public.klines, signed=False, weight=2),
            "GET /api/v3/depth": Route(public.depth, signed=False, weight=5),
            "GET /api/v3/trades": Route(public.trades, signed=False, weight=25),
            "GET /api/v3/aggTrades": Route(public.agg_trades, signed=False, weight=4),
            "GET /api/v3/ticker/24hr": Route(public.ticker_day, signed=False, weight=2),
            "GET /api/v3/ticker/price": Route(public.ticker_price, signed=False, weight=2),
            "GET /api/v3/ticker/bookTicker": Route(public.ticker_book, signed=False, weight=2),
            "GET /sapi/v1/system/status": Route(public.status, signed=False, weight=1),
            "GET /sapi/v1/account/apiRestrictions": Route(signed.restrictions, signed=True, weight=1),
            "GET /sapi/v1/asset/tradeFee": Route(signed.trade_fee, signed=True, weight=1),
            "GET /api/v3/account": Route(signed.account, signed=True, weight=20),
            "POST /api/v3/order": Route(signed.create, signed=True, weight=1),
            "POST /api/v3/order/test": Route(signed.test, signed=True, weight=1),
            "GET /api/v3/order": Route(signed.order, signed=True, weight=4),
            "DELETE /api/v3/order": Route(signed.cancel, signed=True, weight=1),
            "GET /api/v3/openOrders": Route(signed.open_orders, signed=True, weight=6),
            "DELETE /api/v3/openOrders": Route(signed.cancel_all, signed=True, weight=1),
            "GET /api/v3/allOrders": Route(signed.all_orders, signed=True, weight=20),
            "GET /api/v3/myTrades": Route(signed.my_trades, signed=True, weight=20),
        }

    def connect(self, request: Request) -> Session | None:
        """Begin a conversation: about markets on `/ws` and `/stream`, streams of which may be named, or an account on `/ws-api/v3`."""
        now_ms, path = self.exchange.now_ms, request.path
        if path == "/ws-api/v3":
            return AccountSession(self.exchange, self._signed, self._speaker, self._valid, self.refusal, now_ms)
        root, _, rest = path.removeprefix("/").partition("/")
        if root not in ("ws", "stream"):
            return None
        named = rest if root == "ws" else dict(parse_qsl(request.query)).get("streams", "")
        return MarketSession(self.exchange, self._worded, self._public.day_of, named.split("/"), now_ms, combined=root == "stream")

    def lose_listen_keys(self, account: str) -> bool:
        """End the private streams that are open for an account; it may subscribe anew."""
        self._losses[account] = self._losses.get(account, 0) + 1
        return True

    def _valid(self, api_key: str) -> int | None:
        """Return a number that changes when the streams opened with a key end; None for a key that is not known."""
        key = self.keys.get(api_key)
        return None if key is None else self._losses.get(key.account, 0)

    def _speaker(self, params: Params) -> str:
        """Return the account that signed parameters of the websocket API: sorted by name, and not encoded."""
        signed = "&".join(f"{name}={value}" for name, value in sorted(params.items()) if name != "signature")
        return self._authenticated(f"{signed}&signature={params.get('signature', '')}", params.get("apiKey", ""))
