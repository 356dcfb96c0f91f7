"""While the database is away, in the checker's own words: what may leave, what stands in a spool first, and what a kill brings about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simulation import rules
from simulation.journal import LEASE_TTL_MS
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record

if TYPE_CHECKING:
    from simulation.away import Away
    from simulation.checker import Checker
    from simulation.placed import Placed
    from simulation.process import Process

LIVE_MS = 12_000
"""So long after a reason, and after the last answer that failed, nothing rests that it cancels: the longest pause, and the way there."""
PATIENCE_MS = 60_000
"""So long entries stay."""


class Line(NamedTuple):
    """One line as it came to the disk."""

    said: dict[str, Any]
    epoch: int
    """Of the life of the process that wrote it."""


class Watch:
    """One time away, as the checker sees it."""

    def __init__(self, away: "Away") -> None:
        """Take which orders its process has sent, by its own records, and which of them the venue has shown."""
        books = away.process.books
        sent = {cid: state for cid, state in books.states.items() if state not in rules.ENDED and state != "INTENT"}
        self.sent = [cid for cid in sent if not books.stop(cid)]
        self.shown = {cid for cid in self.sent if sent[cid] in {"OPEN", "PARTIAL", "CANCELING"}}
        self.buys = {cid for cid in self.sent if books.intents[cid]["side"] > 0}
        self.written: set[str] = set()
        self.left: set[str] = set()
        self.all_ms = 0
        """Since when everything is to be cancelled; 0: it is not."""
        self.trouble_ms = dict.fromkeys(self.sent, 0)
        """When the last answer came that failed."""

    def reason_ms(self, cid: str, began_ms: int, now_ms: int) -> int:
        """Return since when an order is to be cancelled; 0: it is not."""
        late_ms = began_ms + PATIENCE_MS
        return self.all_ms or (late_ms if cid in self.buys and now_ms >= late_ms else 0)


class Spools:
    """The spools of all processes, and what each did while it was away."""

    def __init__(self, checker: "Checker") -> None:
        """Begin with none."""
        self.checker, self.need, self.booted = checker, checker.need, 0
        self._lines: dict[str, list[Line]] = {}
        self._merged: dict[str, int] = {}
        self._watches: dict[str, Watch] = {}

    def begun(self, away: "Away") -> None:
        """Begin to watch a process that is away."""
        self._watches[away.process.name] = Watch(away)

    def written(self, name: str, bodies: Sequence[dict[str, Any]], epoch: int) -> None:
        """Take what came to the disk whole."""
        self._lines.setdefault(name, []).extend(Line(body, epoch) for body in bodies)

    def cancels(self, away: "Away", cid: str) -> None:
        """Check a cancel as it leaves: this time away has it in its file, and no stop is taken."""
        name, watch = away.process.home.name, self._watches[away.process.name]
        said = [line.said.get("client_order_id") for line in self._lines.get(name, ()) if line.said["what"] == "cancel"]
        self.need(cid in said, "I27", "the cancel of {} leaves without its line", cid)
        self.need(cid in watch.sent, "I27", "{} is cancelled while the database is away: it is a stop, or nobody's", cid)
        reason = watch.reason_ms(cid, away.began_ms, self.checker.clock.now_ms) or self._everything(away)
        self.need(reason, "I27", "{} is cancelled while the database is away, for no reason", cid)
        watch.left.add(cid)

    def _everything(self, away: "Away") -> bool:
        return bool(away.process.world.killed) or any(word.command in rules.CALLS_OFF for word in away.words())

    def answered(self, away: "Away", cid: str, *, well: bool) -> None:
        """Take when an answer failed: the next question waits for its time."""
        if not well:
            self._watches[away.process.name].trouble_ms[cid] = self.checker.clock.now_ms

    def turned(self, away: "Away") -> None:
        """Check after each round what a kill, a word or the time has brought about."""
        watch, now_ms, venue = self._watches[away.process.name], self.checker.clock.now_ms, self.checker.venue
        if not watch.sent:
            return
        if not self._everything(away):
            watch.all_ms = 0
        elif not watch.all_ms:
            watch.all_ms = now_ms
        for cid in watch.sent:
            since_ms = watch.reason_ms(cid, away.began_ms, now_ms)
            for order in venue.by_cid.get(cid, ()) if since_ms else ():
                if order.resting:
                    self._cancelled(away, watch, order, since_ms)

    def _cancelled(self, away: "Away", watch: Watch, order: "Placed", since_ms: int) -> None:
        cid, now_ms = order.request.client_order_id, self.checker.clock.now_ms
        begun = cid in watch.left or cid not in watch.shown or cid in away.asked
        self.need(begun, "I28", "{} rests while the database is away, and its cancel has not left", cid)
        from_ms = max(since_ms, order.visible_ms, watch.trouble_ms[cid])
        waits = cid in away.asked
        self.need(waits or now_ms - from_ms <= LIVE_MS, "I28", "{} rests {} ms after the reason to cancel it", cid, now_ms - from_ms)

    def leaves(self, process: "Process", cid: str) -> None:
        """Check that nothing is sent by a process that is away, nor for longer than a lease lasts by one that does not know it yet."""
        journal = self.checker.journal
        self.need(process.alive and process.away is None, "I27", "{} leaves while the database is away", cid)
        away_ms = self.checker.clock.now_ms - journal.away_since_ms if journal.away else 0
        self.need(away_ms <= LEASE_TTL_MS, "I27", "{} leaves, and the database is away for {} ms", cid, away_ms)

    def merged(self, process: "Process", event: ev.Spooled) -> None:
        """Check that a kill holds which the last one to have had the account saw."""
        lines = self._lines[event.spool]
        kills = [line.number for line in event.lines if line.body["what"] == "kill" and lines[line.number - 1].epoch >= self.booted]
        self.need(not kills or "kill" in process.books.flags, "I27", "lines {} say kill, and the session is not killed", kills)

    def committed(self, records: list[Record]) -> None:
        """Check what has become durable of a spool: each line once, in its order, and as it was written."""
        for record in records:
            if record.kind is Kind.BOOTED:
                self.booted = record.body["epoch"]
            if record.kind is not Kind.SPOOLED:
                continue
            name, number = record.body["spool"], record.body["number"]
            done, lines = self._merged.get(name, 0), self._lines.get(name, [])
            self.need(number == done + 1, "I27", "line {} of a spool in the journal, behind line {}", number, done)
            self.need(number <= len(lines) and lines[number - 1].said == record.body["said"], "I27", "line {} is another one", number)
            self._merged[name] = number

    def removed(self, name: str) -> None:
        """Check that what is removed stands in the journal."""
        lines, done = len(self._lines.get(name, ())), self._merged.get(name, 0)
        self.need(lines == done, "I27", "a spool of {} lines is removed, {} are in the journal", lines, done)

    def ended(self, process: "Process") -> None:
        """Check that who has the account in the end has left nothing in its spool."""
        left = process.home.load()
        if left is not None:
            self.removed(left.name)
