"""PostgreSQL away in mid-trade: nothing is sent, a kill cancels what rests within a second, and the journal tells all of it afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.postgres import Place
from sandbox.orders import OPEN, Order
from tests.conftest import Database
from tests.integration.resting import resting
from tests.integration.test_order_faults import agree
from tests.integration.test_recovery import own_cluster, share_cache
from tests.integration.world import World, fault, world
from trader_core.model.command import Command
from trader_core.model.errors import VenueUnavailable
from trader_core.model.order import OrderState
from trader_core.model.session import SessionStatus
from trader_core.store import commands, journal
from trader_core.store.database import begin
from trader_core.store.sessions import SessionRow
from trader_core.trader import spool_file
from trader_core.trader.control import Control
from trader_core.trader.events import Operator
from trader_core.trader.records import Kind, Record

__all__ = ["own_cluster"]
Cluster = tuple[Place, Database]


def ours(found: World) -> list[Order]:
    """Return all orders that the exchange has."""
    return list(found.sandbox.exchange.all_orders())


def open_now(found: World) -> list[str]:
    return [order.asked.client_id for order in ours(found) if order.status in OPEN]


async def until(holds: Callable[[], object], what: str, within_s: float = 60.0) -> float:
    """Wait until something holds, and return how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + within_s, what
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def gatehouse(found: World, *words: str) -> tuple[int, str]:
    """Run the command line in a process of its own."""
    environment = {**os.environ, "GATEHOUSE_HOME": str(found.home), "GATEHOUSE_DATABASE_URL": found.database.own_url()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, " ".join(out.decode().split())


def stop(place: Place) -> None:
    """Let the database die at once."""
    pid = place.cluster_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def back(place: Place, found: World) -> None:
    """Start the database again."""
    with place.locked():
        await asyncio.to_thread(place.ensure)
    for engine in found.engines.values():
        engine.dispose()


def said(records: list[Record]) -> list[tuple[str, str]]:
    """Return what the spool's records say, with the order that each names."""
    spooled = [record.body["said"] for record in records if record.kind is Kind.SPOOLED]
    return [(one["what"], one.get("client_order_id", "")) for one in spooled]


async def test_a_kill_while_the_database_is_dead_cancels_within_two_seconds_and_is_journaled_when_it_is_back(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    place, database = own_cluster
    async with world(database, tmp_path) as found:
        with resting():
            found.trader("sandbox")
            session_id = found.request(minutes=100_000)
            await until(lambda: len(open_now(found)) >= 1, "an order rests")
            stop(place)
            await asyncio.sleep(1)  # what was on its way when the database died has arrived
            rested, sent = open_now(found), found.placed()
            calm = asyncio.create_task(until(lambda: not open_now(found), "the kill cancels", 30))
            began = time.time()
            code, answer = await gatehouse(found, "kill", "--reason", "storm")
            took_s = began + await calm - (found.home / "KILL").stat().st_mtime
            assert code == 3
            assert "accepted: the file" in answer
            assert rested
            refused = await gatehouse(found, "resume", "--reason", "too early")
            assert refused[0] == 3
            assert (found.home / "KILL").exists(), "a resume clears nothing while the database is away"
            await asyncio.sleep(1)
            assert found.placed() == sent, "nothing was sent after the kill"
            assert spool_file.load(found.home, session_id) is not None
            await back(place, found)
            await until(lambda: not spool_file.path_of(found.home, session_id).exists(), "the spool is merged")
            await until(lambda: not found.state(session_id).pending, "what was cancelled has ended")
            records, state = found.records(session_id), found.state(session_id)
            with begin(found.engine("verify")) as db:
                assert journal.verify(db, session_id).seq == len(records)
            told = said(records)
            assert told[0] == ("kill", "")
            assert {cid for what, cid in told if what == "cancel"} == set(rested)
            assert {cid for what, cid in told if what == "answer"} == set(rested)
            assert {state.orders[cid].state for cid in rested} == {OrderState.CANCELED}
            assert "kill" in state.flags
            agree(found, session_id)
            code, answer = await gatehouse(found, "resume", "--reason", "over")
            assert (code, "done" in answer) == (0, True), answer
            assert not (found.home / "KILL").exists()
            with begin(found.engine("verify")) as db:
                assert not commands.read_switches(db)["kill"].is_on
            assert "kill" not in found.state(session_id).flags
            assert took_s < 2.0, f"cancelled {took_s:.2f} s after the file stood"


async def test_a_trader_that_dies_between_spool_and_merge_leaves_nothing_out_and_merges_once(own_cluster: Cluster, tmp_path: Path) -> None:
    place, database = own_cluster
    share_cache(tmp_path)
    async with world(database, tmp_path) as found:
        session_id = found.request(minutes=100_000)
        trader = start(found)
        try:
            await until(lambda: len(open_now(found)) >= 1, "an order rests", 120)
            stop(place)
            (found.home / "KILL").write_text("storm")
            await until(lambda: not open_now(found), "the kill cancels", 10)
            await until(lambda: spooled(found, session_id) >= 3, "kill, cancel and answer are spooled")
        finally:
            trader.send_signal(signal.SIGKILL)
            trader.wait()
        kept = spool_file.path_of(found.home, session_id).read_bytes()
        await back(place, found)
        for _ in range(2):
            trader = start(found)
            try:
                await until(lambda: not spool_file.path_of(found.home, session_id).exists(), "the spool is merged", 120)
                await until(lambda: not found.state(session_id).pending, "what was cancelled has ended")
            finally:
                trader.send_signal(signal.SIGKILL)
                trader.wait()
            # As after a crash between the merge's commit and the file's removal.
            spool_file.path_of(found.home, session_id).write_bytes(kept)
        records = found.records(session_id)
        assert sum(record.kind is Kind.SPOOLED for record in records) == kept.count(b"\n") - 1, "each line once"
        assert said(records)[0] == ("kill", "")
        with begin(found.engine("verify")) as db:
            journal.verify(db, session_id)
        agree(found, session_id)


def start(found: World) -> "subprocess.Popen[bytes]":
    """Start a trader whose orders rest, as a process of its own."""
    environment = {**os.environ, "GATEHOUSE_HOME": str(found.home), "GATEHOUSE_DATABASE_URL": found.database.own_url()}
    with (found.home / "trader.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.integration.resting", "trader", "--account", "sandbox", "--parent", str(os.getpid())],
            env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def spooled(found: World, session_id: str) -> int:
    read = spool_file.load(found.home, session_id)
    return 0 if read is None else len(read.lines)


@pytest.mark.parametrize("what", ["other journal", "damaged"])
async def test_a_spool_that_does_not_belong_stops_the_session_and_is_kept(database: Database, tmp_path: Path, what: str) -> None:
    async with world(database, tmp_path) as found:
        session_id = found.request(minutes=20)
        trader = found.trader("sandbox")
        await found.stepped(session_id, 2)
        trader.stopping.set()
        await asyncio.gather(*found.tasks)
        writer = spool_file.Writer(found.home, session_id, 2, bytes(32), 9)
        writer.append([{"what": "kill", "why": "storm", "at_ms": 0}])
        writer.close()
        path = spool_file.path_of(found.home, session_id)
        if what == "damaged":
            path.write_bytes(path.read_bytes().replace(b"storm", b"stork"))
        found.trader("sandbox")
        row = await found.ended(session_id)
        assert row.status == "failed"
        assert ("line 1 of" if what == "damaged" else "behind which") in row.error
        assert path.exists()


@pytest.mark.parametrize("how", ["heard", "left"])
async def test_a_word_that_could_not_be_journaled_cancels_and_is_obeyed_once_when_the_database_is_back(
    own_cluster: Cluster, tmp_path: Path, how: str
) -> None:
    place, database = own_cluster
    async with world(database, tmp_path) as found:
        with resting():
            trader = found.trader("sandbox")
            session_id = found.request(minutes=100_000)
            await until(lambda: len(open_now(found)) >= 1, "an order rests")
            stop(place)
            if how == "heard":
                trader.running[session_id].control.inbox.append(Operator(Command.CLOSE_ALL, 0, "me", "a test", 0))
            else:
                code, answer = await gatehouse(found, "close-all", "--reason", "a test", "--account", "sandbox")
                assert (code, "CLOSE_ALL.sandbox stands" in answer) == (3, True)
            await until(lambda: not open_now(found), "the word cancels", 30)
            await back(place, found)
            await until(lambda: "closing" in found.state(session_id).flags, "and is obeyed afterwards")
            words = [r.body["command"] for r in found.records(session_id) if r.kind is Kind.OPERATOR]
            assert words == [Command.CLOSE_ALL]
            await until(lambda: not (found.home / "CLOSE_ALL.sandbox").exists(), "the file of an answered word is removed")


async def test_a_word_that_was_left_while_trader_and_database_were_dead_is_obeyed_when_both_are_back(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    place, database = own_cluster
    share_cache(tmp_path)
    async with world(database, tmp_path) as found:
        session_id = found.request(minutes=100_000)
        trader = start(found)
        try:
            await until(lambda: len(open_now(found)) >= 1, "an order rests", 120)
            stop(place)
        finally:
            trader.send_signal(signal.SIGKILL)
            trader.wait()
        code, answer = await gatehouse(found, "close-all", "--reason", "a test", "--account", "sandbox")
        assert (code, "CLOSE_ALL.sandbox stands" in answer) == (3, True)
        await back(place, found)
        trader = start(found)
        try:
            await until(lambda: "closing" in found.state(session_id).flags, "it is obeyed", 120)
            await until(lambda: not (found.home / "CLOSE_ALL.sandbox").exists(), "and its file is removed")
            await until(lambda: not open_now(found), "what rested is cancelled")
        finally:
            trader.send_signal(signal.SIGKILL)
            trader.wait()
        said = [r.body for r in found.records(session_id) if r.kind is Kind.OPERATOR and r.body["command_id"] < 0]
        assert [(one["command"], one["actor"] != "") for one in said] == [(Command.CLOSE_ALL, True)], "once"


async def test_a_session_that_finds_its_exchange_away_when_the_database_is_back_waits_for_it(own_cluster: Cluster, tmp_path: Path) -> None:
    """Its row was read before it opened: what it holds may not be forgotten for that."""
    place, database = own_cluster
    async with world(database, tmp_path) as found:
        trader, unavailable = found.trader("sandbox"), list[str]()
        opener = trader.run_session
        assert opener is not None

        async def watched(row: SessionRow, control: Control, epoch: int) -> None:
            try:
                await opener(row, control, epoch)
            except VenueUnavailable as error:
                unavailable.append(str(error))
                raise

        trader.run_session = watched
        session_id = found.request(minutes=100_000)
        await found.stepped(session_id, 20)
        faults = found.sandbox.faults
        faults.add([fault("502_html", "before", count=10**9) | {"site": "GET /api/v3/klines"}])
        stop(place)
        await asyncio.sleep(0.5)
        await back(place, found)
        await until(lambda: unavailable, "the exchange gives no history")
        await asyncio.sleep(0.2)
        row = found.row(session_id)
        assert row.status is SessionStatus.RUNNING, row.error
        faults.clear()
        slots = (row.next_ms - row.from_ms) // 60_000
        await found.stepped(session_id, slots + 20)
        assert found.state(session_id).boots >= 2
