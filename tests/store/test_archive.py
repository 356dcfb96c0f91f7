"""The archive: what leaves the journal is proven in a file first, and the whole still verifies."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Database
from tests.store.archives import LATER, archived, ended, exported, say, whole
from tests.store.test_journal import filled, tamper
from trader_core.model.errors import Archived, BadInput, ChainBroken
from trader_core.model.session import SessionStatus
from trader_core.store import archive, audit, audit_files, journal, segments
from trader_core.store.commands import set_switch
from trader_core.store.database import begin


def count(database: Database, chain: str) -> int:
    with begin(database.engine("verify")) as db:
        return int(db.execute(text("select count(*) from journal where session_id = :c"), {"c": chain}).scalar_one())


def test_a_session_that_ended_is_archived_as_a_whole_and_still_verifies(database: Database, tmp_path: Path) -> None:
    end = ended(database, "s1")
    [segment] = archived(database, tmp_path)
    assert segment[:5] == ("s1", 1, 4, end.hash, "s1.1-4.parquet")
    assert count(database, "s1") == 0
    assert audit_files.verify(tmp_path / "s1.1-4.parquet") == {"s1": end}
    with_file, without = whole(database, tmp_path, "s1", tmp_path), whole(database, tmp_path, "s1")
    assert (with_file.head, with_file.archived, with_file.missing) == (end, 4, [])
    assert (without.head, without.archived, without.missing) == (end, 0, ["s1.1-4.parquet"])
    with begin(database.engine("verify")) as db:
        assert journal.heads(db)["s1"] == journal.verify(db, "s1") == end
        assert (audit.chains(db), segments.chains(db)) == (["operators"], ["operators", "s1"])
        with pytest.raises(Archived, match="s1 up to record 4 in an archive"):
            list(journal.load(db, "s1"))


def test_what_is_exported_is_the_record_to_the_byte(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    with begin(database.engine("verify")) as db:
        lines = list(audit.lines(db, "s1"))
    archived(database, tmp_path)
    assert [tuple(row.values()) for row in pq.read_table(tmp_path / "s1.1-4.parquet").to_pylist()] == [tuple(line) for line in lines]


def test_the_operators_chain_goes_on_behind_its_segments_and_says_who_archived_what(database: Database, tmp_path: Path) -> None:
    say(database, "one", "two", "three")
    first = archived(database, tmp_path)[0]
    say(database, "four")
    second = archived(database, tmp_path)[0]
    assert [(one.first, one.last) for one in (first, second)] == [(1, 3), (4, 5)], "the record of the first is in the second"
    found = whole(database, tmp_path, "operators", tmp_path)
    assert (found.head.seq, found.archived, count(database, "operators")) == (6, 5, 1)
    assert found.told == [first.told(), second.told()]
    assert found.told[0]["actor"] == "me"
    assert audit_files.verify(tmp_path / second.file)["operators"].seq == 5, "also alone: what it follows lies beside it"
    with begin(database.engine("verify")) as db:
        archive.agree(db, found)
        assert [row.seq for row in journal.load(db, "operators", after_seq=5)] == [6]
        with pytest.raises(Archived):
            list(journal.load(db, "operators", after_seq=4))


def test_what_has_not_ended_stays(database: Database, tmp_path: Path) -> None:
    for name, status in (("run", SessionStatus.RUNNING), ("halt", SessionStatus.HALTED), ("fail", SessionStatus.FAILED)):
        ended(database, name, status)
    filled(database, "nobody's")
    assert [one.chain for one in archived(database, tmp_path)] == ["fail"]
    with begin(database.engine("verify")) as db:
        assert segments.due(db, LATER.replace(year=2000)) == [], "and what ended later than that day"


def test_what_a_road_may_still_look_at_stays(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    tamper(
        database,
        "insert into road (road_id, account, venue, recipe, config, config_digest, rehearsal, step, status) "
        "values ('r1', 'paper', 'v', 'r', '{}', 'd', true, 'validate', 'walking')",
        "insert into stage_run (stage_run_id, road_id, account, stage, status, session_id, loss_budget, rules) "
        "values ('g1', 'r1', 'paper', 'EUR_1', 'done', 's1', 1, '{}')",
    )
    assert archived(database, tmp_path, "s1") == []
    tamper(database, "update road set status = 'cancelled'")
    assert [one.chain for one in archived(database, tmp_path, "s1")] == ["s1"]


def test_a_second_run_finds_nothing_to_do(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    archived(database, tmp_path, "s1")
    assert archived(database, tmp_path, "s1") == []
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["s1.1-4.parquet", "s1.1-4.parquet.heads.json"]


def test_a_file_that_a_crash_left_is_used_when_it_is_that_segment_and_else_refused(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    ended(database, "s2")
    before = exported(database, tmp_path)
    assert exported(database, tmp_path) == before
    shutil.copy(tmp_path / "s2.1-4.parquet", tmp_path / "s1.1-4.parquet")
    with pytest.raises(ChainBroken, match=r"records of s1 in s1\.1-4\.parquet"):
        exported(database, tmp_path)
    (tmp_path / "s1.1-4.parquet").write_bytes(b"PAR1 half of it")
    with pytest.raises(ChainBroken, match=r"s1\.1-4\.parquet"):
        exported(database, tmp_path)
    assert count(database, "s1") == 4
    with pytest.raises(BadInput, match="a place for"):
        exported(database, tmp_path / "none")


def test_a_journal_that_does_not_verify_is_not_archived(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    tamper(database, "update journal set body = 'x' where seq = 2 and session_id = 's1'")
    with pytest.raises(ChainBroken, match="record 2 of s1"):
        archived(database, tmp_path)
    assert count(database, "s1") == 4


def said(database: Database, role: str, statement: str, owner: bool = False) -> str:  # noqa: FBT001, FBT002 - one word
    """Return what the database answers to a role that tries something, or an empty text where it lets it."""
    with database.engine(role).connect() as db:
        if owner:
            db.execute(text("set role gatehouse_owner"))
        try:
            db.exec_driver_sql(statement)
        except DBAPIError as error:
            return str(error.orig)
    return ""


OWN_SEGMENT = "insert into journal_segment values ('s1', 1, 4, sha256(''), 'x', sha256(''), 'me')"
FORBIDDEN = (
    "delete from journal", "truncate journal", "delete from journal_head", "drop table journal", "delete from journal_segment",
    "update journal_segment set file = 'y'", "truncate journal_segment", OWN_SEGMENT, "alter table journal disable trigger all",
    "set session_replication_role = replica", "alter function journal_archive owner to current_user", "set role gatehouse_owner",
)  # fmt: skip


@pytest.mark.parametrize("role", ["trader", "flow", "api", "verify"])
def test_no_role_of_the_application_removes_or_changes_anything_by_itself(database: Database, role: str) -> None:
    ended(database, "s1")
    call = "select journal_archive('s1', 1, 4, sha256(''), 'x', sha256(''), 'me')"
    statements = (*FORBIDDEN, *(() if role == "api" else (call,)))
    answers = {statement: said(database, role, statement) for statement in statements}
    assert {s: a for s, a in answers.items() if "permission denied" not in a and "must be owner" not in a} == {}
    assert "not those that end in that hash" in said(database, "api", call)
    assert count(database, "s1") == 4


def test_the_triggers_refuse_the_owner_too(database: Database, tmp_path: Path) -> None:
    ended(database, "s0")
    archived(database, tmp_path, "s0")
    ended(database, "s1")
    for statement in ("delete from journal", "update journal set epoch = 9", "truncate journal", *FORBIDDEN[4:7]):
        assert "append-only" in said(database, "migrate", statement, owner=True), statement
    assert "not those that end in that hash" in said(database, "migrate", OWN_SEGMENT, owner=True)


Change = Callable[[segments.Segment], segments.Segment]
FALSE: dict[str, tuple[Change, str]] = {
    "another hash": (lambda s: s._replace(hash=bytes(32)), "end in that hash"),
    "too few": (lambda s: s._replace(last=3), "end in that hash"),
    "more than there are": (lambda s: s._replace(last=5), "end in that hash"),
    "not from its beginning": (lambda s: s._replace(first=2), "begins at record 1, not 2"),
    "a chain that there is not": (lambda s: s._replace(chain="none"), "end in that hash"),
}


@pytest.mark.parametrize(("change", "said"), FALSE.values(), ids=FALSE)
def test_the_function_takes_no_segment_but_that_of_the_database(database: Database, tmp_path: Path, change: Change, said: str) -> None:
    ended(database, "s1")
    [segment] = exported(database, tmp_path)
    with pytest.raises(ChainBroken, match=said), begin(database.engine("api")) as db:
        segments.remove(db, change(segment))
    assert (count(database, "s1"), count(database, "operators")) == (4, 0), "nor does the operators' chain say so"


def test_the_function_takes_neither_a_running_session_nor_a_part_of_one_nor_a_segment_twice(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    ended(database, "s2", SessionStatus.RUNNING)
    [segment] = exported(database, tmp_path)
    with begin(database.engine("verify")) as db:
        first, *_ = journal.load(db, "s1")
        running = segments.Segment("s2", 1, 4, journal.head(db, "s2").hash, "x", bytes(32), "me")
    for one in (running, segment._replace(last=1, hash=first.hash)):
        with pytest.raises(ChainBroken, match="has not ended, or this is not all of it"), begin(database.engine("api")) as db:
            segments.remove(db, one)
    archived(database, tmp_path, "s1")
    with pytest.raises(ChainBroken, match="begins at record 5, not 1"), begin(database.engine("api")) as db:
        segments.remove(db, segment)


def test_nothing_is_removed_without_the_operators_record_of_it(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    [segment] = exported(database, tmp_path)
    say(database, '{"unrelated":1}')
    call = text("select journal_archive(:chain, :first, :last, :hash, :file, :sha256, :actor)")
    with pytest.raises(ChainBroken, match=r"does not say that s1 goes into s1\.1-4\.parquet"), begin(database.engine("api")) as db:
        assert db.execute(call, segment._asdict()).scalar_one() == 4
    assert count(database, "s1") == 4


def test_a_kill_is_said_while_a_long_removal_goes_on(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    say(database, "one", "two")
    call = text("select journal_archive(:chain, :first, :last, :hash, :file, :sha256, :actor)")
    operators, session = sorted(exported(database, tmp_path), key=lambda one: one.chain)
    for segment in (operators, session):
        with database.engine("api").connect() as removing:
            removing.execute(call, segment._asdict())
            with begin(database.engine("api")) as db:
                db.execute(text("set local lock_timeout = '2s'"))
                set_switch(db, "kill", is_on=True, actor="me", reason="now")
            removing.rollback()
    with begin(database.engine("verify")) as db:
        assert [row.kind for row in journal.load(db, "operators")][-2:] == ["SWITCH", "SWITCH"]


def test_two_who_archive_the_same_at_once_remove_it_once(database: Database, tmp_path: Path) -> None:
    ended(database, "s1")
    [segment] = exported(database, tmp_path)

    def go(_: int) -> str:
        try:
            with begin(database.engine("api")) as db:
                return str(segments.remove(db, segment))
        except ChainBroken as error:
            return error.found

    with ThreadPoolExecutor(2) as pool:
        assert sorted(answer[:34] for answer in pool.map(go, range(2))) == ["4", "the next segment of s1 begins at r"]
    assert whole(database, tmp_path, "operators").head.seq == 1
