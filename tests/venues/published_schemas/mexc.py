"""MEXC's REST: what was published, and where our answers differ."""

from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, NULL, NUMBER, NUMERIC, TEXT, TRUTH, Published

LEVEL = (DECIMAL, DECIMAL)
BEST = {"symbol": TEXT, "bidPrice": DECIMAL, "bidQty": DECIMAL, "askPrice": DECIMAL, "askQty": DECIMAL}
DAY = {
    "symbol": TEXT, "priceChange": DECIMAL, "priceChangePercent": DECIMAL, "prevClosePrice": DECIMAL, "lastPrice": DECIMAL,
    "lastQty?": TEXT, "bidPrice": DECIMAL, "bidQty": TEXT, "askPrice": DECIMAL, "askQty": TEXT, "openPrice": DECIMAL,
    "highPrice": DECIMAL, "lowPrice": DECIMAL, "volume": DECIMAL, "quoteVolume": "decimal|null", "openTime": INTEGER,
    "closeTime": INTEGER, "count": NULL,
}  # fmt: skip
SYMBOL = {
    "symbol": TEXT, "status": DECIMAL, "baseAsset": TEXT, "baseAssetPrecision": NUMERIC, "quoteAsset": TEXT, "quotePrecision": NUMERIC,
    "quoteAssetPrecision": NUMERIC, "baseCommissionPrecision": NUMERIC, "quoteCommissionPrecision": NUMERIC, "orderTypes": [TEXT],
    "quoteOrderQtyMarketAllowed?": TRUTH, "isSpotTradingAllowed": TRUTH, "isMarginTradingAllowed": TRUTH,
    "quoteAmountPrecision": DECIMAL, "baseSizePrecision": DECIMAL, "permissions": [TEXT], "filters": [], "maxQuoteAmount": DECIMAL,
    "makerCommission": DECIMAL, "takerCommission": DECIMAL, "quoteAmountPrecisionMarket": DECIMAL, "maxQuoteAmountMarket": DECIMAL,
    "fullName": TEXT, "tradeSideType": NUMERIC,
}  # fmt: skip
NETWORK = {
    "coin": TEXT, "depositDesc": "text|null", "depositEnable": TRUTH, "minConfirm": NUMERIC, "depositPreConfirms?": "numeric|null",
    "name": TEXT, "network": TEXT, "withdrawEnable": TRUTH, "withdrawFee": DECIMAL, "withdrawIntegerMultiple": "numeric|null",
    "withdrawMax": DECIMAL, "withdrawMin": DECIMAL, "sameAddress": TRUTH, "contract": TEXT, "withdrawTips?": "text|null",
    "depositTips?": "text|null", "netWork?": TEXT,
}  # fmt: skip
CONTRACT = {  # what a client's markets are made of; there are more fields
    "symbol": TEXT, "displayName": TEXT, "displayNameEn": TEXT, "baseCoin": TEXT, "quoteCoin": TEXT, "settleCoin": TEXT,
    "contractSize": NUMBER, "priceUnit": NUMBER, "volUnit": NUMBER, "minVol": NUMBER, "maxVol": NUMBER, "takerFeeRate": NUMBER,
    "makerFeeRate": NUMBER, "state": INTEGER,
}  # fmt: skip
ORDER = {
    "symbol": TEXT, "orderId": TEXT, "orderListId": NUMERIC, "clientOrderId": "text|null", "price": NUMERIC, "origQty": NUMERIC,
    "executedQty": NUMERIC, "cummulativeQuoteQty": NUMERIC, "status": TEXT, "timeInForce": NULL, "type": TEXT, "side": TEXT,
    "stopPrice": NULL, "icebergQty": NULL, "time": NUMERIC, "updateTime": "numeric|null", "isWorking": TRUTH,
    "origQuoteOrderQty": NUMERIC,
}  # fmt: skip
CANCELED = {"symbol": TEXT, "orderId": TEXT, "price": NUMERIC, "origQty": NUMERIC, "type": TEXT, "side": TEXT}
FILL = {
    "symbol": TEXT, "id": TEXT, "orderId": TEXT, "orderListId": NUMERIC, "price": NUMERIC, "qty": NUMERIC, "quoteQty": NUMERIC,
    "commission": NUMERIC, "commissionAsset": TEXT, "time": NUMERIC, "isBuyer": TRUTH, "isMaker": TRUTH, "isBestMatch": TRUTH,
    "isSelfTrade?": TRUTH, "clientOrderId?": "text|null",
}  # fmt: skip
ACCOUNT = {
    "makerCommission": INTEGER, "takerCommission": INTEGER, "buyerCommission": INTEGER, "sellerCommission": INTEGER, "canTrade": TRUTH,
    "canWithdraw": TRUTH, "canDeposit": TRUTH, "updateTime": NULL, "accountType": TEXT,
    "balances": [{"asset": TEXT, "free": DECIMAL, "locked": DECIMAL}], "permissions": [TEXT],
}  # fmt: skip

