"""The way to the database: an engine with time limits, errors in our words, and the schema's version."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection as Connection  # noqa: PLC0414 - callers name the types without importing the library
from sqlalchemy import Engine as Engine  # noqa: PLC0414
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from trader_core.model.errors import ChainBroken, DatabaseAway, DatabaseTooOld, Fenced, Frozen, NotMigrated, NotPermitted, StoreError
from trader_core.store.limits import TRADER as TRADER  # noqa: PLC0414 - what a trader's process opens its engine with
from trader_core.store.limits import USUAL, Limits, ask_the_idle, keep, patience

SCHEMA = "0013"
"""The migration that this code was written for; a test compares it with the newest one."""
VERSION_MIN = 15
SQLSTATES: dict[str, type[StoreError]] = {"GH001": Fenced, "GH002": ChainBroken, "GH003": ChainBroken, "GH004": ChainBroken,
                                        "GH005": NotPermitted, "GH006": ChainBroken, "GH007": Frozen}  # fmt: skip
"""What the functions of the database raise (migrations/versions/0003, 0006 and 0011)."""
EXPLAINED = {
    "GH001": ("a journal that only its one writer extends", "stop this trader: another one is at work"),
    "GH005": ("a permit that rests on a gate that says GO and on an approval", "walk the road: `gatehouse road status` says what is next"),
    "GH007": ("a session as it was requested", "request another session: what one was opened with is never changed"),
    "GH006": ("a segment of an ended session that is what the journal holds", "run `gatehouse audit verify`, then archive again"),
}
"""Per SQLSTATE: what was expected, and what to do."""


def open_engine(
    url: str, *, statement_timeout_s: float = 0.0, pool: bool = True, limits: Limits = USUAL
) -> Engine:  # fmt: skip
    """Return an engine that neither connects, nor waits, nor keeps a dead connection, for ever; nothing is contacted yet."""
    if statement_timeout_s:
        limits = limits._replace(statement_s=statement_timeout_s, lock_s=statement_timeout_s)
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    arguments: dict[str, Any] = {
        **limits.arguments(),
        "options": f"{given if isinstance(given, str) else ' '.join(given)} {limits.options()}".strip(),
        "application_name": "gatehouse",
    }
    url_bare = parsed.difference_update_query(["options"])
    if not pool:
        return create_engine(url_bare, connect_args=arguments, poolclass=NullPool)
    if not limits.answer_s:
        return create_engine(url_bare, connect_args=arguments, pool_pre_ping=True, pool_size=4)
    engine = create_engine(url_bare, connect_args=arguments, pool_size=4)
    keep(engine, limits.answer_s)
    ask_the_idle(engine)
    return engine


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises into DatabaseAway, Fenced or ChainBroken; broken constraints and bugs pass as they are."""
    try:
        yield
    except DBAPIError as error:
        mine = _ours(error.orig, lost=error.connection_invalidated or isinstance(error, OperationalError | InterfaceError))
        if mine is None:
            raise
        raise mine from error
    except psycopg.Error as error:  # where the driver is asked without the library around it
        mine = _ours(error, lost=isinstance(error, psycopg.OperationalError | psycopg.InterfaceError))
        if mine is None:
            raise
        raise mine from error


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in one transaction, committed at the end, with errors translated."""
    with translated(), engine.begin() as db:
        yield db


@contextmanager
def begin_long(engine: Engine) -> Iterator[Connection]:
    """Do what `begin` does with the usual patience, also where the engine is a trader's."""
    with begin(engine) as db, patience(db):
        yield db


@contextmanager
def begin_snapshot(engine: Engine) -> Iterator[Connection]:
    """Do what `begin_long` does, and read the database as it was at the first statement, whatever others commit meanwhile."""
    with begin(engine) as db:
        db.execute(text("set transaction isolation level repeatable read"))  # before anything that reads
        with patience(db):
            yield db


def check_version(db: Connection) -> int:
    """Return the server's major version; raises DatabaseTooOld below the oldest supported one."""
    number = int(db.execute(text("select current_setting('server_version_num')")).scalar_one())
    major = number // 10_000
    if major < VERSION_MIN:
        raise DatabaseTooOld(f"PostgreSQL {VERSION_MIN} or newer", str(major), "upgrade it, or unset GATEHOUSE_DATABASE_URL")
    return major


def server_time_ms(db: Connection) -> int:
    """Return the server's clock in epoch ms."""
    return int(db.execute(text("select (extract(epoch from clock_timestamp()) * 1000)::bigint")).scalar_one())


def schema_of(db: Connection) -> str:
    """Return the migration that the database is at, or nothing when it was never migrated."""
    if db.execute(text("select to_regclass('public.alembic_version')")).scalar_one() is None:
        return ""
    return str(db.execute(text("select coalesce(max(version_num), '') from alembic_version")).scalar_one())


def require_migrated(db: Connection) -> None:
    """Raise NotMigrated unless the schema is the one of this code."""
    found = schema_of(db)
    if found != SCHEMA:
        raise NotMigrated(f"schema {SCHEMA}", f"schema {found or 'none'}", "run `gatehouse up`, which brings it up to date")


def ensure_migrated(url: str) -> bool:
    """Bring the schema up to this code's, as the migrate role, and say whether that changed anything.

    Raises NotMigrated when the database is ahead of this code, DatabaseAway or DatabaseTooOld.
    """
    engine = open_engine(url, pool=False, statement_timeout_s=600)
    with begin(engine) as db:
        check_version(db)
        # Two commands may start at once: the second waits, and finds it done.
        db.execute(text("select pg_advisory_xact_lock(7741, 0)"))
        found = schema_of(db)
        if found == SCHEMA:
            return False
        if found > SCHEMA:
            raise NotMigrated(f"schema {SCHEMA} or older", f"schema {found}", "update the program: the database is newer")
        migrate(db, SCHEMA)
    return True


def migrate(db: Connection, revision: str) -> None:
    """Move the schema up or down to `revision` ("base" for nothing), as the owner; the caller commits."""
    from alembic import command  # noqa: PLC0415 - 0.2 s that only a migration needs

    db.execute(text("set local role gatehouse_owner"))
    config = alembic_config(db)
    if revision == "base" or revision < schema_of(db):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def alembic_config(db: Connection) -> Any:
    """Return Alembic's configuration for our migrations on this connection."""
    from alembic.config import Config  # noqa: PLC0415

    spec = importlib.util.find_spec("migrations")
    folders = list(spec.submodule_search_locations or []) if spec else []
    assert folders, "the migrations are installed beside this package"
    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", folders[0].replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _ours(error: BaseException | None, *, lost: bool) -> StoreError | None:
    state = getattr(error, "sqlstate", None) or ""
    said = str(error).strip().split("\n")[0][:300]
    if state in SQLSTATES:
        expected, todo = EXPLAINED.get(state, ("a journal that only its one writer extends", "stop, and verify the journal"))
        return SQLSTATES[state](expected, said, todo)
    # Lost connections, a server that stops or starts, and statements that waited too long: none says what became of it.
    if lost:
        return DatabaseAway("an answer of the database", said, "see `gatehouse status`; it may be stopped, starting or too busy")
    return None
