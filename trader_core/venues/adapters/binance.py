"""Binance's spot protocol where it differs from MEXC's: time in force, full answers, filters in lists, rights of a key. Pure."""

from trader_core.model.bar import TIMEFRAMES_MS
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_text
from trader_core.model.money import MONEY_EXP
from trader_core.venues import codes, marketdata, parse
from trader_core.venues.adapters.base import Row
from trader_core.venues.adapters.mexc import Mexc
from trader_core.venues.ask import Ask
from trader_core.venues.fields import CURRENCY, market_id, record, rows
from trader_core.venues.marketdata import Ticker
from trader_core.venues.permissions import SPOT, Permissions
from trader_core.venues.port import SendRequest, VenueOrder

_DAY_MS = 86_400_000
_IN_FORCE = {"IOC": "IOC", "LIMIT": "GTC", "STOP": "GTC"}
_BEYOND = {
    "enableMargin": "MARGIN", "enableFutures": "FUTURES", "enableVanillaOptions": "OPTIONS", "enablePortfolioMarginTrading": "PORTFOLIO",
    "enableInternalTransfer": "TRANSFERS", "permitsUniversalTransfer": "TRANSFERS",
}  # fmt: skip
"""Rights of a key that no spot trader needs, and what they open."""


class Binance(Mexc):
    """What Binance says."""

    name = client = "binance"
    codes = codes.BINANCE
    others = frozenset(
        {("DELETE", "/api/v3/order"), ("DELETE", "/api/v3/openOrders"), ("POST", "/api/v3/order/test")}
        | {("GET", f"/api/v3/{path}") for path in ("time", "klines", "depth", "ticker/24hr", "exchangeInfo")}
        | {("GET", f"/api/v3/{path}") for path in ("order", "openOrders", "myTrades", "account")}
        | {("GET", "/sapi/v1/asset/tradeFee"), ("GET", "/sapi/v1/account/apiRestrictions")}
    )
    order_types = {"IOC": "LIMIT", "LIMIT": "LIMIT", "MARKET": "MARKET", "POST_ONLY": "LIMIT_MAKER", "STOP": "STOP_LOSS_LIMIT"}  # noqa: RUF012
    page_rows = 1_000
    span_max_ms = _DAY_MS - 1
    trades_name_orders = False
    public, private = ("public",), ("private",)

    def interval(self, timeframe: str) -> str:
        """Return the venue's name of a timeframe: the same."""
        assert timeframe in TIMEFRAMES_MS, "the gateway asks for known timeframes"
        return timeframe

    def instrument(self, row: Row, venue: str, *, fee_in_base: bool) -> Instrument:
        """Return the filters of one row, not yet frozen; the fees are the schedule's, since they are told to their account alone."""
        base, quote = str(row.get("baseAsset")), str(row.get("quoteAsset"))
        if not (CURRENCY.fullmatch(base) and CURRENCY.fullmatch(quote)) or row.get("symbol") != base + quote:
            raise DataFault("a symbol made of its base and quote", repr(row.get("symbol"))[:60], "do not trade it")
        if row.get("status") != "TRADING" or row.get("isSpotTradingAllowed") is not True:
            raise DataFault(f"{base}/{quote} open for spot trading", f"status {row.get('status')!r}", "choose another symbol")
        filters = {str(one.get("filterType")): one for one in rows(row.get("filters"), "filters") if isinstance(one, dict)}
        price_exp, tick = marketdata.grid(filters.get("PRICE_FILTER", {}), "tickSize")
        qty_exp, lot = marketdata.grid(filters.get("LOT_SIZE", {}), "stepSize")
        cost = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
        return Instrument(
            venue=venue,
            symbol=f"{base}/{quote}",
            base=base,
            quote=quote,
            price_exp=price_exp,
            qty_exp=qty_exp,
            tick=tick,
            lot=lot,
            qty_min=marketdata.up(filters["LOT_SIZE"], "minQty", qty_exp),
            notional_min=marketdata.up(cost, "minNotional", MONEY_EXP),
            maker_ppm=1_000,
            taker_ppm=1_000,
            fee_in_base=fee_in_base,
        )

    def ticker(self, payload: object, instrument: Instrument) -> Ticker:
        """Return the last price and the best bid and ask."""
        return marketdata.ticker(payload, instrument)

    def fees_ask(self, instrument: Instrument) -> Ask:
        """Ask for the account's own fees."""
        return self._wallet("asset/tradeFee", {"symbol": market_id(instrument)})

    def fees(self, payload: object, instrument: Instrument) -> tuple[int, int]:
        """Return (maker, taker) in parts per million."""
        found = [row for row in rows(payload, "fees") if isinstance(row, dict) and row.get("symbol") == market_id(instrument)]
        if len(found) != 1:
            raise DataFault(f"the fees of {instrument.symbol}", repr(payload)[:80], "ask again")
        return marketdata.fee_ppm(found[0], "makerCommission"), marketdata.fee_ppm(found[0], "takerCommission")

    def ack(self, payload: object, request: SendRequest, instrument: Instrument) -> VenueOrder:
        """Return the order that was acknowledged; Binance always names the client id."""
        if record(payload, "an acknowledgement").get("clientOrderId") != request.client_order_id:
            raise DataFault(f"client id {request.client_order_id}", repr(payload)[:80], "treat it as an answer to something else")
        return super().ack(payload, request, instrument)

    def canceled(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order that was cancelled: our id stands in origClientOrderId, that of the cancel in the other."""
        row = record(payload, "an order")
        return parse.order({**row, "clientOrderId": row.get("origClientOrderId")}, instrument, client_order_id)

    def permissions(self, payload: object) -> Permissions:
        """Return what the key may do: each right beyond spot trading as a market of its own."""
        row = record(payload, "restrictions of a key")
        named = ("enableReading", "enableWithdrawals", "enableSpotAndMarginTrading", *_BEYOND)
        unclear = [name for name in named if not isinstance(row.get(name, False), bool)]
        if unclear or not {"enableWithdrawals", "enableSpotAndMarginTrading"} <= row.keys():
            raise DataFault("the rights of a key as true or false", repr({name: row.get(name) for name in named})[:120], "ask again")
        beyond = {market for name, market in _BEYOND.items() if row.get(name) is True}
        trades = row["enableSpotAndMarginTrading"] is True
        return Permissions(trades, row["enableWithdrawals"] is True, tuple(sorted(beyond | ({SPOT} if trades else set()))))

    def rights(self) -> Ask:
        """Ask what the key may do."""
        return self._wallet("account/apiRestrictions", {})

    def _order(self, request: SendRequest, instrument: Instrument) -> dict[str, str]:
        params = super()._order(request, instrument)
        if request.order_type in _IN_FORCE:
            params["timeInForce"] = _IN_FORCE[request.order_type]
        if request.order_type == "STOP":
            params["stopPrice"] = price_text(instrument, request.trigger)
        return {**params, "newOrderRespType": "FULL"}

    def _wallet(self, endpoint: str, params: dict[str, str]) -> Ask:
        return Ask("GET", endpoint, ("sapi",), f"/sapi/v1/{endpoint}", params, 1, private=True)
