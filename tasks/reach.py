"""A task's way to the database: settings from the environment, one transaction at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from deployments import postgres
from trader_core.settings import Settings
from trader_core.store.database import Connection, Engine, begin, open_engine

STATEMENT_S = 600
"""A year of minutes loads in seconds; ten years on a slow disk take longer than a trader may ever wait."""


@contextmanager
def engine(settings: Settings | None = None, role: str = "flow") -> Iterator[Engine]:
    """Yield an engine of a role on this installation's database, which is started if need be and stopped by its last user."""
    with postgres.running(settings or Settings()) as server:
        found = open_engine(server.url(role), pool=False, statement_timeout_s=STATEMENT_S)
        try:
            yield found
        finally:
            found.dispose()


@contextmanager
def transaction(settings: Settings | None = None, role: str = "flow") -> Iterator[Connection]:
    """Yield one transaction, committed at the end; raises StoreError."""
    with engine(settings, role) as found, begin(found) as db:
        yield db
