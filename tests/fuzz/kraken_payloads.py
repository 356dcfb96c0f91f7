"""What a healthy Kraken answers, written by hand after its documents: results by site, and the sites of each call."""

from typing import Any

from sandbox.config import START_MS

NOW_S = START_MS // 1_000
TXID, WIRE_ID = "OABCDE-FGHIJ-KLMNOP", "0123456789abcdef0123456789676800"
_DESCR = {
    "pair": "XBTEUR", "type": "buy", "ordertype": "limit", "price": "55000.0", "price2": "0", "leverage": "none",
    "order": "buy 0.00100000 XBTEUR @ limit 55000.0", "close": "",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "refid": None, "userref": 0, "cl_ord_id": WIRE_ID, "status": "open", "opentm": NOW_S + 0.25, "starttm": 0, "expiretm": 0,
    "descr": _DESCR, "vol": "0.00100000", "vol_exec": "0.00040000", "cost": "22.00000", "fee": "0.08800", "price": "55000.0",
    "stopprice": "0.00000", "limitprice": "0.00000", "misc": "", "oflags": "fciq", "trigger": "last",
}  # fmt: skip
PAIR = {
    "altname": "XBTEUR", "wsname": "XBT/EUR", "aclass_base": "currency", "base": "XXBT", "aclass_quote": "currency", "quote": "ZEUR",
    "lot": "unit", "cost_decimals": 5, "pair_decimals": 1, "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [2, 3],
    "leverage_sell": [2, 3], "fees": [[0, 0.4], [10000, 0.35]], "fees_maker": [[0, 0.25], [10000, 0.2]], "fee_volume_currency": "ZUSD",
    "margin_call": 80, "margin_stop": 40, "ordermin": "0.00005", "costmin": "0.5", "tick_size": "0.1", "status": "online",
}  # fmt: skip
_FEE = {"fee": "0.4000", "minfee": "0.0500", "maxfee": "0.4000", "nextfee": "0.3500", "nextvolume": "10000.0000", "tiervolume": "0.0000"}
TRADE = {
    "ordertxid": TXID, "postxid": "TKH2SE-M7IF5-CFI7LT", "pair": "XXBTZEUR", "time": NOW_S + 0.5, "type": "buy", "ordertype": "limit",
    "price": "55000.00000", "cost": "22.00000", "fee": "0.08800", "vol": "0.00040000", "margin": "0.00000", "misc": "", "maker": False,
    "trade_id": 40274859,
}  # fmt: skip
_RIGHTS = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"]
_CANDLES = [[NOW_S - 60 * back, "82000.0", "82100.5", "81900.0", "82050.1", "82010.0", "1.25000000", 17] for back in (3, 2, 1, 0)]
RESULTS: dict[str, Any] = {
    "GET /0/public/Time": {"unixtime": NOW_S, "rfc1123": "Mon, 05 Jan 26 00:00:00 +0000"},
    "GET /0/public/AssetPairs": {"XXBTZEUR": PAIR, "XETHZEUR": {**PAIR, "altname": "ETHEUR", "wsname": "ETH/EUR"}},
    "GET /0/public/OHLC": {"XXBTZEUR": _CANDLES, "last": NOW_S - 60},
    "GET /0/public/Depth": {
        "XXBTZEUR": {
            "asks": [["82001.1", "0.500", NOW_S], ["82002.0", "1.250", NOW_S]],
            "bids": [["82000.0", "0.750", NOW_S], ["81999.5", "2.000", NOW_S]],
        }
    },
    "GET /0/public/Ticker": {
        "XXBTZEUR": {
            "a": ["82001.10000", "1", "1.000"], "b": ["82000.00000", "1", "1.000"], "c": ["82000.50000", "0.00100000"],
            "v": ["12.5", "340.1"], "p": ["82000.0", "81500.0"], "t": [100, 2000], "l": ["81000.0", "80500.0"],
            "h": ["82500.0", "82900.0"], "o": "81700.0",
        }
    },
    "POST /0/private/TradeVolume": {
        "currency": "ZUSD", "volume": "0.0000", "fees": {"XXBTZEUR": _FEE}, "fees_maker": {"XXBTZEUR": {**_FEE, "fee": "0.2500"}},
    },
    "POST /0/private/AddOrder": {"txid": [TXID], "descr": {"order": _DESCR["order"]}},
    "POST /0/private/CancelOrder": {"count": 1},
    "POST /0/private/OpenOrders": {"open": {TXID: ORDER}},
    "POST /0/private/ClosedOrders": {"closed": {TXID: {**ORDER, "status": "closed", "vol_exec": "0.00100000"}}, "count": 1},
    "POST /0/private/QueryOrders": {TXID: ORDER},
    "POST /0/private/TradesHistory": {"trades": {"TJUW2K-FLX2N-AR2FLU": TRADE}, "count": 1},
    "POST /0/private/BalanceEx": {
        "XXBT": {"balance": "0.5000000000", "hold_trade": "0.1000000000"}, "ZEUR": {"balance": "1000.0000", "hold_trade": "55.0000"},
        "ETH.S": {"balance": "1.0", "hold_trade": "0"},
    },
    "POST /0/private/GetApiKeyInfo": {"api_key_name": "gatehouse", "permissions": _RIGHTS, "nonce_window": "0", "ip_allowlist": []},
    "POST /0/private/CancelAllOrdersAfter": {"currentTime": "2026-01-05T00:00:00Z", "triggerTime": "2026-01-05T00:01:00Z"},
}  # fmt: skip
TESTED = b'{"error":[],"result":{"descr":{"order":"buy 0.00100000 XBTEUR @ limit 55000.0"}}}'
_LOOK = ("POST /0/private/OpenOrders", "POST /0/private/ClosedOrders")
SITES: dict[str, tuple[str, ...]] = {
    "submit": ("POST /0/private/AddOrder",),
    "order": _LOOK,
    "open_orders": _LOOK[:1],
    "cancel": ("POST /0/private/CancelOrder", *_LOOK),
    "cancel_symbol": ("POST /0/private/CancelOrder", *_LOOK),
    "trades": ("POST /0/private/TradesHistory", "POST /0/private/QueryOrders"),
    "balances": ("POST /0/private/BalanceEx",),
    "permissions": ("POST /0/private/GetApiKeyInfo",),
    "test_order": ("POST /0/private/AddOrder",),
    "cancel_all_after": ("POST /0/private/CancelAllOrdersAfter",),
    "time_ms": ("GET /0/public/Time",),
    "instruments": ("GET /0/public/AssetPairs", "POST /0/private/TradeVolume"),
    "fees": ("POST /0/private/TradeVolume",),
    "bars": ("GET /0/public/OHLC",),
    "book": ("GET /0/public/Depth",),
    "ticker": ("GET /0/public/Ticker",),
}
