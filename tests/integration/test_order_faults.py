"""Order creation under every fault that the exchange can act out: zero or one order, and the journal knows which."""

from pathlib import Path

import pytest

from sandbox.faults import KINDS
from tests.conftest import Database
from tests.integration.world import World, fault, world
from trader_core.model.order import ABSENT_FOREVER, OrderState
from trader_core.model.session import SessionStatus
from trader_core.trader.records import Kind

LIES = {("clock_error", "after")}
"""Executed, and then refused with a code that is proof: no protocol survives a liar, but it is found out (a test of its own)."""
LISTS = {"partial_list", "empty_list", "crossed_book"}
"""Kinds that change a list or a book: the answer to an order holds neither."""
CASES = [
    (kind, when)
    for kind in KINDS
    for when in ("before", "after")
    if kind not in LISTS and (kind, when) not in {("late_execution", "after"), *LIES}
]
PARAMS = {"418": {"retry_after": 1}}
"""A ban of minutes would never end on a clock that stands still while nobody may ask for bars."""


def agree(found: World, session_id: str) -> None:
    """Every journaled order is at the exchange once or not at all, as its state says; no other order is there."""
    state, placed = found.state(session_id), found.placed()
    assert set(placed) <= set(state.orders), "the exchange has an order that the journal does not"
    for cid, order in state.orders.items():
        count = placed.get(cid, 0)
        assert count == (0 if order.state in ABSENT_FOREVER else 1), f"{order} is {count} times at the exchange"
        truth = next((o for o in found.sandbox.exchange.all_orders() if o.asked.client_id == cid), None)
        assert order.filled == (truth.filled if truth else 0), f"{order} against {truth}"
    assert not state.pending, "every order is settled"


@pytest.mark.parametrize(("kind", "when"), CASES)
async def test_an_order_meets_a_fault_and_is_placed_at_most_once(database: Database, tmp_path: Path, kind: str, when: str) -> None:
    async with world(database, tmp_path) as found:
        found.sandbox.faults.add([fault(kind, when, **PARAMS.get(kind, {}))])
        found.trader("sandbox")
        session_id = found.request(minutes=15)
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED, row.error
        assert found.sandbox.faults.rules[0].fired == 1, "the fault really happened"
        agree(found, session_id)
        state = found.state(session_id)
        assert len(state.orders) > 3 or "restricted" in state.flags, "the session went on trading, or waits for an operator"


async def test_a_lost_answer_is_found_by_client_id_and_a_lost_request_is_proven_absent(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.sandbox.faults.add([fault("reset", "after"), fault("reset", "before", nth=2)])
        found.trader("sandbox")
        session_id = found.request(minutes=15)
        await found.ended(session_id)
        sent = [r.body["client_order_id"] for r in found.records(session_id) if r.kind is Kind.SENDING]
        orders = found.state(session_id).orders
        assert orders[sent[0]].state not in ABSENT_FOREVER
        assert orders[sent[1]].state is OrderState.NOT_PLACED
        agree(found, session_id)


async def test_many_faults_in_a_row_leave_books_that_agree_with_the_exchange(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        kinds = ["reset", "html_200", "502_html", "truncated_body", "empty_200"]
        found.sandbox.faults.add([fault(kind, "after" if n % 2 else "before", nth=2 * n + 1) for n, kind in enumerate(kinds)])
        found.trader("sandbox")
        session_id = found.request(minutes=30)
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED, row.error
        agree(found, session_id)
        examined = found.examine(session_id)
        failing = [str(f) for f in examined.operations.findings if not f.holds]
        assert failing == [], failing


async def test_an_exchange_that_executes_what_it_refused_is_found_out_and_halts_the_session(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.sandbox.faults.add([fault("clock_error", "after")])
        found.trader("sandbox")
        session_id = found.request(minutes=15)
        await found.ended(session_id)
        state, first = found.state(session_id), next(iter(found.state(session_id).orders.values()))
        assert first.state is OrderState.REJECTED
        assert first.filled == first.qty, "the late fill is booked: it happened"
        assert state.anomalies >= 2, "the refusal that needs an operator, and the late fill"
        assert [r for r in found.records(session_id) if r.kind is Kind.RECONCILED and r.body["differences"]], "the books differed"
