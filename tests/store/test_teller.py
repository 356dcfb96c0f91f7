"""The teller with a real outbox: whoever tells goes on at once, and an outbox that is away costs a log line and nothing else."""

import threading

import pytest

from tests.conftest import Database
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.errors import DatabaseAway
from trader_core.store import outbox
from trader_core.store.database import begin
from trader_core.trader.telling import Teller

KILLED = Alert(AlertKind.KILL, Severity.CRITICAL, "Killed", "by ana", "s-1 kill", (("held", "BTC/USDT"),))


def stored(database: Database) -> list[Alert]:
    with begin(database.engine("flow")) as db:
        return [row.alert for row in outbox.newest(db)]


def test_what_is_told_lies_in_the_outbox_once_the_teller_has_ended(database: Database) -> None:
    teller = Teller(database.engine("trader"))
    teller.tell(KILLED)
    teller.close()
    assert stored(database) == [KILLED]


def test_whoever_tells_does_not_wait_for_the_outbox(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, free = threading.Event(), threading.Event()

    def slow(*_: object) -> int:
        entered.set()
        assert free.wait(10)
        return 1

    monkeypatch.setattr(outbox, "notify", slow)
    teller = Teller(database.engine("trader"))
    teller.tell(KILLED)
    assert entered.wait(10), "it is stored on another thread"
    assert not free.is_set(), "and telling came back meanwhile"
    free.set()
    teller.close()


@pytest.mark.parametrize("error", [DatabaseAway("the database", "nothing", "start it"), ValueError("a fault of ours")])
def test_an_alert_that_cannot_be_stored_stops_neither_the_teller_nor_the_next_one(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> int:
        raise error

    teller = Teller(database.engine("trader"))
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "notify", fails)
        teller.tell(KILLED)
        teller.thread.submit(lambda: None).result(10)
    teller.tell(KILLED)
    teller.close()
    assert stored(database) == [KILLED]


def test_what_is_told_after_the_end_raises_nothing(database: Database) -> None:
    teller = Teller(database.engine("trader"))
    teller.close()
    teller.tell(KILLED)
    teller.close()
    assert stored(database) == []
