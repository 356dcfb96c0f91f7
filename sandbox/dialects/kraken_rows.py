"""Orders and trades as Kraken reports them: amounts exact, as texts with at least its decimals, and times in seconds. Pure."""

from typing import Any

from sandbox.dialects import kraken_names as names
from sandbox.dialects.kraken_public import LOT_DECIMALS, MONEY_DECIMALS, PRICE_DECIMALS
from sandbox.dialects.kraken_words import padded, seconds
from sandbox.matching import FIRST_NUMBER
from sandbox.orders import AT_MARKET, BUY, OPEN, STOPS, TAKES_ONLY, Fill, Kind, Order, Status
from sandbox.pairs import Pair
from trader_core.model.money import MONEY_EXP

NOTHING = padded(0, 0, MONEY_DECIMALS)
POSITION = names.trade_id(0)
"""What the rows of all spot trades name as their position."""


def id_of(order: Order) -> str:
    """Return Kraken's id of an order."""
    return names.order_id(order.number - FIRST_NUMBER)


def description(pair: Pair, order: Order) -> str:
    """Return an order in a sentence, such as `buy 0.00010000 XBTEUR @ limit 80000.5`."""
    kind, limit = order.asked.kind, "" if order.asked.kind in AT_MARKET else f"limit {_price(pair, order.asked.price)}"
    if kind in STOPS:
        word = "stop loss" if kind in (Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT) else "take profit"
        limit = f"{word} {_price(pair, order.asked.stop)}" + (f" -> {limit}" if limit else "")
    qty = padded(order.asked.quote_qty, MONEY_EXP, LOT_DECIMALS) if order.asked.quote_qty else _volume(pair, order.qty)
    return f"{_side(order.asked.side)} {qty} {names.altname(pair)} @ {limit or 'market'}"


def order_row(pair: Pair, order: Order, userref: int | None, trades: list[str], fee_in: str) -> dict[str, Any]:
    """Return an order as every list of orders shows it; `trades` are those to be named, `fee_in` is where the rules take fees."""
    kind, limit = order.asked.kind, "0" if order.asked.kind in AT_MARKET else _price(pair, order.asked.price)
    prices = (_price(pair, order.asked.stop), limit) if kind in STOPS else (limit, "0")
    triggered = kind in STOPS and not order.is_waiting
    average = order.cost * 10**pair.qty_exp // order.filled if order.filled else 0
    row: dict[str, Any] = {
        "refid": None, "userref": userref, "cl_ord_id": order.asked.client_id or None, "status": _status(order),
        "opentm": seconds(order.created_ms), "starttm": 0, "expiretm": 0,
        "descr": {
            "pair": names.altname(pair), "type": _side(order.asked.side), "ordertype": _kind(kind), "price": prices[0], "price2": prices[1],
            "leverage": "none", "order": description(pair, order), "close": "",
        },
        "vol": _volume(pair, order.qty), "vol_exec": _volume(pair, order.filled), "cost": padded(order.cost, MONEY_EXP, MONEY_DECIMALS),
        "fee": padded(order.fee, MONEY_EXP, MONEY_DECIMALS), "price": padded(average, MONEY_EXP, PRICE_DECIMALS), "stopprice": NOTHING,
        "limitprice": limit if triggered and limit != "0" else NOTHING, "misc": _misc(kind) if triggered else "",
        "oflags": ",".join(_flags(order, fee_in)),
    }  # fmt: skip
    if trades:
        row["trades"] = trades
    if order.status not in OPEN:
        row |= {"reason": _reason(order), "closetm": seconds(order.updated_ms)}
    return row


def trade_row(pair: Pair, fill: Fill, kind: Kind) -> dict[str, Any]:
    """Return one execution; it does not name the client's id of its order."""
    return {
        "ordertxid": names.order_id(fill.order_number - FIRST_NUMBER), "postxid": POSITION, "pair": names.pair_id(pair),
        "time": seconds(fill.ts_ms), "type": _side(fill.side), "ordertype": _kind(kind),
        "price": padded(fill.price, pair.price_exp, PRICE_DECIMALS), "cost": padded(fill.cost, MONEY_EXP, MONEY_DECIMALS),
        "fee": padded(fill.fee, MONEY_EXP, MONEY_DECIMALS), "vol": _volume(pair, fill.qty), "margin": NOTHING, "leverage": "0",
        "misc": "", "trade_id": fill.number, "maker": fill.maker,
    }  # fmt: skip


def _status(order: Order) -> str:
    if order.status in OPEN:
        return "open"
    return "closed" if order.status is Status.FILLED else "canceled"


def _reason(order: Order) -> str | None:
    """Return why an order is over: nothing is said of one that has done what it was meant to."""
    over = order.status is Status.FILLED or order.self_met
    if over or (order.asked.kind in TAKES_ONLY and not order.is_waiting):
        return None
    at_once = order.asked.kind is Kind.LIMIT_MAKER and order.updated_ms == order.created_ms
    return "Post only order" if at_once else "User requested"


def _kind(kind: Kind) -> str:
    """Return Kraken's name of an order type; how long a limit is in force is no part of it."""
    return "market" if kind is Kind.MARKET else kind.value.lower().replace("_", "-") if kind in STOPS else "limit"


def _misc(kind: Kind) -> str:
    return "stopped" if kind in (Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT) else "touched"


def _flags(order: Order, fee_in: str) -> list[str]:
    flags = ["fcib" if fee_in == "received" and order.asked.side == BUY else "fciq"]
    if order.asked.kind is Kind.LIMIT_MAKER:
        flags.append("post")
    if order.asked.quote_qty:
        flags.append("viqc")
    return flags


def _price(pair: Pair, ticks: int) -> str:
    return padded(ticks, pair.price_exp, pair.price_exp)


def _volume(pair: Pair, lots: int) -> str:
    return padded(lots, pair.qty_exp, LOT_DECIMALS)


def _side(side: int) -> str:
    return "buy" if side == BUY else "sell"
