"""What is said to a trader reaches it when it is committed; a trader that has lost its ear still asks, round after round."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import Database
from tests.integration.world import World, world
from tests.store.test_journal import tamper
from trader_core.model.command import Command
from trader_core.store import commands, journal
from trader_core.store.database import begin
from trader_core.trader import process
from trader_core.trader.events import Alert, CancelOrder, Look, together


async def until(ready: Callable[[], bool], within_s: float = 20.0) -> float:
    """Wait until something holds, and return how many seconds that took."""
    begun = time.monotonic()
    while not ready():
        assert time.monotonic() < begun + within_s, "it did not come"
        await asyncio.sleep(0.005)
    return time.monotonic() - begun


def switched(found: World, name: str, *, on: bool) -> None:
    with begin(found.engine("api")) as db:
        commands.set_switch(db, name, is_on=on, actor="test", reason="storm")


async def test_a_kill_by_switch_holds_without_a_round(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "POLL_S", 2.0)
    async with world(database, tmp_path) as found:
        trader = found.trader("sandbox")
        await until(trader.held.is_set)
        await asyncio.sleep(0.3)  # the first round is over, the next one seconds away
        await asyncio.to_thread(switched, found, "kill", on=True)
        await until(lambda: trader.kill == "storm", 1.5)
        await asyncio.to_thread(switched, found, "pause", on=True)
        await until(lambda: trader.pause == "storm", 1.5)
        await asyncio.to_thread(switched, found, "kill", on=False)
        await until(lambda: not trader.kill, 1.5)
        assert trader.pause == "storm"


async def test_a_word_is_answered_without_a_round(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "POLL_S", 2.0)
    async with world(database, tmp_path) as found:
        trader = found.trader("sandbox")
        await until(trader.held.is_set)
        await asyncio.sleep(0.3)
        number = await asyncio.to_thread(found.say, "sandbox", Command.PAUSE)

        def said() -> bool:
            with begin(found.engine("api")) as db:
                return commands.outcome_of(db, number) == "no session of this account is running"

        await until(said, 1.5)


async def test_a_trader_whose_ear_was_cut_off_still_asks(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        trader = found.trader("sandbox")
        await until(trader.held.is_set)
        await asyncio.sleep(0.3)
        tamper(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity where position('listen' in query) = 1 and pid <> pg_backend_pid()",
        )
        await asyncio.to_thread(switched, found, "kill", on=True)
        await until(lambda: trader.kill == "storm")


def test_every_word_and_switch_stands_in_the_operators_chain_whoever_speaks_at_once(database: Database) -> None:
    engine = database.engine("api")

    def speak(number: int) -> None:
        for turn in range(5):
            with begin(engine) as db:
                commands.request(db, "paper", Command.PAUSE, actor=f"p{number}", reason=f"turn {turn}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(speak, range(4)))
    with begin(engine) as db:
        commands.set_switch(db, "kill", is_on=True, actor="me", reason="storm")
    with begin(database.engine("verify")) as db:
        assert journal.verify(db, journal.OPERATORS).seq == 21
        rows = list(journal.load(db, journal.OPERATORS))
    said = [json.loads(row.body) for row in rows]
    assert sorted((one["actor"], one["reason"]) for one in said[:20]) == [
        (f"p{who}", f"turn {turn}") for who in range(4) for turn in range(5)
    ]
    assert (rows[20].kind, said[20]) == ("SWITCH", {"actor": "me", "is_on": True, "name": "kill", "reason": "storm"})


def test_a_broken_chain_keeps_nobody_from_a_kill(database: Database) -> None:
    with begin(database.engine("api")) as db:
        commands.set_switch(db, "pause", is_on=True, actor="me", reason="lunch")
    tamper(database, "update journal_head set hash = sha256(hash) where session_id = 'operators'")
    tamper(database, "update journal_head set seq = seq + 5 where session_id = 'operators'")
    with begin(database.engine("api")) as db:
        commands.set_switch(db, "kill", is_on=True, actor="me", reason="storm")
    with begin(database.engine("api")) as db:
        assert commands.read_switches(db)["kill"].is_on


def test_what_is_said_is_heard_only_once_it_is_committed(database: Database) -> None:
    heard: list[str] = []
    listening = database.engine("trader").connect().execution_options(isolation_level="AUTOCOMMIT")
    listening.exec_driver_sql(f"listen {commands.CHANNEL}")
    raw = listening.connection.driver_connection
    assert raw is not None

    def hear() -> list[str]:
        heard.extend(one.payload for one in raw.notifies(timeout=0.2))
        return heard

    with begin(database.engine("api")) as db:
        commands.set_switch(db, "kill", is_on=True, actor="me", reason="storm")
        assert hear() == []
    assert [json.loads(one) for one in hear()] == [{"switch": "kill", "on": True, "reason": "storm"}]
    with begin(database.engine("api")) as db:
        db.execute(text("select 1"))
    listening.close()


def test_cancels_that_follow_each_other_go_together() -> None:
    one, two, look = CancelOrder("a", "BTC/USDT"), CancelOrder("b", "ETH/USDT"), Look("c", "BTC/USDT")
    assert together([look, one, two, Alert("x"), one]) == [[look], [one, two], [Alert("x")], [one]]
    assert together([]) == []