PUBLISHED = {
    "GET /api/v3/ping": Published("fetchStatus", {}),
    "GET /api/v3/time": Published("fetchTime", {"serverTime": NUMERIC}),
    "GET /api/v3/exchangeInfo": Published(
        "fetchSpotMarkets, markets file",
        {"timezone": TEXT, "serverTime": INTEGER, "rateLimits": [], "exchangeFilters": [], "symbols": [SYMBOL]},
    ),
    "GET /api/v1/contract/detail": Published("fetchSwapMarkets", {"success": TRUTH, "code": INTEGER, "data": [CONTRACT]}),
    "GET /api/v3/klines": Published(
        "fetchOHLCV", [(INTEGER, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, INTEGER, DECIMAL)]
    ),
    "GET /api/v3/depth": Published(
        "fetchOrderBook", {"lastUpdateId": NUMERIC, "bids": [LEVEL], "asks": [LEVEL], "timestamp": NUMERIC}
    ),
    "GET /api/v3/trades": Published(
        "fetchTrades",
        [{"id": NULL, "price": NUMERIC, "qty": NUMERIC, "quoteQty": NUMERIC, "time": NUMERIC, "isBuyerMaker": TRUTH, "isBestMatch": TRUTH}],
    ),
    "GET /api/v3/aggTrades": Published(
        "fetchTrades", [{"a": NULL, "f": NULL, "l": NULL, "p": DECIMAL, "q": DECIMAL, "T": INTEGER, "m": TRUTH, "M": TRUTH}]
    ),
    "GET /api/v3/ticker/24hr": Published("fetchTicker", DAY),
    "GET /api/v3/ticker/24hr (all)": Published("fetchTickers", [DAY]),
    "GET /api/v3/ticker/bookTicker": Published("fetchBidsAsks (one of its rows)", BEST),
    "GET /api/v3/ticker/bookTicker (all)": Published("fetchBidsAsks", [BEST]),
    "GET /api/v3/capital/config/getall": Published(
        "fetchCurrencies, currencies file", [{"coin": TEXT, "name": TEXT, "networkList": [NETWORK]}]
    ),
    "GET /api/v3/account": Published("fetchBalance", ACCOUNT),
    "GET /api/v3/tradeFee": Published(
        "fetchTradingFee",
        {"data": {"makerCommission": NUMBER, "takerCommission": NUMBER}, "code": INTEGER, "msg": TEXT, "timestamp": INTEGER},
    ),
    "POST /api/v3/order": Published(
        "createOrder",
        {"symbol": TEXT, "orderId": TEXT, "orderListId": NUMERIC, "price": NUMERIC, "origQty": NUMERIC, "type": TEXT, "side": TEXT,
         "transactTime": NUMERIC},
    ),
    "GET /api/v3/order": Published("fetchOrder", ORDER),
    "GET /api/v3/openOrders": Published("fetchOpenOrders", [ORDER]),
    "GET /api/v3/allOrders": Published("fetchOrders", [ORDER]),
    "DELETE /api/v3/order": Published("cancelOrder", CANCELED),
    "DELETE /api/v3/openOrders": Published("cancelAllOrders", [CANCELED]),
    "GET /api/v3/myTrades": Published("fetchMyTrades", [FILL]),
    "POST /api/v3/userDataStream": Published("authenticate (watching)", {"listenKey": TEXT}),
    "POST /api/v3/order (refused)": Published("handleErrors", {"code": INTEGER, "msg": TEXT, "_extend?": NULL}),
}  # fmt: skip

UNPUBLISHED = {
    "GET /api/v3/ticker/price": "the client has no use for it on MEXC",
    "GET /api/v3/ticker/price (all)": "the client has no use for it on MEXC",
    "POST /api/v3/order/test": "an empty record",
    "GET /api/v3/userDataStream": "a list of listen keys, as documented by MEXC",
    "PUT /api/v3/userDataStream": "as the answer to POST",
    "DELETE /api/v3/userDataStream": "as the answer to POST",
}

DOCUMENTED = "MEXC's documents name it; the capture is from the first year of this interface"
CANCEL = dict.fromkeys(("origClientOrderId", "clientOrderId", "executedQty", "cummulativeQuoteQty", "status", "timeInForce"), DOCUMENTED)
DIFFERENCES = {
    "GET /api/v1/contract/detail": {"data: empty": "there are no futures"},
    "GET /api/v3/trades": {"[].tradeType: not published": DOCUMENTED},
    "GET /api/v3/capital/config/getall": {"[].networkList: empty": "nothing can be paid in or out over a network"},
    "DELETE /api/v3/order": {f"{name}: not published": reason for name, reason in CANCEL.items()},
    "DELETE /api/v3/openOrders": {f"[].{name}: not published": reason for name, reason in CANCEL.items()},
}
