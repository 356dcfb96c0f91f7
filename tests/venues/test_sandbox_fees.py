"""Fees in a third currency, and fees that change while orders rest."""

from dataclasses import replace

import pytest

from sandbox.config import START_MS
from sandbox.ledger import FEES
from sandbox.matching import Exchange
from sandbox.orders import BUY, SELL, Kind, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import exchange, limit
from trader_core.model.errors import OutOfRange
from trader_core.model.money import money

THIRD = Rules(maker_ppm=1_000, taker_ppm=1_000, fee_currency="MX", fee_rates=(("USDT", money("2.5")),))
"""0.1 %, and an MX is worth 2.50 USDT."""


def venue_with(mx: str, rules: Rules = THIRD, ticks: dict[int, tuple[int, int]] | None = None) -> Exchange:
    venue = exchange(ticks, rules, btc="1")
    venue.credit("me", "MX", money(mx))
    return venue


def test_a_fee_is_taken_in_the_third_currency_at_its_rate() -> None:
    venue = venue_with("1", ticks={1: (98_00, 1_000_000)})
    venue.place("me", limit(BUY, 500_000, 99_00))
    venue.advance(START_MS + 5_000)
    (fill,) = venue.fills
    assert (fill.cost, fill.fee, fill.fee_currency) == (money("49.5"), money("0.0198"), "MX"), "0.0495 USDT are 0.0198 MX"
    assert venue.ledger.of("me") == {"USDT": (money("950.5"), 0), "BTC": (money("1.5"), 0), "MX": (money("0.9802"), 0)}
    assert venue.ledger.balance(FEES, "MX").free == money("0.0198")
    assert venue.ledger.total("MX") == venue.ledger.total("USDT") == 0


def test_where_it_does_not_suffice_the_fee_is_taken_as_usual() -> None:
    venue = venue_with("0.0197", ticks={1: (98_00, 1_000_000)})
    venue.place("me", limit(BUY, 500_000, 99_00))
    venue.advance(START_MS + 5_000)
    (fill,) = venue.fills
    assert (fill.fee, fill.fee_currency) == (money("0.0495"), "USDT")
    assert venue.ledger.balance("me", "MX") == (money("0.0197"), 0)
    assert venue.ledger.balance("me", "USDT") == (money("950.4505"), 0)


def test_an_order_may_pay_some_fills_one_way_and_some_the_other() -> None:
    ticks = {1: (98_00, 200_000), 2: (98_00, 300_000)}
    venue = venue_with("0.00792", ticks=ticks)
    order = venue.place("me", limit(BUY, 500_000, 99_00))
    venue.advance(START_MS + 10_000)
    assert [(fill.fee, fill.fee_currency) for fill in venue.fills] == [(money("0.00792"), "MX"), (money("0.0297"), "USDT")]
    after = venue.find("me", "BTCUSDT", order.id)
    assert (after.status, after.fee, after.locked) == (Status.FILLED, money("0.0297"), 0)
    assert venue.ledger.of("me") == {"USDT": (money("950.4703"), 0), "BTC": (money("1.5"), 0), "MX": (0, 0)}


def test_a_seller_keeps_its_whole_proceeds() -> None:
    venue = venue_with("1", ticks={1: (102_00, 1_000_000)})
    venue.place("me", limit(SELL, 500_000, 101_00))
    venue.advance(START_MS + 5_000)
    assert venue.ledger.balance("me", "USDT").free == money("1050.5")
    assert venue.ledger.balance("me", "MX").free == money("0.9798")


def test_a_quote_without_a_rate_is_charged_as_usual() -> None:
    venue = venue_with(
        "1",
        replace(
            THIRD,
            fee_rates=(
                (
                    "EUR",
                    money("2"),
                ),
            ),
        ),
    )
    venue.place("me", limit(BUY, 20_000, 105_00, Kind.IOC))
    assert {fill.fee_currency for fill in venue.fills} == {"USDT"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"fee_currency": "MX"},
        {"fee_rates": (("USDT", 1),)},
        {"fee_currency": "MX", "fee_rates": (("USDT", 0),)},
        {"fee_currency": "MX", "fee_rates": (("USDT", "2"),)},
        {"fee_currency": 7, "fee_rates": (("USDT", 1),)},
    ],
)
def test_a_currency_without_a_rate_and_a_rate_without_a_currency_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        Rules(**wrong)  # type: ignore[arg-type]


def test_a_fee_that_rose_while_a_buy_rested_is_paid_from_what_is_free() -> None:
    venue = exchange({1: (98_00, 200_000), 2: (98_00, 300_000)}, Rules(maker_ppm=0, taker_ppm=500), usdt="100")
    order = venue.place("me", limit(BUY, 500_000, 99_00))
    assert order.locked == money("49.52475")
    venue.rules = Rules(maker_ppm=10_000, taker_ppm=10_000)
    venue.advance(START_MS + 10_000)
    after = venue.find("me", "BTCUSDT", order.id)
    assert (after.status, after.fee, after.locked) == (Status.FILLED, money("0.495"), 0)
    assert venue.ledger.balance("me", "USDT") == (money("50.005"), 0)


def test_where_nothing_is_free_the_fee_is_what_was_locked_for_it() -> None:
    venue = exchange({1: (98_00, 200_000), 2: (98_00, 300_000)}, Rules(maker_ppm=0, taker_ppm=500), usdt="49.52475")
    venue.place("me", limit(BUY, 500_000, 99_00))
    venue.rules = Rules(maker_ppm=10_000, taker_ppm=10_000)
    venue.advance(START_MS + 10_000)
    assert venue.all_orders()[0].status is Status.FILLED
    assert venue.ledger.of("me")["USDT"] == (0, 0)
    assert venue.ledger.balance(FEES, "USDT").free == money("0.02475")
