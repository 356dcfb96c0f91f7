"""Stops that rest at the venue, driven by hand: placed for what is held, replaced, and gone before anything else is sold.

Bought is at 20,000.00, the stop lies 1 % below it, at 19,800.00, and its limit 10 % further down, at 17,820.00.
"""

from dataclasses import replace
from typing import Any

import pytest

from simulation.market import PROTOCOL
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.plan import Execution
from trader_core.model.session import Cause, Mode, Side
from trader_core.trader import books
from trader_core.trader import events as ev
from trader_core.trader.protecting import BACKOFF_MS, NAKED_MS_MAX
from trader_core.trader.records import Kind, Record
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrderState

RESTING = replace(PROTOCOL, stops="RESTING")
PLAN: dict[str, Any] = {"stop_loss_ppm": 10_000, "execution": Execution(resting=True)}


@pytest.fixture
def bench() -> Bench:
    return Bench(RESTING, **PLAN)


def stops(bench: Bench) -> list[Order]:
    return [order for order in bench.state.orders.values() if order.trigger]


def go_on(bench: Bench, effects: list[ev.Effect], now_ms: int = LATER_MS) -> list[ev.Effect]:
    """Let the intents of a step leave."""
    due = next(effect for effect in effects if isinstance(effect, ev.Continue))
    return bench.feed(ev.SendDue(due.client_order_ids, now_ms))[1]


def acked(bench: Bench, order: Order) -> None:
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.OPEN, 0)), LATER_MS))


def protected(bench: Bench, target: int = 10_000) -> Order:
    """Hold what one order bought, with its stop at the venue."""
    order = bench.opened(target)
    _, effects = bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [bench.trade(order, order.qty)]), LATER_MS))
    go_on(bench, effects)
    (stop,) = stops(bench)
    acked(bench, stop)
    return stop


def exit_sent(bench: Bench) -> Order:
    """Have the strategy want out, and its intent come to its turn."""
    _, effects = bench.slot(0)
    go_on(bench, effects)
    return [order for order in bench.state.orders.values() if order.side is Side.SELL and not order.trigger][-1]


def kinds(records: list[Record]) -> list[Kind]:
    return [record.kind for record in records]


def test_a_fill_wants_a_stop_for_all_that_is_held_and_it_leaves_as_one(bench: Bench) -> None:
    order = bench.opened()
    records, effects = bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [bench.trade(order, order.qty)]), LATER_MS))
    assert kinds(records) == [Kind.FILL, Kind.STOPS, Kind.INTENT]
    (submit,) = [effect for effect in go_on(bench, effects) if isinstance(effect, ev.Submit)]
    request, (stop,) = submit.request, stops(bench)
    assert (request.order_type, request.side, request.qty) == ("STOP", Side.SELL, order.qty)
    assert (request.trigger, request.limit) == (1_980_000, 1_782_000)
    assert (stop.cause, stop.state) == (Cause.PROTECT, OrderState.SENDING)
    acked(bench, stop)
    assert books.settled(bench.state), "a stop that rests keeps nobody from comparing the books"
    assert bench.feed(ev.Tick(LATER_MS))[0] == [], "one stop is enough"


def test_what_it_sells_is_booked_as_an_exit_and_latches_the_instrument(bench: Bench) -> None:
    stop = protected(bench)
    bench.look(stop, VenueOrderState.FILLED, stop.qty)
    bench.trades(bench.trade(stop, stop.qty, "t2", price=1_979_000))
    assert (stop.state, bench.state.position(0)) == (OrderState.FILLED, 0)
    records, _ = bench.slot(10_000)
    assert kinds(records) == [Kind.BARS], "a strategy that still says in does not buy back"
    assert int(bench.state.slots["latched"][0]) == 1
    assert stops(bench) == [stop]


def test_an_exit_waits_until_its_stop_has_ended_and_then_sells(bench: Bench) -> None:
    stop = protected(bench)
    order = exit_sent(bench)
    assert (order.state, stop.state) == (OrderState.INTENT, OrderState.CANCELING)
    effects = bench.look(stop, VenueOrderState.CANCELED)
    assert stop.state is OrderState.CANCELED
    go_on(bench, effects)
    assert (order.state, order.qty) == (OrderState.SENDING, stop.qty)


