"""The journal: nobody but its one writer extends it, nobody changes it unseen."""

import hashlib
import random

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Database
from trader_core.model.errors import ChainBroken, DatabaseAway, Fenced
from trader_core.store import journal, lease
from trader_core.store.database import begin
from trader_core.store.journal import Head, Record

RECORDS = [Record("OPENED", b'{"a":1}'), Record("TICK", b""), Record("ÄNDERUNG", b"\x00\xff"), Record("TICK", b"x" * 1000)]


def filled(database: Database, session_id: str = "s1") -> Head:
    """Return the head of a chain of four records, written under epoch 1."""
    with begin(database.engine("trader")) as db:
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        start = journal.head(db, session_id)
        return journal.append(db, session_id, "paper", start.seq, start.hash, epoch, RECORDS)


def tamper(database: Database, *statements: str) -> None:
    """Change the journal as a superuser who switches the triggers off first."""
    engine = create_engine(database.server.admin_url())
    with engine.begin() as db:
        db.execute(text("set local session_replication_role = replica"))
        for statement in statements:
            db.exec_driver_sql(statement)
    engine.dispose()


def test_a_records_hash_is_sha256_of_domain_previous_and_length_prefixed_kind_and_body() -> None:
    prev = bytes(32)
    plain = b"gatehouse.journal.v1\x00" + prev + b"\x00\x00\x00\x04TICK" + b"\x00\x00\x00\x02hi"
    assert journal.record_hash(prev, "TICK", b"hi") == hashlib.sha256(plain).digest()
    assert journal.record_hash(prev, "TICKh", b"i") != journal.record_hash(prev, "TICK", b"hi")


def test_python_and_sql_compute_the_same_hash(database: Database) -> None:
    chance = random.Random(7)
    with begin(database.engine("verify")) as db:
        for size in (0, 1, 31, 32, 33, 255, 256, 70_000):
            prev, body, kind = chance.randbytes(32), chance.randbytes(size), chance.choice(["TICK", "é€😀", "A"])
            got = db.execute(text("select journal_hash(:p, :k, :b)"), {"p": prev, "k": kind, "b": body}).scalar_one()
            assert bytes(got) == journal.record_hash(prev, kind, body)
        for name in ("s1", "operators", "ü"):
            got = db.execute(text("select journal_genesis(:s)"), {"s": name}).scalar_one()
            assert bytes(got) == journal.genesis(name)


def test_what_was_appended_comes_back_in_order_and_verifies(database: Database) -> None:
    end = filled(database)
    assert end.seq == 4
    with begin(database.engine("verify")) as db:
        rows = list(journal.load(db, "s1"))
        assert [Record(row.kind, row.body) for row in rows] == RECORDS
        assert [row.seq for row in rows] == [1, 2, 3, 4]
        assert [row.seq for row in journal.load(db, "s1", after_seq=2)] == [3, 4]
        assert rows[0].prev == journal.genesis("s1")
        assert journal.verify(db, "s1") == journal.head(db, "s1") == end
        assert journal.verify(db, "empty") == Head(0, journal.genesis("empty"))


