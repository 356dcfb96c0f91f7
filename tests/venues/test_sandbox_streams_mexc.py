"""The unmodified ccxt.pro client watches the embedded exchange through MEXC's websocket."""

import asyncio
import contextlib

import pytest
from ccxt.base.errors import AuthenticationError, NetworkError

from sandbox.config import START_MS, Config
from sandbox.events import Faithful
from sandbox.market import MINUTE_MS, TICK_MS, TICKS_DAY
from sandbox.server import Sandbox
from tests.venues.sandbox_client import raw
from tests.venues.stream_client import dialled, moved, soon, subscribed, watching

FAST = Config(clock="60x")
BTC = "BTC/USDT"


def printed(sandbox: Sandbox, name: str, ts_ms: int) -> tuple[float, float, str]:
    """Return what the market printed at a time: price, amount, the taker's side."""
    day, row = divmod(ts_ms // TICK_MS, TICKS_DAY)
    block, pair = sandbox.exchange.market.block(name, day), sandbox.exchange.pair(name)
    side = "buy" if block.buys[row] else "sell"
    return int(block.prices[row]) / 10**pair.price_exp, int(block.volumes[row]) / 10**pair.qty_exp, side


async def test_trades_are_those_of_the_tape() -> None:
    async with watching(FAST) as (sandbox, client):
        seen = [*await soon(client.watch_trades(BTC)), *await soon(client.watch_trades(BTC))]
        assert len(seen) >= 2
        for trade in seen:
            assert (trade["price"], trade["amount"], trade["side"]) == printed(sandbox, "BTCUSDT", trade["timestamp"])


async def test_a_candle_ends_as_rest_tells_it() -> None:
    async with watching(FAST) as (_, client):
        candles: dict[int, list[float]] = {}
        while len(candles) < 3:
            candles |= {row[0]: row for row in await soon(client.watch_ohlcv(BTC, "1m"))}
        whole = sorted(candles)[1]
        (row,) = await client.fetch_ohlcv(BTC, "1m", whole, 1)
        assert (candles[whole], whole % MINUTE_MS) == (row, 0)


async def test_a_ticker_is_the_best_of_the_book() -> None:
    async with watching(Config()) as (sandbox, client):
        watched = asyncio.create_task(client.watch_ticker(BTC))
        await moved(sandbox, watched)
        ticker, book = await watched, await client.fetch_order_book(BTC)
        assert [ticker["bid"], ticker["bidVolume"]] == book["bids"][0]
        assert [ticker["ask"], ticker["askVolume"]] == book["asks"][0]


async def test_a_book_kept_by_its_changes_is_the_book_that_rest_tells() -> None:
    async with watching(Config()) as (sandbox, client):
        for _ in range(3):
            watched = asyncio.create_task(client.watch_order_book(BTC))
            await moved(sandbox, watched)
            kept, told = await watched, await client.fetch_order_book(BTC)
            assert (kept["bids"][:50], kept["asks"][:50]) == (told["bids"][:50], told["asks"][:50])
        assert sandbox.exchange.now_ms > START_MS + 25 * TICK_MS


async def test_orders_fills_and_balances_are_told_as_they_happen() -> None:
    async with watching(FAST) as (sandbox, client):
        watched = [asyncio.create_task(watch) for watch in (client.watch_orders(BTC), client.watch_my_trades(BTC), client.watch_balance())]
        await subscribed(sandbox, 3)
        placed = await client.create_order(BTC, "market", "buy", 0.01, None, {"newClientOrderId": "mine"})
        (order, *_), (trade, *_), balance = await soon(asyncio.gather(*watched))
        while order["status"] != "closed":
            (order,) = await soon(client.watch_orders(BTC))
        assert (order["id"], order["clientOrderId"], order["filled"], order["status"]) == (placed["id"], "mine", 0.01, "closed")
        assert (trade["order"], trade["side"], trade["fee"]["currency"]) == (placed["id"], "buy", "USDT")
        while "BTC" not in balance:
            balance = await soon(client.watch_balance())
        truth = await client.fetch_balance()
        assert {name: client.balance["spot"][name]["total"] for name in ("BTC", "USDT")} == {
            name: truth[name]["total"] for name in ("BTC", "USDT")
        }


async def test_a_resting_order_is_told_open_and_canceled() -> None:
    async with watching(FAST) as (sandbox, client):
        watched = asyncio.create_task(client.watch_orders())
        await subscribed(sandbox, 1)
        placed = await client.create_order(BTC, "limit", "buy", 0.01, 50_000)
        (order,) = await soon(watched)
        assert (order["id"], order["status"], order["price"]) == (placed["id"], "open", 50_000)
        watched = asyncio.create_task(client.watch_orders())
        await asyncio.sleep(0)
        await client.cancel_order(placed["id"], BTC)
        (order,) = await soon(watched)
        assert (order["id"], order["status"]) == (placed["id"], "canceled")


async def test_a_listen_key_that_nobody_made_is_refused() -> None:
    async with watching(FAST) as (_, client):
        client.options["listenKey"] = "nobodys"
        with pytest.raises(AuthenticationError):
            await soon(client.watch_orders())


async def test_listen_keys_are_made_listed_kept_and_removed_by_signed_requests() -> None:
    async with watching(Config()) as (sandbox, client), raw(sandbox) as http:
        key = (await client.spotPrivatePostUserDataStream())["listenKey"]
        assert (await client.spotPrivateGetUserDataStream())["listenKey"] == [key]
        assert (await client.spotPrivatePutUserDataStream({"listenKey": key}))["listenKey"] == key
        async with dialled(sandbox, f"/ws?listenKey={key}") as socket:
            channel = "spot@private.orders.v3.api.pb"
            assert (await socket.ask({"method": "SUBSCRIPTION", "params": [channel]}))["msg"] == channel
            assert (await client.spotPrivateDeleteUserDataStream({"listenKey": key}))["listenKey"] == key
            assert (await socket.next()).data == "Invalid listen key"
            assert await socket.closed() == 1008
        status, body = await http.call("PUT /api/v3/userDataStream", listenKey=key)
        assert (status, b"-1125" in body) == (400, True)


class Once(Faithful):
    """Throws one listener of trades out, the first time that it can."""

    def __init__(self) -> None:
        self.codes = [1012]

    def cut(self, site: str, _now_ms: int) -> int | None:
        return self.codes.pop() if site == "stream:trades" and self.codes else None


async def test_a_client_that_is_thrown_out_comes_back_and_hears_again() -> None:
    async with watching(FAST) as (sandbox, client):
        await soon(client.watch_trades(BTC))
        (thrown,), sandbox.hub.meddler = sandbox.hub.members, Once()
        while thrown in sandbox.hub.members:
            with contextlib.suppress(NetworkError):
                await soon(client.watch_trades(BTC))
        with contextlib.suppress(NetworkError):
            await soon(client.watch_trades(BTC))
        assert await soon(client.watch_trades(BTC))
        assert thrown.closed
