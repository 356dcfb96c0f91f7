"""What messages of MEXC's and Binance's streams say, and which of them say nothing that can be vouched for."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.venues.gateway_server import BTC, NOW_MS
from trader_core.model.errors import DataFault
from trader_core.venues.adapters.known import SPEECHES
from trader_core.venues.spoken import Candle, Kind, Moved, Print, Said, Stirred, Traded

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60_000
KNOWN = {"BTCUSDT": BTC}
AT = NOW_MS + 5_000


def mexc(**body: Any) -> dict[str, Any]:
    return {"channel": "spot@...", "symbol": "BTCUSDT", "sendTime": str(AT), **body}


DEALS = mexc(publicAggreDeals={"deals": [{"price": "89622.67", "quantity": "0.03307", "tradeType": 1, "time": str(AT - 10)}]})
KLINE = mexc(
    publicSpotKline={
        "interval": "Min1", "windowStart": str(NOW_MS // 1_000), "openingPrice": "100", "closingPrice": "100.02", "highestPrice": "101",
        "lowestPrice": "99.5", "volume": "0.047842", "windowEnd": str(NOW_MS // 1_000 + 60),
    }
)  # fmt: skip
DEPTH = mexc(publicAggreDepths={"asks": [], "bids": [], "fromVersion": "7", "toVersion": "9"})
TRADE = {"e": "trade", "E": AT, "s": "BTCUSDT", "t": 42, "p": "89622.67", "q": "0.03307", "T": AT - 10, "m": True}
K = {"e": "kline", "E": AT, "s": "BTCUSDT", "k": {
    "t": NOW_MS, "i": "1m", "o": "100", "c": "100.02", "h": "101", "l": "99.5", "v": "0.047842", "x": True}}  # fmt: skip
UPDATE = {"e": "depthUpdate", "E": AT, "s": "BTCUSDT", "U": 7, "u": 9, "b": [], "a": []}
BAR = (NOW_MS, 10_000, 10_100, 9_950, 10_002, 47_842)


def said(speech: str, message: object, now_ms: int = AT) -> Said | None:
    return SPEECHES[speech].said(message, KNOWN, "1m", MINUTE, now_ms)


@pytest.mark.parametrize(("speech", "message", "number"), [("mexc", DEALS, -1), ("binance", TRADE, 42)])
def test_trades_come_with_their_own_times_and_with_numbers_where_there_are_any(speech: str, message: Any, number: int) -> None:
    assert said(speech, message) == Traded("BTC/USDT", AT, (Print(AT - 10, number, 8_962_267, 33_070),))


@pytest.mark.parametrize(("speech", "message"), [("mexc", KLINE), ("binance", K)])
def test_candles_are_bars_and_a_word_for_closed_is_not_heard(speech: str, message: Any) -> None:
    assert said(speech, message) == Candle("BTC/USDT", AT, BAR)


@pytest.mark.parametrize(("speech", "message"), [("mexc", DEPTH), ("binance", UPDATE)])
def test_changes_of_a_book_have_numbers(speech: str, message: Any) -> None:
    assert said(speech, message) == Moved("BTC/USDT", AT, 7, 9)


@pytest.mark.parametrize(
    ("speech", "message", "kind"),
    [
        ("mexc", mexc(privateOrders={}), Kind.ORDERS),
        ("mexc", mexc(privateDeals={}), Kind.FILLS),
        ("mexc", mexc(privateAccount={}), Kind.BALANCE),
        ("binance", {"subscriptionId": 0, "event": {"e": "executionReport", "E": AT, "x": "NEW"}}, Kind.ORDERS),
        ("binance", {"subscriptionId": 0, "event": {"e": "executionReport", "E": AT, "x": "TRADE"}}, Kind.FILLS),
        ("binance", {"subscriptionId": 0, "event": {"e": "outboundAccountPosition", "E": AT}}, Kind.BALANCE),
    ],
)
def test_of_the_account_only_that_something_happened_is_heard(speech: str, message: Any, kind: Kind) -> None:
    assert said(speech, message) == Stirred(kind, AT)


@pytest.mark.parametrize(("speech", "message"), [("mexc", mexc()), ("binance", {"result": None, "id": 1})])
def test_acknowledgements_and_answers_say_nothing(speech: str, message: Any) -> None:
    assert said(speech, message) is None


def put(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy with one field replaced; a path such as k.o or deals.0.price."""
    found: Any = deepcopy(message)
    at, (*way, last) = found, path.split(".")
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[last] = value
    return dict(found)


