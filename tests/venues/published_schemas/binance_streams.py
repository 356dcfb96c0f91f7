"""Binance's websockets: what was published, and where our messages differ."""

from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, NULL, TEXT, TRUTH, Published

LEVEL = (DECIMAL, DECIMAL)
AGGREGATE = {
    "e": TEXT, "E": INTEGER, "s": TEXT, "a": INTEGER, "p": DECIMAL, "q": DECIMAL, "f": INTEGER, "l": INTEGER, "T": INTEGER, "m": TRUTH,
    "M": TRUTH,
}  # fmt: skip
TRADE = {
    "e": TEXT, "E": INTEGER, "s": TEXT, "t": INTEGER, "p": DECIMAL, "q": DECIMAL, "b?": INTEGER, "a?": INTEGER, "T": INTEGER, "m": TRUTH,
    "M": TRUTH,
}  # fmt: skip
CANDLE = {
    "t": INTEGER, "T": INTEGER, "s": TEXT, "i": TEXT, "f": INTEGER, "L": INTEGER, "o": DECIMAL, "c": DECIMAL, "h": DECIMAL, "l": DECIMAL,
    "v": DECIMAL, "n": INTEGER, "x": TRUTH, "q": DECIMAL, "V": DECIMAL, "Q": DECIMAL, "B": DECIMAL,
}  # fmt: skip
MINI = {"e": TEXT, "E": INTEGER, "s": TEXT, **dict.fromkeys("cohlvq", DECIMAL)}
DAY = {**MINI, **dict.fromkeys("pPwxQbBaA", DECIMAL), **dict.fromkeys("OCFLn", INTEGER)}
REPORT = {
    "e": TEXT, "E": INTEGER, "s": TEXT, "c": TEXT, "S": TEXT, "o": TEXT, "f": TEXT, **dict.fromkeys("qpPFlzLnZYQ", DECIMAL), "g": INTEGER,
    "C": "text|null", "x": TEXT, "X": TEXT, "r": TEXT, "i": INTEGER, "N": "text|null", "T": INTEGER, "t": INTEGER, "I": INTEGER,
    "w": TRUTH, "m": TRUTH, "M": TRUTH, "O": INTEGER, "W": INTEGER, "V": TEXT,
}  # fmt: skip
RATE = {"rateLimitType": TEXT, "interval": TEXT, "intervalNum": INTEGER, "limit": INTEGER, "count": INTEGER}
BALANCE = {"a": TEXT, "f": DECIMAL, "l": DECIMAL}

PUBLISHED = {
    "GET /ws (answer)": Published("watchTicker, handleSubscriptionStatus", {"result": NULL, "id": INTEGER}),
    "GET /ws (refusal)": Published("handleWsError", {"error": {"code": INTEGER, "msg": TEXT}, "id": INTEGER}),
    "GET /ws (trade)": Published("watchTrades", TRADE),
    "GET /ws/ (trade)": Published("watchTrades", TRADE),
    "GET /ws (aggTrade)": Published("parseWsTrade", AGGREGATE),
    "GET /ws (kline)": Published("watchOHLCV", {"e": TEXT, "E": INTEGER, "s": TEXT, "k": CANDLE}),
    "GET /ws (depthUpdate)": Published(
        "watchOrderBook", {"e": TEXT, "E": INTEGER, "s": TEXT, "U": INTEGER, "u": INTEGER, "b": [LEVEL], "a": [LEVEL]}
    ),
    "GET /ws (bookTicker)": Published("watchBidsAsks", {"u": INTEGER, "s": TEXT, **dict.fromkeys("bBaA", DECIMAL)}),
    "GET /ws (24hrMiniTicker)": Published("watchTicker", MINI),
    "GET /ws (24hrTicker)": Published("parseWsTicker", DAY),
    "GET /ws (all 24hrMiniTicker)": Published("handleTickers", [MINI]),
    "GET /ws-api/v3 (subscribed)": Published(
        "watchOrders", {"id": INTEGER, "status": INTEGER, "result": {"subscriptionId": INTEGER}, "rateLimits": [RATE]}
    ),
    "GET /ws-api/v3 (executionReport)": Published("watchOrders, watchMyTrades", {"subscriptionId": INTEGER, "event": REPORT}),
    "GET /ws-api/v3 (outboundAccountPosition)": Published(
        "handleBalance", {"subscriptionId": INTEGER, "event": {"e": TEXT, "E": INTEGER, "u": INTEGER, "B": [BALANCE]}}
    ),
    "GET /ws-api/v3 (balanceUpdate)": Published(
        "handleBalance", {"subscriptionId": INTEGER, "event": {"e": TEXT, "E": INTEGER, "a": TEXT, "d": DECIMAL, "T": INTEGER}}
    ),
    "GET /ws-api/v3 (eventStreamTerminated)": Published(
        "handleEventStreamTerminated", {"subscriptionId": INTEGER, "event": {"e": TEXT, "E": INTEGER}}
    ),
}

UNPUBLISHED = {
    "GET /ws (LIST_SUBSCRIPTIONS)": "the client does not ask",
    "GET /stream (trade)": "the client does not use combined streams; around a message stand `stream` and `data`",
    "GET /ws-api/v3 (other requests)": "the client does not ask; ping, time, subscriptions and the end of one",
}

DIFFERENCES = {
    "GET /ws-api/v3 (subscribed)": {"rateLimits: empty": "the weight of requests over the websocket is not counted"},
    "GET /ws-api/v3 (executionReport)": {
        "event.W: missing": "only while a stop waits, of which there is no capture: it is not on the book"
    },
}
