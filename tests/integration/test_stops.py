"""Stops that rest at an exchange: a session for money on Binance's protocol, paper beside a dry run, a kill without a database."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

from sandbox.config import Config
from sandbox.orders import OPEN, Order
from tests.conftest import Database
from tests.integration.test_away import Cluster, back, stop, until
from tests.integration.test_order_faults import agree
from tests.integration.test_recovery import own_cluster
from tests.integration.test_side_by_side import decided, pair, statistics
from tests.integration.world import RULES, World, bypass, world
from trader_core.model.order import OrderState
from trader_core.model.plan import Execution, Plan
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.store import database as store
from trader_core.store import permits
from trader_core.trader import spool_file
from trader_core.trader.records import Kind

__all__ = ["own_cluster"]
BINANCE = Config(dialect="binance", trend_bps=60, history_days=1, rules=RULES)


def rests(plan: Plan) -> Plan:
    """Return a plan whose stops rest so near that some of them sell."""
    return replace(plan, stop_loss_ppm=600, trailing_ppm=1_200, execution=Execution(resting=True))


def request(found: World, minutes: int, slow: int = 5) -> str:
    """Request a session for money whose stops rest."""
    new = found.new(minutes=minutes, slow=slow)
    new = replace(new, plan=rests(new.plan))
    with store.begin(found.engine("flow")) as db:
        permits.issue(db, bypass(new))
    found.store(new)
    return new.session_id


def stops(found: World) -> list[Order]:
    """Return the stops that are open at the exchange."""
    return [order for order in found.sandbox.exchange.all_orders() if order.status in OPEN and order.is_waiting]


async def test_stops_rest_at_the_exchange_sell_there_and_none_is_left_at_the_end(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path, BINANCE) as found:
        session_id = request(found, minutes=150)
        found.trader("sandbox")
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED, row.error
        agree(found, session_id)
        state = found.state(session_id)
        ends = Counter(order.state for order in state.orders.values() if order.trigger)
        assert ends[OrderState.FILLED] >= 2, ends
        assert ends[OrderState.CANCELED] >= 2, "others gave way to exits, and to better ones"
        assert stops(found) == []
        assert state.anomalies == 0
        assert found.examine(session_id).operations.verdict == "GO", found.examine(session_id)


async def test_paper_and_a_dry_run_let_stops_rest_alike_and_place_no_order(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path, BINANCE) as found:
        leader, beside = pair(found, minutes=120, change=rests)
        found.trader("paper")
        found.trader("sandbox")
        rows = [await found.ended(session_id) for session_id in (leader, beside)]
        assert [row.status for row in rows] == [SessionStatus.FINISHED] * 2, [row.error for row in rows]
        assert decided(found, leader) == decided(found, beside)
        orders = found.state(beside).orders.values()
        assert sum(order.trigger > 0 and order.filled > 0 for order in orders) >= 2
        tests = statistics(found, beside)
        assert tests["order_tests"] == len(orders) > tests["order_tests_unproven"] > 0, "the market had passed some of the stops"
        assert tests["order_tests_rejected"] == 0
        assert found.placed() == {}


async def test_a_venue_that_holds_no_stops_opens_no_session_whose_stops_rest(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        new = found.new(SessionMode.PAPER)
        found.store(replace(new, plan=rests(new.plan)))
        found.trader("paper")
        row = await found.ended(new.session_id)
        assert row.status is SessionStatus.FAILED
        assert "sandbox, which holds none for spot" in row.error


async def test_a_kill_while_the_database_is_dead_leaves_the_stop_where_it_is(own_cluster: Cluster, tmp_path: Path) -> None:
    place, database = own_cluster
    async with world(database, tmp_path, BINANCE) as found:
        session_id = request(found, minutes=100_000, slow=30)
        found.trader("sandbox")
        await until(lambda: stops(found), "a stop rests")
        stop(place)
        await asyncio.sleep(1)
        there = [order.asked.client_id for order in stops(found)]
        (found.home / "KILL").write_text("storm")
        await until(lambda: spool_file.load(found.home, session_id) is not None, "the kill is spooled", 30)
        await asyncio.sleep(1)
        assert [order.asked.client_id for order in stops(found)] == there
        await back(place, found)
        await until(lambda: not spool_file.path_of(found.home, session_id).exists(), "the spool is merged")
        await until(lambda: "kill" in found.state(session_id).flags, "the journal says so")
        assert there
        assert [order.asked.client_id for order in stops(found)] == there
        await until(lambda: {found.state(session_id).orders[cid].state for cid in there} == {OrderState.OPEN}, "and has it as open")
        assert not [record for record in found.records(session_id) if record.kind is Kind.LETTER]
