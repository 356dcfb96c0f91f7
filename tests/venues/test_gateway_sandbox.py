"""The gateway against the embedded exchange: the port's contract, and every fault on an order compared with the ground truth."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.venues.contract import Bench, VenueContract
from tests.venues.gateway_connected import Connected, connect, linked
from trader_core.model.errors import HostRefused
from trader_core.model.instrument import freeze
from trader_core.model.session import Side
from trader_core.venues.port import Outcome, VenueOrderState

SITE = "POST /api/v3/order"


@pytest.fixture
async def connected(exchange: Sandbox) -> AsyncIterator[Connected]:
    found = await connect(exchange, ["BTC/USDT", "ETH/USDT"], may_send=lambda _: None)
    yield found
    await found.feed.close()


async def bench_of(connected: Connected, exchange: Sandbox) -> Bench:
    gateway, instrument = connected.gateway, connected.instruments[0]
    ticker = (await gateway.ticker("BTC/USDT")).value
    assert ticker is not None
    gateway.use([freeze(instrument, ticker.last)])
    return Bench(gateway, connected.feed, instrument, exchange.config.start_ms, ticker.ask * 101 // 100, 200)


class TestGatewayKeepsTheContract(VenueContract):
    @pytest.fixture
    async def bench(self, connected: Connected, exchange: Sandbox) -> Bench:
        return await bench_of(connected, exchange)


@pytest.fixture
async def bench(connected: Connected, exchange: Sandbox) -> Bench:
    return await bench_of(connected, exchange)


LOST_KINDS = [
    "timeout", "reset", "truncated_body", "truncated_json", "empty_200", "html_200", "null_200", "garbage_200", "bad_number_200",
    "wrong_client_id", "307", "429", "500", "502_html", "503_empty", "504", "unknown_code",
]  # fmt: skip


def placed(exchange: Sandbox) -> list[Any]:
    """Return every order that the exchange really has."""
    return list(exchange.exchange.all_orders())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", LOST_KINDS)
async def test_a_lost_order_is_unknown_and_the_look_up_finds_what_the_exchange_has(
    kind: str, when: str, bench: Bench, exchange: Sandbox
) -> None:
    params = {"307": {"location": "/api/v3/order"}, "timeout": {"seconds": 5}}.get(kind, {})
    exchange.faults.add([{"site": SITE, "kind": kind, "when": when, "params": params}])
    bench.venue._wire._exchange.timeout = 300  # type: ignore[attr-defined]
    reply = await bench.venue.submit(bench.request("1"))
    if kind == "429":
        assert (await bench.venue.order(bench.instrument.symbol, "gh1")).outcome is Outcome.RATE, "Retry-After holds on a standing clock"
        await bench.step()
    looked = await bench.venue.order(bench.instrument.symbol, "gh1")
    assert exchange.faults.rules[0].fired == 1
    assert reply.outcome is Outcome.UNKNOWN
    assert len(placed(exchange)) == (1 if looked.outcome is Outcome.OK else 0)
    assert looked.outcome in (Outcome.OK, Outcome.NOT_FOUND)
    assert exchange.faults.rules[0].seen == 1, "asked once, whatever came back"


async def test_a_clock_error_before_execution_proves_that_nothing_was_placed(bench: Bench, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": SITE, "kind": "clock_error", "when": "before"}])
    assert (await bench.venue.submit(bench.request("1"))).outcome is Outcome.CLOCK
    assert placed(exchange) == []


async def test_a_request_that_arrives_after_its_window_is_refused_by_the_exchange(bench: Bench, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": SITE, "kind": "late_execution", "params": {"ms": 4_500}}])
    reply = await bench.venue.submit(bench.request("1"))
    await bench.step()
    assert reply.outcome is Outcome.UNKNOWN
    assert (await bench.venue.order(bench.instrument.symbol, "gh1")).outcome is Outcome.NOT_FOUND
    assert placed(exchange) == []


async def test_a_request_that_arrives_late_but_within_its_window_is_found_by_the_look_up(bench: Bench, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": SITE, "kind": "late_execution", "params": {"ms": 3_000}}])
    assert (await bench.venue.submit(bench.request("1"))).outcome is Outcome.UNKNOWN
    assert (await bench.venue.order(bench.instrument.symbol, "gh1")).outcome is Outcome.NOT_FOUND
    await bench.step()
    assert (await bench.venue.order(bench.instrument.symbol, "gh1")).outcome is Outcome.OK


REFUSED = {
    "no funds": ({"qty": 1_000_000}, "30004"),
    "below the minimum": ({"qty": 5}, "30002"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_rejection_by_the_exchange_leaves_no_order(change: dict[str, int], code: str, bench: Bench, exchange: Sandbox) -> None:
    reply = await bench.venue.submit(replace(bench.request("1"), **change))  # type: ignore[arg-type]
    assert (reply.outcome, reply.code, placed(exchange)) == (Outcome.REJECTED, code, [])


async def test_an_old_time_is_a_clock_error_and_leaves_no_order(bench: Bench, exchange: Sandbox) -> None:
    request = replace(bench.request("1"), sent_ms=bench.feed.now_ms() + 5_000)
    reply = await bench.venue.submit(request)
    assert (reply.outcome, reply.code, placed(exchange)) == (Outcome.CLOCK, "700003", [])


@pytest.mark.parametrize("policy", ["open", "always", "accept"])
async def test_a_client_id_of_another_process_is_never_taken_for_a_rejection(policy: str, bench: Bench, exchange: Sandbox) -> None:
    exchange.exchange.rules = replace(exchange.exchange.rules, duplicates=policy)
    resting = replace(bench.request("1"), order_type="LIMIT", limit=bench.limit * 2 // 3, qty=400)
    await bench.venue.submit(resting)
    bench.venue._claimed.clear()  # type: ignore[attr-defined] # as a new process begins
    again = await bench.venue.submit(resting)
    assert again.outcome is (Outcome.OK if policy == "accept" else Outcome.UNKNOWN)


async def test_a_partial_fill_ends_with_the_filled_part(bench: Bench) -> None:
    book = (await bench.venue.book("BTC/USDT")).value  # type: ignore[attr-defined]
    price, size = book.asks[0]
    await bench.venue.submit(replace(bench.request("1"), limit=price, qty=size + 50))
    found = (await bench.venue.order("BTC/USDT", "gh1")).value
    assert found is not None
    assert (found.state, found.filled) == (VenueOrderState.CANCELED, size)


async def test_a_position_bought_can_be_sold_and_the_fee_is_charged_to_the_unit(bench: Bench) -> None:
    begin = bench.feed.now_ms()
    await bench.venue.submit(bench.request("1"))
    await bench.venue.submit(replace(bench.request("2"), side=Side.SELL, limit=bench.limit * 9 // 10))
    fills = await bench.fills(begin)
    assert {fill.side for fill in fills} == {Side.BUY, Side.SELL}
    for fill in fills:
        cost = fill.price * fill.qty * 100  # two and six decimals: 10^-8, in units of 10^-10
        assert fill.fee == -(-cost * 500 // 1_000_000)


@pytest.mark.parametrize("changed", [{"secret": "0" * 32}, {"api_key": "sb0nobody"}], ids=["secret", "key"])
async def test_a_wrong_key_is_an_auth_outcome_and_no_order(changed: dict[str, str], bench: Bench, exchange: Sandbox) -> None:
    link = await linked(exchange, ["BTC/USDT"], changed=changed)
    link.gateway.use([bench.instrument])
    link.gateway.install_gate(lambda _: None)
    assert (await link.gateway.instruments(["BTC/USDT"])).outcome is Outcome.AUTH
    assert (await link.gateway.submit(bench.request("1"))).outcome is Outcome.AUTH
    assert placed(exchange) == []
    await link.close()


async def test_an_unknown_symbol_is_named(bench: Bench) -> None:
    reply = await bench.venue.instruments(["BTC/USDT", "NOPE/USDT"])
    assert (reply.outcome, reply.value) == (Outcome.NOT_FOUND, None)
    assert "NOPE/USDT" in reply.evidence


async def test_public_data_needs_no_key(exchange: Sandbox) -> None:
    found = await connect(exchange, ["BTC/USDT"], key=False)
    bars = await found.feed.next_slot(exchange.config.start_ms)
    balances = await found.gateway.balances()
    await found.feed.close()
    assert bars["close"].all()
    assert balances.outcome is Outcome.RETRYABLE_READ


async def test_an_announcement_that_names_a_real_host_is_refused(exchange: Sandbox) -> None:
    with pytest.raises(HostRefused):
        await linked(exchange, ["BTC/USDT"], changed={"base_url": "https://api.mexc.com"})
    with pytest.raises(HostRefused):
        await linked(exchange, ["BTC/USDT"], changed={"admin_url": "http://example.com:80"})


async def test_many_orders_at_once_are_each_placed_once(bench: Bench, exchange: Sandbox) -> None:
    requests = [bench.request(f"many{i}") for i in range(30)]
    replies = await asyncio.gather(*(bench.venue.submit(request) for request in requests))
    assert {reply.outcome for reply in replies} == {Outcome.OK}
    assert sorted(order.asked.client_id for order in placed(exchange)) == sorted(request.client_order_id for request in requests)
