"""Kraken's REST: what was published, and where our answers differ."""

from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, NULL, NUMBER, NUMERIC, TEXT, TRUTH, Published, Shape

LEVEL = (DECIMAL, DECIMAL, INTEGER)
PAIR = {
    "altname": TEXT, "wsname": TEXT, "aclass_base": TEXT, "base": TEXT, "aclass_quote": TEXT, "quote": TEXT, "lot": TEXT,
    "cost_decimals": NUMERIC, "pair_decimals": INTEGER, "lot_decimals": INTEGER, "lot_multiplier": INTEGER, "leverage_buy": [INTEGER],
    "leverage_sell": [INTEGER], "fees": [(INTEGER, NUMBER)], "fees_maker": [(INTEGER, NUMBER)], "fee_volume_currency": TEXT,
    "margin_call": INTEGER, "margin_stop": INTEGER, "ordermin": DECIMAL, "costmin": DECIMAL, "tick_size": DECIMAL, "status": TEXT,
    "long_position_limit?": NUMERIC, "short_position_limit?": NUMERIC,
}  # fmt: skip
ASSET = {
    "aclass": TEXT, "altname": TEXT, "decimals": INTEGER, "display_decimals": INTEGER, "status": TEXT, "collateral_value?": NUMERIC,
    "margin_rate?": NUMBER,
}  # fmt: skip
TWO = (DECIMAL, DECIMAL)
TICKER = {
    "a": (DECIMAL, DECIMAL, DECIMAL), "b": (DECIMAL, DECIMAL, DECIMAL), "c": TWO, "v": TWO, "p": TWO, "t": (INTEGER, INTEGER), "l": TWO,
    "h": TWO, "o": DECIMAL,
}  # fmt: skip
TIER = {"fee": DECIMAL, "minfee": DECIMAL, "maxfee": DECIMAL, "nextfee": DECIMAL, "tiervolume": DECIMAL, "nextvolume": DECIMAL}
DESCRIBED = {
    "pair": TEXT, "type": TEXT, "ordertype": TEXT, "price": DECIMAL, "price2": DECIMAL, "leverage": TEXT, "order": TEXT, "close": TEXT,
}  # fmt: skip
OPEN = {
    "refid": NULL, "userref": "integer|null", "cl_ord_id?": TEXT, "status": TEXT, "opentm": NUMBER, "starttm": INTEGER,
    "expiretm": INTEGER, "descr": DESCRIBED, "vol": DECIMAL, "vol_exec": DECIMAL, "cost": DECIMAL, "fee": DECIMAL, "price": DECIMAL,
    "stopprice": DECIMAL, "limitprice": DECIMAL, "misc": TEXT, "oflags": TEXT, "trigger?": TEXT, "trades?": [TEXT],
}  # fmt: skip
CLOSED = {**OPEN, "reason": "text|null", "closetm": NUMBER}
TRADE = {
    "ordertxid": TEXT, "postxid": TEXT, "pair": TEXT, "time": NUMBER, "type": TEXT, "ordertype": TEXT, "price": DECIMAL, "cost": DECIMAL,
    "fee": DECIMAL, "vol": DECIMAL, "margin": DECIMAL, "leverage?": DECIMAL, "misc": TEXT, "trade_id?": INTEGER, "maker?": TRUTH,
}  # fmt: skip
COUNT = {"count": NUMERIC}


def answer(result: Shape) -> Shape:
    """Return the shape of an answer around a result."""
    return {"error": [], "result": result}


