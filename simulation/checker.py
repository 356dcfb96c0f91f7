"""What must hold after every step, each rule under its name. The checker sees the venue's truth; the machine never does.

I1 one order per intent · I2 nothing leaves after a kill · I3 position and cash follow from the fills · I4 exposure counts
everything in flight at its worst · I5 everything ends after the calm · I6 folding the journal gives the state · I7 what is
said never to have been placed never was · I8 each fill once · I9 a kill leaves nothing open · I10 written ahead · I13 legal
moves only · I16 nothing leaves without a committed SENDING.
"""

from simulation.journal import SimJournal
from simulation.venue import SimVenue, fee_of, worth
from trader_core.model.order import ABSENT_FOREVER, TABLE, TERMINAL, OrderEvent, OrderState
from trader_core.model.session import Cause, Mode, Side
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import full_digest
from trader_core.trader.state import State
from trader_core.venues.port import SendRequest

SENT_FIELDS = ("client_order_id", "symbol", "side", "qty", "limit", "sent_ms", "window_ms")


class Violation(AssertionError):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, text: str) -> None:
        """Keep the invariant's name and what was seen."""
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


class Checker:
    """Follows one run, record by record, with its own books."""

    def __init__(self, venue: SimVenue, journal: SimJournal) -> None:
        """Begin with empty books."""
        self.venue, self.journal = venue, journal
        self.checks = 0
        self.restart([])

    def restart(self, records: list[Record]) -> None:
        """Take up the books after a crash: only what is durable counts."""
        self.states: dict[str, OrderState] = {}
        self.intents: dict[str, Record] = {}
        self.sendings: dict[str, Record] = {}
        self.fills: set[str] = set()
        self.booked: dict[str, int] = {}
        count = len(self.venue.market.instruments)
        self.positions, self.cash = [0] * count, self.venue.market.plan.capital
        for record in records:
            self.take(record)

    def need(self, holds: object, invariant: str, text: str) -> None:
        """Raise Violation unless it holds."""
        self.checks += 1
        if not holds:
            raise Violation(invariant, text)

    def take(self, record: Record) -> None:
        """Book one record."""
        body = record.body
        cid = body.get("client_order_id", "")
        if record.kind is Kind.INTENT:
            self.need(cid not in self.states, "I1", f"a second intent {cid}")
            self.states[cid], self.intents[cid], self.booked[cid] = OrderState.INTENT, record, 0
        elif record.kind is Kind.SENDING:
            self.need(cid not in self.sendings, "I1", f"a second SENDING of {cid}")
            self._move(cid, OrderEvent.SEND)
            self.sendings[cid] = record
        elif record.kind is Kind.MOVE:
            self._move(cid, OrderEvent(body["event"]))
        elif record.kind is Kind.FILL:
            self._fill(cid, record)

    def _move(self, cid: str, event: OrderEvent) -> None:
        moves = TABLE.get(self.states[cid], {})
        self.need(event in moves, "I13", f"{cid} in {self.states[cid]} was told {event}")
        self.states[cid] = moves[event]
        absent = self.states[cid] in ABSENT_FOREVER
        present = cid in self.venue.by_cid or cid in self.venue.transit
        self.need(not (absent and present), "I7", f"{cid} is {self.states[cid]}, and the venue has it")

    def _fill(self, cid: str, record: Record) -> None:
        body, intent = record.body, self.intents[cid].body
        index, name = intent["instrument"], f"{intent['instrument']} {body['trade_id']}"
        self.need(name not in self.fills, "I8", f"trade {name} twice")
        self.fills.add(name)
        self.booked[cid] += body["qty"]
        self.need(self.booked[cid] <= intent["qty"], "I8", f"{cid} filled beyond its quantity")
        if self.states[cid] not in TERMINAL:
            full = self.booked[cid] >= intent["qty"]
            self._move(cid, OrderEvent.FULL_FILL if full else OrderEvent.PART_FILL)
        coin = self.venue.market.instruments[index]
        if intent["side"] == int(Side.BUY):
            self.positions[index] += body["qty"] - body["fee_base"]
            self.cash -= worth(coin, body["price"], body["qty"], up=True) + body["fee"]
        else:
            self.positions[index] -= body["qty"]
            self.cash += worth(coin, body["price"], body["qty"], up=False) - body["fee"]

    def stepped(self, state: State, records: list[Record]) -> None:
        """Check everything that can be seen after one step."""
        for record in records:
            self.take(record)
        self.need(state.account["faults"][0] == 0, "I3", "the engine refused a fill or a bar")
        held = state.slots["position"].tolist()
        self.need(held == self.positions, "I3", f"positions {held}, the fills say {self.positions}")
        self.need(int(state.account["cash"][0]) == self.cash, "I3", f"cash {int(state.account['cash'][0])}, the fills say {self.cash}")
        for cid, order in state.pending.items():
            self.need(self.states[cid] is order.state, "I13", f"{cid} is {order.state}, its records say {self.states[cid]}")
        self._exposure(state)
        self.need(not self.venue.overdrawn, "I4", f"{self.venue.overdrawn} took more than there was")

    def _exposure(self, state: State) -> None:
        """Whatever may still fill at the venue is counted in flight, at its worst price, and all of it fits the limits."""
        buying, selling = [0] * len(held := state.slots), [0] * len(held)
        worst = 0
        for cid, intent in self.intents.items():
            owed = max(self.venue.owed(cid) - self.booked[cid], 0)
            if not owed:
                continue
            index, coin = intent.body["instrument"], self.venue.market.instruments[intent.body["instrument"]]
            if intent.body["side"] == int(Side.BUY):
                buying[index] += owed
                cost = worth(coin, intent.body["limit"], owed, up=True)
                worst += cost + fee_of(cost)
            else:
                selling[index] += owed
        for index in range(len(held)):
            counted = (int(state.slots["buying"][index]), int(state.slots["selling"][index]))
            self.need(counted[0] >= buying[index], "I4", f"{buying[index]} may be bought of {index}, {counted[0]} are counted")
            self.need(counted[1] >= selling[index], "I4", f"{selling[index]} may be sold of {index}, {counted[1]} are counted")
        reserved = int(state.account["reserved"][0])
        self.need(reserved >= worst, "I4", f"{worst} may be spent, {reserved} are reserved")
        if any(order.late for order in self.venue.placed):
            return
        self.need(self.cash >= worst, "I4", f"cash {self.cash} does not carry {worst} in flight")
        limit = state.plan.limits.exposure_max
        spent = int(state.slots["cost"].sum()) + worst
        self.need(spent <= limit, "I4", f"{spent} at its worst, {limit} allowed")

    def leaves(self, state: State, request: SendRequest, *, killed: bool, closing: bool) -> None:
        """Check a request at the moment when it is written to the socket."""
        cid = request.client_order_id
        sent, intent = self.journal.latest(Kind.SENDING, cid), self.journal.latest(Kind.INTENT, cid)
        self.need(sent is not None, "I16", f"{cid} leaves without a committed SENDING")
        self.need(intent is not None, "I10", f"{cid} leaves without a committed INTENT")
        assert sent is not None and intent is not None, "just checked"  # noqa: PT018
        journaled = {**intent.body, **sent.body, "symbol": state.instruments[intent.body["instrument"]].symbol}
        for name in SENT_FIELDS:
            self.need(journaled[name] == getattr(request, name), "I10", f"{cid} leaves with another {name} than journaled")
        self.need(cid not in self.venue.by_cid and cid not in self.venue.transit, "I1", f"{cid} leaves twice")
        operator = intent.body["cause"] == int(Cause.OPERATOR)
        self.need(not killed or (operator and closing), "I2", f"{cid} leaves after the kill")

    def arrived(self, cid: str) -> None:
        """Check an order at the moment when the venue takes it."""
        self.need(len(self.venue.by_cid[cid]) == 1, "I1", f"the venue has {cid} more than once")
        self.need(self.states.get(cid) not in ABSENT_FOREVER, "I7", f"{cid} is {self.states.get(cid)}, and the venue takes it")

    def folded(self, state: State, more: list[Record]) -> None:
        """Check that the journal and what is on its way to it give the state."""
        again = self.journal.fold(more)
        self.need(full_digest(again) == full_digest(state), "I6", "folding the journal gives another state")

    def calm(self, state: State) -> None:
        """Check what must be true once faults have stopped for long enough."""
        resting = [order.request.client_order_id for order in self.venue.placed if order.resting]
        self.need(not resting, "I9", f"{state.mode.name}, and open at the venue: {resting}")
        self.need(not state.pending, "I5", f"unresolved after the calm: {sorted(self.states[cid] for cid in state.pending)}")
        held = state.slots["position"].tolist()
        self.need(held == self.venue.quantities, "I3", f"positions {held}, the venue has {self.venue.quantities}")
        tolerance = sum(len(order.trades) for order in self.venue.placed)
        gap = abs(self.cash - self.venue.cash)
        self.need(gap <= tolerance, "I3", f"cash differs by {gap} from the venue's")
        killed = state.mode is Mode.KILLED
        self.need(killed == ("kill" in state.flags), "I9", "the mode is KILLED and the flag kill is set, or neither")
