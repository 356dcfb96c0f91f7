"""A hundred resting orders are cancelled while a fifth of all private requests is lost: every one is confirmed in seconds."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from sandbox.config import Config
from sandbox.server import ACCOUNT, start
from tests.venues.gateway_connected import connect
from trader_core.model.command import Command
from trader_core.model.instrument import freeze
from trader_core.model.money import UNIT
from trader_core.model.order import OrderEvent, OrderState
from trader_core.model.plan import Plan
from trader_core.model.session import Cause, Side
from trader_core.trader import events as ev
from trader_core.trader.control import Control
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import opening
from trader_core.trader.shell import Shell
from trader_core.trader.state import State, apply, opened
from trader_core.venues.port import Outcome, SendRequest

SYMBOL, COUNT, LIMIT_S = "BTC/USDT", 100, 15.0
LOST = [
    {"site": site, "kind": "timeout", "when": when, "params": {"seconds": 30}, "only": {"chance": 0.1}}
    for site in ("DELETE /api/v3/order", "GET /api/v3/order", "GET /api/v3/myTrades")
    for when in ("before", "after")
]
"""A tenth is lost before it is executed, and a tenth of the rest after."""


class Kept:
    """A journal in memory."""

    async def commit(self, records: Sequence[Record], state: State) -> None:
        assert records
        assert state.session_id == "storm"


@pytest.mark.parametrize("dialect", ["mexc", "binance"])
async def test_a_hundred_open_orders_are_confirmed_cancelled_within_fifteen_seconds(dialect: str) -> None:
    exchange = await start(Config(history_days=2, dialect=dialect, clock="1x", seed=3))
    connected = await connect(exchange, [SYMBOL], may_send=lambda _: None)
    try:
        (coin,) = connected.instruments
        now, gateway = connected.feed.now_ms(), connected.gateway
        plan = Plan("sma_cross", (("fast", 2), ("slow", 3)), (SYMBOL,), "1m", 100_000 * UNIT)
        state = opened(opening("storm", plan, (freeze(coin, 10_000_000),), Protocol(), now // 60_000 * 60_000, {}).body)
        for number in range(COUNT):
            cid = f"gh{number}"
            request = SendRequest(cid, SYMBOL, Side.BUY, 200, 5_000_000, connected.feed.now_ms(), 5_000, "LIMIT")
            reply = await gateway.submit(request)
            assert reply.outcome is Outcome.OK
            assert reply.value is not None
            body = {"signal": number, "instrument": 0, "side": 1, "qty": 200, "limit": 5_000_000, "cause": int(Cause.TARGET), "ts": now}
            apply(state, Record(Kind.INTENT, {"client_order_id": cid, **body}))
            apply(state, Record(Kind.SENDING, {"client_order_id": cid, "sent_ms": now, "window_ms": 5_000, "epoch": 1}))
            venue_id = reply.value.venue_order_id
            apply(state, Record(Kind.MOVE, {"client_order_id": cid, "event": OrderEvent.ACK, "venue_order_id": venue_id}))
        assert len(exchange.exchange.open_orders(ACCOUNT)) == COUNT
        exchange.faults.add(LOST)
        shell = Shell(state, Kept(), gateway, connected.feed, Control())
        began = time.monotonic()
        await shell.handle(ev.Operator(Command.CANCEL_ALL, 1, "operator", "a storm", connected.feed.now_ms()))
        while state.pending and time.monotonic() - began < 4 * LIMIT_S:
            await asyncio.sleep(0.05)
            await shell.handle(ev.Tick(connected.feed.now_ms()))
        took_s = time.monotonic() - began
        assert state.pending == {}
        assert {order.state for order in state.orders.values()} == {OrderState.CANCELED}
        assert exchange.exchange.open_orders(ACCOUNT) == []
        assert sum(rule.fired for rule in exchange.faults.rules) > COUNT // 10
        assert took_s < LIMIT_S
    finally:
        await connected.feed.close()
        await gateway.close()
        await exchange.stop()
