"""Binance's signed calls, where they differ from MEXC's: full answers, numeric ids, time in force, rights of a key. Pure."""

import re
from typing import Any

from sandbox.dialects.base import Params, Powers, limited, whole
from sandbox.dialects.binance_public import PREVENTION
from sandbox.dialects.mexc_signed import SIDES
from sandbox.dialects.mexc_signed import SignedCalls as MexcSignedCalls
from sandbox.matching import FIRST_NUMBER
from sandbox.orders import AT_MARKET, STOPS, TAKES_ONLY, Fill, Kind, NewOrder, No, Order, Refused, Status
from trader_core.model.money import to_text

AMOUNTS = ("quantity", "quoteOrderQty", "price", "stopPrice")
AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
DECIMALS_MAX = 8
FILLS_DEFAULT, FILLS_MAX = 500, 1_000
IN_FORCE = {"IOC": Kind.IOC, "FOK": Kind.FOK, "GTC": Kind.LIMIT}
CANCELED = (
    "symbol", "orderId", "orderListId", "clientOrderId", "price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty",
    "status", "timeInForce", "type", "side", "selfTradePreventionMode",
)  # fmt: skip
PLACED = (*CANCELED, "workingTime")
"""What the answers to a cancel and to a new order tell of an order: whether it works and when it was made only reads tell."""
WRITTEN = {Kind.IOC: "IOC", Kind.FOK: "FOK"}


