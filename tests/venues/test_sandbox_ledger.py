"""Conservation: whatever is ordered, all balances and fees together stay what was paid in, to the unit."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.config import START_MS
from sandbox.ledger import DEPOSITS, FEES, MARKET, Ledger
from sandbox.matching import Exchange
from sandbox.orders import BUY, OPEN, SELL, Kind, NewOrder, Refused
from sandbox.pairs import PAIRS, Rules
from tests.venues.sandbox_market_fixed import BTC, FixedMarket
from trader_core.model.money import money

ORDERS = st.builds(
    NewOrder,
    symbol=st.just("BTCUSDT"),
    side=st.sampled_from([BUY, SELL]),
    kind=st.sampled_from(Kind),
    qty=st.integers(-1, 3_000_000),
    price=st.integers(0, 120_00) | st.integers(99_50, 100_50),
    quote_qty=st.sampled_from([0, 0, money("3"), money("77.77")]),
    client_id=st.sampled_from(["", "a", "b"]),
)
STEPS = st.lists(st.tuples(st.sampled_from(["me", "you"]), ORDERS | st.integers(0, 40_000) | st.just("cancel")), max_size=30)
FEES_PPM = st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)).map(sorted)


def check(venue: Exchange) -> None:
    assert venue.ledger.total("USDT") == 0
    assert venue.ledger.total("BTC") == 0
    assert venue.ledger.balance(FEES, "USDT").free == sum(fill.fee for fill in venue.fills)
    for account in ("me", "you"):
        orders = [order for order in venue.all_orders() if order.account == account]
        bought = sum(fill.qty * fill.side for fill in venue.fills if fill.account == account)
        spent = sum(fill.cost * fill.side + fill.fee for fill in venue.fills if fill.account == account)
        held = {name: sum(venue.ledger.balance(account, name)) for name in ("USDT", "BTC")}
        assert held == {"USDT": money("500") - spent, "BTC": money("2") + bought * BTC.qty_factor}
        for name, side in (("USDT", BUY), ("BTC", SELL)):
            locked = sum(order.locked for order in orders if order.asked.side == side)
            assert venue.ledger.balance(account, name).locked == locked
        assert all(order.locked == 0 for order in orders if order.status not in OPEN)
        assert all(0 <= order.filled <= order.qty for order in orders)


@settings(max_examples=150, deadline=None)
@given(STEPS, FEES_PPM, st.lists(st.tuples(st.integers(90_00, 110_00), st.integers(1, 900_000)), max_size=60))
def test_random_orders_conserve_every_unit(steps: list[tuple[str, object]], fees: list[int], path: list[tuple[int, int]]) -> None:
    market = FixedMarket(dict(enumerate(path)))
    venue = Exchange(market, Rules(maker_ppm=fees[0], taker_ppm=fees[1]), seed=1, start_ms=START_MS)
    for account in ("me", "you"):
        venue.credit(account, "USDT", money("500"))
        venue.credit(account, "BTC", money("2"))
    for account, step in steps:
        if isinstance(step, int):
            venue.advance(venue.now_ms + step)
        elif isinstance(step, NewOrder):
            with contextlib.suppress(Refused):
                venue.place(account, step)
        else:
            venue.cancel_all(account, "BTCUSDT")
        check(venue)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=8), st.integers(90_00, 110_00), st.integers(0, 3_000))
def test_a_fee_over_many_partial_fills_is_the_fee_of_one(parts: list[int], price: int, ppm: int) -> None:
    qty = sum(parts) + 20_000
    market = FixedMarket({row + 1: (80_00, part) for row, part in enumerate([*parts, 20_000])})
    venue = Exchange(market, Rules(maker_ppm=ppm, taker_ppm=ppm), seed=1, start_ms=START_MS)
    venue.credit("me", "USDT", money("1000"))
    order = venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=qty, price=min(price, 99_00)))
    venue.advance(START_MS + 60_000)
    (after,) = venue.all_orders()
    assert after.filled == qty
    assert len(venue.fills) == len(parts) + 1
    assert after.fee == -(-after.cost * ppm // 1_000_000)
    assert sum(fill.fee for fill in venue.fills) == after.fee
    assert order.locked == after.cost + after.fee, "what was locked was exactly what it cost"


def test_moves_and_locks_add_up() -> None:
    ledger = Ledger()
    ledger.move(DEPOSITS, "me", "USDT", 100)
    ledger.lock("me", "USDT", 30)
    assert ledger.balance("me", "USDT") == (70, 30)
    ledger.lock("me", "USDT", -30)
    ledger.move("me", MARKET, "USDT", 40)
    assert ledger.of("me") == {"USDT": (60, 0)}
    assert ledger.total("USDT") == 0
    assert ledger.accounts() == [DEPOSITS, "me", MARKET]


def test_every_pair_is_worth_whole_ledger_units() -> None:
    for pair in PAIRS:
        assert pair.notional_factor * 10 ** (pair.price_exp + pair.qty_exp) == 10**10
        assert pair.qty_factor * 10**pair.qty_exp == 10**10
