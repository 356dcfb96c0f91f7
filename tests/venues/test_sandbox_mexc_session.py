"""MEXC's conversation on one connection, frame by frame: what is asked, what is acknowledged, and what events become."""

import json
from typing import Any

import pytest

from sandbox.book import Level
from sandbox.config import START_MS
from sandbox.dialects.listen_keys import ListenKeys
from sandbox.dialects.mexc_stream import MexcSession
from sandbox.dialects.mexc_wire import message
from sandbox.dialects.session import Close, Frame
from sandbox.dialects.wording import Worded
from sandbox.events import BalanceChanged, BookChanged, CandleSeen, Cause, Event, OrderChanged, QuoteSeen, TradeSeen, topics_of
from sandbox.market import DAY_MS, MINUTE_MS, SeededMarket
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Fill, Kind, NewOrder, Order, Refused, Status
from sandbox.pairs import PAIRS, Rules
from tests.venues.mexc_messages import read, read_by_proto
from tests.venues.sandbox_market_fixed import exchange

DEALS = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"
TICKER = "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"
MINUTES = "spot@public.kline.v3.api.pb@BTCUSDT@Min1"
ORDERS, FILLS, ACCOUNT = (f"spot@private.{kind}.v3.api.pb" for kind in ("orders", "deals", "account"))
NOW_MS = START_MS + 5_000


class Talk:
    """One connection over a fixed market, with a listen key of `me` when it is asked for."""

    def __init__(self, *, signed: bool = False, venue: Exchange | None = None) -> None:
        self.venue = venue or exchange()
        self.keys = ListenKeys(self.venue)
        self.key = self.keys.create("me", {})["listenKey"] if signed else ""
        self.session = MexcSession(self.venue, Worded(), self.keys, self.key, START_MS)

    def ask(self, method: str, *channels: str, **more: Any) -> dict[str, Any]:
        said = {"method": method, "params": list(channels), **more}
        (frame,) = self.session.receive(json.dumps(said), START_MS)
        assert isinstance(frame, str)
        answer: dict[str, Any] = json.loads(frame)
        return answer

    def told(self, *events: Event) -> list[dict[str, Any]]:
        frames: list[Frame] = []
        for event in events:
            for topic in topics_of(event):
                if topic in self.session.topics:
                    frames += self.session.push(topic, event)
        frames += self.session.settle(NOW_MS)
        binary = [frame for frame in frames if isinstance(frame, bytes)]
        assert len(binary) == len(frames)
        assert [read_by_proto(frame)["channel"] for frame in binary] == [read(frame)["channel"] for frame in binary]
        return [read(frame) for frame in binary]


def test_an_accepted_subscription_is_acknowledged_by_its_name_and_a_ping_by_a_pong() -> None:
    talk = Talk()
    assert talk.ask("SUBSCRIPTION", DEALS) == {"id": 0, "code": 0, "msg": DEALS}
    assert talk.ask("SUBSCRIPTION", DEPTH, MINUTES, id=7) == {"id": 7, "code": 0, "msg": f"{DEPTH},{MINUTES}"}
    assert talk.ask("ping")["msg"] == talk.ask("PING")["msg"] == "PONG"
    assert talk.ask("UNSUBSCRIPTION", DEALS) == {"id": 0, "code": 0, "msg": DEALS}
    assert len(talk.session.topics) == 2


@pytest.mark.parametrize(
    "channel",
    [
        "spot@public.miniTicker.v3.api@BTCUSDT@UTC+0", "spot@public.aggre.deals.v3.api.pb@1ms@BTCUSDT",
        "spot@public.aggre.deals.v3.api.pb@100ms@FOOUSDT", "spot@public.kline.v3.api.pb@BTCUSDT@Min2",
        "futures@public.aggre.deals.v3.api.pb@100ms@BTCUSDT", "spot@public.kline.v3.api.pb", "x", ORDERS,
    ],
)  # fmt: skip
def test_a_channel_that_does_not_exist_or_needs_a_listen_key_is_refused_in_mexcs_words_and_code(channel: str) -> None:
    talk = Talk()
    answer = talk.ask("SUBSCRIPTION", channel, DEALS)
    assert answer == {"id": 0, "code": 0, "msg": f"Not Subscribed successfully! [{channel}].  Reason\uff1a Blocked! "}
    assert len(talk.session.topics) == 1


def test_thirty_channels_are_kept_and_one_more_is_refused_with_all_that_were_asked_with_it() -> None:
    venue = Exchange(SeededMarket(7, PAIRS), Rules(), 7, START_MS)
    talk = Talk(venue=venue)
    channels = [f"spot@public.aggre.{kind}.v3.api.pb@100ms@{pair.id}" for kind in ("deals", "depth", "bookTicker") for pair in PAIRS]
    assert talk.ask("SUBSCRIPTION", *channels)["msg"] == ",".join(channels)
    assert "Over 30 subscriptions" in talk.ask("SUBSCRIPTION", MINUTES)["msg"]
    assert len(talk.session.topics) == 30
    assert talk.ask("SUBSCRIPTION", channels[0])["msg"] == channels[0]
    talk.ask("UNSUBSCRIPTION", channels[0])
    assert talk.ask("SUBSCRIPTION", MINUTES)["msg"] == MINUTES


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '"ping"', '{"method": "SUBSCRIPTION"}', '{"method": "LOGIN", "params": []}'])
def test_what_is_no_request_gets_a_text_that_says_so(text: str) -> None:
    (frame,) = Talk().session.receive(text, START_MS)
    assert json.loads(str(frame)) == {"id": 0, "code": 0, "msg": "msg format invalid"}


