"""Raw payloads of MEXC's family into values, or a DataFault: nothing of what a venue says is used before it was checked. Pure."""

from decimal import ROUND_CEILING
from typing import Any

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, fee_at_most, price_from, qty_from
from trader_core.model.money import MONEY_EXP, MONEY_MAX
from trader_core.model.session import Side
from trader_core.venues.fields import CURRENCY, client_id_of, id_of, market_id, number_of, record, rows, same, text, time_of
from trader_core.venues.port import Balance, SendRequest, VenueOrder, VenueOrderState, VenueTrade

WIRE_TYPES = {"IOC": "IMMEDIATE_OR_CANCEL", "LIMIT": "LIMIT", "MARKET": "MARKET", "POST_ONLY": "LIMIT_MAKER"}
"""Order types of the port, as MEXC writes them."""
STOPS = ("STOP_LOSS", "TAKE_PROFIT")
"""How the types of orders begin that wait for a price."""
STATES = {
    "NEW": VenueOrderState.OPEN,
    "PARTIALLY_FILLED": VenueOrderState.PARTIAL,
    "FILLED": VenueOrderState.FILLED,
    "CANCELED": VenueOrderState.CANCELED,
    "PARTIALLY_CANCELED": VenueOrderState.CANCELED,
    "EXPIRED": VenueOrderState.EXPIRED,
    "REJECTED": VenueOrderState.REJECTED,
}


def ack(payload: object, request: SendRequest, instrument: Instrument, wire_type: str) -> VenueOrder:
    """Return the order that was acknowledged as one of `wire_type`; raises DataFault unless every field that is echoed is the request's.

    MEXC's answer names no client id and no status: a well-formed order id with our symbol, side, type and quantity is the
    acknowledgement, and the state is looked up afterwards.
    """
    row = record(payload, "an acknowledgement")
    order_id = id_of(row, "orderId")
    echoed = row.get("clientOrderId")
    wanted: dict[str, object] = {"symbol": market_id(instrument), "side": request.side.name, "type": wire_type}
    for key, value in wanted.items():
        same(key, row.get(key), value)
    if echoed not in (None, ""):
        same("clientOrderId", echoed, request.client_order_id)
    same("origQty", qty_from(instrument, text(row, "origQty")), request.qty)
    if request.order_type != "MARKET":
        same("price", price_from(instrument, text(row, "price")), request.limit)
    created_ms = time_of(row["transactTime"], "transactTime") if row.get("transactTime") else request.sent_ms
    return VenueOrder(request.client_order_id, order_id, VenueOrderState.OPEN, request.qty, 0, created_ms)


def order(payload: object, instrument: Instrument, client_order_id: str | None = None) -> VenueOrder:
    """Return one order as the venue reports it; raises DataFault when it contradicts itself or is not the one asked for."""
    row = record(payload, "an order")
    same("symbol", row.get("symbol"), market_id(instrument))
    ids = [row.get("clientOrderId"), row.get("origClientOrderId")]
    named = next((found for found in ids if found), "")
    if client_order_id is not None:
        named = client_order_id if client_order_id in ids else named
        same("clientOrderId", named, client_order_id)
    qty, filled = qty_from(instrument, text(row, "origQty")), qty_from(instrument, text(row, "executedQty"))
    state = STATES.get(str(row.get("status")))
    if state is None:
        raise DataFault(f"a status of {', '.join(STATES)}", repr(row.get("status"))[:60], "ask again, then tell the developers")
    if filled > qty or (state is VenueOrderState.FILLED and filled != qty):
        raise DataFault(f"{state} with a filled quantity that fits {qty}", str(filled), "ask again")
    if state is VenueOrderState.OPEN and 0 < filled < qty:
        state = VenueOrderState.PARTIAL
    created_ms = time_of(row["time"], "time") if row.get("time") else 0
    return VenueOrder(client_id_of(named), id_of(row, "orderId"), state, qty, filled, created_ms, str(row.get("type")).startswith(STOPS))


def trade(payload: object, instrument: Instrument) -> VenueTrade:
    """Return one fill of the account; raises DataFault when it is malformed or its fee is in a third currency."""
    row = record(payload, "a trade")
    same("symbol", row.get("symbol"), market_id(instrument))
    buyer, maker = row.get("isBuyer"), row.get("isMaker")
    if not isinstance(buyer, bool) or not isinstance(maker, bool):
        raise DataFault("isBuyer and isMaker as true or false", repr((buyer, maker))[:60], "ask again")
    qty, price = qty_from(instrument, text(row, "qty")), price_from(instrument, text(row, "price"))
    if qty == 0:
        raise DataFault("a trade of more than nothing", "quantity 0", "ask again")
    due = row.get("commission") is None
    fee, fee_base = fee_at_most(instrument, price, qty, buys=buyer) if due else _fee(row, instrument)
    return VenueTrade(
        trade_id=id_of(row, "id"),
        client_order_id=client_id_of(row.get("clientOrderId")),
        venue_order_id=id_of(row, "orderId"),
        symbol=instrument.symbol,
        side=Side.BUY if buyer else Side.SELL,
        qty=qty,
        price=price,
        fee=fee,
        fee_base=fee_base,
        ts_ms=time_of(row.get("time"), "time"),
        maker=maker,
        fee_due=due,
    )


def balances(payload: object) -> list[Balance]:
    """Return an account's balances; raises DataFault when there is none: an empty account cannot be told from no answer."""
    found = rows(record(payload, "an account").get("balances"), "balances")
    if not found:
        raise DataFault("at least one balance", "none", "ask again; an account without any cannot trade")
    out = []
    for row in (record(item, "a balance") for item in found):
        currency, free, locked = str(row.get("asset")), text(row, "free"), text(row, "locked")
        if not CURRENCY.fullmatch(currency) or number_of(free, "free") < 0 or number_of(locked, "locked") < 0:
            raise DataFault("a currency with balances of at least 0", repr(row)[:80], "ask again")
        out.append(Balance(currency, free, locked))
    return out


def fee_is_foreign(payload: object, instrument: Instrument) -> bool:
    """Return whether a trade's fee was taken in a currency that is neither its base nor its quote; raises DataFault when malformed."""
    row = record(payload, "a trade")
    if row.get("commission") is None:  # not told yet
        return False
    return number_of(text(row, "commission"), "commission") != 0 and row.get("commissionAsset") not in (instrument.base, instrument.quote)


def _fee(row: dict[str, Any], instrument: Instrument) -> tuple[int, int]:
    paid, currency = number_of(text(row, "commission"), "commission"), row.get("commissionAsset")
    if paid < 0:
        raise DataFault("a commission of at least 0", str(paid)[:40], "tell the developers: rebates are not booked")
    if paid == 0:
        return 0, 0
    exponent = {instrument.quote: MONEY_EXP, instrument.base: instrument.qty_exp}.get(str(currency))
    if exponent is None:
        todo = "switch off paying fees in another currency, then look at this account by hand"
        raise DataFault(f"a fee in {instrument.quote} or {instrument.base}", f"{paid} {currency!r}"[:80], todo)
    fee = int(paid.scaleb(exponent).to_integral_value(ROUND_CEILING))
    if fee > MONEY_MAX:
        raise DataFault("a commission within the doors", str(paid)[:40], "check the venue's data")
    return (fee, 0) if currency == instrument.quote else (0, fee)
