"""The console's way to what runs the product: looked up when a command needs it, imported by nobody."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from console import show

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from deployments.postgres import Server, Status
    from trader_core.settings import Settings


STATEMENT_S = 600
"""A year of minutes loads in seconds; ten years on a slow disk take longer than a trader may ever wait."""


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
def engine(server: "Server", role: str) -> Iterator["Engine"]:
    """Yield an engine of a role."""
    from trader_core.store.database import open_engine

    found = open_engine(server.url(role), pool=False, statement_timeout_s=STATEMENT_S)
    try:
        yield found
    finally:
        found.dispose()


@contextmanager
def connection(server: "Server", role: str) -> Iterator["Connection"]:
    """Yield one transaction as a role, committed at the end; raises StoreError."""
    from trader_core.store.database import begin

    with engine(server, role) as found, begin(found) as db:
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


def stack_status(settings: "Settings") -> dict[str, Any]:
    """Return what the supervisor left running by `up` said of itself, or nothing."""
    found: dict[str, Any] = import_module("deployments.stack").status(settings)
    return found


def prefect_status(settings: "Settings") -> str:
    """Return where Prefect's server is, in words; one that was announced and does not answer is named."""
    local = import_module("deployments.prefect_local")
    try:
        said = json.loads(local.announce_path(settings).read_text())
    except (OSError, ValueError):
        return "not running"
    return str(said["ui_url"]) if local.healthy(said["api_url"]) else f"announced at {said['ui_url']}, no answer"


def exchange_announced(settings: "Settings") -> dict[str, Any]:
    """Return what an embedded exchange announced in this home, or nothing; whether it still listens is another question."""
    path = import_module("deployments.stack").announce_path(settings)
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return said


def listens(address: str) -> bool:
    """Tell whether something accepts connections at a loopback address."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False
