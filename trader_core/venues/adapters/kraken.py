"""Kraken's spot protocol: an envelope with errors as words, pairs with names of their own, orders known by txid. Pure.

An acknowledgement names the txid alone, trades name no client id, and an order is found by its client id among the open and
then among the closed ones: in this order, so that one that closes in between is seen by the second question.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_text, qty_text
from trader_core.venues import codes
from trader_core.venues.adapters import kraken_fields as kf
from trader_core.venues.adapters.base import Page, Row, checked_id
from trader_core.venues.adapters.kraken_public import KrakenPublic
from trader_core.venues.ask import Ask
from trader_core.venues.fields import client_id_of, number_of, record, rows, text
from trader_core.venues.marketdata import fee_ppm
from trader_core.venues.permissions import SPOT, Permissions
from trader_core.venues.port import Balance, SendRequest, VenueOrder, VenueTrade

_OURS = re.compile(r"gh[0-9a-f]{26}")
_TAIL = "676800"
"""Ends a client id of ours on the wire: Kraken takes 32 hexadecimal digits, or a text of at most 18 characters."""
_SHORT = 18
_RIGHTS_NEEDED = {"query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"}
_RIGHTS_KNOWN = _RIGHTS_NEEDED | {"query-ledger", "create-ws-token", "export-data", "add-funds"}
BATCH = 50


class Kraken(KrakenPublic):
    """What Kraken says."""

    name = client = "kraken"
    codes = codes.KRAKEN
    order_path = ("POST", "/0/private/AddOrder")
    others = frozenset(
        {("GET", f"/0/public/{name}") for name in ("Time", "AssetPairs", "OHLC", "Depth", "Ticker")}
        | {("POST", f"/0/private/{name}") for name in ("CancelOrder", "OpenOrders", "ClosedOrders", "QueryOrders", "TradesHistory")}
        | {("POST", f"/0/private/{name}") for name in ("BalanceEx", "TradeVolume", "GetApiKeyInfo", "CancelAllOrdersAfter")}
    )
    sealed = "nonce"
    order_types: Mapping[str, str] = {
        "IOC": "limit", "LIMIT": "limit", "MARKET": "market", "POST_ONLY": "limit", "STOP": "stop-loss-limit",
    }  # fmt: skip
    wall_nonce = True
    page_rows = BATCH

    def places(self, method: str, path: str, pairs: list[tuple[str, str]]) -> bool:
        """Return whether a request would create an order: one that is only to be validated would not."""
        asked = [value for name, value in pairs if name == "validate"]
        return super().places(method, path, pairs) and asked != ["true"]

    def side(self, pairs: list[tuple[str, str]]) -> str:
        """Return BUY or SELL of an order's pairs; what does not say that it sells counts as a buy."""
        return "SELL" if [value for name, value in pairs if name == "type"] == ["sell"] else "BUY"

    def wire_id(self, client_order_id: str) -> str:
        """Return our client id as 32 hexadecimal digits, or a short one as it is; raises DataFault for any other."""
        if _OURS.fullmatch(client_order_id):
            return client_order_id[2:] + _TAIL
        return checked_id(client_order_id, 0 < len(client_order_id) <= _SHORT, f"a client id of ours, or of up to {_SHORT} characters")

    def request_fault(self, request: SendRequest) -> str:
        """Return why Kraken could not take a request at all, or ""."""
        try:
            self.wire_id(request.client_order_id)
        except DataFault as fault:
            return str(fault)
        return ""

    def fees_ask(self, instrument: Instrument) -> Ask:
        """Ask for the account's own fees."""
        return kf.private("TradeVolume", {"pair": kf.pair_id(instrument)}, 1)

    def fees(self, payload: object, instrument: Instrument) -> tuple[int, int]:
        """Return (maker, taker) in parts per million; Kraken writes percents."""
        result = kf.result_of(payload)
        found = [record(kf.only(record(result.get(key), key), instrument), key) for key in ("fees_maker", "fees")]
        maker, taker = (fee_ppm({"fee": str(number_of(text(one, "fee"), "fee") / 100)}, "fee") for one in found)
        return maker, taker

    def create(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask for an order, without what pins it in time."""
        return kf.private("AddOrder", self._order(request, instrument), 0)

    def pins(self, request: SendRequest) -> dict[str, str]:
        """Return the deadline after which the matching engine refuses the order."""
        until = datetime.fromtimestamp((request.sent_ms + request.window_ms) / 1_000, UTC)
        return {"deadline": until.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def sent(self, request: SendRequest) -> dict[str, str]:
        """Return the deadline: the client knows nothing of it."""
        return self.pins(request)

    def ack(self, payload: object, request: SendRequest, instrument: Instrument) -> VenueOrder:
        """Return the order that was acknowledged: exactly one txid, and no word of another order."""
        result = kf.result_of(payload)
        found = rows(result.get("txid"), "txid")
        kf.uncontradicted(result, request, instrument, self.wire_id(request.client_order_id))
        if len(found) != 1:
            raise DataFault("one txid", repr(found)[:80], "look the order up")
        return VenueOrder(request.client_order_id, kf.txid(found[0]), kf.OPEN, request.qty, 0, request.sent_ms)

    def test(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask whether an order would be taken; nothing is placed."""
        return kf.private("AddOrder", {**self._order(request, instrument), "validate": "true"}, 0)

    def passed(self, payload: object) -> bool:
        """Return whether the answer to a test says yes: a description, and no txid, not even an empty one."""
        result = kf.result_of(payload)
        return isinstance(result.get("descr"), dict) and "txid" not in result

    def cancel(self, _instrument: Instrument, client_order_id: str) -> Ask:
        """Ask to cancel an order."""
        return kf.private("CancelOrder", {"cl_ord_id": self.wire_id(client_order_id)}, 0)

    def canceled(self, payload: object, _instrument: Instrument, _client_order_id: str) -> VenueOrder | None:
        """Return None: the answer says only how many were cancelled. Raises DataFault when that is not one."""
        count = kf.result_of(payload).get("count")
        if count != 1 or isinstance(count, bool):
            raise DataFault("one cancelled order", repr(count)[:60], "look the order up")
        return None

    def look_up(self, _instrument: Instrument, client_order_id: str) -> tuple[Ask, ...]:
        """Ask for an order by client id: among the open ones, then among the closed."""
        params = {"cl_ord_id": self.wire_id(client_order_id)}
        return kf.private("OpenOrders", params, 1), kf.private("ClosedOrders", params, 1)

    def found(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order of a look-up; the youngest where a client id was used twice; None when the list is empty."""
        mine = [order for order in self._orders(payload, instrument) if order.client_order_id == client_order_id]
        return max(mine, key=lambda order: order.created_ms, default=None)

    def by_venue_id(self, _instrument: Instrument, venue_order_id: str) -> Ask:
        """Ask for an order by its txid."""
        return kf.private("QueryOrders", {"txid": venue_order_id}, 1)

    def named(self, payload: object, _instrument: Instrument, venue_order_id: str) -> str:
        """Return the client id of an order that was asked for by its txid."""
        row = record(kf.result_of(payload).get(venue_order_id), "an order")
        return self._ours(row.get("cl_ord_id"))

    def open_ask(self, _instrument: Instrument) -> Ask:
        """Ask for all open orders: Kraken does not sort them by pair."""
        return kf.private("OpenOrders", {}, 1)

    def open(self, payload: object, instrument: Instrument) -> list[VenueOrder]:
        """Return the open orders of a symbol."""
        if "open" not in kf.result_of(payload):
            raise DataFault("open orders", "an answer without them", "ask again")
        return self._orders(payload, instrument)

    def trades_ask(self, _instrument: Instrument, begin_ms: int, end_ms: int, offset: int) -> Ask:
        """Ask for the account's trades in [begin, end], youngest first; the beginning itself is left out, so it lies a second before."""
        times = {"start": str(begin_ms // 1_000 - 1), "end": str(-(-end_ms // 1_000))}
        return kf.private("TradesHistory", {"type": "all", "trades": "false", **times, "ofs": str(offset)}, 2)

    def trades(self, payload: object, _instrument: Instrument) -> Page:
        """Return one page of the account's trades, of whatever pair."""
        result = kf.result_of(payload)
        found, total = result.get("trades"), result.get("count")
        if not isinstance(found, dict) or isinstance(total, bool) or not isinstance(total, int) or total < len(found):
            raise DataFault("trades and their count", repr(result)[:80], "ask again")
        return Page([{**record(row, "a trade"), "id": name} for name, row in found.items()], total)

    def concerns(self, row: Row, instrument: Instrument) -> bool:
        """Return whether a trade is of this instrument."""
        return kf.is_pair(row.get("pair"), instrument)

    def trade(self, row: Row, instrument: Instrument) -> VenueTrade:
        """Return one trade."""
        return kf.trade(row, instrument)

    def fee_is_foreign(self, _row: Row, _instrument: Instrument) -> bool:
        """Return False: orders ask for fees in the quote currency, and trades name no other."""
        return False

    def account(self) -> Ask:
        """Ask for the balances."""
        return kf.private("BalanceEx", {}, 1)

    def balances(self, payload: object) -> list[Balance]:
        """Return the balances of the spot wallet, at least one."""
        return kf.balances(kf.result_of(payload))

    def rights(self) -> Ask:
        """Ask what the key may do."""
        return kf.private("GetApiKeyInfo", {}, 1)

    def permissions(self, payload: object) -> Permissions:
        """Return what the key may do: each right that no spot trader needs as a market of its own."""
        found = rows(kf.result_of(payload).get("permissions"), "permissions")
        if not all(isinstance(right, str) and right.isascii() and right.isprintable() and len(right) < 60 for right in found):  # noqa: PLR2004
            raise DataFault("permissions as names", repr(found)[:60], "ask again")
        rights = set(found)
        trades = rights >= _RIGHTS_NEEDED
        beyond = {right.upper() for right in rights - _RIGHTS_KNOWN - {"withdraw-funds"}}
        return Permissions(trades, "withdraw-funds" in rights, tuple(sorted(beyond | ({SPOT} if trades else set()))))

    def dead_man(self, seconds: int) -> Ask | None:
        """Ask Kraken to cancel everything unless it hears from us within `seconds`."""
        return kf.private("CancelAllOrdersAfter", {"timeout": str(seconds)}, 1)

    def dead_man_set(self, payload: object) -> None:
        """Pass when Kraken says when its switch would act; raises DataFault otherwise."""
        until = kf.result_of(payload).get("triggerTime")
        if not isinstance(until, str) or not until:
            raise DataFault("the time at which the switch acts", repr(until)[:60], "set it again")

    def _order(self, request: SendRequest, instrument: Instrument) -> dict[str, str]:
        kind = request.order_type
        params = {
            "pair": kf.pair_id(instrument),
            "type": request.side.name.lower(),
            "ordertype": self.order_types[kind],
            "volume": qty_text(instrument, request.qty),
            "cl_ord_id": self.wire_id(request.client_order_id),
            "oflags": "fciq,post" if kind == "POST_ONLY" else "fciq",
        }
        if kind == "STOP":
            return {**params, "price": price_text(instrument, request.trigger), "price2": price_text(instrument, request.limit)}
        if kind == "MARKET":
            return params
        params["price"] = price_text(instrument, request.limit)
        return {**params, "timeinforce": "IOC"} if kind == "IOC" else params

    def _orders(self, payload: object, instrument: Instrument) -> list[VenueOrder]:
        result = kf.result_of(payload)
        found = result.get("open", result.get("closed"))
        if not isinstance(found, dict):
            raise DataFault("orders by their txid", repr(result)[:80], "ask again")
        mine = {name: record(row, "an order") for name, row in found.items()}
        return [
            kf.order(name, row, instrument, self._ours(row.get("cl_ord_id")))
            for name, row in mine.items()
            if kf.is_pair(record(row.get("descr"), "a description").get("pair"), instrument)
        ]

    def _ours(self, wire_id: object) -> str:
        """Return the client id behind one on the wire, "" for none."""
        found = client_id_of(wire_id)
        plain = f"gh{found.removesuffix(_TAIL)}"
        return plain if found.endswith(_TAIL) and _OURS.fullmatch(plain) else found
