"""Binance's streams of markets, frame by frame."""

import json

import pytest

from sandbox.book import Level
from sandbox.config import START_MS
from sandbox.dialects.base import Request
from sandbox.dialects.session import Close, Ping
from sandbox.events import (
    BookChanged,
    CandleSeen,
    QuoteSeen,
    Stream,
    Topic,
    TradeSeen,
)
from sandbox.market import DAY_MS, MINUTE_MS
from tests.venues.binance_talk import NOW_MS, Talk

FIRST_TICK = START_MS // 5_000
TRADE = TradeSeen("BTCUSDT", 77, NOW_MS, 100_50, 20_000, buys=True)
MINUTE = START_MS // MINUTE_MS


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
