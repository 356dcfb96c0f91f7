"""What is asked of each venue: one order, one symbol, and every call of the gateway, with the answers that a healthy venue gives."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.config import START_MS, Config
from sandbox.dialects.base import Request
from sandbox.server import Sandbox
from tests.fuzz import kraken_payloads
from tests.fuzz.memory import Said, gateway_of
from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import SendRequest
from trader_core.venues.profiles import ApiKey

VENUES = ("mexc", "binance", "kraken")
CID, TAKER, OTHERS = "gh0123456789abcdef0123456789", "gh11111111111111111111111111", ("gh2", "gh3")
KEY, SECRET = "CANARYKEY0123456789", "Q0FOQVJZU0VDUkVUOTg3NjU0MzIxMA=="
Answers = dict[str, Said]
"""By place: a site such as GET /api/v3/order, with the client id behind it where it is about one of OTHERS."""


def place(asked: Request) -> str:
    """Return where an answer belongs."""
    return asked.site + next((f" {cid}" for cid in OTHERS if f"ClientOrderId={cid}&" in asked.sent or f"cl_ord_id={cid}" in asked.sent), "")


@dataclass
class Subject:
    """One venue's order and the answers of its healthy days: those of each call, and all of them by place."""

    venue: str
    instrument: Instrument
    request: SendRequest
    key: ApiKey
    calls: dict[str, Answers] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        return self.request.sent_ms

    @property
    def symbol(self) -> str:
        return self.request.symbol

    def healthy(self) -> Answers:
        """Return one healthy answer of each place."""
        return {where: said for answers in reversed(self.calls.values()) for where, said in answers.items()}


async def _bars(gateway: Gateway, subject: Subject) -> object:
    return await gateway.bars(subject.symbol, "1m", subject.now_ms - 180_000, 4)


CALLS: dict[str, Callable[[Gateway, Subject], Awaitable[Any]]] = {
    "submit": lambda gateway, subject: gateway.submit(subject.request),
    "order": lambda gateway, subject: gateway.order(subject.symbol, CID),
    "open_orders": lambda gateway, subject: gateway.open_orders(subject.symbol),
    "cancel": lambda gateway, subject: gateway.cancel(subject.symbol, CID),
    "cancel_symbol": lambda gateway, subject: gateway.cancel_symbol(subject.symbol, (CID, *OTHERS)),
    "trades": lambda gateway, subject: gateway.trades(subject.symbol, subject.now_ms - 1_000),
    "balances": lambda gateway, _: gateway.balances(),
    "permissions": lambda gateway, _: gateway.permissions(),
    "test_order": lambda gateway, subject: gateway.test_order(replace(subject.request, client_order_id="gh4")),
    "cancel_all_after": lambda gateway, _: gateway.cancel_all_after(60),
    "time_ms": lambda gateway, _: gateway.time_ms(),
    "instruments": lambda gateway, subject: gateway.instruments([subject.symbol]),
    "fees": lambda gateway, subject: gateway.fees(subject.symbol),
    "bars": _bars,
    "book": lambda gateway, subject: gateway.book(subject.symbol, 5),
    "ticker": lambda gateway, subject: gateway.ticker(subject.symbol),
}
"""Every call of the gateway by its name."""


async def subject_of(venue: str) -> Subject:
    """Return a venue's subject, its answers taken from the embedded exchange, or from hand-written ones where it has no such dialect."""
    if venue == "kraken":
        return kraken()
    pairs = Config(dialect=venue).listed[:2]
    sandbox = Sandbox(Config(dialect=venue, history_days=1, pairs=pairs), 0.0)
    pair = pairs[0]
    last = sandbox.exchange.last(pair.id)
    instrument = Instrument("sandbox", pair.symbol, pair.base, pair.quote, pair.price_exp, pair.qty_exp, 1, 1, 1, 10**10, 0, 500)
    request = SendRequest(CID, pair.symbol, Side.BUY, 10 ** (pair.qty_exp - 3), last * 2 // 3, START_MS, 4_000, "LIMIT")
    subject = Subject(venue, instrument, request, ApiKey(sandbox.api_key, sandbox.secret))
    heard: Answers = {}

    def answer(asked: Request) -> Said:
        found = sandbox.dialect.answer(asked)
        heard.setdefault(place(asked), Said(found.status, found.body))
        return Said(found.status, found.body)

    gateway = gateway_of(venue, START_MS, subject.key, answer)
    gateway.use([instrument])
    await gateway.submit(replace(request, client_order_id=TAKER, limit=last * 101 // 100, order_type="IOC"))
    for name, call in CALLS.items():
        if name == "cancel_symbol":
            for cid in OTHERS:
                await gateway.submit(replace(request, client_order_id=cid))
        if name == "trades":
            gateway._client_ids.clear()
        heard.clear()
        await call(gateway, subject)
        subject.calls[name] = dict(heard)
    await gateway.close()
    return subject


def kraken() -> Subject:
    """Return Kraken's subject from payloads that were written by hand."""
    made = kraken_payloads
    instrument = Instrument("sandbox", "BTC/EUR", "BTC", "EUR", 1, 8, 1, 1, 5_000, 5_000_000_000, 2_500, 4_000)
    request = SendRequest(CID, "BTC/EUR", Side.BUY, 100_000, 550_000, START_MS, 4_000, "LIMIT")
    calls = {
        name: {site: Said(200, json.dumps({"error": [], "result": made.RESULTS[site]}).encode()) for site in sites}
        for name, sites in made.SITES.items()
    }
    calls["test_order"] = {site: Said(200, made.TESTED) for site in calls["test_order"]}
    return Subject("kraken", instrument, request, ApiKey(KEY, SECRET), calls)


def gateway_to(subject: Subject, answer: Callable[[Request], Said]) -> Gateway:
    """Return a gateway that asks about the subject."""
    gateway = gateway_of(subject.venue, subject.now_ms, subject.key, answer)
    gateway.use([subject.instrument])
    return gateway


def refresh(gateway: Gateway, subject: Subject) -> None:
    """Let the gateway forget what it learnt."""
    gateway._claimed.clear()
    gateway._client_ids.clear()
    gateway._instruments.clear()
    gateway.use([subject.instrument])
