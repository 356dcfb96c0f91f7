"""What must hold, each rule under its name. The checker sees the venue's truth; the machine never does.

I1 one order per intent · I2 nothing leaves after a kill · I3 position and cash follow from the fills · I4 exposure counts
everything in flight at its worst, and no more is offered than is held · I5 everything ends after the calm · I6 folding the journal
gives the state · I7 what is said never to have been placed never was · I8 each fill once · I9 a kill leaves nothing open but stops, and
what calls off leaves nothing else as it was · I10 written ahead · I11 the chain holds and shows every change · I12 money adds up in
every currency · I13 legal moves only · I14 no risk without a permit or on a blocked instrument · I15 an intent passes the layers of
the guard, and once more when it is sent · I16 nothing leaves behind another head than the database's · I17 one writer · I18 a tripped
breaker, that of errors too, lets exits go, nothing in, and opens by its rules alone · I19 no entry on an old bar · I20 bounded effort ·
I21 each trade that was shown is booked or set aside · I25 the tables say what the fold says · I26 where stops rest, a position has its
one stop · I27 while the database is away nothing leaves but cancels that the spool has, and each of its lines is journaled once · I28 a
kill cancels all the same.
"""

from collections import Counter
from typing import TYPE_CHECKING

from simulation import layers, rules
from simulation.amounts import fee_of, worth
from simulation.books import SKEW_MS, Books
from simulation.faults import TRAITS, Fault
from simulation.market import STEP_MS
from simulation.spooled import Spools
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import full_digest
from trader_core.trader.state import State
from trader_core.venues.port import SendRequest, VenueTrade

if TYPE_CHECKING:
    from simulation.journal import SimJournal
    from simulation.process import Process
    from simulation.venue import SimVenue

INVARIANTS = tuple(f"I{n}" for n in (*range(1, 22), 22, *range(25, 29)))
"""What a run, or for I22 a pair of runs, is checked for; the others (I23 secrecy, I24 equality of modes) are tested elsewhere."""
SENT_FIELDS = ("client_order_id", "symbol", "side", "qty", "limit", "sent_ms", "window_ms", "trigger")
WHOLE_EVERY = 64
SLOW_MS_MAX = TRAITS[Fault.SLOW_TO_SEND].high
LAST_GATE_MS = 10_000
"""A lease lasts no longer: what a process read before is forgotten by then."""
ASKS_PER_MINUTE = 130
"""Per order underway: a look each tick, and the trades that a look may ask for; ten more at the start and at the end."""
AT_ONCE_MAX = 200


class Violation(AssertionError):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, text: str) -> None:
        """Keep the invariant's name and what was seen."""
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


