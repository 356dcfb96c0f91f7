"""Stops, halts, changed filters and saved states in Kraken's dialect."""

from typing import Any

import ccxt.async_support as ccxt
import pytest

from sandbox.config import Config
from sandbox.pairs import Rules
from tests.venues.kraken_client import said, talking
from tests.venues.sandbox_client import raw, running

S = "BTC/EUR"
STOP = {"pair": "XBTEUR", "type": "sell", "ordertype": "stop-loss-limit", "volume": "0.5", "price": "78000.0", "price2": "77000.0"}


async def row_of(exchange: Any, txid: str) -> dict[str, Any]:
    found: dict[str, Any] = (await exchange.privatePostQueryOrders({"txid": txid}))["result"][txid]
    return found


async def test_a_stop_waits_until_the_last_price_reaches_its_trigger_and_then_trades() -> None:
    async with talking(credits=(("EUR", "10000"), ("BTC", "1"))) as (sandbox, exchange):
        last = (await exchange.fetch_ticker(S))["last"]
        trigger, limit = (float(exchange.price_to_precision(S, last * share)) for share in (0.999, 0.95))
        placed = await exchange.create_order(S, "limit", "sell", 0.5, limit, {"stopLossPrice": trigger, "clientOrderId": "guard"})
        waiting = await exchange.fetch_order(placed["id"], S)
        sentence = f"sell 0.50000000 XBTEUR @ stop loss {trigger:.1f} -> limit {limit:.1f}"
        assert placed["info"]["descr"]["order"] == sentence
        assert (waiting["status"], waiting["stopLossPrice"], waiting["price"], waiting["filled"]) == ("open", trigger, limit, 0.0)
        descr = waiting["info"]["descr"]
        assert (descr["ordertype"], descr["price"], descr["price2"]) == ("stop-loss-limit", f"{trigger:.1f}", f"{limit:.1f}")
        assert (waiting["info"]["misc"], waiting["info"]["limitprice"]) == ("", "0.00000")
        assert (await exchange.fetch_balance())["BTC"]["used"] == 0.5
        sandbox.exchange.advance(sandbox.exchange.now_ms + 86_400_000)
        over = await row_of(exchange, placed["id"])
        assert (over["status"], over["misc"], over["limitprice"]) == ("closed", "stopped", f"{limit:.1f}")
        assert float(over["price"]) > limit, "it sold at the book's prices"
        trades = (await exchange.privatePostTradesHistory())["result"]["trades"].values()
        assert {trade["ordertype"] for trade in trades} == {"stop-loss-limit"}


@pytest.mark.parametrize(("kind", "price"), [("stop-loss", "78000.0"), ("take-profit", "90000.0")])
async def test_a_stop_at_market_has_no_limit_and_can_be_canceled(kind: str, price: str) -> None:
    async with running(Config(dialect="kraken", credits=(("BTC", "1"),))) as sandbox:
        asked = {**STOP, "ordertype": kind, "price": price, "price2": ""}
        (txid,) = said(sandbox, "AddOrder", **asked)["result"]["txid"]
        row = said(sandbox, "OpenOrders")["result"]["open"][txid]
        word = kind.replace("-", " ")
        assert row["descr"]["order"] == f"sell 0.50000000 XBTEUR @ {word} {price}"
        assert (row["descr"]["ordertype"], row["descr"]["price"], row["descr"]["price2"]) == (kind, price, "0")
        assert said(sandbox, "CancelOrder", txid=txid)["result"] == {"count": 1}
        assert said(sandbox, "QueryOrders", txid=txid)["result"][txid]["reason"] == "User requested"


async def test_a_halted_pair_is_cancel_only() -> None:
    async with talking() as (sandbox, exchange):
        resting = await exchange.create_order(S, "limit", "buy", 0.01, 50_000)
        sandbox.exchange.halted = {"BTCEUR"}
        with pytest.raises(ccxt.OnMaintenance, match="EService:Market in cancel_only mode"):
            await exchange.create_order(S, "limit", "buy", 0.01, 50_000)
        await exchange.load_markets(reload=True)
        assert (exchange.market(S)["active"], exchange.market(S)["info"]["status"]) == (False, "cancel_only")
        await exchange.cancel_order(resting["id"], S)


async def test_changed_filters_and_caps_are_told_and_kept() -> None:
    async with running(Config(dialect="kraken", rules=Rules(2_500, 4_000, open_orders_max=1))) as sandbox, raw(sandbox) as sender:
        sandbox.exchange.change_filters("BTCEUR", tick=5, lot=100, qty_min=20_000)
        status, body = await sender.send("GET /0/public/AssetPairs", "pair=XBT/EUR")
        assert status == 200
        for field in (b'"tick_size":"0.5"', b'"pair_decimals":1', b'"lot_decimals":6', b'"ordermin":"0.0002"'):
            assert field in body
        order = {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000.5"}
        assert said(sandbox, "AddOrder", **{**order, "price": "50000.4"})["error"] == ["EOrder:Tick size check failed"]
        assert said(sandbox, "AddOrder", **order)["error"] == []
        assert said(sandbox, "AddOrder", **order)["error"] == ["EOrder:Orders limit exceeded"]


async def test_the_dead_mans_switch_of_a_saved_exchange_still_falls() -> None:
    async with running(Config(dialect="kraken", credits=(("BTC", "1"),))) as saved, running(Config(dialect="kraken")) as later:
        assert said(saved, "AddOrder", **STOP)["error"] == []
        assert said(saved, "CancelAllOrdersAfter", timeout="60")["error"] == []
        later.exchange.become(type(saved.exchange).restored(later.exchange.market, None, saved.exchange.saved()))
        assert len(later.exchange.open_orders("main")) == 1
        later.exchange.advance(later.exchange.now_ms + 60_000)
        assert later.exchange.open_orders("main") == []
