"""MEXC's public calls: instruments, candles, book, tickers and trades. Pure."""

from typing import Any

from sandbox.candles import INTERVALS_MS, ROWS_MAX, Candles
from sandbox.dialects.base import Params, limited, whole
from sandbox.dialects.prints import Print, prints
from sandbox.market import CLOSE, HIGH, LOW, MINUTE_MS, MINUTES_DAY, OPEN, QUOTE, TICK_MS, VOLUME
from sandbox.matching import Exchange
from sandbox.orders import No, Refused
from sandbox.pairs import Pair
from trader_core.model.money import PPM, to_text

DEPTH_DEFAULT, TRADES_DEFAULT, TRADES_MAX = 100, 500, 1_000


class PublicCalls:
    """The calls that need no key; each takes the (empty) account and the parameters and returns plain JSON values or bytes."""

    def __init__(self, exchange: Exchange, candles: Candles) -> None:
        """Answer from an exchange and its candles."""
        self._exchange, self._candles = exchange, candles
        self._days: dict[tuple[str, int], dict[str, Any]] = {}

    def ping(self, _account: str, _params: Params) -> Any:
        """Return nothing, to show that somebody is there."""
        return {}

    def time(self, _account: str, _params: Params) -> Any:
        """Return the venue's clock."""
        return {"serverTime": self._exchange.now_ms + self._exchange.rules.skew_ms}

    def contracts(self, _account: str, _params: Params) -> Any:
        """Return no futures: the client asks for them whenever it loads markets."""
        return {"success": True, "code": 0, "data": []}

    def exchange_info(self, _account: str, _params: Params) -> Any:
        """Return every instrument with its grids, minimums and fees."""
        pairs = self._exchange.market.pairs.values()
        return {
            "timezone": "CST", "serverTime": self._exchange.now_ms + self._exchange.rules.skew_ms, "rateLimits": [],
            "exchangeFilters": [], "symbols": [self._instrument(pair) for pair in pairs],
        }  # fmt: skip

    def _instrument(self, pair: Pair) -> dict[str, Any]:
        rules, filters = self._exchange.rules, self._exchange.filters(pair.id)
        status = "2" if pair.id in self._exchange.halted else "1"
        price_digits, qty_digits = _digits(pair.price_exp, filters.tick), _digits(pair.qty_exp, filters.lot)
        return {
            "symbol": pair.id, "status": status, "baseAsset": pair.base, "baseAssetPrecision": qty_digits,
            "quoteAsset": pair.quote, "quotePrecision": price_digits, "quoteAssetPrecision": price_digits,
            "baseCommissionPrecision": pair.qty_exp, "quoteCommissionPrecision": pair.price_exp,
            "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"], "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
            "quoteAmountPrecision": to_text(filters.notional_min), "baseSizePrecision": to_text(filters.qty_min, pair.qty_exp),
            "permissions": ["SPOT"], "filters": [], "maxQuoteAmount": to_text(rules.notional_max),
            "makerCommission": to_text(rules.maker_ppm, 6), "takerCommission": to_text(rules.taker_ppm, 6),
            "quoteAmountPrecisionMarket": to_text(filters.notional_min), "maxQuoteAmountMarket": to_text(rules.notional_max),
            "fullName": pair.base, "tradeSideType": 1,
        }  # fmt: skip

    def klines(self, _account: str, params: Params) -> bytes:
        """Return candles that opened in [startTime, endTime), the current one included, at most 500."""
        name, interval = params.get("symbol", ""), params.get("interval", "")
        self._exchange.pair(name)
        if interval not in INTERVALS_MS:
            raise Refused(No.PARAMETER, "interval")
        limit = limited(params, ROWS_MAX, ROWS_MAX)
        start_ms, end_ms = whole(params, "startTime"), whole(params, "endTime")
        return self._candles.rows(name, interval, start_ms, end_ms, limit, self._exchange.now_ms)

    def depth(self, _account: str, params: Params) -> Any:
        """Return both sides of the book, best first."""
        pair = self._exchange.pair(params.get("symbol", ""))
        book, limit = self._exchange.book(pair.id), limited(params, DEPTH_DEFAULT, 5_000)
        sides = ("bids", book.bids), ("asks", book.asks)
        texts = {
            side: [[to_text(level.price, pair.price_exp), to_text(level.qty, pair.qty_exp)] for level in levels[:limit]]
            for side, levels in sides
        }
        now_ms = self._exchange.now_ms
        return {"lastUpdateId": now_ms // TICK_MS, **texts, "timestamp": now_ms}

    def trades(self, _account: str, params: Params) -> Any:
        """Return the youngest trades of the tape, youngest first, without ids, as MEXC does."""
        pair = self._exchange.pair(params.get("symbol", ""))
        both = pair.price_exp + pair.qty_exp
        rows = self._tape(pair, params)
        return [
            {"id": None, "price": to_text(price, pair.price_exp), "qty": to_text(qty, pair.qty_exp),
             "quoteQty": to_text(price * qty, both), "time": ts, "isBuyerMaker": not buys, "isBestMatch": True,
             "tradeType": "BID" if buys else "ASK"}
            for ts, price, qty, buys in reversed(rows)
        ]  # fmt: skip

    def agg_trades(self, _account: str, params: Params) -> Any:
        """Return trades of the tape in [startTime, endTime], youngest first, without ids, as MEXC does."""
        pair = self._exchange.pair(params.get("symbol", ""))
        return [
            {"a": None, "f": None, "l": None, "p": to_text(price, pair.price_exp), "q": to_text(qty, pair.qty_exp), "T": ts,
             "m": not buys, "M": True}
            for ts, price, qty, buys in reversed(self._tape(pair, params))
        ]  # fmt: skip

    def _tape(self, pair: Pair, params: Params) -> list[Print]:
        """Return each traded tick asked for, oldest first."""
        limit, now_tick = limited(params, TRADES_DEFAULT, TRADES_MAX), self._exchange.now_ms // TICK_MS
        start_ms, end_ms = whole(params, "startTime"), whole(params, "endTime")
        last = now_tick if end_ms is None else min(now_tick, end_ms // TICK_MS)
        first = max(last - limit + 1, 0 if start_ms is None else -(-start_ms // TICK_MS))
        return prints(self._exchange.market, pair.id, first, last)

    def ticker_day(self, _account: str, params: Params) -> Any:
        """Return the last 24 hours of one market or of all."""
        return self._each(params, self.day_of)

    def ticker_price(self, _account: str, params: Params) -> Any:
        """Return the last price of one market or of all."""
        return self._each(params, lambda pair: {"symbol": pair.id, "price": self._price(pair, self._exchange.last(pair.id))})

    def ticker_book(self, _account: str, params: Params) -> Any:
        """Return the best bid and ask of one market or of all."""
        return self._each(params, lambda pair: {"symbol": pair.id, **self._best(pair)})

    def _each(self, params: Params, one: Any) -> Any:
        if params.get("symbol"):
            return one(self._exchange.pair(params["symbol"]))
        return [one(pair) for pair in self._exchange.market.pairs.values()]

    def _price(self, pair: Pair, price: int) -> str:
        return to_text(price, pair.price_exp)

    def _best(self, pair: Pair) -> dict[str, str]:
        book = self._exchange.book(pair.id)
        bid, ask = (side[0] if side else (0, 0) for side in book)
        return {
            "bidPrice": self._price(pair, bid[0]), "bidQty": to_text(bid[1], pair.qty_exp),
            "askPrice": self._price(pair, ask[0]), "askQty": to_text(ask[1], pair.qty_exp),
        }  # fmt: skip

    def day_of(self, pair: Pair) -> dict[str, Any]:
        """Return the last 24 hours of one market."""
        now_ms = self._exchange.now_ms
        first = now_ms // MINUTE_MS - MINUTES_DAY
        rows = self._candles.since(pair.id, first, now_ms)
        if not len(rows):
            return {"symbol": pair.id}
        opened, last = int(rows[0, OPEN]), int(rows[-1, CLOSE])
        return {
            "symbol": pair.id, "priceChange": to_text(last - opened, pair.price_exp),
            "priceChangePercent": to_text((last - opened) * PPM // max(opened, 1), 6), "prevClosePrice": self._price(pair, opened),
            "lastPrice": self._price(pair, last), **self._best(pair), "openPrice": self._price(pair, opened),
            "highPrice": self._price(pair, int(rows[:, HIGH].max())), "lowPrice": self._price(pair, int(rows[:, LOW].min())),
            "volume": to_text(int(rows[:, VOLUME].sum()), pair.qty_exp),
            "quoteVolume": to_text(sum(rows[:, QUOTE].tolist()), pair.price_exp + pair.qty_exp),
            "openTime": first * MINUTE_MS, "closeTime": now_ms, "count": None,
        }  # fmt: skip


def _digits(exponent: int, step: int) -> int:
    """Return the decimals of a grid, which is all that MEXC tells of one: a step of 5 is told as one of 1."""
    while step % 10 == 0:
        exponent, step = exponent - 1, step // 10
    return exponent
