"""What operators' words do, and what nobody but an operator clears."""

import pytest

from tests.simulation.bench import LATER_MS, Bench
from trader_core.engine.guard import mode_refusal
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Cause, Mode, Side
from trader_core.trader import events as ev
from trader_core.trader.machine import may_send
from trader_core.trader.records import Kind
from trader_core.venues.port import Outcome, Reply, VenueOrderState, VenueTrade


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_kill_outranks_the_close_all_before_it_and_not_the_one_after_it(bench: Bench) -> None:
    bench.bought()
    bench.say(Command.CLOSE_ALL)
    bench.say(Command.KILL)
    assert [str(o.state) for o in bench.state.orders.values()] == ["FILLED", "ABANDONED"]
    records, _ = bench.slot(-1)
    assert [record.kind for record in records] == [Kind.BARS]
    records, effects = bench.say(Command.CLOSE_ALL)
    assert [record.kind for record in records] == [Kind.FLAG, Kind.OPERATOR, Kind.EXITS, Kind.INTENT]
    assert records[3].body["cause"] == int(Cause.OPERATOR)
    assert isinstance(effects[0], ev.Continue)
    bench.say(Command.KILL)
    assert [str(o.state) for o in bench.state.orders.values()] == ["FILLED", "ABANDONED", "ABANDONED"]
    records, _ = bench.slot(-1)
    assert [record.kind for record in records] == [Kind.BARS], "a second kill withdraws the second close-all"


def test_close_all_sells_at_once_and_lets_nothing_in_until_a_resume(bench: Bench) -> None:
    held = bench.bought()
    records, effects = bench.say(Command.CLOSE_ALL)
    assert bench.state.mode is Mode.REDUCING
    outcome = next(record.body["outcome"] for record in records if record.kind is Kind.OPERATOR)
    assert bench.symbol in outcome
    assert "nothing new is opened until a resume" in outcome
    due = effects[0]
    assert isinstance(due, ev.Continue)
    order = bench.state.orders[due.client_order_ids[0]]
    assert (order.side.name, order.qty, order.cause) == ("SELL", held.qty, Cause.OPERATOR)
    bench.feed(ev.SendDue(due.client_order_ids, LATER_MS))
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.FILLED, order.qty)), LATER_MS))
    bench.trades(bench.trade(order, order.qty, "t2"))
    _, effects = bench.feed(ev.Reconciled((), LATER_MS))
    assert [effect.text for effect in effects if isinstance(effect, ev.Alert)] == [
        "close-all is done: no order is open, nothing is held, and the venue's books agree"
    ]
    assert bench.feed(ev.Reconciled((), LATER_MS))[1] == [], "said once"
    bench.slot(0)
    records, _ = bench.slot(10_000)
    assert [record.kind for record in records] == [Kind.BARS], "a target that rises afterwards is refused"
    bench.say(Command.RESUME)
    assert bench.state.flags == {}


def test_what_a_close_all_could_not_sell_is_tried_again_after_some_seconds(bench: Bench) -> None:
    bench.bought()
    _, effects = bench.say(Command.CLOSE_ALL)
    due = effects[0]
    assert isinstance(due, ev.Continue)
    bench.feed(ev.SendDue(due.client_order_ids, LATER_MS))
    order = bench.state.orders[due.client_order_ids[0]]
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.EXPIRED, 0)), LATER_MS))
    bench.look(order, VenueOrderState.EXPIRED)
    assert bench.feed(ev.Tick(LATER_MS + 4_000)) == ([], [])
    records, effects = bench.feed(ev.Tick(LATER_MS + 6_000))
    assert [record.kind for record in records] == [Kind.EXITS, Kind.INTENT]
    assert isinstance(effects[0], ev.Continue)
    assert effects[0].client_order_ids != due.client_order_ids


def test_a_word_is_carried_out_once_under_its_number(bench: Bench) -> None:
    bench.bought()
    bench.say(Command.PAUSE, 7)
    bench.say(Command.RESUME)
    assert bench.say(Command.PAUSE, 7) == ([], [])
    assert (bench.state.mode, bench.state.obeyed[7]) == (Mode.ACTIVE, "done")


