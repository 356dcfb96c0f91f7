"""Sessions that share a stepped clock move it to the smallest wish, wait for one that died, and not for one that left."""

import asyncio

from sandbox.barrier import Barrier

PAIR = ("paper", "dry")


class Clock:
    """A clock that stands still until it is told."""

    now = 0

    def moved(self, to_ms: int) -> None:
        self.now = to_ms


def pair() -> tuple[Clock, Barrier]:
    clock = Clock()
    return clock, Barrier(lambda: clock.now, clock.moved)


async def test_the_clock_stands_still_until_each_has_said_a_wish() -> None:
    clock, barrier = pair()
    assert await barrier.reach("paper", PAIR, 60, hold_s=0.02) == 0
    assert await barrier.reach("dry", PAIR, 60, hold_s=0.02) == 60
    assert clock.now == 60


async def test_the_smallest_wish_counts_and_the_other_waits_for_the_next_one() -> None:
    clock, barrier = pair()
    far = asyncio.create_task(barrier.reach("paper", PAIR, 120, hold_s=5))
    assert await barrier.reach("dry", PAIR, 60, hold_s=5) == 60
    assert (clock.now, far.done()) == (60, False)
    assert await barrier.reach("dry", PAIR, 120, hold_s=5) == 120
    assert await far == 120


async def test_one_that_left_is_waited_for_no_more_and_one_that_came_back_is() -> None:
    clock, barrier = pair()
    waiting = asyncio.create_task(barrier.reach("paper", PAIR, 60, hold_s=5))
    await asyncio.sleep(0)
    await barrier.leave("dry")
    assert await waiting == 60
    assert await barrier.reach("dry", PAIR, 70, hold_s=0.02) == 60, "it is back, and paper wishes no more than 60"
    assert clock.now == 60
