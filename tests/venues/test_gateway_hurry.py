"""A cancel that is not answered, and the look after it, take a second; the order itself, and a look at what nobody cancels, do not."""

import time

from sandbox.server import Sandbox
from tests.venues.gateway_connected import Connected
from trader_core.model.session import Side
from trader_core.venues.port import Outcome, SendRequest, VenueOrderState

SYMBOL = "BTC/USDT"


async def test_a_cancel_that_is_not_answered_is_unknown_after_a_second_and_its_look_too(exchange: Sandbox, connected: Connected) -> None:
    gateway = connected.gateway
    request = SendRequest("gha", SYMBOL, Side.BUY, 200, 5_000_000, connected.feed.now_ms(), 4_000, "LIMIT")
    assert (await gateway.submit(request)).outcome is Outcome.OK
    for site in ("DELETE /api/v3/order", "GET /api/v3/order"):
        exchange.faults.add([{"site": site, "kind": "timeout", "when": "before", "nth": 1, "params": {"seconds": 30}}])
    began = time.monotonic()
    reply = await gateway.cancel(SYMBOL, "gha")
    assert (reply.outcome, time.monotonic() - began < 4) == (Outcome.UNKNOWN, True)
    assert "TimeoutError" in reply.evidence
    assert (await gateway.order(SYMBOL, "gha")).outcome is Outcome.RETRYABLE_READ
    assert time.monotonic() - began < 6, "a second each, and what a busy machine adds"
    again = await gateway.cancel(SYMBOL, "gha")
    assert again.value is not None
    assert again.value.state is VenueOrderState.CANCELED


async def test_a_look_at_an_order_that_nobody_cancels_has_the_usual_time(exchange: Sandbox, connected: Connected) -> None:
    gateway = connected.gateway
    request = SendRequest("gha", SYMBOL, Side.BUY, 200, 5_000_000, connected.feed.now_ms(), 4_000, "LIMIT")
    assert (await gateway.submit(request)).outcome is Outcome.OK
    exchange.faults.add([{"site": "GET /api/v3/order", "kind": "slow", "when": "before", "nth": 1, "params": {"seconds": 1.5}}])
    assert (await gateway.order(SYMBOL, "gha")).outcome is Outcome.OK
