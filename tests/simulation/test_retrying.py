"""What is asked again, when and how often at most: every outcome has a rule, waits grow, and a spent budget holds back all but cancels."""

import pytest

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.trader import events as ev
from trader_core.trader.retrying import Budget, feed_wait_ms, may_ask, wait_ms, within
from trader_core.venues.port import Outcome, Reply, VenueOrderState

STEPS = (250, 500, 1_000, 2_000, 4_000, 8_000)
MINUTE_MS = 60_000


@pytest.fixture
def bench() -> Bench:
    """A machine that may ask ten questions at once and sixty in a minute, two of them left to cancels."""
    return Bench(bounds={"asks_per_minute": 60, "asks_burst": 10, "asks_reserve": 2})


def looks(bench: Bench, at_ms: int) -> int:
    return sum(isinstance(effect, ev.Look) for effect in bench.feed(ev.Tick(at_ms))[1])


ENDED, ABANDONED, UNKNOWN = OrderState.REJECTED, OrderState.ABANDONED, OrderState.UNKNOWN
AFTER = {
    Outcome.OK: UNKNOWN, Outcome.REJECTED: ENDED, Outcome.UNKNOWN: UNKNOWN, Outcome.RETRYABLE_READ: UNKNOWN, Outcome.NOT_FOUND: UNKNOWN,
    Outcome.RATE: ENDED, Outcome.AUTH: ENDED, Outcome.CLOCK: ENDED, Outcome.RESTRICTED: ENDED, Outcome.GATED: ABANDONED,
}  # fmt: skip
"""What becomes of an order whose submission came to an outcome without showing the order."""


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_sends_an_order_again_and_what_is_not_proven_is_looked_up(bench: Bench, outcome: Outcome) -> None:
    order = bench.sent()
    _, effects = bench.feed(ev.Answered(order.client_order_id, Reply(outcome), LATER_MS))
    assert order.state is AFTER[outcome]
    assert [type(effect) for effect in effects if not isinstance(effect, ev.Alert)] == ([ev.Look] if order.open else [])
    later = [effect for ms in range(1_000, 60_000, 1_000) for effect in bench.feed(ev.Tick(LATER_MS + ms))[1]]
    assert not any(isinstance(effect, ev.Submit | ev.Continue) for effect in later)
    assert any(isinstance(effect, ev.Look) for effect in later) is order.open


@pytest.mark.parametrize("tries", range(9))
def test_each_wait_lies_between_half_of_its_step_and_all_of_it(tries: int) -> None:
    step = STEPS[min(tries, 5)]
    waits = [wait_ms(STEPS, f"gh{n}", tries, Outcome.RETRYABLE_READ) for n in range(200)]
    assert all(step // 2 <= wait <= step for wait in waits)
    assert len(set(waits)) > 50, "no two orders in step"


def test_chance_is_the_same_in_every_process() -> None:
    assert [wait_ms(STEPS, "gh1", tries, Outcome.OK) for tries in range(3)] == [174, 466, 659]


def test_a_rate_limit_is_waited_out_longer_and_what_a_person_has_to_mend_longest() -> None:
    assert 1_000 <= wait_ms(STEPS, "gh1", 0, Outcome.RATE) <= 2_000
    assert 4_000 <= wait_ms(STEPS, "gh1", 0, Outcome.AUTH) <= 8_000


def test_a_cancel_is_asked_again_within_two_seconds_however_often_it_was() -> None:
    assert wait_ms(STEPS, "gh1", 50, Outcome.AUTH, canceling=True) <= 2_000


def test_bars_are_asked_for_again_after_one_second_at_first_and_eight_at_last() -> None:
    assert 500 <= feed_wait_ms("s", 0) <= 1_000
    assert 4_000 <= feed_wait_ms("s", 60) <= 8_000


def test_a_budget_of_sixty_a_minute_gives_one_a_second() -> None:
    budget = Budget()
    budget.fill(LATER_MS, 3, 60)
    assert [budget.take(1, 1) for _ in range(3)] == [True, True, False], "one is reserved"
    assert budget.wait_ms(1, 1, 60) == 1_000
    budget.fill(LATER_MS + 999, 3, 60)
    assert not budget.take(1, 1)
    budget.fill(LATER_MS + 1_000, 3, 60)
    assert budget.take(1, 1)


def test_a_budget_never_holds_more_than_its_burst_and_a_clock_that_is_set_back_gives_nothing() -> None:
    budget = Budget()
    budget.fill(LATER_MS, 3, 60)
    budget.fill(LATER_MS + 60 * MINUTE_MS, 3, 60)
    assert [budget.take(1) for _ in range(3)] == [True] * 3
    budget.fill(LATER_MS, 3, 60)
    budget.fill(LATER_MS + 60 * MINUTE_MS, 3, 60)
    assert budget.held == 0


def test_look_ups_wait_when_the_budget_is_spent_and_go_on_as_it_fills(bench: Bench) -> None:
    order = bench.opened()  # which is looked up once
    assert [looks(bench, LATER_MS) for _ in range(10)] == [1] * 7 + [0] * 3
    assert bench.state.watches[order.client_order_id].next_ms == LATER_MS + 1_000
    assert looks(bench, LATER_MS + 999) == 0
    assert looks(bench, LATER_MS + 1_000) == 1


def test_trades_that_were_not_read_for_want_of_budget_are_read_with_the_next_look(bench: Bench) -> None:
    order = bench.opened()
    while looks(bench, LATER_MS):
        pass
    assert bench.look(order, VenueOrderState.FILLED, order.qty) == []
    assert order.state is OrderState.OPEN
    bench.feed(ev.Tick(LATER_MS + 2_000))
    found = bench.feed(
        ev.Looked(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.FILLED, order.qty)), LATER_MS + 2_000)
    )[1]
    assert [type(effect) for effect in found] == [ev.FetchTrades]


def test_cancels_go_when_nothing_is_left(bench: Bench) -> None:
    order = bench.opened()
    while looks(bench, LATER_MS):
        pass
    cancel = ev.CancelOrder(order.client_order_id, bench.symbol)
    assert bench.say(Command.CANCEL_ALL)[1] == [cancel]
    for second in range(1, 6):
        assert bench.feed(ev.Tick(LATER_MS + second))[1] == [cancel]
    assert bench.state.budget.held < MINUTE_MS


def test_balances_wait_as_look_ups_do(bench: Bench) -> None:
    while may_ask(bench.state, LATER_MS):
        pass
    assert not may_ask(bench.state, LATER_MS + 999)
    assert may_ask(bench.state, LATER_MS + 1_000)


def test_a_session_without_a_budget_asks_as_often_as_it_has_questions() -> None:
    bench = Bench()
    bench.opened()
    assert [looks(bench, LATER_MS) for _ in range(20)] == [1] * 20


def test_the_lists_that_prove_an_end_may_take_what_looks_leave(bench: Bench) -> None:
    """A look costs one question and these cost two: beside many looks the budget would never hold both and the reserve."""
    order, state = bench.sent(), bench.state
    state.budget = Budget(LATER_MS, 2 * MINUTE_MS)
    look, lists = ev.Look(order.client_order_id, order.symbol), ev.ProveAbsence(order.client_order_id, order.symbol, 0)
    assert within(state, ev.Tick(LATER_MS), [look, lists, lists]) == [lists], "the reserve of two, and nothing beyond it"
