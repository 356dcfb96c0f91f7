"""What the machine keeps of one order: the order in its life, and when to look at it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trader_core.model.order import TERMINAL, OrderState
from trader_core.model.session import Cause, Side
from trader_core.venues.port import SendRequest


@dataclass(slots=True)
class Order:
    """One order in its life."""

    client_order_id: str
    signal: int
    index: int
    symbol: str
    side: Side
    qty: int
    limit: int
    cause: Cause
    slot_ms: int
    trigger: int = 0
    """Of a stop that rests at the venue: the price at which the venue turns it into a limit order."""
    state: OrderState = OrderState.INTENT
    sent_ms: int = 0
    window_ms: int = 0
    epoch: int = 0
    venue_order_id: str = ""
    filled: int = 0
    released: int = 0
    outranked: bool = False
    """A kill was taken after it was wanted: it leaves no more, whatever asked for it."""

    @property
    def request(self) -> SendRequest:
        """What goes over the wire, once SENDING has fixed its time."""
        kind = "STOP" if self.trigger else "IOC"
        return SendRequest(
            self.client_order_id, self.symbol, self.side, self.qty, self.limit, self.sent_ms, self.window_ms, kind, self.trigger
        )  # fmt: skip

    @property
    def rests(self) -> bool:
        """Whether it is a stop that the venue has: it protects, and it may stay for as long as its position does."""
        return self.trigger > 0 and self.state in {OrderState.OPEN, OrderState.PARTIAL}

    @property
    def open(self) -> bool:
        """Whether the venue or we still owe this order something."""
        return self.state not in TERMINAL


@dataclass(slots=True)
class Watch:
    """When to look at an order again. Not journaled: after a restart one simply looks at once."""

    next_ms: int = 0
    tries: int = 0
    negatives: int = 0
    negative_ms: int = 0
    gone: int = 0
    """So many look-ups in a row did not find it although the venue has had it."""
    owed: int = 0
    """What the venue said that it filled in all, once it said that it ended."""
    gone_ms: int = 0
    """A moment before which it had ended, if those look-ups are right; 0: not known yet."""


@dataclass(slots=True)
class Recovery:
    """What a recovery has found out so far. Not journaled: it begins anew with each boot."""

    at_ms: int = 0
    asked: tuple[str, ...] = ()
    """The orders that had left and were not settled."""
    known: frozenset[str] = frozenset()
    fills: int = 0
    """The trades that were known, and how many of them were booked, when it began."""
    last: dict[str, int] = field(default_factory=dict)
    """By symbol, the time of the youngest trade that was applied before it began."""
    proven: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By symbol: the trades between these two times are known, all of them."""


@dataclass(slots=True)
class Vigil:
    """What is watched in this life of the process, of stops above all. Not journaled: intents that wait are given up by a restart."""

    waiting: set[str] = field(default_factory=set)
    """Exits, as intents, that wait until the stop of their instrument has ended."""
    tried_ms: dict[int, int] = field(default_factory=dict)
    """By instrument, when a stop was last wanted."""
    read_ms: int = 0
    """When trades are read again because an order of unknown fate keeps the books from being compared."""
    naked_ms: dict[int, int] = field(default_factory=dict)
    """By instrument, since when something is held that no stop protects."""


def hurry(watches: Mapping[str, Watch]) -> None:
    """Let everything that is watched be looked at now, however lately somebody looked."""
    for watch in watches.values():
        watch.next_ms = 0
