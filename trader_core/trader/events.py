"""What the machine is told (events) and what it asks for (effects). Time is on the event; nothing here reads a clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trader_core.model.bar import Bars
from trader_core.model.command import Command
from trader_core.trader.spool import Line
from trader_core.venues.port import Outcome, Reply, SendRequest, VenueOrder, VenueTrade


@dataclass(frozen=True, slots=True)
class Boot:
    """A trader starts, restarts or reconnects: recovery is the only way in."""

    now_ms: int
    epoch: int
    holder: str
    code: str = ""
    """The digest of the code that goes on from here."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of the grid has closed: bars [N] (close 0 where missing) and targets [N] (-1: no decision)."""

    ts_ms: int
    bars: Bars
    targets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SendDue:
    """The intents are durable; now is the venue's time to pin."""

    client_order_ids: tuple[str, ...]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What one submission proved."""

    client_order_id: str
    reply: Reply[VenueOrder]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up by client id said."""

    client_order_id: str
    reply: Reply[VenueOrder]
    now_ms: int
    cancel: Outcome | None = None
    """What the cancel right before it proved, where there was one."""


@dataclass(frozen=True, slots=True)
class TradesSeen:
    """The account's fills on one symbol."""

    symbol: str
    reply: Reply[list[VenueTrade]]
    now_ms: int


@dataclass(frozen=True, slots=True)
class TradesProof:
    """The account's fills on one symbol since a time, read to show that none is missing."""

    symbol: str
    since_ms: int
    reply: Reply[list[VenueTrade]]
    now_ms: int


@dataclass(frozen=True, slots=True)
class AbsenceEvidence:
    """Open orders and trades of a symbol, read after the last moment at which the order could have appeared."""

    client_order_id: str
    open_orders: Reply[list[VenueOrder]]
    trades: Reply[list[VenueTrade]]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Venue time has passed: look again at what is not settled."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator's command, already recorded in the operators' table under `command_id`."""

    command: Command
    command_id: int
    actor: str
    reason: str
    now_ms: int
    letter: int = 0
    """The number of the dead letter that the word is about."""
    about: str = ""
    """Of RESOLVE: the client order id, or "trades"."""
    found: str = ""
    """Of RESOLVE: the id under which the venue has the order; empty: it has none."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What the venue shows of an order that an operator's word is about: asked for because of that word."""

    word: Operator
    looked: Reply[VenueOrder]
    open_orders: Reply[list[VenueOrder]]
    trades: Reply[list[VenueTrade]]
    now_ms: int


@dataclass(frozen=True, slots=True)
class FlagSeen:
    """A condition outside the session came or went: sentinel file, database, stale feed."""

    flag: str
    on: bool
    why: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """An instrument's data failed a check, or is fine again."""

    index: int
    on: bool
    why: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class ExternalSeen:
    """The account's open orders, with their symbols, and what cash is locked, read while nothing of ours was on its way."""

    orders: tuple[tuple[str, VenueOrder], ...]
    unread: tuple[str, ...]
    """Symbols whose orders could not be read."""
    free: int
    locked: int
    """Of the settlement currency, in account units."""
    now_ms: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The venue's balances against ours: each difference in words; none is clean."""

    differences: tuple[str, ...]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was done while the database was away, as the spool has it."""

    spool: str
    """The name of the spool."""
    epoch: int
    """Of the trader that wrote it."""
    lines: tuple[Line, ...]


Event = (
    Boot | Slot | SendDue | Answered | Looked | TradesSeen | TradesProof | AbsenceEvidence | Tick | Operator | Examined | FlagSeen
    | BlockSeen | ExternalSeen | Reconciled | Spooled
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Continue:
    """Feed SendDue for these intents, once the records so far are durable."""

    client_order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    """Write this request to the venue, once."""

    request: SendRequest


@dataclass(frozen=True, slots=True)
class Look:
    """Query the order by client id."""

    client_order_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask the venue to cancel, then look."""

    client_order_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class FetchTrades:
    """Read the account's fills on a symbol since a time."""

    symbol: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class ProveTrades:
    """Read the account's fills on a symbol since a time, for the proof that none is missing."""

    symbol: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class ProveAbsence:
    """Read open orders and trades, for the proof that an order was never placed."""

    client_order_id: str
    symbol: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Examine:
    """Look an order up, and read open orders and trades, before an operator's word about it is carried out."""

    client_order_id: str
    symbol: str
    since_ms: int
    word: Operator


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell people; never waited for."""

    text: str


Effect = Continue | Submit | Look | CancelOrder | FetchTrades | ProveTrades | ProveAbsence | Examine | Alert


def together(effects: Sequence[Effect]) -> list[list[Effect]]:
    """Return effects in their order, cancels that follow each other in one group: they wait for nothing of each other."""
    groups: list[list[Effect]] = []
    for effect in effects:
        if isinstance(effect, CancelOrder) and groups and isinstance(groups[-1][0], CancelOrder):
            groups[-1].append(effect)
        else:
            groups.append([effect])
    return groups
