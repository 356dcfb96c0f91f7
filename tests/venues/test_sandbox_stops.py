"""Stops: what they lock while they wait, when they are triggered, and how they trade then."""

import pytest

from sandbox.config import START_MS
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, NewOrder, No, Order, Refused, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit, refusal
from trader_core.model.money import UNIT, money

SECOND_TICK_MS = START_MS + 10_000


def stop(kind: Kind, side: int, trigger: int, price: int = 0, qty: int = 100_000, client_id: str = "") -> NewOrder:
    return NewOrder("BTCUSDT", side, kind, qty=qty, price=price, stop=trigger, client_id=client_id)


def at(venue: Exchange, order: Order) -> Order:
    return venue.find("me", "BTCUSDT", order.id)


def test_a_waiting_stop_locks_its_funds_is_open_and_can_be_found_and_cancelled() -> None:
    venue = exchange(btc="1")
    order = venue.place("me", stop(Kind.STOP_LOSS_LIMIT, SELL, 95_00, 94_00, client_id="guard"))
    assert (order.status, order.is_waiting, order.filled) == (Status.NEW, True, 0)
    assert venue.ledger.balance("me", "BTC") == (900_000 * UNIT // 10**6, 100_000 * UNIT // 10**6)
    assert [found.id for found in venue.open_orders("me", "BTCUSDT")] == [order.id]
    assert venue.find("me", "BTCUSDT", client_id="guard").id == order.id
    assert venue.cancel("me", "BTCUSDT", client_id="guard").status is Status.CANCELED
    assert (venue.open_orders("me"), venue.ledger.balance("me", "BTC").locked) == ([], 0)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price"),
    [
        (Kind.STOP_LOSS_LIMIT, SELL, 95_00, 94_00),
        (Kind.TAKE_PROFIT_LIMIT, BUY, 95_00, 94_00),
    ],
)
def test_some_stops_are_triggered_by_a_price_at_or_below_their_trigger(kind: Kind, side: int, trigger: int, price: int) -> None:
    venue = exchange({1: (95_01, 1_000_000), 2: (95_00, 1_000_000)}, btc="1")
    order = venue.place("me", stop(kind, side, trigger, price))
    venue.advance(START_MS + 5_000)
    assert at(venue, order).is_waiting
    venue.advance(SECOND_TICK_MS)
    assert (at(venue, order).is_waiting, at(venue, order).working_ms) == (False, SECOND_TICK_MS)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price"),
    [
        (Kind.STOP_LOSS_LIMIT, BUY, 105_00, 106_00),
        (Kind.TAKE_PROFIT_LIMIT, SELL, 105_00, 106_00),
    ],
)
def test_the_others_by_a_price_at_or_above_it(kind: Kind, side: int, trigger: int, price: int) -> None:
    venue = exchange({1: (104_99, 1_000_000), 2: (105_00, 1_000_000)}, btc="1")
    order = venue.place("me", stop(kind, side, trigger, price))
    venue.advance(START_MS + 5_000)
    assert at(venue, order).is_waiting
    venue.advance(SECOND_TICK_MS)
    assert not at(venue, order).is_waiting


def test_a_triggered_limit_takes_what_stands_within_its_limit_as_taker() -> None:
    venue = exchange({2: (95_00, 1)}, btc="1")
    order = venue.place("me", stop(Kind.STOP_LOSS_LIMIT, SELL, 95_00, 94_50, qty=50_000))
    venue.advance(SECOND_TICK_MS)
    after = at(venue, order)
    assert (after.status, after.filled, after.locked, after.updated_ms) == (Status.FILLED, 50_000, 0, SECOND_TICK_MS)
    assert all(not fill.maker and 94_50 <= fill.price < 95_00 for fill in venue.fills)
    assert venue.ledger.balance("me", "USDT").free == money("1000") + after.cost - after.fee


def test_a_triggered_limit_that_finds_nothing_within_its_limit_rests_and_fills_as_maker() -> None:
    venue = exchange({2: (90_00, 1), 3: (95_01, 1_000_000)}, btc="1")
    order = venue.place("me", stop(Kind.STOP_LOSS_LIMIT, SELL, 95_00, 95_00, qty=50_000))
    venue.advance(SECOND_TICK_MS)
    assert (at(venue, order).status, at(venue, order).filled) == (Status.NEW, 0), "90.00 is below what it wants"
    venue.advance(START_MS + 15_000)
    assert at(venue, order).status is Status.FILLED
    assert [(fill.price, fill.maker) for fill in venue.fills] == [(95_00, True)]


def test_a_triggered_sell_at_market_sells_wherever_the_market_has_gone() -> None:
    venue = exchange({2: (50_00, 1)}, btc="1")
    order = venue.place("me", stop(Kind.STOP_LOSS, SELL, 95_00, qty=50_000))
    assert order.price == 90_25, "5 % below the trigger while it waits"
    venue.advance(SECOND_TICK_MS)
    after = at(venue, order)
    assert (after.status, after.filled, after.price) == (Status.FILLED, 50_000, 47_50)
    assert all(49_00 < fill.price < 50_00 for fill in venue.fills)


