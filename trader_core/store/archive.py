"""The archive: segments written to files and proven from them, and chains verified through files and database as one whole."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from trader_core.model.errors import ChainBroken
from trader_core.store import anchors, audit, audit_files, journal, segments
from trader_core.store.journal import OPERATORS, Head
from trader_core.store.segments import ARCHIVED, Segment

BLOCK = 1 << 20
COPY = "take the file from its copy"


@dataclass(slots=True)
class Whole:
    """What verifying one chain from its first record to its head found."""

    chain: str
    head: Head
    archived: int = 0
    """Records that were recomputed from files."""
    anchors: int = 0
    missing: list[str] = field(default_factory=list)
    """Files that were not at hand: of their records only the hash of the last one is known."""
    told: list[dict[str, Any]] = field(default_factory=list)
    """What the operators' records say of segments, where this is their chain."""


def export(db: Connection, folder: Path, chain: str, begin: Head, end: Head, actor: str) -> Segment:
    """Leave a file with a chain's records behind `begin` up to `end`, recomputed from what lies on the disk, and return its segment.

    A file of that name is kept when it is just that, as after a crash. Raises ChainBroken when it is not, or the records do not
    run from one to the other; BadInput where nothing can be written.
    """
    path = folder / f"{quote(chain, safe='')}.{begin.seq + 1}-{end.seq}.parquet"
    if not path.exists():
        audit_files.write(path, "parquet", audit.lines(db, chain, end.seq))
    segment = Segment(chain, begin.seq + 1, end.seq, end.hash, path.name, _sha256(path), actor)
    for _ in _proven(path, segment, begin):
        pass
    return segment


def verify(db: Connection, home: Path, chain: str, folder: Path | None = None) -> Whole:
    """Recompute a chain from its first record to its head, through the archive's files and the database, with its anchors.

    Raises ChainBroken naming the first record, segment or file that does not fit; with a folder also one that is not there.
    """
    end, found, seen, unseen = Head(0, journal.genesis(chain)), Whole(chain, Head(0, b"")), dict[int, bytes](), list[range]()
    wanted = {anchor.head.seq for anchor in anchors.of(home, chain)}
    for segment in segments.of(db, chain):
        if segment.first != end.seq + 1:
            raise ChainBroken(f"a segment of {chain} from record {end.seq + 1}", f"one from {segment.first}", journal.ADVICE)
        if folder is None:
            found.missing.append(segment.file)
            unseen.append(range(segment.first, segment.last))
        else:
            for seq, kind, body, digest in _proven(folder / segment.file, segment, end):
                found.archived += 1
                if seq in wanted:
                    seen[seq] = digest
                if chain == OPERATORS and kind == ARCHIVED:
                    found.told.append(json.loads(body))
        end = Head(segment.last, segment.hash)
        seen[end.seq] = end.hash
    found.head = journal.verify(db, chain)
    found.anchors = anchors.check(db, home, chain, seen, unseen)
    if chain == OPERATORS:
        found.told += [json.loads(link[2]) for link in journal.of_kind(db, chain, ARCHIVED)]
    return found


def agree(db: Connection, found: Whole) -> None:
    """Raise ChainBroken unless the operators' records and the segments name each other; `found` is the operators' chain."""
    held = [segment.told() for chain in segments.chains(db) for segment in segments.of(db, chain)]
    for one in found.told:
        if one not in held:
            raise ChainBroken(f"a segment {one.get('file')}, as a record of the operators says", "none, or another one", journal.ADVICE)
    for one in held:
        if one not in found.told and not found.missing:
            raise ChainBroken(f"a record of the operators that says who archived {one['file']}", "none", journal.ADVICE)


def _proven(path: Path, segment: Segment, begin: Head) -> Iterator[tuple[int, str, bytes, bytes]]:
    """Yield (seq, kind, body, hash) of a segment's file; raises ChainBroken naming it unless it is that file, whole, behind `begin`."""
    if not path.is_file():
        raise ChainBroken(f"the archived file {path.name} in {path.parent}", "none", "bring it there from its copy")
    if _sha256(path) != segment.sha256:
        raise ChainBroken(f"{path.name} as it was archived", "another file: it was changed or swapped", COPY)
    end = begin
    for chain, *row in audit_files.read(path):
        if chain != segment.chain:
            raise ChainBroken(f"records of {segment.chain} in {path.name}", f"some of {chain}", COPY)
        end = journal.follow(chain, end, [tuple(row)])  # type: ignore[list-item]
        yield row[0], row[1], row[2], row[4]  # type: ignore[misc]
    if end != (segment.last, segment.hash):
        raise ChainBroken(f"{path.name} up to record {segment.last} of {segment.chain}", f"its end at {end.seq}, or another one", COPY)


def _sha256(path: Path) -> bytes:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.digest()
