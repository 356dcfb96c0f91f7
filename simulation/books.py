"""The checker's books of one process: every record followed by rules and arithmetic of its own, every step's state compared with them."""

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulation import layers, rules
from simulation.amounts import fee_of, fees_at_most, worth
from simulation.failures import Failures
from simulation.money import DAY_MS, HOUR_MS, Money
from simulation.stops import Stops
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State
from trader_core.venues.port import VenueTrade

if TYPE_CHECKING:
    from simulation.checker import Checker


SKEW_MS = 1_500
"""How far two readings of one process's clock may differ from the true time between them."""


class Books:
    """Follows one process, record by record."""

    def __init__(self, checker: "Checker") -> None:
        """Begin with empty books."""
        self.checker, self.need = checker, checker.need
        self.restart([])

    def restart(self, records: list[Record]) -> None:
        """Take up the books where a process begins: only what is durable counts."""
        self.states: dict[str, str] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.sendings: set[str] = set()
        self.fills: set[str] = set()
        self.unvouched: set[str] = set()
        """Those that were booked since a person last vouched for what is not listed."""
        self.booked: dict[str, int] = {}
        self.fees_due: dict[str, tuple[int, int]] = {}
        """Trades whose fee was not told when they were booked -> what it was taken for, in quote and in base."""
        self.flags: set[str] = {"start"}
        self.plan_hash = ""
        self.blocked: set[int] = set()
        self.letters: set[int] = set()
        self.money, self.failures = Money(self.checker.venue.market), Failures()
        self.stops = Stops(self.checker, self.money)
        self.asks: list[int] = []
        self.cancels: list[int] = []
        """When this process asked its venue something, and cancelled something, within the last minute."""
        self.buying: dict[str, int] = {}
        """client order id -> reserve, of every buy that has not ended."""
        self.entries: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.orders_of_hour: defaultdict[int, int] = defaultdict(int)
        self.live = {*self.checker.venue.by_cid, *self.checker.venue.transit}
        """Orders that the venue may still fill beyond what is booked here."""
        self.replaying = True
        """Whether what is taken lies in the past, so that the venue of now says nothing about it."""
        self.external = 0, 0
        """The cash that orders of somebody else lock, and what of it is the session's, as the records say."""
        self.recovered = False
        """Whether the recovery of this life is recorded as complete."""
        for record in records:
            self.take(record)
        self.replaying = False
        self.before: dict[str, set[str]] = {}
        """By symbol, the trades that were booked before this life."""
        for trade_id in self.unvouched:
            self.before.setdefault(self.checker.venue.by_trade[trade_id][1].symbol, set()).add(trade_id)
        self.reaching: set[str] = set()
        """Those of which the venue has listed something in this life that was booked before it."""

    def _opened(self, body: dict[str, Any]) -> None:
        text = json.dumps(body["plan"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.plan_hash = hashlib.sha256(text.encode()).hexdigest()

    def take(self, record: Record) -> None:
        """Book one record."""
        book = _BOOKINGS.get(record.kind)
        if book is not None:
            book(self, record.body)

    def _bars(self, body: dict[str, Any]) -> None:
        self.money.mark(body["ts"], body["bars"])
        self.stops.mark(body["bars"])
        for decision in body["decisions"]:
            sells, refusal = decision[6] < 0, decision[8]
            self.need(not (sells and refusal in rules.BREAKER_REFUSALS), "I18", "the breaker refuses an exit in slot {}", body["ts"])
        self.need(
            body["cash"] == self.money.cash, "I12", "slot {} has cash {}, the fills say {}", body["ts"], body["cash"], self.money.cash
        )
        equity = self.money.equity
        self.need(body["equity"] == equity, "I12", "slot {} has equity {}, the closes say {}", body["ts"], body["equity"], equity)

    def _exits(self, body: dict[str, Any]) -> None:
        refused = [decision[8] for decision in body["decisions"] if decision[8] in rules.BREAKER_REFUSALS]
        self.need(not refused, "I18", "the breaker refuses an exit at {}", body["ts"])

    def _intent(self, body: dict[str, Any]) -> None:
        cid, index, hour = body["client_order_id"], body["instrument"], body["ts"] // HOUR_MS
        self.need(cid not in self.states, "I1", "a second intent {}", cid)
        if body["side"] > 0:
            refused = layers.refusing(self, body)
            self.need(layers.BREAKER not in refused, "I18", "{} buys while the breaker is tripped", cid)
            self.need(not refused and body["verdicts"] == 0, "I15", "{} passed layers {} that refuse it", cid, refused)
            self.buying[cid] = self.reserve(index, body["limit"], body["qty"])
            self.entries[index, body["ts"] // DAY_MS] += 1
        else:
            self.stops.intended(cid, body)
        self.orders_of_hour[hour] += 1
        self.states[cid], self.intents[cid], self.booked[cid] = "INTENT", body, 0

    def reserve(self, index: int, limit: int, qty: int) -> int:
        """Return the worst cost of buying a quantity at its limit."""
        coin = self.money.coins[index]
        value = worth(coin, limit, qty, up=True)
        return value + fee_of(coin, value)

    def _sending(self, body: dict[str, Any]) -> None:
        cid = body["client_order_id"]
        self.need(cid not in self.sendings, "I1", "a second SENDING of {}", cid)
        refused = layers.refusing(self, self.intents[cid])
        self.need(not refused and body["verdicts"] == 0, "I15", "{} is sent past layers {} that refuse it", cid, refused)
        self.need(body["plan"] == self.plan_hash, "I15", "{} is sent under another plan than the session's", cid)
        self._to(cid, "SEND")
        self.sendings.add(cid)

    def _move(self, body: dict[str, Any]) -> None:
        cid, event = body["client_order_id"], str(body["event"])
        left = self.intents[cid]["qty"] - self.booked[cid]
        if "verdicts" in body:
            said, refused = body["verdicts"], layers.refusing(self, self.intents[cid])
            breaker = self.intents[cid]["side"] < 0 and said >> layers.BREAKER & 1
            self.need(not breaker, "I18", "the breaker gives the exit {} up", cid)
            holds = refused and said == sum(1 << layer for layer in refused) and body["refusal"] // 10 == refused[0]
            self.need(holds, "I15", "{} is given up by layers {:b}, and {} refuse it", cid, said, refused)
        if event == "CANCEL" and self.stop(cid) and self.states[cid] in rules.RESTS:
            self.stops.cancelled(cid, rules.mode_of(self.flags), self.flags, left)
        self._to(cid, event)
        self.money.errors_run += event == "REJECT" and left > 0
        self.cancels += [body["at_ms"]] if event == "CANCEL" and not self.replaying else []

    def _to(self, cid: str, event: str) -> None:
        moves = rules.MOVES.get(self.states[cid], {})
        self.need(event in moves, "I13", "{} in {} was told {}", cid, self.states[cid], event)
        before, state = self.states[cid], moves[event]
        self.states[cid] = state
        if state in rules.ENDED:
            self.buying.pop(cid, None)
            self.stops.ended(cid, before, event)
        venue = self.checker.venue
        absent = state in rules.ABSENT and (cid in venue.by_cid or venue.coming(cid, self.checker.clock.now_ms))
        self.need(not absent, "I7", "{} is {}, and the venue has it", cid, state)

    def stop(self, cid: str) -> bool:
        """Return whether an order is a stop that rests at the venue."""
        return "trigger" in self.intents[cid]

    def _fill(self, body: dict[str, Any]) -> None:
        cid, intent = body["client_order_id"], self.intents[body["client_order_id"]]
        index, trade_id = intent["instrument"], body["trade_id"]
        self.need(trade_id not in self.fills, "I8", "trade {} twice", trade_id)
        self.fills.add(trade_id)
        self.unvouched.add(trade_id)
        whose, trade = self.checker.venue.by_trade.get(trade_id, ("", None))
        self.need(whose == cid, "I3", "trade {} is booked for {}, and is of {}", trade_id, cid, whose)
        if "fee_due" in body and trade is not None:
            coin, buy = self.money.coins[index], intent["side"] > 0
            most = fees_at_most(coin, trade.qty, worth(coin, trade.price, trade.qty, up=True), buy=buy)
            self.fees_due[trade_id], trade = most, replace(trade, fee=most[0], fee_base=most[1])
        for name in ("qty", "price", "fee", "fee_base"):
            self.need(body[name] == getattr(trade, name), "I12", "trade {} is booked with another {}: {}", trade_id, name, body[name])
        self.booked[cid] += body["qty"]
        self.need(self.booked[cid] <= intent["qty"], "I8", "{} filled beyond its quantity", cid)
        if cid in self.buying:
            self.buying[cid] = self.reserve(index, intent["limit"], intent["qty"] - self.booked[cid])
        before = self.money.positions[index]
        self.money.fill(index, intent["side"], body)
        self.stops.fill(index, intent["side"], body, before)
        if self.states[cid] not in rules.ENDED:
            self._to(cid, "FULL_FILL" if self.booked[cid] >= intent["qty"] else "PART_FILL")

    def _fee(self, body: dict[str, Any]) -> None:
        index, trade_id = self.intents[body["client_order_id"]]["instrument"], body["trade_id"]
        whose, trade = self.checker.venue.by_trade.get(trade_id, ("", None))
        self.need(trade_id in self.fees_due and whose == body["client_order_id"], "I8", "the fee of trade {} was not due", trade_id)
        assert trade is not None, "just checked"
        said = (body["fee"], body["fee_base"])
        self.need(said == (trade.fee, trade.fee_base), "I12", "trade {} has another fee than {}", trade_id, said)
        taken = self.fees_due.pop(trade_id)
        more = (said[0] - taken[0], said[1] - taken[1])
        self.need(more == (body["more"], body["more_base"]), "I12", "the fee of {} is {} more than was taken", trade_id, more)
        self.money.fee(index, trade.price, body, taken)

    def listed(self, symbol: str, trades: list[VenueTrade]) -> None:
        """Take what the venue lists of a symbol: whether it reaches back to what was booked before this life."""
        by_trade, known = self.checker.venue.by_trade, self.before.get(symbol, set())
        last_ms = max((by_trade[trade_id][1].ts_ms for trade_id in known), default=0)
        if not known or any(trade.ts_ms <= last_ms for trade in trades):
            self.reaching.add(symbol)

    def _external(self, body: dict[str, Any]) -> None:
        self.external, there = (body["locked"], body["taken"]), self.checker.venue.stranger
        if not self.replaying:
            named = [row[1] for row in body["orders"]]
            self.need(named == ([there[0].venue_order_id] if there else []), "I4", "{} are said to be somebody else's", named)
            locked, free = self.checker.venue.locked, self.checker.venue.cash - self.checker.venue.locked
            counted = locked, min(locked, max(self.money.cash - free, 0))
            self.need(self.external == counted, "I4", "{} are counted as locked by somebody else, {} are", self.external, counted)

    def _recovered(self, body: dict[str, Any]) -> None:
        self.recovered = True
        if self.replaying:
            return
        proven, venue = {symbol: to_ms for symbol, _, to_ms in body["proven"]}, self.checker.venue
        self.need(set(proven) == {coin.symbol for coin in self.money.coins}, "I21", "recovered, and only {} are proven", sorted(proven))
        self.need(set(proven) <= self.reaching, "I21", "{} are proven, the lists reach back for {}", sorted(proven), sorted(self.reaching))
        shown = {t.trade_id: t for order in venue.placed for shown_ms, t in order.trades if shown_ms <= proven[t.symbol] - SKEW_MS}
        self.need(set(shown) <= self.fills, "I21", "recovered without trades {}", sorted(set(shown) - self.fills))

    def _flag(self, body: dict[str, Any]) -> None:
        starts = body["flag"] == "start" and not body["on"]
        self.need(self.recovered or not starts, "I21", "the session starts without a recovery that is complete")
        (self.flags.add if body["on"] else self.flags.discard)(body["flag"])
        if body["flag"] == "errors":
            self.failures.flag(body)
        if not self.replaying and body["flag"] == "closing" and body["on"] and body["why"].startswith("flat"):
            left = [cid for cid, state in self.states.items() if state not in rules.ENDED]
            held = [qty >= coin.lot for coin, qty in zip(self.money.coins, self.money.positions, strict=True)]
            resting = [order for order in self.checker.venue.placed if order.resting]
            self.need(not left and not any(held) and not resting, "I9", "flat is said with {} open and {} held", left, held)

    def _letter(self, body: dict[str, Any]) -> None:
        self.letters.add(body["number"])

    def _letter_closed(self, body: dict[str, Any]) -> None:
        self.letters.discard(body["number"])

    def _block(self, body: dict[str, Any]) -> None:
        (self.blocked.add if body["on"] else self.blocked.discard)(body["instrument"])

    def _operator(self, body: dict[str, Any]) -> None:
        if body["command"] in rules.CALLS_OFF and body["command_id"]:  # what a session adds to a close-all calls nothing off
            left = [cid for cid in self.states if self.states[cid] in rules.NOT_CALLED_OFF]
            if body["command"] != "close_all":
                self.need(self.replaying or not self.stops.taken, "I9", "{} took the stops {}", body["command"], self.stops.taken)
                left = [cid for cid in left if not (self.stop(cid) and self.states[cid] in rules.RESTS)]
            self.need(not left, "I9", "{} left {} as they were", body["command"], left)
        if "vouched_ms" in body:
            self.unvouched, self.before = set(), {}
            self.reaching = {coin.symbol for coin in self.money.coins}
        if body["reset_breaker"]:
            self.need(body["command"] == "resume", "I18", "the breaker was reset by {}", body["command"])
            self.money.reset()
            self.failures.begin(body["at_ms"], closed=True)

    def _booted(self, body: dict[str, Any]) -> None:
        self.recovered = False
        self.failures.begin(body["at_ms"])

    def compare(self, state: State) -> None:
        """Compare the machine's state with these books."""
        need, money, account, slots = self.need, self.money, state.account[0], state.slots
        need(account["faults"] == 0, "I3", "the engine refused a fill or a bar")
        positions = slots["position"].tolist()
        need(positions == money.positions, "I3", "positions {}, the fills say {}", positions, money.positions)
        need(account["cash"] == money.cash, "I3", "cash {}, the fills say {}", account["cash"], money.cash)
        said, cost = (int(account["realised"]), int(account["fees"])), slots["cost"].tolist()
        need(said == (money.realised, money.fees), "I12", "realised and fees {}, the fills say {}", said, (money.realised, money.fees))
        need(cost == money.cost, "I12", "costs {}, the fills say {}", cost, money.cost)
        balance = int(account["cash"]) + sum(cost) - said[0] - state.plan.capital
        need(balance == 0, "I12", "the postings of the quote currency do not add up: {}", balance)
        for index, taken in enumerate(slots["fees_base"].tolist()):
            balance = positions[index] + taken + money.sold[index] - money.bought[index]
            need(balance == 0, "I12", "the postings of {} do not add up: {}", money.coins[index].base, balance)
        breaker = (int(account["breaker"]), int(account["breaker_until"]), bool(account["breaker_latched"]))
        own = (money.breaker, money.breaker_until, money.latched)
        need(breaker == own, "I18", "the breaker is {}, its rules say {}", breaker, own)

    def whole(self, state: State) -> None:
        """Compare every order, the reasons to trade less, and the letters that are open."""
        self.need(set(state.letters) == self.letters, "I21", "letters {}, the records say {}", sorted(state.letters), sorted(self.letters))
        self.need(not self.letters or "dead_letter" in self.flags, "I21", "letters {} hold nothing back", sorted(self.letters))
        for cid, order in state.orders.items():
            self.need(self.states[cid] == order.state, "I13", "{} is {}, its records say {}", cid, order.state, self.states[cid])
        self.need(set(state.flags) == self.flags, "I13", "flags {}, the records say {}", sorted(state.flags), sorted(self.flags))


_BOOKINGS: dict[Kind, Any] = {kind: book for kind in Kind if (book := getattr(Books, f"_{kind.lower()}", None))}
"""What books a record of a kind: the method of that name."""
