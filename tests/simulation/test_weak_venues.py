"""Venues that can do less: what cannot be proven is never claimed, holds its reserve, and is believed when it shows after all."""

import pytest

from simulation.draw import draw
from simulation.world import World
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.order import OrderState
from trader_core.trader import events as ev
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


def test_an_order_that_was_there_has_ended_also_where_ended_ones_are_not_found() -> None:
    bench = Bench(bounds={"lookup": False})
    order = bench.opened()
    absent(bench, order.client_order_id)
    assert order.state is OrderState.CANCELED


def test_the_simulator_draws_such_venues_and_they_keep_every_invariant() -> None:
    plans = [plan for plan in map(draw, range(1, 161)) if not plan.choices.validity_window]
    worlds = [World(plan) for plan in plans]
    assert [world.run().violation for world in worlds] == [None] * len(plans)
    given_up = [record for world in worlds for record in world.journal.records() if record.body.get("event") == "GIVE_UP"]
    assert len(plans) > 10
    assert given_up


@pytest.mark.parametrize("bounds", [{}, *WEAK], ids=str)
def test_lists_without_an_order_whose_own_answer_is_still_waited_for_end_nothing(bounds: dict[str, bool]) -> None:
    bench = Bench(bounds=bounds)
    order = bench.sent()
    assert absent(bench, order.client_order_id) == []
    assert order.state is OrderState.SENDING, "the request may still arrive"
    assert int(bench.state.slots["buying"][0]) == order.qty
