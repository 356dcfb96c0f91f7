"""How long a trader waits for its database: a server that stands still, or a network that swallows, is away within seconds."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text

from tests.conftest import Database
from tests.store.swallower import swallowing
from trader_core.model.errors import DatabaseAway
from trader_core.store import journal
from trader_core.store.database import TRADER, begin, begin_long, open_engine
from trader_core.store.limits import USUAL, Impatient

QUICK = TRADER._replace(statement_s=0.3, lock_s=0.2, answer_s=0.6, idle_in_transaction_s=0.4)


@pytest.fixture
def quick(database: Database) -> Iterator[Engine]:
    """An engine with a trader's limits, a tenth as long."""
    engine = open_engine(database.url("trader"), limits=QUICK)
    yield engine
    engine.dispose()


def settings(engine: Engine) -> dict[str, str]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval")
    with begin(engine) as db:
        return {name: str(db.execute(text("select current_setting(:name)"), {"name": name}).scalar_one()) for name in names}


def test_a_trader_waits_three_seconds_for_a_statement_and_one_for_a_lock(database: Database) -> None:
    assert settings(database.engine("trader")) == {
        "statement_timeout": "3s", "lock_timeout": "1s", "idle_in_transaction_session_timeout": "10s",
        "client_connection_check_interval": "1s",
    }  # fmt: skip


def test_others_wait_as_long_as_before(database: Database) -> None:
    assert settings(database.engine("flow")) == {
        "statement_timeout": "30s", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "5min",
        "client_connection_check_interval": "1s",
    }  # fmt: skip


def test_what_takes_its_time_at_a_start_or_an_end_has_it_for_one_transaction(quick: Engine) -> None:
    with begin_long(quick) as db:
        assert db.execute(text("select current_setting('statement_timeout')")).scalar_one() == f"{USUAL.statement_s:g}s"
        db.execute(text("select pg_sleep(0.8)"))
        time.sleep(0.6)
    with pytest.raises(DatabaseAway, match="statement timeout"), begin(quick) as db:
        db.execute(text("select pg_sleep(0.8)"))


def twice(engine: Engine, between: Callable[[int], object]) -> None:
    """Ask twice in one transaction; `between` gets the server's process."""
    with begin(engine) as db:
        between(int(db.execute(text("select pg_backend_pid()")).scalar_one()))
        db.execute(text("select 1"))


def lock(engine: Engine) -> None:
    with begin(engine) as db:
        db.execute(text("select pg_advisory_xact_lock(1)"))


def test_a_lock_that_somebody_holds_is_not_waited_for(database: Database, quick: Engine) -> None:
    with begin(database.engine("verify")) as other:
        other.execute(text("select pg_advisory_xact_lock(1)"))
        with pytest.raises(DatabaseAway, match="lock timeout"):
            lock(quick)


def test_a_transaction_in_which_nothing_happens_is_ended(quick: Engine) -> None:
    with pytest.raises(DatabaseAway, match="idle"):
        twice(quick, lambda _: time.sleep(0.7))


def test_a_server_that_stands_still_is_away_within_seconds(quick: Engine) -> None:
    stopped: list[int] = []

    def stop(backend: int) -> None:
        stopped.append(backend)
        os.kill(backend, signal.SIGSTOP)

    began = time.monotonic()
    try:
        with pytest.raises(DatabaseAway, match="no answer within"):
            twice(quick, stop)
        assert time.monotonic() - began < 3
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    with begin(quick) as db:
        assert db.execute(text("select 1")).scalar_one() == 1


def test_a_network_that_swallows_is_away_within_seconds(database: Database) -> None:
    with swallowing(database, "trader") as (way, url):
        engine = open_engine(url, limits=QUICK._replace(connect_s=2, idle_in_transaction_s=10))
        began = time.monotonic()
        with pytest.raises(DatabaseAway, match="no answer within"):
            twice(engine, lambda _: way.swallows.set())
        assert time.monotonic() - began < 3
        with pytest.raises(DatabaseAway, match="timeout"):
            lock(engine)
        assert time.monotonic() - began < 6
        engine.dispose()


def test_long_answers_that_go_on_arriving_are_one_call_each(quick: Engine) -> None:
    with begin(quick) as db:
        assert isinstance(db.connection.driver_connection, Impatient)
        rows = db.execute(text("select repeat('x', 1000) from generate_series(1, 2000)")).scalars()
        assert sum(map(len, rows)) == 2_000_000


def cut(database: Database, pid: int) -> None:
    with psycopg.connect(database.own_url(), autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", (pid,))


def backend(engine: Engine) -> int:
    with begin(engine) as db:
        return int(db.execute(text("select pg_backend_pid()")).scalar_one())


def test_a_connection_that_was_cut_while_nobody_used_it_is_replaced(
    quick: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trader_core.store.limits.FRESH_S", 0.0)
    first = backend(quick)
    assert backend(quick) == first
    cut(database, first)
    assert backend(quick) != first


def test_a_connection_that_was_cut_right_after_its_use_is_away_once(
    quick: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trader_core.store.limits.FRESH_S", 60.0)
    first = backend(quick)
    cut(database, first)
    with pytest.raises(DatabaseAway):
        backend(quick)
    assert backend(quick) != first


def read_a_locked_journal(engine: Engine) -> None:
    with begin(engine) as db:
        db.execute(text("set local lock_timeout = 10"))
        list(journal.pages(db, "s1", 0))


def test_a_journal_that_cannot_be_read_in_time_is_away(quick: Engine, database: Database) -> None:
    with psycopg.connect(database.own_url()) as other:
        other.execute("lock table journal in access exclusive mode")
        with pytest.raises(DatabaseAway, match="lock timeout"):
            read_a_locked_journal(quick)
