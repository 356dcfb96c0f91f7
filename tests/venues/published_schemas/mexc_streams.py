"""MEXC's websocket: what was published, as the client decodes it, and where our messages differ.

Decoded, 64-bit numbers are texts and small ones are numbers; a field that is empty or 0 is not there.
"""

from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, TEXT, TRUTH, Published, Shape

LEVEL = {"price": DECIMAL, "quantity": DECIMAL}
DEAL = {"price": DECIMAL, "quantity": DECIMAL, "tradeType": INTEGER, "time": DECIMAL}
CANDLE = {
    "interval": TEXT, "windowStart": DECIMAL, "openingPrice": DECIMAL, "closingPrice": DECIMAL, "highestPrice": DECIMAL,
    "lowestPrice": DECIMAL, "volume": DECIMAL, "amount": DECIMAL, "windowEnd": DECIMAL,
}  # fmt: skip
QUOTE = {"bidPrice": DECIMAL, "bidQuantity": DECIMAL, "askPrice": DECIMAL, "askQuantity": DECIMAL}
ORDER = {
    "id": TEXT, "clientId?": TEXT, "isMaker?": TRUTH, "price": DECIMAL, "quantity": DECIMAL, "amount": DECIMAL, "avgPrice": DECIMAL,
    "orderType": INTEGER, "tradeType": INTEGER,
    "remainAmount": DECIMAL, "remainQuantity": DECIMAL, "lastDealQuantity?": DECIMAL, "cumulativeQuantity": DECIMAL,
    "cumulativeAmount": DECIMAL, "status": INTEGER, "createTime": DECIMAL,
}  # fmt: skip
FILL = {
    "price": DECIMAL, "quantity": DECIMAL, "amount": DECIMAL, "tradeType": INTEGER, "isMaker?": TRUTH, "isSelfTrade?": TRUTH,
    "tradeId": TEXT, "clientOrderId?": TEXT, "orderId": TEXT, "feeAmount": DECIMAL, "feeCurrency": TEXT, "time": DECIMAL,
}  # fmt: skip
HELD = {
    "vcoinName": TEXT, "coinId": TEXT, "balanceAmount": DECIMAL, "balanceAmountChange": DECIMAL, "frozenAmount": DECIMAL,
    "frozenAmountChange": DECIMAL, "type": TEXT, "time": DECIMAL,
}  # fmt: skip


def of_market(name: str, body: Shape) -> dict[str, Shape]:
    """Return the shape of a message about a market, around its body."""
    return {"channel": TEXT, "symbol": TEXT, "sendTime": DECIMAL, name: body}


PUBLISHED = {
    "GET /ws (answer)": Published("handleSubscriptionStatus", {"id": INTEGER, "code": INTEGER, "msg": TEXT}),
    "GET /ws (public.aggre.deals)": Published("handleTrades", of_market("publicAggreDeals", {"deals": [DEAL], "eventType": TEXT})),
    "GET /ws (public.kline)": Published(
        "handleOHLCV", {"channel": TEXT, "symbol": TEXT, "symbolId": TEXT, "createTime": DECIMAL, "publicSpotKline": CANDLE}
    ),
    "GET /ws (public.aggre.depth)": Published(
        "handleOrderBook",
        of_market("publicAggreDepths", {"asks": [LEVEL], "bids": [LEVEL], "eventType": TEXT, "fromVersion": DECIMAL, "toVersion": DECIMAL}),
    ),
    "GET /ws (public.aggre.bookTicker)": Published("parseWsTicker (the body alone)", {"publicAggreBookTicker": QUOTE}),
    "GET /ws (private.orders)": Published("parseWsOrder, protobuf classes", of_market("privateOrders", ORDER)),
    "GET /ws (private.deals)": Published("handleMyTrade, protobuf classes", of_market("privateDeals", FILL)),
    "GET /ws (private.account)": Published(
        "handleBalance", {"channel": TEXT, "createTime": DECIMAL, "sendTime": DECIMAL, "privateAccount": HELD}
    ),
}

UNPUBLISHED: dict[str, str] = {}

INNER_ID = "an id of MEXC's own that the client does not read"
BODY = "the body alone was published; around it stands what stands around those of other markets' channels"
DIFFERENCES = {
    "GET /ws (public.kline)": {"symbolId: missing": INNER_ID},
    "GET /ws (public.aggre.bookTicker)": {f"{name}: not published": BODY for name in ("channel", "symbol", "sendTime")},
    "GET /ws (private.account)": {"privateAccount.coinId: missing": INNER_ID},
}
