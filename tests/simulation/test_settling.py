"""What the venue says of an order, and what the machine writes and asks for because of it: whole, with times."""

import pytest

from simulation.market import PROTOCOL
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Mode
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.retrying import wait_ms
from trader_core.venues.port import Outcome, Reply, VenueOrderState

SKEW_MS = PROTOCOL.skew_ms


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_answer_that_proves_absence_ends_the_order_and_asks_nothing(bench: Bench) -> None:
    order = bench.sent()
    records, effects = bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.REJECTED, code="30004"), LATER_MS))
    assert (order.state, [record.kind for record in records], effects) == (OrderState.REJECTED, [Kind.MOVE], [])


def test_a_refusal_that_needs_an_operator_is_told_and_lets_nothing_new_in(bench: Bench) -> None:
    order = bench.sent()
    _, effects = bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.RESTRICTED, code="700006"), LATER_MS))
    assert (order.state, effects) == (OrderState.REJECTED, [ev.Alert("the venue answers RESTRICTED 700006 to an order")])
    assert "restricted" in bench.state.flags


def test_a_late_answer_without_an_order_asks_nothing(bench: Bench) -> None:
    order = bench.opened()
    assert bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS)) == ([], [])
    assert order.state is OrderState.OPEN


def test_a_look_at_an_order_that_has_ended_is_not_counted_as_one_more(bench: Bench) -> None:
    order = bench.opened()
    bench.look(order, VenueOrderState.CANCELED)
    tries = {name: watch.tries for name, watch in bench.state.watches.items()}
    assert bench.look(order, VenueOrderState.CANCELED) == []
    assert {name: watch.tries for name, watch in bench.state.watches.items()} == tries


def test_an_order_that_stays_open_is_looked_at_again_after_a_pause_and_not_before(bench: Bench) -> None:
    order = bench.opened()
    bench.look(order, VenueOrderState.OPEN)
    watch = bench.state.watches[order.client_order_id]
    assert LATER_MS < watch.next_ms <= LATER_MS + 60_000
    look = ev.Look(order.client_order_id, bench.symbol)
    assert [look in bench.feed(ev.Tick(now))[1] for now in (watch.next_ms - 1, watch.next_ms)] == [False, True]


def test_fills_that_the_venue_tells_of_and_that_are_not_booked_are_read_before_the_order_ends(bench: Bench) -> None:
    order = bench.opened()
    fetch = ev.FetchTrades(bench.symbol, order.sent_ms - SKEW_MS)
    assert bench.look(order, VenueOrderState.CANCELED, 100) == [fetch]
    assert str(order.state) == "OPEN"
    bench.trades(bench.trade(order, 100))
    assert bench.look(order, VenueOrderState.CANCELED, 100) == []
    assert str(order.state) == "CANCELED"


def test_a_look_that_tells_of_less_than_is_booked_ends_nothing(bench: Bench) -> None:
    order = bench.opened()
    bench.trades(bench.trade(order, 100))
    assert bench.look(order, VenueOrderState.CANCELED, 50) == []
    assert order.state is OrderState.PARTIAL


def test_an_order_that_ended_with_fills_that_are_not_listed_yet_is_read_and_looked_at_in_turn(bench: Bench) -> None:
    order = bench.opened()
    bench.look(order, VenueOrderState.CANCELED, 100)
    watch, asked = bench.state.watches[order.client_order_id], []
    for _ in range(4):
        now = watch.next_ms
        asked += bench.feed(ev.Tick(now))[1]
        if isinstance(asked[-1], ev.Look):
            bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.CANCELED, 100)), now))
        assert now < watch.next_ms
    fetch, look = ev.FetchTrades(bench.symbol, order.sent_ms - SKEW_MS), ev.Look(order.client_order_id, bench.symbol)
    assert asked == [look, fetch, look, fetch]


def test_an_order_that_is_not_found_any_more_is_proven_ended_by_the_lists_after_all_must_be_visible(bench: Bench) -> None:
    order = bench.opened()
    cid = order.client_order_id
    last = order.sent_ms + order.window_ms + PROTOCOL.visibility_ms + SKEW_MS
    for now, gone in ((last, 0), (last + 1, 1), (last + 1_000, 1), (last + 1_001, 2)):
        assert bench.feed(ev.Looked(cid, Reply(Outcome.NOT_FOUND), now))[1] == []
        assert bench.state.watches[cid].gone == gone
    watch = bench.state.watches[cid]
    began_ms = watch.next_ms
    assert bench.feed(ev.Tick(began_ms))[1] == [ev.Look(cid, bench.symbol)]
    shown_ms = began_ms + PROTOCOL.visibility_ms + SKEW_MS
    assert bench.feed(ev.Tick(shown_ms))[1] == [ev.Look(cid, bench.symbol)]
    tries = watch.tries
    assert bench.feed(ev.Tick(shown_ms + 1))[1] == [ev.ProveAbsence(cid, bench.symbol, order.sent_ms - SKEW_MS)]
    assert watch.tries == tries + 1
    assert watch.next_ms > shown_ms + 1
    bench.feed(ev.AbsenceEvidence(cid, Reply(Outcome.OK, []), Reply(Outcome.OK, []), shown_ms + 2))
    assert order.state is OrderState.CANCELED


