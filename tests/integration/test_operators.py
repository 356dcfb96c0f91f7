"""What operators say, by the database and by the sentinel file, and what becomes of orders and positions."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.integration.world import World, world
from trader_core.evidence.verdict import Verdict
from trader_core.model.command import Command
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.store import commands, sessions
from trader_core.store import database as store
from trader_core.trader.examine import _folded
from trader_core.trader.records import Kind, Record


def after_flag(records: list[Record], flag: str) -> list[Record]:
    """Return the records behind the one that set a flag."""
    at = next(i for i, r in enumerate(records) if r.kind is Kind.FLAG and r.body["flag"] == flag and r.body["on"])
    return records[at + 1 :]


async def hold_by(found: World, how: str, command: Command) -> None:
    """Kill or pause in one of the three ways."""
    if how == "sentinel":
        (found.home / str(command).upper()).write_text("a test")
    elif how == "switch":
        with store.begin(found.engine("api")) as db:
            commands.set_switch(db, str(command), is_on=True, actor="test", reason="a test")
    else:
        found.say("sandbox", command)


async def holding(found: World, session_id: str) -> None:
    """Wait until a session holds something."""
    while not (found.row(session_id).from_ms and found.state(session_id).slots["position"].any()):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["sentinel", "switch", "command"])
async def test_after_a_kill_nothing_is_sent_any_more(database: Database, tmp_path: Path, how: str) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 8)
        await hold_by(found, how, Command.KILL)
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 60)
        found.say("sandbox", Command.STOP, session_id, policy="keep")
        await found.ended(session_id)
        later = after_flag(found.records(session_id), "kill")
        sent = [r for r in later if r.kind is Kind.SENDING]
        refused = [d for r in later if r.kind is Kind.BARS for d in r.body["decisions"] if d[8] == 1]
        assert sent == []
        assert refused, "the strategy went on wanting to trade, and the guard said KILLED"


async def test_a_row_that_is_no_word_or_has_no_reason_is_answered_and_the_trader_goes_on(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 2)
        with store.begin(found.engine("api")) as db:
            for command, reason in (("explode", "a test"), ("pause", " ")):
                db.exec_driver_sql(
                    "insert into operator_command (account, command, args, actor, reason) values ('sandbox', %s, '{}', 'test', %s)",
                    (command, reason),
                )
        number = found.say("sandbox", Command.STOP, session_id, policy="keep")
        await found.ended(session_id)
        with store.begin(found.engine("api")) as db:
            said = [commands.outcome_of(db, one) or "" for one in (number - 2, number - 1)]
        assert said[0].startswith("refused: expected a word of kill, pause, resume")
        assert "'explode'" in said[0]
        assert said[1] == "refused: expected a reason for pause; found none; say it again"
        assert "pause" not in found.state(session_id).flags


async def resume_all(found: World) -> None:
    (found.home / "PAUSE").unlink(missing_ok=True)
    with store.begin(found.engine("api")) as db:
        commands.set_switch(db, "pause", is_on=False, actor="test", reason="a test")
    found.say("sandbox", Command.RESUME)


@pytest.mark.parametrize("how", ["sentinel", "switch", "command"])
async def test_pause_lets_exits_through_and_nothing_in_until_resume(database: Database, tmp_path: Path, how: str) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 8)
        await hold_by(found, how, Command.PAUSE)
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 60)
        assert not found.state(session_id).slots["position"].any(), "exits went through, nothing came in"
        await resume_all(found)
        await found.stepped(session_id, slots + 120)
        found.say("sandbox", Command.STOP, session_id, policy="keep")
        await found.ended(session_id)
        records = found.records(session_id)
        paused = after_flag(records, "pause")
        cleared = next(i for i, r in enumerate(paused) if r.kind is Kind.FLAG and r.body["flag"] == "pause")
        bought = [r.body["side"] for r in paused[:cleared] if r.kind is Kind.INTENT]
        assert 1 not in bought
        assert [r for r in paused[cleared:] if r.kind is Kind.INTENT and r.body["side"] == 1], "it buys again after resume"


@pytest.mark.parametrize("mode", [SessionMode.PAPER, SessionMode.STAGE])
async def test_a_stop_that_flattens_leaves_no_position_and_says_so(database: Database, tmp_path: Path, mode: SessionMode) -> None:
    async with world(database, tmp_path) as found:
        account = "paper" if mode is SessionMode.PAPER else "sandbox"
        found.trader(account)
        session_id = found.request(mode, minutes=1500)
        await holding(found, session_id)
        found.say(account, Command.STOP, session_id, policy=str(StopPolicy.FLATTEN))
        row = await found.ended(session_id)
        assert row.status is SessionStatus.FINISHED
        state = found.state(session_id)
        assert not state.slots["position"].any()
        assert not state.pending
        closed = found.records(session_id)[-2]
        assert (closed.kind, closed.body["policy"], closed.body["kept"]) == (Kind.CLOSED, "flatten", [])


async def test_a_stop_that_keeps_names_what_it_keeps(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await holding(found, session_id)
        found.say("sandbox", Command.STOP, session_id, policy=str(StopPolicy.KEEP))
        row = await found.ended(session_id)
        state = found.state(session_id)
        kept = {x.symbol: state.position(i) for i, x in enumerate(state.instruments) if state.position(i)}
        assert row.result is not None
        assert row.result["kept"] == kept
        closed = found.records(session_id)[-2]
        assert dict(closed.body["kept"]) == kept


async def test_close_all_after_a_kill_sells_every_position(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500, slow=200)
        await holding(found, session_id)
        found.say("sandbox", Command.KILL)
        await asyncio.sleep(0.5)
        held = [int(quantity) for quantity in found.state(session_id).slots["position"]]
        found.say("sandbox", Command.CLOSE_ALL)
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 30)
        found.say("sandbox", Command.STOP, session_id, policy="keep")
        await found.ended(session_id)
        assert any(held), "something was held when the kill came"
        assert not found.state(session_id).slots["position"].any()


async def test_a_running_session_is_taken_further_when_a_later_end_is_asked_for(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=400)
        await found.stepped(session_id, 5)
        with store.begin(found.engine("flow")) as db:
            sessions.request_until(db, session_id, found.row(session_id).until_ms + 60 * 60_000)
        row = await found.ended(session_id)
        assert (row.until_ms - row.from_ms) // 60_000 == 460
        assert row.next_ms >= row.until_ms


@pytest.mark.parametrize("what", ["row", "record"])
async def test_a_state_that_is_not_what_the_trader_said_of_itself_is_no_go(database: Database, tmp_path: Path, what: str) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=8)
        row = await found.ended(session_id)
        assert found.examine(session_id).operations.verdict is Verdict.GO
        records = found.records(session_id)
        said = row.state_digest
        assert _folded(records, said)[1]
        if what == "row":
            said = "0" * 64
        else:
            records[-2] = Record(Kind.CLOSED, records[-2].body | {"before": "0" * 64})
        assert not _folded(records, said)[1]