def test_trades_of_one_tenth_of_a_second_come_in_one_message() -> None:
    talk = Talk()
    talk.ask("SUBSCRIPTION", DEALS)
    trades = [
        TradeSeen("BTCUSDT", number, NOW_MS + at, 100_50, 20_000, buys)
        for number, at, buys in ((1, 0, True), (2, 99, False), (3, 100, True))
    ]
    first, second = talk.told(*trades)
    assert first["channel"], first["symbol"] == (DEALS, "BTCUSDT")
    assert (first["sendTime"], second["sendTime"]) == (str(NOW_MS + 99), str(NOW_MS + 100))
    assert first["publicAggreDeals"] == {
        "deals": [
            {"price": "100.5", "quantity": "0.02", "tradeType": 1, "time": str(NOW_MS)},
            {"price": "100.5", "quantity": "0.02", "tradeType": 2, "time": str(NOW_MS + 99)},
        ],
        "eventType": "spot@public.aggre.deals.v3.api.pb@100ms",
    }
    assert len(second["publicAggreDeals"]["deals"]) == 1


def test_a_candle_has_its_window_in_seconds_and_its_close_is_not_announced() -> None:
    talk = Talk()
    talk.ask("SUBSCRIPTION", MINUTES)
    minute = START_MS // MINUTE_MS
    values = (100_00, 101_00, 99_00, 100_50, 2_000_000, 100_50 * 2_000_000)
    open_, closed = (CandleSeen("BTCUSDT", minute, 1, values, closed=closed, ts_ms=NOW_MS) for closed in (False, True))
    (said,) = talk.told(open_, closed)
    assert said["publicSpotKline"] == {
        "interval": "Min1", "windowStart": str(minute * 60), "windowEnd": str(minute * 60 + 60), "openingPrice": "100",
        "highestPrice": "101", "lowestPrice": "99", "closingPrice": "100.5", "volume": "2", "amount": "201",
    }  # fmt: skip


def test_a_change_of_the_book_names_its_versions_and_removes_a_level_with_zero() -> None:
    talk = Talk()
    talk.ask("SUBSCRIPTION", DEPTH)
    change = BookChanged("BTCUSDT", 8, 9, (Level(99_99, 0), Level(99_98, 1)), (Level(100_01, 1_500_000),), NOW_MS)
    (said,) = talk.told(change)
    assert said["publicAggreDepths"] == {
        "bids": [{"price": "99.99", "quantity": "0.000000"}, {"price": "99.98", "quantity": "0.000001"}],
        "asks": [{"price": "100.01", "quantity": "1.500000"}], "fromVersion": "8", "toVersion": "9",
        "eventType": "spot@public.aggre.depth.v3.api.pb@100ms",
    }  # fmt: skip


def test_a_quote_is_the_best_of_both_sides() -> None:
    talk = Talk()
    talk.ask("SUBSCRIPTION", TICKER)
    (said,) = talk.told(QuoteSeen("BTCUSDT", Level(99_99, 1_000_000), Level(100_01, 2_000_000), 100_00, NOW_MS))
    assert said["publicAggreBookTicker"] == {"bidPrice": "99.99", "bidQuantity": "1", "askPrice": "100.01", "askQuantity": "2"}


ASKED = NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=30_000, price=99_00, client_id="mine")
FILL = Fill("ab" * 16, 5, "me", "BTCUSDT", "mine", BUY, 10_000, 99_00, 9_900_000_000, 4_950_000, NOW_MS, maker=True, fee_currency="USDT")
PART = Order(5, "me", ASKED, 30_000, 99_00, START_MS, NOW_MS, Status.PARTIALLY_FILLED, filled=10_000, cost=9_900_000_000, fee=4_950_000)


