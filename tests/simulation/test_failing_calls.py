"""The breaker of errors, by hand: ten calls in a minute, six of them failed; a quiet time; and a third trip within an hour."""

import pytest

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Mode
from trader_core.trader import events as ev
from trader_core.trader.failing import latched
from trader_core.trader.records import Kind
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrderState

MINUTE_MS = 60_000


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ask(bench: Bench, order: Order, failed: int, fine: int, at_ms: int) -> None:
    """Have the order looked up at one moment: first what fails, then what does not."""
    for outcome in [Outcome.RETRYABLE_READ] * failed + [Outcome.NOT_FOUND] * fine:
        bench.feed(ev.Looked(order.client_order_id, Reply(outcome), at_ms))


def test_six_failed_calls_of_ten_let_nothing_new_in_and_five_do(bench: Bench) -> None:
    order = bench.opened()  # whose answer was one good call
    ask(bench, order, 5, 4, LATER_MS)
    assert bench.state.flags == {}
    ask(bench, order, 1, 0, LATER_MS + 1)
    assert bench.state.mode is Mode.REDUCING
    assert bench.state.flags["errors"] == "6 of the last 11 calls about orders failed or proved nothing"


def test_nine_failed_calls_are_too_few_to_judge_by(bench: Bench) -> None:
    order = bench.sent()
    ask(bench, order, 9, 0, LATER_MS)
    assert bench.state.mode is Mode.ACTIVE
    ask(bench, order, 1, 0, LATER_MS)
    assert "errors" in bench.state.flags


def test_a_call_counts_for_a_minute(bench: Bench) -> None:
    order = bench.sent()
    ask(bench, order, 9, 0, LATER_MS)
    ask(bench, order, 1, 0, LATER_MS + MINUTE_MS)
    assert bench.state.mode is Mode.ACTIVE


def test_submissions_cancels_trades_and_open_orders_count_and_what_our_own_gate_held_back_does_not(bench: Bench) -> None:
    order = bench.sent()
    failed: Reply[list] = Reply(Outcome.RETRYABLE_READ)  # type: ignore[type-arg]
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.RATE), LATER_MS, cancel=Outcome.UNKNOWN))
    bench.feed(ev.TradesSeen(bench.symbol, failed, LATER_MS))
    bench.feed(ev.AbsenceEvidence(order.client_order_id, failed, failed, LATER_MS))
    assert (len(bench.state.calls.recent), bench.state.calls.failed) == (6, 6)
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.GATED), LATER_MS))
    assert len(bench.state.calls.recent) == 6


def test_a_purchase_is_held_back_and_a_sale_a_look_and_a_cancel_go_on(bench: Bench) -> None:
    order = bench.opened()
    bench.trades(bench.trade(order, order.qty // 2))
    ask(bench, order, 10, 0, LATER_MS)
    assert "errors" in bench.state.flags
    _, effects = bench.feed(ev.Tick(LATER_MS + MINUTE_MS))
    assert effects == [ev.Look(order.client_order_id, bench.symbol)]
    _, effects = bench.say(Command.CANCEL_ALL)
    assert effects == [ev.CancelOrder(order.client_order_id, bench.symbol)]
    bench.look(order, VenueOrderState.CANCELED, order.qty // 2)
    sale = bench.sent(0)
    assert (sale.side.name, sale.state) == ("SELL", OrderState.SENDING)
    bench.look(sale, VenueOrderState.EXPIRED)
    _, effects = bench.slot(10_000)
    assert [effect for effect in effects if isinstance(effect, ev.Continue)] == []


def test_two_quiet_minutes_let_new_risk_in_again(bench: Bench) -> None:
    order = bench.opened()
    ask(bench, order, 10, 0, LATER_MS)
    bench.feed(ev.Tick(LATER_MS + 2 * MINUTE_MS - 1))
    assert "errors" in bench.state.flags
    bench.feed(ev.Tick(LATER_MS + 2 * MINUTE_MS))
    assert bench.state.mode is Mode.ACTIVE


def test_two_minutes_are_not_quiet_while_the_few_calls_that_are_made_fail(bench: Bench) -> None:
    order = bench.opened()
    ask(bench, order, 10, 0, LATER_MS)
    ask(bench, order, 1, 0, LATER_MS + 2 * MINUTE_MS - 1)
    bench.feed(ev.Tick(LATER_MS + 2 * MINUTE_MS))
    assert "errors" in bench.state.flags
    bench.feed(ev.Tick(LATER_MS + 3 * MINUTE_MS))
    assert "errors" not in bench.state.flags


def test_after_the_third_trip_within_an_hour_only_an_operator_lets_new_risk_in(bench: Bench) -> None:
    order = bench.opened()
    for trip in range(3):
        ask(bench, order, 10, 0, LATER_MS + trip * 10 * MINUTE_MS)
        assert latched(bench.state) is (trip == 2)
        bench.feed(ev.Tick(LATER_MS + (trip * 10 + 9) * MINUTE_MS))
        assert ("errors" in bench.state.flags) is (trip == 2)
    bench.say(Command.RESUME)
    assert "errors" not in bench.state.flags
    ask(bench, order, 10, 0, LATER_MS + 30 * MINUTE_MS)
    assert latched(bench.state), "one more within the hour is one too many"


def test_a_third_trip_after_more_than_an_hour_closes_by_itself(bench: Bench) -> None:
    order = bench.opened()
    for at in (0, 10, 61):
        ask(bench, order, 10, 0, LATER_MS + at * MINUTE_MS)
        bench.feed(ev.Tick(LATER_MS + (at + 5) * MINUTE_MS))
    assert bench.state.error_trips == [LATER_MS + at * MINUTE_MS for at in (0, 10, 61)]
    assert bench.state.mode is Mode.ACTIVE


def test_a_restart_keeps_the_breaker_open_for_a_quiet_time_of_its_own(bench: Bench) -> None:
    order = bench.opened()
    ask(bench, order, 10, 0, LATER_MS)
    bench.feed(ev.Boot(LATER_MS + 10 * MINUTE_MS, 2, "test"))
    assert "errors" in bench.state.flags
    assert not bench.state.calls.recent
    bench.feed(ev.Tick(LATER_MS + 12 * MINUTE_MS))
    assert "errors" not in bench.state.flags


def test_a_clock_that_is_set_back_opens_nothing_early(bench: Bench) -> None:
    order = bench.opened()
    ask(bench, order, 10, 0, LATER_MS)
    bench.feed(ev.Tick(LATER_MS - 5 * MINUTE_MS))
    assert "errors" in bench.state.flags
    ask(bench, order, 0, 12, LATER_MS - 5 * MINUTE_MS)
    assert bench.state.calls.now_ms == LATER_MS


def test_the_flag_is_written_once_and_told(bench: Bench) -> None:
    order = bench.opened()
    ask(bench, order, 12, 0, LATER_MS)
    flags = [record.body for record in bench.journal if record.kind is Kind.FLAG and record.body["flag"] == "errors"]
    assert [body["on"] for body in flags] == [True]