def test_an_exit_whose_stop_sold_meanwhile_is_given_up_and_the_rest_leaves_at_the_next_bar(bench: Bench) -> None:
    stop = protected(bench)
    order, part = exit_sent(bench), stop.qty // 2 // 10 * 10
    bench.trades(bench.trade(stop, part, "t2"))
    bench.look(stop, VenueOrderState.CANCELED, part)
    assert (stop.state, order.state) == (OrderState.CANCELED, OrderState.ABANDONED)
    rest = exit_sent(bench)
    assert (rest.state, rest.qty, rest.cause) == (OrderState.SENDING, stop.qty - part, Cause.PROTECT)


def test_a_stop_that_the_price_passed_without_selling_is_followed_by_the_traders_own_exit(bench: Bench) -> None:
    stop = protected(bench)
    _, effects = bench.slot(10_000, 1_700_000)
    go_on(bench, effects)
    assert stop.state is OrderState.CANCELING
    go_on(bench, bench.look(stop, VenueOrderState.CANCELED))
    order = list(bench.state.orders.values())[-1]
    assert (order.state, order.cause, order.trigger) == (OrderState.SENDING, Cause.PROTECT, 0)


@pytest.mark.parametrize("command", [Command.KILL, Command.CANCEL_ALL])
def test_a_kill_and_a_cancel_all_leave_it_where_it_is(bench: Bench, command: Command) -> None:
    stop = protected(bench)
    records, _ = bench.say(command)
    assert stop.state is OrderState.OPEN
    if command is Command.KILL:
        outcome = next(record.body["outcome"] for record in records if record.kind is Kind.OPERATOR)
        assert outcome == f"killed; stops stay at the venue for {bench.symbol}"
    bench.feed(ev.Boot(LATER_MS, 2, "test"))
    bench.look(stop, VenueOrderState.OPEN)
    assert stop.state is OrderState.OPEN, "found again, and neither cancelled nor unknown"
    bench.feed(ev.Reconciled((), LATER_MS))
    assert bench.state.flags.keys() == ({"kill"} if command is Command.KILL else set())


def test_a_kill_names_what_it_leaves_without_a_stop(bench: Bench) -> None:
    order = bench.opened()
    bench.trades(bench.trade(order, order.qty))
    records, _ = bench.say(Command.KILL)
    outcome = next(record.body["outcome"] for record in records if record.kind is Kind.OPERATOR)
    assert outcome == f"killed; without protection now: {bench.symbol}; `gatehouse close-all` sells them"
    assert [stop.state for stop in stops(bench)] == [OrderState.ABANDONED], "what has not left stays"
    bench.feed(ev.Tick(LATER_MS + 30_000))
    assert len(stops(bench)) == 1, "nothing new leaves"


def test_close_all_cancels_it_first_and_says_flat_only_when_it_is_gone(bench: Bench) -> None:
    stop = protected(bench)
    _, effects = bench.say(Command.CLOSE_ALL)
    assert stop.state is OrderState.CANCELING
    go_on(bench, effects)
    order = list(bench.state.orders.values())[-1]
    assert (order.cause, order.state) == (Cause.OPERATOR, OrderState.INTENT)
    go_on(bench, bench.look(stop, VenueOrderState.CANCELED))
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.FILLED, order.qty)), LATER_MS))
    bench.trades(bench.trade(order, order.qty, "t2"))
    _, effects = bench.feed(ev.Reconciled((), LATER_MS))
    assert any(isinstance(effect, ev.Alert) and "close-all is done" in effect.text for effect in effects)
    assert stops(bench) == [stop]


def test_it_is_replaced_when_more_is_held_and_never_beside_the_old_one(bench: Bench) -> None:
    stop = protected(bench, 5_000)
    more = bench.opened(10_000)
    part = more.qty // 2 // 10 * 10
    records = bench.trades(bench.trade(more, part, "t2"))
    assert kinds(records) == [Kind.FILL], "while the rest of a purchase is underway, the old one stays"
    bench.trades(bench.trade(more, more.qty - part, "t3"))
    assert stop.state is OrderState.CANCELING
    go_on(bench, bench.look(stop, VenueOrderState.CANCELED))
    assert [(one.qty, str(one.state)) for one in stops(bench)] == [(stop.qty, "CANCELED"), (stop.qty + more.qty, "SENDING")]


