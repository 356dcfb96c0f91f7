"""Kraken's public calls: clock, currencies, pairs, tickers, candles, book and trades. Pure.

Whatever is asked about a pair is answered under its full name.
"""

from typing import Any

from sandbox.candles import INTERVALS_MS, MONDAY_MS, Candles
from sandbox.dialects import kraken_names as names
from sandbox.dialects.base import Params, limited, whole
from sandbox.dialects.kraken_words import padded, rfc1123, rfc3339, seconds
from sandbox.dialects.prints import prints
from sandbox.market import CLOSE, DAY_MS, HIGH, LOW, MINUTE_MS, MINUTES_DAY, OPEN, QUOTE, TICK_MS, VOLUME, Ints
from sandbox.matching import Exchange
from sandbox.orders import No, Refused
from sandbox.pairs import Pair
from trader_core.model.money import MONEY_EXP, to_text

INTERVALS = {"1": "1m", "5": "5m", "15": "15m", "30": "30m", "60": "60m", "240": "4h", "1440": "1d", "10080": "1W"}
"""Kraken's names of the intervals that the market has: their minutes."""
CANDLES_KEPT = 720
DEPTH_DEFAULT, DEPTH_MAX = 100, 500
TRADES_MAX = 1_000
PRICE_DECIMALS, LOT_DECIMALS, MONEY_DECIMALS = 5, 8, 5
NS_MS = 1_000_000
NS_LEAST = 10**15
"""What is larger counts nanoseconds; what is smaller, seconds."""
assert set(INTERVALS.values()) == set(INTERVALS_MS), "every interval has a name"


