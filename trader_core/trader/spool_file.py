"""The spool's file: one per session in the home folder, each line on the disk before anything follows from it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trader_core.model.errors import ChainBroken, StoreError
from trader_core.store.disk import synced
from trader_core.trader import spool

FOLDER = "spool"


def path_of(home: Path, session_id: str) -> Path:
    """Return where a session's spool is, or would be."""
    return home / FOLDER / f"{quote(session_id, safe='')}.spool"


def load(home: Path, session_id: str) -> spool.Spool | None:
    """Return a session's spool, or None where nothing was written; raises ChainBroken for one that is damaged or another session's."""
    path = path_of(home, session_id)
    try:
        found = spool.read(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"a spool that can be read at {path}", str(error), "make it readable for the trader") from error
    if found is not None and found.session_id != session_id:
        raise ChainBroken(f"the spool of {session_id} at {path}", f"that of {found.session_id}", spool.ADVICE)
    return found


def remove(home: Path, session_id: str) -> None:
    """Remove a spool whose lines all stand in the journal; raises StoreError where that fails."""
    path = path_of(home, session_id)
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            synced(path.parent)
    except OSError as error:
        raise StoreError(f"{path} to be removed", str(error), "let the folder be written to") from error


class Writer:
    """Appends to one session's spool. Its calls wait for the disk: make them on a thread, one after the other."""

    def __init__(self, home: Path, session_id: str, seq: int, head: bytes, epoch: int, size_max: int = spool.SIZE_MAX) -> None:
        """Remember the place in the journal, and who writes; nothing is written before the first line."""
        self._home, self._session_id, self._size_max = home, session_id, size_max
        self._place = seq, head, epoch
        self._handle, self._end, self._size = -1, b"", 0

    def append(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Append lines, which are on the disk when this returns; raises StoreError where they are not, ChainBroken for a damaged file."""
        try:
            if self._handle < 0:
                self._open()
            data, end = spool.many(self._end, bodies)
            if self._size + len(data) > self._size_max:
                raise StoreError(f"at most {self._size_max} bytes in a spool", "that it is full", "bring the database back")
            self._write(data)
            self._end = end
        except OSError as error:
            raise StoreError(f"a place for lines in {path_of(self._home, self._session_id)}", str(error), "make room there") from error

    def close(self) -> None:
        """Let the file go."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def _open(self) -> None:
        """Make the file, or go on behind what an earlier time away has left in it."""
        path, left = path_of(self._home, self._session_id), load(self._home, self._session_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._size = left.size if left is not None else 0
        os.ftruncate(self._handle, self._size)
        os.lseek(self._handle, self._size, os.SEEK_SET)
        if left is not None:
            self._end = left.end
            return
        line, self._end = spool.heading(self._session_id, *self._place)
        self._write(line)
        synced(path.parent)
        synced(path.parent.parent)

    def _write(self, data: bytes) -> None:
        """Write all of it and wait for the disk; what was written in part is taken back."""
        try:
            done = 0
            while done < len(data):
                done += os.write(self._handle, data[done:])
            os.fsync(self._handle)
        except OSError:
            handle, self._handle = self._handle, -1  # after a failed fsync nothing is known of the file: it is read again
            os.close(handle)
            raise
        self._size += len(data)
