"""A venue's clock over days: set again while the session runs, never running backwards by what a measurement is off."""

from trader_core.venues.feed import MEASURE_AFTER_MS, RealTimeFeed
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.reads import Reads
from trader_core.venues.sandbox_clock import RunningClock

START_MS = 1_767_571_200_000


class Machine:
    """A machine's steady clock, and a venue's that it is compared with."""

    def __init__(self) -> None:
        self.steady_ms, self.venue_ms, self.asked, self.away = 0, START_MS, 0, False

    def steady(self) -> int:
        return self.steady_ms

    async def ask(self) -> Reply[int]:
        self.asked += 1
        return Reply(Outcome.RETRYABLE_READ) if self.away else Reply(Outcome.OK, self.venue_ms)

    async def sleep(self, seconds: float) -> None:
        self.steady_ms += int(seconds * 1000) + 1


async def clock_of(machine: Machine) -> RunningClock:
    clock = RunningClock(START_MS + 7_200_000, steady_ms=machine.steady, sleep=machine.sleep)
    await clock.measure(machine.ask)
    return clock


async def test_the_first_measurement_sets_a_wrong_guess_right() -> None:
    assert (await clock_of(Machine())).now_ms() == START_MS


async def test_a_later_one_that_sets_it_back_a_little_lets_it_stand_still() -> None:
    machine = Machine()
    clock = await clock_of(machine)
    machine.steady_ms, machine.venue_ms = 600_000, START_MS + 599_700
    await clock.measure(machine.ask)
    assert clock.now_ms() == START_MS + 600_000
    machine.steady_ms += 200
    assert clock.now_ms() == START_MS + 600_000
    machine.steady_ms += 200
    assert clock.now_ms() == START_MS + 600_100


async def test_one_that_sets_it_back_by_much_is_believed() -> None:
    machine = Machine()
    clock = await clock_of(machine)
    machine.steady_ms, machine.venue_ms = 600_000, START_MS + 590_000
    await clock.measure(machine.ask)
    assert clock.now_ms() == START_MS + 590_000


async def test_a_feed_sets_its_clock_again_after_ten_minutes_and_goes_on_without_an_answer() -> None:
    machine = Machine()
    clock = await clock_of(machine)
    feed = RealTimeFeed(_NoReads(machine), clock, (), "1m")
    machine.steady_ms = MEASURE_AFTER_MS
    await feed.next_slot(START_MS)
    assert machine.asked == 5
    machine.steady_ms, machine.venue_ms = MEASURE_AFTER_MS + 1, START_MS + MEASURE_AFTER_MS + 5_000
    await feed.next_slot(START_MS)
    assert (machine.asked, clock.now_ms()) == (10, START_MS + MEASURE_AFTER_MS + 5_000)
    machine.steady_ms, machine.away = machine.steady_ms + MEASURE_AFTER_MS + 1, True
    await feed.next_slot(START_MS)
    assert machine.asked == 15


class _NoReads(Reads):
    """Reads of a feed without symbols: it is only ever asked for the time."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def time_ms(self) -> Reply[int]:
        return await self._machine.ask()
