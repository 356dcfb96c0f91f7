"""Recovery on a real database: checkpoints are written with the records, and a start begins at the last one that fits."""

from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from tests.conftest import Database
from tests.store import rows
from tests.store.test_journal import tamper
from trader_core.model.errors import ChainBroken, Fenced
from trader_core.model.instrument import freeze
from trader_core.model.session import StopPolicy
from trader_core.store import journal, lease
from trader_core.store.database import begin
from trader_core.store.sessions import create_session
from trader_core.trader import books, durable, recovery
from trader_core.trader.durable import Durable
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record, decode
from trader_core.trader.recovery import fold, full_digest, opening
from trader_core.trader.state import State, apply, opened

FIRST = opening("s1", rows.new_session().plan, (freeze(rows.BTC, 100_00),), Protocol(), rows.T0, {"USDT": "1000"})


@pytest.fixture
async def written(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Durable, State]]:
    """Yield a session's way to the database and its state, after eleven records in commits of two, with a checkpoint every four."""
    monkeypatch.setattr(durable, "CHECKPOINT_RECORDS", 4)
    with begin(database.engine("trader")) as db:
        create_session(db, rows.new_session())
        lease.take(db, "paper", "me", "code", 10_000, 0)
    with ThreadPoolExecutor(1) as thread:
        way, state = Durable(database.engine("trader"), thread, "s1", "paper", 1), opened(FIRST.body)
        await way.commit([FIRST], state)
        for number in range(5):
            await say(way, state, [flag(number, on=True), flag(number, on=False)])
        yield way, state


def flag(number: int, *, on: bool) -> Record:
    return Record(Kind.FLAG, {"flag": "pause", "on": on, "why": f"reason {number}", "at_ms": rows.T0})


async def say(way: Durable, state: State, records: list[Record]) -> None:
    for record in records:
        apply(state, record)
    await way.commit(records, state)


def kept(database: Database) -> list[Record]:
    with begin(database.engine("verify")) as db:
        return [decode(row.kind, row.body) for row in journal.load(db, "s1")]


def folded(monkeypatch: pytest.MonkeyPatch) -> list[list[Record]]:
    """Return the list that will hold what each fold of a start was given."""
    found: list[list[Record]] = []

    def watched(records: Iterable[Record]) -> State:
        found.append(list(records))
        return fold(found[-1])

    monkeypatch.setattr(durable, "fold", watched)
    return found


Written = tuple[Durable, State]


async def test_every_so_many_records_a_checkpoint_follows_in_the_same_transaction(database: Database, written: Written) -> None:
    kinds = [record.kind.name[0] for record in kept(database)]
    assert "".join(kinds) == "OFFFFCFFFFCFF", "after 5 records, and after 4 more"
    assert full_digest(fold(kept(database))) == full_digest(written[1])


async def test_a_start_folds_from_the_last_checkpoint_and_goes_on(
    database: Database, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, state = written
    given = folded(monkeypatch)
    again = await way.read()
    assert again is not None
    assert [record.kind for record in given[0]] == [Kind.CHECKPOINT, Kind.FLAG, Kind.FLAG]
    assert full_digest(again) == full_digest(state)
    await say(way, again, [flag(9, on=True), flag(9, on=False)])
    assert "".join(record.kind.name[0] for record in kept(database)) == "OFFFFCFFFFCFFFFC", "the count goes on where it was"


async def test_checkpoints_of_another_form_are_passed_by_and_old_journals_have_none(
    database: Database, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, state = written
    given = folded(monkeypatch)
    monkeypatch.setattr(recovery, "FORM", "another")
    again = await way.read()
    assert again is not None
    assert given[0][0].kind is Kind.OPENED
    assert len(given[0]) == 13
    assert full_digest(again) == full_digest(state)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("update journal set body = convert_to(replace(convert_from(body, 'UTF8'), '\"boots\":0', '\"boots\":1'), 'UTF8') where seq = 11",
         "record 11 of s1 to follow"),
        ("update journal set body = '{' where seq = 11", "record 11 of s1 to follow"),
        ("update journal set body = '{}' where seq = 2", "record 2 of s1 to follow"),
    ],
)  # fmt: skip
async def test_a_changed_checkpoint_and_a_changed_record_before_one_let_nothing_go_on(
    database: Database, written: Written, done: str, said: str
) -> None:
    tamper(database, done)
    with pytest.raises(ChainBroken, match=said):
        await written[0].read()


async def test_a_checkpoint_waits_for_as_many_records_as_the_orders_are_worth(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    way = written[0]
    monkeypatch.setattr(durable, "CHECKPOINT_ORDERS", 0)
    assert way._due([flag(1, on=True)] * 2, 50)
    monkeypatch.setattr(durable, "CHECKPOINT_ORDERS", 2)
    assert [way._due([flag(1, on=True)] * 2, orders) for orders in (2, 3)] == [True, False], "4 records behind the last one"


async def test_a_session_closes_with_a_checkpoint_and_its_fold_is_closed(
    database: Database, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, state = written
    await say(way, state, [books.closing(state, rows.T0, StopPolicy.KEEP)])
    assert [record.kind for record in kept(database)][-2:] == [Kind.CLOSED, Kind.CHECKPOINT]
    given = folded(monkeypatch)
    again = await way.read()
    assert again is not None
    assert again.closed
    assert len(given[0]) == 1


async def test_a_start_reads_one_moment_of_a_journal_that_another_trader_goes_on_with(
    database: Database, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overtaken one is fenced by its first word; it finds no broken chain, which would end the session for good."""
    way, state = written
    verify = journal.verify

    def overtaken(db: Connection, session_id: str) -> journal.Head:
        end = verify(db, session_id)
        record = journal.Record("FLAG", b"{}")
        with begin(database.engine("trader")) as other:
            epoch = lease.take(other, "paper", "another", "code", 10_000, 0)
            assert epoch == 2
            journal.append(other, session_id, "paper", end.seq, end.hash, epoch, [record])
        return end

    monkeypatch.setattr(journal, "verify", overtaken)
    found = await way.read()
    monkeypatch.undo()
    assert found is not None
    assert full_digest(found) == full_digest(state)
    with pytest.raises(Fenced):
        await say(way, state, [flag(9, on=True)])
