"""Listening: what is said to traders reaches them when it is committed, without a question."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import Engine

from trader_core.store.commands import CHANNEL
from trader_core.store.copy import raw
from trader_core.store.database import translated

Hear = Callable[[dict[str, Any]], None]


class Listener:
    """A connection of its own that hears every notification; `close` ends it. Who loses it still has its rounds."""

    def __init__(self, engine: Engine, hear: Hear) -> None:
        """Connect and listen; raises DatabaseAway. Call it on a thread, and `attach` in the event loop."""
        self._hear = hear
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle = -1
        with translated():
            self._db = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._db.exec_driver_sql(f"listen {CHANNEL}")
        self._raw = raw(self._db)

    def attach(self) -> None:
        """Read whatever comes from now on in the running event loop."""
        self._loop, self._handle = asyncio.get_running_loop(), self._raw.fileno()
        self._loop.add_reader(self._handle, self._read)

    def _read(self) -> None:
        try:
            self._raw.pgconn.consume_input()
            while (heard := self._raw.pgconn.notifies()) is not None:
                with suppress(ValueError):
                    said = json.loads(heard.extra)
                    if isinstance(said, dict):
                        self._hear(said)
        except psycopg.OperationalError:  # gone; the rounds notice by themselves
            self.detach()

    def detach(self) -> None:
        """Hear nothing more; in the event loop that it was attached in."""
        if self._loop is not None:
            self._loop.remove_reader(self._handle)
            self._loop = None

    def close(self) -> None:
        """Close the connection, which is not given back; on a thread."""
        self._db.invalidate()
        self._db.close()
