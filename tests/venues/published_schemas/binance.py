"""Binance's REST: what was published, and where our answers differ. Filters are compared by their names."""

from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, NUMERIC, TEXT, TRUTH, Published

LEVEL = (DECIMAL, DECIMAL)
DAY = {
    "symbol": TEXT, "priceChange": DECIMAL, "priceChangePercent": DECIMAL, "weightedAvgPrice": DECIMAL, "prevClosePrice": DECIMAL,
    "lastPrice": DECIMAL, "lastQty": DECIMAL, "bidPrice": DECIMAL, "bidQty": DECIMAL, "askPrice": DECIMAL, "askQty": DECIMAL,
    "openPrice": DECIMAL, "highPrice": DECIMAL, "lowPrice": DECIMAL, "volume": DECIMAL, "quoteVolume": DECIMAL, "openTime": NUMERIC,
    "closeTime": NUMERIC, "firstId": NUMERIC, "lastId": NUMERIC, "count": NUMERIC,
}  # fmt: skip
BEST = {"symbol": TEXT, "bidPrice": DECIMAL, "bidQty": DECIMAL, "askPrice": DECIMAL, "askQty": DECIMAL}
SIZES = {"filterType": TEXT, "minQty": DECIMAL, "maxQty": DECIMAL, "stepSize": DECIMAL}
BY_SIDE = ("bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown", "avgPriceMins")
DELTAS = ("minTrailingAboveDelta", "maxTrailingAboveDelta", "minTrailingBelowDelta", "maxTrailingBelowDelta")
FILTERS = {
    "PRICE_FILTER": {"filterType": TEXT, "minPrice": DECIMAL, "maxPrice": DECIMAL, "tickSize": DECIMAL},
    "LOT_SIZE": SIZES,
    "ICEBERG_PARTS": {"filterType": TEXT, "limit": INTEGER},
    "MARKET_LOT_SIZE": SIZES,
    "TRAILING_DELTA": {"filterType": TEXT, **dict.fromkeys(DELTAS, NUMERIC)},
    "PERCENT_PRICE_BY_SIDE": {"filterType": TEXT, **dict.fromkeys(BY_SIDE, NUMERIC)},
    "PERCENT_PRICE?": {"filterType": TEXT, "multiplierUp": DECIMAL, "multiplierDown": DECIMAL, "avgPriceMins": INTEGER},
    "NOTIONAL": {"filterType": TEXT, "minNotional": DECIMAL, "applyMinToMarket": TRUTH, "maxNotional": DECIMAL, "applyMaxToMarket": TRUTH,
                 "avgPriceMins": NUMERIC},
    "MAX_NUM_ORDERS": {"filterType": TEXT, "maxNumOrders": INTEGER},
    "MAX_NUM_ALGO_ORDERS": {"filterType": TEXT, "maxNumAlgoOrders": INTEGER},
}  # fmt: skip
SYMBOL = {
    "symbol": TEXT, "status": TEXT, "baseAsset": TEXT, "baseAssetPrecision": INTEGER, "quoteAsset": TEXT, "quotePrecision": INTEGER,
    "quoteAssetPrecision": NUMERIC, "baseCommissionPrecision": INTEGER, "quoteCommissionPrecision": INTEGER, "orderTypes": [TEXT],
    "icebergAllowed": TRUTH, "ocoAllowed": TRUTH, "quoteOrderQtyMarketAllowed": TRUTH, "allowTrailingStop": TRUTH,
    "cancelReplaceAllowed": TRUTH, "isSpotTradingAllowed": TRUTH, "isMarginTradingAllowed": TRUTH, "filters": FILTERS,
    "permissions": [TEXT], "defaultSelfTradePreventionMode": TEXT, "allowedSelfTradePreventionModes": [TEXT],
}  # fmt: skip
RATE = {"rateLimitType": TEXT, "interval": TEXT, "intervalNum": INTEGER, "limit": INTEGER}
ORDER = {
    "symbol": TEXT, "orderId": INTEGER, "orderListId": INTEGER, "clientOrderId": TEXT, "price": DECIMAL, "origQty": DECIMAL,
    "executedQty": DECIMAL, "cummulativeQuoteQty": DECIMAL, "status": TEXT, "timeInForce": TEXT, "type": TEXT, "side": TEXT,
    "stopPrice": DECIMAL, "icebergQty": DECIMAL, "time": INTEGER, "updateTime": INTEGER, "isWorking": TRUTH, "workingTime": NUMERIC,
    "origQuoteOrderQty": DECIMAL, "selfTradePreventionMode": TEXT,
}  # fmt: skip
PLACED = {
    "symbol": TEXT, "orderId": INTEGER, "orderListId": INTEGER, "clientOrderId": TEXT, "transactTime": INTEGER, "price": DECIMAL,
    "origQty": DECIMAL, "executedQty": DECIMAL, "origQuoteOrderQty": DECIMAL, "cummulativeQuoteQty": DECIMAL, "status": TEXT,
    "timeInForce": TEXT, "type": TEXT, "side": TEXT, "workingTime": NUMERIC, "icebergQty?": DECIMAL, "selfTradePreventionMode": TEXT,
    "fills": [],
}  # fmt: skip
PART = {"price": DECIMAL, "qty": DECIMAL, "commission": DECIMAL, "commissionAsset": TEXT, "tradeId": INTEGER}
CANCELED = {
    "symbol": TEXT, "origClientOrderId": TEXT, "orderId": INTEGER, "orderListId": INTEGER, "clientOrderId": TEXT, "transactTime?": INTEGER,
    "price": DECIMAL, "origQty": DECIMAL, "executedQty": DECIMAL, "cummulativeQuoteQty": DECIMAL, "status": TEXT, "timeInForce": TEXT,
    "type": TEXT, "side": TEXT, "selfTradePreventionMode?": TEXT,
}  # fmt: skip
FILL = {
    "symbol": TEXT, "id": INTEGER, "orderId": INTEGER, "orderListId": NUMERIC, "price": DECIMAL, "qty": DECIMAL, "quoteQty": DECIMAL,
    "commission": DECIMAL, "commissionAsset": TEXT, "time": INTEGER, "isBuyer": TRUTH, "isMaker": TRUTH, "isBestMatch": TRUTH,
}  # fmt: skip
ACCOUNT = {
    "makerCommission": INTEGER, "takerCommission": INTEGER, "buyerCommission": INTEGER, "sellerCommission": INTEGER,
    "commissionRates": {"maker": DECIMAL, "taker": DECIMAL, "buyer": DECIMAL, "seller": DECIMAL}, "canTrade": TRUTH,
    "canWithdraw": TRUTH, "canDeposit": TRUTH, "brokered": TRUTH, "requireSelfTradePrevention": TRUTH, "preventSor": TRUTH,
    "updateTime": INTEGER, "accountType": TEXT, "balances": [{"asset": TEXT, "free": DECIMAL, "locked": DECIMAL}], "permissions": [TEXT],
    "uid": NUMERIC,
}  # fmt: skip
PRICE = {"symbol": TEXT, "price": DECIMAL}
FEE = {"symbol": TEXT, "makerCommission": DECIMAL, "takerCommission": DECIMAL}

