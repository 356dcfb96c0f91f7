"""Saving and restoring: an exchange goes on as if nothing had been, and a damaged state is refused."""

import contextlib
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.config import START_MS
from sandbox.due import Note
from sandbox.matching import Exchange
from sandbox.orders import BUY, OPEN, SELL, Kind, NewOrder, Refused, Status
from sandbox.pairs import Rules
from tests.venues.sandbox_market_fixed import BTC, FixedMarket, exchange, limit
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.money import money

RULES = st.builds(
    Rules,
    maker_ppm=st.integers(0, 1_000),
    taker_ppm=st.integers(1_000, 3_000),
    read_lag_ms=st.sampled_from([0, 7_000]),
    duplicates=st.sampled_from(["open", "accept"]),
    fee_in=st.sampled_from(["quote", "received"]),
    accounts_meet=st.booleans(),
    self_trade=st.sampled_from(["allow", "expire_taker", "expire_maker"]),
    queue=st.sampled_from(["through", "touch"]),
    open_orders_max=st.sampled_from([0, 3]),
).flatmap(lambda rules: st.sampled_from([rules, replace(rules, fee_currency="MX", fee_rates=(("USDT", money("2.5")),))]))
ORDERS = st.builds(
    NewOrder,
    symbol=st.just(BTC.id),
    side=st.sampled_from([BUY, SELL]),
    kind=st.sampled_from(Kind),
    qty=st.integers(10_000, 900_000),
    price=st.integers(96_00, 104_00) | st.integers(99_90, 100_10),
    quote_qty=st.sampled_from([0, 0, money("77.77")]),
    client_id=st.sampled_from(["", "a", "b"]),
    stop=st.integers(96_00, 104_00),
)
FEES_UP = "fees up"
STEPS = st.lists(
    st.tuples(st.sampled_from(["me", "you"]), ORDERS | ORDERS | st.integers(0, 40_000) | st.sampled_from(["cancel", FEES_UP])),
    min_size=5,
    max_size=40,
)
PATH = st.lists(st.tuples(st.integers(96_00, 104_00) | st.integers(99_90, 100_10), st.integers(1, 900_000), st.booleans()), max_size=60)


def market_of(path: list[tuple[int, int, bool]]) -> FixedMarket:
    return FixedMarket({row: tick[:2] for row, tick in enumerate(path)}, [row for row, tick in enumerate(path) if tick[2]])


def opened(market: FixedMarket, rules: Rules) -> Exchange:
    venue = Exchange(market, rules, seed=1, start_ms=START_MS)
    for account in ("me", "you"):
        for currency, amount in (("USDT", "300"), ("BTC", "2"), ("MX", "0.05")):
            venue.credit(account, currency, money(amount))
    return venue


def act(venue: Exchange, account: str, step: object) -> None:
    if isinstance(step, int):
        venue.advance(venue.now_ms + step)
    elif isinstance(step, NewOrder):
        with contextlib.suppress(Refused):
            venue.place(account, step)
    elif step == FEES_UP:
        venue.rules = replace(venue.rules, maker_ppm=5_000, taker_ppm=5_000)
    else:
        venue.cancel_all(account, BTC.id)


def look(venue: Exchange) -> tuple[object, ...]:
    """Everything that anybody can see, now and by reads that lag."""
    accounts = venue.ledger.accounts()
    held = {account: venue.ledger.of(account) for account in accounts}
    reads = [(venue.orders(account), venue.open_orders(account), venue.fills_of(account)) for account in ("me", "you")]
    return venue.now_ms, venue.rules, held, venue.all_orders(), venue.fills, reads, venue.book(BTC.id), venue.resting[BTC.id].ahead


def again(venue: Exchange, market: FixedMarket) -> Exchange:
    return Exchange.restored(market, None, json.loads(json.dumps(venue.saved())))


def check(venue: Exchange) -> None:
    """The books balance, what is locked is what orders locked, and every balance is what was paid in and what fills moved."""
    for currency in ("USDT", "BTC", "MX"):
        assert venue.ledger.total(currency) == 0
    for account in ("me", "you"):
        orders = [order for order in venue.all_orders() if order.account == account]
        for currency, side in (("USDT", BUY), ("BTC", SELL)):
            locked = sum(order.locked for order in orders if order.asked.side == side and order.status in OPEN)
            assert venue.ledger.balance(account, currency).locked == locked
        assert all(0 <= order.filled <= order.qty for order in orders)
        assert all(not order.locked for order in orders if order.status not in OPEN)
        fills = [fill for fill in venue.fills if fill.account == account]
        flows = {"USDT": money("300"), "BTC": money("2"), "MX": money("0.05")}
        for fill in fills:
            flows["USDT"] -= fill.cost * fill.side
            flows["BTC"] += fill.qty * BTC.qty_factor * fill.side
            flows[fill.fee_currency] -= fill.fee
        assert {currency: sum(venue.ledger.balance(account, currency)) for currency in flows} == flows


@settings(max_examples=250, deadline=None)
@given(RULES, STEPS, PATH, st.integers(0, 40))
def test_an_exchange_that_was_saved_and_restored_goes_on_as_if_nothing_had_been(
    rules: Rules, steps: list[tuple[str, object]], path: list[tuple[int, int, bool]], at: int
) -> None:
    market = market_of(path)
    one, other = opened(market, rules), opened(market, rules)
    for count, (account, step) in enumerate(steps):
        if count == min(at, len(steps) - 1):
            other = again(other, market)
            assert look(other) == look(one)
        act(one, account, step)
        act(other, account, step)
        check(one)
    assert look(other) == look(one)
    assert json.dumps(other.saved()) == json.dumps(one.saved())


