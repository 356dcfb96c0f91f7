"""The register: what an account reads, and that a full exchange answers as fast as an empty one."""

import time

import pytest

from sandbox.config import START_MS
from sandbox.market import SeededMarket
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, NewOrder, Refused
from sandbox.pairs import PAIRS, Rules
from tests.venues.sandbox_market_fixed import exchange, limit
from trader_core.model.money import money

MANY = 10_000


def crowded() -> Exchange:
    """An exchange on which `crowd` has 10,000 orders open, and `me` one."""
    venue = exchange()
    venue.credit("crowd", "USDT", money("100000"))
    for at in range(MANY):
        venue.place("crowd", limit(BUY, 20_000, 50_00 + at % 2_000))
    venue.place("me", limit(BUY, 20_000, 90_00, client_id="mine"))
    return venue


def two_markets(rules: Rules | None = None) -> Exchange:
    venue = Exchange(SeededMarket(7, PAIRS), rules or Rules(), seed=7, start_ms=START_MS)
    for account in ("me", "you"):
        for currency in ("USDT", "BTC", "ETH"):
            venue.credit(account, currency, money("100000"))
    return venue


def far(venue: Exchange, name: str) -> NewOrder:
    return NewOrder(name, BUY, Kind.LIMIT, qty=20_000, price=venue.last(name) * 9 // 10)


def test_orders_of_one_market_or_of_all_come_oldest_first() -> None:
    venue = two_markets()
    placed = [venue.place(account, far(venue, name)) for account in ("me", "you", "me") for name in ("ETHUSDT", "BTCUSDT")]
    mine = [order for order in placed if order.account == "me"]
    assert venue.orders("me") == venue.open_orders("me") == mine
    assert venue.orders("me", "BTCUSDT") == venue.open_orders("me", "BTCUSDT") == mine[1::2]
    assert venue.orders("me", most=3) == mine[-3:]
    assert venue.orders("me", "SOLUSDT") == venue.orders("nobody") == venue.open_orders("nobody") == []
    assert venue.all_orders() == placed


def test_orders_and_fills_of_a_span_of_time_are_those_within_it() -> None:
    venue = two_markets()
    orders = []
    for step in (0, 1, 2, 3):
        venue.advance(START_MS + step * 1_000)
        orders.append(venue.place("me", NewOrder("BTCUSDT", (BUY, SELL)[step % 2], Kind.MARKET, qty=10_000 + step)))
    assert venue.orders("me", "BTCUSDT", START_MS + 1_000, START_MS + 2_000) == orders[1:3]
    assert venue.orders("me", "", START_MS + 1_000, most=1) == orders[3:]
    assert [fill.order_id for fill in venue.fills_of("me", "BTCUSDT", START_MS + 1, START_MS + 2_000)] == [
        order.id for order in orders[1:3]
    ]
    assert [fill.order_id for fill in venue.fills_of("me", to_ms=START_MS)] == [orders[0].id]
    assert [fill.number for fill in venue.fills] == [1, 2, 3, 4]


def test_a_lagging_read_still_sees_open_what_has_ended_since() -> None:
    venue = two_markets(Rules(read_lag_ms=2_000))
    first, second = venue.place("me", far(venue, "BTCUSDT")), venue.place("me", far(venue, "ETHUSDT"))
    venue.advance(START_MS + 2_000)
    venue.cancel("me", "ETHUSDT", second.id)
    third = venue.place("me", far(venue, "BTCUSDT"))
    assert venue.open_orders("me") == [first, second]
    assert venue.open_orders("me", "ETHUSDT") == [second]
    venue.advance(START_MS + 4_000)
    assert [order.id for order in venue.open_orders("me")] == [first.id, third.id]


def test_markets_trade_in_the_order_of_time_whatever_the_steps() -> None:
    outcomes = []
    for step_ms in (600_000, 5_000):
        venue = two_markets()
        for name in ("ETHUSDT", "BTCUSDT", "SOLUSDT"):
            last = venue.last(name)
            for at in range(1, 9):
                venue.place("me", NewOrder(name, BUY, Kind.LIMIT, qty=10_000, price=last - last * at // 20_000))
        for to_ms in range(START_MS + step_ms, START_MS + 600_001, step_ms):
            venue.advance(to_ms)
        outcomes.append((venue.fills, venue.all_orders()))
    assert outcomes[0] == outcomes[1]
    times = [fill.ts_ms for fill in outcomes[0][0]]
    assert times == sorted(times)
    assert len({fill.symbol for fill in outcomes[0][0]}) > 1


def test_ten_thousand_orders_of_others_slow_nobody_down() -> None:
    venue = crowded()

    def thousand() -> None:
        for _ in range(1_000):
            order = venue.place("me", limit(BUY, 20_000, 89_00))
            assert len(venue.open_orders("me")) == 2
            assert venue.find("me", "BTCUSDT", client_id="mine").price == 90_00
            venue.cancel("me", "BTCUSDT", order.id)

    began = time.process_time()
    thousand()
    took_s = time.process_time() - began
    assert took_s < 2.0, "half a millisecond a call: a scan of 10,000 orders takes more"
    assert len(venue.open_orders("crowd")) == MANY


def test_an_account_with_ten_thousand_open_orders_can_cancel_them_all() -> None:
    venue = crowded()
    assert len(venue.cancel_all("crowd", "BTCUSDT")) == MANY
    assert venue.ledger.balance("crowd", "USDT") == (money("100000"), 0)
    venue.advance(START_MS + 5_000)
    assert [order.account for order in venue.open_orders("me")] == ["me"]


def test_an_id_of_absurd_length_is_just_not_known() -> None:
    for order_id in ("9" * 5_000, "C02__" + "9" * 5_000):
        with pytest.raises(Refused, match="NO_ORDER"):
            exchange().find("me", "BTCUSDT", order_id)