DEAL = "publicAggreDeals.deals.0"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("mexc", DEALS, f"{DEAL}.price"), ("mexc", DEALS, f"{DEAL}.quantity"), ("mexc", DEALS, f"{DEAL}.time"), ("mexc", DEALS, "sendTime"),
    ("mexc", DEALS, "symbol"), ("mexc", DEALS, "publicAggreDeals"), ("mexc", KLINE, "publicSpotKline.windowStart"),
    ("mexc", KLINE, "publicSpotKline.highestPrice"), ("mexc", KLINE, "publicSpotKline.interval"), ("mexc", KLINE, "publicSpotKline"),
    ("mexc", DEPTH, "publicAggreDepths.fromVersion"), ("binance", TRADE, "p"), ("binance", TRADE, "q"), ("binance", TRADE, "T"),
    ("binance", TRADE, "t"), ("binance", TRADE, "E"), ("binance", TRADE, "s"), ("binance", K, "k"), ("binance", K, "k.l"),
    ("binance", K, "k.t"), ("binance", K, "k.i"), ("binance", UPDATE, "U"), ("binance", UPDATE, "u"),
]  # fmt: skip
JUNK: tuple[object, ...] = (None, "", "NaN", "-1", "1e400", True, [], {}, "Infinity", float("nan"), -5, "0", 10**40)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(("speech", "message", "path"), BAD)
def test_junk_in_any_field_that_counts_is_a_fault(speech: str, message: Any, path: str, junk: object) -> None:
    if junk == "0" and path.rpartition(".")[2] in {"t", "fromVersion", "U", "u"} and path != "k.t":
        return  # a count may be 0
    with pytest.raises(DataFault):
        said(speech, put(message, path, junk))


@pytest.mark.parametrize(
    ("speech", "message"),
    [
        ("mexc", put(KLINE, "publicSpotKline.windowStart", str(NOW_MS // 1_000 + 30))),  # off the grid
        ("mexc", put(KLINE, "publicSpotKline.windowStart", str(NOW_MS // 1_000 + 60))),  # opens in a minute
        ("mexc", put(KLINE, "publicSpotKline.openingPrice", "100.001")),  # off the tick
        ("mexc", put(DEALS, f"{DEAL}.time", str(AT + 5_001))),  # a trade of the future
        ("binance", put(TRADE, "E", AT + 5_001)),
        ("binance", put(K, "k.h", "100.01")),  # the high is below the close
        ("binance", ["e", "trade"]),
        ("binance", "trade"),
        ("mexc", None),
    ],
)
def test_what_cannot_be_is_a_fault(speech: str, message: object) -> None:
    with pytest.raises(DataFault):
        said(speech, message)


def test_five_seconds_of_a_lagging_clock_are_forgiven() -> None:
    assert said("mexc", DEALS, AT - 5_000) is not None


@pytest.mark.parametrize("speech", SPEECHES)
def test_no_word_and_no_call_of_a_stream_places_an_order(speech: str) -> None:
    words = {word.lower() for word in SPEECHES[speech].words} | {path.lower() for _, path in SPEECHES[speech].calls}
    is_order: Callable[[str], bool] = lambda word: "order" in word  # noqa: E731
    assert not any(map(is_order, words))
