"""Turns: a clock that sessions step is stepped by one session at a time; the others wait."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

log = structlog.get_logger()

POLL_S = 0.1


@asynccontextmanager
async def turn(path: Path | None, session_id: str) -> AsyncIterator[None]:
    """Hold the lock of a file, waiting for it as long as it takes; None needs none. It goes with the process that holds it."""
    if path is None:
        yield
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(file):
            log.info("session waits for its turn on a stepped clock", session=session_id)
            while not _taken(file):  # noqa: ASYNC110 - nothing signals a lock of another process
                await asyncio.sleep(POLL_S)
        yield
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
