"""The exchange itself: orders against a market. Pure: time comes by `advance`, chance by the seed, money by `credit`.

Synthetic liquidity is the only counterparty: orders of accounts do not meet each other and do not move the market. Taking
walks the book of the current tick; what was taken is gone until the next tick. A resting order fills as maker when a tick
trades *through* its price, at most the tick's volume.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace

from sandbox.book import Book, Level, book_at, less
from sandbox.events import OrderChanged
from sandbox.filters import by_quote, check, protection, taken_at_once
from sandbox.ledger import DEPOSITS, FEES, MARKET, Ledger
from sandbox.market import TICK_MS, TICKS_DAY, Market, tick_price
from sandbox.orders import BUY, OPEN, SELL, Fill, Kind, NewOrder, No, Order, Refused, Status
from sandbox.pairs import Pair, Rules
from trader_core.model.errors import OutOfRange
from trader_core.model.money import PPM

FIRST_NUMBER = 342_252_993_005_723_644_000
TAKES_ONLY = frozenset({Kind.MARKET, Kind.IOC, Kind.FOK})


class Exchange:
    """Accounts, orders and fills over one market; `now_ms` is the venue's time and only `advance` moves it."""

    def __init__(self, market: Market, rules: Rules, seed: int, start_ms: int) -> None:
        """Open at `start_ms` without accounts or orders."""
        self.market, self.rules, self.seed, self.now_ms = market, rules, seed, start_ms
        self.ledger = Ledger()
        self.fills: list[Fill] = []
        self.listeners: list[Callable[[OrderChanged], None]] = []
        """Told of every change of an order, at once."""
        self._versions: dict[int, list[Order]] = {}
        self._by_client: dict[tuple[str, str], list[int]] = {}
        self._resting: dict[str, dict[int, Order]] = {name: {} for name in market.pairs}
        self._taken: dict[str, tuple[int, dict[int, int]]] = {}
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._due_count = 0

    # time

    def advance(self, to_ms: int) -> None:
        """Let the market trade until `to_ms`: resting orders fill, and what was scheduled until then happens in order.

        Raises OutOfRange when that lies in the past.
        """
        if to_ms < self.now_ms:
            raise OutOfRange(f"a time from {self.now_ms}", str(to_ms), "time does not run backwards")
        while self._due and self._due[0][0] <= to_ms:
            due_ms, _, action = heapq.heappop(self._due)
            self._trade_until(max(due_ms, self.now_ms))
            action()
        self._trade_until(to_ms)

    def schedule(self, due_ms: int, action: Callable[[], None]) -> None:
        """Have `action` called when the clock reaches `due_ms`."""
        heapq.heappush(self._due, (due_ms, self._due_count, action))
        self._due_count += 1

    def _trade_until(self, to_ms: int) -> None:
        first, last = self.now_ms // TICK_MS + 1, to_ms // TICK_MS
        if last >= first:
            for name, resting in self._resting.items():
                if resting:
                    self._fill_resting(name, first, last)
        self.now_ms = to_ms

    def _fill_resting(self, name: str, first: int, last: int) -> None:
        for tick, price, volume in self._ticks_through(name, first, last):
            resting = self._resting[name].values()
            crossed = [order for order in resting if (order.price - price) * order.asked.side > 0]
            crossed.sort(key=lambda order: (-order.asked.side * order.price, order.number))
            left = {BUY: volume, SELL: volume}
            for order in crossed:
                qty = min(order.remaining, left[order.asked.side])
                if qty:
                    left[order.asked.side] -= qty
                    self._save(self._booked(order, Level(order.price, qty), tick * TICK_MS, maker=True))

    def _ticks_through(self, name: str, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Yield (tick, price, volume) of the ticks in [first, last] that trade through a resting order's price."""
        orders = self._resting[name].values()
        highest = max((order.price for order in orders if order.asked.side == BUY), default=0)
        lowest = min((order.price for order in orders if order.asked.side == SELL), default=1 << 62)
        for day in range(first // TICKS_DAY, last // TICKS_DAY + 1):
            low, high = max(first - day * TICKS_DAY, 0), min(last - day * TICKS_DAY, TICKS_DAY - 1) + 1
            block = self.market.block(name, day)
            prices = block.prices[low:high]
            for row in (((prices < highest) | (prices > lowest)) & (prices > 0)).nonzero()[0].tolist():
                yield day * TICKS_DAY + low + row, int(prices[row]), int(block.volumes[low + row])

    # money

    def credit(self, account: str, currency: str, amount: int) -> None:
        """Pay `amount` ledger units of a currency in; raises OutOfRange for a negative one."""
        if amount < 0:
            raise OutOfRange("an amount of at least 0", str(amount), "credit what there is")
        self.ledger.move(DEPOSITS, account, currency, amount)

    # reading

    def pair(self, name: str) -> Pair:
        """Return the market called `name`, such as BTCUSDT; raises Refused for another."""
        if name not in self.market.pairs:
            raise Refused(No.SYMBOL, name)
        return self.market.pairs[name]

    def last(self, name: str) -> int:
        """Return the last price."""
        return tick_price(self.market, name, self.now_ms // TICK_MS)

    def book(self, name: str) -> Book:
        """Return the book of this instant."""
        tick = self.now_ms // TICK_MS
        book = book_at(self.seed, self.pair(name), tick, tick_price(self.market, name, tick))
        taken_tick, taken = self._taken.get(name, (tick, {}))
        if taken_tick != tick:
            return book
        return Book(less(book.bids, taken), less(book.asks, taken))

    def orders(self, account: str, name: str = "") -> list[Order]:
        """Return the account's orders as reads see them, oldest first, of one market or of all."""
        seen = (self._visible(versions) for versions in self._versions.values())
        return [order for order in seen if order and order.account == account and name in ("", order.asked.symbol)]

    def open_orders(self, account: str, name: str = "") -> list[Order]:
        """Return the account's open orders as reads see them, oldest first."""
        if self.rules.read_lag_ms:
            return [order for order in self.orders(account, name) if order.status in OPEN]
        books = [self._resting.get(name, {})] if name else self._resting.values()
        mine = [order for book in books for order in book.values() if order.account == account]
        return sorted(mine, key=lambda order: order.number)

    def all_orders(self) -> list[Order]:
        """Return every order of every account as it truly stands, oldest first."""
        return [versions[-1] for versions in self._versions.values()]

    def find(self, account: str, name: str, order_id: str = "", client_id: str = "") -> Order:
        """Return one order as reads see it, the youngest where a client id was used twice; raises Refused(NO_ORDER)."""
        order = self._visible(self._versions.get(self._number(account, order_id, client_id), []))
        if order is None or order.account != account or order.asked.symbol != name:
            raise Refused(No.NO_ORDER)
        return order

    def fills_of(self, account: str, name: str = "") -> list[Fill]:
        """Return the account's fills as reads see them, oldest first."""
        until = self.now_ms - self.rules.read_lag_ms
        return [fill for fill in self.fills if fill.account == account and name in ("", fill.symbol) and fill.ts_ms <= until]

    def _visible(self, versions: list[Order]) -> Order | None:
        until = self.now_ms - self.rules.read_lag_ms
        return next((order for order in reversed(versions) if order.updated_ms <= until), None)

    def _number(self, account: str, order_id: str, client_id: str) -> int:
        if client_id:
            return self._by_client.get((account, client_id), [0])[-1]
        digits = order_id.removeprefix("C02__")
        return int(digits) if digits.isdecimal() else 0

    # writing

    def place(self, account: str, asked: NewOrder) -> Order:
        """Accept an order, take what it takes at once, rest what rests, and return it; raises Refused and changes nothing."""
        order = self.accepted(account, asked)
        takes = taken_at_once(self.book(asked.symbol), self.pair(asked.symbol), order)
        if order.asked.kind is Kind.LIMIT_MAKER and takes:
            if self.rules.crossing == "reject":
                raise Refused(No.WOULD_TAKE)
            takes = []
            order = replace(order, status=Status.CANCELED)
        if by_quote(asked):
            order = replace(order, qty=sum(take.qty for take in takes))
        order = self._locked(order, takes)
        self._tell(order)
        for take in takes:
            order = self._booked(order, take, self.now_ms, maker=False)
            self._take(asked.symbol, take)
        if order.asked.kind in TAKES_ONLY and order.status in OPEN:
            order = self._closed(order)
        if asked.client_id:
            self._by_client.setdefault((account, asked.client_id), []).append(order.number)
        self._save(order)
        return order

    def cancel(self, account: str, name: str, order_id: str = "", client_id: str = "") -> Order:
        """Cancel an open order and return it; raises Refused(NOT_CANCELABLE) when it is not open or not known."""
        number = self._number(account, order_id, client_id)
        order = self._resting.get(name, {}).get(number)
        if order is None or order.account != account:
            raise Refused(No.NOT_CANCELABLE)
        order = self._closed(order)
        self._save(order)
        return order

    def cancel_all(self, account: str, name: str) -> list[Order]:
        """Cancel the account's open orders on a market and return them."""
        mine = [order.id for order in self._resting[self.pair(name).id].values() if order.account == account]
        return [self.cancel(account, name, order_id) for order_id in mine]

    def accepted(self, account: str, asked: NewOrder) -> Order:
        """Return the order as it would stand before trading, or raise Refused: what an order test checks, funds aside."""
        pair, last = self.pair(asked.symbol), self.last(asked.symbol)
        self._check_duplicate(account, asked)
        check(pair, self.rules, asked, last)
        qty = 0 if by_quote(asked) else asked.qty
        price = protection(asked, last) if asked.kind is Kind.MARKET else asked.price
        number = FIRST_NUMBER + len(self._versions) + 1
        return Order(number, account, asked, qty, price, self.now_ms, self.now_ms)

    def _check_duplicate(self, account: str, asked: NewOrder) -> None:
        before = self._by_client.get((account, asked.client_id), []) if asked.client_id else []
        if not before or self.rules.duplicates == "accept":
            return
        if self.rules.duplicates == "always" or any(self._versions[number][-1].status in OPEN for number in before):
            raise Refused(No.DUPLICATE, asked.client_id)

    def _locked(self, order: Order, takes: list[Level]) -> Order:
        """Return the order with its worst cost locked; raises Refused(FUNDS)."""
        pair, side = self.pair(order.asked.symbol), order.asked.side
        worst = takes if order.asked.kind is Kind.MARKET else [Level(order.price, order.qty)]
        cost = sum(level.price * level.qty for level in worst) * pair.notional_factor
        amount = cost + -(-cost * self.rules.taker_ppm // PPM) if side == BUY else order.qty * pair.qty_factor
        currency = pair.quote if side == BUY else pair.base
        if amount > self.ledger.balance(order.account, currency).free:
            raise Refused(No.FUNDS)
        if order.status not in OPEN:
            return order
        self.ledger.lock(order.account, currency, amount)
        return replace(order, locked=amount)

    def _booked(self, order: Order, level: Level, ts_ms: int, *, maker: bool) -> Order:
        """Move money and goods of one fill, record it, and return the order after it.

        The fee is rounded up once over the whole order, so that partial fills cost no more than one.
        """
        pair, side, account = self.pair(order.asked.symbol), order.asked.side, order.account
        cost, goods = level.price * level.qty * pair.notional_factor, level.qty * pair.qty_factor
        in_base = side == BUY and self.rules.fee_in == "received"
        fee_raw = order.fee_raw + (goods if in_base else cost) * (self.rules.maker_ppm if maker else self.rules.taker_ppm)
        fee, fee_currency = -(-fee_raw // PPM) - order.fee, pair.base if in_base else pair.quote
        paid, got = (cost, goods) if side == BUY else (goods, cost)
        spent = paid + (fee if side == BUY and not in_base else 0)
        self.ledger.lock(account, pair.quote if side == BUY else pair.base, -spent)
        self.ledger.move(account, MARKET, pair.quote if side == BUY else pair.base, paid)
        self.ledger.move(MARKET, account, pair.base if side == BUY else pair.quote, got)
        self.ledger.move(account, FEES, fee_currency, fee)
        digest = hashlib.sha256(f"{self.seed}|{len(self.fills)}".encode()).hexdigest()[:32]
        asked = order.asked
        what = asked.symbol, asked.client_id, side, level.qty, level.price, cost, fee, ts_ms, maker, fee_currency
        self.fills.append(Fill(digest, order.number, account, *what))
        filled = order.filled + level.qty
        status = Status.FILLED if filled == order.qty else Status.PARTIALLY_FILLED
        after = replace(
            order, filled=filled, cost=order.cost + cost, fee=order.fee + fee, fee_raw=fee_raw, locked=order.locked - spent,
            status=status, updated_ms=ts_ms,
        )  # fmt: skip
        after = self._unlocked(after) if status is Status.FILLED else after
        self._tell(after, self.fills[-1])
        return after

    def _closed(self, order: Order) -> Order:
        status = Status.PARTIALLY_CANCELED if order.filled else Status.CANCELED
        after = self._unlocked(replace(order, status=status, updated_ms=self.now_ms))
        self._tell(after)
        return after

    def _tell(self, order: Order, fill: Fill | None = None) -> None:
        for listener in self.listeners:
            listener(OrderChanged(order, fill))

    def _unlocked(self, order: Order) -> Order:
        pair = self.pair(order.asked.symbol)
        self.ledger.lock(order.account, pair.quote if order.asked.side == BUY else pair.base, -order.locked)
        return replace(order, locked=0)

    def _take(self, name: str, level: Level) -> None:
        tick = self.now_ms // TICK_MS
        before, taken = self._taken.get(name, (tick, {}))
        taken = dict(taken) if before == tick else {}
        taken[level.price] = taken.get(level.price, 0) + level.qty
        self._taken[name] = (tick, taken)

    def _save(self, order: Order) -> None:
        self._versions.setdefault(order.number, []).append(order)
        resting = self._resting[order.asked.symbol]
        if order.status in OPEN:
            resting[order.number] = order
        else:
            resting.pop(order.number, None)
