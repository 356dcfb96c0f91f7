"""What Binance's streams say of one event, as plain JSON values. Pure."""

from typing import Any

from sandbox.book import Level
from sandbox.dialects.binance_signed import SignedCalls
from sandbox.events import BalanceChanged, BookChanged, CandleSeen, OrderChanged, QuoteSeen, TradeSeen
from sandbox.market import CLOSE, HIGH, LOW, MINUTE_MS, OPEN, QUOTE, TICK_MS, VOLUME
from sandbox.orders import Status
from sandbox.pairs import Pair
from trader_core.model.money import to_text

Said = dict[str, Any]
HAPPENED = {"EXPIRED_IN_MATCH": "TRADE_PREVENTION"}
"""What happened to an order, where that has another name than how it stands since."""


def trade_event(pair: Pair, kind: str, trade: TradeSeen) -> Said:
    """Return a print of the tape, as `trade` or `aggTrade`: here every trade is an aggregate of its own."""
    ids = {"t": trade.number} if kind == "trade" else {"a": trade.number, "f": trade.number, "l": trade.number}
    return {
        "e": kind, "E": trade.ts_ms, "s": pair.id, **ids, "p": to_text(trade.price, pair.price_exp), "q": to_text(trade.qty, pair.qty_exp),
        "T": trade.ts_ms, "m": not trade.buys, "M": True,
    }  # fmt: skip


def candle_event(pair: Pair, interval: str, candle: CandleSeen) -> Said:
    """Return a candle as far as it has come."""
    from_ms, until_ms = candle.minute * MINUTE_MS, (candle.minute + candle.step) * MINUTE_MS
    first, last = from_ms // TICK_MS, min(candle.ts_ms, until_ms - 1) // TICK_MS
    prices = {column: to_text(candle.values[column], pair.price_exp) for column in (OPEN, HIGH, LOW, CLOSE)}
    volume, worth, both = candle.values[VOLUME], candle.values[QUOTE], pair.price_exp + pair.qty_exp
    return {
        "e": "kline", "E": candle.ts_ms, "s": pair.id,
        "k": {"t": from_ms, "T": until_ms - 1, "s": pair.id, "i": interval, "f": first, "L": last, "o": prices[OPEN], "c": prices[CLOSE],
              "h": prices[HIGH], "l": prices[LOW], "v": to_text(volume, pair.qty_exp), "n": last - first + 1, "x": candle.closed,
              "q": to_text(worth, both), "V": to_text(volume // 2, pair.qty_exp), "Q": to_text(worth // 2, both), "B": "0"},
    }  # fmt: skip


def book_event(pair: Pair, change: BookChanged) -> Said:
    """Return the levels that changed between two versions."""
    sides = {"b": _levels(pair, change.bids), "a": _levels(pair, change.asks)}
    return {"e": "depthUpdate", "E": change.ts_ms, "s": pair.id, "U": change.first, "u": change.last, **sides}


def _levels(pair: Pair, rows: tuple[Level, ...]) -> list[list[str]]:
    price_one, qty_one, price_exp, qty_exp = 10**pair.price_exp, 10**pair.qty_exp, pair.price_exp, pair.qty_exp
    write = "%d.%0*d".__mod__  # half the time of an f-string, and books have hundreds of these
    return [
        [write((price // price_one, price_exp, price % price_one)), write((qty // qty_one, qty_exp, qty % qty_one))] for price, qty in rows
    ]


def quote_event(pair: Pair, quote: QuoteSeen) -> Said:
    """Return the best bid and ask."""
    (bid, bid_qty), (ask, ask_qty) = _levels(pair, (quote.bid, quote.ask))
    return {"u": quote.ts_ms // TICK_MS, "s": pair.id, "b": bid, "B": bid_qty, "a": ask, "A": ask_qty}


def day_event(kind: str, day: Said, now_ms: int) -> Said:
    """Return the last 24 hours, as `ticker` or `miniTicker`, from what REST tells of them."""
    mini = {
        "e": "24hrMiniTicker", "E": now_ms, "s": day["symbol"], "c": day["lastPrice"], "o": day["openPrice"], "h": day["highPrice"],
        "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"],
    }  # fmt: skip
    if kind == "miniTicker":
        return mini
    return {
        **mini, "e": "24hrTicker", "p": day["priceChange"], "P": day["priceChangePercent"], "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"], "Q": day["lastQty"], "b": day["bidPrice"], "B": day["bidQty"], "a": day["askPrice"],
        "A": day["askQty"], "O": day["openTime"], "C": day["closeTime"], "F": day["firstId"], "L": day["lastId"], "n": day["count"],
    }  # fmt: skip


def order_event(calls: SignedCalls, pair: Pair, said: OrderChanged) -> Said:
    """Return an execution report."""
    order, fill, shown = said.order, said.fill, calls.report(said.order)
    ended = order.status in (Status.CANCELED, Status.PARTIALLY_CANCELED)
    happened = "TRADE" if fill else HAPPENED.get(shown["status"], shown["status"]) if ended else "NEW"
    client_id = shown["clientOrderId"]
    return {
        "e": "executionReport", "E": order.updated_ms, "s": pair.id, "c": client_id, "S": shown["side"], "o": shown["type"],
        "f": shown["timeInForce"], "q": shown["origQty"], "p": shown["price"], "P": shown["stopPrice"], "F": "0", "g": -1,
        "C": client_id if happened == "CANCELED" else "", "x": happened, "X": shown["status"], "r": "NONE", "i": shown["orderId"],
        "l": to_text(fill.qty, pair.qty_exp) if fill else "0", "z": shown["executedQty"],
        "L": to_text(fill.price, pair.price_exp) if fill else "0", "n": to_text(fill.fee) if fill else "0",
        "N": fill.fee_currency if fill else None, "T": order.updated_ms, "t": fill.number if fill else -1, "I": 0,
        "w": happened == "NEW" and not order.is_waiting, "m": fill is not None and fill.maker, "M": False, "O": order.created_ms,
        "Z": shown["cummulativeQuoteQty"], "Y": to_text(fill.cost) if fill else "0", "Q": shown["origQuoteOrderQty"],
        "V": shown["selfTradePreventionMode"], **({} if order.is_waiting else {"W": order.working_ms}),
    }  # fmt: skip


def account_event(changes: list[BalanceChanged]) -> Said:
    """Return the balances after what changed them."""
    ts_ms = changes[-1].ts_ms
    rows = [{"a": held.currency, "f": to_text(held.free), "l": to_text(held.locked)} for held in changes]
    return {"e": "outboundAccountPosition", "E": ts_ms, "u": ts_ms, "B": rows}


def paid_in_event(held: BalanceChanged) -> Said:
    """Return that an amount came in from outside."""
    return {"e": "balanceUpdate", "E": held.ts_ms, "a": held.currency, "d": to_text(held.free_by), "T": held.ts_ms}