def test_a_buy_at_market_locks_five_percent_above_its_trigger_and_pays_no_more_than_that() -> None:
    venue = exchange({2: (105_00, 1)})
    order = venue.place("me", stop(Kind.STOP_LOSS, BUY, 105_00))
    assert (order.price, order.locked) == (110_25, money("11.025") + money("11.025") // 2_000)
    venue.advance(SECOND_TICK_MS)
    assert (at(venue, order).status, at(venue, order).locked) == (Status.FILLED, 0)
    assert venue.ledger.balance("me", "USDT") == (money("1000") - at(venue, order).cost - at(venue, order).fee, 0)


def test_a_buy_at_market_that_the_market_has_leapt_over_ends_without_a_fill() -> None:
    venue = exchange({2: (120_00, 1)})
    order = venue.place("me", stop(Kind.STOP_LOSS, BUY, 105_00))
    venue.advance(SECOND_TICK_MS)
    assert (at(venue, order).status, at(venue, order).is_waiting) == (Status.CANCELED, False)
    assert venue.ledger.balance("me", "USDT") == (money("1000"), 0)


def test_listeners_hear_of_a_stop_when_it_is_accepted_triggered_and_filled() -> None:
    venue, heard = exchange({2: (95_00, 1)}, btc="1"), list[tuple[Status, bool, int]]()
    venue.listeners.append(lambda said: heard.append((said.order.status, said.order.is_waiting, said.order.filled)))
    venue.place("me", stop(Kind.STOP_LOSS, SELL, 95_00, qty=20_000))
    venue.advance(SECOND_TICK_MS)
    assert heard == [(Status.NEW, True, 0), (Status.NEW, False, 0), (Status.FILLED, False, 20_000)]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (stop(Kind.STOP_LOSS_LIMIT, SELL, 100_00, 99_00), No.WOULD_TRIGGER),
        (stop(Kind.STOP_LOSS_LIMIT, BUY, 100_00, 101_00), No.WOULD_TRIGGER),
        (stop(Kind.TAKE_PROFIT_LIMIT, SELL, 99_00, 99_00), No.WOULD_TRIGGER),
        (stop(Kind.TAKE_PROFIT_LIMIT, BUY, 101_00, 99_00), No.WOULD_TRIGGER),
        (stop(Kind.STOP_LOSS, SELL, 0), No.TICK),
        (stop(Kind.STOP_LOSS_LIMIT, SELL, 95_00, 0), No.TICK),
        (stop(Kind.STOP_LOSS, SELL, 95_00, qty=10_000), No.NOTIONAL_MIN),  # 0.01 BTC at the trigger are 0.95 USDT
        (stop(Kind.STOP_LOSS, SELL, 95_00, qty=1_000_001), No.FUNDS),
        (stop(Kind.STOP_LOSS, BUY, 105_00, qty=9_100_000), No.FUNDS),  # 9.1 BTC at 110.25
    ],
)
def test_a_stop_that_makes_no_sense_or_has_no_funds_is_refused(asked: NewOrder, why: No) -> None:
    assert refusal(exchange(btc="1"), asked) is why


def test_what_rested_before_is_served_by_a_tick_before_a_stop_is_triggered_by_it() -> None:
    venue = exchange({2: (95_00, 30_000)}, btc="1")
    resting = venue.place("me", limit(BUY, 30_000, 96_00))
    guard = venue.place("me", stop(Kind.STOP_LOSS, SELL, 95_00, qty=20_000))
    venue.advance(SECOND_TICK_MS)
    assert [fill.order_id for fill in venue.fills][:2] == [resting.id, guard.id]


def test_the_nearest_trigger_goes_first_and_then_the_older_order() -> None:
    venue = exchange({2: (90_00, 1)}, btc="1")
    far, near, same = (venue.place("me", stop(Kind.STOP_LOSS, SELL, trigger, qty=20_000)) for trigger in (94_00, 96_00, 96_00))
    venue.advance(SECOND_TICK_MS)
    assert [fill.order_id for fill in venue.fills] == [near.id, same.id, far.id]


def test_advancing_in_one_step_or_in_many_triggers_the_same() -> None:
    ticks = {row: (100_00 - row % 23 * 30, 20_000 + row) for row in range(200)}
    outcomes = []
    for step_ms in (1_000_000, 3_000):
        venue = exchange(ticks, btc="1")
        for trigger in (98_00, 96_00, 94_00):
            venue.place("me", stop(Kind.STOP_LOSS_LIMIT, SELL, trigger, trigger + 50, qty=70_000))
            venue.place("me", stop(Kind.TAKE_PROFIT, BUY, trigger, qty=70_000))
        for to_ms in range(START_MS + step_ms, START_MS + 1_000_001, step_ms):
            venue.advance(to_ms)
        venue.advance(START_MS + 1_000_000)
        outcomes.append((venue.fills, venue.ledger.of("me"), venue.all_orders()))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 5


def test_a_triggered_order_meets_other_accounts() -> None:
    venue = exchange({2: (95_00, 1)}, Rules(accounts_meet=True), btc="1")
    venue.credit("you", "USDT", money("1000"))
    guard = venue.place("me", stop(Kind.STOP_LOSS, SELL, 95_00, qty=20_000))
    venue.advance(START_MS + 5_000)
    venue.place("you", limit(BUY, 20_000, 95_00))
    venue.advance(SECOND_TICK_MS)
    assert [(fill.account, fill.price, fill.maker) for fill in venue.fills] == [("you", 95_00, True), ("me", 95_00, False)]
    assert at(venue, guard).status is Status.FILLED


def test_reads_that_lag_see_a_trigger_late_too() -> None:
    venue = exchange({2: (90_00, 1)}, Rules(read_lag_ms=2_000), btc="1")
    order = venue.place("me", stop(Kind.STOP_LOSS_LIMIT, SELL, 95_00, 95_00))
    with pytest.raises(Refused):
        at(venue, order)
    venue.advance(SECOND_TICK_MS + 1_999)
    assert at(venue, order).is_waiting
    venue.advance(SECOND_TICK_MS + 2_000)
    assert not at(venue, order).is_waiting
