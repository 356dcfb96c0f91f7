"""What is signed and written equals the journaled SendRequest, text for text."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.venues.gateway_server import ACK, BTC, NOW_MS, REQUEST, gateway_to, ok, serving
from trader_core.model.session import Side
from trader_core.venues.port import Outcome

PLACE = "POST /api/v3/order"


async def test_the_signed_query_is_the_journaled_request_text_for_text() -> None:
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server, now_ms=lambda: NOW_MS + 1_500) as gateway:
            await gateway.submit(REQUEST)
    pairs = parse_qsl(urlsplit(server.lines[0]).query)
    assert len(pairs) == 9
    assert dict(pairs) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "IMMEDIATE_OR_CANCEL",
        "quantity": "0.0002",
        "price": "50000.5",
        "newClientOrderId": "ghabc123",
        "timestamp": str(NOW_MS),
        "recvWindow": "4000",
        "signature": dict(pairs)["signature"],
    }


@pytest.mark.parametrize(
    ("order_type", "wire", "priced"), [("LIMIT", "LIMIT", True), ("MARKET", "MARKET", False), ("POST_ONLY", "LIMIT_MAKER", True)]
)
async def test_every_order_type_goes_as_the_venue_writes_it(order_type: str, wire: str, *, priced: bool) -> None:
    async with serving() as server:
        server.answers[PLACE] = ok({**ACK, "type": wire, "side": "SELL"})
        async with gateway_to(server) as gateway:
            reply = await gateway.submit(replace(REQUEST, order_type=order_type, side=Side.SELL))
    assert reply.outcome is Outcome.OK
    assert (server.seen[0][1]["type"], server.seen[0][1]["side"], "price" in server.seen[0][1]) == (wire, "SELL", priced)


async def test_the_smallest_and_largest_quantities_are_written_without_exponents() -> None:
    shib = replace(BTC, symbol="SHIB/USDT", base="SHIB", price_exp=10, qty_exp=2)
    async with serving() as server, gateway_to(server) as gateway:
        gateway.use([shib])
        await gateway.submit(replace(REQUEST, symbol="SHIB/USDT", qty=1, limit=1))
        await gateway.submit(replace(REQUEST, symbol="SHIB/USDT", qty=12_345_678_901_200, limit=10**9, client_order_id="ghx2"))
    assert [(query["quantity"], query["price"]) for _, query in server.seen] == [("0.01", "0.0000000001"), ("123456789012", "0.1")]


async def test_concurrent_orders_keep_their_own_times_and_windows() -> None:
    requests = [replace(REQUEST, client_order_id=f"gh{i}", sent_ms=NOW_MS + i, window_ms=3_000 + i) for i in range(20)]
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server) as gateway:
            await asyncio.gather(*(gateway.submit(request) for request in requests), *(gateway.balances() for _ in range(20)))
    sent = {query["newClientOrderId"]: (query["timestamp"], query["recvWindow"]) for call, query in server.seen if call == PLACE}
    assert sent == {f"gh{i}": (str(NOW_MS + i), str(3_000 + i)) for i in range(20)}
    assert {query["timestamp"] for call, query in server.seen if call == "GET /api/v3/account"} == {str(NOW_MS)}


def tampered(client: Any, **changed: str) -> Any:
    """Return a sign that changes the parameters just before signing: a defect of the client, or of us."""
    honest = client.sign

    def sign(path: str, api: Any, method: str, params: dict[str, str]) -> Any:
        return honest(path, api, method, {**params, **changed})

    return sign


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "0.00020"},
        {"quantity": "0.0003"},
        {"price": "50000.51"},
        {"symbol": "ETHUSDT"},
        {"side": "SELL"},
        {"newClientOrderId": "ghother"},
        {"type": "MARKET"},
        {"quoteOrderQty": "10"},
    ],
    ids="-".join,
)
async def test_a_signed_query_that_differs_from_the_journal_is_not_written(changed: dict[str, str]) -> None:
    async with serving() as server, gateway_to(server) as gateway:
        client = gateway._wire._exchange
        client.sign = tampered(client, **changed)
        reply = await gateway.submit(REQUEST)
    assert (reply.outcome, server.seen) == (Outcome.GATED, [])
    assert next(iter(changed)) in reply.evidence


async def test_a_client_that_ignores_the_pinned_time_or_window_is_not_written() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        client = gateway._wire._exchange
        pinned, client.nonce = client.nonce, lambda: NOW_MS + 1
        late = await gateway.submit(REQUEST)
        client.nonce, client.options = pinned, dict.fromkeys(client.options, 60_000)
        client.options = type("Stubborn", (dict,), {"__setitem__": lambda *_: None})(client.options)
        client.options.update({"maxRetriesOnFailure": 0, "recvWindow": 60_000, "timeDifference": 0})
        wide = await gateway.submit(REQUEST)
    assert (late.outcome, wide.outcome, server.seen) == (Outcome.GATED, Outcome.GATED, [])
    assert "timestamp" in late.evidence
    assert "recvWindow" in wide.evidence


BAD = {
    "unknown symbol": {"symbol": "DOGE/USDT"},
    "long id": {"client_order_id": "g" * 33},
    "id with a sign": {"client_order_id": "gh&side=SELL"},
    "no quantity": {"qty": 0},
    "no limit": {"limit": 0},
    "long window": {"window_ms": 5_001},
    "no window": {"window_ms": 0},
    "other type": {"order_type": "STOP"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
async def test_a_request_that_cannot_be_written_is_gated(change: dict[str, Any]) -> None:
    async with serving() as server, gateway_to(server) as gateway:
        reply = await gateway.submit(replace(REQUEST, **change))
    assert (reply.outcome, reply.code, server.seen) == (Outcome.GATED, "request", [])