def test_pages_are_joined_without_a_seam(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE", 2)
    filled(database)
    with begin(database.engine("verify")) as db:
        assert [row.seq for row in journal.load(db, "s1")] == [1, 2, 3, 4]


def test_nothing_to_append_changes_nothing(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        assert journal.append(db, "s1", "paper", 0, journal.genesis("s1"), 1, []) == Head(0, journal.genesis("s1"))


def test_a_writer_of_an_older_epoch_is_fenced_and_writes_nothing(database: Database) -> None:
    end = filled(database)
    engine = database.engine("trader")
    with begin(engine) as db:
        assert lease.take(db, "paper", "other", "code", 10_000, 0) == 2
    with pytest.raises(Fenced, match="epoch 2"), begin(engine) as db:
        journal.append(db, "s1", "paper", end.seq, end.hash, 1, RECORDS)
    with pytest.raises(Fenced), begin(engine) as db:
        journal.append(db, "s1", "never taken", end.seq, end.hash, 1, RECORDS)
    with begin(engine) as db:
        assert journal.head(db, "s1") == end


def test_two_writers_cannot_fork_a_chain(database: Database) -> None:
    end = filled(database)
    engine = database.engine("trader")
    with begin(engine) as db:
        journal.append(db, "s1", "paper", end.seq, end.hash, 1, RECORDS[:1])
    for seq, head in ((end.seq, end.hash), (end.seq + 1, end.hash), (0, journal.genesis("s1"))):
        with pytest.raises(ChainBroken, match="the head of s1 is record 5"), begin(engine) as db:
            journal.append(db, "s1", "paper", seq, head, 1, RECORDS)
    with begin(engine) as db:
        assert journal.head(db, "s1").seq == 5


def test_the_database_recomputes_every_hash(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    end = filled(database)
    real = journal.record_hash
    monkeypatch.setattr(journal, "record_hash", lambda prev, kind, body: real(prev, kind, body + b"!" if kind == "BAD" else body))
    with pytest.raises(ChainBroken, match="record 6 of s1"), begin(database.engine("trader")) as db:
        journal.append(db, "s1", "paper", end.seq, end.hash, 1, [Record("GOOD", b""), Record("BAD", b"")])


def test_an_append_and_its_tables_stand_or_fall_together(database: Database) -> None:
    end = filled(database)
    engine = database.engine("trader")
    with engine.connect() as db:
        journal.append(db, "s1", "paper", end.seq, end.hash, 1, RECORDS)
        db.rollback()
        assert journal.head(db, "s1") == end


@pytest.mark.parametrize(
    "statements",
    [
        ("update journal set body = body || '\\x00' where seq = 2",),
        ("update journal set body = set_byte(body, 0, get_byte(body, 0) # 1) where seq = 1",),
        ("update journal set kind = 'TOCK' where seq = 4",),
        ("update journal set hash = set_byte(hash, 31, get_byte(hash, 31) # 1) where seq = 3",),
        ("update journal set prev = set_byte(prev, 0, get_byte(prev, 0) # 1) where seq = 1",),
        ("delete from journal where seq = 2",),
        ("delete from journal where seq = 4",),
        ("delete from journal where seq = 1",),
        ("delete from journal",),
        ("delete from journal_head",),
        ("update journal_head set seq = 5",),
        (
            "update journal set seq = -2 where seq = 2",
            "update journal set seq = 2 where seq = 3",
            "update journal set seq = 3 where seq = -2",
        ),
        (
            "update journal set kind = 'TOCK' where seq = 4",
            "update journal set hash = journal_hash(prev, kind, body) where seq = 4",
        ),
    ],
)
def test_whatever_a_superuser_changes_is_found(database: Database, statements: tuple[str, ...]) -> None:
    filled(database)
    tamper(database, "alter table journal drop constraint journal_seq_check", *statements)
    with begin(database.engine("verify")) as db, pytest.raises(ChainBroken):
        journal.verify(db, "s1")


def test_any_changed_byte_of_any_record_is_found(database: Database) -> None:
    filled(database)
    engine = create_engine(database.server.admin_url())
    with engine.connect() as db:
        for column, length in (("body", 7), ("prev", 32), ("hash", 32)):
            for byte in range(length):
                db.execute(text("set session_replication_role = replica"))
                db.exec_driver_sql(
                    f"update journal set {column} = set_byte({column}, {byte}, get_byte({column}, {byte}) # 255) where seq = 1"
                )
                with pytest.raises(ChainBroken):
                    journal.verify(db, "s1")
                db.rollback()
        assert journal.verify(db, "s1").seq == 4
    engine.dispose()


def test_a_chain_copied_to_another_session_does_not_verify(database: Database) -> None:
    filled(database)
    tamper(
        database,
        "insert into journal_head select 's2', seq, hash from journal_head",
        "insert into journal select 's2', seq, epoch, at, kind, body, prev, hash from journal",
    )
    with begin(database.engine("verify")) as db, pytest.raises(ChainBroken):
        journal.verify(db, "s2")


@pytest.mark.parametrize(
    "statement", ["update journal set epoch = 9", "delete from journal", "truncate journal", "truncate journal_head cascade"]
)
def test_even_the_owner_is_refused_to_change_or_remove_records(database: Database, statement: str) -> None:
    filled(database)
    with database.engine("migrate").connect() as db:
        db.execute(text("set role gatehouse_owner"))
        with pytest.raises(DBAPIError, match="append-only") as caught:
            db.execute(text(statement))
        assert getattr(caught.value.orig, "sqlstate", "") == "GH004"


def test_no_role_of_the_application_writes_the_journal_but_through_its_function(database: Database) -> None:
    filled(database)
    for role in ("trader", "flow", "api", "verify"):
        for statement in ("delete from journal", "update journal_head set seq = 0", "insert into journal_head values ('x', 0, '')"):
            assert refused(database, role, statement)
        write = "select journal_write('s1', 0, '', 0, '{}', '{}', '{}')"
        assert refused(database, role, write)
    call = "select journal_append('s1', 'paper', 0, '', 0, '{}', '{}', '{}')"
    assert [role for role in ("flow", "api", "verify") if not refused(database, role, call)] == []


def refused(database: Database, role: str, statement: str) -> bool:
    with database.engine(role).connect() as db:
        try:
            db.exec_driver_sql(statement)
        except DBAPIError as error:
            return "permission denied" in str(error)
    return False


def test_operators_have_a_chain_of_their_own_that_needs_no_lease(database: Database) -> None:
    for role, seq in (("api", 1), ("trader", 2)):
        with begin(database.engine(role)) as db:
            assert journal.append_operators(db, [Record("KILL", b"{}")]).seq == seq
    with begin(database.engine("verify")) as db:
        assert journal.verify(db, journal.OPERATORS).seq == 2
        assert [row.epoch for row in journal.load(db, "operators")] == [0, 0]


def test_the_operators_chain_takes_nothing_when_nothing_is_said(database: Database) -> None:
    with begin(database.engine("api")) as db:
        assert journal.append_operators(db, []).seq == 0


def test_taking_the_lease_waits_for_an_append_under_way_and_then_fences(database: Database) -> None:
    end = filled(database)
    first, second = database.engine("trader"), database.engine("trader")
    with first.connect() as writing, second.connect() as taking:
        later = journal.append(writing, "s1", "paper", end.seq, end.hash, 1, RECORDS)
        taking.execute(text("set lock_timeout = '50ms'"))
        with pytest.raises(DatabaseAway, match="lock timeout"):
            lease.take(taking, "paper", "other", "code", 10_000, 0)
        taking.rollback()
        writing.commit()
        assert lease.take(taking, "paper", "other", "code", 10_000, 0) == 2
        taking.commit()
        with pytest.raises(Fenced):
            journal.append(writing, "s1", "paper", later.seq, later.hash, 1, RECORDS)


def _lease(db: Connection) -> lease.LeaseRow:
    row = lease.load_lease(db, "paper")
    assert row is not None
    return row


def test_a_lease_grows_by_one_each_time_and_is_renewed_only_by_its_holder(database: Database) -> None:
    engine = database.engine("trader")
    with begin(engine) as db:
        assert lease.load_lease(db, "paper") is None
        assert [lease.take(db, "paper", name, "code", 10, 100) for name in ("a", "b")] == [1, 2]
        assert _lease(db) == lease.LeaseRow("paper", 2, "b", "code", 110)
        lease.renew(db, "paper", 2, 10, 200)
        assert _lease(db).expires_ms == 210
        with pytest.raises(Fenced):
            lease.renew(db, "paper", 1, 10, 300)
        assert _lease(db).expires_ms == 210


def test_an_epoch_never_falls(database: Database) -> None:
    filled(database)
    with pytest.raises(Fenced, match="cannot fall"), begin(database.engine("trader")) as db:
        db.execute(text("update lease set epoch = 0"))


def test_one_account_has_one_lock_and_another_account_another(database: Database) -> None:
    engine = database.engine("trader")
    with lease.account_lock(engine, "paper") as held:
        assert held.execute(text("select 1")).scalar_one() == 1
        with pytest.raises(Fenced, match="holds its lock"), lease.account_lock(engine, "paper"):
            pass
        with lease.account_lock(engine, "mexc"):
            pass
    with lease.account_lock(engine, "paper"):
        pass
