"""MEXC's signed calls: account, orders and fills, with the fields that its captured answers have and lack. Pure."""

import re
from typing import Any

from sandbox.dialects.base import Params, Powers, limited, whole
from sandbox.matching import Exchange
from sandbox.orders import AT_MARKET, BUY, SELL, STOPS, Fill, Kind, NewOrder, No, Order, Refused
from sandbox.pairs import Pair
from trader_core.model.errors import OutOfRange
from trader_core.model.money import MONEY_EXP, from_text, to_text

SECOND_MS = 1_000
FILLS_MAX, ORDERS_MAX = 100, 1_000
PLAIN = re.compile(r"-?(?=\.?[0-9])[0-9]{0,20}(\.[0-9]{0,40})?")
"""What numbers are written like: no exponents, no spaces, no other digits."""
SIDES = {"BUY": BUY, "SELL": SELL}
CANCELED = (
    "symbol", "orderId", "clientOrderId", "price", "origQty", "executedQty", "cummulativeQuoteQty", "status", "timeInForce", "type", "side",
)  # fmt: skip
"""What the answer to a cancel tells of an order: no times among it."""
PPM_UNIT = 100
"""Accounts are told their fees in units of 100 parts per million."""


class SignedCalls:
    """The calls that need a key; each takes the account and the parameters and returns plain JSON values."""

    kinds = frozenset(Kind) - STOPS
    """What may be ordered."""
    client_ids = re.compile("[!-~]{1,32}")

    def __init__(self, exchange: Exchange, powers: dict[str, Powers]) -> None:
        """Answer from an exchange; `powers` holds the accounts whose keys are not the usual one."""
        self._exchange, self.powers = exchange, powers

    def currencies(self, _account: str, _params: Params) -> Any:
        """Return the currencies, without networks: nothing can be paid out."""
        pairs = self._exchange.market.pairs.values()
        names = sorted({name for pair in pairs for name in (pair.base, pair.quote)})
        return [{"coin": name, "name": name, "networkList": []} for name in names]

    def account(self, account: str, _params: Params) -> Any:
        """Return free and locked balances of every currency that is not zero."""
        held = self._exchange.ledger.shown(account).items()
        balances = [
            {"asset": name, "free": to_text(balance.free), "locked": to_text(balance.locked)}
            for name, balance in sorted(held)
            if balance.free or balance.locked
        ]
        powers = self.powers.get(account, Powers())
        return {
            "makerCommission": self._exchange.rules.maker_ppm // PPM_UNIT, "takerCommission": self._exchange.rules.taker_ppm // PPM_UNIT,
            "buyerCommission": 0, "sellerCommission": 0,
            "canTrade": powers.trades, "canWithdraw": powers.withdraws, "canDeposit": True, "updateTime": None, "accountType": "SPOT",
            "balances": balances, "permissions": list(powers.markets),
        }  # fmt: skip

    def trade_fee(self, _account: str, params: Params) -> Any:
        """Return the fees of one market, as shares."""
        self._exchange.pair(params.get("symbol", ""))
        rules = self._exchange.rules
        fees = {"makerCommission": rules.maker_ppm / 1e6, "takerCommission": rules.taker_ppm / 1e6}
        return {"data": fees, "code": 0, "msg": "success", "timestamp": self._exchange.now_ms}

    def create(self, account: str, params: Params) -> Any:
        """Place an order and return MEXC's meagre acknowledgement: neither status nor client id."""
        order = self._exchange.place(account, self._asked(params))
        pair = self._exchange.pair(order.asked.symbol)
        by_quote = order.asked.quote_qty and order.asked.kind is Kind.MARKET
        return {
            "symbol": pair.id, "orderId": order.id, "orderListId": -1, "price": to_text(order.price, pair.price_exp),
            "origQty": "0" if by_quote else to_text(order.qty, pair.qty_exp), "type": order.asked.kind.value,
            "side": _side(order.asked.side), "transactTime": order.created_ms,
        }  # fmt: skip

    def test(self, account: str, params: Params) -> Any:
        """Check an order without placing it."""
        self._exchange.accepted(account, self._asked(params))
        return {}

    def order(self, account: str, params: Params) -> Any:
        """Return one order by its id or its client id."""
        symbol = self._exchange.pair(params.get("symbol", "")).id
        order_id, client_id = params.get("orderId", ""), params.get("origClientOrderId", "")
        return self._order(self._exchange.find(account, symbol, order_id, client_id))

    def cancel(self, account: str, params: Params) -> Any:
        """Cancel one order by its id or its client id and return it."""
        symbol = self._exchange.pair(params.get("symbol", "")).id
        order_id, client_id = params.get("orderId", ""), params.get("origClientOrderId", "")
        return self._canceled(self._exchange.cancel(account, symbol, order_id, client_id))

    def cancel_all(self, account: str, params: Params) -> Any:
        """Cancel all orders of a market and return them."""
        return [self._canceled(order) for order in self._exchange.cancel_all(account, params.get("symbol", ""))]

    def open_orders(self, account: str, params: Params) -> Any:
        """Return the open orders of one market or of all, youngest first."""
        symbol = self._exchange.pair(params["symbol"]).id if params.get("symbol") else ""
        return [self._order(order) for order in reversed(self._exchange.open_orders(account, symbol))]

    def all_orders(self, account: str, params: Params) -> Any:
        """Return the youngest orders of a market within [startTime, endTime], youngest first."""
        symbol = self._exchange.pair(params.get("symbol", "")).id
        start_ms, end_ms = whole(params, "startTime") or 0, whole(params, "endTime") or self._exchange.now_ms
        orders = self._exchange.orders(account, symbol, start_ms, end_ms, limited(params, 500, ORDERS_MAX))
        return [self._order(order) for order in reversed(orders)]

    def my_trades(self, account: str, params: Params) -> Any:
        """Return the youngest fills of a market within [startTime, endTime], at most 100, youngest first."""
        symbol = self._exchange.pair(params.get("symbol", "")).id
        start_ms, end_ms = whole(params, "startTime") or 0, whole(params, "endTime") or self._exchange.now_ms
        order_id = params.get("orderId")
        found = self._exchange.fills_of(account, symbol, start_ms, end_ms)
        fills = [fill for fill in found if order_id in (None, "", fill.order_id)]
        return [self._fill(fill) for fill in reversed(fills[-limited(params, FILLS_MAX, FILLS_MAX) :])]

    def _asked(self, params: Params) -> NewOrder:
        """Return the order that the parameters describe; raises Refused for what is missing or off the grids."""
        pair = self._exchange.pair(params.get("symbol", ""))
        if params.get("side") not in SIDES:
            raise Refused(No.PARAMETER, "side")
        if params.get("type") not in self.kinds:
            raise Refused(No.PARAMETER, "type")
        kind = Kind(params["type"])
        qty = _units(params, "quantity", pair.qty_exp, No.LOT)
        quote = _units(params, "quoteOrderQty", MONEY_EXP, No.LOT) if kind is Kind.MARKET else None
        price = _units(params, "price", pair.price_exp, No.TICK) if kind not in AT_MARKET else 0
        stop = _units(params, "stopPrice", pair.price_exp, No.TICK) if kind in STOPS else 0
        if qty is None and not quote:
            raise Refused(No.NO_QTY)
        if price is None:
            raise Refused(No.TICK)
        if stop is None:
            raise Refused(No.PARAMETER, "stopPrice")
        client_id = params.get("newClientOrderId", "")
        if client_id and not self.client_ids.fullmatch(client_id):
            raise Refused(No.ILLEGAL, "newClientOrderId")
        return NewOrder(pair.id, SIDES[params["side"]], kind, qty or 0, price, 0 if qty else quote or 0, client_id, stop)

    def _order(self, order: Order) -> dict[str, Any]:
        """Return an order as MEXC reports it: times cut to seconds, a market order's price is its protection price."""
        pair = self._exchange.pair(order.asked.symbol)
        return {
            "symbol": pair.id, "orderId": order.id, "orderListId": -1, "clientOrderId": order.asked.client_id or None,
            "price": to_text(order.price, pair.price_exp), "origQty": to_text(order.qty, pair.qty_exp),
            "executedQty": to_text(order.filled, pair.qty_exp), "cummulativeQuoteQty": to_text(order.cost),
            "status": order.status.value, "timeInForce": None, "type": order.asked.kind.value, "side": _side(order.asked.side),
            "stopPrice": None, "icebergQty": None, "time": _second(order.created_ms), "updateTime": _second(order.updated_ms),
            "isWorking": True, "origQuoteOrderQty": to_text(self._quote(order, pair)),
        }  # fmt: skip

    def _quote(self, order: Order, pair: Pair) -> int:
        return order.asked.quote_qty or order.qty * order.price * pair.notional_factor

    def _canceled(self, order: Order) -> dict[str, Any]:
        said = self._order(order)
        return {name: said[name] for name in CANCELED} | {"origClientOrderId": said["clientOrderId"]}

    def _fill(self, fill: Fill) -> dict[str, Any]:
        pair = self._exchange.pair(fill.symbol)
        return {
            "symbol": pair.id, "id": fill.trade_id, "orderId": fill.order_id, "orderListId": -1,
            "price": to_text(fill.price, pair.price_exp), "qty": to_text(fill.qty, pair.qty_exp),
            "quoteQty": to_text(fill.cost), "commission": to_text(fill.fee), "commissionAsset": fill.fee_currency,
            "time": _second(fill.ts_ms), "isBuyer": fill.side == BUY, "isMaker": fill.maker, "isBestMatch": True,
            "isSelfTrade": False, "clientOrderId": fill.client_id or None,
        }  # fmt: skip


def _units(params: Params, name: str, exponent: int, why: No) -> int | None:
    text = params.get(name)
    if text is None or text == "":
        return None
    if not PLAIN.fullmatch(text):
        raise Refused(No.ILLEGAL, name)
    try:
        return from_text(text, exponent, name)
    except OutOfRange as error:
        raise Refused(why, name) from error


def _side(side: int) -> str:
    return "BUY" if side == BUY else "SELL"


def _second(ms: int) -> int:
    return ms - ms % SECOND_MS
