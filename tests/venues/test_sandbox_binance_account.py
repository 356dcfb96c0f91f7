"""Binance's websocket API, frame by frame: an account opens to a signature, and tells of its orders and balances."""

from typing import Any

import pytest

from sandbox.config import START_MS
from sandbox.events import BalanceChanged, Cause, OrderChanged
from sandbox.matching import FIRST_NUMBER
from sandbox.orders import BUY, Fill, Kind, NewOrder, Order, Status
from tests.venues.binance_talk import NOW_MS, Talk, account_of, signed


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
