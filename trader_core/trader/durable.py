"""Durable: a session's journal and its rows in one transaction, on a thread of its own."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from trader_core.store import database, journal, orders, sessions, signals, snapshots
from trader_core.trader.projection import Rows, project
from trader_core.trader.records import Record, decode, encode
from trader_core.trader.recovery import fold
from trader_core.trader.state import State

if TYPE_CHECKING:
    from trader_core.store.database import Connection, Engine


class Durable:
    """One session's way to the database; `commit` is certain or raises."""

    def __init__(self, engine: "Engine", thread: ThreadPoolExecutor, session_id: str, account: str, epoch: int) -> None:
        """Start with an unread journal: call `read` before `commit`."""
        self.book = account
        """The name under which fills are unique: the account on one particular venue."""
        self._engine, self._thread = engine, thread
        self._session_id, self._account, self._epoch = session_id, account, epoch
        self._seq, self._head = 0, journal.genesis(session_id)

    def _run_read(self) -> State | None:
        with database.begin(self._engine) as db:
            self._seq, self._head = 0, journal.genesis(self._session_id)
            if journal.head(db, self._session_id).seq == 0:
                return None
            return fold(self._records(db))

    def _records(self, db: "Connection") -> Iterator[Record]:
        for row in journal.load(db, self._session_id):
            self._seq, self._head = row.seq, row.hash
            yield decode(row.kind, row.body)

    async def read(self) -> State | None:
        """Return the folded state, or None for a session without a journal; the chain goes on from its end."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run_read)

    async def commit(self, records: Sequence[Record], state: State) -> None:
        """Append records and their rows in one transaction; raises StoreError when that is not certain."""
        rows = project(state, self._account, list(records), book=self.book)
        lines = [journal.Record(str(record.kind), encode(record.body)) for record in records]
        await asyncio.get_running_loop().run_in_executor(self._thread, self._run_commit, lines, rows, state.next_slot_ms)

    def _run_commit(self, lines: list[journal.Record], rows: Rows, next_ms: int) -> None:
        with database.begin(self._engine) as db:
            seq, head = journal.append(db, self._session_id, self._account, self._seq, self._head, self._epoch, lines)
            save_rows(db, self._session_id, rows)
            sessions.save_progress(db, self._session_id, next_ms)
        self._seq, self._head = seq, head


def save_rows(db: "Connection", session_id: str, rows: Rows) -> None:
    """Write rows in the order in which foreign keys want them."""
    signals.insert_signals(db, session_id, rows.signals)
    signals.insert_refusals(db, session_id, rows.refusals)
    signals.insert_intents(db, session_id, rows.intents)
    orders.upsert_order_states(db, rows.orders)
    orders.insert_fills(db, rows.fills)
    snapshots.insert_positions(db, session_id, rows.positions)
    snapshots.insert_pnl(db, session_id, rows.pnl)
