"""How streams are: one row each, replaced by the next; shown for sessions that run, and told when a bar was changed."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import text

from tests.conftest import Database
from tests.store.rows import new_session
from trader_core.model.alert import Alert
from trader_core.model.errors import DatabaseAway
from trader_core.model.session import SessionStatus
from trader_core.store.database import begin
from trader_core.store.sessions import create_session, set_status
from trader_core.store.streams import StreamRow, load_streams, save_streams
from trader_core.trader.vitals import rows_of, watch_over
from trader_core.venues.pulse import Pulse

TRADES = StreamRow("trades BTC/USDT", 1_200, 80, 500, 1, 2, 0, "closed by the server")


def test_the_last_word_of_each_stream_stands(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        create_session(db, new_session())
        set_status(db, "s1", SessionStatus.RUNNING)
    with begin(database.engine("trader")) as db:
        save_streams(db, "s1", [TRADES, TRADES._replace(stream="bars", why="")])
        save_streams(db, "s1", [TRADES._replace(age_ms=9, messages=501)])
        save_streams(db, "s1", [])
    with begin(database.engine("api")) as db:
        bars, trades = load_streams(db, (SessionStatus.RUNNING,))
        assert bars == ("s1", TRADES._replace(stream="bars", why=""))
        assert trades == ("s1", TRADES._replace(age_ms=9, messages=501))
        assert db.execute(text("select count(*) from stream_health")).scalar_one() == 2


def test_a_session_that_has_ended_shows_none(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        create_session(db, new_session())
        set_status(db, "s1", SessionStatus.FINISHED)
    with begin(database.engine("trader")) as db:
        save_streams(db, "s1", [TRADES])
        assert load_streams(db, (SessionStatus.RUNNING,)) == []


def pulse() -> Pulse:
    found = Pulse()
    health = found.of("trades BTC/USDT")
    health.since_ms, health.last_ms, health.lag_ms, health.messages, health.gaps, health.reconnects = 1_000, 8_800, 80, 500, 1, 2
    health.why = "closed by the server"
    return found


def test_a_pulse_is_one_row_a_stream_with_its_age_now() -> None:
    assert rows_of(pulse(), 10_000) == [TRADES]
    silent = Pulse()
    silent.of("orders").since_ms = 4_000
    assert rows_of(silent, 10_000)[0][:3] == ("orders", 6_000, -1), "what has said nothing yet is as old as its connection"


async def test_vitals_are_kept_again_and_again_alarms_told_and_a_database_that_is_away_is_not_waited_for() -> None:
    kept, told, beating = list[Sequence[StreamRow]](), list[Alert](), pulse()
    beating.alarms.append("BTC/USDT: the bar of 0 was [1] and is now [2]")

    async def keep(rows: Sequence[StreamRow]) -> None:
        kept.append(rows)
        if len(kept) == 1:
            raise DatabaseAway("an answer", "none", "wait")

    task = asyncio.create_task(watch_over(beating, lambda: 10_000, keep, told.append, "s1", every_s=0.001))
    async with asyncio.timeout(5):
        while len(kept) < 3:  # noqa: ASYNC110 - what is waited for is no event
            await asyncio.sleep(0.001)
    task.cancel()
    assert kept[1] == [TRADES]
    assert [(alert.title, alert.body, alert.key) for alert in told] == [
        ("A bar was revised", "BTC/USDT: the bar of 0 was [1] and is now [2]", "s1 revised")
    ]


async def test_a_feed_without_streams_has_nothing_to_keep() -> None:
    async def keep(_rows: Sequence[StreamRow]) -> None:
        raise AssertionError

    task = asyncio.create_task(watch_over(Pulse(), lambda: 0, keep, lambda _: None, "s1", every_s=0.001))
    await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()
