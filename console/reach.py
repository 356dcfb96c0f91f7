"""The console's way to what runs the product: looked up when a command needs it, imported by nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from console import show

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from deployments.postgres import Server, Status
    from trader_core.settings import Settings


@contextmanager
def database(settings: "Settings") -> Iterator["Server"]:
    """Yield a database that is up and migrated; what this call started is stopped at the end."""
    manager = import_module("deployments.postgres").running(settings)
    with show.working("Starting the database"):
        server = manager.__enter__()
    try:
        yield server
    finally:
        manager.__exit__(None, None, None)


@contextmanager
def connection(server: "Server", role: str) -> Iterator["Connection"]:
    """Yield one transaction as a role, committed at the end; raises StoreError."""
    from trader_core.store.database import begin, open_engine

    engine = open_engine(server.url(role), pool=False)
    with begin(engine) as db:
        yield db


def database_up(settings: "Settings") -> "Server":
    """Start the database to stay, and return it."""
    server: Server = import_module("deployments.postgres").up(settings)
    return server


def database_down(settings: "Settings") -> bool:
    """Stop the embedded database and say whether it was running."""
    return bool(import_module("deployments.postgres").down(settings))


def database_status(settings: "Settings") -> "Status":
    """Return what runs, starting nothing."""
    status: Status = import_module("deployments.postgres").status(settings)
    return status
