"""One account of its own at an embedded exchange, a gateway for it, and what is true of it. Nothing is shared between two cases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.config import Config
from sandbox.dialects.kraken_rows import id_of
from sandbox.matching import FIRST_NUMBER
from sandbox.orders import BUY, OPEN, Fill, Kind, NewOrder, Order
from sandbox.server import Sandbox, start
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import to_text
from trader_core.model.session import Side
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import CLOSED, SendRequest, VenueOrder
from trader_core.venues.profiles import ApiKey, Profile, sandbox_profile

SYMBOLS = {"mexc": "BTC/USDT", "binance": "BTC/EUR", "kraken": "BTC/EUR"}
MONEY = "10000"
COST = 25
"""Of one order, in whole units of the quote currency: above every venue's minimum."""
State = tuple[bool, int, int]
"""Closed, quantity and filled quantity of an order."""


@dataclass
class Floor:
    """One exchange, the instrument that is traded there, and a price at which a purchase is sure to trade."""

    sandbox: Sandbox
    profile: Profile
    instrument: Instrument
    limit: int
    accounts: int = 0

    @property
    def dialect(self) -> str:
        return self.sandbox.config.dialect

    @property
    def now_ms(self) -> int:
        return self.sandbox.exchange.now_ms

    def pass_ms(self, ms: int) -> None:
        """Let venue time pass."""
        self.sandbox.exchange.advance(self.now_ms + ms)

    @asynccontextmanager
    async def bench(self, timeout_s: float) -> AsyncIterator["Bench"]:
        """Open an account with money, and a gateway that knows nothing yet."""
        self.accounts += 1
        account = f"case{self.accounts}"
        quote = self.instrument.quote
        key = ApiKey(*self.sandbox.open_account(account, {quote: MONEY}))
        gateway = Gateway(self.profile, lambda: self.now_ms, key=key, may_send=lambda _: None, timeout_s=timeout_s)
        gateway.use([self.instrument])
        try:
            yield Bench(self, account, gateway)
        finally:
            await gateway.close()


@dataclass
class Bench:
    """One account and its gateway."""

    floor: Floor
    account: str
    gateway: Gateway
    executed: bool = True
    """Whether the request that meets the fault is executed at all."""

    @property
    def symbol(self) -> str:
        return self.floor.instrument.symbol

    @property
    def pair(self) -> str:
        """The pair as the exchange names it."""
        return next(name for name, pair in self.floor.sandbox.exchange.market.pairs.items() if pair.symbol == self.symbol)

    @property
    def qty(self) -> int:
        """A quantity that costs about COST."""
        instrument = self.floor.instrument
        units: int = COST * 10 ** (instrument.price_exp + instrument.qty_exp) // self.floor.limit
        return units // instrument.lot * instrument.lot

    def price(self, percent: int) -> int:
        """Return a price on the grid: so many percent of one that is sure to trade."""
        tick = self.floor.instrument.tick
        return self.floor.limit * percent // 100 // tick * tick

    def request(self, name: str, order_type: str) -> SendRequest:
        """Return an order as a session would journal it: one of type LIMIT or POST_ONLY rests, a STOP waits."""
        percent = {"IOC": 100, "MARKET": 100, "STOP": 120}.get(order_type, 60)
        trigger = self.price(110) if order_type == "STOP" else 0
        limit = self.price(percent)
        return SendRequest(name, self.symbol, Side.BUY, self.qty, limit, self.floor.now_ms, 4_000, order_type, trigger)

    def rest(self, name: str, percent: int = 60) -> None:
        """Have an order rest at the exchange, by the back door."""
        self._place(NewOrder(self.pair, BUY, Kind.LIMIT, self.qty, self.price(percent), client_id=name))

    def buy(self, name: str) -> None:
        """Have an order filled, by the back door."""
        self._place(NewOrder(self.pair, BUY, Kind.IOC, self.qty, self.price(100), client_id=name))

    def _place(self, asked: NewOrder) -> None:
        self.floor.sandbox.exchange.place(self.account, asked)
        self.floor.pass_ms(1_000)

    # the truth

    def orders(self, name: str) -> list[Order]:
        """Return every order with a client id of this account that the exchange really has."""
        every = self.floor.sandbox.exchange.all_orders()
        return [order for order in every if order.account == self.account and order.asked.client_id == name]

    def ids(self, name: str) -> tuple[str, ...]:
        """Return the venue's ids of these orders, as the dialect writes them."""
        dialect = self.floor.dialect
        if dialect == "kraken":
            return tuple(id_of(order) for order in self.orders(name))
        return tuple(order.id if dialect == "mexc" else str(order.number - FIRST_NUMBER) for order in self.orders(name))

    def state(self, name: str) -> State | None:
        """Return how the order with a client id stands, None where there is none."""
        found = self.orders(name)
        return (found[-1].status not in OPEN, found[-1].qty, found[-1].filled) if found else None

    def open(self) -> list[tuple[str, State]]:
        """Return the account's open orders."""
        every = [order for order in self.floor.sandbox.exchange.all_orders() if order.account == self.account and order.status in OPEN]
        return sorted((order.asked.client_id, (False, order.qty, order.filled)) for order in every)

    def fills(self) -> list[tuple[Any, ...]]:
        """Return the account's fills, each as what both sides know of it."""
        return sorted(_fill(fill) for fill in self.floor.sandbox.exchange.fills if fill.account == self.account)

    def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return free and locked by currency, where there is anything."""
        held = self.floor.sandbox.exchange.ledger.of(self.account)
        return {name: (Decimal(to_text(one.free)), Decimal(to_text(one.locked))) for name, one in held.items() if sum(one)}


def _fill(fill: Fill) -> tuple[Any, ...]:
    return fill.ts_ms, fill.client_id, fill.qty, fill.price, fill.maker


def state_of(order: VenueOrder) -> State:
    """Return how an order stands by an answer."""
    return order.state in CLOSED, order.qty, order.filled


@asynccontextmanager
async def opened(dialect: str) -> AsyncIterator[Floor]:
    """Start an exchange that speaks a dialect; the same one every time."""
    sandbox = await start(Config(dialect=dialect, history_days=1))
    profile = sandbox_profile(f"http://127.0.0.1:{sandbox.port}", stepped=True, dialect=dialect)
    reader = Gateway(profile, lambda: sandbox.exchange.now_ms)
    try:
        found = (await reader.instruments([SYMBOLS[dialect]])).value
        ticker = (await reader.ticker(SYMBOLS[dialect])).value
        assert found is not None
        assert ticker is not None
        limit = ticker.ask * 101 // 100 // found[0].tick * found[0].tick
        yield Floor(sandbox, profile, freeze(found[0], ticker.last), limit)
    finally:
        await reader.close()
        await sandbox.stop()
