"""The spool: lines on the disk before what follows from them, a chain that goes on from the journal's, and no damage unseen."""

import hashlib
import os
from pathlib import Path

import pytest

from trader_core.model.errors import ChainBroken, StoreError
from trader_core.trader import spool, spool_file
from trader_core.trader.spool_file import Writer

HEAD = bytes(range(32))
KILL, CANCEL, ANSWER = {"what": "kill", "at_ms": 1}, {"what": "cancel", "client_order_id": "gh1"}, {"what": "answer", "why": "zwei\nZeilen"}


def spooled(home: Path) -> bytes:
    writer = Writer(home, "s1", 7, HEAD, 2)
    writer.append([KILL, CANCEL])
    writer.append([ANSWER])
    writer.close()
    return spool_file.path_of(home, "s1").read_bytes()


def test_a_line_is_hashed_behind_the_one_before_it_and_the_first_behind_the_journals_head(tmp_path: Path) -> None:
    rows = spooled(tmp_path).splitlines()
    heading = b'{"epoch":2,"head":"' + HEAD.hex().encode() + b'","seq":7,"session_id":"s1"}'
    first = hashlib.sha256(b"gatehouse.spool.v1\0" + HEAD + len(heading).to_bytes(4, "big") + heading).digest()
    assert rows[0] == first.hex().encode() + b" " + heading
    kill = b'{"at_ms":1,"what":"kill"}'
    second = hashlib.sha256(b"gatehouse.spool.v1\0" + first + len(kill).to_bytes(4, "big") + kill).hexdigest()
    assert rows[1] == second.encode() + b" " + kill
    assert len(rows) == 4


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    spooled(tmp_path)
    found = spool_file.load(tmp_path, "s1")
    assert found is not None
    assert (found.session_id, found.seq, found.head, found.epoch) == ("s1", 7, HEAD, 2)
    assert [(line.number, line.body) for line in found.lines] == [(1, KILL), (2, CANCEL), (3, ANSWER)]
    assert found.end == found.lines[-1].hash
    assert [line.number for line in found.behind({found.name: found.lines[0].hash.hex()})] == [2, 3]
    assert len(found.behind({})) == len(found.behind({"another": found.end.hex()})) == 3
    assert found.behind({"another": "", found.name: found.end.hex()}) == ()


def test_each_place_at_which_writing_may_stop_leaves_the_whole_lines_before_it(tmp_path: Path) -> None:
    data = spooled(tmp_path)
    for at in range(len(data)):
        found = spool.read(data[:at], "here")
        whole = data[:at].count(b"\n")
        assert (0 if found is None else 1 + len(found.lines)) == whole, f"cut at byte {at}"


def test_a_torn_tail_of_zeros_counts_as_not_there(tmp_path: Path) -> None:
    found = spool.read(spooled(tmp_path) + bytes(100), "here")
    assert found is not None
    assert len(found.lines) == 3


def test_a_changed_byte_anywhere_is_refused_with_its_lines_number(tmp_path: Path) -> None:
    data = spooled(tmp_path)
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    for at in range(len(data) - 1):  # the very last line feed makes a torn line of the last one
        number = sum(end < at for end in ends)
        with pytest.raises(ChainBroken, match=f"line {number} of here"):
            spool.read(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "here")


def test_lines_that_are_missing_swapped_or_doubled_are_refused(tmp_path: Path) -> None:
    rows = spooled(tmp_path).splitlines(keepends=True)
    for wrong in ([rows[0], rows[2], rows[3]], [rows[0], rows[2], rows[1], rows[3]], [*rows, rows[3]], rows[1:]):
        with pytest.raises(ChainBroken):
            spool.read(b"".join(wrong), "here")


def test_another_sessions_file_is_refused_and_kept(tmp_path: Path) -> None:
    spooled(tmp_path)
    spool_file.path_of(tmp_path, "s1").rename(spool_file.path_of(tmp_path, "s2"))
    with pytest.raises(ChainBroken, match="that of s1"):
        spool_file.load(tmp_path, "s2")
    assert spool_file.path_of(tmp_path, "s2").is_file()


def test_a_second_time_away_goes_on_behind_what_the_first_one_left(tmp_path: Path) -> None:
    path = spool_file.path_of(tmp_path, "s1")
    path.parent.mkdir()
    path.write_bytes(spooled(tmp_path) + b"half a li")
    writer = Writer(tmp_path, "s1", 9, bytes(32), 3)
    writer.append([KILL])
    writer.close()
    found = spool_file.load(tmp_path, "s1")
    assert found is not None
    assert (found.seq, [line.number for line in found.lines], found.lines[3].body) == (7, [1, 2, 3, 4], KILL)


def test_a_file_that_is_full_says_so_and_stays_whole(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "s1", 7, HEAD, 2, size_max=400)
    writer.append([KILL])
    with pytest.raises(StoreError, match="at most 400 bytes"):
        writer.append([KILL] * 3)
    writer.append([CANCEL])
    writer.close()
    found = spool_file.load(tmp_path, "s1")
    assert found is not None
    assert [line.body for line in found.lines] == [KILL, CANCEL]


def test_a_line_is_on_the_disk_before_append_returns_and_the_folder_knows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.append((Path(f"/proc/self/fd/{handle}").readlink().name, os.fstat(handle).st_size))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    writer = Writer(tmp_path, "s1", 7, HEAD, 2)
    assert not spool_file.path_of(tmp_path, "s1").exists(), "nothing is written before there is something to say"
    writer.append([KILL])
    size = spool_file.path_of(tmp_path, "s1").stat().st_size
    assert [name for name, _ in synced] == ["s1.spool", "spool", tmp_path.name, "s1.spool"]
    assert synced[-1] == ("s1.spool", size)
    writer.close()


def test_after_a_disk_that_failed_the_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path, "s1", 7, HEAD, 2)
    writer.append([KILL])
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "the disk failed")))
        with pytest.raises(StoreError, match="the disk failed"):
            writer.append([CANCEL])
    writer.append([ANSWER])
    writer.close()
    found = spool_file.load(tmp_path, "s1")
    assert found is not None
    assert [line.body for line in found.lines] == [KILL, CANCEL, ANSWER], "it was written, only not known to be"


def test_a_spool_is_removed_once_and_again(tmp_path: Path) -> None:
    spool_file.remove(tmp_path, "s1")
    spooled(tmp_path)
    spool_file.remove(tmp_path, "s1")
    assert spool_file.load(tmp_path, "s1") is None
