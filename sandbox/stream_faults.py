"""What goes wrong on streams: messages twice, late, out of order or never, silence, and connections that break off. Pure.

A message goes wrong the same way for everybody who listens, however many they are: what was decided last at a site is kept.
"""

from typing import TYPE_CHECKING

from sandbox.book import Level
from sandbox.events import BalanceChanged, BookChanged, CandleSeen, Event, OrderChanged, QuoteSeen, Stream
from sandbox.fault_rules import CONNECTION, STREAM, Facts, Fault
from sandbox.faults import FaultPlan
from sandbox.market import CLOSE
from sandbox.orders import BUY
from trader_core.model.money import PPM

if TYPE_CHECKING:
    from collections.abc import Callable

CROSSED_PPM = 20_000
"""So far beyond the other side a crossed book's bids lie: farther than its best levels reach."""
KLINES = STREAM + Stream.KLINES
CHANGES = ("crossed_book", "unclosed_as_closed")
Told = tuple[tuple[int, Event], ...]


class StreamFaults:
    """The meddler that acts out the stream rules of a plan."""

    def __init__(self, plan: FaultPlan, retold: list[CandleSeen] | None = None) -> None:
        """Ask a plan; `retold` holds revised candles, each told along with the next one of its market."""
        self._plan, self._retold = plan, [] if retold is None else retold
        self._last: dict[str, tuple[Event, Told]] = {}
        self._held: dict[tuple[str, str], list[Event]] = {}
        self._skipping: dict[tuple[str, str], int] = {}
        self._stalled_ms: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._cuts: dict[str, int] = {}
        self._acts: dict[str, Callable[[Fault, str, Event], Told]] = {
            "duplicate": _twice, "reordered": self._hold, "late": _late, "missing": _never, "sequence_gap": self._gap,
            "crossed_book": _crossed, "unclosed_as_closed": _as_closed, "disconnect": self._cut_after,
        }  # fmt: skip

    def deliver(self, site: str, event: Event, now_ms: int) -> Told:
        """Return what a connection gets instead of an event, each with a delay in ms of venue time."""
        last = self._last.get(site)
        if last is not None and last[0] is event:
            return last[1]
        told = self._decided(site, event, now_ms)
        self._last[site] = (event, told)
        return told

    def silent(self, site: str, now_ms: int) -> bool:
        """Return whether the stream stalls while the connection lives on."""
        if now_ms < self._stalled_ms.get(site, 0):
            return True
        if self._asked.get(site) == now_ms:
            return False
        self._asked[site] = now_ms
        fault = self._plan.hit(site, now_ms, kinds=("silent_stall",))
        if fault is None:
            return False
        until_ms = now_ms + fault.param("ms")
        self._stalled_ms[site] = until_ms if fault.until_ms is None else min(until_ms, fault.until_ms)
        return True

    def cut(self, site: str, now_ms: int) -> int | None:
        """Return the code to close one connection with that listens to the stream, or None."""
        if site == CONNECTION and (fault := self._plan.hit(site, now_ms, kinds=("disconnect",))):
            return int(fault.param("code"))
        return self._cuts.pop(site, None)

    def _decided(self, site: str, event: Event, now_ms: int) -> Told:
        key = (site, _name(event))
        fault = self._plan.hit(site, now_ms, lambda: facts(event), self._acts)
        if self._skipping.get(key):
            self._skipping[key] -= 1
            return ()
        told = ((0, event),) if fault is None else self._acts[fault.kind](fault, site, event)
        if fault is not None and fault.kind in CHANGES and told == ((0, event),):
            self._plan.spared(fault)
        if fault is None or fault.kind != "reordered":
            told += tuple((0, held) for held in self._held.pop(key, []))
        return (*self._revisions(site, key[1]), *told)

    def _revisions(self, site: str, name: str) -> Told:
        if site != KLINES or not self._retold:
            return ()
        told = [candle for candle in self._retold if candle.name == name]
        for candle in told:
            self._retold.remove(candle)
        return tuple((0, candle) for candle in told)

    def _hold(self, _fault: Fault, site: str, event: Event) -> Told:
        """Keep an event back until the next one of its market was told."""
        self._held.setdefault((site, _name(event)), []).append(event)
        return ()

    def _gap(self, fault: Fault, site: str, event: Event) -> Told:
        """Leave versions of a book out, so that its numbers jump."""
        self._skipping[site, _name(event)] = fault.param("events") - 1
        return ()

    def _cut_after(self, fault: Fault, site: str, event: Event) -> Told:
        self._cuts[site] = int(fault.param("code"))
        return ((0, event),)


def facts(event: Event) -> Facts:
    """Return what a rule can ask of an event."""
    if isinstance(event, OrderChanged):
        asked = event.order.asked
        return Facts(asked.symbol, "BUY" if asked.side == BUY else "SELL", asked.client_id)
    return Facts() if isinstance(event, BalanceChanged) else Facts(event.name)


def _name(event: Event) -> str:
    if isinstance(event, CandleSeen):
        return event.name
    return event.currency if isinstance(event, BalanceChanged) else facts(event).symbol


def _twice(fault: Fault, _site: str, event: Event) -> Told:
    delay_ms, times = int(fault.param("ms")), int(fault.param("times"))
    return ((0, event),) + ((delay_ms, event),) * times


def _late(fault: Fault, _site: str, event: Event) -> Told:
    delay_ms: int = fault.param("ms")
    return ((delay_ms, event),)


def _never(_fault: Fault, _site: str, _event: Event) -> Told:
    return ()


def _crossed(_fault: Fault, _site: str, event: Event) -> Told:
    """Show bids above asks: a quote with its sides swapped, a book whose changed bids lie beyond the other side."""
    if isinstance(event, QuoteSeen):
        return ((0, event._replace(bid=event.ask, ask=event.bid)),)
    if isinstance(event, BookChanged):
        bids = tuple(Level(price * (PPM + CROSSED_PPM) // PPM, qty) for price, qty in event.bids)
        asks = tuple(Level(price * (PPM - CROSSED_PPM) // PPM, qty) for price, qty in event.asks)
        return ((0, event._replace(bids=bids, asks=asks)),)
    return ((0, event),)


def _as_closed(_fault: Fault, _site: str, event: Event) -> Told:
    """Say of a candle that it is closed; to clients who are not told so, show the next one already."""
    if not isinstance(event, CandleSeen) or event.closed:
        return ((0, event),)
    close = event.values[CLOSE]
    following = event._replace(minute=event.minute + event.step, values=(close, close, close, close, 0, 0))
    return ((0, event._replace(closed=True)), (0, following))
