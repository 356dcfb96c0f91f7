"""How the streams of sessions are: written by their trader every few seconds, read by whoever looks."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from trader_core.store.tables import STREAM_HEALTH, TRADING_SESSION

FIELDS = ("stream", "age_ms", "lag_ms", "messages", "gaps", "reconnects", "revisions", "why")


class StreamRow(NamedTuple):
    """One stream of one session, in the venue's time; a lag of -1 stands for no event yet."""

    stream: str
    age_ms: int
    lag_ms: int
    messages: int
    gaps: int
    reconnects: int
    revisions: int
    why: str
    """Why it was opened again last."""


def save_streams(db: Connection, session_id: str, rows: Sequence[StreamRow]) -> None:
    """Store how a session's streams are now; what was said of them before is replaced."""
    if not rows:
        return
    statement = insert(STREAM_HEALTH).values([{"session_id": session_id, **row._asdict()} for row in rows])
    changed = {name: statement.excluded[name] for name in FIELDS[1:]} | {"at": func.now()}
    db.execute(statement.on_conflict_do_update(index_elements=["session_id", "stream"], set_=changed))


def load_streams(db: Connection, statuses: Iterable[str]) -> list[tuple[str, StreamRow]]:
    """Return the streams of sessions in any of these statuses, with their sessions' ids."""
    table = STREAM_HEALTH.c
    query = (
        select(table.session_id, *(table[name] for name in FIELDS))
        .join(TRADING_SESSION, TRADING_SESSION.c.session_id == table.session_id)
        .where(TRADING_SESSION.c.status.in_(list(statuses)))
        .order_by(table.session_id, table.stream)
    )
    return [(row[0], StreamRow(*row[1:])) for row in db.execute(query)]
