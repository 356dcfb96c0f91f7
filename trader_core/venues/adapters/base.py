"""What a venue's protocol must be able to say, so that the gateway need not know which one it speaks. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from trader_core.model.bar import Bars
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.venues.ask import Ask
from trader_core.venues.marketdata import Book, Ticker
from trader_core.venues.outcomes import Codes
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import Balance, SendRequest, VenueOrder, VenueTrade

Row = dict[str, Any]


class Page(NamedTuple):
    """Rows of one answer about the past, and how many there are in all where the venue says so."""

    rows: list[Row]
    total: int | None = None


class Adapter(ABC):
    """One venue's protocol. Methods that read a payload raise DataFault for whatever they cannot vouch for."""

    name: str
    client: str
    """The client library's class for it."""
    codes: Codes
    order_path: tuple[str, str]
    """Method and path of the one call that can create an order."""
    others: frozenset[tuple[str, str]]
    """Every other method and path that is ever asked."""
    sealed: str
    """The pair that signing adds and nobody compares: a signature, or a nonce."""
    order_types: Mapping[str, str]
    """Order types of the port, as the venue writes them; what is missing is not offered."""
    wall_nonce: bool = False
    """Requests are numbered by the machine's clock; otherwise they carry the venue's time."""
    page_rows: int
    """A page of trades with as many rows may be cut off."""
    span_max_ms: int = 0
    """The longest span of time that trades may be asked for; 0 for any."""
    trades_name_orders: bool = False
    """Trades carry client ids; otherwise an order is looked up by the venue's own id."""

    @property
    def allowed(self) -> frozenset[tuple[str, str]]:
        """Return every method and path that is ever asked: no withdrawal, transfer or margin call can leave."""
        return self.others | {self.order_path}

    # bytes on their way out

    def pairs(self, url: str, body: str) -> list[tuple[str, str]]:
        """Return every name and value that a request carries, in its query and in its body; raises ValueError for a malformed one."""
        found = list[tuple[str, str]]()
        for text in (urlsplit(url).query, body):
            found += parse_qsl(text, keep_blank_values=True, strict_parsing=True) if text else []
        return found

    def places(self, method: str, path: str, _pairs: list[tuple[str, str]]) -> bool:
        """Return whether a request would create an order."""
        return (method.upper(), path.rstrip("/")) == self.order_path

    def side(self, pairs: list[tuple[str, str]]) -> str:
        """Return BUY or SELL of an order's pairs; what does not say that it sells counts as a buy."""
        sides = [value for name, value in pairs if name == "side"]
        return sides[0] if len(sides) == 1 and sides[0] == "SELL" else "BUY"

    def wire_id(self, client_order_id: str) -> str:
        """Return our client id as it goes over the wire; raises DataFault when the venue cannot take it."""
        return client_order_id

    def request_fault(self, _request: SendRequest) -> str:
        """Return why this venue could not take a request at all, or ""."""
        return ""

    # what anybody may ask

    @abstractmethod
    def time(self) -> Ask:
        """Ask for the clock."""

    @abstractmethod
    def time_of(self, payload: object) -> int:
        """Return the clock in epoch ms."""

    @abstractmethod
    def filters(self) -> Ask:
        """Ask for every instrument's filters."""

    @abstractmethod
    def listed(self, payload: object) -> dict[str, Row]:
        """Return the rows of instruments by symbol, such as BTC/USDT."""

    @abstractmethod
    def instrument(self, row: Row, venue: str, *, fee_in_base: bool) -> Instrument:
        """Return the filters of one row, not yet frozen."""

    @abstractmethod
    def bars_ask(self, instrument: Instrument, timeframe: str, since_ms: int, limit: int) -> Ask:
        """Ask for bars from a time on."""

    @abstractmethod
    def bars(self, payload: object, instrument: Instrument, step_ms: int, since_ms: int, until_ms: int) -> Bars:
        """Return bars, oldest first."""

    @abstractmethod
    def book_ask(self, instrument: Instrument, depth: int) -> Ask:
        """Ask for the best levels."""

    @abstractmethod
    def book(self, payload: object, instrument: Instrument) -> Book:
        """Return both sides, best first."""

    @abstractmethod
    def ticker_ask(self, instrument: Instrument) -> Ask:
        """Ask for the last price and the best bid and ask."""

    @abstractmethod
    def ticker(self, payload: object, instrument: Instrument) -> Ticker:
        """Return the last price and the best bid and ask."""

    # what an account may ask

    @abstractmethod
    def fees_ask(self, instrument: Instrument) -> Ask:
        """Ask for the account's own fees."""

    @abstractmethod
    def fees(self, payload: object, instrument: Instrument) -> tuple[int, int]:
        """Return (maker, taker) in parts per million."""

    @abstractmethod
    def create(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask for an order, without what pins it in time."""

    @abstractmethod
    def pins(self, request: SendRequest) -> dict[str, str]:
        """Return the pairs that bound the request in time; those that the client adds itself are among them."""

    @abstractmethod
    def sent(self, request: SendRequest) -> dict[str, str]:
        """Return those pins that the client must be handed with the parameters."""

    @abstractmethod
    def ack(self, payload: object, request: SendRequest, instrument: Instrument) -> VenueOrder:
        """Return the order that was acknowledged, unless the answer contradicts the request."""

    @abstractmethod
    def test(self, request: SendRequest, instrument: Instrument) -> Ask:
        """Ask whether an order would be taken; nothing is placed."""

    @abstractmethod
    def passed(self, payload: object) -> bool:
        """Return whether the answer to a test says yes."""

    @abstractmethod
    def cancel(self, instrument: Instrument, client_order_id: str) -> Ask:
        """Ask to cancel an order."""

    @abstractmethod
    def canceled(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order that was cancelled; None where the answer only says that it was."""

    @abstractmethod
    def look_up(self, instrument: Instrument, client_order_id: str) -> tuple[Ask, ...]:
        """Ask for an order by client id: one question after the other until one knows it."""

    @abstractmethod
    def found(self, payload: object, instrument: Instrument, client_order_id: str) -> VenueOrder | None:
        """Return the order of a look-up; None when the answer says that it is not there."""

    @abstractmethod
    def by_venue_id(self, instrument: Instrument, venue_order_id: str) -> Ask:
        """Ask for an order by the venue's own id."""

    @abstractmethod
    def named(self, payload: object, instrument: Instrument, venue_order_id: str) -> str:
        """Return the client id of an order that was asked for by the venue's id, "" when it has none."""

    @abstractmethod
    def open_ask(self, instrument: Instrument) -> Ask:
        """Ask for the open orders of a symbol."""

    @abstractmethod
    def open(self, payload: object, instrument: Instrument) -> list[VenueOrder]:
        """Return the open orders of a symbol."""

    @abstractmethod
    def trades_ask(self, instrument: Instrument, begin_ms: int, end_ms: int, offset: int) -> Ask:
        """Ask for the account's trades in [begin, end], from `offset` rows on where the venue counts them."""

    @abstractmethod
    def trades(self, payload: object, instrument: Instrument) -> Page:
        """Return one page of the account's trades."""

    @abstractmethod
    def concerns(self, row: Row, instrument: Instrument) -> bool:
        """Return whether a row of trades is of this instrument."""

    @abstractmethod
    def trade(self, row: Row, instrument: Instrument) -> VenueTrade:
        """Return one trade."""

    @abstractmethod
    def fee_is_foreign(self, row: Row, instrument: Instrument) -> bool:
        """Return whether a trade's fee was taken in a third currency."""

    @abstractmethod
    def account(self) -> Ask:
        """Ask for the balances."""

    @abstractmethod
    def balances(self, payload: object) -> list[Balance]:
        """Return the balances, at least one."""

    @abstractmethod
    def rights(self) -> Ask:
        """Ask what the key may do."""

    @abstractmethod
    def permissions(self, payload: object) -> Permissions:
        """Return what the key may do."""

    def cancel_all(self, _instrument: Instrument) -> Ask | None:
        """Ask to cancel every open order of a symbol; None where the venue has no such request."""
        return None

    def dead_man(self, _seconds: int) -> Ask | None:
        """Ask the venue to cancel everything unless it hears from us within `seconds`; None where it has no such switch."""
        return None

    def dead_man_set(self, payload: object) -> None:
        """Pass when the venue says that its switch is set; raises DataFault otherwise, as one without a switch always does."""
        raise DataFault("an answer about a switch", repr(payload)[:60], "do not rely on it")


def checked_id(text: str, fits: bool, expected: str) -> str:  # noqa: FBT001 - the caller's own test
    """Return a client id that fits; raises DataFault otherwise."""
    if not fits:
        raise DataFault(expected, repr(text)[:60], "name the order otherwise")
    return text
