"""Venues that can do less: what cannot be proven is never claimed, holds its reserve, and is believed when it shows after all."""

from dataclasses import replace

import pytest

from simulation.draw import draw
from simulation.world import World
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.trader import events as ev
from trader_core.trader.machine import step
from trader_core.trader.tracked import Order, hurry
from trader_core.venues.port import Outcome, Reply, VenueOrderState

WEAK = ({"validity_window": False}, {"lookup": False}, {"validity_window": False, "lookup": False})


def absent(bench: Bench, client_order_id: str) -> list[ev.Effect]:
    return bench.feed(ev.AbsenceEvidence(client_order_id, Reply(Outcome.OK, []), Reply(Outcome.OK, []), LATER_MS))[1]


@pytest.mark.parametrize("bounds", WEAK, ids=str)
def test_an_order_of_unknown_fate_is_quarantined_where_nothing_proves_that_it_was_never_placed(bounds: dict[str, bool]) -> None:
    bench = Bench(bounds=bounds)
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    effects = absent(bench, order.client_order_id)
    assert [one.state for one in bench.state.pending.values()] == [OrderState.QUARANTINED]
    assert [type(effect) for effect in effects] == [ev.Alert]
    assert int(bench.state.slots["buying"][0]) == order.qty
    assert absent(bench, order.client_order_id) == [], "told once"
    bench.look(order, VenueOrderState.OPEN)
    assert order.state is OrderState.OPEN, "it came late"


def test_where_both_are_there_it_was_never_placed() -> None:
    bench = Bench()
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    absent(bench, order.client_order_id)
    assert order.state is OrderState.NOT_PLACED


def gone(bench: Bench, order: Order) -> None:
    """Have two look-ups not find an order that the venue has had, and the tick at LATER_MS + 2,000 take note."""
    for now in (LATER_MS, LATER_MS + 1_000):
        bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.NOT_FOUND), now))
    hurry(bench.state.watches)
    bench.feed(ev.Tick(LATER_MS + 2_000))


@pytest.mark.parametrize(("bounds", "shown_ms"), [({"lookup": False}, 11_000), ({"lookup": False, "validity_window": False}, 21_000)])
def test_an_order_that_was_there_has_ended_once_all_that_it_did_must_show_in_the_lists(bounds: dict[str, bool], shown_ms: int) -> None:
    bench = Bench(bounds=bounds)
    order = bench.opened()
    cid = order.client_order_id
    absent(bench, cid)
    assert order.state is OrderState.OPEN, "every look-up had found it"
    gone(bench, order)
    for now, asked in ((LATER_MS + 2_000 + shown_ms, ev.Look), (LATER_MS + 2_001 + shown_ms, ev.ProveAbsence)):
        absent(bench, cid)
        assert order.state is OrderState.OPEN, "a fill just before its end may not show yet"
        hurry(bench.state.watches)
        assert [type(effect) for effect in bench.feed(ev.Tick(now))[1]] == [asked]
    bench.feed(ev.AbsenceEvidence(cid, Reply(Outcome.OK, []), Reply(Outcome.OK, []), now))
    assert str(order.state) == "CANCELED"


def test_an_order_that_is_found_again_has_not_ended() -> None:
    bench = Bench(bounds={"lookup": False})
    order = bench.opened()
    gone(bench, order)
    bench.look(order, VenueOrderState.OPEN)
    bench.feed(ev.AbsenceEvidence(order.client_order_id, Reply(Outcome.OK, []), Reply(Outcome.OK, []), LATER_MS + 60_000))
    assert order.state is OrderState.OPEN
    gone(bench, order)
    opens = Reply(Outcome.OK, [bench.shown(order, VenueOrderState.OPEN, 0)])
    bench.feed(ev.AbsenceEvidence(order.client_order_id, opens, Reply(Outcome.OK, []), LATER_MS + 60_000))
    bench.feed(ev.AbsenceEvidence(order.client_order_id, Reply(Outcome.OK, []), Reply(Outcome.OK, []), LATER_MS + 60_000))
    assert order.state is OrderState.OPEN


