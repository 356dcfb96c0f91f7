"""The journal: one hash chain per session, extended through one function, verified without trusting the database.

The chain covers kind and body of each record and its place in its session; the columns epoch and at are for people, so a
writer that relies on them puts them into the body.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, text

from trader_core.model.errors import Archived, ChainBroken
from trader_core.store.copy import raw
from trader_core.store.database import translated

DOMAIN = b"gatehouse.journal.v1\0"
OPERATORS = "operators"
"""The chain of the operators' commands: it belongs to no session and needs no lease."""
PAGE = 5_000
ADVICE = "stop, and compare with a backup and the anchors"
Link = tuple[int, str, bytes, bytes, bytes]
"""(seq, kind, body, prev, hash) of a record as stored."""
_length, _sha256 = struct.Struct(">i").pack, hashlib.sha256
VALUES = "%(seq)s, %(head)b, {more} %(kinds)b::text[], %(bodies)b::bytea[], %(hashes)b::bytea[]"
APPEND = f"select journal_append(%(session)s, %(account)s, {VALUES.format(more='%(epoch)s,')})"
APPEND_OPERATORS = f"select operators_append({VALUES.format(more='')})"


class Record(NamedTuple):
    """What a writer appends: `body` is the canonical bytes, hashed as they are."""

    kind: str
    body: bytes


class Head(NamedTuple):
    """The end of a chain; seq 0 and the genesis hash before the first record."""

    seq: int
    hash: bytes


class JournalRow(NamedTuple):
    """One record as stored."""

    seq: int
    epoch: int
    kind: str
    body: bytes
    prev: bytes
    hash: bytes


def genesis(session_id: str) -> bytes:
    """Return what the first record of a session follows: it binds the chain to its session."""
    return hashlib.sha256(DOMAIN + session_id.encode()).digest()


def record_hash(prev: bytes, kind: str, body: bytes) -> bytes:
    """Return the hash of a record: SHA-256 of the domain, `prev`, and kind and body behind their lengths (4 bytes, big-endian)."""
    name = kind.encode()
    return _sha256(DOMAIN + prev + _length(len(name)) + name + _length(len(body)) + body).digest()


def append(
    db: Connection, session_id: str, account: str, expected_seq: int, expected_head: bytes, epoch: int, records: Sequence[Record]
) -> Head:
    """Append records behind the expected head, in this transaction, and return the new head.

    Raises Fenced when the account's lease is at another epoch, ChainBroken when the head is another one or a hash is wrong;
    either way nothing is appended and the transaction is lost.
    """
    if not records:
        return Head(expected_seq, expected_head)
    values = _values(expected_seq, expected_head, records)
    with translated():
        db.exec_driver_sql(APPEND, values | {"session": session_id, "account": account, "epoch": epoch})
    return Head(expected_seq + len(records), values["hashes"][-1])


def append_operators(db: Connection, records: Sequence[Record]) -> Head:
    """Append records to the operators' chain and return its new head; raises ChainBroken when another writer was faster."""
    end = head(db, OPERATORS)
    if not records:
        return end
    values = _values(end.seq, end.hash, records)
    with translated():
        db.exec_driver_sql(APPEND_OPERATORS, values)
    return Head(end.seq + len(records), values["hashes"][-1])


def head(db: Connection, session_id: str) -> Head:
    """Return the end of the session's chain."""
    with translated():
        row = db.execute(text("select seq, hash from journal_head where session_id = :id"), {"id": session_id}).one_or_none()
    return Head(0, genesis(session_id)) if row is None else Head(int(row.seq), bytes(row.hash))


def hash_at(db: Connection, session_id: str, seq: int) -> bytes | None:
    """Return the hash of one record, the genesis for 0, or None where the database has no such record."""
    if seq == 0:
        return genesis(session_id)
    with translated():
        row = db.execute(
            text("select hash from journal where session_id = :id and seq = :seq"), {"id": session_id, "seq": seq}
        ).one_or_none()
    return None if row is None else bytes(row.hash)


def begins(db: Connection, session_id: str) -> Head:
    """Return what the first record in the database follows: the genesis, or the last record that was archived."""
    query = "select to_seq, hash from journal_segment where session_id = :id order by from_seq desc limit 1"
    with translated():
        row = db.execute(text(query), {"id": session_id}).one_or_none()
    return Head(0, genesis(session_id)) if row is None else Head(int(row.to_seq), bytes(row.hash))


