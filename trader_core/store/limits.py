"""Limits of a trader's connections: nobody who owes an exchange a cancel waits long for a database.

The server ends what takes too long while it can. One that stands still can end nothing, and its machine goes on acknowledging what
is sent to it: so a connection here counts for itself how long it has waited, and gives itself up.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, cast

import psycopg
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from trader_core.store.copy import raw

CHECK_CLIENT_MS = 1_000
FRESH_S = 1.0
USED = "gatehouse used"
INERROR = psycopg.pq.TransactionStatus.INERROR
Waiting = Generator[Any, Any, Any]


class Limits(NamedTuple):
    """How long one connection waits for what, in seconds."""

    statement_s: float
    lock_s: float
    answer_s: float = 0.0
    """For the server's answer to one call, whatever the server says; 0: for ever."""
    idle_in_transaction_s: float = 0.0
    connect_s: int = 5
    unacknowledged_s: float = 20.0
    """For the other machine to acknowledge what was sent."""

    def options(self) -> str:
        """Return what the server is asked to keep."""
        given = {
            "statement_timeout": self.statement_s, "lock_timeout": self.lock_s,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_s,
        }  # fmt: skip
        return " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in given.items() if seconds)

    def arguments(self) -> dict[str, Any]:
        """Return what the driver is asked to keep."""
        return {
            "connect_timeout": self.connect_s, "tcp_user_timeout": int(self.unacknowledged_s * 1000),
            "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
        }  # fmt: skip


USUAL = Limits(30.0, 30.0)
TRADER = Limits(3.0, 1.0, answer_s=5.0, idle_in_transaction_s=10.0, connect_s=3, unacknowledged_s=5.0)
"""A statement that takes longer is none that a trader makes; what takes long at a session's start or end asks for `patience`."""


class Impatient(psycopg.Connection[Any]):
    """A connection that closes itself when an answer takes longer than `answer_s`."""

    answer_s: float = TRADER.answer_s

    def wait(self, gen: "Waiting", *args: Any, **given: Any) -> Any:
        """Wait as the driver does; raises OperationalError, with the connection closed, when the time is over."""
        return super().wait(cast("Any", self._counted(gen, time.monotonic() + self.answer_s)), *args, **given)

    def _counted(self, gen: "Waiting", until_s: float) -> "Waiting":
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > until_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {self.answer_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def keep(engine: Engine, answer_s: float) -> None:
    """Let the connections of an engine count for themselves, and the server look every second whether they are still there."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, given: list[Any], named: dict[str, Any]) -> Impatient:
        made = Impatient.connect(*given, **named)
        made.answer_s = answer_s
        return made

    @event.listens_for(engine, "connect")
    def ask(driver: Any, _record: Any) -> None:
        with suppress(psycopg.errors.InvalidParameterValue), driver.cursor() as cursor:  # not on every server's machine
            cursor.execute("select set_config('client_connection_check_interval', %s, false)", (str(CHECK_CLIENT_MS),))
        if driver.info.transaction_status == INERROR:
            driver.rollback()
        driver.commit()


def ask_the_idle(engine: Engine) -> None:
    """Let a connection that nobody used for FRESH_S be asked whether it is still there, and replaced where it is not.

    Asking before each transaction, as the pool would, is one trip to the server more for every commit of a trader.
    """

    @event.listens_for(engine, "checkin")
    def used(_driver: Any, record: ConnectionPoolEntry) -> None:
        record.info[USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(driver: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(USED, time.monotonic()) < FRESH_S:
            return
        try:
            engine.dialect.do_ping(driver)
        except psycopg.Error as error:
            raise InvalidatePoolError from error


@contextmanager
def patience(db: Connection, limits: Limits = USUAL) -> Iterator[None]:
    """Wait longer than usual within a transaction: for what takes its time, and nothing hangs on."""
    driver = raw(db)
    said = {"statement_timeout": limits.statement_s, "lock_timeout": limits.lock_s, "idle_in_transaction_session_timeout": 0}
    for name, seconds in said.items():
        db.execute(text("select set_config(:name, :value, true)"), {"name": name, "value": str(int(seconds * 1000))})
    if not isinstance(driver, Impatient):
        yield
        return
    usual, driver.answer_s = driver.answer_s, limits.statement_s + driver.answer_s
    try:
        yield
    finally:
        driver.answer_s = usual
