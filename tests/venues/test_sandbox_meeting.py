"""Accounts that meet: price, then the synthetic quantity, then time; and what an order does that meets its own account."""

from dataclasses import replace

import pytest

from sandbox.config import START_MS
from sandbox.ledger import FEES, MARKET
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, NewOrder, No, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit, refusal
from trader_core.model.money import UNIT, money

MEET = Rules(maker_ppm=1_000, taker_ppm=2_000, accounts_meet=True)


def together(rules: Rules = MEET, ticks: dict[int, tuple[int, int]] | None = None) -> Exchange:
    """An exchange of three accounts with 1000 USDT and 2 BTC each; between 99.99 and 100.01 nothing synthetic stands."""
    venue = exchange(ticks, rules, btc="2")
    for account in ("you", "third"):
        venue.credit(account, "USDT", money("1000"))
        venue.credit(account, "BTC", money("2"))
    assert venue.book("BTCUSDT").bids[0].price < 100_00 < venue.book("BTCUSDT").asks[0].price
    return venue


def fills(venue: Exchange) -> list[tuple[str, int, int, bool]]:
    return [(fill.account, fill.qty, fill.price, fill.maker) for fill in venue.fills]


def test_a_better_price_of_another_account_is_taken_before_the_market_and_both_pay_their_fee() -> None:
    venue = together()
    best = venue.book("BTCUSDT").bids[0]
    mine = venue.place("me", limit(BUY, 500_000, 100_00))
    yours = venue.place("you", limit(SELL, 600_000, best.price, Kind.IOC))
    assert fills(venue) == [("me", 500_000, 100_00, True), ("you", 500_000, 100_00, False), ("you", 100_000, best.price, False)]
    after = venue.find("me", "BTCUSDT", mine.id)
    assert (after.status, after.cost, after.fee, after.locked) == (Status.FILLED, money("50"), money("0.05"), 0)
    assert venue.ledger.of("me") == {"USDT": (money("949.95"), 0), "BTC": (money("2.5"), 0)}
    assert (yours.status, yours.cost) == (Status.FILLED, money("50") + best.price * 100_000 * 100)
    assert venue.ledger.balance(MARKET, "BTC").free == money("0.1"), "only what the market bought stays with it"
    assert venue.ledger.balance(FEES, "USDT").free == money("0.05") + yours.fee
    assert [venue.ledger.total(currency) for currency in ("USDT", "BTC")] == [0, 0]


def test_at_one_price_the_synthetic_quantity_goes_first_and_then_accounts_by_time() -> None:
    venue = together()
    best = venue.book("BTCUSDT").bids[0]
    venue.place("me", limit(BUY, 30_000, best.price))
    venue.place("third", limit(BUY, 30_000, best.price))
    venue.place("you", limit(SELL, best.qty + 40_000, best.price, Kind.IOC))
    assert fills(venue) == [
        ("you", best.qty, best.price, False),
        ("me", 30_000, best.price, True),
        ("you", 30_000, best.price, False),
        ("third", 10_000, best.price, True),
        ("you", 10_000, best.price, False),
    ]


def test_accounts_do_not_meet_unless_the_rules_say_so() -> None:
    venue = together(replace(MEET, accounts_meet=False))
    best = venue.book("BTCUSDT").bids[0]
    venue.place("me", limit(BUY, 500_000, 100_00))
    assert venue.book("BTCUSDT").bids[0] == best, "what rests is not shown"
    venue.place("you", limit(SELL, 50_000, best.price, Kind.IOC))
    assert fills(venue) == [("you", 50_000, best.price, False)]


def test_the_book_shows_what_accounts_have_resting_added_up_by_price() -> None:
    venue = together()
    before = venue.book("BTCUSDT")
    venue.place("me", limit(BUY, 20_000, 100_00))
    mine = venue.place("you", limit(BUY, 30_000, 100_00))
    venue.place("you", limit(BUY, 15_000, before.bids[0].price))
    assert venue.book("BTCUSDT").bids[:2] == ((100_00, 50_000), (before.bids[0].price, before.bids[0].qty + 15_000))
    assert venue.book("BTCUSDT").asks == before.asks
    venue.cancel("you", "BTCUSDT", mine.id)
    assert venue.book("BTCUSDT").bids[0] == (100_00, 20_000)


