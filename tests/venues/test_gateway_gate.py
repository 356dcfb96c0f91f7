"""The last gate stands behind the limiter's queue and behind signing; what it refuses was never written."""

import asyncio
from dataclasses import replace

import pytest

from tests.venues.gateway_server import ACK, KEY, NOW_MS, REQUEST, call_of, gateway_to, ok, serving
from trader_core.venues.gateway import Gateway
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.port import Outcome, Reply, SendRequest, VenueOrder
from trader_core.venues.profiles import sandbox_profile

PLACE = "POST /api/v3/order"


class Time:
    """A venue clock that a test moves; whoever sleeps in the limiter waits until it is moved."""

    def __init__(self) -> None:
        self.now, self.moved = NOW_MS, asyncio.Event()

    async def sleep(self, _seconds: float) -> None:
        await self.moved.wait()

    def advance(self, ms: int) -> None:
        self.now += ms
        self.moved.set()


async def eight_queued_orders(*, killed: bool) -> tuple[int, list[Reply[VenueOrder]]]:
    """Queue eight orders behind an exhausted budget, kill, let the budget refill, and return how many were written."""
    time, kill = Time(), [""]
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        profile = replace(sandbox_profile(server.url, stepped=False), weight_orders=10, weight_reserve=2, weight_window_ms=1_000)
        limiter = Limiter(profile, lambda: time.now, time.sleep)
        await limiter.take(Lane.ORDERS, 8)
        async with gateway_to(server, now_ms=lambda: time.now, may_send=lambda _: kill[0] or None, limiter=limiter) as gateway:
            jobs = [asyncio.create_task(gateway.submit(replace(REQUEST, client_order_id=f"gh{i}"))) for i in range(8)]
            for _ in range(20):
                await asyncio.sleep(0)
            assert not any(job.done() for job in jobs), "all eight wait in the limiter"
            kill[0] = "killed by an operator" if killed else ""
            time.advance(1_001)
            replies = await asyncio.gather(*jobs)
    return server.count(PLACE), replies


async def test_none_of_eight_queued_orders_is_written_after_a_kill() -> None:
    written, replies = await eight_queued_orders(killed=True)
    assert written == 0
    assert {reply.outcome for reply in replies} == {Outcome.GATED}
    assert all("killed by an operator" in reply.evidence and "nothing written" in reply.evidence for reply in replies)


async def test_all_of_eight_queued_orders_are_written_without_a_kill() -> None:
    written, _ = await eight_queued_orders(killed=False)
    assert written == 8


async def test_a_kill_while_the_connection_is_being_made_is_seen() -> None:
    asked: list[str] = []

    def may_send(request: SendRequest) -> str | None:
        asked.append(request.client_order_id)
        return "killed while connecting" if len(asked) > 1 else None

    async with serving() as server, gateway_to(server, may_send=may_send) as gateway:
        reply = await gateway.submit(REQUEST)
    assert (reply.outcome, server.seen, asked) == (Outcome.GATED, [], ["ghabc123"] * 2)
    assert "killed while connecting" in reply.evidence


@pytest.mark.parametrize(("late_ms", "outcome"), [(2_000, Outcome.OK), (2_001, Outcome.GATED)])
async def test_an_order_goes_until_half_of_its_window_has_passed(late_ms: int, outcome: Outcome) -> None:
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server, now_ms=lambda: NOW_MS + late_ms) as gateway:
            assert (await gateway.submit(REQUEST)).outcome is outcome
    assert server.count(PLACE) == (outcome is Outcome.OK)


async def test_without_a_gate_no_order_is_ever_sent() -> None:
    async with serving() as server, gateway_to(server, may_send=None) as gateway:
        reply = await gateway.submit(REQUEST)
    assert (reply.outcome, server.seen) == (Outcome.GATED, [])


async def test_a_gate_that_is_installed_later_counts_from_then_on() -> None:
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server, may_send=None) as gateway:
            first = await gateway.submit(REQUEST)
            gateway.install_gate(lambda _: None)
            second = await gateway.submit(REQUEST)
    assert (first.outcome, second.outcome, server.count(PLACE)) == (Outcome.GATED, Outcome.OK, 1)


async def test_a_gate_that_raises_lets_nothing_pass() -> None:
    def broken(_: SendRequest) -> str | None:
        raise RuntimeError("the gate broke")

    async with serving() as server, gateway_to(server, may_send=broken) as gateway:
        reply = await gateway.submit(REQUEST)
    assert (reply.outcome, server.seen) == (Outcome.GATED, [])
    assert "did not answer" in reply.evidence


async def test_a_gated_client_id_may_be_submitted_again_since_it_was_never_written() -> None:
    reasons = iter(["not yet", None, None])
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server, may_send=lambda _: next(reasons)) as gateway:
            first, second = await gateway.submit(REQUEST), await gateway.submit(REQUEST)
    assert (first.outcome, second.outcome, server.count(PLACE)) == (Outcome.GATED, Outcome.OK, 1)


async def test_two_submits_of_one_client_id_at_once_write_it_once() -> None:
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server) as gateway:
            both = await asyncio.gather(gateway.submit(REQUEST), gateway.submit(REQUEST))
    assert sorted(reply.outcome for reply in both) == [Outcome.OK, Outcome.UNKNOWN]
    assert server.count(PLACE) == 1


async def test_cancels_and_reads_pass_a_gate_that_refuses_every_order() -> None:
    async with serving() as server, gateway_to(server, may_send=lambda _: "killed") as gateway:
        await gateway.cancel("BTC/USDT", "ghabc123")
        await gateway.order("BTC/USDT", "ghabc123")
    assert [call for call, _ in server.seen] == ["DELETE /api/v3/order", "GET /api/v3/order"]


async def test_an_order_that_the_budget_of_a_standing_clock_cannot_carry_is_gated_at_once() -> None:
    async with serving() as server:
        profile = replace(sandbox_profile(server.url, stepped=True), weight_orders=3, weight_reserve=2)
        limiter = Limiter(profile, lambda: NOW_MS)
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server, limiter=limiter) as gateway:
            outcomes = [(await gateway.submit(replace(REQUEST, client_order_id=f"gh{i}"))).outcome for i in range(2)]
            cancel = await gateway.cancel("BTC/USDT", "gh0")
    assert (outcomes, cancel.outcome) == ([Outcome.OK, Outcome.GATED], Outcome.UNKNOWN)
    assert server.count(PLACE) == 1
    assert server.count("DELETE /api/v3/order") == 1


async def test_a_cancelled_submit_is_not_swallowed_and_its_client_id_stays_used() -> None:
    reached = asyncio.Event()

    def hang(_: dict[str, str]) -> bytes:
        reached.set()
        return b"HANG"

    async with serving() as server:
        server.answers[PLACE] = hang
        async with gateway_to(server) as gateway:
            job = asyncio.create_task(gateway.submit(REQUEST))
            await reached.wait()
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
            assert (await gateway.submit(REQUEST)).code == "written_before"


async def test_a_gateway_without_a_key_sends_no_order() -> None:
    async with serving() as server:
        gateway = Gateway(sandbox_profile(server.url, stepped=True), lambda: NOW_MS, may_send=lambda _: None)
        async with gateway_to(server) as keyed:
            gateway.use(keyed._instruments.values())
        reply = await gateway.submit(REQUEST)
        await gateway.close()
    assert (reply.outcome, server.seen) == (Outcome.GATED, [])
    assert KEY.key not in repr(call_of("GET", "time"))
