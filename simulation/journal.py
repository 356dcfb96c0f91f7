"""The database in memory: a journal as bytes in the product's own hash chain, its lease and its lock, and times when it is away."""

from collections.abc import Sequence

from simulation.scheduler import Scheduler
from trader_core.model.errors import DatabaseAway, Fenced
from trader_core.store import journal
from trader_core.trader.records import Kind, Record, decode, encode
from trader_core.trader.recovery import checkpoint, fold
from trader_core.trader.state import State

SESSION = "sim"
LEASE_TTL_MS = 10_000
CHECKPOINT_RECORDS = 48
"""So many records after a checkpoint the next transaction holds another one: most runs recover from several."""


class SimJournal:
    """Records as they would come back from the disk, and who may write them."""

    def __init__(self, clock: Scheduler) -> None:
        """Hold nothing."""
        self.lines: list[tuple[str, bytes]] = []
        self.hashes: list[bytes] = []
        self.commits: list[int] = []
        """The number of records after each commit."""
        self.head, self.checkpoint = journal.genesis(SESSION), 0
        self.clock, self.away_until_ms, self.away_since_ms = clock, 0, 0
        self.lock, self.holder = "", ""
        self.epoch, self.failovers = 0, 0
        self.leases: dict[int, int] = {}
        """Until when the lease of an epoch runs."""
        self._decoded: list[Record] = []
        self._named: dict[tuple[Kind, str], Record] = {}
        self._words: set[int] = set()

    @property
    def away(self) -> bool:
        """Whether nobody can reach it now."""
        return self.clock.now_ms < self.away_until_ms

    def go_away(self, for_ms: int) -> None:
        """Be unreachable for a while: every connection is lost, and the lock with its own."""
        now_ms = self.clock.now_ms
        self.away_since_ms = self.away_since_ms if self.away else now_ms
        self.away_until_ms, self.lock = max(self.away_until_ms, now_ms + for_ms), ""

    def take(self, holder: str) -> int | None:
        """Take the account's lock and lease and return the new epoch, or None where another one has the lock or nobody answers."""
        if self.away or self.lock not in {"", holder}:
            return None
        self.failovers += self.holder not in {"", holder}
        self.lock = self.holder = holder
        self.epoch += 1
        self.leases[self.epoch] = self.clock.now_ms + LEASE_TTL_MS
        return self.epoch

    def renew(self, holder: str, epoch: int) -> bool:
        """Extend a lease; False when the database is away, the connection that holds the lock is gone, or the epoch is another one."""
        now_ms = self.clock.now_ms
        if now_ms < self.away_until_ms or self.lock != holder or self.epoch != epoch:
            return False
        self.leases[epoch] = now_ms + LEASE_TTL_MS
        return True

    def leave(self, holder: str) -> None:
        """Let the lock of a process go that has ended."""
        if self.lock == holder:
            self.lock = ""

    def append(self, records: Sequence[Record], epoch: int, head: bytes) -> bytes:
        """Make records durable in one transaction, all or none, and return the new head.

        Raises DatabaseAway, and Fenced for a writer of another epoch or behind another head.
        """
        self._reach()
        self.fence(epoch, head)
        for record in records:
            kind, body = str(record.kind), encode(record.body)
            self.head = journal.record_hash(self.head, kind, body)
            self.lines.append((kind, body))
            self.hashes.append(self.head)
            again = decode(kind, body)
            self._decoded.append(again)
            if record.kind is Kind.OPERATOR:
                self._words.add(again.body["command_id"])
            elif "client_order_id" in again.body:
                self._named[record.kind, again.body["client_order_id"]] = again
        self.commits.append(len(self.lines))
        return self.head

    def commit(self, records: Sequence[Record], state: State, epoch: int, head: bytes) -> bytes:
        """Append records as the product does: with a checkpoint of the state behind them where one is due; raises as `append`."""
        due = len(self.lines) + len(records) - self.checkpoint >= CHECKPOINT_RECORDS
        head = self.append([*records, checkpoint(state)] if due else records, epoch, head)
        self.checkpoint = len(self.lines) if due else self.checkpoint
        return head

    def recover(self) -> State:
        """Return the state as a process finds it that begins at the last checkpoint."""
        return fold(self._decoded[max(self.checkpoint - 1, 0) :])

    def fence(self, epoch: int, head: bytes) -> None:
        """Raise Fenced for a writer that is not the last one to have taken the lease, or that has missed a record."""
        if epoch != self.epoch or head != self.head:
            raise Fenced(f"a writer at epoch {self.epoch} behind the head", f"epoch {epoch}", "stop this trader: another one is at work")

    def _reach(self) -> None:
        if self.away:
            raise DatabaseAway("the database", "nothing", "wait")

    def records(self) -> list[Record]:
        """Return the records decoded from their bytes."""
        return list(self._decoded)

    def settled(self) -> set[str]:
        """Return the trades that are booked with their fees."""
        booked = [record for record in self._decoded if record.kind in {Kind.FILL, Kind.FEE}]
        return {record.body["trade_id"] for record in booked if "fee_due" not in record.body}

    def number(self, head: bytes) -> int:
        """Return which record has a hash."""
        return self.hashes.index(head) + 1

    def links(self) -> list[journal.Link]:
        """Return the rows as a verifier reads them."""
        befores = [journal.genesis(SESSION), *self.hashes]
        return [(i + 1, kind, body, befores[i], self.hashes[i]) for i, (kind, body) in enumerate(self.lines)]

    def latest(self, kind: Kind, client_order_id: str) -> Record | None:
        """Return the last durable record of a kind that names an order, or None."""
        return self._named.get((kind, client_order_id))

    def heard(self, command_id: int) -> bool:
        """Return whether an operator's word is durable."""
        return command_id in self._words

    def fold(self, more: Sequence[Record] = ()) -> State:
        """Return the state after the journal and `more` records behind it."""
        return fold([*self.records(), *more])
