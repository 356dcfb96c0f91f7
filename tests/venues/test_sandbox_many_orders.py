"""Ten thousand open orders in one account: placed, read, stepped over and cancelled, while others are answered, in each dialect."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import pytest

from sandbox.config import START_MS, Config
from sandbox.dialects.kraken import Kraken
from sandbox.orders import BUY, SELL, Kind, NewOrder
from sandbox.server import Sandbox
from tests.venues.sandbox_client import raw, running
from tests.venues.stream_client import Socket, dialled
from tests.venues.tongues import TONGUES, Wire
from trader_core.model.money import money

MANY = 10_000
SOON_S = 10.0
"""What none of it may take on a busy machine; on an idle one it is 0.7 s and less."""
Found = TypeVar("Found")


@pytest.fixture(params=list(TONGUES))
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    credits_ = (("USDT", "10000000"),) if request.param != "kraken" else (("EUR", "10000000"),)
    async with running(Config(dialect=request.param, credits=credits_)) as sandbox, raw(sandbox, 20.0) as sender:
        yield Wire(sandbox, sender.session)


def place(sandbox: Sandbox, count: int) -> None:
    """Place so many orders far below the market, each at a price of its own."""
    name = "BTCEUR" if sandbox.dialect.name == "kraken" else "BTCUSDT"
    pair = sandbox.exchange.pair(name)
    for number in range(count):
        asked = NewOrder(name, BUY, Kind.LIMIT, 10 ** (pair.qty_exp - 3), (20_000 + number) * 10**pair.price_exp, client_id=f"m{number}")
        sandbox.exchange.place("main", asked)


async def soon(wire: Wire, call: Awaitable[Found]) -> Found:
    """Return what a call brings, after no longer than it may take, and see that time and book are answered meanwhile."""
    begun, task = time.monotonic(), asyncio.ensure_future(call)
    while not task.done():
        for target in (wire.tongue.time, wire.tongue.book):
            assert (await wire.send("GET", target))[0] == 200
    assert time.monotonic() - begun < SOON_S
    return await task


async def open_orders(wire: Wire) -> list[Any]:
    if wire.kraken:
        _, body = await wire.signed({"trades": "true"}, path="/0/private/OpenOrders")
        return list(json.loads(body)["result"]["open"])
    _, body = await wire.signed({"symbol": "BTCUSDT"}, path="/api/v3/openOrders", method="GET")
    return [order["orderId"] for order in json.loads(body)]


async def cancel_all(wire: Wire) -> int:
    if wire.kraken:
        return int(json.loads((await wire.signed({}, path="/0/private/CancelAll"))[1])["result"]["count"])
    return len(json.loads((await wire.signed({"symbol": "BTCUSDT"}, path="/api/v3/openOrders", method="DELETE"))[1]))


async def page(wire: Wire, at: int) -> list[Any]:
    """Return a page of what is told in pages: fifty closed orders of Kraken's, the youngest thousand of the others' orders."""
    if wire.kraken:
        _, body = await wire.signed({"ofs": str(50 * at)}, path="/0/private/ClosedOrders")
        assert json.loads(body)["result"]["count"] == MANY
        return list(json.loads(body)["result"]["closed"])
    _, body = await wire.signed({"symbol": "BTCUSDT", "limit": "5000"}, path="/api/v3/allOrders", method="GET")
    return [order["orderId"] for order in json.loads(body)]


async def test_ten_thousand_open_orders_are_read_stepped_over_and_cancelled_while_others_are_answered(wire: Wire) -> None:
    begun, exchange = time.monotonic(), wire.sandbox.exchange
    place(wire.sandbox, MANY - 100)
    for number in range(100):
        assert (await wire.signed({**wire.tongue.order, "price": str(40_000 + number)}))[0] == 200
    assert time.monotonic() - begun < 2 * SOON_S
    found = await soon(wire, open_orders(wire))
    assert (len(found), len(set(found))) == (MANY, MANY)
    for minutes in (1, 2):
        answer = await soon(wire, wire.operator("POST /advance", b'{"to_ms":%d}' % (START_MS + minutes * 60_000)))
        assert b'"fills": 0' in answer
    assert await soon(wire, cancel_all(wire)) == MANY
    assert await open_orders(wire) == []
    first, second = await page(wire, 0), await page(wire, 1)
    assert (len(first), len(set(first) & set(second))) == ((50, 0) if wire.kraken else (1_000, 1_000))
    for currency in ("EUR",) if wire.kraken else ("USDT",):
        assert exchange.ledger.balance("main", currency) == (money("10000000"), 0)


async def test_ten_thousand_orders_that_all_fill_in_one_step_are_no_trouble(wire: Wire) -> None:
    exchange = wire.sandbox.exchange
    name = "BTCEUR" if wire.kraken else "BTCUSDT"
    pair, last = exchange.pair(name), exchange.last(name)
    exchange.credit("main", "BTC", money("1000"))
    for number in range(MANY):
        side, price = (SELL, last + last // 2_000) if number % 2 else (BUY, last - last // 2_000)
        exchange.place("main", NewOrder(name, side, Kind.LIMIT_MAKER, 10 ** (pair.qty_exp - 4), price))
    begun = time.monotonic()
    answer = await soon(wire, wire.operator("POST /advance", b'{"to_ms":%d}' % (START_MS + 24 * 3_600_000)))
    assert b'"now_ms"' in answer
    assert (exchange.register.open_count("main", name), len({fill.order_number for fill in exchange.fills})) == (0, MANY)
    assert time.monotonic() - begun < SOON_S


async def test_krakens_open_orders_are_told_with_their_trades_however_many_there_are_of_both() -> None:
    async with running(Config(dialect="kraken", credits=(("EUR", "10000000"),))) as sandbox, raw(sandbox, 20.0) as sender:
        place(sandbox, MANY)
        wire, pair = Wire(sandbox, sender.session), sandbox.exchange.pair("BTCEUR")
        for number in range(MANY // 2):
            sandbox.exchange.advance(sandbox.exchange.now_ms + 5_000 * (number % 50 == 0))
            for side in (BUY, SELL):
                sandbox.exchange.place("main", NewOrder("BTCEUR", side, Kind.MARKET, 10 ** (pair.qty_exp - 4)))
        assert len(sandbox.exchange.fills) >= MANY
        assert len(await soon(wire, open_orders(wire))) == MANY
        assert isinstance(sandbox.dialect, Kraken)
        calls, took = sandbox.dialect._signed, list[float]()
        for params in ({}, {"trades": "true"}):
            begun = time.monotonic()
            calls.open_orders("main", params)
            took.append(time.monotonic() - begun)
        assert took[1] < 10 * took[0], "trades are found in one pass, not in one an order"
        told = calls.closed_orders("main", {"trades": "true"})["closed"]
        assert all(order["trades"] for order in told.values())


@pytest.mark.parametrize("dialect", ["mexc", "binance"])
async def test_a_client_that_reads_hears_of_ten_thousand_cancels_at_once(dialect: str) -> None:
    async with running(Config(dialect=dialect, credits=(("USDT", "10000000"),))) as sandbox, raw(sandbox, 20.0) as sender:
        place(sandbox, MANY)
        wire = Wire(sandbox, sender.session)
        async with listening(wire) as heard:
            assert await cancel_all(wire) == MANY
            for _ in range(2 * MANY):
                assert (await heard.socket.receive()).type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)


@asynccontextmanager
async def listening(wire: Wire) -> AsyncIterator[Socket]:
    """A connection that hears of the account's orders and balances."""
    if wire.sandbox.dialect.name == "mexc":
        key = json.loads((await wire.signed({}, path="/api/v3/userDataStream"))[1])["listenKey"]
        async with dialled(wire.sandbox, f"/ws?listenKey={key}") as socket:
            await socket.ask({"method": "SUBSCRIPTION", "params": [f"spot@private.{what}.v3.api.pb" for what in ("orders", "account")]})
            yield socket
        return
    params = {"apiKey": wire.sandbox.api_key, "timestamp": str(wire.sandbox.exchange.now_ms)}
    signed = "&".join(f"{name}={value}" for name, value in params.items())
    seal = hmac.new(wire.sandbox.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    async with dialled(wire.sandbox, "/ws-api/v3") as socket:
        said = await socket.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": {**params, "signature": seal}})
        assert said["status"] == 200
        yield socket
