"""MEXC's spot protocol, version 3. Pure."""

from trader_core.model.bar import TIMEFRAMES_MS, Bars, timeframe_ms
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_text, qty_text
from trader_core.venues import codes, marketdata, parse, permissions
from trader_core.venues.adapters.base import Adapter, Page, Row
from trader_core.venues.ask import Ask
from trader_core.venues.fields import market_id, record, rows, time_of
from trader_core.venues.marketdata import Book, Ticker
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import Balance, SendRequest, VenueOrder, VenueTrade

_INTERVALS = {name: {"1h": "60m"}.get(name, name) for name in TIMEFRAMES_MS}


class Mexc(Adapter):
    """What MEXC says; Binance's protocol is of the same family and changes what differs."""

    name = client = "mexc"
    codes = codes.MEXC
    order_path = ("POST", "/api/v3/order")
    others = frozenset(
        {("DELETE", "/api/v3/order"), ("DELETE", "/api/v3/openOrders"), ("POST", "/api/v3/order/test")}
        | {("GET", f"/api/v3/{path}") for path in ("time", "klines", "depth", "ticker/24hr", "exchangeInfo", "tradeFee")}
        | {("GET", f"/api/v3/{path}") for path in ("order", "openOrders", "myTrades", "account")}
    )
    sealed = "signature"
    order_types = parse.WIRE_TYPES
    page_rows = 100
    trades_name_orders = True
    public: tuple[str, ...] = ("spot", "public")
    private: tuple[str, ...] = ("spot", "private")
    """Sections of the client."""

    def time(self) -> Ask:
        """Ask for the clock."""
        return self._open("time", {})

    def time_of(self, payload: object) -> int:
        """Return the clock in epoch ms."""
        return time_of(record(payload, "a time").get("serverTime"), "serverTime")

    def filters(self) -> Ask:
        """Ask for every instrument's filters."""
        return self._open("exchangeInfo", {}, 25)

    def listed(self, payload: object) -> dict[str, Row]:
        """Return the rows of instruments by symbol."""
        found = rows(record(payload, "filters").get("symbols"), "symbols")
        return {f"{row.get('baseAsset')}/{row.get('quoteAsset')}": row for row in found if isinstance(row, dict)}

    def instrument(self, row: Row, venue: str, *, fee_in_base: bool) -> Instrument:
        """Return the filters of one row, not yet frozen."""
        return marketdata.instrument(row, venue, fee_in_base)

    def bars_ask(self, instrument: Instrument, timeframe: str, since_ms: int, limit: int) -> Ask:
        """Ask for bars from a time on."""
        params = {
            "symbol": market_id(instrument),
            "interval": self.interval(timeframe),
            "startTime": str(since_ms),
            "endTime": str(since_ms + limit * timeframe_ms(timeframe) - 1),
            "limit": str(limit),
        }
        return self._open("klines", params)

    def interval(self, timeframe: str) -> str:
        """Return the venue's name of a timeframe."""
        return _INTERVALS[timeframe]

    def bars(self, payload: object, instrument: Instrument, step_ms: int, since_ms: int, until_ms: int) -> Bars:
        """Return bars, oldest first."""
        return marketdata.bars(payload, instrument, step_ms, since_ms, until_ms)

    def book_ask(self, instrument: Instrument, depth: int) -> Ask:
        """Ask for the best levels."""
        return self._open("depth", {"symbol": market_id(instrument), "limit": str(depth)}, 3)

    def book(self, payload: object, instrument: Instrument) -> Book:
        """Return both sides, best first."""
        return marketdata.book(payload, instrument)

    def ticker_ask(self, instrument: Instrument) -> Ask:
        """Ask for the last price and the best bid and ask."""
        return self._open("ticker/24hr", {"symbol": market_id(instrument)}, 25)

    def ticker(self, payload: object, instrument: Instrument) -> Ticker:
        """Return the last price and the best bid and ask."""
        return marketdata.ticker(payload, instrument)

    def fees_ask(self, instrument: Instrument) -> Ask:
        """Ask for the account's own fees."""
        return self._signed("GET", "tradeFee", {"symbol": market_id(instrument)}, 20)

    def fees(self, payload: object, _instrument: Instrument) -> tuple[int, int]:
        """Return (maker, taker) in parts per million."""
        data = record(record(payload, "fees").get("data"), "fees")
        return marketdata.fee_ppm(data, "makerCommission"), marketdata.fee_ppm(data, "takerCommission")

    def create(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask for an order, without what pins it in time."""
        return self._signed("POST", "order", self._order(request, instrument))

    def pins(self, request: SendRequest) -> dict[str, str]:
        """Return the time that is signed and how long it holds; the client adds both."""
        return {"timestamp": str(request.sent_ms), "recvWindow": str(request.window_ms)}

    def sent(self, _request: SendRequest) -> dict[str, str]:
        """Return nothing: the client adds both pins."""
        return {}

    def ack(self, payload: object, request: SendRequest, instrument: Instrument) -> VenueOrder:
        """Return the order that was acknowledged, unless the answer contradicts the request."""
        return parse.ack(payload, request, instrument, self.order_types[request.order_type])

    def test(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask whether an order would be taken; nothing is placed."""
        return self._signed("POST", "order/test", self._order(request, instrument))

    def passed(self, payload: object) -> bool:
        """Return whether the answer to a test says yes."""
        return payload == {}

    def cancel(self, instrument: Instrument, client_order_id: str) -> Ask:
        """Ask to cancel an order."""
        return self._signed("DELETE", "order", {"symbol": market_id(instrument), "origClientOrderId": client_order_id})

    def canceled(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order that was cancelled."""
        return parse.order(payload, instrument, client_order_id)

    def cancel_all(self, instrument: Instrument) -> Ask | None:
        """Ask to cancel every open order of a symbol."""
        return self._signed("DELETE", "openOrders", {"symbol": market_id(instrument)})

    def look_up(self, instrument: Instrument, client_order_id: str) -> tuple[Ask, ...]:
        """Ask for an order by client id."""
        return (self._signed("GET", "order", {"symbol": market_id(instrument), "origClientOrderId": client_order_id}, 2),)

    def found(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order of a look-up."""
        return parse.order(payload, instrument, client_order_id)

    def by_venue_id(self, instrument: Instrument, venue_order_id: str) -> Ask:
        """Ask for an order by the venue's own id."""
        return self._signed("GET", "order", {"symbol": market_id(instrument), "orderId": venue_order_id}, 2)

    def named(self, payload: object, instrument: Instrument, venue_order_id: str) -> str:
        """Return the client id of an order that was asked for by the venue's id."""
        order = parse.order(payload, instrument)
        if order.venue_order_id != venue_order_id:
            raise DataFault(f"order {venue_order_id}", order.venue_order_id, "treat it as an answer to something else")
        return order.client_order_id

    def open_ask(self, instrument: Instrument) -> Ask:
        """Ask for the open orders of a symbol."""
        return self._signed("GET", "openOrders", {"symbol": market_id(instrument)}, 3)

    def open(self, payload: object, instrument: Instrument) -> list[VenueOrder]:
        """Return the open orders of a symbol; only a well-formed empty list is empty."""
        return [parse.order(row, instrument) for row in rows(payload, "open orders")]

    def trades_ask(self, instrument: Instrument, begin_ms: int, end_ms: int, _offset: int) -> Ask:
        """Ask for the account's trades in [begin, end]."""
        times = {"startTime": str(begin_ms), "endTime": str(end_ms), "limit": str(self.page_rows)}
        return self._signed("GET", "myTrades", {"symbol": market_id(instrument), **times}, 10)

    def trades(self, payload: object, _instrument: Instrument) -> Page:
        """Return one page of the account's trades."""
        return Page([record(row, "a trade") for row in rows(payload, "trades")])

    def concerns(self, _row: Row, _instrument: Instrument) -> bool:
        """Return True: trades are asked for by symbol, and another symbol's is a fault."""
        return True

    def trade(self, row: Row, instrument: Instrument) -> VenueTrade:
        """Return one trade."""
        return parse.trade(row, instrument)

    def fee_is_foreign(self, row: Row, instrument: Instrument) -> bool:
        """Return whether a trade's fee was taken in a third currency."""
        return parse.fee_is_foreign(row, instrument)

    def account(self) -> Ask:
        """Ask for the balances."""
        return self._signed("GET", "account", {}, 10)

    def balances(self, payload: object) -> list[Balance]:
        """Return the balances, at least one."""
        return parse.balances(payload)

    def rights(self) -> Ask:
        """Ask what the key may do."""
        return self.account()

    def permissions(self, payload: object) -> Permissions:
        """Return what the key may do."""
        return permissions.read(payload)

    def _order(self, request: SendRequest, instrument: Instrument) -> dict[str, str]:
        params = {
            "symbol": market_id(instrument),
            "side": request.side.name,
            "type": self.order_types[request.order_type],
            "quantity": qty_text(instrument, request.qty),
            "newClientOrderId": request.client_order_id,
        }
        return params if request.order_type == "MARKET" else {**params, "price": price_text(instrument, request.limit)}

    def _open(self, endpoint: str, params: dict[str, str], weight: int = 1) -> Ask:
        return Ask("GET", endpoint, self.public, f"/api/v3/{endpoint}", params, weight)

    def _signed(self, method: str, endpoint: str, params: dict[str, str], weight: int = 1) -> Ask:
        return Ask(method, endpoint, self.private, f"/api/v3/{endpoint}", params, weight, private=True)
