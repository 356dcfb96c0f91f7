"""Matching: filters, taking from the book, resting orders, locks and reads."""

from dataclasses import replace

import pytest

from sandbox.config import START_MS
from sandbox.ledger import FEES
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, NewOrder, No, Order, Refused, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit, refusal
from trader_core.model.errors import OutOfRange
from trader_core.model.money import UNIT, money

LOT, CENT_LOT = UNIT // 10**6, UNIT // 10**8
"""Ledger units of a millionth BTC, and of one cent for one millionth."""


def market(side: int, qty: int = 0, quote: str = "0") -> NewOrder:
    return NewOrder("BTCUSDT", side, Kind.MARKET, qty=qty, quote_qty=money(quote))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (replace(limit(BUY, 1, 1), symbol="XMRUSDT"), No.SYMBOL),
        (limit(BUY, 0, 100_00), No.QTY_ZERO),
        (limit(BUY, -5, 100_00), No.QTY_ZERO),
        (limit(BUY, 100_000, 0), No.TICK),
        (limit(BUY, 9_999, 100_00), No.NOTIONAL_MIN),  # 0.009999 BTC at 100.00 are 0.9999 USDT
        (market(BUY, 9_999), No.NOTIONAL_MIN),
        (market(BUY, quote="0.99"), No.NOTIONAL_MIN),
        (limit(BUY, 20_001_000_000, 100_00), No.NOTIONAL_MAX),
        (limit(BUY, 10_000_000, 100_00), No.FUNDS),  # 10 BTC cost 1000 USDT and 0.50 fee
        (limit(SELL, 10_000, 100_00), No.FUNDS),
        (market(BUY, quote="1000"), No.FUNDS),
    ],
)
def test_an_order_that_breaks_a_filter_is_refused_and_changes_nothing(asked: NewOrder, why: No) -> None:
    assert refusal(exchange(), asked) is why


def test_the_minimum_notional_is_a_rule_that_can_be_lowered() -> None:
    venue = exchange(rules=Rules(notional_min=money("0.10")))
    assert venue.place("me", limit(BUY, 1_000, 100_00)).status is Status.NEW
    assert refusal(venue, limit(BUY, 999, 100_00)) is No.NOTIONAL_MIN


