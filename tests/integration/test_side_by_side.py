"""Sessions beside each other, grants, restarts, reductions and blocks, in a whole world."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from tests.conftest import Database
from tests.integration.world import MINUTE_MS, World, world
from trader_core.model.command import Command
from trader_core.model.plan import Plan
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.store import commands, sessions
from trader_core.store import database as store
from trader_core.trader.records import Kind


def pair(found: World, minutes: int = 300, granted: int = 0, change: Callable[[Plan], Plan] = lambda plan: plan) -> tuple[str, str]:
    """Request a paper session and a dry run beside it."""
    new = found.new(SessionMode.PAPER, minutes=minutes)
    found.store(replace(new, plan=change(new.plan)))
    leader = new.session_id
    row = found.row(leader)
    new = sessions.NewSession(
        session_id="dry-1", mode=SessionMode.DRY_RUN, account="sandbox", venue="sandbox", stage=row.stage, plan=row.plan, instruments=(),
        from_ms=0, until_ms=minutes * MINUTE_MS, granted_ms=granted * MINUTE_MS, beside=leader,
    )  # fmt: skip
    with store.begin(found.engine("flow")) as db:
        sessions.create_session(db, new)
    return leader, new.session_id


def decided(found: World, session_id: str) -> list[object]:
    """Return each slot with its bars, targets and decisions."""
    return [
        (r.body["ts"], r.body["bars"], r.body["targets"], r.body["decisions"]) for r in found.records(session_id) if r.kind is Kind.BARS
    ]


def statistics(found: World, session_id: str) -> dict[str, int]:
    with store.begin(found.engine("verify")) as db:
        return {name: int(value) for name, value in sessions.load_statistics(db, session_id).items()}


async def test_paper_and_dry_run_see_the_same_bars_and_decide_alike_and_no_order_is_placed(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        leader, beside = pair(found)
        found.trader("paper")
        found.trader("sandbox")
        rows = [await found.ended(session_id) for session_id in (leader, beside)]
        assert [row.status for row in rows] == [SessionStatus.FINISHED] * 2, [row.error for row in rows]
        assert rows[0].from_ms == rows[1].from_ms
        assert len(decided(found, leader)) == 300
        assert decided(found, leader) == decided(found, beside)
        seen = statistics(found, beside)
        assert seen["order_tests"] == len(found.state(beside).orders) > 0
        assert (seen["order_tests_rejected"], found.placed()) == (0, {})


async def test_a_grant_holds_a_session_at_its_slot_and_a_restart_there_recovers_it(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        session_id = found.request(SessionMode.PAPER, minutes=60)
        with store.begin(found.engine("flow")) as db:
            db.execute(text("update trading_session set granted_ms = :ms"), {"ms": 20 * MINUTE_MS})
        found.trader("paper")
        await found.stepped(session_id, 20)
        await asyncio.sleep(0.4)
        row = found.row(session_id)
        assert (row.next_ms - row.from_ms) // MINUTE_MS == 20
        number = found.say("paper", Command.RESTART)
        await asyncio.wait_for(found.tasks[0], 10)
        with found.engine("api").connect() as db:
            assert "every session recovers" in (commands.outcome_of(db, number) or "")
        found.trader("paper")
        with store.begin(found.engine("flow")) as db:
            assert sessions.grant(db, session_id, 0) == 0
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED, row.error
        slots = [r.body["ts"] for r in found.records(session_id) if r.kind is Kind.BARS]
        assert slots == list(range(row.from_ms, row.until_ms, MINUTE_MS))
        assert found.state(session_id).boots == 2


async def test_a_stop_that_flattens_steps_past_a_used_up_grant(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        session_id = found.request(SessionMode.PAPER, minutes=1500, slow=200)
        with store.begin(found.engine("flow")) as db:
            db.execute(text("update trading_session set granted_ms = :ms"), {"ms": 120 * MINUTE_MS})
        found.trader("paper")
        await found.stepped(session_id, 120)
        await asyncio.sleep(0.3)
        assert found.state(session_id).slots["position"].any(), "something is held where it waits"
        found.say("paper", Command.STOP, session_id, policy="flatten")
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED, row.error
        assert not found.state(session_id).slots["position"].any()


async def test_a_blocked_instrument_is_not_bought_and_reduce_lets_nothing_in(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        session_id = found.request(minutes=1500)
        with store.begin(found.engine("flow")) as db:
            db.execute(text(
                "insert into quality_run (quality_run_id, purpose, venue, symbols, timeframe, from_ms, to_ms, rules, rules_digest, status)"
                " values ('q', 'test', 'sandbox', '{BTC/USDT}', '1m', 0, 1, '{}', 'd', 'failed')"))  # fmt: skip
            db.execute(
                text("insert into instrument_block (venue, symbol, quality_run_id, reason) values ('sandbox', 'BTC/USDT', 'q', 'spikes')")
            )
        found.trader("sandbox")
        await found.stepped(session_id, 120)
        found.say("sandbox", Command.REDUCE, session_id)
        while "reduce" not in found.state(session_id).flags:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        mark = len(found.records(session_id))
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // MINUTE_MS
        await found.stepped(session_id, slots + 90)
        found.say("sandbox", Command.STOP, session_id, policy="keep")
        await found.ended(session_id)
        records = found.records(session_id)
        intents = [r.body for r in records if r.kind is Kind.INTENT]
        refused = {d[8] for r in records if r.kind is Kind.BARS for d in r.body["decisions"] if d[2] == 0}
        assert [b for b in intents if b["instrument"] == 0] == []
        assert 33 in refused, "the guard said INSTRUMENT_BLOCKED"
        assert [b for b in intents if b["side"] == 1], "the others were bought"
        assert [r for r in records[mark:] if r.kind is Kind.INTENT and r.body["side"] == 1] == []


async def test_a_follower_that_cannot_open_does_not_hold_its_leader_for_ever(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        leader, beside = pair(found, minutes=30)
        found.sandbox.faults.add([{"site": "GET /api/v3/tradeFee", "kind": "502_html", "when": "before", "count": 10**9}])
        found.trader("paper")
        found.trader("sandbox")
        assert (await found.ended(beside)).status is SessionStatus.FAILED
        row = await found.ended(leader, within_s=15)
        assert row.status is SessionStatus.FINISHED
