"""Caps, bands, halts and filters that change while the exchange runs."""

from dataclasses import replace

import pytest

from sandbox.config import START_MS
from sandbox.orders import BUY, SELL, Kind, NewOrder, No, Refused, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit, refusal
from trader_core.model.errors import OutOfRange, UnknownName
from trader_core.model.money import money


def test_an_account_may_have_so_many_open_orders_on_a_market_and_no_more() -> None:
    venue = exchange(rules=Rules(open_orders_max=2), btc="1")
    first = venue.place("me", limit(BUY, 20_000, 90_00))
    venue.place("me", NewOrder("BTCUSDT", SELL, Kind.STOP_LOSS, qty=20_000, stop=90_00))
    assert refusal(venue, limit(BUY, 20_000, 91_00)) is No.TOO_MANY
    assert refusal(venue, NewOrder("BTCUSDT", SELL, Kind.STOP_LOSS, qty=20_000, stop=90_00)) is No.TOO_MANY
    assert venue.place("me", limit(BUY, 20_000, 90_00, Kind.IOC)).status is Status.CANCELED, "what never rests is not counted"
    venue.credit("you", "USDT", money("100"))
    assert venue.place("you", limit(BUY, 20_000, 90_00)).status is Status.NEW
    venue.cancel("me", "BTCUSDT", first.id)
    assert venue.place("me", limit(BUY, 20_000, 91_00)).status is Status.NEW


@pytest.mark.parametrize(("price", "inside"), [(95_00, True), (94_99, False), (105_00, True), (105_01, False)])
def test_a_limit_may_lie_in_a_band_around_the_last_price(price: int, *, inside: bool) -> None:
    venue = exchange(rules=Rules(price_band_ppm=50_000))
    asked = limit(BUY, 20_000, price)
    if inside:
        assert venue.place("me", asked).status in (Status.NEW, Status.FILLED)
    else:
        assert refusal(venue, asked) is No.BAND


def test_an_order_at_market_has_no_limit_that_a_band_could_refuse() -> None:
    venue = exchange(rules=Rules(price_band_ppm=10), btc="1")
    assert venue.place("me", NewOrder("BTCUSDT", SELL, Kind.MARKET, qty=20_000)).status is Status.FILLED
    assert venue.place("me", NewOrder("BTCUSDT", SELL, Kind.STOP_LOSS, qty=20_000, stop=50_00)).is_waiting


def test_a_halted_market_accepts_nothing_and_fills_nothing_but_lets_go() -> None:
    venue = exchange({1: (98_00, 1_000_000), 2: (98_00, 1_000_000), 3: (97_00, 1_000_000)}, btc="1")
    kept, gone = venue.place("me", limit(BUY, 20_000, 99_00)), venue.place("me", limit(BUY, 20_000, 99_00))
    guard = venue.place("me", NewOrder("BTCUSDT", SELL, Kind.STOP_LOSS, qty=20_000, stop=98_00))
    venue.halted = {"BTCUSDT"}
    assert refusal(venue, limit(BUY, 20_000, 99_00)) is No.HALTED
    with pytest.raises(Refused):
        venue.accepted("me", limit(BUY, 20_000, 99_00))
    venue.advance(START_MS + 10_000)
    assert venue.fills == []
    assert venue.cancel("me", "BTCUSDT", gone.id).status is Status.CANCELED
    venue.halted.clear()
    venue.advance(START_MS + 15_000)
    assert [fill.order_id for fill in venue.fills] == [kept.id, guard.id]


def test_filters_can_change_while_orders_rest() -> None:
    venue = exchange()
    resting = venue.place("me", limit(BUY, 20_001, 90_01))
    venue.change_filters("BTCUSDT", tick=5, lot=1_000, qty_min=30_000, notional_min=money("5"))
    assert venue.find("me", "BTCUSDT", resting.id).status is Status.NEW
    assert refusal(venue, limit(BUY, 60_000, 90_01)) is No.TICK
    assert refusal(venue, limit(BUY, 60_001, 90_05)) is No.LOT
    assert refusal(venue, limit(BUY, 29_000, 90_05)) is No.QTY_MIN
    assert refusal(venue, limit(BUY, 55_000, 90_05)) is No.NOTIONAL_MIN
    assert refusal(venue, NewOrder("BTCUSDT", BUY, Kind.STOP_LOSS, qty=60_000, stop=101_01)) is No.TICK
    assert venue.place("me", limit(BUY, 60_000, 90_05)).status is Status.NEW
    venue.change_filters("BTCUSDT", tick=None, lot=None, qty_min=None, notional_min=None)
    assert venue.place("me", limit(BUY, 20_001, 90_01)).status is Status.NEW


def test_a_market_order_by_cost_buys_whole_lots() -> None:
    venue = exchange(usdt="100000")
    venue.change_filters("BTCUSDT", lot=7_000)
    best = venue.book("BTCUSDT").asks[0]
    assert best.qty % 7_000
    order = venue.place("me", NewOrder("BTCUSDT", BUY, Kind.MARKET, quote_qty=best.price * best.qty * 100 + money("1")))
    assert (order.status, order.qty % 7_000, order.filled) == (Status.FILLED, 0, order.qty)
    assert best.qty - 7_000 < order.qty <= best.qty + 10_000


def test_the_minimum_notional_of_the_rules_holds_where_no_filter_was_changed() -> None:
    venue = exchange()
    venue.change_filters("BTCUSDT", tick=10)
    venue.rules = replace(venue.rules, notional_min=money("7"))
    assert venue.filters("BTCUSDT").notional_min == money("7")


def test_filters_that_measure_nothing_are_refused_and_change_nothing() -> None:
    venue = exchange()
    before = venue.filters("BTCUSDT")
    for wrong in ({"tick": 0}, {"lot": -1}, {"qty_min": -1}, {"tick": 1.5}, {"lot": True}):
        with pytest.raises(OutOfRange):
            venue.change_filters("BTCUSDT", **wrong)
    with pytest.raises(UnknownName):
        venue.change_filters("BTCUSDT", step=1)
    with pytest.raises(Refused):
        venue.change_filters("XMRUSDT", tick=1)
    assert venue.filters("BTCUSDT") == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": "front"},
        {"self_trade": "never"},
        {"accounts_meet": "yes"},
        {"accounts_meet": 1},
        {"open_orders_max": -1},
        {"price_band_ppm": -1},
        {"taker_ppm": 1.5},
        {"taker_ppm": "500"},
    ],
)
def test_rules_of_other_words_types_or_signs_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OutOfRange, match=r"expected .*; found .*; "):
        Rules(**wrong)  # type: ignore[arg-type]