def test_taking_walks_the_levels_and_pays_each_its_own_price() -> None:
    venue = exchange()
    first, second = venue.book("BTCUSDT").asks[:2]
    order = venue.place("me", limit(BUY, first.qty + 5_000, second.price, Kind.IOC))
    assert order.status is Status.FILLED
    assert [(fill.price, fill.qty) for fill in venue.fills] == [(first.price, first.qty), (second.price, 5_000)]
    cost = (first.price * first.qty + second.price * 5_000) * CENT_LOT
    fee = -(-cost * 500 // 1_000_000)
    assert (order.cost, order.fee) == (cost, fee)
    assert venue.ledger.balance("me", "USDT") == (1000 * UNIT - cost - fee, 0)
    assert venue.ledger.balance("me", "BTC") == ((first.qty + 5_000) * LOT, 0)
    assert venue.ledger.balance(FEES, "USDT").free == fee


def test_what_was_taken_is_gone_until_the_next_tick() -> None:
    venue = exchange()
    first, second = venue.book("BTCUSDT").asks[:2]
    venue.place("me", limit(BUY, first.qty, first.price, Kind.IOC))
    assert venue.book("BTCUSDT").asks[0] == second
    venue.place("me", limit(BUY, 10_000, second.price, Kind.IOC))
    assert venue.book("BTCUSDT").asks[0] == (second.price, second.qty - 10_000)
    venue.advance(START_MS + 4_999)
    assert venue.book("BTCUSDT").asks[0] == (second.price, second.qty - 10_000)
    venue.advance(START_MS + 5_000)
    assert venue.book("BTCUSDT").asks[0].qty > 10_000


def test_an_ioc_order_keeps_what_it_got_and_cancels_the_rest() -> None:
    venue = exchange()
    best = venue.book("BTCUSDT").asks[0]
    part = venue.place("me", limit(BUY, best.qty + 1, best.price, Kind.IOC))
    assert (part.status, part.filled, part.locked) == (Status.PARTIALLY_CANCELED, best.qty, 0)
    none = venue.place("me", limit(BUY, 20_000, best.price - 1, Kind.IOC))
    assert (none.status, none.filled) == (Status.CANCELED, 0)
    assert venue.open_orders("me") == []
    assert venue.ledger.balance("me", "USDT").locked == 0


def test_a_fok_order_fills_whole_or_not_at_all() -> None:
    venue = exchange()
    best = venue.book("BTCUSDT").asks[0]
    assert venue.place("me", limit(BUY, best.qty + 1, best.price, Kind.FOK)).status is Status.CANCELED
    assert venue.fills == []
    assert venue.place("me", limit(BUY, best.qty, best.price, Kind.FOK)).status is Status.FILLED


def test_a_limit_order_takes_what_it_can_and_rests_with_the_remainder() -> None:
    venue = exchange()
    best, second = venue.book("BTCUSDT").asks[:2]
    assert second.price > best.price
    order = venue.place("me", limit(BUY, best.qty + 50_000, best.price))
    assert (order.status, order.filled) == (Status.PARTIALLY_FILLED, best.qty)
    assert [open_.id for open_ in venue.open_orders("me")] == [order.id]
    canceled = venue.cancel("me", "BTCUSDT", order.id)
    assert (canceled.status, canceled.filled) == (Status.PARTIALLY_CANCELED, best.qty)
    assert venue.ledger.balance("me", "USDT").locked == 0


def test_a_post_only_order_that_would_take_is_refused_or_accepted_and_cancelled_as_the_rule_says() -> None:
    venue = exchange()
    asked = limit(BUY, 50_000, venue.book("BTCUSDT").asks[0].price, Kind.LIMIT_MAKER)
    assert refusal(venue, asked) is No.WOULD_TAKE
    venue.rules = replace(venue.rules, crossing="cancel")
    order = venue.place("me", asked)
    assert (order.status, order.filled, venue.fills) == (Status.CANCELED, 0, [])
    assert venue.ledger.balance("me", "USDT") == (1000 * UNIT, 0)
    assert venue.place("me", limit(BUY, 50_000, 99_00, Kind.LIMIT_MAKER)).status is Status.NEW


def test_a_market_order_by_cost_spends_at_most_that_cost() -> None:
    venue = exchange()
    order = venue.place("me", market(BUY, quote="50"))
    best = venue.book("BTCUSDT").asks[0].price
    assert order.status is Status.FILLED
    assert money("50") - best * CENT_LOT * 2 < order.cost <= money("50")
    assert order.price == 105_00, "the protection price, 5 % above the last"


def test_a_market_order_by_quantity_sells_what_it_names() -> None:
    venue = exchange(btc="1")
    order = venue.place("me", market(SELL, 250_000))
    assert (order.status, order.filled, order.price) == (Status.FILLED, 250_000, 95_00)
    assert venue.ledger.balance("me", "BTC") == (750_000 * LOT, 0)
    assert venue.ledger.balance("me", "USDT").free == 1000 * UNIT + order.cost - order.fee


def test_a_resting_order_fills_when_a_tick_trades_through_it_not_when_one_touches_it() -> None:
    venue = exchange({2: (99_00, 1_000_000), 4: (98_99, 1_000_000)})
    order = venue.place("me", limit(BUY, 100_000, 99_00))
    venue.advance(START_MS + 15_000)
    assert venue.find("me", "BTCUSDT", order.id).status is Status.NEW
    venue.advance(START_MS + 20_000)
    filled = venue.find("me", "BTCUSDT", order.id)
    assert (filled.status, filled.cost, filled.fee, filled.updated_ms) == (Status.FILLED, money("9.9"), 0, START_MS + 20_000)
    assert [(fill.maker, fill.price, fill.ts_ms) for fill in venue.fills] == [(True, 99_00, START_MS + 20_000)]


def test_a_tick_through_one_order_does_not_fill_another_that_it_only_touches() -> None:
    venue = exchange({1: (98_50, 1_000_000)})
    touched = venue.place("me", limit(BUY, 50_000, 98_50))
    crossed = venue.place("me", limit(BUY, 50_000, 98_51))
    venue.advance(START_MS + 5_000)
    assert [order.id for order in venue.open_orders("me")] == [touched.id]
    assert [fill.order_id for fill in venue.fills] == [crossed.id]


def test_a_resting_order_gets_at_most_the_volume_of_the_tick_and_the_better_price_goes_first() -> None:
    venue = exchange({1: (98_00, 30_000), 2: (98_00, 90_000)})
    low = venue.place("me", limit(BUY, 50_000, 98_50))
    high = venue.place("me", limit(BUY, 40_000, 99_00))
    venue.advance(START_MS + 5_000)
    assert [(fill.order_id, fill.qty, fill.price) for fill in venue.fills] == [(high.id, 30_000, 99_00)]
    venue.advance(START_MS + 10_000)
    assert [(fill.order_id, fill.qty) for fill in venue.fills[1:]] == [(high.id, 10_000), (low.id, 50_000)]
    assert venue.ledger.balance("me", "USDT").locked == 0


def test_a_resting_sell_fills_as_maker_above_its_price_with_the_maker_fee() -> None:
    venue = exchange({3: (101_50, 1_000_000)}, Rules(maker_ppm=1_000, taker_ppm=2_000), btc="0.5")
    order = venue.place("me", limit(SELL, 500_000, 101_00))
    assert venue.ledger.balance("me", "BTC") == (0, 500_000 * LOT)
    venue.advance(START_MS + 60_000)
    after = venue.find("me", "BTCUSDT", order.id)
    assert (after.cost, after.fee) == (money("50.5"), money("0.0505"))
    assert venue.ledger.balance("me", "USDT").free == money("1050.4495")


def test_advancing_in_one_step_or_in_many_gives_the_same_fills() -> None:
    ticks = {row: (100_00 - row % 7 * 30, 20_000 + row) for row in range(200)}
    outcomes = []
    for step_ms in (1_000_000, 3_000):
        venue = exchange(ticks)
        for price in (99_50, 98_90, 98_30):
            venue.place("me", limit(BUY, 70_000, price))
        for to_ms in range(START_MS + step_ms, START_MS + 1_000_001, step_ms):
            venue.advance(to_ms)
        venue.advance(START_MS + 1_000_000)
        outcomes.append((venue.fills, venue.ledger.of("me")))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 3


def test_client_ids_are_refused_among_open_orders_always_or_never_as_the_rule_says() -> None:
    venue = exchange()
    asked = limit(BUY, 20_000, 90_00, client_id="mine")
    first = venue.place("me", asked)
    assert refusal(venue, asked) is No.DUPLICATE
    venue.cancel("me", "BTCUSDT", client_id="mine")
    second = venue.place("me", asked)
    venue.cancel("me", "BTCUSDT", client_id="mine")
    venue.rules = replace(venue.rules, duplicates="always")
    assert refusal(venue, asked) is No.DUPLICATE
    venue.rules = replace(venue.rules, duplicates="accept")
    third, fourth = venue.place("me", asked), venue.place("me", asked)
    assert len({first.id, second.id, third.id, fourth.id}) == 4
    assert venue.find("me", "BTCUSDT", client_id="mine").id == fourth.id


def test_cancelling_goes_by_either_id_or_by_symbol_and_only_while_open() -> None:
    venue = exchange()
    one, two, three = (venue.place("me", limit(BUY, 20_000, price, client_id=f"c{price}")) for price in (90_00, 91_00, 92_00))
    assert venue.cancel("me", "BTCUSDT", one.id).status is Status.CANCELED
    assert venue.cancel("me", "BTCUSDT", client_id="c9100").id == two.id
    assert [order.id for order in venue.cancel_all("me", "BTCUSDT")] == [three.id]
    for order_id in (one.id, "C02__1", "nonsense"):
        with pytest.raises(Refused) as caught:
            venue.cancel("me", "BTCUSDT", order_id)
        assert caught.value.why is No.NOT_CANCELABLE
    assert venue.ledger.balance("me", "USDT") == (1000 * UNIT, 0)


def test_accounts_do_not_see_each_other() -> None:
    venue = exchange()
    order = venue.place("me", limit(BUY, 20_000, 90_00, client_id="mine"))
    for call in (venue.find, venue.cancel):
        with pytest.raises(Refused):
            call("you", "BTCUSDT", order.id)
        with pytest.raises(Refused):
            call("you", "BTCUSDT", client_id="mine")
    assert venue.open_orders("you") == []
    assert venue.fills_of("you") == []


def seen(venue: Exchange, order: Order) -> Status | None:
    try:
        return venue.find("me", "BTCUSDT", order.id).status
    except Refused:
        return None


def test_reads_lag_behind_writes_by_the_switchable_time() -> None:
    venue = exchange({1: (98_00, 1_000_000)}, Rules(read_lag_ms=2_000))
    order = venue.place("me", limit(BUY, 20_000, 99_00))
    assert seen(venue, order) is None
    assert venue.open_orders("me") == []
    venue.advance(START_MS + 2_000)
    assert seen(venue, order) is Status.NEW
    venue.advance(START_MS + 6_999)
    assert seen(venue, order) is Status.NEW
    assert venue.fills_of("me") == []
    assert venue.all_orders()[0].status is Status.FILLED, "the truth is not late"
    venue.advance(START_MS + 7_000)
    assert seen(venue, order) is Status.FILLED
    assert len(venue.fills_of("me")) == 1


def test_what_is_scheduled_happens_at_its_time_between_the_ticks() -> None:
    venue = exchange({1: (98_00, 1_000_000), 3: (98_00, 1_000_000)})

    def place() -> None:
        venue.place("me", limit(BUY, 20_000, 99_00))

    venue.schedule(START_MS + 11_000, place)
    venue.advance(START_MS + 60_000)
    assert venue.all_orders()[0].created_ms == START_MS + 11_000
    assert venue.fills[0].ts_ms == START_MS + 15_000


def test_time_does_not_run_backwards() -> None:
    venue = exchange()
    venue.advance(START_MS + 1)
    with pytest.raises(OutOfRange, match="backwards"):
        venue.advance(START_MS)
    with pytest.raises(OutOfRange):
        venue.credit("me", "USDT", -1)


def test_ids_have_the_venues_form_and_depend_on_the_seed_alone() -> None:
    fills = []
    for _ in range(2):
        venue = exchange()
        order = venue.place("me", market(BUY, quote="5"))
        assert order.id == "C02__342252993005723644001"
        fills.append(venue.fills[0].trade_id)
    assert fills[0] == fills[1]
    assert len(fills[0]) == 32
    assert int(fills[0], 16)