class SignedCalls(MexcSignedCalls):
    """The calls that need a key; each takes the account and the parameters and returns plain JSON values."""

    kinds = frozenset(Kind)
    client_ids = re.compile("[.A-Z:/a-z0-9_-]{1,36}")

    def restrictions(self, account: str, _params: Params) -> Any:
        """Return what the key may do."""
        powers = self.powers.get(account, Powers())
        return {
            "ipRestrict": True, "createTime": self._exchange.now_ms, "enableReading": True, "enableWithdrawals": powers.withdraws,
            "enableInternalTransfer": False, "enableMargin": "MARGIN" in powers.markets, "enableFutures": "FUTURES" in powers.markets,
            "permitsUniversalTransfer": False, "enableVanillaOptions": False, "enableFixApiTrade": False, "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": powers.trades, "enablePortfolioMarginTrading": False,
        }  # fmt: skip

    def account(self, account: str, params: Params) -> Any:
        """Return free and locked balances and the account's rights."""
        rates = {name: to_text(ppm, 6) for name, ppm in self._rates().items()}
        said = super().account(account, params)
        return {**said, "commissionRates": rates,
                "brokered": False, "preventSor": False, "requireSelfTradePrevention": False, "updateTime": self._exchange.now_ms,
                "uid": 1}  # fmt: skip

    def trade_fee(self, _account: str, params: Params) -> Any:
        """Return the fees of one market or of all, as shares."""
        names = [self._exchange.pair(params["symbol"]).id] if params.get("symbol") else list(self._exchange.market.pairs)
        rates = self._rates()
        maker, taker = to_text(rates["maker"], 6), to_text(rates["taker"], 6)
        return [{"symbol": name, "makerCommission": maker, "takerCommission": taker} for name in names]

    def create(self, account: str, params: Params) -> Any:
        """Place an order and return it whole, with its fills."""
        before = len(self._exchange.fills)
        order = self._exchange.place(account, self._asked(params))
        pair = self._exchange.pair(order.asked.symbol)
        fills = [
            {"price": to_text(fill.price, pair.price_exp), "qty": to_text(fill.qty, pair.qty_exp), "commission": to_text(fill.fee),
             "commissionAsset": fill.fee_currency, "tradeId": fill.number}
            for fill in self._exchange.fills[before:] if fill.order_number == order.number
        ]  # fmt: skip
        return {**_told(self._order(order), PLACED), "transactTime": order.updated_ms, "fills": fills}

    def order(self, account: str, params: Params) -> Any:
        """Return one order by its id or its client id."""
        return super().order(account, _numbered(params))

    def cancel(self, account: str, params: Params) -> Any:
        """Cancel one order by its id or its client id and return it."""
        return super().cancel(account, _numbered(params))

    def my_trades(self, account: str, params: Params) -> Any:
        """Return a market's fills, oldest first: from `fromId` on, or the youngest of a span of time, at most 1000."""
        symbol = self._exchange.pair(params.get("symbol", "")).id
        start_ms, end_ms = whole(params, "startTime") or 0, whole(params, "endTime") or self._exchange.now_ms
        from_id, order_id = whole(params, "fromId"), whole(params, "orderId")
        limit = limited(params, FILLS_DEFAULT, FILLS_MAX)
        found = [
            fill
            for fill in self._exchange.fills_of(account, symbol, start_ms, end_ms)
            if fill.number >= (from_id or 0) and order_id in (None, fill.order_number - FIRST_NUMBER)
        ]
        return [self._numbered_fill(fill) for fill in (found[:limit] if from_id is not None else found[-limit:])]

    def report(self, order: Order) -> dict[str, Any]:
        """Return an order as every call reports it."""
        return self._order(order)

    def _rates(self) -> dict[str, int]:
        rules = self._exchange.rules
        return {"maker": rules.maker_ppm, "taker": rules.taker_ppm, "buyer": 0, "seller": 0}

    def _asked(self, params: Params) -> NewOrder:
        """Return the order that the parameters describe; raises Refused for what is missing, malformed or off the grids."""
        for name in AMOUNTS:
            _check_amount(name, params.get(name, ""))
        if params.get("type") == "LIMIT":
            if params.get("timeInForce") not in IN_FORCE:
                raise Refused(No.PARAMETER, "timeInForce")
            return super()._asked({**params, "type": IN_FORCE[params["timeInForce"]].value})
        if params.get("type") not in ("MARKET", "LIMIT_MAKER", *STOPS) or params.get("side") not in SIDES:
            raise Refused(No.PARAMETER, "type")
        if params["type"] in (Kind.STOP_LOSS_LIMIT, Kind.TAKE_PROFIT_LIMIT) and params.get("timeInForce") != "GTC":
            raise Refused(No.PARAMETER, "timeInForce")
        return super()._asked(params)

    def _order(self, order: Order) -> dict[str, Any]:
        """Return an order as Binance reports it; what is left of one that only takes has expired, not been canceled."""
        kind, status = order.asked.kind, order.status
        if status in (Status.CANCELED, Status.PARTIALLY_CANCELED):
            status = Status.CANCELED
        ended = status.value
        if status is Status.CANCELED and (order.self_met or (kind in TAKES_ONLY and not order.is_waiting)):
            ended = "EXPIRED_IN_MATCH" if order.self_met else "EXPIRED"
        said, pair = super()._order(order), self._exchange.pair(order.asked.symbol)
        number = order.number - FIRST_NUMBER
        return {
            **said, "orderId": number, "clientOrderId": order.asked.client_id or f"x-{number}", "status": ended,
            "price": "0" if kind in AT_MARKET else said["price"], "timeInForce": WRITTEN.get(kind, "GTC"),
            "type": "LIMIT" if kind in WRITTEN else kind.value, "stopPrice": to_text(order.asked.stop, pair.price_exp),
            "icebergQty": "0", "time": order.created_ms, "updateTime": order.updated_ms,
            "isWorking": not order.is_waiting, "workingTime": -1 if order.is_waiting else order.working_ms,
            "selfTradePreventionMode": PREVENTION[self._exchange.rules.self_trade],
            "origQuoteOrderQty": to_text(order.asked.quote_qty),
        }  # fmt: skip

    def _canceled(self, order: Order) -> dict[str, Any]:
        said = self._order(order)
        return {**_told(said, CANCELED), "origClientOrderId": said["clientOrderId"], "transactTime": order.updated_ms}

    def _numbered_fill(self, fill: Fill) -> dict[str, Any]:
        said = super()._fill(fill)
        del said["clientOrderId"], said["isSelfTrade"]
        return {**said, "id": fill.number, "orderId": fill.order_number - FIRST_NUMBER, "time": fill.ts_ms}


def _told(said: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return what an answer tells of an order; its trigger only where it has one."""
    told = {name: said[name] for name in names}
    return {**told, "stopPrice": said["stopPrice"]} if said["type"] in STOPS else told


def _check_amount(name: str, text: str) -> None:
    """Refuse an amount that is no plain number, or has more decimals than any market."""
    if text and not AMOUNT.fullmatch(text):
        raise Refused(No.ILLEGAL, name)
    if len(text.partition(".")[2].rstrip("0")) > DECIMALS_MAX:
        raise Refused(No.PRECISION, name)


def _numbered(params: Params) -> Params:
    """Return the parameters with the core's order number in place of Binance's."""
    number = whole(params, "orderId")
    return params if number is None else {**params, "orderId": str(FIRST_NUMBER + number)}