PUBLISHED = {
    "GET /api/v3/exchangeInfo": Published(
        "fetchMarkets, markets file",
        {"timezone": TEXT, "serverTime": INTEGER, "rateLimits": [RATE], "exchangeFilters": [], "symbols": [SYMBOL]},
    ),
    "GET /api/v3/klines": Published(
        "fetchOHLCV",
        [(INTEGER, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, INTEGER, DECIMAL, INTEGER, DECIMAL, DECIMAL, DECIMAL)],
    ),
    "GET /api/v3/depth": Published("fetchOrderBook, watchOrderBook", {"lastUpdateId": INTEGER, "bids": [LEVEL], "asks": [LEVEL]}),
    "GET /api/v3/trades": Published(
        "fetchTrades", [{"id": INTEGER, "price": DECIMAL, "qty": DECIMAL, "time": INTEGER, "isBuyerMaker": TRUTH, "isBestMatch": TRUTH}]
    ),
    "GET /api/v3/aggTrades": Published(
        "fetchTrades",
        [{"a": INTEGER, "p": DECIMAL, "q": DECIMAL, "f": INTEGER, "l": INTEGER, "T": INTEGER, "m": TRUTH, "M": TRUTH}],
    ),
    "GET /api/v3/ticker/24hr": Published("fetchTicker", DAY),
    "GET /api/v3/ticker/24hr (all)": Published("fetchTickers", [DAY]),
    "GET /api/v3/ticker/price": Published("fetchLastPrices (one of its rows)", PRICE),
    "GET /api/v3/ticker/price (all)": Published("fetchLastPrices", [PRICE]),
    "GET /api/v3/ticker/bookTicker": Published("parseTicker", BEST),
    "GET /api/v3/ticker/bookTicker (all)": Published("fetchBidsAsks", [BEST]),
    "GET /sapi/v1/system/status": Published("fetchStatus", {"status": INTEGER, "msg": TEXT}),
    "GET /sapi/v1/asset/tradeFee": Published("fetchTradingFee", [FEE]),
    "GET /sapi/v1/asset/tradeFee (all)": Published("fetchTradingFees", [FEE]),
    "GET /api/v3/account": Published("fetchBalance", ACCOUNT),
    "POST /api/v3/order (resting)": Published("createOrder", PLACED),
    "POST /api/v3/order (filled)": Published("createOrder, parseOrder", {**PLACED, "fills": [PART]}),
    "POST /api/v3/order (refused)": Published("handleErrors", {"code": INTEGER, "msg": TEXT}),
    "GET /api/v3/order": Published("fetchOrder", ORDER),
    "GET /api/v3/openOrders": Published("fetchOpenOrders", [ORDER]),
    "GET /api/v3/allOrders": Published("fetchOrders", [ORDER]),
    "DELETE /api/v3/order": Published("editOrder (its cancelResponse)", CANCELED),
    "DELETE /api/v3/openOrders": Published("cancelAllOrders", [CANCELED]),
    "GET /api/v3/myTrades": Published("fetchMyTrades", [FILL]),
}