@settings(max_examples=150, deadline=None)
@given(RULES.filter(lambda rules: rules.accounts_meet), STEPS, PATH)
def test_orders_of_two_accounts_that_meet_never_rest_across_each_other(
    rules: Rules, steps: list[tuple[str, object]], path: list[tuple[int, int, bool]]
) -> None:
    venue = opened(market_of(path), rules)
    for account, step in steps:
        act(venue, account, step)
        book = venue.book(BTC.id)
        assert not book.bids or not book.asks or book.bids[0].price < book.asks[0].price


def test_a_saved_state_names_its_version_and_is_plain_json() -> None:
    venue = exchange({1: (98_00, 1_000)}, btc="1")
    venue.place("me", limit(BUY, 20_000, 99_00))
    venue.place("me", NewOrder(BTC.id, SELL, Kind.STOP_LOSS, qty=20_000, stop=90_00))
    venue.place("me", NewOrder(BTC.id, BUY, Kind.MARKET, qty=20_000))
    venue.halted = {BTC.id}
    state = venue.saved()
    venue.change_filters(BTC.id, tick=5)
    assert state["version"] == 1
    assert json.loads(json.dumps(state)) == state
    assert (state["halted"], state["filters"], venue.saved()["filters"]) == ([BTC.id], {}, {BTC.id: {"tick": 5}})


def test_other_rules_may_be_given_to_a_restored_exchange() -> None:
    venue = exchange()
    state, rules = venue.saved(), Rules(taker_ppm=900)
    assert Exchange.restored(venue.market, rules, state).rules == rules
    assert Exchange.restored(venue.market, None, state).rules == venue.rules


def test_a_note_is_saved_and_handed_to_its_handler_when_it_is_due() -> None:
    venue, heard = exchange(), list[tuple[int, object]]()
    venue.schedule(START_MS + 2_000, Note("later", ["two"]))
    venue.schedule(START_MS + 1_000, Note("later", {"one": 1}))
    venue = again(venue, FixedMarket({}))
    venue.handlers["later"] = lambda data: heard.append((venue.now_ms, data))
    venue.advance(START_MS + 5_000)
    assert heard == [(START_MS + 1_000, {"one": 1}), (START_MS + 2_000, ["two"])]


def test_a_note_that_nobody_handles_is_named() -> None:
    venue = exchange()
    venue.schedule(START_MS + 1_000, Note("later", 1))
    with pytest.raises(UnknownName, match="later"):
        exchange().become(venue)
    with pytest.raises(UnknownName, match="later"):
        venue.advance(START_MS + 1_000)


def test_a_scheduled_call_of_code_cannot_be_saved_and_the_message_says_when_it_is_over() -> None:
    venue = exchange()
    venue.schedule(START_MS + 1_000, lambda: None)
    with pytest.raises(BadInput, match=rf"1 calls of code, the first due at {START_MS + 1_000}; save when these are done"):
        venue.saved()
    venue.advance(START_MS + 1_000)
    assert venue.saved()["due"] == []


def test_an_exchange_becomes_another_and_keeps_its_listeners() -> None:
    one, other, heard = exchange(), exchange(usdt="7"), list[Status]()
    one.listeners.append(lambda said: heard.append(said.order.status))
    other.place("me", limit(BUY, 20_000, 90_00))
    one.become(other)
    assert one.ledger.of("me") == other.ledger.of("me")
    one.cancel_all("me", BTC.id)
    assert heard == [Status.CANCELED]


def busy() -> dict[str, Any]:
    venue = exchange({1: (98_00, 10_000)}, btc="1")
    venue.place("me", limit(BUY, 20_000, 99_00))
    venue.place("me", limit(SELL, 20_000, 105_00))
    venue.advance(START_MS + 5_000)
    state: dict[str, Any] = json.loads(json.dumps(venue.saved()))
    return state


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another version": lambda state: state.update(version=2),
    "another market": lambda state: state.update(markets=["BTCEUR"]),
    "other columns": lambda state: state["columns"]["Fill"].pop(),
    "a part is missing": lambda state: state.pop("ledger"),
    "an order is missing": lambda state: state["orders"].pop(0),
    "an order of another type": lambda state: state["orders"][0].__setitem__(3, "20000"),
    "an unknown status": lambda state: state["orders"][0].__setitem__(7, "LOST"),
    "a short row": lambda state: state["fills"][0].pop(),
    "books that do not balance": lambda state: state["ledger"]["me"].update(USDT=[1, 0]),
    "a debt": lambda state: state["ledger"]["me"].update(USDT=[-1, 0]),
    "a lock that no order has": lambda state: state["ledger"]["me"].update(BTC=[9_000_000_000, 1_000_000_000]),
    "unknown rules": lambda state: state["rules"].update(mood="good"),
    "rules that are none": lambda state: state["rules"].update(queue="front"),
    "halted what is not there": lambda state: state.update(halted=["XMRUSDT"]),
    "no number": lambda state: state.update(now_ms="soon"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_with_a_message(damage: str) -> None:
    state = busy()
    Exchange.restored(FixedMarket({}), None, copy.deepcopy(state))
    DAMAGES[damage](state)
    with pytest.raises((BadInput, Refused), match=r"expected .*; found .*; "):
        Exchange.restored(FixedMarket({}), None, state)


@pytest.mark.parametrize("state", [None, [], "x", {}, 7])
def test_what_is_no_state_at_all_is_refused(state: object) -> None:
    with pytest.raises(BadInput, match="version 1"):
        Exchange.restored(FixedMarket({}), None, state)
