"""The limiter counts venue time: it waits on a running clock and refuses at once on a standing one."""

import asyncio
from dataclasses import replace

import pytest

from tests.venues.gateway_server import NOW_MS, gateway_to, http, ok, serving
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.port import Outcome
from trader_core.venues.profiles import MEXC, Profile

RUNNING = replace(MEXC, weight_window_ms=10_000, weight_data=10, weight_orders=10, weight_reserve=2)
STEPPED = replace(RUNNING, stepped=True)


class Clock:
    """Venue time that moves only when somebody sleeps: `speed` venue ms per wall ms."""

    def __init__(self, speed: float = 1.0) -> None:
        self.now, self.speed, self.slept_s = NOW_MS, speed, 0.0

    def read(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.now += round(seconds * 1_000 * self.speed)
        await asyncio.sleep(0)


def limiter_on(clock: Clock, profile: Profile = RUNNING) -> Limiter:
    return Limiter(replace(profile, speed=clock.speed), clock.read, clock.sleep)


async def test_a_full_window_makes_the_next_call_wait_until_its_oldest_weight_leaves() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    assert await limiter.take(Lane.DATA, 4)
    clock.now += 3_000
    assert await limiter.take(Lane.DATA, 6)
    assert await limiter.take(Lane.DATA, 4)
    assert (clock.now, clock.slept_s) == (NOW_MS + 10_000, 7.0)


async def test_a_faster_venue_clock_shortens_the_wait_in_wall_time() -> None:
    clock = Clock(speed=10.0)
    limiter = limiter_on(clock)
    await limiter.take(Lane.DATA, 10)
    await limiter.take(Lane.DATA, 1)
    assert clock.slept_s == 1.0


async def test_orders_leave_a_reserve_that_cancels_and_look_ups_may_use() -> None:
    limiter = limiter_on(Clock(), STEPPED)
    assert [await limiter.take(Lane.ORDERS, 1) for _ in range(9)] == [True] * 8 + [False]
    assert [await limiter.take(Lane.URGENT, 1) for _ in range(3)] == [True, True, False]


async def test_data_and_orders_have_budgets_of_their_own() -> None:
    limiter = limiter_on(Clock(), STEPPED)
    assert await limiter.take(Lane.DATA, 10)
    assert not await limiter.take(Lane.DATA, 1)
    assert await limiter.take(Lane.ORDERS, 8)


async def test_a_standing_clock_refuses_at_once_and_passes_again_after_the_next_step() -> None:
    clock = Clock()
    limiter = limiter_on(clock, STEPPED)
    assert await limiter.take(Lane.DATA, 10)
    assert not await limiter.take(Lane.DATA, 1)
    assert clock.slept_s == 0.0
    clock.now += 60_000
    assert await limiter.take(Lane.DATA, 10)


async def test_a_weight_above_the_budget_is_refused_instead_of_waited_for() -> None:
    clock = Clock()
    assert not await limiter_on(clock).take(Lane.DATA, 11)
    assert clock.slept_s == 0.0


async def test_a_wait_beyond_patience_is_refused() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    await limiter.take(Lane.ORDERS, 8)
    assert not await limiter.take(Lane.ORDERS, 1, patience_ms=9_999)
    assert await limiter.take(Lane.ORDERS, 1, patience_ms=10_000)


async def test_retry_after_holds_every_lane_for_venue_time() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    limiter.hold(3_000)
    assert (limiter.wait_ms(Lane.URGENT, 1), limiter.wait_ms(Lane.DATA, 1)) == (3_000, 3_000)
    assert await limiter.take(Lane.URGENT, 1)
    assert clock.now == NOW_MS + 3_000


async def test_calls_of_one_lane_pass_in_the_order_in_which_they_came() -> None:
    clock, passed = Clock(), list[int]()
    limiter = limiter_on(clock)
    await limiter.take(Lane.DATA, 10)

    async def call(number: int, weight: int) -> None:
        if await limiter.take(Lane.DATA, weight):
            passed.append(number)

    await asyncio.gather(*(call(i, 10 - 3 * i) for i in range(3)))
    assert passed == [0, 1, 2]


@pytest.mark.parametrize(("extra", "held_ms"), [("Retry-After: 7\r\n", 7_000), ("", 1_000), ("Retry-After: soon\r\n", 1_000)])
async def test_a_429_holds_the_gateway_for_as_long_as_the_venue_says(extra: str, held_ms: int) -> None:
    now = [NOW_MS]
    async with serving() as server:
        server.answers["GET /api/v3/time"] = http("429 Too Many Requests", '{"code":429,"msg":"slow"}', extra=extra)
        async with gateway_to(server, now_ms=lambda: now[0]) as gateway:
            assert (await gateway.time_ms()).outcome is Outcome.RATE
            server.answers["GET /api/v3/time"] = ok({"serverTime": NOW_MS})
            now[0] += held_ms - 1
            held = await gateway.time_ms()
            now[0] += 1
            passed = await gateway.time_ms()
    assert (held.outcome, passed.value, len(server.seen)) == (Outcome.RATE, NOW_MS, 2)
    assert "rate budget" in held.evidence


async def test_weight_spent_before_the_clock_was_set_back_is_not_waited_for_for_ever() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    await limiter.take(Lane.DATA, 10)
    clock.now -= 86_400_000
    assert await limiter.take(Lane.DATA, 10)
    assert clock.slept_s == 0.0