PUBLISHED = {
    "GET /0/public/Time": Published("fetchTime", answer({"unixtime": INTEGER, "rfc1123": TEXT})),
    "GET /0/public/SystemStatus": Published("fetchStatus", answer({"status": TEXT, "timestamp": TEXT})),
    "GET /0/public/Assets": Published("fetchCurrencies, currencies file", answer({"*": ASSET})),
    "GET /0/public/AssetPairs": Published("fetchMarkets, markets file", answer({"*": PAIR})),
    "GET /0/public/Ticker": Published("fetchTicker", answer({"*": TICKER})),
    "GET /0/public/OHLC": Published(
        "fetchOHLCV",
        answer({"*": [(INTEGER, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, INTEGER)], "last": INTEGER}),
    ),
    "GET /0/public/Depth": Published("fetchOrderBook", answer({"*": {"asks": [LEVEL], "bids": [LEVEL]}})),
    "GET /0/public/Trades": Published(
        "fetchTrades", answer({"*": [(DECIMAL, DECIMAL, NUMBER, TEXT, TEXT, TEXT, INTEGER)], "last": DECIMAL})
    ),
    "POST /0/private/BalanceEx": Published("fetchBalance", answer({"*": {"balance": NUMBER, "hold_trade": NUMBER}})),
    "POST /0/private/TradeVolume": Published(
        "fetchTradingFee", answer({"currency": TEXT, "volume": DECIMAL, "fees": {"*": TIER}, "fees_maker": {"*": TIER}})
    ),
    "POST /0/private/OpenOrders": Published("fetchOpenOrders", answer({"open": {"*": OPEN}})),
    "POST /0/private/ClosedOrders": Published("fetchClosedOrders", answer({"closed": {"*": CLOSED}, "count": INTEGER})),
    "POST /0/private/QueryOrders (open)": Published("fetchOrder", answer({"*": {**OPEN, "reason": NULL}})),
    "POST /0/private/QueryOrders (closed)": Published("fetchOrder", answer({"*": CLOSED})),
    "POST /0/private/TradesHistory": Published("fetchMyTrades", answer({"trades": {"*": TRADE}, "count": INTEGER})),
    "POST /0/private/QueryTrades": Published("fetchOrderTrades", answer({"*": TRADE})),
    "POST /0/private/AddOrder": Published("createOrder", answer({"txid": [TEXT], "descr": {"order": TEXT}})),
    "POST /0/private/CancelOrder": Published("cancelOrder", answer(COUNT)),
    "POST /0/private/CancelAll": Published("cancelAllOrders", answer(COUNT)),
    "POST /0/private/CancelAllOrdersAfter": Published("cancelAllOrdersAfter", answer({"currentTime": TEXT, "triggerTime": TEXT})),
}

UNPUBLISHED = {
    "POST /0/private/Balance": "the client asks for BalanceEx",
    "POST /0/private/GetApiKeyInfo": "the client has no use for it",
    "POST /0/private/AddOrder (refused)": "the words of refusals stand in the client's tables; `error` alone, without `result`",
}

ONE_TIER = "one tier of fees, so there is no next one"
NO_MARGIN = "no margin here; other pairs have no leverage on Kraken either"
NO_CLIENT_ID = "where the client gave none; the captures of such orders are older than client ids"
AMOUNTS = "text, as Kraken documents all amounts"
DIFFERENCES = {
    "GET /0/public/AssetPairs": {f"result.*.{name}: empty": NO_MARGIN for name in ("leverage_buy", "leverage_sell")},
    "POST /0/private/BalanceEx": {f"result.*.{name}: decimal, published number": AMOUNTS for name in ("balance", "hold_trade")},
    "POST /0/private/TradeVolume": {
        f"result.{side}.*.{name}: null, published decimal": ONE_TIER
        for side in ("fees", "fees_maker")
        for name in ("nextfee", "tiervolume", "nextvolume")
    },
    "POST /0/private/OpenOrders": {"result.open.*.cl_ord_id: null, published text": NO_CLIENT_ID},
    "POST /0/private/ClosedOrders": {"result.closed.*.cl_ord_id: null, published text": NO_CLIENT_ID},
    "POST /0/private/QueryOrders (closed)": {"result.*.cl_ord_id: null, published text": NO_CLIENT_ID},
}