def test_a_synthetic_level_that_a_resting_order_would_have_taken_is_not_there() -> None:
    venue = together(ticks={1: (98_00, 10_000)})
    venue.place("me", limit(BUY, 100_000, 99_00))
    venue.advance(START_MS + 5_000)
    book = venue.book("BTCUSDT")
    assert fills(venue) == [("me", 10_000, 99_00, True)]
    assert book.bids[0] == (99_00, 90_000)
    assert book.asks[0].price > 99_00, "the market stands at 98.00, but what it offers below 99.00 is spoken for"
    order = venue.place("you", limit(BUY, 20_000, 100_00, Kind.IOC))
    assert order.cost >= 20_000 * 99_01 * UNIT // 10**8


def test_a_post_only_order_does_not_take_from_an_account_either() -> None:
    venue = together()
    venue.place("me", limit(BUY, 50_000, 100_00))
    assert refusal(venue, limit(SELL, 20_000, 100_00, Kind.LIMIT_MAKER), "you") is No.WOULD_TAKE
    assert refusal(venue, limit(SELL, 20_000, 100_00, Kind.LIMIT_MAKER)) is No.WOULD_TAKE, "nor from its own"


def test_an_order_that_must_fill_whole_counts_on_other_accounts() -> None:
    venue = together()
    venue.place("me", limit(BUY, 50_000, 100_00))
    assert venue.place("you", limit(SELL, 50_001, 100_00, Kind.FOK)).status is Status.CANCELED
    assert venue.fills == []
    assert venue.place("you", limit(SELL, 50_000, 100_00, Kind.FOK)).status is Status.FILLED


def test_a_market_order_by_cost_buys_from_accounts_too() -> None:
    venue = together()
    venue.place("me", limit(SELL, 100_000, 100_00))
    order = venue.place("you", NewOrder("BTCUSDT", BUY, Kind.MARKET, quote_qty=money("10")))
    assert (order.status, order.filled, order.cost) == (Status.FILLED, 100_000, money("10"))


@pytest.mark.parametrize(
    ("self_trade", "taker", "maker", "met"),
    [
        ("allow", (Status.PARTIALLY_FILLED, 70_000), (Status.FILLED, 50_000), []),
        ("expire_taker", (Status.CANCELED, 0), (Status.NEW, 0), ["taker"]),
        ("expire_maker", (Status.PARTIALLY_FILLED, 20_000), (Status.CANCELED, 0), ["maker"]),
    ],
)
def test_an_order_that_meets_its_own_account_trades_or_one_of_the_two_ends(
    self_trade: str, taker: tuple[Status, int], maker: tuple[Status, int], met: list[str]
) -> None:
    venue = together(replace(MEET, self_trade=self_trade))
    venue.place("me", limit(BUY, 50_000, 100_00, client_id="maker"))
    venue.place("you", limit(BUY, 20_000, 100_00))
    venue.place("me", limit(SELL, 100_000, 100_00, client_id="taker"))
    found = {order.asked.client_id: order for order in venue.orders("me")}
    assert (found["taker"].status, found["taker"].filled) == taker
    assert (found["maker"].status, found["maker"].filled) == maker
    assert [name for name, order in found.items() if order.self_met] == met
    locked = {currency: venue.ledger.balance("me", currency).locked for currency in ("USDT", "BTC")}
    assert locked == {"USDT": found["maker"].locked, "BTC": found["taker"].locked}
    assert [venue.ledger.total(currency) for currency in ("USDT", "BTC")] == [0, 0]


def test_an_order_that_cannot_fill_whole_ends_no_order_of_its_account() -> None:
    venue = together()
    mine = venue.place("me", limit(BUY, 50_000, 100_00))
    assert venue.place("me", limit(SELL, 10_000, 100_00, Kind.FOK)).status is Status.CANCELED
    assert venue.find("me", "BTCUSDT", mine.id).status is Status.NEW


def test_both_accounts_are_told_of_a_trade_between_them() -> None:
    venue, heard = together(), list[tuple[str, Status, int]]()
    venue.place("me", limit(BUY, 50_000, 100_00))
    venue.listeners.append(lambda said: heard.append((said.order.account, said.order.status, said.fill.qty if said.fill else 0)))
    venue.place("you", limit(SELL, 50_000, 100_00))
    assert heard == [("you", Status.NEW, 0), ("me", Status.FILLED, 50_000), ("you", Status.FILLED, 50_000)]
