"""A round through everything that each dialect of the embedded exchange answers, for the comparison with published payloads."""

from typing import Any

from sandbox.market import TICK_MS
from tests.venues.mexc_messages import read
from tests.venues.schema_samples import Asker, heard
from tests.venues.stream_client import dialled

BTC = "BTCUSDT"
HUNDREDTH = "0.01"


async def mexc(asker: Asker) -> None:
    """Ask everything of MEXC's dialect, and listen to all of its channels."""
    await mexc_public(asker)
    await mexc_orders(asker)
    await mexc_sockets(asker)


async def _market(asker: Asker) -> None:
    """Ask what MEXC and Binance answer alike."""
    await asker.get("GET /api/v3/klines", symbol=BTC, interval="1m", limit=3)
    for name in ("depth", "trades", "aggTrades", "ticker/24hr", "ticker/price", "ticker/bookTicker"):
        await asker.get(f"GET /api/v3/{name}", symbol=BTC)
    for name in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
        await asker.get(f"GET /api/v3/{name}", "all")


async def mexc_public(asker: Asker) -> None:
    """Ask what needs no key, and what needs one and is not about orders."""
    for name in ("ping", "time", "exchangeInfo"):
        await asker.get(f"GET /api/v3/{name}")
    await asker.get("GET /api/v1/contract/detail")
    await _market(asker)
    await asker.signed("GET /api/v3/capital/config/getall")
    await asker.signed("GET /api/v3/account")
    await asker.signed("GET /api/v3/tradeFee", symbol=BTC)


async def mexc_orders(asker: Asker) -> None:
    """Place a market order, resting ones and one that is refused; read and cancel them."""
    filled = await asker.signed("POST /api/v3/order", symbol=BTC, side="BUY", type="MARKET", quantity=HUNDREDTH)
    await asker.signed("POST /api/v3/order", **_resting(), newClientOrderId="mine")
    await asker.signed("POST /api/v3/order", **_resting())
    await asker.signed("POST /api/v3/order", "refused", 400, **_resting("0.0000001"))
    await asker.signed("POST /api/v3/order/test", **_resting())
    await asker.signed("GET /api/v3/order", symbol=BTC, orderId=filled["orderId"])
    await asker.signed("GET /api/v3/openOrders", symbol=BTC)
    await asker.signed("DELETE /api/v3/order", symbol=BTC, origClientOrderId="mine")
    await asker.signed("DELETE /api/v3/openOrders", symbol=BTC)
    await asker.signed("GET /api/v3/allOrders", symbol=BTC)
    await asker.signed("GET /api/v3/myTrades", symbol=BTC)


async def mexc_sockets(asker: Asker) -> None:
    """Listen to every kind of channel while orders are placed."""
    key = (await asker.signed("POST /api/v3/userDataStream"))["listenKey"]
    public = [f"spot@public.aggre.{kind}.v3.api.pb@100ms@{BTC}" for kind in ("deals", "depth", "bookTicker")]
    private = [f"spot@private.{kind}.v3.api.pb" for kind in ("orders", "deals", "account")]
    channels = [*public, f"spot@public.kline.v3.api.pb@{BTC}@Min1", *private]
    cases = {_mexc_case({"channel": channel}) for channel in channels}
    async with dialled(asker.sandbox, f"/ws?listenKey={key}") as socket:
        asker.keep("GET /ws (answer)", await socket.ask({"method": "SUBSCRIPTION", "params": channels}))
        await asker.signed("POST /api/v3/order", symbol=BTC, side="BUY", type="MARKET", quantity=HUNDREDTH, newClientOrderId="heard")
        await asker.signed("POST /api/v3/order", **_resting())
        asker.samples |= await heard(asker.sandbox, socket, cases, _mexc_case, read)
    for method in ("PUT", "GET", "DELETE"):
        await asker.signed(f"{method} /api/v3/userDataStream", listenKey=key)


def _resting(quantity: str = HUNDREDTH) -> dict[str, Any]:
    return {"symbol": BTC, "side": "BUY", "type": "LIMIT", "quantity": quantity, "price": "50000", "timeInForce": "GTC"}


def _mexc_case(said: dict[str, Any]) -> str:
    return f"GET /ws ({said['channel'].partition('@')[2].partition('.v3')[0]})"


async def binance(asker: Asker) -> None:
    """Ask everything of Binance's dialect, and listen to all kinds of its streams."""
    await binance_public(asker)
    await binance_orders(asker)
    await binance_markets(asker)
    await binance_account(asker)


async def binance_public(asker: Asker) -> None:
    """Ask what needs no key, and what needs one and is not about orders; filters are told apart by their names."""
    for name in ("ping", "time"):
        await asker.get(f"GET /api/v3/{name}")
    for symbol in (await asker.get("GET /api/v3/exchangeInfo"))["symbols"]:
        symbol["filters"] = {row["filterType"]: row for row in symbol["filters"]}
    await _market(asker)
    await asker.get("GET /sapi/v1/system/status")
    await asker.signed("GET /sapi/v1/account/apiRestrictions")
    await asker.signed("GET /sapi/v1/asset/tradeFee", symbol=BTC)
    await asker.signed("GET /sapi/v1/asset/tradeFee", "all")
    await asker.signed("GET /api/v3/account")


