"""The guard is asked again when an intent is sent: what changed in between counts, and the record says who refused."""

from dataclasses import replace

import pytest

from simulation.market import PROTOCOL, START_MS, instruments
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.errors import ChainBroken, SessionHalted
from trader_core.model.money import UNIT
from trader_core.model.order import OrderState
from trader_core.model.plan import Plan
from trader_core.model.session import Cause, Refusal, Side
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import fold, opening
from trader_core.trader.sameness import same_plan
from trader_core.trader.tracked import Order
from trader_core.trader.verdicts import asked_again


@pytest.fixture
def bench() -> Bench:
    return Bench()


def intended(bench: Bench, target: int = 10_000) -> Order:
    """Have one order in INTENT."""
    _, effects = bench.slot(target)
    due = effects[0]
    assert isinstance(due, ev.Continue)
    return bench.state.orders[due.client_order_ids[0]]


def due(bench: Bench, order: Order) -> Record:
    """Let it be sent, and return what was written."""
    return bench.feed(ev.SendDue((order.client_order_id,), LATER_MS))[0][0]


def test_what_is_sent_carries_an_empty_verdict_and_the_hash_of_the_plan(bench: Bench) -> None:
    record = due(bench, intended(bench))
    assert (record.kind, record.body["verdicts"], record.body["plan"]) == (Kind.SENDING, 0, bench.state.plan.digest())


CHANGED = {
    # what changes between intent and sending, on the account or the slot: the layer that refuses
    "the mode": ({"mode": 2}, {}, Refusal.HALTED),
    "the breaker": ({"breaker": 13}, {}, Refusal.BREAKER_LOSSES),
    "open positions": ({"positions": 2}, {}, Refusal.POSITIONS),
    "the instrument": ({}, {"blocked": 1}, Refusal.INSTRUMENT_BLOCKED),
    "the venue's minimum": ({}, {"close": 1}, Refusal.SIZE_MIN),
    "cash": ({"cash": 10 * UNIT}, {}, Refusal.CASH),
    "the price": ({}, {"close": 1_800_000}, Refusal.COLLAR),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_buy_that_a_layer_refuses_at_the_moment_of_sending_is_given_up_in_that_layers_name(bench: Bench, what: str) -> None:
    account, slot, refusal = CHANGED[what]
    order = intended(bench)
    for name, value in account.items():
        bench.state.account[name] = value
    for name, value in slot.items():
        bench.state.slots[name][0] = value
    found, bits = asked_again(bench.state, order)
    assert found is refusal
    assert bits >> refusal // 10 & 1


def test_layers_of_exposure_count_and_rate_are_asked_without_the_order_itself(bench: Bench) -> None:
    order = intended(bench)
    reserve = int(bench.state.account["reserved"][0])
    plan = bench.state.plan_record
    plan["exposure_max"], plan["orders_per_hour"], plan["orders_per_instrument_day"] = reserve, 1, 1
    assert asked_again(bench.state, order) == (Refusal.NONE, 0)
    plan["exposure_max"] = reserve - 1
    assert asked_again(bench.state, order) == (Refusal.EXPOSURE, 1 << 4)
    plan["exposure_max"] = reserve
    bench.state.account["rate_count"] += 1
    bench.state.slots["entries_day"][0] += 1
    assert asked_again(bench.state, order) == (Refusal.INSTRUMENT_COUNT, 1 << 3 | 1 << 7)


def test_an_intent_is_given_up_by_the_block_that_came_in_between_and_its_reserve_is_free(bench: Bench) -> None:
    order = intended(bench)
    bench.feed(ev.BlockSeen(0, on=True, why="a gap", now_ms=LATER_MS))
    record = due(bench, order)
    assert (record.kind, record.body["refusal"], record.body["verdicts"]) == (Kind.MOVE, 33, 1 << 3)
    assert record.body["why"] == "layer 3 refuses it at the moment of sending: INSTRUMENT_BLOCKED"
    assert order.state is OrderState.ABANDONED
    assert int(bench.state.account["reserved"][0]) == 0


def test_a_reduction_is_asked_of_its_mode_and_of_what_there_is_and_of_no_other_layer(bench: Bench) -> None:
    bench.bought()
    order = intended(bench, 0)
    assert order.side is Side.SELL
    state = bench.state
    state.account["breaker"], state.account["positions"], state.account["rate_count"] = 13, 9, 10**6
    state.slots["blocked"][0] = 1
    assert asked_again(state, order) == (Refusal.NONE, 0)
    state.slots["position"][0] = order.qty - 1
    assert asked_again(state, order) == (Refusal.UNSELLABLE, 1 << 5), "only what is there is sold"
    state.account["mode"] = 2
    assert asked_again(state, order) == (Refusal.HALTED, 1 | 1 << 5)
    order.cause = Cause.PROTECT
    state.slots["position"][0] = order.qty
    assert asked_again(state, order) == (Refusal.NONE, 0)


def test_a_kill_between_intent_and_sending_gives_the_operators_exit_up_as_well(bench: Bench) -> None:
    bench.bought()
    _, effects = bench.say(Command.CLOSE_ALL)
    assert isinstance(effects[0], ev.Continue)
    order = bench.state.orders[effects[0].client_order_ids[0]]
    bench.say(Command.KILL)
    assert order.state is OrderState.ABANDONED


def test_a_journal_with_an_order_of_another_plan_is_not_recovered(bench: Bench) -> None:
    due(bench, intended(bench))
    at = next(at for at, record in enumerate(bench.journal) if record.kind is Kind.SENDING)
    changed = [*bench.journal]
    changed[at] = Record(Kind.SENDING, {**changed[at].body, "plan": "0" * 64})
    with pytest.raises(ChainBroken, match="sent under the plan of this session"):
        fold(changed)
    older = [*bench.journal]
    older[at] = Record(Kind.SENDING, {name: value for name, value in older[at].body.items() if name not in {"plan", "verdicts"}})
    assert fold(older).orders, "a journal of an earlier version names no plan"


def test_a_session_whose_row_has_another_plan_does_not_go_on() -> None:
    traded = instruments()[:1]
    plan = Plan("sma_cross", (("fast", 2), ("slow", 3)), (traded[0].symbol,), "1m", 1_000 * UNIT)
    state = fold([opening("bench", plan, traded, PROTOCOL, START_MS, {})])
    same_plan("bench", plan, state)
    with pytest.raises(SessionHalted, match=r"bench under the plan .* that it opened with"):
        same_plan("bench", replace(plan, stop_loss_ppm=10_000), state)