def test_an_order_that_is_being_cancelled_and_not_found_any_more_is_not_cancelled_until_the_budget_is_gone() -> None:
    bench = Bench(bounds={"lookup": False, "asks_per_minute": 20, "asks_burst": 10, "asks_reserve": 2})
    order = bench.opened()
    bench.say(Command.CANCEL_ALL)
    assert order.state is OrderState.CANCELING
    gone(bench, order)
    asked = list[type]()
    for second in range(3, 60):
        effects = bench.feed(ev.Tick(LATER_MS + 1_000 * second))[1]
        asked += [type(effect) for effect in effects]
        for _ in [effect for effect in effects if isinstance(effect, ev.Look)]:
            bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.NOT_FOUND), LATER_MS + 1_000 * second))
    assert ev.CancelOrder not in asked
    assert ev.ProveAbsence in asked


def test_an_order_that_has_ended_while_it_was_being_cancelled_has_its_trades_read_and_is_not_cancelled_again() -> None:
    bench = Bench(bounds={"asks_per_minute": 20, "asks_burst": 10, "asks_reserve": 2})
    order = bench.opened()
    bench.say(Command.CANCEL_ALL)
    for _ in range(5):  # the budget is spent
        bench.feed(ev.Tick(LATER_MS + 1))
    assert bench.look(order, VenueOrderState.FILLED, order.qty) == [], "its trades have to wait"
    ended = Reply(Outcome.OK, bench.shown(order, VenueOrderState.FILLED, order.qty))
    asked = list[type]()
    for now in range(LATER_MS + 1_000, LATER_MS + 60_000, 1_000):
        effects = bench.feed(ev.Tick(now))[1]
        if any(isinstance(effect, ev.Look) for effect in effects):
            bench.feed(ev.Looked(order.client_order_id, ended, now))
        asked += [type(effect) for effect in effects]
    assert {ev.FetchTrades, ev.Look} == set(asked)
    bench.trades(bench.trade(order, order.qty))
    assert (order.state, bench.state.pending) == (OrderState.FILLED, {})


def test_an_order_that_was_neither_answered_nor_listed_is_of_unknown_fate_and_not_ended() -> None:
    bench = Bench(bounds={"lookup": False})
    order = bench.sent()
    absent(bench, order.client_order_id)
    assert order.state is OrderState.QUARANTINED
    assert int(bench.state.slots["buying"][0]) == order.qty


def test_a_trade_that_names_another_order_of_the_venue_keeps_none_from_its_end() -> None:
    bench = Bench(bounds={"lookup": False})
    order = bench.opened()
    gone(bench, order)
    lost = replace(order, client_order_id="gh-lost", venue_order_id="", state=OrderState.QUARANTINED)
    bench.state.orders["gh-lost"] = bench.state.pending["gh-lost"] = lost
    other = bench.trade(order, 10, client_order_id="", venue_order_id="v-of-another")
    step(bench.state, ev.AbsenceEvidence(order.client_order_id, Reply(Outcome.OK, []), Reply(Outcome.OK, [other]), LATER_MS + 14_000))
    assert (order.state, lost.state) == (OrderState.CANCELED, OrderState.QUARANTINED)
    assert int(bench.state.account["faults"][0]) == 0
    assert bench.state.anomalies == 0, "it may be the fill of the lost one: it waits"


def test_an_order_that_a_list_shows_takes_its_venue_id_so_that_a_trade_without_a_client_id_finds_it() -> None:
    bench = Bench(bounds={"lookup": False})
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    opens = Reply(Outcome.OK, [bench.shown(order, VenueOrderState.OPEN, 0)])
    bench.feed(ev.AbsenceEvidence(order.client_order_id, opens, Reply(Outcome.OK, []), LATER_MS))
    bench.trades(bench.trade(order, 10, client_order_id=""))
    assert (order.venue_order_id, order.filled) == (f"v-{order.client_order_id}", 10)


@pytest.mark.parametrize("capability", ["validity_window", "lookup"])
def test_the_simulator_draws_such_venues_and_they_keep_every_invariant(capability: str) -> None:
    plans = [plan for plan in map(draw, range(1, 161)) if not getattr(plan.choices, capability)]
    worlds = [World(plan) for plan in plans]
    assert [world.run().violation for world in worlds] == [None] * len(plans)
    given_up = [record for world in worlds for record in world.journal.records() if record.body.get("event") == "GIVE_UP"]
    assert len(plans) > 10
    assert given_up