class Checker:
    """Follows one run: the venue, the journal, and the books of every process."""

    def __init__(self, venue: "SimVenue", journal: "SimJournal") -> None:
        """Begin with nothing checked."""
        self.venue, self.journal, self.clock = venue, journal, journal.clock
        self.limits = venue.market.plan.limits
        self.counts: Counter[str] = Counter()
        self.epochs: list[int] = []
        self.spools = Spools(self)
        self._minute, self._asks = 0, 0
        self._moment, self._handled = 0, 0

    @property
    def checks(self) -> int:
        """How often anything was checked."""
        return sum(self.counts.values())

    def need(self, holds: object, invariant: str, text: str, *parts: object) -> None:
        """Raise Violation unless it holds; the text is made only then."""
        self.counts[invariant] += 1
        if not holds:
            raise Violation(invariant, text.format(*parts))

    def stepped(self, process: "Process", event: ev.Event, records: list[Record], due: list[str]) -> None:
        """Check everything that can be seen after one step; `due` are the intents that it was to send."""
        books, state, now_ms = process.books, process.state, process.clock.now_ms
        self._effort(now_ms)
        books.failures.before = books.failures.open
        books.stops.taken = []
        for record in records:
            books.take(record)
            if record.kind is Kind.INTENT:
                self._fresh(record, process)
        tripped = books.failures.expected(event)
        self.need(
            books.failures.open == tripped, "I18", "the breaker of errors is open: {}, its rules say {}", books.failures.open, tripped
        )
        whole = process.steps % WHOLE_EVERY == 0
        if records or whole:
            books.compare(state)
            if process.epoch == self.journal.epoch:  # what one believes that was overtaken becomes durable nowhere
                self._exposure(books, state, whole=whole)
        self.counts["I13"] += len(state.pending)
        for cid, order in state.pending.items():
            if books.states[cid] != order.state:
                self.need(False, "I13", "{} is {}, its records say {}", cid, order.state, books.states[cid])
        if due:
            self._exits(books, due)
        if isinstance(event, ev.Tick) and books.stops.on:
            books.stops.ticked(state, books)
        if whole:
            books.whole(state)
        self.need(not self.venue.overdrawn, "I4", "{} took more than there was", self.venue.overdrawn)

    def _effort(self, now_ms: int) -> None:
        self._handled = self._handled + 1 if now_ms == self._moment else 1
        self._moment = now_ms
        self.need(self._handled <= AT_ONCE_MAX, "I20", "{} events at one moment", self._handled)

    def asked(self, process: "Process") -> None:
        """Count a question to the venue: so many in a minute are enough for what is underway, and no more than the budget are asked."""
        now_ms, underway, books = process.clock.now_ms, len(process.state.pending), process.books
        minute = now_ms // 60_000
        self._asks = self._asks + 1 if minute == self._minute else 1
        self._minute = minute
        self.need(self._asks <= ASKS_PER_MINUTE * (underway + 2), "I20", "{} requests in a minute for {} orders", self._asks, underway)
        rate = self.venue.market.protocol.asks_per_minute
        books.asks = [at_ms for at_ms in books.asks if at_ms > now_ms - 60_000] + [now_ms]
        books.cancels = [
            at_ms for at_ms in books.cancels if at_ms > now_ms - 60_000 - SKEW_MS
        ]  # each is followed by a look that always goes
        most = rate + rate // 2 + rate * SKEW_MS // 60_000 + 2
        asks = len(books.asks) - len(books.cancels)
        self.need(not rate or asks <= most, "I20", "{} questions in a minute, {} a minute are budgeted", asks, rate)

    def _fresh(self, record: Record, process: "Process") -> None:
        if record.body["cause"] == rules.OPERATOR:  # at a person's word, whenever that came
            return
        closed_ms = record.body["ts"] + STEP_MS
        self.need(process.clock.now_ms >= closed_ms - SKEW_MS, "I19", "a decision before its bar closed, on slot {}", record.body["ts"])
        if record.body["side"] > 0:
            age_ms = process.clock.now_ms - closed_ms
            self.need(age_ms < STEP_MS + SKEW_MS, "I19", "an entry on a bar that closed {} ms ago", age_ms)

    def _exits(self, books: Books, due: list[str]) -> None:
        """An exit that the mode and the venue's minimum let go is sent, whatever the breaker says, unless its stop has to end first."""
        for cid in due:
            intent = books.intents[cid]
            stopped = [one for one in books.stops.selling.values() if "trigger" in one and one["instrument"] == intent["instrument"]]
            if intent["side"] < 0 and "trigger" not in intent and not stopped and not layers.refusing(books, intent):
                self.need(
                    books.states[cid] == "SENDING", "I18", "the exit {} is {} with breaker {}", cid, books.states[cid], books.money.breaker
                )

    def _exposure(self, books: Books, state: State, *, whole: bool) -> None:
        """Whatever may still fill at the venue is counted in flight, at its worst price, and all of it fits the limits."""
        money, count = books.money, len(state.instruments)
        buying, selling, stopping, worst = [0] * count, [0] * count, [0] * count, 0
        for cid in list(books.intents) if whole else list(books.live):
            owed = max(self.venue.owed(cid, self.clock.now_ms) - books.booked.get(cid, 0), 0)
            if not owed:
                if cid not in self.venue.transit and not any(order.resting for order in self.venue.by_cid.get(cid, ())):
                    books.live.discard(cid)
                continue
            self.need(cid in books.intents, "I10", "the venue has {}, and no intent has it", cid)
            intent = books.intents[cid]
            index, coin = intent["instrument"], money.coins[intent["instrument"]]
            if intent["side"] > 0:
                buying[index] += owed
                cost = worth(coin, intent["limit"], owed, up=True)
                worst += cost + fee_of(coin, cost)
            elif "trigger" in intent:
                stopping[index] += owed
            else:
                selling[index] += owed
        counted = state.slots["buying"].tolist(), state.slots["selling"].tolist()
        for index in range(count):
            self.need(counted[0][index] >= buying[index], "I4", "{} may be bought of {}, {} are counted", buying[index], index, counted[0])
            self.need(counted[1][index] >= selling[index], "I4", "{} may be sold of {}, {} are counted", selling[index], index, counted[1])
        reserved = int(state.account["reserved"][0])
        self.need(reserved >= worst, "I4", "{} may be spent, {} are reserved", worst, reserved)
        if self.venue.any_late:
            return
        for index, held in enumerate(money.positions):
            most = selling[index] + stopping[index]
            self.need(most <= held, "I4", "{} may be sold of {}, {} are held", most, index, held)
        self.need(money.cash >= worst, "I4", "cash {} does not carry {} in flight", money.cash, worst)
        spent = sum(money.cost) + worst
        self.need(spent <= self.limits.exposure_max, "I4", "{} at its worst, {} allowed", spent, self.limits.exposure_max)

    def leaves(self, process: "Process", request: SendRequest) -> None:
        """Check a request at the moment when it is written to the socket."""
        world, journal, cid = process.world, self.journal, request.client_order_id
        self.spools.leaves(process, cid)
        sent, intent = journal.latest(Kind.SENDING, cid), journal.latest(Kind.INTENT, cid)
        self.need(sent is not None and intent is not None, "I10", "{} leaves without a committed INTENT and SENDING", cid)
        assert sent is not None and intent is not None, "just checked"  # noqa: PT018
        journaled = {**intent.body, **sent.body, "symbol": process.state.instruments[intent.body["instrument"]].symbol}
        for name in SENT_FIELDS:
            self.need(journaled.get(name, 0) == getattr(request, name), "I10", "{} leaves with another {} than journaled", cid, name)
        self.need(cid not in self.venue.by_cid and cid not in self.venue.transit, "I1", "{} leaves twice", cid)
        kind = "STOP" if "trigger" in intent.body else "IOC"
        self.need(request.order_type == kind, "I10", "{} leaves as {}, it is {}", cid, request.order_type, kind)
        operator = intent.body["cause"] == rules.OPERATOR
        self.need(not world.killed or (operator and world.closing), "I2", "{} leaves after the kill", cid)
        now_ms, epoch = process.clock.now_ms, sent.body["epoch"]
        overtaken = journal.epoch > process.epoch
        self.need(overtaken or process.head == journal.head, "I16", "{} leaves behind another head than the database's", cid)
        self.need(now_ms <= journal.leases[epoch], "I17", "{} leaves under epoch {}, whose lease is over", cid, epoch)
        for book in world.processes:
            book.books.live.add(cid)
        if request.side < 0:
            there = [order.request.client_order_id for order in self.venue.stops(intent.body["instrument"])]
            self.need(not there, "I26" if request.trigger else "I4", "{} leaves beside the stops {}", cid, there)
            return
        age_ms = now_ms - intent.body["ts"] - STEP_MS
        self.need(age_ms < STEP_MS + SKEW_MS + SLOW_MS_MAX, "I19", "{} leaves on a bar that closed {} ms ago", cid, age_ms)
        self.need(world.permit_lost_ms > now_ms - LAST_GATE_MS, "I14", "{} leaves without a permit", cid)
        blocked = now_ms - world.blocked_ms(intent.body["instrument"])
        self.need(blocked <= LAST_GATE_MS, "I14", "{} leaves for an instrument that is blocked for {} ms", cid, blocked)

    def arrived(self, cid: str) -> None:
        """Check an order at the moment when the venue takes it."""
        self.need(len(self.venue.by_cid[cid]) == 1, "I1", "the venue has {} more than once", cid)
        for process in self.venue_books():
            self.need(process.states.get(cid) not in rules.ABSENT, "I7", "{} is {}, and the venue takes it", cid, process.states.get(cid))

    def venue_books(self) -> list[Books]:
        """Return the books of all processes; set by the world."""
        return []

    def committed(self, records: list[Record], epoch: int) -> None:
        """Check what has just become durable: the epochs of its writers never go back, and a boot names its own."""
        last = self.epochs[-1] if self.epochs else 0
        self.need(epoch >= last, "I17", "a record of epoch {} behind one of {}", epoch, last)
        self.epochs.append(epoch)
        self.spools.committed(records)
        for record in records:
            if record.kind in {Kind.BOOTED, Kind.SENDING}:
                self.need(record.body["epoch"] == epoch, "I17", "{} of epoch {} written at {}", record.kind, record.body["epoch"], epoch)

    def folded(self, state: State, more: list[Record]) -> None:
        """Check that the journal and what is on its way to it give the state."""
        again = self.journal.fold(more)
        self.need(full_digest(again) == full_digest(state), "I6", "folding the journal gives another state")
        self.need(again.flags == state.flags, "I6", "folding gives the flags {}, the state has {}", again.flags, state.flags)

    def nameless(self, books: Books, state: State) -> list[VenueTrade]:
        """Return the trades that only a person can book: they name no client id, and nobody ever heard the venue's id of their order.

        Their order was given up, still holds its reserve, and cannot be found at a venue that looks no ended order up.
        """
        unheard = {
            cid
            for cid, order in state.pending.items()
            if not state.protocol.lookup and books.states[cid] == "QUARANTINED" and not order.venue_order_id
        }
        trades = self.venue.by_trade.values()
        return [trade for cid, trade in trades if cid in unheard and not trade.client_order_id and trade.trade_id not in books.fills]

    def calm(self, books: Books, state: State) -> None:
        """Check what must be true once faults have stopped for long enough."""
        venue, money = self.venue, books.money
        resting = [order.request.client_order_id for order in venue.placed if order.resting and not order.request.trigger]
        self.need(not resting, "I9", "{}, and open at the venue: {}", state.mode.name, resting)
        weak = not (state.protocol.validity_window and state.protocol.lookup)
        stops = {cid for cid in state.pending if books.stop(cid) and books.states[cid] in rules.RESTS}
        given_up = {cid for cid in state.pending if weak and books.states[cid] == "QUARANTINED"}
        stuck = {books.intents[cid]["instrument"] for cid in given_up if books.stop(cid)}  # an exit waits until a person has said more
        waits = {cid for cid in state.pending if books.states[cid] == "INTENT" and books.intents[cid]["instrument"] in stuck}
        left = sorted(books.states[cid] for cid in state.pending if cid not in stops | given_up | waits)
        self.need(not left, "I5", "unresolved after the calm: {}", left)
        books.stops.calm(state, books.states, books.flags, self.clock.now_ms)
        held, cash, nameless = [have - before for have, before in zip(venue.quantities, venue.before, strict=True)], venue.cash, set[str]()
        for trade in self.nameless(books, state):
            index, side = [coin.symbol for coin in money.coins].index(trade.symbol), int(trade.side)
            held[index] -= side * trade.qty - trade.fee_base
            cash += side * worth(money.coins[index], trade.price, trade.qty, up=side > 0) + trade.fee
            nameless.add(trade.trade_id)
        self.need(money.positions == held, "I3", "positions {}, the venue has {}", money.positions, held)
        self.need(money.cash == cash, "I12", "cash {}, the venue has {}", money.cash, cash)
        shown = set(venue.by_trade) - nameless
        self.need(shown == books.fills, "I21", "trades {} are not booked", shown ^ books.fills)
        self.need(not books.fees_due, "I21", "the fees of trades {} were never booked", sorted(books.fees_due))
        killed = state.mode == rules.KILLED
        self.need(killed == ("kill" in state.flags), "I9", "the mode is KILLED and the flag kill is set, or neither")