UNPUBLISHED = {
    "GET /api/v3/ping": "an empty record",
    "GET /api/v3/time": "the client reads `serverTime`, as of MEXC",
    "GET /sapi/v1/account/apiRestrictions": "the client does not call it; the fields are those of Binance's documents",
    "POST /api/v3/order (waiting stop)": "no capture of a stop; as documented, it tells its trigger too",
    "POST /api/v3/order/test": "an empty record",
    "DELETE /api/v3/order (waiting stop)": "no capture of a stop; as documented, it tells its trigger too",
}

NEWER = "newer than the capture, in Binance's documents"
UNBUILT = "there is no such order or rule here"
FILTER = "symbols[].filters"
DIFFERENCES = {
    "GET /api/v3/exchangeInfo": {
        **{f"{FILTER}.{name}: missing": UNBUILT for name in ("ICEBERG_PARTS", "TRAILING_DELTA", "MAX_NUM_ALGO_ORDERS")},
        f"{FILTER}.MAX_NUM_ORDERS: missing": "told once `open_orders_max` sets a limit",
        f"{FILTER}.PERCENT_PRICE_BY_SIDE: missing": "told once `price_band_ppm` sets a band, as PERCENT_PRICE",
        "symbols[].otoAllowed: not published": NEWER,
        "symbols[].permissionSets: not published": NEWER,
        "symbols[].permissions: empty": "as documented since `permissionSets` took its place",
    },
    "GET /api/v3/trades": {"[].quoteQty: not published": NEWER},
    "DELETE /api/v3/order": {"origQuoteOrderQty: not published": NEWER},
    "DELETE /api/v3/openOrders": {
        "[].origQuoteOrderQty: not published": NEWER,
    },
}
