"""The unmodified MEXC client trades on the embedded exchange over loopback."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import pytest

from sandbox.config import START_MS, Config
from sandbox.market import CLOSE, HIGH, LOW, OPEN, VOLUME, minute_candles
from sandbox.pairs import PAIRS
from sandbox.server import Sandbox
from tests.venues.sandbox_client import client, mexc, running

S = "BTC/USDT"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(Config(credits=(("USDT", "10000"), ("BTC", "1")))) as started:
        yield started


@pytest.fixture
async def exchange(sandbox: Sandbox) -> AsyncIterator[Any]:
    async with client(sandbox) as connected:
        yield connected


async def test_markets_carry_grids_minimums_and_fees(exchange: Any) -> None:
    assert sorted(exchange.markets) == sorted(pair.symbol for pair in PAIRS)
    btc = exchange.markets[S]
    assert (btc["precision"]["price"], btc["precision"]["amount"]) == (0.01, 0.000001)
    assert (btc["limits"]["cost"]["min"], btc["maker"], btc["taker"], btc["active"]) == (1.0, 0.0, 0.0005, True)
    fee = await exchange.fetch_trading_fee(S)
    assert (fee["maker"], fee["taker"]) == (0.0, 0.0005)
    assert await exchange.fetch_time() == START_MS


async def test_candles_are_the_market_to_the_last_tick(sandbox: Sandbox, exchange: Any) -> None:
    sandbox.exchange.advance(START_MS + 600_000)
    rows = await exchange.fetch_ohlcv("DOGE/USDT", "1m", since=START_MS, limit=10)
    first = START_MS // 60_000
    truth = minute_candles(sandbox.exchange.market, "DOGEUSDT", first, first + 10).tolist()
    assert [[row[0], *(round(value * 10**5) for value in row[1:5]), round(row[5] * 100)] for row in rows] == [
        [START_MS + 60_000 * at, row[OPEN], row[HIGH], row[LOW], row[CLOSE], row[VOLUME]] for at, row in enumerate(truth)
    ]
    assert len(await exchange.fetch_ohlcv(S, "1h", since=START_MS - 7_200_000, limit=2)) == 2
    assert len(await exchange.fetch_ohlcv(S, "1m")) == 500


async def test_book_ticker_and_trades_agree_with_each_other(exchange: Any) -> None:
    book, ticker, trades = await exchange.fetch_order_book(S, 5), await exchange.fetch_ticker(S), await exchange.fetch_trades(S, limit=3)
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert ticker["bid"] < ticker["last"] < ticker["ask"]
    assert trades[-1]["price"] == ticker["last"]
    assert [trade["timestamp"] - START_MS for trade in trades] == [-10_000, -5_000, 0]
    assert len(await exchange.fetch_tickers()) == 10
    assert len(await exchange.fetch_bids_asks()) == 10
    assert float((await exchange.spot_public_get_ticker_price({"symbol": "BTCUSDT"}))["price"]) == ticker["last"]


async def test_an_order_lives_and_is_found_by_both_ids(exchange: Any) -> None:
    placed = await exchange.create_order(S, "limit", "buy", 0.001, 50_000, {"clientOrderId": "gh1"})
    assert (placed["status"], placed["clientOrderId"], placed["filled"]) == (None, None, None), "MEXC's acknowledgement is meagre"
    by_client = await exchange.fetch_order(None, S, {"clientOrderId": "gh1"})
    by_id = await exchange.fetch_order(placed["id"], S)
    assert by_client == by_id
    assert (by_id["status"], by_id["amount"], by_id["price"], by_id["clientOrderId"]) == ("open", 0.001, 50_000.0, "gh1")
    assert [order["id"] for order in await exchange.fetch_open_orders(S)] == [placed["id"]]
    balance = await exchange.fetch_balance()
    assert balance["USDT"] == {"free": 9_949.975, "used": 50.025, "total": 10_000.0}
    canceled = await exchange.cancel_order(None, S, {"clientOrderId": "gh1"})
    assert canceled["status"] == "canceled"
    assert await exchange.fetch_open_orders(S) == []
    assert [order["status"] for order in await exchange.fetch_orders(S)] == ["canceled"]
    assert (await exchange.fetch_balance())["USDT"]["free"] == 10_000.0


async def test_orders_are_cancelled_by_id_and_by_symbol(exchange: Any) -> None:
    first, *_ = [await exchange.create_order(S, "limit", "buy", 0.001, price) for price in (50_000, 51_000, 52_000)]
    assert (await exchange.cancel_order(first["id"], S))["id"] == first["id"]
    assert len(await exchange.cancel_all_orders(S)) == 2
    assert await exchange.fetch_open_orders(S) == []
    with pytest.raises(ccxt.BadRequest, match="-2011"):
        await exchange.cancel_order(first["id"], S)
    with pytest.raises(ccxt.ExchangeError, match="-2013"):
        await exchange.fetch_order("C02__1", S)


async def test_every_order_type_goes_through_the_client(exchange: Any) -> None:
    ask = (await exchange.fetch_order_book(S, 1))["asks"][0][0]
    asked = [
        ("market", "buy", 0.001, None, {}),
        ("market", "buy", 0.001, None, {"cost": 50}),
        ("market", "sell", 0.0005, None, {}),
        ("limit", "buy", 0.001, ask * 1.01, {"timeInForce": "IOC"}),
        ("limit", "buy", 0.001, ask * 0.9, {"timeInForce": "IOC"}),
        ("limit", "buy", 0.001, ask * 1.01, {"timeInForce": "FOK"}),
        ("limit", "buy", 5.0, 1_000, {"timeInForce": "FOK"}),
        ("limit", "buy", 0.001, 50_000, {"postOnly": True}),
    ]
    found = []
    for kind, side, amount, price, params in asked:
        text = None if price is None else exchange.price_to_precision(S, price)
        placed = await exchange.create_order(S, kind, side, amount, text, params)
        order = await exchange.fetch_order(placed["id"], S)
        found.append((order["info"]["type"], order["status"], order["filled"] == order["amount"] and order["filled"] > 0))
    assert found == [
        ("MARKET", "closed", True),
        ("MARKET", "closed", True),
        ("MARKET", "closed", True),
        ("IMMEDIATE_OR_CANCEL", "closed", True),
        ("IMMEDIATE_OR_CANCEL", "canceled", False),
        ("FILL_OR_KILL", "closed", True),
        ("FILL_OR_KILL", "canceled", False),
        ("LIMIT_MAKER", "open", False),
    ]
    with pytest.raises(ccxt.InsufficientFunds, match="30005"):
        await exchange.create_order(S, "limit", "buy", 0.001, ask * 1.01, {"postOnly": True})
    assert await exchange.create_order(S, "limit", "buy", 0.001, 50_000, {"test": True})
    assert len(await exchange.fetch_open_orders(S)) == 1, "an order test places nothing"


async def test_my_trades_sum_to_the_order_and_pay_the_fee_in_quote(sandbox: Sandbox, exchange: Any) -> None:
    best = sandbox.exchange.book("BTCUSDT").asks[0]
    amount = (best.qty + 1_000) / 10**6
    placed = await exchange.create_order(S, "market", "buy", amount, None, {"clientOrderId": "gh7"})
    trades = await exchange.fetch_my_trades(S)
    order = await exchange.fetch_order(placed["id"], S)
    assert len(trades) == 2
    assert sum(trade["amount"] for trade in trades) == pytest.approx(amount, abs=1e-12)
    assert sum(trade["cost"] for trade in trades) == pytest.approx(order["cost"], abs=1e-9)
    assert sum(trade["fee"]["cost"] for trade in trades) == pytest.approx(order["cost"] * 0.0005, abs=1e-9)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}
    assert {(trade["order"], trade["info"]["clientOrderId"], len(trade["id"])) for trade in trades} == {(placed["id"], "gh7", 32)}
    assert order["price"] > order["average"], "a market order's price is its protection price"


async def test_fills_of_resting_orders_arrive_when_the_stepped_clock_moves(sandbox: Sandbox, exchange: Any) -> None:
    bid = (await exchange.fetch_order_book(S, 1))["bids"][0][0]
    await exchange.create_order(S, "limit", "buy", 0.001, bid, {"clientOrderId": "gh2"})
    assert (await exchange.fetch_order(None, S, {"clientOrderId": "gh2"}))["status"] == "open"
    sandbox.exchange.advance(START_MS + 3_600_000)
    order = await exchange.fetch_order(None, S, {"clientOrderId": "gh2"})
    assert (order["status"], order["cost"]) == ("closed", pytest.approx(bid * 0.001))
    (trade,) = await exchange.fetch_my_trades(S)
    assert (trade["takerOrMaker"], trade["fee"]["cost"]) == ("maker", 0.0)
    assert START_MS < trade["timestamp"] <= START_MS + 3_600_000


async def test_reports_cut_times_to_seconds_but_filter_by_the_true_ones(sandbox: Sandbox, exchange: Any) -> None:
    sandbox.exchange.advance(START_MS + 1_700)
    placed = await exchange.create_order(S, "market", "buy", 0.001)
    assert placed["timestamp"] == START_MS + 1_700
    assert (await exchange.fetch_order(placed["id"], S))["timestamp"] == START_MS + 1_000
    request = {"symbol": "BTCUSDT", "startTime": START_MS + 1_700}
    (trade,) = await exchange.spot_private_get_mytrades(request)
    assert trade["time"] == START_MS + 1_000
    assert await exchange.spot_private_get_mytrades({**request, "startTime": START_MS + 1_701}) == []


async def test_fills_come_youngest_first_and_at_most_the_youngest_hundred(exchange: Any) -> None:
    ids = [(await exchange.create_order(S, "market", "buy", 0.0001 * (1 + at)))["id"] for at in range(3)]
    trades = await exchange.spot_private_get_mytrades({"symbol": "BTCUSDT", "limit": 2})
    assert [trade["orderId"] for trade in trades] == [ids[2], ids[1]]
    orders = await exchange.spot_private_get_allorders({"symbol": "BTCUSDT", "limit": 2})
    assert [order["orderId"] for order in orders] == [ids[2], ids[1]]


@pytest.mark.parametrize(
    ("kind", "amount", "price", "error", "code"),
    [
        ("limit", "0.00001", "50000", ccxt.InvalidOrder, "30002"),
        ("limit", "1", "50000", ccxt.InsufficientFunds, "30004"),
        ("limit", "0.0010001", "50000", ccxt.InvalidOrder, "10096"),
        ("limit", "0.001", "50000.001", ccxt.InvalidOrder, "30010"),
    ],
)
async def test_a_broken_filter_reaches_the_client_as_mexcs_code(
    exchange: Any, kind: str, amount: str, price: str, error: Any, code: str
) -> None:
    request = {"symbol": "BTCUSDT", "side": "BUY", "type": kind.upper(), "quantity": amount, "price": price}
    with pytest.raises(error, match=f'"code": ?{code}'):
        await exchange.spot_private_post_order(request)


async def test_wrong_keys_signatures_and_clocks_are_told_apart(sandbox: Sandbox) -> None:
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"apiKey": "nobody"}, 0, "10072"),
        ({"secret": "wrong"}, 0, "700002"),
        ({}, -5_001, "700003"),
        ({}, 1_000, "700003"),
    ]
    for keys, skew_ms, code in cases:
        exchange = mexc(sandbox, **keys)
        exchange.nonce = lambda skew_ms=skew_ms: START_MS + skew_ms
        with pytest.raises(ccxt.BaseError, match=code):
            await exchange.fetch_balance()
        await exchange.close()
    for skew_ms in (-5_000, 999):
        exchange = mexc(sandbox)
        exchange.nonce = lambda skew_ms=skew_ms: START_MS + skew_ms
        assert (await exchange.fetch_balance())["USDT"]["free"] == 10_000.0
        await exchange.close()


CONFORMANCE = {
    "load_markets": (), "fetch_ticker": (S,), "fetch_tickers": (S,), "fetch_ohlcv": (S,), "fetch_trades": (S,),
    "fetch_order_book": (S,), "fetch_l2_order_book": (S,), "fetch_status": (), "fetch_balance": (), "fetch_orders": (S,),
    "fetch_open_orders": (S,), "fetch_closed_orders": (S,), "fetch_my_trades": (S,), "fetch_trading_fee": (S,), "features": (),
}  # fmt: skip
SKIPS = {
    "load_markets": dict.fromkeys(("currencyIdAndCode", "currency", "has"), "no networks, no swaps"),
    "fetch_trades": dict.fromkeys(("sideSequence", "side"), "takers alternate as they like"),
    "fetch_orders": {"timeInForce": "the client itself says POST_ONLY"},
    "fetch_open_orders": {"timeInForce": "the client itself says POST_ONLY"},
    "fetch_closed_orders": {"timeInForce": "the client itself says POST_ONLY", "status": "the client asks for all and does not filter"},
}


@pytest.mark.parametrize("name", CONFORMANCE)
async def test_the_clients_own_conformance_test_passes(exchange: Any, name: str) -> None:
    for kind in ("swap", "margin", "future", "option"):
        exchange.has[kind] = False
    await exchange.create_order(S, "limit", "buy", 0.001, 50_000, {"postOnly": True})
    await exchange.create_order(S, "market", "buy", 0.001)
    exchange.milliseconds = lambda: START_MS
    module = importlib.import_module(f"ccxt.test.exchange.async.test_{name}")
    await getattr(module, f"test_{name}")(exchange, SKIPS.get(name, {}), *CONFORMANCE[name])