def row_text(pair: Pair, minute: int, step: int, candle: list[int]) -> str:
    """Return one candle as Kraken writes it: seconds, four prices, their mean by volume, the volume, and a count of trades."""
    if not candle[CLOSE]:
        return ""
    prices = ",".join(f'"{padded(candle[at], pair.price_exp, pair.price_exp)}"' for at in (OPEN, HIGH, LOW, CLOSE))
    mean = padded(candle[QUOTE] // candle[VOLUME], pair.price_exp, pair.price_exp)
    volume = padded(candle[VOLUME], pair.qty_exp, LOT_DECIMALS)
    return f'[{minute * MINUTE_MS // 1_000},{prices},"{mean}","{volume}",{step * MINUTE_MS // TICK_MS}]'


class PublicCalls:
    """The calls that need no key; each takes the (empty) account and the parameters and returns a result or its bytes."""

    def __init__(self, exchange: Exchange, candles: Candles, history_from_ms: int) -> None:
        """Answer from an exchange and its candles."""
        self._exchange, self._candles, self._first_tick = exchange, candles, -(-history_from_ms // TICK_MS)
        self._pairs = names.by_any_name(exchange.market.pairs.values())

    def time(self, _account: str, _params: Params) -> Any:
        """Return the venue's clock, in whole seconds."""
        now_ms = self._exchange.now_ms + self._exchange.rules.skew_ms
        return {"unixtime": now_ms // 1_000, "rfc1123": rfc1123(now_ms)}

    def status(self, _account: str, _params: Params) -> Any:
        """Return that the exchange is open."""
        return {"status": "online", "timestamp": rfc3339(self._exchange.now_ms)}

    def assets(self, _account: str, _params: Params) -> Any:
        """Return every currency."""
        pairs = self._exchange.market.pairs.values()
        return {names.asset(name): _asset(name) for name in sorted({name for pair in pairs for name in (pair.base, pair.quote)})}

    def asset_pairs(self, _account: str, params: Params) -> Any:
        """Return pairs with their grids, minimums and fees: those named, or all."""
        return {names.pair_id(pair): self._described(pair) for pair in self._chosen(params)}

    def ticker(self, _account: str, params: Params) -> Any:
        """Return best prices, the last one, and today's and the last 24 hours' figures, of the pairs named or of all."""
        return {names.pair_id(pair): self._ticker(pair) for pair in self._chosen(params)}

    def ohlc(self, _account: str, params: Params) -> bytes:
        """Return the youngest 720 candles, the current one included, that opened after `since`."""
        pair, interval = self._one(params), INTERVALS.get(params.get("interval", "1"))
        if interval is None:
            raise Refused(No.PARAMETER, "interval")
        step_ms, now_ms, since = INTERVALS_MS[interval], self._exchange.now_ms, whole(params, "since")
        shift_ms = MONDAY_MS if interval == "1W" else 0
        current_ms = (now_ms - shift_ms) // step_ms * step_ms + shift_ms
        start_ms = max(current_ms - (CANDLES_KEPT - 1) * step_ms, 0 if since is None else since * 1_000 + 1)
        rows = self._candles.rows(pair.id, interval, start_ms, None, CANDLES_KEPT, now_ms)
        return b'{"%s":%s,"last":%d}' % (names.pair_id(pair).encode(), rows, (current_ms - step_ms) // 1_000)

    def depth(self, _account: str, params: Params) -> Any:
        """Return both sides of the book, best first."""
        pair = self._one(params)
        book, count = self._exchange.book(pair.id), limited(params, DEPTH_DEFAULT, DEPTH_MAX, "count")
        now_s = self._exchange.now_ms // 1_000
        sides = {
            side: [[self._price(pair, level.price), padded(level.qty, pair.qty_exp, 3), now_s] for level in levels[:count]]
            for side, levels in (("asks", book.asks), ("bids", book.bids))
        }
        return {names.pair_id(pair): sides}

    def trades(self, _account: str, params: Params) -> Any:
        """Return trades of the tape, oldest first: the next after `since`, or the youngest; `last` is the `since` of the next call."""
        pair, count, now_tick = self._one(params), limited(params, TRADES_MAX, TRADES_MAX, "count"), self._exchange.now_ms // TICK_MS
        since = whole(params, "since")
        first, last = now_tick - count + 1, now_tick
        if since is not None:
            since_ns = since if since >= NS_LEAST else since * 1_000 * NS_MS
            first = max(since_ns // (TICK_MS * NS_MS) + 1, self._first_tick)
            last = min(now_tick, first + count - 1)
        rows = [
            [self._price(pair, print_.price), padded(print_.qty, pair.qty_exp, LOT_DECIMALS), seconds(print_.ts_ms),
             "b" if print_.buys else "s", "m", "", print_.ts_ms // TICK_MS]
            for print_ in prints(self._exchange.market, pair.id, first, last)
        ]  # fmt: skip
        return {names.pair_id(pair): rows, "last": str(max(last, first - 1) * TICK_MS * NS_MS)}

    def _one(self, params: Params) -> Pair:
        return self._named(params.get("pair", ""))

    def _named(self, name: str) -> Pair:
        if name not in self._pairs:
            raise Refused(No.SYMBOL)
        return self._pairs[name]

    def _chosen(self, params: Params) -> list[Pair]:
        """Return the pairs of a comma-separated list, or all where there is none."""
        if not params.get("pair"):
            return list(self._exchange.market.pairs.values())
        return [self._named(name) for name in params["pair"].split(",")]

    def _price(self, pair: Pair, price: int) -> str:
        return padded(price, pair.price_exp, PRICE_DECIMALS)

    def _described(self, pair: Pair) -> dict[str, Any]:
        rules, filters = self._exchange.rules, self._exchange.filters(pair.id)
        tick, lot = to_text(filters.tick, pair.price_exp), to_text(filters.lot, pair.qty_exp)
        return {
            "altname": names.altname(pair), "wsname": names.wsname(pair), "aclass_base": "currency", "base": names.asset(pair.base),
            "aclass_quote": "currency", "quote": names.asset(pair.quote), "lot": "unit", "cost_decimals": MONEY_DECIMALS,
            "pair_decimals": _decimals(tick), "lot_decimals": _decimals(lot), "lot_multiplier": 1, "leverage_buy": [],
            "leverage_sell": [], "fees": [[0, rules.taker_ppm / 10_000]], "fees_maker": [[0, rules.maker_ppm / 10_000]],
            "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40, "ordermin": to_text(filters.qty_min, pair.qty_exp),
            "costmin": to_text(filters.notional_min), "tick_size": tick,
            "status": "cancel_only" if pair.id in self._exchange.halted else "online",
        }  # fmt: skip

    def _ticker(self, pair: Pair) -> dict[str, Any]:
        now_ms, book = self._exchange.now_ms, self._exchange.book(pair.id)
        today = _Span(self._candles.since(pair.id, now_ms // DAY_MS * MINUTES_DAY, now_ms))
        day = _Span(self._candles.since(pair.id, now_ms // MINUTE_MS - MINUTES_DAY, now_ms))
        sides = [side[0] if side else (0, 0) for side in (book.asks, book.bids)]
        ask, bid = ([self._price(pair, price), str(qty // 10**pair.qty_exp), padded(qty, pair.qty_exp, 3)] for price, qty in sides)
        tick = now_ms // TICK_MS
        traded = sum(print_.qty for print_ in prints(self._exchange.market, pair.id, tick, tick))
        return {
            "a": ask, "b": bid, "c": [self._price(pair, self._exchange.last(pair.id)), padded(traded, pair.qty_exp, LOT_DECIMALS)],
            "v": [padded(span.volume, pair.qty_exp, LOT_DECIMALS) for span in (today, day)],
            "p": [self._price(pair, span.mean) for span in (today, day)], "t": [today.count, day.count],
            "l": [self._price(pair, span.low) for span in (today, day)], "h": [self._price(pair, span.high) for span in (today, day)],
            "o": self._price(pair, today.opened),
        }  # fmt: skip


class _Span:
    """What minutes of candles, shape [n, 6], add up to; all 0 where nothing was traded."""

    def __init__(self, rows: Ints) -> None:
        some = len(rows) > 0
        self.count = len(rows) * MINUTE_MS // TICK_MS
        self.volume = int(rows[:, VOLUME].sum())
        self.mean = sum(rows[:, QUOTE].tolist()) // self.volume if self.volume else 0
        self.high, self.low = (int(rows[:, HIGH].max()), int(rows[:, LOW].min())) if some else (0, 0)
        self.opened = int(rows[0, OPEN]) if some else 0


def _asset(currency: str) -> dict[str, Any]:
    is_money = currency in names.MONEY
    decimals = 4 if is_money else MONEY_EXP if currency in names.OLD else LOT_DECIMALS
    return {
        "aclass": "currency", "altname": names.short(currency), "decimals": decimals, "display_decimals": 2 if is_money else 5,
        "status": "enabled",
    }  # fmt: skip


def _decimals(step: str) -> int:
    return len(step.partition(".")[2])