async def binance_orders(asker: Asker) -> None:
    """Place a market order, resting ones, a stop and one that is refused; read and cancel them."""
    market: dict[str, Any] = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": HUNDREDTH}
    filled = await asker.signed("POST /api/v3/order", "filled", **market)
    await asker.signed("POST /api/v3/order", "resting", **_resting(), newClientOrderId="mine")
    await asker.signed("POST /api/v3/order", "resting", **_resting())
    waiting = {**market, "side": "SELL", "type": "STOP_LOSS", "stopPrice": "50000"}
    stop = await asker.signed("POST /api/v3/order", "waiting stop", **waiting)
    await asker.signed("POST /api/v3/order", "refused", 400, **_resting("0.0000001"))
    await asker.signed("POST /api/v3/order/test", **_resting())
    await asker.signed("GET /api/v3/order", symbol=BTC, orderId=filled["orderId"])
    await asker.signed("GET /api/v3/openOrders", symbol=BTC)
    await asker.signed("DELETE /api/v3/order", symbol=BTC, origClientOrderId="mine")
    await asker.signed("DELETE /api/v3/order", "waiting stop", symbol=BTC, orderId=stop["orderId"])
    await asker.signed("DELETE /api/v3/openOrders", symbol=BTC)
    await asker.signed("GET /api/v3/allOrders", symbol=BTC)
    await asker.signed("GET /api/v3/myTrades", symbol=BTC)


async def binance_markets(asker: Asker) -> None:
    """Listen to every kind of stream of a market."""
    kinds = ("trade", "aggTrade", "kline_1m", "depth@100ms", "bookTicker", "miniTicker", "ticker")
    streams = [*(f"{BTC.lower()}@{kind}" for kind in kinds), "!miniTicker@arr"]
    cases = {
        f"GET /ws ({name})"
        for name in ("trade", "aggTrade", "kline", "depthUpdate", "bookTicker", "24hrMiniTicker", "24hrTicker", "all 24hrMiniTicker")
    }
    async with dialled(asker.sandbox) as socket:
        asker.keep("GET /ws (answer)", await socket.ask({"method": "SUBSCRIBE", "params": streams, "id": 1}))
        asker.keep("GET /ws (refusal)", await socket.ask({"method": "SUBSCRIBE", "params": ["none"], "id": 2}))
        asker.samples |= await heard(asker.sandbox, socket, cases, _market_case)
        asker.keep("GET /ws (LIST_SUBSCRIPTIONS)", await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": 3}))
    for path, case in ((f"/ws/{streams[0]}", "GET /ws/ (trade)"), (f"/stream?streams={streams[0]}", "GET /stream (trade)")):
        async with dialled(asker.sandbox, path) as socket:
            asker.samples[case] = (await heard(asker.sandbox, socket, {"any"}, _any_case))["any"]


def _any_case(_said: Any) -> str:
    return "any"


def _market_case(said: Any) -> str:
    if isinstance(said, list):
        return f"GET /ws (all {said[0]['e']})"
    return f"GET /ws ({said.get('e', 'bookTicker')})"


async def binance_account(asker: Asker) -> None:
    """Listen to an account while it is paid, trades, waits, cancels, and loses its stream."""
    sandbox = asker.sandbox
    events = ("executionReport", "outboundAccountPosition", "balanceUpdate", "eventStreamTerminated")
    cases = {f"GET /ws-api/v3 ({event})" for event in events}
    async with dialled(sandbox, "/ws-api/v3") as socket:
        params = asker.signature({"apiKey": sandbox.api_key, "timestamp": sandbox.exchange.now_ms})
        asked = {"id": 1, "method": "userDataStream.subscribe.signature", "params": params}
        asker.keep("GET /ws-api/v3 (subscribed)", await socket.ask(asked))
        await binance_orders(asker)
        sandbox.open_account("main", {"USDT": "5"})
        await sandbox.sockets.publish()
        sandbox.dialect.lose_listen_keys("main")
        asker.samples |= await heard(sandbox, socket, cases, lambda said: f"GET /ws-api/v3 ({said['event']['e']})")
    async with dialled(sandbox, "/ws-api/v3") as socket:
        for method in ("ping", "time", "session.subscriptions", "userDataStream.unsubscribe"):
            asker.keep("GET /ws-api/v3 (other requests)", await socket.ask({"id": 2, "method": method}))


async def kraken(asker: Asker) -> None:
    """Ask everything of Kraken's dialect."""
    for name in ("Time", "SystemStatus", "Assets", "AssetPairs", "Ticker"):
        await asker.get(f"GET /0/public/{name}")
    for name in ("OHLC", "Depth", "Trades"):
        await asker.get(f"GET /0/public/{name}", pair="XBTEUR")
    market = {"pair": "XBTEUR", "type": "buy", "ordertype": "market", "volume": HUNDREDTH}
    resting = {**market, "ordertype": "limit", "price": "50000.0"}
    (closed,) = (await asker.private("AddOrder", **market))["result"]["txid"]
    (open_,) = (await asker.private("AddOrder", **resting, cl_ord_id="mine"))["result"]["txid"]
    await asker.private("AddOrder", **resting, userref=7)
    await asker.private("AddOrder", **{**market, "type": "sell", "ordertype": "stop-loss", "price": "50000.0"})
    await asker.private("AddOrder", "refused", **{**resting, "volume": "0.00000001"})
    asker.sandbox.exchange.advance(asker.sandbox.exchange.now_ms + TICK_MS)
    await asker.private("OpenOrders", trades="true")
    await asker.private("QueryOrders", "open", txid=open_, trades="true")
    await asker.private("QueryOrders", "closed", txid=closed, trades="true")
    await asker.private("CancelOrder", txid=open_)
    await asker.private("CancelAll")
    await asker.private("CancelAllOrdersAfter", timeout=60)
    await asker.private("CancelAllOrdersAfter", timeout=0)
    await asker.private("ClosedOrders", trades="true")
    trades = (await asker.private("TradesHistory"))["result"]["trades"]
    await asker.private("QueryTrades", txid=next(iter(trades)))
    for name in ("Balance", "BalanceEx", "GetApiKeyInfo"):
        await asker.private(name)
    await asker.private("TradeVolume", pair="XXBTZEUR")
