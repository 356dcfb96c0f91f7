"""Binance's public calls, where they differ from MEXC's: filters, candles of twelve columns, trades with ids. Pure."""

from typing import Any

from sandbox.candles import INTERVALS_MS
from sandbox.candles import row_text as eight_columns
from sandbox.dialects.base import Params, limited, whole
from sandbox.dialects.mexc_public import PublicCalls as MexcPublicCalls
from sandbox.market import MINUTE_MS, TICK_MS
from sandbox.orders import STOPS, No, Refused
from sandbox.pairs import Pair
from trader_core.model.money import PPM, from_text, to_text

INTERVALS = {name: name for name in ("1m", "5m", "15m", "30m", "4h", "1d")} | {"1h": "60m", "1w": "1W"}
"""Binance's names of the intervals that the market has."""
ROWS_MAX = 1_000
QTY_MAX = "9000000"
PRICE_MAX = "1000000"
PREVENTION = {"allow": "NONE", "expire_taker": "EXPIRE_TAKER", "expire_maker": "EXPIRE_MAKER"}
assert set(INTERVALS.values()) == set(INTERVALS_MS), "every interval has a name"


def row_text(pair: Pair, minute: int, step: int, candle: list[int]) -> str:
    """Return one candle as Binance writes it: it closes a millisecond before the next, and half of it was bought by takers."""
    row = eight_columns(pair, minute, step, candle)
    if not row:
        return ""
    close_ms, next_ms = (minute + step) * MINUTE_MS - 1, (minute + step) * MINUTE_MS
    head, tail = row[:-1].rsplit(f",{next_ms},", 1)
    taken, both = to_text(candle[4] // 2, pair.qty_exp), to_text(candle[5] // 2, pair.price_exp + pair.qty_exp)
    return f'{head},{close_ms},{tail},{step * MINUTE_MS // TICK_MS},"{taken}","{both}","0"]'


class PublicCalls(MexcPublicCalls):
    """The calls that need no key."""

    def status(self, _account: str, _params: Params) -> Any:
        """Return that the exchange is open."""
        return {"status": 0, "msg": "normal"}

    def exchange_info(self, _account: str, _params: Params) -> Any:
        """Return every instrument with its filters; fees are told to their account alone."""
        now_ms = self._exchange.now_ms + self._exchange.rules.skew_ms
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
        pairs = self._exchange.market.pairs.values()
        return {
            "timezone": "UTC", "serverTime": now_ms, "rateLimits": [limit], "exchangeFilters": [],
            "symbols": [self._instrument(pair) for pair in pairs],
        }  # fmt: skip

    def _instrument(self, pair: Pair) -> dict[str, Any]:
        tick = to_text(self._exchange.filters(pair.id).tick, pair.price_exp)
        prevention = PREVENTION[self._exchange.rules.self_trade]
        status = "HALT" if pair.id in self._exchange.halted else "TRADING"
        return {
            "symbol": pair.id, "status": status, "baseAsset": pair.base, "baseAssetPrecision": 8, "quoteAsset": pair.quote,
            "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", *sorted(STOPS)], "icebergAllowed": False, "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": False, "cancelReplaceAllowed": False,
            "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": [], "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": prevention, "allowedSelfTradePreventionModes": [prevention],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": PRICE_MAX, "tickSize": tick},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": QTY_MAX, "stepSize": "0"},
                *self._filters(pair),
            ],
        }  # fmt: skip

    def _filters(self, pair: Pair) -> list[dict[str, Any]]:
        """Return the filters that rules and the operator decide on; caps and bands only where there are any."""
        rules, filters = self._exchange.rules, self._exchange.filters(pair.id)
        lot, qty_min = to_text(filters.lot, pair.qty_exp), to_text(filters.qty_min, pair.qty_exp)
        found: list[dict[str, Any]] = [
            {"filterType": "LOT_SIZE", "minQty": qty_min, "maxQty": QTY_MAX, "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": to_text(filters.notional_min), "applyMinToMarket": True,
             "maxNotional": to_text(rules.notional_max), "applyMaxToMarket": True, "avgPriceMins": 5},
        ]  # fmt: skip
        if rules.price_band_ppm:
            up, down = (to_text(max(PPM + side * rules.price_band_ppm, 0), 6) for side in (1, -1))
            found.append({"filterType": "PERCENT_PRICE", "multiplierUp": up, "multiplierDown": down, "avgPriceMins": 0})
        if rules.open_orders_max:
            found.append({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.open_orders_max})
        return found

    def klines(self, _account: str, params: Params) -> bytes:
        """Return candles that opened in [startTime, endTime], the current one included, at most 1000."""
        name = self._exchange.pair(params.get("symbol", "")).id
        interval = INTERVALS.get(params.get("interval", ""))
        if interval is None:
            raise Refused(No.PARAMETER, "interval")
        start_ms, end_ms = whole(params, "startTime"), whole(params, "endTime")
        until_ms = None if end_ms is None else end_ms + 1
        return self._candles.rows(name, interval, start_ms, until_ms, limited(params, 500, ROWS_MAX), self._exchange.now_ms)

    def depth(self, account: str, params: Params) -> Any:
        """Return both sides of the book, best first."""
        book = super().depth(account, params)
        return {name: book[name] for name in ("lastUpdateId", "bids", "asks")}

    def trades(self, _account: str, params: Params) -> Any:
        """Return the youngest trades of the tape, oldest first."""
        pair = self._exchange.pair(params.get("symbol", ""))
        both = pair.price_exp + pair.qty_exp
        return [
            {"id": ts // TICK_MS, "price": to_text(price, pair.price_exp), "qty": to_text(qty, pair.qty_exp),
             "quoteQty": to_text(price * qty, both), "time": ts, "isBuyerMaker": not buys, "isBestMatch": True}
            for ts, price, qty, buys in self._tape(pair, params)
        ]  # fmt: skip

    def agg_trades(self, _account: str, params: Params) -> Any:
        """Return trades of the tape in [startTime, endTime], oldest first."""
        pair = self._exchange.pair(params.get("symbol", ""))
        return [
            {"a": ts // TICK_MS, "p": to_text(price, pair.price_exp), "q": to_text(qty, pair.qty_exp), "f": ts // TICK_MS,
             "l": ts // TICK_MS, "T": ts, "m": not buys, "M": True}
            for ts, price, qty, buys in self._tape(pair, params)
        ]  # fmt: skip

    def day_of(self, pair: Pair) -> dict[str, Any]:
        """Return the last 24 hours of one market."""
        day = super().day_of(pair)
        if "priceChangePercent" not in day:
            return day
        percent = to_text(from_text(day["priceChangePercent"], 6, "a share"), 4)
        ids = {"firstId": day["openTime"] // TICK_MS, "lastId": day["closeTime"] // TICK_MS}
        return {**day, "priceChangePercent": percent, "lastQty": day["bidQty"], "weightedAvgPrice": day["lastPrice"], **ids,
                "count": ids["lastId"] - ids["firstId"] + 1}  # fmt: skip
