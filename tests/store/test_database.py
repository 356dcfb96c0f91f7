"""The way to the database: limits on waiting, errors in our words, rights by role, commands and switches."""

import socket

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.conftest import Database
from tests.store.rows import new_session
from trader_core.model.command import Command
from trader_core.model.errors import DatabaseAway, DatabaseTooOld
from trader_core.store import commands
from trader_core.store import database as way
from trader_core.store.commands import CommandRow, Switch
from trader_core.store.database import begin, check_version, ensure_migrated, open_engine, translated
from trader_core.store.sessions import create_session

WRITES = """
select c.relname || ':' || a.privilege_type from pg_class c, aclexplode(c.relacl) a
 where c.relnamespace = 'public'::regnamespace and a.grantee = cast(:role as regrole) and a.privilege_type <> 'SELECT'
"""

TRADES = {f"{table}:INSERT" for table in (
    "instrument", "collection_session", "candle", "candle_revision", "trading_session", "signal", "refusal", "intent", "orders", "fill",
    "position_snapshot", "pnl_snapshot", "session_statistic",
)} | {f"{table}:UPDATE" for table in (
    "instrument", "candle", "trading_session", "orders", "session_statistic", "position_snapshot", "pnl_snapshot",
)}  # fmt: skip
ALERTS = {"outbox:INSERT", "outbox:UPDATE"}
ROAD = {f"{table}:INSERT" for table in (
    "quality_run", "quality_finding", "instrument_block", "road", "road_step", "gate_result", "approval", "stage_run", "validation_run",
    "validation_metric", "nightly_backtest", "permit", "operator_command", "switch", "search_run", "trial",
)} | {f"{table}:UPDATE" for table in (
    "quality_run", "instrument_block", "road", "road_step", "approval", "stage_run", "validation_run", "validation_metric", "switch",
    "nightly_backtest",
)}  # fmt: skip


def test_a_database_that_does_not_answer_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"postgresql+psycopg://me:secret@127.0.0.1:{port}/x"
    with pytest.raises(DatabaseAway) as caught:
        ensure_migrated(url)
    assert "secret" not in str(caught.value)


def test_a_connection_that_is_cut_is_away_and_the_next_one_works(database: Database) -> None:
    engine = database.engine("flow")
    with engine.connect() as db:
        pid = db.execute(text("select pg_backend_pid()")).scalar_one()
        with psycopg.connect(database.own_url(), autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(DatabaseAway), translated():
            db.execute(text("select 1"))
    with begin(engine) as db:
        assert db.execute(text("select 1")).scalar_one() == 1


def test_errors_of_our_own_making_pass_as_they_are(database: Database) -> None:
    with pytest.raises(ProgrammingError), begin(database.engine("flow")) as db:
        db.execute(text("select nonsense"))
    with pytest.raises(ValueError, match="mine"), translated():
        raise ValueError("mine")


def test_no_statement_waits_for_ever(database: Database) -> None:
    engine = open_engine(database.url("flow"), statement_timeout_s=0.05)
    with pytest.raises(DatabaseAway, match="statement timeout"), begin(engine) as db:
        db.execute(text("select pg_sleep(10)"))
    engine.dispose()


def test_options_of_the_url_stay_beside_the_limits(database: Database) -> None:
    engine = open_engine(database.url("flow") + "&options=-c%20work_mem%3D9MB", pool=False)
    with engine.connect() as db:
        assert db.execute(text("select current_setting('work_mem'), current_setting('statement_timeout')")).one() == ("9MB", "30s")


def test_the_servers_version_is_checked(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with begin(database.engine("verify")) as db:
        assert check_version(db) == 18
        monkeypatch.setattr(way, "VERSION_MIN", 99)
        with pytest.raises(DatabaseTooOld, match="PostgreSQL 99 or newer; found 18"):
            check_version(db)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("verify", set()),
        ("api", {"operator_command:INSERT", "switch:INSERT", "switch:UPDATE", "permit:INSERT", "approval:UPDATE"} | ALERTS),
        ("migrate", set()),
        (
            "trader",
            {"lease:INSERT", "lease:UPDATE", "operator_command:UPDATE", "stream_health:INSERT", "stream_health:UPDATE"} | TRADES | ALERTS,
        ),
        ("flow", TRADES | ALERTS | ROAD),
    ],
)
def test_each_role_may_write_what_it_needs_and_nothing_else(database: Database, role: str, allowed: set[str]) -> None:
    with begin(database.engine("verify")) as db:
        assert set(db.execute(text(WRITES), {"role": f"gatehouse_{role}"}).scalars()) == allowed


