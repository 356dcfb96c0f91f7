"""Binance's dialect, spoken by the unmodified ccxt client: stops, caps, bands, halts and accounts that meet."""

from dataclasses import replace
from typing import Any

import ccxt.async_support as ccxt
import pytest

from sandbox.config import START_MS
from sandbox.pairs import Rules
from tests.venues.test_sandbox_binance import EUR, talking

FEES = Rules(1_000, 1_000)


async def price_at(exchange: Any, share: float) -> float:
    """A price on the grid, at a share of the last one."""
    return float(exchange.price_to_precision(EUR, (await exchange.fetch_ticker(EUR))["last"] * share))


async def test_a_stop_of_the_client_waits_is_reported_and_is_cancelled() -> None:
    async with talking(FEES) as (sandbox, exchange):
        await exchange.create_order(EUR, "market", "buy", 0.01)
        trigger, limit = await price_at(exchange, 0.95), await price_at(exchange, 0.94)
        order = await exchange.create_order(EUR, "limit", "sell", 0.01, limit, {"stopLossPrice": trigger, "newClientOrderId": "guard"})
        assert (order["status"], order["stopPrice"], order["price"]) == ("open", trigger, limit)
        info = (await exchange.fetch_order(order["id"], EUR))["info"]
        assert (info["type"], info["isWorking"], info["workingTime"], info["status"]) == ("STOP_LOSS_LIMIT", False, -1, "NEW")
        assert sandbox.exchange.ledger.balance("main", "BTC").free == 0
        assert [found["id"] for found in await exchange.fetch_open_orders(EUR)] == [order["id"]]
        assert (await exchange.fetch_order(None, EUR, {"clientOrderId": "guard"}))["triggerPrice"] == trigger
        assert (await exchange.cancel_order(order["id"], EUR))["status"] == "canceled"
        assert sandbox.exchange.ledger.balance("main", "BTC").locked == 0


@pytest.mark.parametrize(
    ("kind", "param", "share", "name"),
    [
        ("limit", "stopLossPrice", 0.95, "STOP_LOSS_LIMIT"),
        ("market", "stopLossPrice", 0.95, "STOP_LOSS"),
        ("limit", "takeProfitPrice", 1.05, "TAKE_PROFIT_LIMIT"),
        ("market", "takeProfitPrice", 1.05, "TAKE_PROFIT"),
    ],
)
async def test_each_kind_of_stop_is_accepted_on_its_side_of_the_market_and_refused_on_the_other(
    kind: str, param: str, share: float, name: str
) -> None:
    async with talking(FEES) as (sandbox, exchange):
        await exchange.create_order(EUR, "market", "buy", 0.02)
        trigger, wrong = await price_at(exchange, share), await price_at(exchange, 2 - share)
        order = await exchange.create_order(EUR, kind, "sell", 0.01, trigger if kind == "limit" else None, {param: trigger})
        assert order["info"]["type"] == name
        assert sandbox.exchange.open_orders("main")[0].is_waiting
        with pytest.raises(ccxt.OrderImmediatelyFillable, match="Stop price would trigger immediately"):
            await exchange.create_order(EUR, kind, "sell", 0.01, wrong if kind == "limit" else None, {param: wrong})


async def test_a_stop_is_triggered_by_the_market_and_reported_as_working_or_filled() -> None:
    async with talking(FEES) as (sandbox, exchange):
        await exchange.create_order(EUR, "market", "buy", 0.02)
        near = await price_at(exchange, 0.9995)
        falls = await exchange.create_order(EUR, "market", "sell", 0.01, None, {"stopLossPrice": near})
        rises = await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.9), {"takeProfitPrice": near})
        for minute in range(1, 2_000):
            sandbox.exchange.advance(START_MS + minute * 60_000)
            if not any(order.is_waiting for order in sandbox.exchange.open_orders("main")):
                break
        sold, waits = await exchange.fetch_order(falls["id"], EUR), await exchange.fetch_order(rises["id"], EUR)
        assert (sold["status"], sold["filled"], sold["info"]["isWorking"]) == ("closed", 0.01, True)
        assert (waits["status"], waits["filled"], waits["info"]["isWorking"]) == ("open", 0.0, True)
        assert int(waits["info"]["workingTime"]) == waits["lastUpdateTimestamp"] > START_MS
        assert {trade["takerOrMaker"] for trade in await exchange.fetch_my_trades(EUR)} == {"taker"}


