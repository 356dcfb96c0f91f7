"""Binance's conversations, frame by frame: streams of markets, and the account's behind a signature."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from sandbox.book import Level
from sandbox.config import START_MS
from sandbox.dialects.base import Key, Request
from sandbox.dialects.binance import Binance
from sandbox.dialects.known import speak
from sandbox.dialects.session import Close, Frame, Ping, Session
from sandbox.events import (
    BalanceChanged,
    BookChanged,
    CandleSeen,
    Cause,
    Event,
    OrderChanged,
    QuoteSeen,
    Stream,
    Topic,
    TradeSeen,
    topics_of,
)
from sandbox.market import DAY_MS, MINUTE_MS
from sandbox.matching import FIRST_NUMBER
from sandbox.orders import BUY, Fill, Kind, NewOrder, Order, Status
from tests.venues.sandbox_market_fixed import exchange

NOW_MS = START_MS + 5_000
FIRST_TICK = START_MS // 5_000
TRADE = TradeSeen("BTCUSDT", 77, NOW_MS, 100_50, 20_000, buys=True)
MINUTE = START_MS // MINUTE_MS


class Talk:
    """A Binance over a fixed market, and one connection to a path of it."""

    def __init__(self, path: str = "/ws", query: str = "") -> None:
        self.venue = exchange()
        dialect = speak("binance", self.venue, START_MS - DAY_MS)
        assert isinstance(dialect, Binance)
        self.dialect = dialect
        self.dialect.keys["key"] = Key("secret", "me")
        session = dialect.connect(Request("GET", path, query))
        assert session is not None
        self.session: Session = session

    def say(self, text: str) -> Any:
        (frame,) = self.session.receive(text, START_MS)
        assert isinstance(frame, str)
        return json.loads(frame)

    def ask(self, method: str, params: Any = None, number: Any = 1) -> Any:
        return self.say(json.dumps({"method": method, "params": params if params is not None else [], "id": number}))

    def told(self, *events: Event, now_ms: int = NOW_MS) -> list[Any]:
        frames: list[Frame] = []
        for event in events:
            for topic in topics_of(event):
                if topic in self.session.topics:
                    frames += self.session.push(topic, event)
        frames += self.session.settle(now_ms)
        return [json.loads(frame) for frame in frames if isinstance(frame, str)]


def signed(secret: str = "secret", key: str = "key", **params: Any) -> dict[str, Any]:
    asked = {"apiKey": key, "timestamp": START_MS, **params}
    text = "&".join(f"{name}={asked[name]}" for name in sorted(asked))
    return {**asked, "signature": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def account_of(key: str = "key") -> Talk:
    talk = Talk("/ws-api/v3")
    assert talk.ask("userDataStream.subscribe.signature", signed(key=key))["result"] == {"subscriptionId": 0}
    return talk


def test_streams_are_subscribed_listed_and_unsubscribed_by_request() -> None:
    talk = Talk()
    assert talk.ask("SUBSCRIBE", ["btcusdt@trade", "btcusdt@kline_1m"], 3) == {"result": None, "id": 3}
    assert talk.session.topics == {Topic(Stream.TRADES, "BTCUSDT"), Topic(Stream.KLINES, "BTCUSDT", 1)}
    assert talk.ask("LIST_SUBSCRIPTIONS", None, "x") == {"result": ["btcusdt@trade", "btcusdt@kline_1m"], "id": "x"}
    assert talk.ask("UNSUBSCRIBE", ["btcusdt@trade"], None) == {"result": None, "id": None}
    assert talk.ask("LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@kline_1m"]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", 3, "Invalid JSON"), ("", 3, "Invalid JSON"), ("[]", 2, "expected an object"), ('{"id": 1}', 2, "missing field `method`"),
        ('{"method": "LOGIN", "id": 1}', 2, "unknown variant `LOGIN`"), ('{"method": "SUBSCRIBE", "id": {}}', 2, "request ID"),
        ('{"method": "SUBSCRIBE", "id": true}', 2, "request ID"),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt"], "id": 1}', 2, "invalid stream"),
        ('{"method": "SUBSCRIBE", "params": "btcusdt@trade"}', 2, "invalid stream"),
        ('{"method": "SUBSCRIBE", "params": [1]}', 2, "invalid stream"),
    ],
)  # fmt: skip
def test_what_is_no_request_gets_an_error_with_its_code(text: str, code: int, words: str) -> None:
    talk = Talk()
    error = talk.say(text)["error"]
    assert (error["code"], words in error["msg"], talk.session.topics) == (code, True, frozenset())


def test_a_stream_that_does_not_exist_is_accepted_and_silent() -> None:
    talk = Talk()
    for stream in ("foobar@trade", "BTCUSDT@trade", "btcusdt@kline_2m", "btcusdt@nothing"):
        assert talk.ask("SUBSCRIBE", [stream])["result"] is None
    assert talk.session.topics == frozenset()


def test_the_one_thousand_and_twenty_fifth_stream_is_refused() -> None:
    talk = Talk()
    streams = [f"x{number}@trade" for number in range(1_024)]
    assert talk.ask("SUBSCRIBE", streams)["result"] is None
    assert "too many streams" in talk.ask("SUBSCRIBE", ["btcusdt@trade"])["error"]["msg"]
    talk.ask("UNSUBSCRIBE", streams[:1])
    assert talk.ask("SUBSCRIBE", ["btcusdt@trade"])["result"] is None


def test_streams_may_be_named_by_the_path_or_combined_and_then_say_which_they_are() -> None:
    raw, number, combined = Talk("/ws/btcusdt@trade"), Talk("/ws/0"), Talk("/stream", "streams=btcusdt@trade/btcusdt@aggTrade")
    (alone,) = raw.told(TRADE)
    both = combined.told(TRADE)
    assert (alone["e"], number.session.topics) == ("trade", frozenset())
    assert [said["stream"] for said in both] == ["btcusdt@trade", "btcusdt@aggTrade"]
    assert both[0]["data"] == alone


def test_other_paths_are_no_websockets() -> None:
    assert Talk().dialect.connect(Request("GET", "/nothing")) is None
    assert Talk().dialect.connect(Request("GET", "/ws-api/v2")) is None


def test_a_trade_tells_price_quantity_number_and_who_was_the_maker() -> None:
    talk = Talk("/ws/btcusdt@trade/btcusdt@aggTrade")
    trade, whole = talk.told(TRADE)
    common = {"E": NOW_MS, "s": "BTCUSDT", "p": "100.5", "q": "0.02", "T": NOW_MS, "m": False, "M": True}
    assert trade == {"e": "trade", "t": 77, **common}
    assert whole == {"e": "aggTrade", "a": 77, "f": 77, "l": 77, **common}


def test_a_candle_says_when_it_is_closed() -> None:
    talk = Talk("/ws/btcusdt@kline_1m")
    values = (100_00, 101_00, 99_00, 100_50, 2_000_000, 100_50 * 2_000_000)
    open_, closed = talk.told(*(CandleSeen("BTCUSDT", MINUTE, 1, values, closed=end, ts_ms=NOW_MS) for end in (False, True)))
    assert open_["k"] == {
        "t": START_MS, "T": START_MS + 59_999, "s": "BTCUSDT", "i": "1m", "f": FIRST_TICK, "L": FIRST_TICK + 1, "o": "100", "c": "100.5",
        "h": "101", "l": "99", "v": "2", "n": 2, "x": False, "q": "201", "V": "1", "Q": "100.5", "B": "0",
    }  # fmt: skip
    assert (closed["k"]["x"], closed["e"], closed["E"]) == (True, "kline", NOW_MS)


def test_a_change_of_the_book_and_a_quote_tell_levels_as_texts() -> None:
    talk = Talk("/ws/btcusdt@depth/btcusdt@depth@100ms/btcusdt@bookTicker")
    change = BookChanged("BTCUSDT", 8, 9, (Level(99_99, 0),), (Level(100_01, 1_500_000),), NOW_MS)
    slow, fast, quote = talk.told(change, QuoteSeen("BTCUSDT", Level(99_98, 1_000_000), Level(100_01, 1_500_000), 100_00, NOW_MS))
    assert slow == fast == {
        "e": "depthUpdate", "E": NOW_MS, "s": "BTCUSDT", "U": 8, "u": 9, "b": [["99.99", "0.000000"]], "a": [["100.01", "1.500000"]],
    }  # fmt: skip
    assert quote == {"u": NOW_MS // 5_000, "s": "BTCUSDT", "b": "99.98", "B": "1.000000", "a": "100.01", "A": "1.500000"}


def test_the_last_day_is_told_once_a_second_as_rest_tells_it() -> None:
    talk = Talk("/ws/btcusdt@ticker/!miniTicker@arr")
    quote = QuoteSeen("BTCUSDT", Level(99_99, 1), Level(100_01, 1), 100_00, START_MS + 500)
    assert talk.told(quote, now_ms=START_MS + 999) == []
    day, minis = talk.told(now_ms=START_MS + 1_000)
    (rest,) = (json.loads(talk.dialect.answer(Request("GET", "/api/v3/ticker/24hr", "symbol=BTCUSDT")).body),)
    assert (day["e"], day["c"], day["P"], day["v"]) == ("24hrTicker", rest["lastPrice"], rest["priceChangePercent"], rest["volume"])
    assert [(mini["e"], mini["s"], mini["c"]) for mini in minis] == [("24hrMiniTicker", "BTCUSDT", "100")]
    assert talk.told(now_ms=START_MS + 3_000) == []


def test_a_ping_comes_every_twenty_seconds_and_the_end_after_a_day() -> None:
    for session in (Talk().session, Talk("/ws-api/v3").session):
        assert session.settle(START_MS + 19_999) == []
        assert session.settle(START_MS + 20_000) == [Ping(str(START_MS + 20_000).encode())]
        assert session.settle(START_MS + 39_999) == []
        assert session.settle(START_MS + DAY_MS) == [Close(1001)]


def test_a_server_that_shuts_down_says_so() -> None:
    (said,) = Talk().session.farewell(NOW_MS)
    assert json.loads(str(said)) == {"e": "serverShutdown", "E": NOW_MS}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (signed(secret="another"), -1022), (signed(key="nobodys"), -2015), (signed(timestamp=START_MS - 6_000), -1021),
        ({**signed(), "timestamp": START_MS + 1}, -1022), ({"apiKey": "key"}, -1022), ({}, -2015),
    ],
)  # fmt: skip
def test_an_account_opens_to_its_keys_signature_alone(params: dict[str, Any], code: int) -> None:
    talk = Talk("/ws-api/v3")
    answer = talk.ask("userDataStream.subscribe.signature", params)
    assert (answer["error"]["code"], answer["id"], talk.session.topics) == (code, 1, frozenset())


def test_the_websocket_api_answers_pings_and_the_time_and_refuses_what_it_does_not_know() -> None:
    talk = Talk("/ws-api/v3")
    assert talk.ask("ping", {}) == {"id": 1, "status": 200, "result": {}, "rateLimits": []}
    assert talk.ask("time", {})["result"] == {"serverTime": START_MS}
    assert talk.ask("order.place", {})["error"]["code"] == -1020
    assert {talk.say(text)["error"]["code"] for text in ("{", "[]", '{"method": "ping", "params": 1}')} == {-1135}


def test_an_account_is_subscribed_once_listed_and_unsubscribed() -> None:
    talk = account_of()
    assert talk.ask("userDataStream.subscribe.signature", signed())["error"]["code"] == -2035
    assert talk.ask("session.subscriptions", {})["result"] == [{"subscriptionId": 0}]
    talk.ask("userDataStream.unsubscribe", {})
    assert (talk.session.topics, talk.ask("session.subscriptions", {})["result"]) == (frozenset(), [])
    assert talk.ask("userDataStream.subscribe.signature", signed())["result"] == {"subscriptionId": 1}


ASKED = NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=30_000, price=99_00, client_id="mine")
FILL = Fill(
    "ab" * 16,
    FIRST_NUMBER + 5,
    "me",
    "BTCUSDT",
    "mine",
    BUY,
    10_000,
    99_00,
    9_900_000_000,
    9_900_000,
    NOW_MS,
    maker=True,
    fee_currency="USDT",
    number=1,
)


def order(status: Status, filled: int = 0, **asked: Any) -> Order:
    kind, working_ms = asked.get("kind", Kind.LIMIT), asked.get("working_ms", START_MS)
    new = NewOrder("BTCUSDT", BUY, kind, qty=30_000, price=99_00, client_id="mine", stop=asked.get("stop", 0))
    met = asked.get("self_met", False)
    return Order(FIRST_NUMBER + 5, "me", new, 30_000, 99_00, START_MS, NOW_MS, status, filled, filled * 990_000, 0, 0, 0, working_ms, met)


def test_an_execution_report_tells_what_happened_to_which_order() -> None:
    talk = account_of()
    ((new,), (fill,)) = (talk.told(OrderChanged(order(Status.NEW))), talk.told(OrderChanged(order(Status.PARTIALLY_FILLED, 10_000), FILL)))
    assert new["subscriptionId"] == 0
    assert {name: new["event"][name] for name in "escSofqpxXilzLntOCwm"} == {
        "e": "executionReport", "s": "BTCUSDT", "c": "mine", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "0.03", "p": "99", "x": "NEW",
        "X": "NEW", "i": 5, "l": "0", "z": "0", "L": "0", "n": "0", "t": -1, "O": START_MS, "C": "", "w": True, "m": False,
    }  # fmt: skip
    assert {name: fill["event"][name] for name in "xXlzLnNtTmZY"} == {
        "x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.01", "z": "0.01", "L": "99", "n": "0.00099", "N": "USDT", "t": 1, "T": NOW_MS,
        "m": True, "Z": "0.99", "Y": "0.99",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        (Kind.LIMIT, Status.CANCELED, ("CANCELED", "CANCELED", "mine")),
        (Kind.LIMIT, Status.PARTIALLY_CANCELED, ("CANCELED", "CANCELED", "mine")),
        (Kind.IOC, Status.CANCELED, ("EXPIRED", "EXPIRED", "")), (Kind.MARKET, Status.PARTIALLY_CANCELED, ("EXPIRED", "EXPIRED", "")),
    ],
)  # fmt: skip
def test_what_is_left_of_an_order_is_canceled_or_has_expired(kind: Kind, status: Status, told: tuple[str, str, str]) -> None:
    (said,) = account_of().told(OrderChanged(order(status, kind=kind)))
    assert (said["event"]["x"], said["event"]["X"], said["event"]["C"]) == told


def test_an_order_that_met_its_own_account_was_prevented() -> None:
    (said,) = account_of().told(OrderChanged(order(Status.CANCELED, self_met=True)))
    assert (said["event"]["x"], said["event"]["X"]) == ("TRADE_PREVENTION", "EXPIRED_IN_MATCH")


def test_a_stop_works_from_its_trigger_on() -> None:
    talk = account_of()
    (waiting,), (triggered,) = (
        talk.told(OrderChanged(order(Status.NEW, kind=Kind.STOP_LOSS_LIMIT, stop=101_00, working_ms=since))) for since in (0, NOW_MS)
    )
    assert {name: waiting["event"][name] for name in "oPxw"} == {"o": "STOP_LOSS_LIMIT", "P": "101", "x": "NEW", "w": False}
    assert ("W" in waiting["event"], triggered["event"]["w"], triggered["event"]["W"]) == (False, True, NOW_MS)


def test_balances_that_changed_together_are_told_together_and_after_their_order() -> None:
    talk = account_of()
    usdt, btc = (BalanceChanged("me", name, 10_000_000_000, 5, NOW_MS, cause=Cause.FILLED) for name in ("USDT", "BTC"))
    first, position, second = talk.told(OrderChanged(order(Status.NEW)), usdt, btc, OrderChanged(order(Status.FILLED, 30_000), FILL))
    assert [said["event"]["x"] for said in (first, second)] == ["NEW", "TRADE"]
    assert position["event"] == {
        "e": "outboundAccountPosition", "E": NOW_MS, "u": NOW_MS,
        "B": [{"a": "USDT", "f": "1", "l": "0.0000000005"}, {"a": "BTC", "f": "1", "l": "0.0000000005"}],
    }  # fmt: skip


def test_what_is_paid_in_is_told_as_an_amount_and_as_a_balance() -> None:
    paid = BalanceChanged("me", "USDT", 30_000_000_000, 0, NOW_MS, free_by=10_000_000_000, cause=Cause.PAID_IN)
    amount, position = account_of().told(paid)
    assert amount["event"] == {"e": "balanceUpdate", "E": NOW_MS, "a": "USDT", "d": "1", "T": NOW_MS}
    assert position["event"]["B"] == [{"a": "USDT", "f": "3", "l": "0"}]


def test_a_stream_ends_when_its_key_is_gone() -> None:
    talk = account_of()
    del talk.dialect.keys["key"]
    (said,) = talk.told()
    assert (said["event"], talk.session.topics) == ({"e": "eventStreamTerminated", "E": NOW_MS}, frozenset())
    assert talk.told() == []
