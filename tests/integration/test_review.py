"""What a reader who distrusts the trader would try on sessions: words that get lost, ends that do not come, shared accounts."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import Config
from tests.conftest import Database
from tests.integration.test_recovery import share_cache, start_trader
from tests.integration.world import RULES, World, fault, world
from trader_core.model.command import Command
from trader_core.model.errors import DatabaseAway
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.store import commands, sessions
from trader_core.trader.records import Kind
from trader_core.trader.shell import Shell

STEP_MS = 60_000


def outcome(found: World, number: int) -> str | None:
    """Return what became of a command, or None."""
    with found.engine("api").connect() as db:
        return commands.outcome_of(db, number)


async def test_a_word_with_arguments_that_mean_nothing_is_refused_and_the_trader_goes_on(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        trader = found.trader("sandbox")
        session_id = found.request(minutes=30)
        await found.stepped(session_id, 2)
        number = found.say("sandbox", Command.STOP, session_id, policy="sideways")
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED
        assert not found.tasks[0].done(), trader
        assert "sideways" in (outcome(found, number) or "")


async def test_a_stop_outlives_the_trader_that_took_it(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(database, tmp_path) as found:
        trader, attend, answered = found.trader("sandbox"), Shell.attend, asyncio.Event()

        async def dies(shell: Shell) -> None:
            await attend(shell)
            if "stopping" in shell.state.flags:
                answered.set()
                await asyncio.sleep(30)

        monkeypatch.setattr(Shell, "attend", dies)
        session_id = found.request(minutes=1500, slow=200)
        while not (found.row(session_id).from_ms and found.state(session_id).slots["position"].any()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        number = found.say("sandbox", Command.STOP, session_id, policy=str(StopPolicy.FLATTEN))
        await answered.wait()
        while outcome(found, number) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        trader.stopping.set()
        await asyncio.wait_for(found.tasks[0], 10)
        monkeypatch.setattr(Shell, "attend", attend)
        found.trader("sandbox")
        row = await found.ended(session_id, within_s=20)
        assert row.status is SessionStatus.FINISHED
        assert row.next_ms < row.until_ms, "it stopped long before its end"
        assert not found.state(session_id).slots["position"].any()


async def test_a_session_waits_for_its_exchange_when_it_recovers(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        first = found.trader("sandbox")
        session_id = found.request(minutes=60)
        await found.stepped(session_id, 10)
        first.stopping.set()
        await found.tasks[0]
        path = tmp_path / "run" / "sandbox.json"
        said = path.read_text()
        path.write_text(json.dumps(json.loads(said) | {"base_url": "http://127.0.0.1:9", "admin_url": "http://127.0.0.1:9"}))
        found.trader("sandbox")
        await asyncio.sleep(1.0)
        assert found.row(session_id).status is SessionStatus.RUNNING
        path.write_text(said)
        row = await found.ended(session_id, within_s=20)
        assert row.status is SessionStatus.FINISHED, row.error


async def test_a_session_does_not_go_on_under_the_key_of_another_account(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        first = found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 10)
        first.stopping.set()
        await found.tasks[0]
        before = found.placed()
        key, secret = found.sandbox.open_account("other", {"USDT": "10000"})
        path = tmp_path / "run" / "sandbox.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"api_key": key, "secret": secret}))
        found.trader("sandbox")
        row = await found.ended(session_id, within_s=20)
        assert (row.status, found.placed()) == (SessionStatus.FAILED, before)
        assert "another account" in row.error
        assert key not in row.error


async def slots_with_orders(found: World) -> int:
    """Return after how many slots a paper session has its first order on its way."""
    session_id = found.request(SessionMode.PAPER, minutes=40)
    await found.ended(session_id)
    first = next(r for r in found.records(session_id) if r.kind is Kind.INTENT)
    return 1 + (int(first.body["ts"]) - found.row(session_id).from_ms) // STEP_MS


async def test_a_session_whose_last_slot_sends_an_order_ends_with_that_order_settled(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path / "one") as found:
        found.trader("paper")
        minutes = await slots_with_orders(found)
    async with world(database, tmp_path / "two") as found:
        found.number = 10
        found.trader("paper")
        row = await found.ended(found.request(SessionMode.PAPER, minutes=minutes))
        state = found.state(row.session_id)
        assert state.orders, "the last slot sent an order"
        assert not state.pending
        assert row.status is SessionStatus.FINISHED


async def test_an_order_lost_in_the_last_slot_is_proven_absent_before_the_session_ends(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path / "one") as found:
        found.trader("paper")
        minutes = await slots_with_orders(found)
    async with world(database, tmp_path / "two") as found:
        found.sandbox.faults.add([fault("reset", "before", nth=1, count=3)])
        found.number = 10
        found.trader("sandbox")
        row = await found.ended(found.request(minutes=minutes))
        state = found.state(row.session_id)
        assert state.orders
        assert row.status is SessionStatus.FINISHED, state.pending


async def test_a_stop_that_keeps_comes_to_its_end_while_the_exchange_gives_no_bars(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 3)
        found.sandbox.faults.add([fault("502_html", "before", count=10**9) | {"site": "GET /api/v3/klines"}])
        await asyncio.sleep(0.3)
        found.say("sandbox", Command.STOP, session_id, policy="keep")
        row = await found.ended(session_id, within_s=8)
        assert row.status in {SessionStatus.FINISHED, SessionStatus.HALTED}


async def test_two_sessions_on_one_exchange_account_do_not_take_each_other_s_money_for_a_difference(
    database: Database, tmp_path: Path
) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        ids = [found.request(minutes=40), found.request(minutes=40)]
        rows = [await found.ended(session_id) for session_id in ids]
        assert [row.status for row in rows] == [SessionStatus.FINISHED] * 2
        for session_id in ids:
            differing = [r.body for r in found.records(session_id) if r.kind is Kind.RECONCILED and r.body["differences"]]
            state = found.state(session_id)
            assert (differing, state.anomalies) == ([], 0), state.flags


async def test_a_second_session_on_an_account_that_trades_is_refused_where_clocks_run(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path, Config(trend_bps=60, history_days=1, rules=RULES, clock="60x")) as found:
        first, second = found.request(minutes=1500), found.request(minutes=1500)
        found.trader("sandbox")
        row = await found.ended(second, within_s=20)
        assert (row.status, row.from_ms) == (SessionStatus.FAILED, 0)
        assert first in row.error
        found.say("sandbox", Command.STOP, first, policy="keep")
        row = await found.ended(first, within_s=20)
        assert row.status is SessionStatus.FINISHED


async def test_a_crash_between_the_first_record_and_its_row_loses_no_slot(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, broken = sessions.save_opening, [True]

    def breaks_once(*given: Any) -> None:
        if broken and broken.pop():
            raise DatabaseAway("an answer", "none", "wait")
        save(*given)

    monkeypatch.setattr(sessions, "save_opening", breaks_once)
    async with world(database, tmp_path) as found:
        found.trader("paper")
        row = await found.ended(found.request(SessionMode.PAPER, minutes=10))
        assert (row.status, broken) == (SessionStatus.FINISHED, [])
        assert row.next_ms - row.from_ms == 10 * STEP_MS == row.until_ms - row.from_ms


async def test_a_session_that_fails_writes_no_secret_into_the_log(database: Database, tmp_path: Path) -> None:
    share_cache(tmp_path)
    async with world(database, tmp_path) as found:
        path = tmp_path / "run" / "sandbox.json"
        said: dict[str, Any] = json.loads(path.read_text())
        path.write_text(json.dumps(said | {"admin_url": "http://127.0.0.1:9"}))
        process = start_trader(found, "sandbox")
        session_id = found.request(minutes=10)
        row = await found.ended(session_id, within_s=20)
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
        assert row.status is SessionStatus.FAILED
        log = (tmp_path / "trader.log").read_text()
        assert "session failed" in log
        assert [name for name in ("api_key", "secret", "admin_token") if said[name] in log] == []