def test_a_trailing_level_replaces_it_when_it_has_moved_by_more_than_a_thousandth() -> None:
    bench = Bench(RESTING, trailing_ppm=10_000, execution=Execution(resting=True))
    stop = protected(bench)
    assert stop.trigger == 1_980_000
    bench.slot(-1, 2_001_000)
    assert bench.feed(ev.Tick(LATER_MS))[0] == [], "1,980,990 is less than a thousandth higher"
    bench.slot(-1, 2_010_000)
    records, _ = bench.feed(ev.Tick(LATER_MS))
    assert kinds(records) == [Kind.MOVE]
    _, effects = bench.feed(
        ev.Looked(stop.client_order_id, Reply(Outcome.OK, bench.shown(stop, VenueOrderState.CANCELED, 0)), LATER_MS)
    )  # fmt: skip
    go_on(bench, effects)
    assert [(one.trigger, str(one.state)) for one in stops(bench)] == [(1_980_000, "CANCELED"), (1_989_900, "SENDING")]


def test_a_venue_that_refuses_it_is_asked_so_often_and_no_more_and_then_people_are_told(bench: Bench) -> None:
    order = bench.opened()
    _, effects = bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [bench.trade(order, order.qty)]), LATER_MS))
    now = LATER_MS
    for wait_ms in [*BACKOFF_MS[1:], 0]:
        go_on(bench, effects, now)
        bench.feed(ev.Answered(stops(bench)[-1].client_order_id, Reply(Outcome.REJECTED, code="2010"), now))
        if wait_ms:
            assert not stops_wanted(bench.feed(ev.Tick(now + wait_ms - 1))[0])
            now += wait_ms
            effects = bench.feed(ev.Tick(now))[1]
    assert [str(stop.state) for stop in stops(bench)] == ["REJECTED"] * len(BACKOFF_MS)
    assert not stops_wanted(bench.feed(ev.Tick(now + 3_600_000))[0])
    assert bench.state.flags.keys() == {"naked"}
    assert bench.state.mode is Mode.REDUCING
    bench.say(Command.RESUME)
    bench.feed(ev.Tick(now + 3_600_000))
    assert len(stops(bench)) == len(BACKOFF_MS) + 1, "an operator's resume has it tried again"


def stops_wanted(records: list[Record]) -> bool:
    return any(record.kind is Kind.STOPS for record in records)


def test_a_position_without_its_stop_for_a_minute_reduces_until_it_has_one(bench: Bench) -> None:
    order = bench.opened()
    _, effects = bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [bench.trade(order, order.qty)]), LATER_MS))
    go_on(bench, effects)
    bench.feed(ev.Tick(LATER_MS + NAKED_MS_MAX))
    assert "naked" not in bench.state.flags
    bench.feed(ev.Tick(LATER_MS + NAKED_MS_MAX + 1))
    assert bench.state.mode is Mode.REDUCING
    acked(bench, stops(bench)[0])
    assert bench.state.flags == {}


def test_one_that_the_venue_lost_is_wanted_again_under_another_key(bench: Bench) -> None:
    stop = protected(bench)
    effects = bench.look(stop, VenueOrderState.CANCELED)
    assert effects == [], "not at once: it failed"
    _, effects = bench.feed(ev.Tick(LATER_MS + BACKOFF_MS[1]))
    go_on(bench, effects)
    one, two = stops(bench)
    assert one.client_order_id != two.client_order_id
    keys = [record.body["decision_key"] for record in bench.journal if record.kind is Kind.INTENT and "trigger" in record.body]
    assert [key.split("|")[-2:] for key in keys] == [["STOP", "1"], ["STOP", "2"]]


def test_a_session_that_ends_cancels_it_and_places_none(bench: Bench) -> None:
    stop = protected(bench)
    bench.say(Command.STOP)
    assert stop.state is OrderState.CANCELING
    bench.look(stop, VenueOrderState.CANCELED)
    assert bench.feed(ev.Tick(LATER_MS + 5_000))[0] == []
    assert not bench.state.pending


def test_without_the_venues_word_no_stop_is_an_order() -> None:
    bench = Bench(**PLAN)
    order = bench.opened()
    records = bench.trades(bench.trade(order, order.qty))
    assert kinds(records) == [Kind.FILL]
    _, effects = bench.slot(-1, 1_970_000)
    go_on(bench, effects)
    exit_ = list(bench.state.orders.values())[-1]
    assert (exit_.cause, exit_.state) == (Cause.PROTECT, OrderState.SENDING), "the trader watches it, also where the plan asks for more"
