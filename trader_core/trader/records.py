"""The journal's records: what happened, as kinds with canonical bodies; folding them is the session's state.

A body holds integers, strings, booleans, None and lists or objects of them: never a float, never a secret.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from trader_core.trader.state import State


class Kind(StrEnum):
    """What a record says happened."""

    OPENED = "OPENED"
    """The session's frozen plan and instruments: all that a fold needs to begin."""
    BOOTED = "BOOTED"
    """A trader took the session under an epoch."""
    FLAG = "FLAG"
    """A reason to trade less came or went; the mode is the worst of them."""
    BLOCK = "BLOCK"
    """An instrument was blocked, because its data failed a check, or unblocked."""
    BARS = "BARS"
    """One slot: the bars and targets that went in, the decisions and the state's digest that came out."""
    EXITS = "EXITS"
    """What an operator's word sells at once, outside a bar: the decisions that came out."""
    STOPS = "STOPS"
    """The stops that are to rest at the venue for what is held: the decisions that came out."""
    INTENT = "INTENT"
    """An order is wanted and its exposure reserved; nothing was sent."""
    SENDING = "SENDING"
    """The request with its pinned time is about to be written to the socket, once."""
    MOVE = "MOVE"
    """An order moved along its table."""
    FILL = "FILL"
    """The venue reported a trade of ours."""
    FEE = "FEE"
    """The fee of a trade that was booked before the venue told it: `fee` and `fee_base` are `more` and `more_base` than was booked."""
    OPERATOR = "OPERATOR"
    """An operator's word took effect."""
    ANOMALY = "ANOMALY"
    """Something that should not happen did; nothing was invented to explain it."""
    LETTER = "LETTER"
    """Something that could not be applied, with its raw form: nothing new is risked until it is closed."""
    LETTER_CLOSED = "LETTER_CLOSED"
    """A dead letter was applied after all, or dismissed by a person."""
    SPOOLED = "SPOOLED"
    """A line of what was done while the database was away."""
    RECONCILED = "RECONCILED"
    """The venue's books were compared with ours."""
    EXTERNAL = "EXTERNAL"
    """Open orders that are not ours, all of them, and the cash that they lock: what changed since the last such record."""
    RECOVERED = "RECOVERED"
    """A recovery is complete: what was asked and found, and from when to when each instrument's trades are known."""
    CLOSED = "CLOSED"
    """The session ended, with what was left open."""
    CHECKPOINT = "CHECKPOINT"
    """The whole folded state and its digest: recovery may begin here."""


class Record(NamedTuple):
    """One line of a journal."""

    kind: Kind
    body: dict[str, Any]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(body: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a body: sorted keys, no spaces, UTF-8; these bytes are hashed and stored."""
    return _ENCODER.encode(body).encode()


def decode(kind: str, body: bytes) -> Record:
    """Return the record that `encode` wrote."""
    return Record(Kind(kind), json.loads(body.decode()))


class Journal(Protocol):
    """Where records become durable."""

    async def commit(self, records: Sequence[Record], state: "State") -> None:
        """Make the records durable in one transaction; raises StoreError when that is not certain."""
