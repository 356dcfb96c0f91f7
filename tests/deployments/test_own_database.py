"""GATEHOUSE_DATABASE_URL: a PostgreSQL of the user's own, adopted once and then used through one login."""

import socket

import psycopg
import pytest
from pydantic import SecretStr

from deployments import bootstrap, postgres
from tests.conftest import Database
from trader_core.model.errors import DatabaseAway, DatabaseTooOld
from trader_core.settings import Settings


def own(url: str) -> Settings:
    return Settings(database_url=SecretStr(url))


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def fresh(database: Database, name: str) -> str:
    """Return the superuser's URL of an empty database beside the test's own."""
    with psycopg.connect(database.own_url(), autocommit=True) as db:
        db.execute(f"create database {name} template template0")
    return database.own_url().replace(f"/{database.server.database}?", f"/{name}?")


def drop(database: Database, name: str) -> None:
    with psycopg.connect(database.own_url(), autocommit=True) as db:
        db.execute(f"drop database {name} with (force)")


def test_an_empty_database_of_ones_own_is_adopted_migrated_and_kept(database: Database) -> None:
    url = fresh(database, "adopted")
    try:
        for _ in range(2):
            with postgres.running(own(url)) as server:
                assert not server.embedded
                for role in bootstrap.ROLES:
                    with psycopg.connect(plain(server.url(role))) as db:
                        assert db.execute("select current_user").fetchone() == (f"gatehouse_{role}",)
        with psycopg.connect(plain(server.url("verify"))) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("insert into switch values ('kill', true, '', '')")
        assert not postgres.down(own(url))
    finally:
        drop(database, "adopted")


def test_status_of_ones_own_server_shows_no_password(database: Database) -> None:
    found = postgres.status(own(database.own_url()))
    assert (found.embedded, found.running, found.version[:2]) == (False, True, "18")
    assert "@" not in found.place
    assert "password" not in found.place


def test_a_plain_login_suffices_once_the_roles_are_granted(database: Database) -> None:
    with psycopg.connect(database.own_url(), autocommit=True) as db:
        db.execute("drop role if exists plain_login")
        db.execute("create role plain_login login password 'secret'")
        names = ", ".join(["gatehouse_owner", *map(bootstrap.role_name, bootstrap.ROLES)])
        db.execute(f"grant {names} to plain_login")
    password = database.server.passwords["postgres"]
    url = database.own_url().replace(f"postgres:{password}@", "plain_login:secret@")
    with postgres.running(own(url)) as server, psycopg.connect(plain(server.url("trader"))) as db:
        assert db.execute("select session_user, current_user").fetchone() == ("plain_login", "gatehouse_trader")


def test_a_login_that_may_not_create_roles_is_told_so(database: Database) -> None:
    with psycopg.connect(database.own_url(), autocommit=True) as db:
        db.execute("drop role if exists powerless")
        db.execute("create role powerless login password 'secret'")
    password = database.server.passwords["postgres"]
    url = database.own_url().replace(f"postgres:{password}@", "powerless:secret@")
    with pytest.raises(DatabaseAway, match="CREATEROLE"), postgres.running(own(url)):
        pass


def test_a_server_that_does_not_answer_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for url in (f"postgresql://me:secret@127.0.0.1:{port}/x", f"postgres://me:secret@127.0.0.1:{port}/x"):
        with pytest.raises(DatabaseAway, match="GATEHOUSE_DATABASE_URL") as caught, postgres.running(own(url)):
            pass
        assert "secret" not in str(caught.value)
        with pytest.raises(DatabaseAway):
            postgres.status(own(url))


def test_a_wrong_password_is_said_without_showing_it(database: Database) -> None:
    url = database.own_url().replace(database.server.passwords["postgres"], "wrong-word")
    with pytest.raises(DatabaseAway, match="password authentication failed") as caught, postgres.running(own(url)):
        pass
    assert "wrong-word" not in str(caught.value)


def test_a_server_below_the_oldest_version_is_too_old(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "VERSION_MIN", 990_000)
    with pytest.raises(DatabaseTooOld, match="server version 18"), postgres.running(own(database.own_url())):
        pass


def test_a_role_option_is_added_to_the_options_of_the_url() -> None:
    url = postgres.with_role("postgres://me@host/db?sslmode=require", "trader")
    assert url == "postgresql+psycopg://me@host/db?sslmode=require&options=-c%20role%3Dgatehouse_trader"
