"""On a real exchange and database: recovery proves its trades, and what is not ours is recorded, counted and never touched."""

from pathlib import Path

import pytest

from sandbox.orders import BUY, Kind, NewOrder, Status
from sandbox.server import ACCOUNT
from tests.conftest import Database
from tests.integration.test_order_faults import agree
from tests.integration.world import SYMBOLS, World, world
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.session import SessionStatus
from trader_core.store import commands, sessions
from trader_core.store import database as store
from trader_core.store.standing import standings
from trader_core.trader.records import Kind as Record
from trader_core.trader.tally import FATES


async def stopped(found: World, session_id: str) -> None:
    found.say("sandbox", Command.STOP, session_id, policy="keep")
    row = await found.ended(session_id)
    assert row.status is SessionStatus.FINISHED, row.error


async def test_each_start_is_proven_and_recorded_and_what_came_in_adds_up(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 120)
        found.say("sandbox", Command.RESTART)
        await found.tasks[0]
        found.trader("sandbox")
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 70)
        with store.begin(found.engine("api")) as db:
            (standing,) = standings(db)
        await stopped(found, session_id)
        recovered = [record.body for record in found.records(session_id) if record.kind is Record.RECOVERED]
        assert len(recovered) == 2
        assert [row[0] for row in recovered[1]["proven"]] == sorted(SYMBOLS)
        assert all(body["asked"] == body["found"] + body["absent"] for body in recovered)
        assert standing["recovery"]["at_ms"] == recovered[1]["at_ms"]
        assert standing["messages"].startswith("trades ")
        with store.begin(found.engine("verify")) as db:
            counts = sessions.load_statistics(db, session_id)
        for what, fates in FATES.items():
            assert counts[f"messages_{what}_received"] == sum(counts[f"messages_{what}_{fate}"] for fate in fates), what
        agree(found, session_id)


@pytest.mark.parametrize("word", [Command.CANCEL_ALL, Command.CLOSE_ALL, Command.KILL])
async def test_an_order_of_somebody_else_is_recorded_and_outlives_every_word(database: Database, tmp_path: Path, word: Command) -> None:
    async with world(database, tmp_path) as found:
        exchange = found.sandbox.exchange
        price = exchange.book("BTCUSDT").bids[0].price // 2
        foreign = exchange.place(ACCOUNT, NewOrder("BTCUSDT", BUY, Kind.LIMIT, UNIT // 5 // price, price))
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 70)
        found.say("sandbox", word)
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 5)
        await stopped(found, session_id)
        external = [record.body for record in found.records(session_id) if record.kind is Record.EXTERNAL]
        assert [row[0] for row in external[0]["orders"]] == ["BTC/USDT"]
        assert external[0]["locked"] > 19 * UNIT
        assert external[0]["taken"] == 0, "the account holds more than the session's 30"
        assert [record for record in found.records(session_id) if record.kind is Record.SENDING], "the session trades on"
        assert found.state(session_id).external, "it is still there"
        (order,) = [order for order in exchange.all_orders() if order.number == foreign.number]
        assert order.status is Status.NEW


async def test_a_word_about_an_order_that_is_not_given_up_is_answered_with_why(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as found:
        found.trader("sandbox")
        session_id = found.request(minutes=1500)
        await found.stepped(session_id, 60)
        order = next(iter(found.state(session_id).orders))
        words = [found.say("sandbox", Command.RESOLVE, session_id, about=about) for about in (order, "nobody's", "trades")]
        slots = (found.row(session_id).next_ms - found.row(session_id).from_ms) // 60_000
        await found.stepped(session_id, slots + 20)
        await stopped(found, session_id)
        with store.begin(found.engine("api")) as db:
            said = [str(commands.outcome_of(db, number)) for number in words]
        assert "refused: expected an order that was given up (QUARANTINED)" in said[0]
        assert "refused: expected an order of this session; found " in said[1]
        assert "nothing is to be vouched for" in said[2]
