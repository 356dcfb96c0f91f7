"""Anchors: where a chain stood, kept in files outside the database.

A chain proves that nothing in it was changed. It cannot prove that its end was not cut off, nor that it was not written anew
from some record on, nor that the database is not yesterday's backup: that shows where it no longer runs through its anchors.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import quote

from sqlalchemy import Connection, text

from trader_core.model.errors import ChainBroken, StoreError
from trader_core.store.database import translated
from trader_core.store.disk import synced
from trader_core.store.journal import Head, genesis

FOLDER, HISTORY = "anchors", "anchors.jsonl"
ADVICE = "stop: the database is older than the anchor or was changed; restore the newest backup and compare (docs/audit.md)"


class Anchor(NamedTuple):
    """A head that a chain once had, and the file and line that say so."""

    head: Head
    place: str


def keep(home: Path, session_id: str, head: Head) -> None:
    """Put a chain's head in place of the one before, on the disk when this returns; raises StoreError where it cannot be written."""
    path = _path(home, session_id)
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w") as file:
            file.write(f"{head.seq} {head.hash.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        synced(path.parent)
    except OSError as error:
        raise StoreError(f"a place for {path.name} in {path.parent}", str(error), "make room there, and let it be written to") from error


def append(home: Path, heads: Mapping[str, Head], at: str) -> Path:
    """Append the heads of all chains as one line to the history, and return its file."""
    path = home / HISTORY
    line = {"at": at, "heads": {name: [head.seq, head.hash.hex()] for name, head in heads.items()}}
    with path.open("a") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def of(home: Path, session_id: str) -> list[Anchor]:
    """Return a chain's anchors, the latest first; raises ChainBroken for a file that holds something else."""
    path = _path(home, session_id)
    found = []
    if path.is_file():
        words = path.read_text().split()
        found.append(Anchor(_head(words, str(path)), str(path)))
    return found + [anchor for name, anchor in reversed([*_history(home)]) if name == session_id]


def names(home: Path) -> set[str]:
    """Return the chains that the history has an anchor of."""
    return {name for name, _ in _history(home)}


def check(
    db: Connection, home: Path, session_id: str, archived: Mapping[int, bytes] | None = None, unseen: Collection[range] = ()
) -> int:  # fmt: skip
    """Return how many anchors a chain runs through; raises ChainBroken naming the first that it does not.

    `archived` has hashes of records that lie in files, by their number; an anchor at a number of `unseen`, whose file is not at
    hand, is not counted.
    """
    anchors = [one for one in of(home, session_id) if not any(one.head.seq in stretch for stretch in unseen)]
    wanted = {anchor.head.seq: anchor for anchor in anchors}
    with translated():
        rows = db.execute(
            text("select seq, hash from journal where session_id = :id and seq = any(:seqs)"), {"id": session_id, "seqs": list(wanted)}
        ).all()
    stored = {int(row.seq): bytes(row.hash) for row in rows} | {0: genesis(session_id)} | dict(archived or {})
    for anchor in anchors:
        seq, expected = anchor.head
        if stored.get(seq) != expected:
            found = "another record there" if seq in stored else "none: the end is missing"
            raise ChainBroken(f"record {seq} of {session_id} with hash {expected.hex()[:12]}…, as {anchor.place} has it", found, ADVICE)
    return len(anchors)


def _history(home: Path) -> Iterator[tuple[str, Anchor]]:
    path = home / HISTORY
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        place = f"{path} line {number}"
        try:
            heads = dict(json.loads(line)["heads"])
        except (ValueError, TypeError, KeyError) as error:
            raise ChainBroken(f"an anchor of all chains in {place}", repr(line)[:60], "restore the file from its copy") from error
        for name, words in heads.items():
            yield name, Anchor(_head(words, place), place)


def _head(words: object, place: str) -> Head:
    try:
        seq, digest = cast("list[str]", words)
        return Head(int(seq), bytes.fromhex(digest))
    except (ValueError, TypeError) as error:
        raise ChainBroken(f"a number and a hash in {place}", repr(words)[:60], "restore the file from its copy") from error


def _path(home: Path, session_id: str) -> Path:
    return home / FOLDER / f"{quote(session_id, safe='')}.anchor"
