"""One throwaway PostgreSQL per test process, and a fresh migrated database for each test that asks."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from deployments.postgres import Place, Server
from trader_core.store.database import TRADER, ensure_migrated, open_engine
from trader_core.store.limits import USUAL


@dataclass
class Database:
    """A migrated database of one test's own."""

    server: Server
    engines: list[Engine] = field(default_factory=list)

    def url(self, role: str) -> str:
        """Return the SQLAlchemy URL of migrate, trader, flow, api or verify."""
        return self.server.url(role)

    def engine(self, role: str) -> Engine:
        """Return an engine that the fixture disposes of."""
        self.engines.append(open_engine(self.url(role), limits=TRADER if role == "trader" else USUAL))
        return self.engines[-1]

    def own_url(self) -> str:
        """Return what GATEHOUSE_DATABASE_URL may be set to: a superuser's login to this database."""
        return self.server.admin_url().replace("+psycopg", "")


def _quick_folder() -> str | None:
    """Return a file system in memory with room: a database per test is made ten times as fast there on a busy disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    return str(memory) if roomy else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A cluster of this process, without fsync, whose database `gatehouse` is the migrated template."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-", dir=_quick_folder()) as home:
        Path(home).chmod(0o711)  # where root has no user namespaces, an unprivileged user has to pass
        yield from _serve(Path(home))


def _serve(home: Path) -> Iterator[Server]:
    place = Place(home / "postgres", home / "secrets", durable=False)
    with place.used():
        with place.locked():
            server = place.ensure()
        ensure_migrated(server.url("migrate"))
        yield server


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    """A fresh migrated database, dropped at the test's end."""
    name = f"test_{os.urandom(6).hex()}"
    admin = postgres_server.admin_url().replace("+psycopg", "").replace("/gatehouse?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as db:
        db.execute(f"create database {name} template gatehouse")
        made = Database(replace(postgres_server, database=name))
        yield made
        for engine in made.engines:
            engine.dispose()
        db.execute(f"drop database {name} with (force)")
