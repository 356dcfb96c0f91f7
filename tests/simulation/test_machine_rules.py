"""Rules of the machine that simulation found broken, each by hand: one order, one event, what is written and asked for."""

import pytest

from simulation.market import PROTOCOL, STEP_MS
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.instrument import qty_text
from trader_core.model.money import UNIT, to_text
from trader_core.model.order import OrderState
from trader_core.model.session import Cause, Mode
from trader_core.trader import books
from trader_core.trader import events as ev
from trader_core.trader.machine import withheld
from trader_core.venues.port import Balance, Outcome, Reply, VenueOrderState


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_venue_that_does_not_cancel_is_asked_again_by_a_tick_and_not_at_once(bench: Bench) -> None:
    order = bench.opened()
    _, effects = bench.say(Command.KILL)
    assert effects == [ev.CancelOrder(order.client_order_id, bench.symbol)]
    assert bench.look(order, VenueOrderState.OPEN) == []
    _, effects = bench.feed(ev.Tick(LATER_MS + STEP_MS))
    assert effects == [ev.CancelOrder(order.client_order_id, bench.symbol)]


def test_an_order_that_is_found_after_a_kill_is_cancelled(bench: Bench) -> None:
    order = bench.sent()
    bench.say(Command.KILL)
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    assert order.state is OrderState.UNKNOWN
    assert bench.look(order, VenueOrderState.OPEN) == [ev.CancelOrder(order.client_order_id, bench.symbol)]


def test_a_restart_goes_on_cancelling(bench: Bench) -> None:
    order = bench.opened()
    bench.say(Command.CANCEL_ALL)
    _, effects = bench.feed(ev.Boot(LATER_MS, 2, "test"))
    assert order.state is OrderState.CANCELING
    assert effects == [ev.CancelOrder(order.client_order_id, bench.symbol)]


def test_a_restart_makes_what_was_being_sent_unknown_and_gives_up_what_had_not_left(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Boot(LATER_MS, 2, "test"))
    assert order.state is OrderState.UNKNOWN
    other = Bench()
    other.slot(10_000)
    other.feed(ev.Boot(LATER_MS, 2, "test"))
    assert [str(o.state) for o in other.state.orders.values()] == ["ABANDONED"]
    assert int(other.state.account["reserved"][0]) == 0


@pytest.mark.parametrize("word", [Command.KILL, Command.CANCEL_ALL, Command.CLOSE_ALL])
def test_what_has_not_left_is_given_up_by_kill_cancel_all_and_close_all(bench: Bench, word: Command) -> None:
    bench.slot(10_000)
    bench.say(word)
    assert [str(order.state) for order in bench.state.orders.values()] == ["ABANDONED"]
    assert int(bench.state.slots["buying"][0]) == 0


def test_books_that_differ_halt_and_have_the_fills_read_again(bench: Bench) -> None:
    _, effects = bench.feed(ev.Reconciled(("AAA: 1 more",), LATER_MS))
    assert bench.state.mode is Mode.HALTED
    assert [effect for effect in effects if isinstance(effect, ev.FetchTrades)] == [ev.FetchTrades(bench.symbol, LATER_MS - 86_400_000)]


def test_a_late_fill_is_booked_and_leaves_another_orders_quantity_in_flight(bench: Bench) -> None:
    first = bench.opened()
    bench.look(first, VenueOrderState.EXPIRED)
    second = bench.opened(5_000)
    in_flight, reserved = int(bench.state.slots["buying"][0]), int(bench.state.account["reserved"][0])
    bench.trades(bench.trade(first, 100))
    assert bench.state.position(0) == 100
    assert int(bench.state.slots["buying"][0]) == in_flight == second.qty
    assert int(bench.state.account["reserved"][0]) == reserved
    assert int(bench.state.account["positions"][0]) == 1
    assert bench.state.anomalies == 1


def test_a_fill_of_an_order_that_was_never_placed_lets_nothing_new_in(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.REJECTED), LATER_MS))
    bench.trades(bench.trade(order, 100))
    assert bench.state.position(0) == 100
    assert "dead_letter" in bench.state.flags
    assert bench.state.mode is Mode.REDUCING
    assert bench.state.letters[1]["raw"]["trade_id"] == "t1"


