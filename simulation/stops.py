"""The checker's own view of stops that rest at the venue: which one a position should have, and which rules bind it."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from simulation import rules
from simulation.money import Money
from simulation.venue import worth

if TYPE_CHECKING:
    from simulation.books import Books
    from simulation.checker import Checker
    from trader_core.trader.state import State

COLLAR_PPM = 100_000
MOVED_PPM = 1_000
ENDING = frozenset({"stopping", "closing"})


class Stops:
    """Follows entries, tops and sales of one process's records, and knows the stop that each position should have."""

    def __init__(self, checker: "Checker", money: Money) -> None:
        """Hold nothing."""
        market, self.need, self.money = checker.venue.market, checker.need, money
        self.venue, self.plan, self.coins = checker.venue, market.plan, market.instruments
        self.on = market.protocol.stops == "RESTING"
        self.entry, self.top, self.failed = ([0] * len(self.coins) for _ in range(3))
        self.selling: dict[str, dict[str, Any]] = {}
        """client order id -> intent, of every sale that has not ended."""
        self.taken: list[str] = []
        """Stops that were cancelled while they rested, in this step."""

    def mark(self, rows: list[list[int] | None]) -> None:
        """Let the tops rise with one slot's bars."""
        for index, row in enumerate(rows):
            if row is not None and self._held(index):
                self.top[index] = max(self.top[index], row[1])

    def fill(self, index: int, side: int, body: dict[str, int], before: int) -> None:
        """Follow the average price paid; `before` is what was held before the fill."""
        self.failed[index] = 0
        if side > 0:
            qty, entry = body["qty"], self.entry[index]
            self.entry[index] = -(-(entry * before + body["price"] * qty) // (before + qty)) if entry else body["price"]
            self.top[index] = max(self.top[index], self.entry[index])
        if not self._held(index):
            self.top[index] = 0
            self.entry[index] = self.entry[index] if side > 0 else 0

    def _held(self, index: int) -> bool:
        return self.money.positions[index] >= self.coins[index].lot

    def wanted(self, index: int) -> tuple[int, int, int]:
        """Return (quantity, trigger, limit) of the stop that a position should have; quantity 0 where the venue would take none."""
        coin, plan, entry, top = self.coins[index], self.plan, self.entry[index], self.top[index]
        levels = [entry - entry * plan.stop_loss_ppm // 10**6] if plan.stop_loss_ppm else []
        levels += [top - top * plan.trailing_ppm // 10**6] if plan.trailing_ppm else []
        trigger = max(levels, default=0) // coin.tick * coin.tick
        if trigger <= 0:
            return 0, 0, 0
        limit = max(-((trigger * COLLAR_PPM // 10**6 - trigger) // coin.tick) * coin.tick, coin.tick)
        qty = self.money.positions[index] // coin.lot * coin.lot
        if worth(coin, trigger, qty, up=True) > plan.limits.order_max:
            part = Fraction(plan.limits.order_max) / trigger / Fraction(10) ** (10 - coin.price_exp - coin.qty_exp)
            cut = int(part) // coin.lot * coin.lot
            qty = cut if self._takes(index, trigger, cut) else qty
        return (qty, trigger, limit) if self._takes(index, limit, qty) else (0, 0, 0)

    def _takes(self, index: int, price: int, qty: int) -> bool:
        coin = self.coins[index]
        return qty > 0 and qty >= coin.qty_min and worth(coin, price, qty, up=False) >= coin.notional_min

    def intended(self, cid: str, body: dict[str, Any]) -> None:
        """Check an intent to sell: a stop is what the position should have, and nothing else sells of it."""
        index, trigger = body["instrument"], body.get("trigger", 0)
        others = [other for other, intent in self.selling.items() if intent["instrument"] == index]
        if trigger:
            self.need(self.on and body["cause"] == rules.PROTECT and not others, "I26", "the stop {} beside {}", cid, others)
            said = (body["qty"], trigger, body["limit"])
            self.need(said == self.wanted(index), "I26", "the stop {} is {}, it should be {}", cid, said, self.wanted(index))
        self.selling[cid] = body

    def cancelled(self, cid: str, mode: int, flags: set[str], left: int) -> None:
        """Check that a stop which rests is not taken by a kill."""
        self.taken.append(cid)
        more = left > self.money.positions[self.selling[cid]["instrument"]]
        self.need(mode != rules.KILLED or more or "closing" in flags, "I9", "the stop {} is cancelled in a kill", cid)

    def ended(self, cid: str, before: str, event: str) -> None:
        """Follow the end of a sale: a stop that the venue did not take or keep is counted."""
        intent = self.selling.pop(cid, None)
        if intent is not None and intent.get("trigger") and before not in {"INTENT", "CANCELING"} and event != "FULL_FILL":
            self.failed[intent["instrument"]] += 1

    def bare(self, state: "State", flags: set[str]) -> list[int]:
        """Return the instruments whose position should have a stop and has nothing underway that sells it."""
        if not self.on or rules.mode_of(flags) == rules.KILLED or ENDING & flags:
            return []
        sold, latched = {intent["instrument"] for intent in self.selling.values()}, state.slots["latched"].tolist()
        free = (i for i in range(len(self.coins)) if i not in sold and not latched[i] and self._held(i))
        return [index for index in free if self.wanted(index)[0]]

    def ticked(self, state: "State", books: "Books") -> None:
        """Check that time has brought every position what it should have: a stop that fits, or one underway."""
        bare = [index for index in self.bare(state, books.flags) if not self.failed[index]]
        self.need(not bare, "I26", "instruments {} are held, and no stop is wanted", bare)
        busy = {books.intents[cid]["instrument"] for cid in books.buying}
        busy |= {intent["instrument"] for intent in self.selling.values() if "trigger" not in intent}
        for cid, intent in self.selling.items():
            index, left = intent["instrument"], intent["qty"] - books.booked[cid]
            if "trigger" in intent and books.states[cid] in rules.RESTS and index not in busy:
                self._fits(state, books.flags, cid, left)

    def _fits(self, state: "State", flags: set[str], cid: str, left: int) -> None:
        """Check that a stop which rests is the one that the position should have."""
        index, trigger = self.selling[cid]["instrument"], self.selling[cid]["trigger"]
        qty, level, _ = self.wanted(index)
        if rules.mode_of(flags) == rules.KILLED or state.slots["latched"][index] or not qty:
            return
        close = abs(level - trigger) * 10**6 <= trigger * MOVED_PPM
        self.need(left == qty and close, "I26", "the stop {} sells {} at {}, it should {} at {}", cid, left, trigger, qty, level)

    def calm(self, state: "State", states: dict[str, str], flags: set[str], now_ms: int) -> None:
        """Check what rests in the end: only stops that the records know, and the right one for every position that should have one."""
        for index in range(len(self.coins)):
            there = [order.request.client_order_id for order in self.venue.stops(index)]
            known = [cid for cid in there if states.get(cid) in {"OPEN", "PARTIAL"}]
            self.need(there == known and len(there) <= 1, "I26", "stops {} at the venue, the records know {}", there, known)
        for index in self.bare(state, flags):
            gone = self.venue.market.price(index, now_ms) <= self.wanted(index)[1]
            self.need(gone, "I26", "instrument {} is held, and no stop rests", index)
        for cid in (cid for cid in self.selling if states[cid] in rules.RESTS):
            left = sum(order.request.qty - order.filled for order in self.venue.by_cid[cid])
            self._fits(state, flags, cid, left)
