"""An archive that was tampered with: files, segments' rows and the operators' records hold each other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import Database
from tests.store.archives import archived, ended, whole
from tests.store.test_journal import tamper
from trader_core.model.errors import ChainBroken
from trader_core.store import anchors, archive, journal
from trader_core.store.database import begin
from trader_core.store.journal import Head


def _shorter(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)


def _later(path: Path) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("epoch")
    pq.write_table(table.set_column(at, "epoch", [[9] * table.num_rows]), path)


SPOILED: dict[str, Callable[[Path], object]] = {
    "a byte": lambda path: path.write_bytes(path.read_bytes()[:-20] + b"!" + path.read_bytes()[-19:]),
    "a column that no hash covers": _later,
    "its last record": _shorter,
    "another session's file": lambda path: shutil.copy(path.with_name("s2.1-4.parquet"), path),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_missing_changed_or_swapped_file_is_named(database: Database, tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    ended(database, "s1")
    ended(database, "s2")
    archived(database, tmp_path)
    spoil(tmp_path / "s1.1-4.parquet")
    with pytest.raises(ChainBroken, match=r"s1\.1-4\.parquet"):
        whole(database, tmp_path, "s1", tmp_path)
    assert whole(database, tmp_path, "s2", tmp_path).archived == 4


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("update journal_segment set hash = sha256(hash) where session_id = 's1'", "s1.1-4.parquet up to record 4|a head at"),
        ("update journal_segment set from_seq = 2 where session_id = 's1'", "a segment of s1 from record 1"),
        ("update journal_segment set to_seq = 3 where session_id = 's1'", "s1.1-4.parquet up to record 3|a head at"),
        ("update journal_segment set file = 's2.1-4.parquet' where session_id = 's1'", "s2.1-4.parquet as it was archived"),
        ("delete from journal_segment where session_id = 's1'", "a head at record 0 of s1"),
        ("update journal_head set seq = 5 where session_id = 's1'", "a head at record 4 of s1"),
    ],
)
def test_a_segment_that_a_superuser_changes_is_found(database: Database, tmp_path: Path, done: str, said: str) -> None:
    ended(database, "s1")
    ended(database, "s2")
    archived(database, tmp_path)
    tamper(database, done)
    with pytest.raises(ChainBroken, match=said):
        whole(database, tmp_path, "s1", tmp_path)


FORGED = """
insert into journal_segment (session_id, from_seq, to_seq, hash, file, sha256, actor)
select 's2', 1, 4, hash, 's2.1-4.parquet', sha256(''), 'me' from journal_head where session_id = 's2'"""


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ((FORGED, "delete from journal where session_id = 's2'"), "a record of the operators that says who archived s2.1-4.parquet"),
        (("delete from journal_segment", "delete from journal_head where session_id = 's1'"), "a segment s1.1-4.parquet, as a record"),
        (("update journal_segment set actor = 'you'",), "a segment s1.1-4.parquet, as a record"),
    ],
)
def test_segments_and_the_operators_records_must_name_each_other(
    database: Database, tmp_path: Path, done: tuple[str, ...], said: str
) -> None:
    ended(database, "s1")
    archived(database, tmp_path)
    ended(database, "s2")
    tamper(database, *done)
    found = whole(database, tmp_path, "operators")
    with begin(database.engine("verify")) as db, pytest.raises(ChainBroken, match=said):
        archive.agree(db, found)


def test_anchors_are_checked_within_archived_records(database: Database, tmp_path: Path) -> None:
    end = ended(database, "s1")
    with begin(database.engine("verify")) as db:
        second = list(journal.load(db, "s1"))[1]
    anchors.append(tmp_path, {"s1": Head(2, second.hash)}, "2026-01-01")
    anchors.keep(tmp_path, "s1", end)
    archived(database, tmp_path)
    assert whole(database, tmp_path, "s1", tmp_path).anchors == 2
    assert whole(database, tmp_path, "s1").anchors == 1, "without the file only the one at its last record"
    anchors.append(tmp_path, {"s1": Head(3, second.hash)}, "2026-01-02")
    with pytest.raises(ChainBroken, match=r"record 3 of s1 .*line 2 has it.*another record there"):
        whole(database, tmp_path, "s1", tmp_path)
    anchors.keep(tmp_path, "s1", Head(5, end.hash))
    with pytest.raises(ChainBroken, match=r"record 5 of s1 .* the end is missing"):
        whole(database, tmp_path, "s1")
