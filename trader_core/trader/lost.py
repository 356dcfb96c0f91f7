"""While the database is away: which orders the venue may have, when to look at each, and what is cancelled. Pure, and never journaled.

Nothing new leaves in that time, because nothing can be written ahead. What may rest at the venue is known from before, and cancels
need no intent: a kill, a word that calls off, or a database that stays away too long reaches it all the same. Protective stops stay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Side
from trader_core.trader.events import Operator
from trader_core.trader.run import AT_VENUE
from trader_core.trader.tracked import Order, Watch
from trader_core.venues.port import CLOSED, Outcome, Reply, VenueOrder

PATIENCE_MS = 60_000
"""So long entries of a stage are left open while nobody can book their fills."""
FOREVER_MS = 1 << 62
CALLS_OFF = frozenset({Command.KILL, Command.CANCEL_ALL, Command.CLOSE_ALL})
KILL, CANCEL, ANSWER = "kill", "cancel", "answer"
"""What a spool's lines say."""


class Reasons(NamedTuple):
    """Why something is cancelled now; empty texts: it is not."""

    everything: str = ""
    """Of all orders but protective stops."""
    entries: str = ""
    """Of buys alone."""


class Seen(NamedTuple):
    """What stands outside while the database is away."""

    killed: str
    """Why everything is killed; empty: not."""
    words: Sequence[Operator]
    """Those that were heard and could not be journaled."""
    away_ms: int
    patience_ms: int


class Due(NamedTuple):
    """One order whose time has come."""

    client_order_id: str
    symbol: str
    why: str
    """Why it is cancelled; empty: it is only looked at."""


@dataclass(slots=True)
class Known:
    """An order that the venue has, or may have."""

    order: Order
    proven: bool
    ended: bool = False
    asked: bool = False
    """Whether its cancel was asked for."""
    busy: bool = False
    """Whether an answer about it is on its way."""
    told: tuple[str, ...] = ()
    """What the last line about it said."""
    watch: Watch = field(default_factory=Watch)


class Lost:
    """The orders of one session, from the moment at which the database was found to be away."""

    def __init__(self, orders: Iterable[Order], backoff_ms: Sequence[int], epoch: int = 0) -> None:
        """Take what is not settled, under the epoch of who sent it; an intent that never left is none of it."""
        sent = [order for order in orders if order.state is not OrderState.INTENT]
        self.known = {order.client_order_id: Known(order, order.state in {*AT_VENUE, OrderState.CANCELING}) for order in sent}
        self._backoff_ms, self._epoch = backoff_ms, epoch
        self._killed = False
        """Whether the spool says so: what memory says of a kill may not have become durable."""

    def turn(self, now_ms: int, seen: Seen) -> tuple[list[dict[str, Any]], list[Due]]:
        """Return the lines that are to be on the disk first, and what is then asked; that is counted as asked."""
        due = self.due(now_ms, reasons(*seen))
        lines = [kill_of(seen.killed, now_ms, self._epoch)] if seen.killed and not self._killed else []
        self._killed = self._killed or bool(seen.killed)
        return lines + [line_of(one, now_ms) for one in due if one.why], due

    def due(self, now_ms: int, reasons: Reasons) -> list[Due]:
        """Return what is to be asked now, and count it as asked: a first cancel at once, everything else after its pause."""
        found = []
        for cid, one in self.known.items():
            why = self._why(one, reasons) if one.proven else ""
            if one.ended or one.busy or (now_ms < one.watch.next_ms and (one.asked or not why)):
                continue
            one.watch.next_ms = now_ms + self._backoff_ms[min(one.watch.tries, len(self._backoff_ms) - 1)]
            one.watch.tries, one.busy, one.asked = one.watch.tries + 1, True, one.asked or bool(why)
            found.append(Due(cid, one.order.symbol, why))
        return found

    def answered(self, client_order_id: str, reply: Reply[VenueOrder], now_ms: int) -> dict[str, Any] | None:
        """Take what the venue said of an order; return the line that keeps it, where it was cancelled and this is new."""
        one = self.known[client_order_id]
        if reply.outcome is Outcome.OK and reply.value is not None:
            one.proven, one.ended = True, reply.value.state in CLOSED
        value = reply.value
        said = (str(reply.outcome), reply.code, *((str(value.state), str(value.filled)) if value else ("", "")))
        if not one.asked or said == one.told:
            return None
        one.told = said
        line = {"what": ANSWER, "client_order_id": client_order_id, "outcome": said[0], "code": said[1][:100], "at_ms": now_ms}
        return line | ({"state": said[2], "filled": value.filled} if value else {})

    def free(self, client_order_id: str) -> None:
        """Let an order be asked about again, when its time comes."""
        self.known[client_order_id].busy = False

    def _why(self, one: Known, reasons: Reasons) -> str:
        if protects(one.order):
            return ""
        return reasons.everything or (reasons.entries if one.order.side is Side.BUY else "")


def protects(order: Order) -> bool:
    """Return whether an order is a protective stop that rests at the venue: nothing that is said here strips it."""
    return order.trigger > 0


def reasons(killed: str, words: Iterable[Operator], away_ms: int, patience_ms: int) -> Reasons:
    """Return what is cancelled: by a kill, by a word that was heard and could not be journaled, and after so long a time away."""
    word = next((f"{one.command} by {one.actor}" for one in words if one.command in CALLS_OFF), "")
    late = f"the database is away for {away_ms // 1000} s" if away_ms >= patience_ms else ""
    return Reasons(killed or word, late)


def line_of(due: Due, now_ms: int) -> dict[str, Any]:
    """Return the line that is on the disk before a cancel leaves."""
    return {"what": CANCEL, "client_order_id": due.client_order_id, "symbol": due.symbol, "why": due.why[:200], "at_ms": now_ms}


def kill_of(why: str, now_ms: int, epoch: int) -> dict[str, Any]:
    """Return the line that says that a kill was seen, and by whom: the file may be an earlier one's."""
    return {"what": KILL, "why": why[:200], "epoch": epoch, "at_ms": now_ms}