@pytest.mark.parametrize(
    "params",
    [
        {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "price": "90000"},
        {"type": "STOP_LOSS_LIMIT", "timeInForce": "FOK", "price": "90000", "stopPrice": "91000"},
        {"type": "STOP_LOSS_LIMIT", "price": "90000", "stopPrice": "91000"},
        {"type": "TRAILING_STOP", "stopPrice": "91000"},
    ],
)
async def test_a_stop_that_lacks_a_parameter_is_refused(params: dict[str, str]) -> None:
    async with talking(FEES) as (sandbox, exchange):
        with pytest.raises(ccxt.BaseError, match="-1102"):
            await exchange.privatePostOrder({"symbol": "BTCEUR", "side": "BUY", "quantity": "0.01", **params})
        assert sandbox.exchange.all_orders() == []


async def test_caps_and_bands_are_told_as_filters_and_refused_by_their_names() -> None:
    async with talking(replace(FEES, open_orders_max=1, price_band_ppm=200_000)) as (_, exchange):
        filters = {row["filterType"]: row for row in exchange.market(EUR)["info"]["filters"]}
        assert filters["MAX_NUM_ORDERS"]["maxNumOrders"] == 1
        assert (filters["PERCENT_PRICE"]["multiplierUp"], filters["PERCENT_PRICE"]["multiplierDown"]) == ("1.2", "0.8")
        with pytest.raises(ccxt.BaseError, match="Filter failure: PERCENT_PRICE"):
            await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.79))
        await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.81))
        with pytest.raises(ccxt.BaseError, match="Filter failure: MAX_NUM_ORDERS"):
            await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.81))


async def test_a_halted_market_says_so_refuses_orders_and_lets_them_be_cancelled() -> None:
    async with talking(FEES) as (sandbox, exchange):
        order = await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.9))
        sandbox.exchange.halted = {"BTCEUR"}
        await exchange.load_markets(reload=True)
        assert (exchange.market(EUR)["active"], exchange.market("ETH/EUR")["active"]) == (False, True)
        with pytest.raises(ccxt.MarketClosed):
            await exchange.create_order(EUR, "limit", "buy", 0.01, await price_at(exchange, 0.9))
        assert (await exchange.cancel_order(order["id"], EUR))["status"] == "canceled"


async def test_changed_filters_reach_the_client() -> None:
    async with talking(FEES) as (sandbox, exchange):
        sandbox.exchange.change_filters("BTCEUR", tick=50, lot=100, qty_min=200)
        await exchange.load_markets(reload=True)
        market = exchange.market(EUR)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.5, 0.0001)
        assert market["limits"]["amount"]["min"] == 0.0002


async def test_an_order_that_met_its_own_account_has_expired_in_the_match() -> None:
    async with talking(replace(FEES, accounts_meet=True)) as (sandbox, exchange):
        book = sandbox.exchange.book("BTCEUR")
        inside = (book.bids[0].price + 1) / 100
        assert inside < book.asks[0].price / 100
        rests = await exchange.create_order(EUR, "limit", "buy", 0.01, inside)
        sandbox.exchange.credit("main", "BTC", 10**10)
        await exchange.create_order(EUR, "limit", "sell", 0.01, inside)
        met = await exchange.fetch_order(rests["id"], EUR)
        assert (met["info"]["status"], met["status"]) == ("EXPIRED_IN_MATCH", "expired")