def load(db: Connection, session_id: str, after_seq: int = 0) -> Iterator[JournalRow]:
    """Yield the session's records after `after_seq`, in order, page by page: memory stays bounded.

    Raises Archived when some of them lie in a file instead.
    """
    kept = begins(db, session_id)
    if kept.seq > after_seq:
        found = f"{session_id} up to record {kept.seq} in an archive"
        raise Archived(f"the records of {session_id} behind {after_seq} in the database", found, "read the archive's files (docs/audit.md)")
    query = text("""
        select seq, epoch, kind, body, prev, hash from journal
         where session_id = :id and seq > :after order by seq limit :page""")
    while True:
        with translated():
            rows = db.execute(query, {"id": session_id, "after": after_seq, "page": PAGE}).all()
        for row in rows:
            yield JournalRow(int(row.seq), int(row.epoch), row.kind, bytes(row.body), bytes(row.prev), bytes(row.hash))
        if len(rows) < PAGE:
            return
        after_seq = int(rows[-1].seq)


def verify(db: Connection, session_id: str) -> Head:
    """Recompute the chain here, as far as the database has it, and return its head.

    Raises ChainBroken naming the first record that does not fit.
    """
    end, stored = _walk(db, session_id, begins(db, session_id)), head(db, session_id)
    while stored.seq > end.seq:  # the writer went on while we read
        further = _walk(db, session_id, end)
        if further == end:
            break
        end, stored = further, head(db, session_id)
    if stored != end:
        raise ChainBroken(f"a head at record {end.seq} of {session_id}", f"a head at {stored.seq}", ADVICE)
    return end


def _walk(db: Connection, session_id: str, end: Head) -> Head:
    """Return the end of the chain behind `end`, every record recomputed."""
    for page in pages(db, session_id, end.seq):
        end = follow(session_id, end, page)
    return end


def follow(session_id: str, end: Head, rows: Iterable[Link]) -> Head:
    """Return the end of a chain behind `end` after rows (seq, kind, body, prev, hash); raises ChainBroken naming the first bad one."""
    last, head = end
    for seq, kind, body, prev, stored in rows:
        last += 1
        if seq != last:
            raise ChainBroken(f"record {last} of {session_id}", f"record {seq}: one is missing", ADVICE)
        name = kind.encode()
        found = _sha256(DOMAIN + head + _length(len(name)) + name + _length(len(body)) + body).digest()
        if prev != head or stored != found:
            raise ChainBroken(f"record {last} of {session_id} to follow from the one before", "another hash: it was changed", ADVICE)
        head = found
    return Head(last, head)


def pages(db: Connection, session_id: str, after_seq: int) -> Iterator[list[Link]]:
    """Yield (seq, kind, body, prev, hash) behind `after_seq` page by page: binary, which is three times as fast as the driver's text."""
    query = "select seq, kind, body, prev, hash from journal where session_id = %s and seq > %s order by seq limit %s"
    with translated(), raw(db).cursor(binary=True) as cursor:
        while True:
            cursor.execute(query, (session_id, after_seq, PAGE))
            rows = cast("list[Link]", cursor.fetchall())
            yield rows
            if len(rows) < PAGE:
                return
            after_seq = rows[-1][0]


def of_kind(db: Connection, session_id: str, kind: str) -> Iterator[Link]:
    """Yield the session's records of a kind, the latest first."""
    query = text("""
        select seq, kind, body, prev, hash from journal
         where session_id = :id and kind = :kind and seq < :before order by seq desc limit 1""")
    before = 2**62
    while True:
        with translated():
            row = db.execute(query, {"id": session_id, "kind": kind, "before": before}).one_or_none()
        if row is None:
            return
        before = int(row.seq)
        yield before, row.kind, bytes(row.body), bytes(row.prev), bytes(row.hash)


def _values(seq: int, prev: bytes, records: Sequence[Record]) -> dict[str, Any]:
    hashes: list[bytes] = []
    for record in records:
        prev_hash = hashes[-1] if hashes else prev
        hashes.append(record_hash(prev_hash, record.kind, record.body))
    return {"seq": seq, "head": prev, "kinds": [record.kind for record in records], "bodies": [record.body for record in records],
            "hashes": hashes}  # fmt: skip


def heads(db: Connection) -> dict[str, Head]:
    """Return the end of every chain by its name."""
    with translated():
        rows = db.execute(text("select session_id, seq, hash from journal_head order by session_id")).all()
    return {row.session_id: Head(int(row.seq), bytes(row.hash)) for row in rows}
