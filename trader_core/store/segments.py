"""Segments: stretches of a chain that lie in a file instead of the database, and the one way to take them out of it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from trader_core.store.commands import chained
from trader_core.store.database import translated
from trader_core.store.journal import OPERATORS, Head, begins, head
from trader_core.store.sessions import ENDED

ARCHIVED = "ARCHIVED"
"""The kind of the operators' record that says who took which segment out."""


class Segment(NamedTuple):
    """Records `first` to `last` of a chain, the hash of the last one, and the file that has them."""

    chain: str
    first: int
    last: int
    hash: bytes
    file: str
    sha256: bytes
    actor: str

    def told(self) -> dict[str, str | int]:
        """Return what the operators' record says of it."""
        return {
            "session_id": self.chain, "from_seq": self.first, "to_seq": self.last, "hash": self.hash.hex(), "file": self.file,
            "sha256": self.sha256.hex(), "actor": self.actor,
        }  # fmt: skip


def of(db: Connection, chain: str) -> list[Segment]:
    """Return a chain's segments in order."""
    query = (
        "select session_id, from_seq, to_seq, hash, file, sha256, actor from journal_segment where session_id = :chain order by from_seq"
    )
    with translated():
        rows = db.execute(text(query), {"chain": chain}).all()
    return [Segment(r.session_id, int(r.from_seq), int(r.to_seq), bytes(r.hash), r.file, bytes(r.sha256), r.actor) for r in rows]


def chains(db: Connection) -> list[str]:
    """Return the names of all chains that have or had a record, also those that lie in files as a whole."""
    query = "select session_id from journal_head where seq > 0 union select session_id from journal_segment order by session_id"
    with translated():
        return [row.session_id for row in db.execute(text(query)).all()]


def due(db: Connection, before: datetime, chain: str = "") -> list[tuple[str, Head, Head]]:
    """Return each chain that may be archived, with where the database's part of it begins and where its segment would end.

    That are the sessions that ended before that moment, as a whole, unless their road goes on and may look at them again; and the
    operators' records before it.
    """
    query = text("""
        select h.session_id from journal_head h join trading_session t using (session_id)
         where t.status = any(:ended) and t.finished_at < :before and (:chain = '' or session_id = :chain) and not exists (
               select from road r where r.status in ('walking', 'waiting') and r.road_id in (
                      select road_id from validation_run where h.session_id in (paper_session_id, dry_session_id) union
                      select road_id from stage_run where h.session_id in (stage_run.session_id, probe_session_id)))
         order by h.session_id""")
    last = text("select seq, hash from journal where session_id = :chain and at < :before order by seq desc limit 1")
    with translated():
        names = db.execute(query, {"ended": [str(status) for status in ENDED], "before": before, "chain": chain}).scalars().all()
        found = [(name, begins(db, name), head(db, name)) for name in names]
        row = db.execute(last, {"chain": OPERATORS, "before": before}).one_or_none() if chain in {"", OPERATORS} else None
    if row is not None:
        found.append((OPERATORS, begins(db, OPERATORS), Head(int(row.seq), bytes(row.hash))))
    return [one for one in found if one[2].seq > one[1].seq]


def remove(db: Connection, segment: Segment) -> int:
    """Take a segment's records out of the database, say so in the operators' chain, and return how many records they were.

    In the caller's transaction: both or neither. Raises ChainBroken when the database does not hold exactly these records or the
    session has not ended, and at the commit when the operators' chain could not be extended.
    """
    call = text("select journal_archive(:chain, :first, :last, :hash, :file, :sha256, :actor)")
    with translated():
        gone = int(db.execute(call, segment._asdict()).scalar_one())
    chained(db, ARCHIVED, segment.told())  # last: it locks that chain, and operators speak at any time
    return gone