def test_an_order_of_unknown_fate_that_a_list_shows_is_open_and_is_looked_at(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    opens = Reply(Outcome.OK, [bench.shown(order, VenueOrderState.OPEN, 0)])
    _, effects = bench.feed(ev.AbsenceEvidence(order.client_order_id, opens, Reply(Outcome.OK, []), LATER_MS))
    assert (order.state, effects) == (OrderState.OPEN, [ev.Look(order.client_order_id, bench.symbol)])


def test_a_list_of_trades_that_has_one_of_the_order_books_it_instead_of_proving_absence(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    trades = Reply(Outcome.OK, [bench.trade(order, 100)])
    _, effects = bench.feed(ev.AbsenceEvidence(order.client_order_id, Reply(Outcome.OK, []), trades, LATER_MS))
    assert (order.state, order.filled, bench.state.position(0)) == (OrderState.PARTIAL, 100, 100)
    assert effects == [ev.Look(order.client_order_id, bench.symbol)]


def test_an_order_is_given_up_only_after_its_time_and_told_once(bench: Bench) -> None:
    order = bench.sent()
    cid, late = order.client_order_id, order.sent_ms + PROTOCOL.give_up_ms
    bench.feed(ev.Answered(cid, Reply(Outcome.UNKNOWN), LATER_MS))
    told = [ev.Alert(f"{cid} on {bench.symbol} is unresolved: look at the venue")]
    assert [bench.feed(ev.Looked(cid, Reply(Outcome.RETRYABLE_READ), late + ms))[1] for ms in (0, 1, 2)] == [[], told, []]


@pytest.mark.parametrize("word", [None, Command.CANCEL_ALL])
def test_the_pauses_between_looks_are_those_of_an_open_order_or_of_one_that_is_being_cancelled(bench: Bench, word: Command | None) -> None:
    order = bench.opened()
    if word is not None:
        bench.say(word)
    for tries in (0, 1, 2):
        bench.look(order, VenueOrderState.OPEN)
        pause_ms = wait_ms(PROTOCOL.look_backoff_ms, order.client_order_id, tries, Outcome.OK, canceling=word is not None)
        assert bench.state.watches[order.client_order_id].next_ms == LATER_MS + pause_ms


def gone(bench: Bench, client_order_id: str) -> int:
    """Have an open order not found twice, and return the first moment at which the lists prove that it has ended."""
    order = bench.state.orders[client_order_id]
    last = order.sent_ms + order.window_ms + PROTOCOL.visibility_ms + SKEW_MS
    for now in (last + 1, last + 1_001):
        bench.feed(ev.Looked(client_order_id, Reply(Outcome.NOT_FOUND), now))
    began_ms = bench.state.watches[client_order_id].next_ms
    bench.feed(ev.Tick(began_ms))
    return began_ms + PROTOCOL.visibility_ms + SKEW_MS + 1


def test_an_order_that_was_not_found_and_that_a_list_shows_has_not_ended_and_is_sought_anew(bench: Bench) -> None:
    order = bench.opened()
    now = gone(bench, order.client_order_id)
    opens = Reply(Outcome.OK, [bench.shown(order, VenueOrderState.OPEN, 0)])
    _, effects = bench.feed(ev.AbsenceEvidence(order.client_order_id, opens, Reply(Outcome.OK, []), now))
    look = ev.Look(order.client_order_id, bench.symbol)
    assert effects == [look]
    assert order.state is OrderState.OPEN
    watch = bench.state.watches[order.client_order_id]
    assert (watch.gone, watch.gone_ms) == (0, 0)
    assert bench.feed(ev.Tick(max(watch.next_ms, now)))[1] == [look]


def test_an_order_that_was_not_found_and_of_which_a_list_has_a_trade_is_looked_at_before_it_ends(bench: Bench) -> None:
    order = bench.opened()
    now = gone(bench, order.client_order_id)
    trades = Reply(Outcome.OK, [bench.trade(order, 100)])
    bench.feed(ev.AbsenceEvidence(order.client_order_id, Reply(Outcome.OK, []), trades, now))
    assert (order.state, order.filled) == (OrderState.PARTIAL, 100)


def test_a_fill_beyond_a_door_is_a_dead_letter_and_halts(bench: Bench) -> None:
    order = bench.opened()
    records, effects = bench.feed(
        ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [bench.trade(order, 100, price=10**18)]), LATER_MS),
    )
    said = f"a fill of {order.client_order_id} lies beyond a door"
    assert [(record.body["source"], record.body["why"]) for record in records if record.kind is Kind.LETTER] == [("FILL", said)]
    assert (bench.state.flags["fault"], bench.state.mode) == ("a fill lies beyond a door", Mode.HALTED)
    assert effects == [ev.Alert(f"dead letter 1: {said}"), ev.Look(order.client_order_id, bench.symbol)]


def test_a_nameless_trade_of_one_symbol_does_not_wait_for_an_order_of_another() -> None:
    bench = Bench(coins=2)
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    other = bench.state.instruments[1].symbol
    for symbol, fate in ((bench.symbol, "trades_waiting"), (other, "trades_foreign")):
        trade = bench.trade(order, 100, f"t of {symbol}", client_order_id="", venue_order_id="v-9", symbol=symbol)
        bench.feed(ev.TradesSeen(symbol, Reply(Outcome.OK, [trade]), LATER_MS))
        assert bench.state.tally[fate] == 1
