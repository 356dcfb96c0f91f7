"""None of a hundred and twenty orders that wait in the limiter reaches the exchange after a kill; all do without one."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from sandbox.config import Config
from sandbox.server import Sandbox
from tests.venues.sandbox_client import running
from trader_core.model.session import Side
from trader_core.venues.gateway import Gateway
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.port import Outcome, SendRequest
from trader_core.venues.profiles import ApiKey, sandbox_profile

QUEUED = 120
ROOM = 2_000
KILL = "killed by an operator"
MARKETS = {"mexc": "BTC/USDT", "binance": "BTC/EUR", "kraken": "BTC/EUR"}


class Time:
    """The exchange's clock, which a test moves; whoever sleeps in the limiter waits until then."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.moved = sandbox, asyncio.Event()

    def now_ms(self) -> int:
        return self.sandbox.exchange.now_ms

    async def sleep(self, _seconds: float) -> None:
        await self.moved.wait()

    def advance(self, ms: int) -> None:
        self.sandbox.exchange.advance(self.now_ms() + ms)
        self.moved.set()


async def queue_and_release(dialect: str, *, killed: bool) -> tuple[int, int, Counter[Outcome]]:
    """Queue orders behind a Retry-After, kill, let time pass; return how many were asked for and exist, and the outcomes."""
    async with running(Config(dialect=dialect)) as sandbox:
        time, kill = Time(sandbox), [""]
        profile = sandbox_profile(sandbox.announcement()["base_url"], stepped=False, dialect=dialect)
        profile = replace(profile, weight_orders=ROOM, weight_reserve=0, weight_window_ms=1_000)
        limiter = Limiter(profile, time.now_ms, time.sleep)
        key = ApiKey(sandbox.api_key, sandbox.secret)
        gateway = Gateway(profile, time.now_ms, key=key, may_send=lambda _: kill[0] or None, limiter=limiter)
        try:
            loaded = (await gateway.instruments([MARKETS[dialect]])).value
            assert loaded is not None
            instrument = loaded[0]
            while limiter.wait_ms(Lane.ORDERS, 1) == 0:
                await limiter.take(Lane.ORDERS, 1)
            limiter.hold(1_001)  # Kraken's orders weigh nothing: there they wait for a Retry-After alone
            qty, price = 2 * 10 ** (instrument.qty_exp - 4), 50_000 * 10**instrument.price_exp
            orders = [
                SendRequest(f"gh{number:03}", MARKETS[dialect], Side.BUY, qty, price, time.now_ms(), 4_000) for number in range(QUEUED)
            ]
            jobs = [asyncio.create_task(gateway.submit(order)) for order in orders]
            for _ in range(50):
                await asyncio.sleep(0)
            assert [job.result().evidence for job in jobs if job.done()] == [], "all of them wait in the limiter"
            kill[0] = KILL if killed else ""
            time.advance(1_001)
            replies = await asyncio.gather(*jobs)
        finally:
            await gateway.close()
        asked = {order.client_order_id for order in orders}
        there = [order for order in sandbox.exchange.orders("main") if order.asked.client_id in asked]
        if killed:
            assert all(KILL in reply.evidence and "nothing written" in reply.evidence for reply in replies)
        return len(asked), len(there), Counter(reply.outcome for reply in replies)


@pytest.mark.parametrize("dialect", MARKETS)
async def test_of_120_queued_orders_none_is_sent_after_a_kill(dialect: str) -> None:
    assert await queue_and_release(dialect, killed=True) == (QUEUED, 0, Counter({Outcome.GATED: QUEUED}))


@pytest.mark.parametrize("dialect", MARKETS)
async def test_of_120_queued_orders_all_are_sent_without_a_kill(dialect: str) -> None:
    asked, there, outcomes = await queue_and_release(dialect, killed=False)
    late = outcomes[Outcome.REJECTED] if dialect == "kraken" else 0  # nonces that overtook each other on their way
    assert (asked, outcomes) == (QUEUED, Counter({Outcome.OK: QUEUED - late, Outcome.REJECTED: late}))
    assert there == QUEUED - late
    assert late < QUEUED // 4