def test_nobody_may_delete_or_truncate_and_the_application_owns_nothing(database: Database) -> None:
    grants = """
        select distinct a.privilege_type from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace = 'public'::regnamespace and a.grantee <> 'gatehouse_owner'::regrole"""
    owners = """
        select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'public'::regnamespace
        union select distinct pg_get_userbyid(proowner) from pg_proc where pronamespace = 'public'::regnamespace"""
    with begin(database.engine("verify")) as db:
        assert set(db.execute(text(grants)).scalars()) == {"SELECT", "INSERT", "UPDATE"}
        assert list(db.execute(text(owners)).scalars()) == ["gatehouse_owner"]


def test_public_has_no_rights_and_every_definers_search_path_is_fixed(database: Database) -> None:
    public = """
        select count(*) from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'public'::regnamespace and a.grantee = 0"""
    callable_by_all = """
        select count(*) from pg_proc where pronamespace = 'public'::regnamespace and has_function_privilege('public', oid, 'execute')"""
    loose = """
        select proname from pg_proc where pronamespace = 'public'::regnamespace
           and not coalesce(array_to_string(proconfig, ',') like 'search_path=pg_catalog, %pg_temp', false)"""
    with begin(database.engine("verify")) as db:
        assert db.execute(text(public)).scalar_one() == 0
        assert db.execute(text(callable_by_all)).scalar_one() == 0
        assert list(db.execute(text(loose)).scalars()) == []
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.execute(text("create table mine ()"))


def test_a_command_waits_until_it_is_answered_once(database: Database) -> None:
    with begin(database.engine("api")) as db:
        number = commands.request(db, "paper", Command.PAUSE, actor="me", reason="lunch", args={"minutes": 30})
        commands.request(db, "mexc", Command.KILL, actor="me", reason="test")
    with begin(database.engine("trader")) as db:
        row = CommandRow(number, "paper", None, Command.PAUSE, "pause", {"minutes": 30}, "me", "lunch")
        assert commands.pending(db, "paper") == [row]
        assert [commands.take(db, number), commands.take(db, number)] == [True, False]
        assert commands.pending(db, "paper") == [row]
        assert commands.outcome_of(db, number) is None
        assert [commands.finish(db, number, "done"), commands.finish(db, number, "again")] == [True, False]
        assert commands.pending(db, "paper") == []
        assert commands.outcome_of(db, number) == "done"


def test_a_command_may_name_its_session(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        create_session(db, new_session())
    with begin(database.engine("api")) as db:
        commands.request(db, "paper", Command.STOP, actor="me", reason="enough", session_id="s1")
        assert [row.session_id for row in commands.pending(db, "paper")] == ["s1"]


def test_switches_are_off_until_somebody_turns_them_on(database: Database) -> None:
    with begin(database.engine("api")) as db:
        off = Switch(is_on=False, reason="", actor="")
        assert commands.read_switches(db) == {"kill": off, "pause": off}
        commands.set_switch(db, "kill", is_on=True, actor="me", reason="fire")
        assert commands.read_switches(db) == {"kill": Switch(is_on=True, reason="fire", actor="me"), "pause": off}
        commands.set_switch(db, "kill", is_on=False, actor="me", reason="out")
        assert not commands.read_switches(db)["kill"].is_on
