"""Orders: a table that a terminal state leaves by nothing, and ids that come from the decision alone."""

import re

import pytest

from trader_core.model.errors import IllegalMove
from trader_core.model.order import ABSENT_FOREVER, TABLE, TERMINAL, UNRESOLVED, OrderEvent, OrderState, client_order_id, decision_key, move


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("event", OrderEvent)
def test_a_move_is_in_the_table_or_raises(state: OrderState, event: OrderEvent) -> None:
    if event in TABLE.get(state, {}):
        assert move(state, event) is TABLE[state][event]
        return
    with pytest.raises(IllegalMove):
        move(state, event)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_nothing_leaves_a_terminal_state(state: OrderState) -> None:
    assert state not in TABLE


def test_every_state_that_is_not_terminal_can_end() -> None:
    def ends(state: OrderState, seen: frozenset[OrderState]) -> bool:
        return state in TERMINAL or any(ends(after, seen | {state}) for after in TABLE[state].values() if after not in seen)

    assert {state for state in OrderState if not ends(state, frozenset())} == set()


def test_an_order_is_sent_once_only() -> None:
    senders = [state for state, moves in TABLE.items() if OrderEvent.SEND in moves]
    assert senders == [OrderState.INTENT]
    assert all(
        after is not OrderState.INTENT for state, moves in TABLE.items() if state is not OrderState.DECIDED for after in moves.values()
    )


def test_only_what_may_never_have_reached_the_venue_can_be_absent() -> None:
    for state in (OrderState.OPEN, OrderState.PARTIAL, OrderState.CANCELING):
        assert not set(TABLE[state].values()) & ABSENT_FOREVER
    assert not UNRESOLVED & TERMINAL


def test_one_decision_has_one_client_order_id_that_venues_accept() -> None:
    key = decision_key("s-1", "BTC/USDT", 1_700_000_040_000, "BUY", 1)
    assert key == "s-1|BTC/USDT|1700000040000|BUY|1"
    assert client_order_id(key) == client_order_id(key)
    assert re.fullmatch(r"[a-z0-9]{28}", client_order_id(key))
    assert client_order_id(key) != client_order_id(decision_key("s-1", "BTC/USDT", 1_700_000_040_000, "BUY", 2))
