"""Processes that die without a word: the trader and the database; what was durable goes on, and nothing is done twice."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.postgres import Place
from tests.conftest import Database
from tests.integration.test_order_faults import agree
from tests.integration.world import World, world
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.store.database import ensure_migrated
from trader_core.trader.records import Kind


def start_trader(found: World, account: str) -> "subprocess.Popen[bytes]":
    """Start a trader as a process of its own."""
    environment = {**os.environ, "GATEHOUSE_HOME": str(found.home), "GATEHOUSE_DATABASE_URL": found.database.own_url()}
    with (found.home / "trader.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "console", "trader", "--account", account, "--parent", str(os.getpid())],
            env=environment,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )


def share_cache(home: Path) -> None:
    """Let a trader of this home find the engine that is compiled already."""
    compiled = os.environ.get("NUMBA_CACHE_DIR")  # the engine sets it when it is imported; a test may have moved its home since
    if compiled:
        (home / "cache").symlink_to(Path(compiled).parent)


@pytest.mark.parametrize("mode", [SessionMode.PAPER, SessionMode.STAGE])
async def test_a_trader_that_is_killed_again_and_again_steps_no_slot_and_sends_no_order_twice(
    database: Database, tmp_path: Path, mode: SessionMode
) -> None:
    share_cache(tmp_path)
    async with world(database, tmp_path) as found:
        account = "paper" if mode is SessionMode.PAPER else "sandbox"
        session_id = found.request(mode, minutes=400)
        for kills in range(1, 4):
            process = start_trader(found, account)
            await found.stepped(session_id, 80 * kills)
            process.send_signal(signal.SIGKILL)
            process.wait()
        process = start_trader(found, account)
        row = await found.ended(session_id, within_s=90)
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
        assert row.status is SessionStatus.FINISHED, row.error
        examined = found.examine(session_id) if mode is SessionMode.STAGE else None
        records = found.records(session_id)
        slots = [r.body["ts"] for r in records if r.kind is Kind.BARS]
        sent = [r.body["client_order_id"] for r in records if r.kind is Kind.SENDING]
        assert slots == list(range(row.from_ms, row.until_ms, 60_000)), "every slot once, in order"
        assert len(sent) == len(set(sent)), "no order was sent twice"
        assert found.state(session_id).boots == 4
        if examined is not None:
            agree(found, session_id)
            failing = [str(f) for f in examined.operations.findings if not f.holds]
            assert failing == []


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[tuple[Place, Database]]:
    """A cluster of this test's own, which it may kill."""
    place = Place(tmp_path / "pg", tmp_path / "secrets")
    with place.used():
        with place.locked():
            server = place.ensure()
        ensure_migrated(server.url("migrate"))
        made = Database(server)
        yield place, made
        for engine in made.engines:
            engine.dispose()


async def test_while_the_database_is_dead_nothing_is_sent_and_afterwards_nothing_is_lost(
    own_cluster: tuple[Place, Database], tmp_path: Path
) -> None:
    place, database = own_cluster
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=600)
        await found.stepped(session_id, 60)
        pid = place.cluster_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.2)
        before = found.placed()
        await asyncio.sleep(1.5)
        assert found.placed() == before, "no order reaches the exchange while the database is dead"
        with place.locked():
            await asyncio.to_thread(place.ensure)
        for engine in found.engines.values():
            engine.dispose()
        started = time.monotonic()
        row = await found.ended(session_id, within_s=90)
        assert row.status is SessionStatus.FINISHED, (row.error, time.monotonic() - started)
        records = found.records(session_id)
        slots = [r.body["ts"] for r in records if r.kind is Kind.BARS]
        assert slots == list(range(row.from_ms, row.until_ms, 60_000))
        assert found.state(session_id).boots == 2
        agree(found, session_id)
        failing = [str(f) for f in found.examine(session_id).operations.findings if not f.holds]
        assert failing == []
