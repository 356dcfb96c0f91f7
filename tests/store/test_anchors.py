"""Anchors: an end that was cut off, a chain that was written anew, and yesterday's backup are seen from outside the database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.store import rows
from tests.store.test_journal import filled, tamper
from trader_core.model.errors import ChainBroken, StoreError
from trader_core.model.instrument import freeze
from trader_core.store import anchors, journal, lease
from trader_core.store.database import begin
from trader_core.store.journal import Head, Record
from trader_core.trader.durable import Durable
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import encode
from trader_core.trader.recovery import opening

OPENED = Record("OPENED", encode(opening("s1", rows.new_session().plan, (freeze(rows.BTC, 100_00),), Protocol(), rows.T0, {}).body))


def checked(database: Database, home: Path, session_id: str = "s1") -> int:
    with begin(database.engine("verify")) as db:
        return anchors.check(db, home, session_id)


def test_a_chain_runs_through_its_anchors_as_it_grows(database: Database, tmp_path: Path) -> None:
    assert checked(database, tmp_path) == 0, "there are none"
    end = filled(database)
    anchors.keep(tmp_path, "s1", end)
    anchors.append(tmp_path, {"s1": Head(2, b""), "other": end}, "2026-01-01T00:00:00")
    with begin(database.engine("verify")) as db:
        second = list(journal.load(db, "s1"))[1]
    (tmp_path / anchors.HISTORY).write_text("")
    anchors.append(tmp_path, {"s1": Head(2, second.hash), "other": end}, "2026-01-01T00:00:00")
    assert checked(database, tmp_path) == 2
    assert [anchor.head.seq for anchor in anchors.of(tmp_path, "s1")] == [4, 2], "the latest first"
    assert anchors.names(tmp_path) == {"s1", "other"}


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (["delete from journal where seq = 4"], "record 4 of s1 .* found none: the end is missing"),
        (["delete from journal", "delete from journal_head"], "record 4 of s1 .* found none"),
        (["update journal set hash = sha256(hash) where seq = 4"], "record 4 of s1 .* found another record there"),
    ],
)
def test_what_no_chain_shows_the_anchor_shows(database: Database, tmp_path: Path, done: list[str], said: str) -> None:
    anchors.keep(tmp_path, "s1", filled(database))
    head = "update journal_head h set seq = j.seq, hash = j.hash from journal j where j.seq = (select max(seq) from journal)"
    tamper(database, *done, head)
    with pytest.raises(ChainBroken, match=said):
        checked(database, tmp_path)


def test_an_anchor_is_replaced_whole_and_names_with_signs_get_files_of_their_own(tmp_path: Path) -> None:
    for seq, name in ((1, "a/b"), (2, "a/b"), (3, "a.b")):
        anchors.keep(tmp_path, name, Head(seq, bytes(32)))
    assert sorted(path.name for path in (tmp_path / anchors.FOLDER).iterdir()) == ["a%2Fb.anchor", "a.b.anchor"]
    assert [anchor.head.seq for anchor in anchors.of(tmp_path, "a/b")] == [2]


@pytest.mark.parametrize("content", ["", "x y\n", "12\n", "1 zz\n", "1 2 3\n"])
def test_a_damaged_anchor_is_no_anchor_and_says_which_file(tmp_path: Path, content: str) -> None:
    anchors.keep(tmp_path, "s1", Head(1, bytes(32)))
    (tmp_path / anchors.FOLDER / "s1.anchor").write_text(content)
    with pytest.raises(ChainBroken, match=r"s1\.anchor"):
        anchors.of(tmp_path, "s1")


def test_a_damaged_line_of_the_history_is_named(tmp_path: Path) -> None:
    anchors.append(tmp_path, {"s1": Head(1, bytes(32))}, "2026-01-01")
    with (tmp_path / anchors.HISTORY).open("a") as file:
        file.write("{cut")
    with pytest.raises(ChainBroken, match=r"anchors\.jsonl line 2"):
        anchors.of(tmp_path, "s1")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / anchors.FOLDER).write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="make room there"):
        anchors.keep(tmp_path, "s1", Head(1, bytes(32)))


async def test_a_session_whose_end_was_cut_off_does_not_go_on(database: Database, tmp_path: Path) -> None:
    end = filled(database)
    anchors.keep(tmp_path, "s1", end)
    with ThreadPoolExecutor(1) as thread:
        durable = Durable(database.engine("trader"), thread, "s1", "paper", 1, tmp_path)
        tamper(
            database,
            "delete from journal where seq = 4",
            "update journal_head h set seq = 3, hash = j.hash from journal j where j.seq = 3",
        )
        with begin(database.engine("verify")) as db:
            assert journal.verify(db, "s1").seq == 3, "the chain itself shows nothing"
        with pytest.raises(ChainBroken, match="the end is missing"):
            await durable.read()


def test_a_commit_anchors_the_chain_and_the_next_one_only_after_some_seconds(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0]
    monkeypatch.setattr("trader_core.trader.durable.monotonic_ms", lambda: now[0])
    kept: list[int] = []
    monkeypatch.setattr(anchors, "keep", lambda _home, _name, head: kept.append(head.seq))
    with ThreadPoolExecutor(1) as thread:
        durable = Durable(database.engine("trader"), thread, "s1", "paper", 1, tmp_path)
        for at_ms in (0, 4_999, 5_000):
            now[0] = at_ms
            durable._seq += 1
            durable._anchor()
    assert kept == [1, 3]


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("update journal set body = '{}' where seq = 3", "record 3 of s1 to follow"),
        ("update journal_head set seq = 9", "a head at record 4 of s1.*a head at 9"),
    ],
)
async def test_a_session_whose_journal_was_changed_does_not_go_on(database: Database, tmp_path: Path, done: str, said: str) -> None:
    flags = [Record("FLAG", encode({"flag": "pause", "on": on, "why": "x", "at_ms": rows.T0})) for on in (True, False, True)]
    with begin(database.engine("trader")) as db:
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        journal.append(db, "s1", "paper", 0, journal.genesis("s1"), epoch, [OPENED, *flags])
    with ThreadPoolExecutor(1) as thread:
        durable = Durable(database.engine("trader"), thread, "s1", "paper", 1, tmp_path)
        state = await durable.read()
        assert state is not None
        assert "pause" in state.flags
        tamper(database, done)
        with pytest.raises(ChainBroken, match=said):
            await durable.read()


async def test_a_record_that_this_program_cannot_read_is_named(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        journal.append(db, "s1", "paper", 0, journal.genesis("s1"), epoch, [OPENED, Record("LATER", b"{}")])
    with ThreadPoolExecutor(1) as thread, pytest.raises(ChainBroken, match="can read at 2 of s1; found 'LATER'"):
        await Durable(database.engine("trader"), thread, "s1", "paper", 1).read()
