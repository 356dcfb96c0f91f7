"""The journal in memory: bytes in a hash chain, appended in transactions, as the database keeps it."""

import hashlib
from collections.abc import Sequence

from trader_core.trader.records import Kind, Record, decode, encode
from trader_core.trader.recovery import checkpoint, fold
from trader_core.trader.state import State

GENESIS = b"\0" * 32
CHECKPOINT_RECORDS = 48
"""So many records after a checkpoint the next transaction holds another one: most runs recover from several."""


class SimJournal:
    """Records as they would come back from the disk."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.lines: list[tuple[str, bytes]] = []
        self.head, self.checkpoint = GENESIS, 0
        self._named: dict[tuple[Kind, str], Record] = {}

    def append(self, records: Sequence[Record]) -> None:
        """Make records durable in one transaction: all of them or, when the process dies before, none."""
        for record in records:
            line = (str(record.kind), encode(record.body))
            self.lines.append(line)
            self.head = link(self.head, *line)
            self._named[record.kind, record.body.get("client_order_id", "")] = decode(*line)

    def commit(self, records: Sequence[Record], state: State) -> None:
        """Append records as the product does: with a checkpoint of the state behind them where one is due."""
        due = len(self.lines) + len(records) - self.checkpoint >= CHECKPOINT_RECORDS
        self.append([*records, checkpoint(state)] if due else records)
        self.checkpoint = len(self.lines) if due else self.checkpoint

    def recover(self) -> State:
        """Return the state as a process finds it that begins at the last checkpoint."""
        return fold(self.records()[max(self.checkpoint - 1, 0) :])

    def records(self) -> list[Record]:
        """Return the records decoded from their bytes; the chain over the bytes holds."""
        head = GENESIS
        for line in self.lines:
            head = link(head, *line)
        assert head == self.head, "the chain over the stored bytes ends in the head"
        return [decode(kind, body) for kind, body in self.lines]

    def latest(self, kind: Kind, client_order_id: str) -> Record | None:
        """Return the durable record of a kind that names an order, or None."""
        return self._named.get((kind, client_order_id))

    def fold(self, more: Sequence[Record] = ()) -> State:
        """Return the state after the journal and `more` records behind it."""
        return fold([*self.records(), *more])


def link(head: bytes, kind: str, body: bytes) -> bytes:
    """Return the hash of one line behind a head."""
    return hashlib.sha256(head + kind.encode() + b"\0" + body).digest()
