"""A lock that a flow holds in the database for as long as its process lives, taken again when the database comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import structlog

from trader_core.model.errors import DatabaseAway, StepRunning
from trader_core.store.database import Engine
from trader_core.store.roads import alone

log = structlog.get_logger()

POLL_S = 1.0
PATIENCE_S = 60.0
T = TypeVar("T")


@contextmanager
def held(engine: Engine, key: str) -> Iterator[None]:
    """Hold a key's lock; raises StepRunning at once when another process has it."""
    ready, over, refused = threading.Event(), threading.Event(), list[StepRunning | DatabaseAway]()

    def keep() -> None:
        while not over.is_set():
            try:
                with alone(engine, key) as db:
                    ready.set()
                    while not over.wait(POLL_S):
                        db.exec_driver_sql("select 1")
            except (StepRunning, DatabaseAway) as error:
                if not ready.is_set():
                    refused.append(error)
                    ready.set()
                    return
                log.warning("a lock is to be taken again", key=key, text=str(error))
                over.wait(POLL_S)

    thread = threading.Thread(target=keep, name=f"lock {key}", daemon=True)
    thread.start()
    ready.wait()
    if refused:
        raise refused[0]
    try:
        yield
    finally:
        over.set()
        thread.join(5 * POLL_S)


def patiently(work: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Return what `work` returns, trying again while the database is away; raises DatabaseAway when that lasts too long."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(DatabaseAway):
            return work()
        time.sleep(POLL_S)
    return work()