def test_a_fill_is_told_as_an_order_and_as_a_deal_each_on_its_channel() -> None:
    talk = Talk(signed=True)
    talk.ask("SUBSCRIPTION", ORDERS, FILLS)
    order, fill = talk.told(OrderChanged(PART, FILL))
    assert (order["channel"], order["symbol"], fill["channel"]) == (ORDERS, "BTCUSDT", FILLS)
    assert order["privateOrders"] == {
        "id": "C02__5", "clientId": "mine", "price": "99", "quantity": "0.03", "amount": "2.97", "avgPrice": "99", "orderType": 1,
        "tradeType": 1, "isMaker": True, "remainAmount": "1.98", "remainQuantity": "0.02", "lastDealQuantity": "0.01",
        "cumulativeQuantity": "0.01", "cumulativeAmount": "0.99", "status": 3, "createTime": str(START_MS),
    }  # fmt: skip
    assert fill["privateDeals"] == {
        "price": "99", "quantity": "0.01", "amount": "0.99", "tradeType": 1, "isMaker": True, "tradeId": "ab" * 16,
        "clientOrderId": "mine", "orderId": "C02__5", "feeAmount": "0.000495", "feeCurrency": "USDT", "time": str(NOW_MS),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "side", "status", "numbers"),
    [
        (Kind.LIMIT, BUY, Status.NEW, (1, 1, 1)), (Kind.MARKET, SELL, Status.FILLED, (5, 2, 2)),
        (Kind.LIMIT_MAKER, SELL, Status.CANCELED, (2, 2, 4)), (Kind.IOC, BUY, Status.PARTIALLY_CANCELED, (3, 1, 5)),
        (Kind.FOK, BUY, Status.FILLED, (4, 1, 2)),
    ],
)  # fmt: skip
def test_types_sides_and_statuses_have_mexcs_numbers(kind: Kind, side: int, status: Status, numbers: tuple[int, int, int]) -> None:
    talk = Talk(signed=True)
    talk.ask("SUBSCRIPTION", ORDERS)
    order = Order(5, "me", NewOrder("BTCUSDT", side, kind, 30_000, 99_00), 30_000, 99_00, START_MS, NOW_MS, status)
    (said,) = talk.told(OrderChanged(order))
    told = said["privateOrders"]
    assert (told["orderType"], told["tradeType"], told["status"]) == numbers
    assert (told["avgPrice"], "lastDealQuantity" in told) == ("0", False)


def test_a_balance_is_told_with_what_changed_it() -> None:
    talk = Talk(signed=True)
    talk.ask("SUBSCRIPTION", ACCOUNT)
    (said,) = talk.told(
        BalanceChanged("me", "USDT", 9_970_300_000_000, 29_700_000_000, NOW_MS, -29_700_000_000, 29_700_000_000, Cause.PLACED)
    )
    assert said["privateAccount"] == {
        "vcoinName": "USDT", "balanceAmount": "997.03", "balanceAmountChange": "-2.97", "frozenAmount": "2.97",
        "frozenAmountChange": "2.97", "type": "ENTRUST_PLACE", "time": str(NOW_MS),
    }  # fmt: skip


def test_a_connection_ends_after_a_day() -> None:
    session = Talk().session
    assert session.settle(START_MS + DAY_MS - 1) == []
    assert session.settle(START_MS + DAY_MS) == [Close(1001)]


def test_an_unknown_listen_key_is_told_so_and_the_connection_closed() -> None:
    talk = Talk()
    session = MexcSession(talk.venue, Worded(), talk.keys, "nobodys", START_MS)
    assert session.settle(START_MS) == ["Invalid listen key", Close(1008, "Invalid listen key")]


def test_a_listen_key_lasts_an_hour_and_each_keep_alive_another() -> None:
    talk = Talk(signed=True)
    talk.venue.advance(START_MS + 59 * MINUTE_MS)
    assert talk.keys.keep("me", {"listenKey": talk.key}) == {"listenKey": talk.key}
    talk.venue.advance(START_MS + 118 * MINUTE_MS)
    assert talk.session.settle(talk.venue.now_ms) == []
    talk.venue.advance(START_MS + 119 * MINUTE_MS)
    assert talk.session.settle(talk.venue.now_ms)[0] == "Invalid listen key"
    with pytest.raises(Refused):
        talk.keys.keep("me", {"listenKey": talk.key})


def test_a_removed_listen_key_ends_its_connections_and_nobody_elses_key_can_be_removed() -> None:
    talk = Talk(signed=True)
    with pytest.raises(Refused):
        talk.keys.remove("somebody", {"listenKey": talk.key})
    other = talk.keys.create("me", {})["listenKey"]
    assert talk.keys.valid("me", {}) == {"listenKey": [talk.key, other]}
    talk.keys.remove("me", {"listenKey": talk.key})
    assert talk.keys.valid("me", {}) == {"listenKey": [other]}
    assert Close(1008, "Invalid listen key") in talk.session.settle(START_MS)


def test_an_account_has_at_most_sixty_keys() -> None:
    keys = Talk().keys
    made = {keys.create("me", {})["listenKey"] for _ in range(60)}
    assert (len(made), {len(key) for key in made}) == (60, {64})
    with pytest.raises(Refused):
        keys.create("me", {})
    keys.create("somebody", {})


@pytest.mark.parametrize(
    ("value", "wire"), [(1, b"\x08\x01"), (127, b"\x08\x7f"), (128, b"\x08\x80\x01"), (300, b"\x08\xac\x02"), (0, b"")]
)
def test_numbers_are_written_seven_bits_a_byte(value: int, wire: bytes) -> None:
    assert message((1, value)) == wire


def test_a_field_beyond_fifteen_takes_two_bytes_and_an_empty_message_is_written() -> None:
    assert message((308, b"")) == b"\xa2\x13\x00"
    assert message((2, ""), (2, "ab")) == b"\x12\x02ab"
