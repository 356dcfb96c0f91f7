"""The exchange itself: orders against a market. Pure: time comes by `advance`, chance by the seed, money by `credit`.

Synthetic liquidity is everybody's counterparty; orders of accounts meet each other where the rules say so, and never move
the market. Taking walks the book of the current tick; what was taken is gone until the next tick. A resting order fills as
maker when a tick trades *through* its price, or, where the rules have a queue, once the quantity before it is served.
"""

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from sandbox.books import Books
from sandbox.due import Action, Note
from sandbox.filters import by_quote, check, protection
from sandbox.floor import Floor
from sandbox.ledger import DEPOSITS
from sandbox.market import DAY_MS, TICK_MS, Market
from sandbox.orders import AT_MARKET, OPEN, STOPS, TAKES_ONLY, Fill, Kind, NewOrder, No, Order, Refused, Status
from sandbox.pairs import Rules
from sandbox.register import FIRST_NUMBER, FOREVER_MS
from sandbox.saving import plain, restored
from sandbox.taking import Reach
from trader_core.model.errors import OutOfRange, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIRST_NUMBER", "Exchange"]
DIGITS_MAX = 40
ADVANCE_MAX_MS = 1_000 * DAY_MS


class Exchange(Floor):
    """Accounts, orders and fills over one market; `now_ms` is the venue's time and only `advance` moves it."""

    def __init__(self, market: Market, rules: Rules, seed: int, start_ms: int, books: Books | None = None) -> None:
        """Open at `start_ms` without accounts or orders; without `books` they are drawn from the seed."""
        super().__init__(market, rules, seed, start_ms, books)
        self.handlers: dict[str, Callable[[Any], object]] = {}
        """Who is called with the data of a scheduled note, by its name."""

    # time

    def advance(self, to_ms: int) -> None:
        """Let the market trade until `to_ms`: resting orders fill, and what was scheduled until then happens in order.

        Raises OutOfRange when that lies in the past, or years ahead.
        """
        if not self.now_ms <= to_ms <= self.now_ms + ADVANCE_MAX_MS:
            expected = f"a time from {self.now_ms} to {self.now_ms + ADVANCE_MAX_MS}"
            raise OutOfRange(expected, str(to_ms)[:40], "time does not run backwards, and no step takes years")
        while (due_ms := self.due.next_ms(to_ms)) is not None:
            action = self.due.pop()
            self._trade_until(max(due_ms, self.now_ms))
            self._do(action)
        self._trade_until(to_ms)

    def schedule(self, due_ms: int, action: Action) -> None:
        """Have a call made, or a note handed to its handler, when the clock reaches `due_ms`; only notes can be saved."""
        self.due.add(due_ms, action)

    def _do(self, action: Action) -> None:
        if not isinstance(action, Note):
            action()
            return
        if action.name not in self.handlers:
            raise UnknownName(f"a handler of {', '.join(self.handlers) or 'any name'}", action.name, "register it first")
        self.handlers[action.name](action.data)

    def _trade_until(self, to_ms: int) -> None:
        """Trade tick by tick over all markets, so that it is all the same in how many steps time passes."""
        first, last = self.now_ms // TICK_MS + 1, to_ms // TICK_MS
        coming = []
        for at, name in enumerate(self.resting):
            if last >= first and (tick := self._next_tick(name, first, last)) is not None:
                coming.append((tick, at, name))
        heapq.heapify(coming)
        while coming:
            tick, at, name = coming[0]
            self.now_ms = tick * TICK_MS
            self._trade_tick(name, tick)
            after = self._next_tick(name, tick + 1, last)
            if after is None:
                heapq.heappop(coming)
            else:
                heapq.heapreplace(coming, (after, at, name))
        self.now_ms = to_ms

    # money

    def credit(self, account: str, currency: str, amount: int) -> None:
        """Pay `amount` ledger units of a currency in; raises OutOfRange for a negative one."""
        if amount < 0:
            raise OutOfRange("an amount of at least 0", str(amount), "credit what there is")
        self.ledger.move(DEPOSITS, account, currency, amount)

    # reading

    @property
    def fills(self) -> list[Fill]:
        """Return every fill of every account as it truly stands, oldest first."""
        return self.register.fills

    def orders(self, account: str, name: str = "", since_ms: int = 0, to_ms: int = FOREVER_MS, most: int = 0) -> list[Order]:
        """Return the account's orders as reads see them, oldest first, of one market or of all, created in [since, to].

        `most` keeps the youngest of these; 0 keeps all.
        """
        return self.register.orders(account, name, self._seen_ms, since_ms, to_ms, most)

    def open_orders(self, account: str, name: str = "") -> list[Order]:
        """Return the account's open orders as reads see them, oldest first."""
        return self.register.open_orders(account, name, self._seen_ms if self.rules.read_lag_ms else None)

    def all_orders(self) -> list[Order]:
        """Return every order of every account as it truly stands, oldest first."""
        return self.register.every()

    def find(self, account: str, name: str, order_id: str = "", client_id: str = "") -> Order:
        """Return one order as reads see it, the youngest where a client id was used twice; raises Refused(NO_ORDER)."""
        order = self.register.seen(self._number(account, order_id, client_id), self._seen_ms)
        if order is None or order.account != account or order.asked.symbol != name:
            raise Refused(No.NO_ORDER)
        return order

    def fills_of(self, account: str, name: str = "", since_ms: int = 0, to_ms: int = FOREVER_MS) -> list[Fill]:
        """Return the account's fills within [since, to] as reads see them, oldest first."""
        return self.register.fills_of(account, name, since_ms, min(self._seen_ms, to_ms))

    @property
    def _seen_ms(self) -> int:
        return self.now_ms - self.rules.read_lag_ms

    def _number(self, account: str, order_id: str, client_id: str) -> int:
        if client_id:
            return [0, *self.register.of_client(account, client_id)[-1:]][-1]
        digits = order_id.removeprefix("C02__")
        return int(digits) if digits.isdecimal() and len(digits) <= DIGITS_MAX else 0

    # writing

    def place(self, account: str, asked: NewOrder) -> Order:
        """Accept an order, take what it takes at once, rest what rests, and return it; raises Refused and changes nothing."""
        order = self.accepted(account, asked)
        found = Reach() if order.is_waiting else self._reach(order)
        if asked.kind is Kind.LIMIT_MAKER and found.crosses:
            if self.rules.crossing == "reject":
                raise Refused(No.WOULD_TAKE)
            found, order = Reach(), replace(order, status=Status.CANCELED)
        if by_quote(asked):
            order = replace(order, qty=sum(take.qty for take in found.takes))
        taken = sum(take.price * take.qty for take in found.takes)
        order = self._settling.locked(order, taken if asked.kind is Kind.MARKET else order.price * order.qty, self.rules)
        self._tell(order)
        order = self._traded(order, found)
        self._keep(order)
        return order

    def cancel(self, account: str, name: str, order_id: str = "", client_id: str = "") -> Order:
        """Cancel an open order and return it; raises Refused(NOT_CANCELABLE) when it is not open or not known."""
        order = self.register.open_one(account, name, self._number(account, order_id, client_id))
        if order is None:
            raise Refused(No.NOT_CANCELABLE)
        order = self._closed(order)
        self._keep(order)
        return order

    def cancel_all(self, account: str, name: str) -> list[Order]:
        """Cancel the account's open orders on a market and return them."""
        mine = self.register.open_orders(account, self.pair(name).id, None)
        return [self.cancel(account, name, order.id) for order in mine]

    def accepted(self, account: str, asked: NewOrder) -> Order:
        """Return the order as it would stand before trading, or raise Refused: what an order test checks, funds aside."""
        pair, last = self.pair(asked.symbol), self.last(asked.symbol)
        if pair.id in self.halted:
            raise Refused(No.HALTED)
        self._check_duplicate(account, asked)
        check(pair, self.rules, self.filters(pair.id), asked, last)
        most = self.rules.open_orders_max
        if most and (asked.kind not in TAKES_ONLY or asked.kind in STOPS) and self.register.open_count(account, pair.id) >= most:
            raise Refused(No.TOO_MANY)
        stops = asked.kind in STOPS
        price = protection(asked, asked.stop if stops else last) if asked.kind in AT_MARKET else asked.price
        qty = 0 if by_quote(asked) else asked.qty
        now_ms, number = self.now_ms, self.register.next_number()
        return Order(number, account, asked, qty, price, now_ms, now_ms, working_ms=0 if stops else now_ms)

    def _check_duplicate(self, account: str, asked: NewOrder) -> None:
        before = self.register.of_client(account, asked.client_id) if asked.client_id else []
        if not before or self.rules.duplicates == "accept":
            return
        if self.rules.duplicates == "always" or any(self.register.latest(number).status in OPEN for number in before):
            raise Refused(No.DUPLICATE, asked.client_id)

    # saving

    def saved(self) -> dict[str, Any]:
        """Return everything but market and listeners as plain JSON values; raises BadInput while a call is scheduled."""
        return plain(self)

    @classmethod
    def restored(cls, market: Market, rules: Rules | None, state: Any) -> Self:
        """Return an exchange that goes on where another was saved, under the saved rules unless others are given.

        Raises BadInput for a state that is damaged, of another version, or of another market.
        """
        return restored(cls, market, rules, state)

    def become(self, other: "Exchange") -> None:
        """Take over the state of another exchange of the same market; listeners and handlers stay.

        Raises UnknownName, and changes nothing, when something is to come that no handler here is for.
        """
        missing = other.due.names() - set(self.handlers)
        if missing:
            raise UnknownName(f"handlers of {', '.join(self.handlers) or 'any name'}", ", ".join(sorted(missing)), "register them first")
        stays = ("market", "books", "listeners", "handlers")
        vars(self).update({name: value for name, value in vars(other).items() if name not in stays})
