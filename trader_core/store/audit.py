"""The audit: what stands in the journals, searched and paged, and the whole way of one order or signal. It changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, text

from trader_core.model.errors import UnknownName
from trader_core.store.database import translated

PAGE_MOST = 1_000
EXPORT_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records are wanted; what is empty or None asks for nothing."""

    chain: str = ""
    """A session's id, or `operators`."""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    order: str = ""
    """A client order id."""
    contains: str = ""
    """A text that the body has, as it is written there."""
    after: tuple[str, int] = ("", 0)
    """The chain and number of the last record of the page before."""


class Entry(NamedTuple):
    """One record as people read it."""

    chain: str
    seq: int
    at: datetime
    epoch: int
    kind: str
    body: str


class Line(NamedTuple):
    """One record as it is exported: all that verifying needs."""

    chain: str
    seq: int
    epoch: int
    at: datetime
    kind: str
    body: bytes
    prev: bytes
    hash: bytes


def query(db: Connection, asked: Asked, limit: int) -> list[Entry]:
    """Return at most `limit` records in the order of chain and number; more of them follow after the last one's."""
    chain, after_seq = asked.after
    values: dict[str, Any] = {"after": chain, "after_seq": after_seq, "limit": min(limit, PAGE_MOST)}
    wheres = ["(session_id, seq) > (:after, :after_seq)"]
    given = {
        "session_id = :chain": ("chain", asked.chain), "kind = :kind": ("kind", asked.kind), "at >= :since": ("since", asked.since),
        "at < :until": ("until", asked.until),
    }  # fmt: skip
    for where, (name, value) in given.items():
        if value:
            wheres.append(where)
            values[name] = value
    for name, part in (("order", asked.order), ("contains", asked.contains)):
        if part:
            wheres.append(f"position(:{name} in body) > 0")
            values[name] = part.encode()
    statement = f"select session_id, seq, at, epoch, kind, body from journal where {' and '.join(wheres)}"  # noqa: S608 - our own words
    with translated():
        rows = db.execute(text(statement + " order by session_id, seq limit :limit"), values).all()
    return [Entry(row.session_id, int(row.seq), row.at, int(row.epoch), row.kind, bytes(row.body).decode()) for row in rows]


def chains(db: Connection) -> list[str]:
    """Return the names of all chains that have a record in the database."""
    query = "select session_id from journal_head h where exists (select from journal where session_id = h.session_id) order by session_id"
    with translated():
        return [row.session_id for row in db.execute(text(query)).all()]


def lines(db: Connection, chain: str, until: int = 2**62) -> Iterator[Line]:
    """Yield a chain's records in the database up to number `until`, in order, page by page: memory stays bounded."""
    after = 0
    statement = text("""
        select session_id, seq, epoch, at, kind, body, prev, hash from journal
         where session_id = :chain and seq > :after and seq <= :until order by seq limit :page""")
    while True:
        with translated():
            rows = db.execute(statement, {"chain": chain, "after": after, "until": until, "page": EXPORT_PAGE}).all()
        for row in rows:
            yield Line(chain, int(row.seq), int(row.epoch), row.at, row.kind, bytes(row.body), bytes(row.prev), bytes(row.hash))
        if len(rows) < EXPORT_PAGE:
            return
        after = int(rows[-1].seq)


def signal_of(db: Connection, client_order_id: str) -> tuple[str, int]:
    """Return the session and signal that an order came from; raises UnknownName for an order that was never intended."""
    with translated():
        row = db.execute(
            text("select session_id, signal_id from intent where client_order_id = :id"), {"id": client_order_id}
        ).one_or_none()
    if row is None:
        raise UnknownName("the client id of an order that was intended", repr(client_order_id)[:60], "`gatehouse audit query` finds orders")
    return row.session_id, int(row.signal_id)


def trail(db: Connection, session_id: str, signal_id: int) -> dict[str, Any]:
    """Return the whole way of a signal: itself, why it did not trade or its intent, the order, its fills and its records.

    Raises UnknownName for a signal that there is not.
    """
    keys = {"session": session_id, "signal": signal_id}
    signal = _one(db, "select * from signal where session_id = :session and signal_id = :signal", keys)
    if signal is None:
        raise UnknownName(f"a signal of {session_id}", str(signal_id), "`gatehouse session show` lists a session's signals")
    refusal = _one(db, "select refusal, layer, verdicts from refusal where session_id = :session and signal_id = :signal", keys)
    intent = _one(db, "select * from intent where session_id = :session and signal_id = :signal", keys)
    found: dict[str, Any] = {"signal": dict(signal), "refusal": refusal and dict(refusal), "intent": intent and dict(intent)}
    order_id = {"order": intent["client_order_id"]} if intent else None
    order = order_id and _one(db, "select * from orders where client_order_id = :order", order_id)
    with translated():
        fills = db.execute(text("select * from fill where client_order_id = :order order by ts, trade_id"), order_id).mappings().all() \
            if order_id else []  # fmt: skip
    found |= {"order": order and dict(order), "fills": [dict(fill) for fill in fills], "records": []}
    if order_id:
        entries = query(db, Asked(chain=session_id, order=order_id["order"], after=(session_id, 0)), PAGE_MOST)
        found["records"] = [{"seq": one.seq, "at": one.at, "kind": one.kind, "body": one.body} for one in entries]
    return found


def _one(db: Connection, statement: str, values: Mapping[str, Any]) -> RowMapping | None:
    with translated():
        return db.execute(text(statement), values).mappings().one_or_none()
