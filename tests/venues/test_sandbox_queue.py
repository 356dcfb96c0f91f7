"""The queue: who is served at a price before a resting order, and what is left for it."""

import pytest

from sandbox.book import Level
from sandbox.config import START_MS
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, Order
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit

TOUCH = Rules(queue="touch")


def best_bid() -> Level:
    return exchange().book("BTCUSDT").bids[0]


def filled(venue: Exchange, *orders: Order) -> list[int]:
    return [venue.find(order.account, "BTCUSDT", order.id).filled for order in orders]


def test_ticks_at_its_price_serve_what_stood_before_an_order_first() -> None:
    price, ahead = best_bid()
    ticks = {1: (price, ahead - 1_000), 2: (price, 21_000), 3: (price, 50_000)}
    venue = exchange(ticks, TOUCH, sells=(1, 2, 3))
    order = venue.place("me", limit(BUY, 30_000, price))
    seen = []
    for step in (1, 2, 3):
        venue.advance(START_MS + step * 5_000)
        seen += filled(venue, order)
    assert seen == [0, 20_000, 30_000], "1,000 lots stood before it after the first tick"
    assert [(fill.price, fill.maker, fill.ts_ms) for fill in venue.fills] == [
        (price, True, START_MS + 10_000),
        (price, True, START_MS + 15_000),
    ]


def test_a_tick_in_which_the_taker_bought_serves_no_buyer() -> None:
    price, ahead = best_bid()
    venue = exchange({1: (price, ahead + 50_000)}, TOUCH, sells=())
    order = venue.place("me", limit(BUY, 30_000, price))
    venue.advance(START_MS + 5_000)
    assert filled(venue, order) == [0]


def test_a_resting_sell_is_served_by_takers_that_buy() -> None:
    price, ahead = exchange().book("BTCUSDT").asks[0]
    venue = exchange({1: (price, ahead + 12_000)}, TOUCH, btc="1")
    order = venue.place("me", limit(SELL, 30_000, price))
    venue.advance(START_MS + 5_000)
    assert filled(venue, order) == [12_000]


def test_where_nothing_stood_an_order_is_first_and_those_behind_it_get_what_it_leaves() -> None:
    venue = exchange({1: (100_00, 25_000), 2: (100_00, 25_000)}, TOUCH, sells=(1, 2))
    one, two = venue.place("me", limit(BUY, 20_000, 100_00)), venue.place("me", limit(BUY, 20_000, 100_00))
    venue.advance(START_MS + 5_000)
    assert filled(venue, one, two) == [20_000, 5_000]
    venue.advance(START_MS + 10_000)
    assert filled(venue, one, two) == [20_000, 20_000]


def test_a_later_order_waits_for_the_quantity_and_for_the_orders_before_it() -> None:
    price, ahead = best_bid()
    venue = exchange({1: (price, ahead + 35_000)}, TOUCH, sells=(1,))
    one, two = venue.place("me", limit(BUY, 20_000, price)), venue.place("me", limit(BUY, 20_000, price))
    venue.advance(START_MS + 5_000)
    assert filled(venue, one, two) == [20_000, 15_000], "both stand behind the same quantity"


def test_a_tick_beyond_its_price_fills_an_order_whoever_stood_before_it() -> None:
    price, _ = best_bid()
    venue = exchange({1: (price - 1, 45_000), 2: (price, 5_000)}, TOUCH, sells=(2,))
    order = venue.place("me", limit(BUY, 50_000, price))
    venue.advance(START_MS + 5_000)
    assert filled(venue, order) == [45_000]
    venue.advance(START_MS + 10_000)
    assert filled(venue, order) == [50_000], "nothing is left before it"


def test_a_tick_serves_better_prices_first_and_touches_with_the_rest() -> None:
    venue = exchange({1: (99_00, 50_000)}, TOUCH, sells=(1,))
    touched, beyond = venue.place("me", limit(BUY, 40_000, 99_00)), venue.place("me", limit(BUY, 30_000, 100_00))
    ahead = venue.resting["BTCUSDT"].ahead[touched.number]
    venue.advance(START_MS + 5_000)
    assert filled(venue, beyond) == [30_000]
    assert filled(venue, touched) == [max(0, 20_000 - ahead)]


def test_an_account_that_takes_the_quantity_before_an_order_lets_it_move_up() -> None:
    price, ahead = best_bid()
    venue = exchange({1: (price, 9_000)}, TOUCH, btc="1", sells=(1,))
    order = venue.place("me", limit(BUY, 30_000, price))
    venue.place("me", limit(SELL, ahead, price, Kind.IOC))
    venue.advance(START_MS + 5_000)
    assert filled(venue, order) == [9_000]


@pytest.mark.parametrize("queue", ["through", "touch"])
def test_only_the_queue_is_touched(queue: str) -> None:
    venue = exchange({1: (100_00, 25_000)}, Rules(queue=queue), sells=(1,))
    order = venue.place("me", limit(BUY, 20_000, 100_00))
    venue.advance(START_MS + 5_000)
    assert filled(venue, order) == [20_000 if queue == "touch" else 0]


def test_advancing_in_one_step_or_in_many_serves_the_same_queue() -> None:
    price, _ = best_bid()
    ticks = {row: (price - (row % 11 == 0), 20_000 + row) for row in range(1, 150)}
    outcomes = []
    for step_ms in (750_000, 4_000):
        venue = exchange(ticks, TOUCH, sells=range(0, 150, 3))
        for qty in (70_000, 90_000, 400_000):
            venue.place("me", limit(BUY, qty, price))
        for to_ms in range(START_MS + step_ms, START_MS + 750_001, step_ms):
            venue.advance(to_ms)
        venue.advance(START_MS + 750_000)
        outcomes.append((venue.fills, venue.ledger.of("me")))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 3
