"""Values, words and codes that nonsense is made of, and some that are right."""

from typing import Any

RAW = "@raw:"
"""Begins a text that becomes a bare token of the JSON: numbers that `json.dumps` would not write."""
DEPTHS = (3, 40, 300, 700, 900, 950, 980, 990, 995, 1_000, 1_100, 20_000)
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, 5e-324, -0.0, float("nan"), float("inf"), 0.1, 1e20,
    "", " ", "0", "-1", "1", "NaN", "sNaN", "Infinity", "-Infinity", "1e5", "1E-7", "1e-1000000", "1e99999999999999999999", "0e-9999",
    "0x10",
    "\uff11\uff12", "\u0663", "1_000", "+1", "1,5", " 1", "1\n", ".5", "5.", "--1", "null", "<html><body>502</body></html>", "\x00",
    "\ud800", "a" * 300,
    "9" * 40, "0." + "1" * 60, "1." + "0" * 70, "C02__1", "OABCDE-FGHIJ-KLMNOP", "FILLED", "NEW", "closed", "BUY", "SELL", "buy", "USDT",
    [], {}, [[]], [None], [{}], [[], []], {"a": 1}, {"": ""}, {"0": None}, ["1", "2"], [1, 2, 3, 4, 5, 6, 7, 8],
    RAW + "9" * 5_000, RAW + "-" + "1" * 5_000, RAW + "1e999999", RAW + "1e-999999", RAW + "0.0000000000000000000000000000000000000001",
    RAW + "-0", RAW + "1E+2", RAW + "00", RAW + "1" * 19 + "." + "9" * 40,
)  # fmt: skip
WORDS = (
    "code", "msg", "error", "result", "data", "symbol", "orderId", "clientOrderId", "origClientOrderId", "price", "origQty",
    "executedQty",
    "status", "time", "txid", "cl_ord_id", "vol", "vol_exec", "descr", "count", "open", "closed", "trades", "balances", "serverTime",
    "fee",
)  # fmt: skip
NUMBERS = (
    *(0, 1, 200, 400, 401, 403, 404, 418, 429, 500, 510, 601, 602, 603, 10007, 10072, 10095, 10096, 10097, 10098, 10101, 10102, 20002),
    *(30000, 30001, 30002, 30003, 30004, 30005, 30010, 30014, 30016, 30018, 30020, 30021, 30025, 30027, 30028, 30029, 30032, 30041, 30087),
    *(60005, 70011, 700001, 700002, 700003, 700004, 700005, 700006, 700007, 700013, -1000, -1002, -1003, -1006, -1007, -1013, -1015),
    *(-1021, -1022, -1100, -1101, -1102, -1105, -1106, -1111, -1114, -1115, -1117, -1121, -2010, -2011, -2013, -2014, -2015, -9999),
)
TEXTS = (
    "", "Account has insufficient balance for requested action.", "Order would immediately match and take.", "Duplicate order sent.",
    "This action is disabled on this account.", "Market is closed.", "<html>", "Stop price would trigger immediately.",
    "Unknown order sent.",
)  # fmt: skip
SENTENCES = (
    "EOrder:Insufficient funds", "EOrder:Order minimum not met", "EOrder:Cost minimum not met", "EOrder:Invalid price",
    "EOrder:Unknown order",
    "EGeneral:Invalid arguments:volume", "EGeneral:Permission denied", "EAPI:Invalid key", "EAPI:Invalid nonce", "EAPI:Invalid signature",
    "EAPI:Rate limit exceeded", "EService:Unavailable", "EService:Busy", "EService:Timeout", "EService:Deadline elapsed",
    "EGeneral:Internal error", "EOrder:Orders limit exceeded", "EOrder:Post only order", "EQuery:Unknown asset pair", "WGeneral:Note",
    "EGeneral:Temporary lockout", "EOrder", "E", "W", "", ":", "EOrder:", "Eorder:insufficient funds", "EGeneral:Invalid arguments",
)  # fmt: skip
STATUSES = (
    201,
    202,
    204,
    301,
    302,
    307,
    400,
    400,
    400,
    401,
    403,
    404,
    405,
    408,
    409,
    413,
    418,
    422,
    429,
    451,
    500,
    502,
    503,
    504,
    520,
    0,
    999,
)
CHARSETS = ("utf-7", "utf-16", "latin-1", "utf-8-sig", "no-such-charset", "cp037")
NAMES = (
    *("symbol", "side", "type", "quantity", "price", "timeInForce", "newClientOrderId", "origClientOrderId", "orderId", "limit", "fromId"),
    *("startTime", "endTime", "interval", "recvWindow", "quoteOrderQty", "stopPrice", "newOrderRespType", "signature", "timestamp"),
    *(
        "pair",
        "ordertype",
        "volume",
        "price2",
        "cl_ord_id",
        "oflags",
        "validate",
        "deadline",
        "txid",
        "ofs",
        "start",
        "end",
        "count",
        "since",
    ),
    *("timeout", "asset", "trades", "userref", "timeinforce", "nonce"),
)
USUAL: dict[str, tuple[str, ...]] = {
    "symbol": ("BTCUSDT",) * 6 + ("ETHUSDT", "BTCEUR", "NOPE"), "pair": ("XBTEUR", "XXBTZEUR", "XBT/EUR", "ETHEUR"), "side": ("BUY",
    "SELL"),
    "type": ("LIMIT", "LIMIT", "MARKET", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL", "STOP_LOSS_LIMIT", "buy", "sell"),
    "ordertype": ("limit", "market", "stop-loss-limit"), "timeInForce": ("GTC", "IOC", "FOK"), "timeinforce": ("GTC", "IOC"),
    "quantity": ("0.001", "1", "0.5"), "volume": ("0.001", "1"), "quoteOrderQty": ("10", "5000"), "price": ("50000", "90000", "120000",
    "1"),
    "price2": ("49000",), "stopPrice": ("80000", "99000"), "origClientOrderId": ("gh1", "gh2", "gh3", "gh4", "gh5"),
    "limit": ("5", "500"), "interval": ("1m", "60m", "1h", "1"), "validate": ("true",), "timeout": ("60", "0"),
}  # fmt: skip
SELDOM = ("quoteOrderQty", "validate", "timeout")
ODD = (
    "", " ", "0", "-1", "1", "-0", "00", "1e5", "1E-30", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "sNaN", "9" * 19, "9" * 40,
    "9" * 5_000,
    "0." + "0" * 60 + "1", "1_000", "\uff11\uff12", "\u0663", "\u00b2", "+1", "1,5", ".", "-", "e", "0x10", "null", "true", "[]", "{}",
    "{0}", "{detail}", "%s", "%00",
    "\x00", "\ud800", "\U0001f600", "a" * 5_000, "<script>", "../../etc", "';--", "C02__", "C02__1", "C02__-1", "C02__\u00b2",
    "C02__" + "9" * 5_000,
)  # fmt: skip
VERBS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "")
SITES = (
    "GET /", "GET //", "POST /api/v3", "GET /api/v3/order/", "GET /0/public/", "POST /0/private/Nothing", "GET /%00", "GET /\ud800",
    "GET " + "/a" * 2_000,
    "GET /api/v3/time/../order", "DELETE /api/v3/time", "BREW /pot",
)  # fmt: skip
