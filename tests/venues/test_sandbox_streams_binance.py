"""The unmodified ccxt.pro client watches the embedded exchange through Binance's websockets."""

import asyncio

import pytest
from ccxt.base.errors import AuthenticationError

from sandbox.config import START_MS, Config
from sandbox.market import TICK_MS
from sandbox.pairs import Rules
from tests.venues.stream_client import moved, soon, subscribed, watching

FAST = Config(clock="60x", dialect="binance", rules=Rules(1_000, 1_000, fee_in="received"))
STEPPED = Config(dialect="binance")
BTC, ETH = "BTC/EUR", "ETH/EUR"


async def test_trades_are_those_that_rest_tells_with_their_numbers() -> None:
    async with watching(FAST) as (_, client):
        seen = [*await soon(client.watch_trades(BTC)), *await soon(client.watch_trades(BTC))]
        told = {trade["id"]: trade for trade in await client.fetch_trades(BTC, None, 100)}
        assert len(seen) >= 2
        for trade in seen:
            same = told[trade["id"]]
            assert all(trade[field] == same[field] for field in ("price", "amount", "side", "timestamp"))


async def test_a_candle_ends_as_rest_tells_it() -> None:
    async with watching(FAST) as (_, client):
        candles: dict[int, list[float]] = {}
        while len(candles) < 3:
            candles |= {row[0]: row for row in await soon(client.watch_ohlcv(BTC, "1m"))}
        whole = sorted(candles)[1]
        (row,) = await client.fetch_ohlcv(BTC, "1m", whole, 1)
        assert candles[whole] == row


async def test_several_markets_share_one_connection() -> None:
    async with watching(FAST) as (sandbox, client):
        for _ in range(2):
            await soon(client.watch_trades_for_symbols([BTC, ETH]))
        assert ({*client.trades}, len(sandbox.hub.members)) == ({BTC, ETH}, 1)


async def test_tickers_and_quotes_are_those_that_rest_tells() -> None:
    async with watching(STEPPED) as (sandbox, client):
        watched = asyncio.create_task(client.watch_ticker(BTC))
        await moved(sandbox, watched)
        ticker, told = await watched, await client.fetch_ticker(BTC)
        fields = ("last", "open", "high", "low", "baseVolume", "quoteVolume")
        assert {field: ticker[field] for field in fields} == {field: told[field] for field in fields}
        watched = asyncio.create_task(client.watch_bids_asks([BTC]))
        await moved(sandbox, watched)
        quote, told = (await watched)[BTC], await client.fetch_ticker(BTC)
        assert {side: quote[side] for side in ("bid", "ask")} == {side: told[side] for side in ("bid", "ask")}


async def test_a_book_kept_by_its_changes_is_the_book_that_rest_tells() -> None:
    async with watching(STEPPED) as (sandbox, client):
        for _ in range(4):
            watched = asyncio.create_task(client.watch_order_book(BTC))
            await moved(sandbox, watched)
            kept, told = await watched, await client.fetch_order_book(BTC)
            assert (kept["bids"][:50], kept["asks"][:50]) == (told["bids"][:50], told["asks"][:50])
            assert kept["nonce"] == told["nonce"]
        assert sandbox.exchange.now_ms >= START_MS + 4 * TICK_MS


async def test_orders_fills_and_balances_are_told_as_they_happen() -> None:
    async with watching(FAST) as (sandbox, client):
        watched = [asyncio.create_task(watch) for watch in (client.watch_orders(BTC), client.watch_my_trades(BTC), client.watch_balance())]
        await subscribed(sandbox, 2)
        placed = await client.create_order(BTC, "market", "buy", 0.01, None, {"newClientOrderId": "mine"})
        (order, *_), (trade, *_), _ = await soon(asyncio.gather(*watched))
        while order["status"] != "closed":
            (order, *_) = await soon(client.watch_orders(BTC))
        assert (order["id"], order["clientOrderId"], order["filled"]) == (placed["id"], "mine", 0.01)
        (same, *_) = await client.fetch_my_trades(BTC)
        fields = ("id", "order", "price", "amount", "timestamp", "takerOrMaker", "fee")
        assert {field: trade[field] for field in fields} == {field: same[field] for field in fields}
        truth = await client.fetch_balance()
        held = client.balance["spot"]
        assert [held[name]["free"] for name in ("BTC", "EUR")] == [truth[name]["free"] for name in ("BTC", "EUR")]


async def test_a_resting_order_is_told_open_and_canceled() -> None:
    async with watching(FAST) as (sandbox, client):
        watched = asyncio.create_task(client.watch_orders())
        await subscribed(sandbox, 2)
        placed = await client.create_order(BTC, "limit", "buy", 0.01, 50_000)
        (order,) = await soon(watched)
        assert (order["id"], order["status"], order["price"]) == (placed["id"], "open", 50_000)
        watched = asyncio.create_task(client.watch_orders())
        await asyncio.sleep(0)
        await client.cancel_order(placed["id"], BTC)
        (order,) = await soon(watched)
        assert (order["id"], order["status"]) == (placed["id"], "canceled")


async def test_another_secret_opens_no_account() -> None:
    async with watching(FAST) as (sandbox, client):
        client.secret = "another"
        with pytest.raises((AuthenticationError, KeyError)):  # the library forgets the subscription twice, and trips over that
            await soon(client.watch_orders())
        assert not any(member.topics for member in sandbox.hub.members)