def test_resume_is_refused_while_something_is_unresolved_or_unexplained(bench: Bench) -> None:
    order = bench.opened()
    bench.say(Command.KILL)
    assert order.state is OrderState.CANCELING
    bench.say(Command.RESUME)
    assert bench.state.obeyed[2] == "refused: 1 orders are unresolved"
    bench.look(order, VenueOrderState.CANCELED)
    bench.feed(ev.Reconciled(("AAA: 1 more",), LATER_MS))
    bench.say(Command.RESUME)
    assert bench.state.obeyed[3] == "refused: the books differ: AAA: 1 more"
    assert bench.state.mode is Mode.KILLED
    bench.feed(ev.Reconciled((), LATER_MS))
    bench.say(Command.RESUME)
    assert (bench.state.obeyed[4], bench.state.flags) == ("done", {})


def test_more_than_was_ordered_halts_until_a_person_has_looked_however_clean_the_books_are(bench: Bench) -> None:
    order = bench.opened()
    bench.trades(bench.trade(order, order.qty), bench.trade(order, 10, "t2"))
    assert bench.state.position(0) == order.qty + 10, "the venue's word is what happened"
    bench.feed(ev.Reconciled((), LATER_MS))
    assert (bench.state.mode, "overfill" in bench.state.flags) == (Mode.HALTED, True)
    bench.say(Command.RESUME)
    assert bench.state.mode is Mode.ACTIVE


def test_trades_that_cannot_be_booked_stop_what_is_new_and_say_why_once(bench: Bench) -> None:
    bench.opened()
    reply: Reply[list[VenueTrade]] = Reply(Outcome.RESTRICTED, code="fee", evidence="a fee in MX")
    records, effects = bench.feed(ev.TradesSeen(bench.symbol, reply, LATER_MS))
    assert [record.kind for record in records] == [Kind.ANOMALY, Kind.FLAG]
    assert [effect.text for effect in effects if isinstance(effect, ev.Alert)] == [
        f"trades of {bench.symbol} cannot be booked: a fee in MX"
    ]
    assert bench.state.mode is Mode.REDUCING
    assert bench.feed(ev.TradesSeen(bench.symbol, reply, LATER_MS)) == ([], [])


TABLE_OF_MODES = {
    # mode: new exposure, strategy exits, protective exits, close-all
    Mode.ACTIVE: (True, True, True, True), Mode.REDUCING: (False, True, True, True), Mode.HALTED: (False, False, True, True),
    Mode.KILLED: (False, False, False, True),
}  # fmt: skip
ORDERS = ((Side.BUY, Cause.TARGET), (Side.SELL, Cause.TARGET), (Side.SELL, Cause.PROTECT), (Side.SELL, Cause.OPERATOR))


@pytest.mark.parametrize("mode", Mode)
def test_machine_and_guard_follow_the_same_table_of_modes_row_by_row(mode: Mode) -> None:
    expected = TABLE_OF_MODES[mode]
    assert tuple(may_send(mode, side, cause) for side, cause in ORDERS) == expected
    assert tuple(mode_refusal(int(mode), int(side), int(cause)) == 0 for side, cause in ORDERS) == expected


def test_what_is_filled_only_after_a_close_all_is_sold_too_unless_a_kill_came_between() -> None:
    for killed in (False, True):
        one = Bench()
        order = one.opened()
        one.look(order, VenueOrderState.EXPIRED)
        one.say(Command.CLOSE_ALL)
        if killed:
            one.say(Command.KILL)
        one.trades(one.trade(order, 1_000))
        assert one.state.position(0) == 1_000, "the venue reported a fill only after the order's end"
        records, _ = one.feed(ev.Tick(LATER_MS + 60_000))
        assert [record.kind for record in records] == ([] if killed else [Kind.OPERATOR, Kind.EXITS, Kind.INTENT])