def test_a_trade_without_client_id_waits_until_no_order_of_its_symbol_is_unproven(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    anonymous = bench.trade(order, order.qty, client_order_id="")
    assert bench.trades(anonymous) == []
    bench.look(order, VenueOrderState.FILLED, order.qty)
    bench.trades(anonymous)
    assert order.state is OrderState.FILLED
    assert bench.state.anomalies == 0


def test_a_fee_that_the_venue_changes_later_is_not_booked_over_the_fill_and_shows_in_the_books(bench: Bench) -> None:
    order = bench.opened()
    bench.trades(bench.trade(order, order.qty, fee=UNIT))
    cash = int(bench.state.account["cash"][0])
    assert bench.trades(bench.trade(order, order.qty, fee=UNIT // 2)) == [], "a trade is booked once"
    assert int(bench.state.account["cash"][0]) == cash
    coin = bench.state.instruments[0]
    shown = [Balance(coin.base, qty_text(coin, order.qty), "0"), Balance(coin.quote, to_text(cash + UNIT // 2), "0")]
    baseline = {coin.quote: to_text(bench.state.plan.capital)}
    (found,) = books.differences(bench.state, baseline, shown)
    assert found.startswith(f"{coin.quote}: the journal explains ")
    bench.feed(ev.Reconciled((found,), LATER_MS))
    assert bench.state.mode is Mode.HALTED


def test_a_foreign_trade_is_counted_once_and_never_touched(bench: Bench) -> None:
    order = bench.bought()
    foreign = bench.trade(order, 5, "t9", client_order_id="somebody", venue_order_id="x")
    bench.trades(foreign)
    assert bench.trades(foreign) == []
    assert bench.state.anomalies == 1
    assert bench.state.position(0) == order.qty


def test_a_late_answer_to_a_quarantined_order_changes_nothing(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.RETRYABLE_READ), LATER_MS + PROTOCOL.give_up_ms))
    assert order.state is OrderState.QUARANTINED
    records, effects = bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS + PROTOCOL.give_up_ms))
    assert records == []
    assert effects == [ev.Look(order.client_order_id, bench.symbol)]


def test_absence_needs_two_negatives_after_the_last_moment_and_both_lists(bench: Bench) -> None:
    order = bench.sent()
    cid = order.client_order_id
    bench.feed(ev.Answered(cid, Reply(Outcome.UNKNOWN), order.sent_ms + 100))
    last = order.sent_ms + 5_000 + 10_000 + 1_000
    for now, proof in ((last, False), (last + 1, False), (last + 500, False), (last + 1_001, True)):
        _, effects = bench.feed(ev.Looked(cid, Reply(Outcome.NOT_FOUND), now))
        assert (effects == [ev.ProveAbsence(cid, bench.symbol, order.sent_ms - 1_000)]) is proof
    bench.feed(ev.AbsenceEvidence(cid, Reply(Outcome.OK, []), Reply(Outcome.RETRYABLE_READ), last + 2_000))
    assert str(order.state) == "UNKNOWN"
    bench.feed(ev.AbsenceEvidence(cid, Reply(Outcome.OK, []), Reply(Outcome.OK, []), last + 2_000))
    assert str(order.state) == "NOT_PLACED"
    assert int(bench.state.account["reserved"][0]) == 0


def test_the_last_gate_lets_an_operators_exit_pass_only_a_kill_that_the_machine_has_taken(bench: Bench) -> None:
    bench.bought()
    exit_order = bench.closing()
    cid = exit_order.client_order_id
    assert exit_order.cause is Cause.OPERATOR
    assert withheld(bench.state, cid, "") == ""
    assert withheld(bench.state, cid, "killed elsewhere") == "killed elsewhere"
    later = Bench()
    later.bought()
    later.say(Command.KILL)
    assert withheld(later.state, later.closing().client_order_id, "killed") == ""
    assert withheld(later.state, "gh-nobody", "") == "no journaled order has this client id"


def test_a_fill_before_the_answer_names_the_order_so_that_trades_without_client_id_find_it(bench: Bench) -> None:
    order = bench.sent()
    bench.trades(bench.trade(order, 100))
    assert (order.state, order.venue_order_id) == (OrderState.PARTIAL, f"v-{order.client_order_id}")
    bench.trades(bench.trade(order, 50, "t2", client_order_id=""))
    assert (order.filled, bench.state.anomalies) == (150, 0)


def test_an_answer_that_comes_after_a_nameless_fill_names_the_order(bench: Bench) -> None:
    order = bench.sent()
    bench.trades(bench.trade(order, 100, venue_order_id=""))
    assert (order.state, order.venue_order_id) == (OrderState.PARTIAL, "")
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.PARTIAL, 100)), LATER_MS))
    assert (order.state, order.venue_order_id) == (OrderState.PARTIAL, f"v-{order.client_order_id}")


def test_the_last_gate_lets_no_order_pass_that_has_ended_meanwhile(bench: Bench) -> None:
    order = bench.sent()
    assert withheld(bench.state, order.client_order_id, "") == ""
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.REJECTED, code="30004"), LATER_MS))
    assert withheld(bench.state, order.client_order_id, "") == "it is REJECTED by now"


def test_late_trades_are_read_by_the_minute_while_an_order_that_was_given_up_keeps_the_books_from_being_compared(bench: Bench) -> None:
    order = bench.sent()
    late = LATER_MS + 2 * bench.state.protocol.give_up_ms
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.RETRYABLE_READ), late))
    assert order.state is OrderState.QUARANTINED
    read = ev.FetchTrades(bench.symbol, late - 86_400_000)
    assert [read in bench.feed(ev.Tick(late + ms))[1] for ms in (0, 1)] == [True, False]
    assert ev.FetchTrades(bench.symbol, late + 60_000 - 86_400_000) in bench.feed(ev.Tick(late + 60_000))[1]


def test_an_exit_that_an_operator_wanted_before_a_kill_does_not_leave_after_it_and_one_wanted_later_does(bench: Bench) -> None:
    bench.bought()
    before = bench.closing()
    assert withheld(bench.state, before.client_order_id, "") == ""
    bench.feed(ev.FlagSeen("kill", on=True, why="storm", now_ms=LATER_MS))
    assert withheld(bench.state, before.client_order_id, "storm") == "a kill was taken after it was wanted"
    bench.feed(ev.Answered(before.client_order_id, Reply(Outcome.GATED), LATER_MS))
    after = bench.closing()
    assert withheld(bench.state, after.client_order_id, "storm") == ""
    assert withheld(bench.state, after.client_order_id, "storm", waits=True) == "storm", "and none while one more kill is not taken yet"
