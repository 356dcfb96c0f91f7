"""Durable: a session's journal and its rows in one transaction, on a thread of its own."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from trader_core.clock import monotonic_ms
from trader_core.model.errors import ChainBroken, StoreError
from trader_core.store import anchors, database, journal, orders, sessions, signals, snapshots
from trader_core.trader.projection import Rows, project
from trader_core.trader.records import Kind, Record, decode, encode
from trader_core.trader.recovery import checkpoint, fold, restored
from trader_core.trader.spool import ADVICE as SPOOL_ADVICE
from trader_core.trader.state import State

if TYPE_CHECKING:
    from trader_core.store.database import Connection, Engine

log = structlog.get_logger()
ANCHOR_MS = 5_000
"""So long after an anchor the next commit sets another one: what is lost of the end within it shows only at the venue."""
CHECKPOINT_RECORDS = 10_000
"""So many records after a checkpoint the next commit writes another one."""
CHECKPOINT_ORDERS = 2
"""And not before there are so many records per order of the session: checkpoints hold all orders, and stay a part of the journal."""


class Durable:
    """One session's way to the database; `commit` is certain or raises."""

    def __init__(
        self, engine: "Engine", thread: ThreadPoolExecutor, session_id: str, account: str, epoch: int, home: Path | None = None
    ) -> None:
        """Start with an unread journal: call `read` before `commit`. With a `home` the chain is anchored in files there."""
        self.book = account
        """The name under which fills are unique: the account on one particular venue."""
        self._engine, self._thread = engine, thread
        self._session_id, self._account, self._epoch = session_id, account, epoch
        self._seq, self._head, self._checkpoint = 0, journal.genesis(session_id), 0
        self._home, self._anchor_due_ms = home, 0

    @property
    def end(self) -> journal.Head:
        """Where the chain was when that was last certain."""
        return journal.Head(self._seq, self._head)

    async def require(self, seq: int, head: bytes, place: str) -> None:
        """Pass where the journal runs through a head; raises ChainBroken, naming the place that has it, where it does not."""

        def work() -> None:
            with database.begin(self._engine) as db:
                found = journal.hash_at(db, self._session_id, seq)
            if found != head:
                expected = f"record {seq} of {self._session_id} with hash {head.hex()[:12]}…, behind which {place} belongs"
                raise ChainBroken(expected, "another record there" if found else "none", SPOOL_ADVICE)

        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _run_read(self) -> State | None:
        if self._home is not None:
            with database.begin_long(self._engine) as db:
                anchors.check(db, self._home, self._session_id)
        # Another trader may have taken the account since: what it appends meanwhile is none of this reading, and then fences us.
        with database.begin_snapshot(self._engine) as db:
            end = journal.verify(db, self._session_id)
            self._seq, self._head, self._checkpoint = 0, journal.genesis(self._session_id), 0
            state = self._folded(db) if end.seq else None
        if end != (self._seq, self._head):  # the hash at the end is that of every record before it, also of those read a second time
            expected = f"the end of {self._session_id} at record {end.seq}, as it was verified"
            raise ChainBroken(expected, f"another one at {self._seq}", journal.ADVICE)
        return state

    def _folded(self, db: "Connection") -> State:
        """Return the state folded from the last checkpoint that fits, or else from the first record."""
        for seq, _, body, prev, _ in journal.of_kind(db, self._session_id, Kind.CHECKPOINT):
            if restored(json.loads(body)) is not None:
                self._seq, self._head = seq - 1, prev
                break
        return fold(self._records(db))

    def _records(self, db: "Connection") -> Iterator[Record]:
        """Yield the records behind `_seq`, each hash recomputed: what is folded is what was written."""
        for page in journal.pages(db, self._session_id, self._seq):
            self._seq, self._head = journal.follow(self._session_id, journal.Head(self._seq, self._head), page)
            for seq, kind, body, *_ in page:
                yield self._decoded(seq, kind, body)

    def _decoded(self, seq: int, kind: str, body: bytes) -> Record:
        self._checkpoint = seq if kind == Kind.CHECKPOINT else self._checkpoint
        try:
            return decode(kind, body)
        except ValueError as error:
            place = f"a record that this program can read at {seq} of {self._session_id}"
            raise ChainBroken(place, str(error)[:80], "go on with the program that wrote it") from error

    async def read(self) -> State | None:
        """Return the folded state, or None for a session without a journal; the chain goes on from its end.

        Raises ChainBroken where a hash does not fit, and where the chain no longer runs through its anchors: its end was cut, or
        the database is an old one.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run_read)

    async def commit(self, records: Sequence[Record], state: State) -> None:
        """Append records and their rows in one transaction; raises StoreError when that is not certain."""
        rows = project(state, self._account, list(records), book=self.book)
        lines = [journal.Record(str(record.kind), encode(record.body)) for record in records]
        due = state if self._due(records, len(state.orders)) else None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._run_commit, lines, rows, state.next_slot_ms, due)

    def _due(self, records: Sequence[Record], orders: int) -> bool:
        """Return whether a checkpoint follows these records: after so many, and at the close."""
        since = self._seq + len(records) - self._checkpoint
        return since >= max(CHECKPOINT_RECORDS, CHECKPOINT_ORDERS * orders) or any(record.kind is Kind.CLOSED for record in records)

    def _run_commit(self, lines: list[journal.Record], rows: Rows, next_ms: int, due: State | None) -> None:
        if due is not None:  # here, because a long session's takes its time; nobody changes the state before this is durable
            lines = [*lines, journal.Record(Kind.CHECKPOINT, encode(checkpoint(due).body))]
        with database.begin(self._engine) as db:
            seq, head = journal.append(db, self._session_id, self._account, self._seq, self._head, self._epoch, lines)
            save_rows(db, self._session_id, rows)
            sessions.save_progress(db, self._session_id, next_ms)
        self._seq, self._head = seq, head
        self._checkpoint = seq if due is not None else self._checkpoint
        self._anchor()

    def _anchor(self) -> None:
        """Anchor the chain where it stands, some seconds after the last time."""
        now_ms = monotonic_ms()
        if self._home is None or now_ms < self._anchor_due_ms:
            return
        self._anchor_due_ms = now_ms + ANCHOR_MS
        try:
            anchors.keep(self._home, self._session_id, journal.Head(self._seq, self._head))
        except StoreError as error:  # what was committed stays committed: it is no reason to lose the session
            log.warning("no anchor", session=self._session_id, text=str(error))


def save_rows(db: "Connection", session_id: str, rows: Rows) -> None:
    """Write rows in the order in which foreign keys want them."""
    signals.insert_signals(db, session_id, rows.signals)
    signals.insert_refusals(db, session_id, rows.refusals)
    signals.insert_intents(db, session_id, rows.intents)
    orders.upsert_order_states(db, rows.orders)
    orders.insert_fills(db, rows.fills)
    snapshots.insert_positions(db, session_id, rows.positions)
    snapshots.insert_pnl(db, session_id, rows.pnl)
