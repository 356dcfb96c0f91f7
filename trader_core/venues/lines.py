"""Lines: a connection with its streams, watched, dropped when it breaks, and dialled again. Nothing that a venue does is raised."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from trader_core.clock import monotonic_ms
from trader_core.venues.backoff import Backoff
from trader_core.venues.pulse import Pulse, StreamHealth
from trader_core.venues.spoken import PRIVATE, Depth, Name, Said, Stirred

log = structlog.get_logger()

SILENCE_MS = 60_000
"""Venue time without a word on a whole connection to markets: it is dead, however well it answers pings."""
PRIVATE_SILENCE_MS = 1_800_000
"""Nothing may happen on an account for long; a key that was lost without a word is found out after this time."""


class Listener(Protocol):
    """A client of streams."""

    hear: Callable[[Said], None]

    async def watch(self, name: Name) -> str:
        """Keep a stream open until it breaks and return why, or return "" to be asked again."""

    async def drop(self) -> None:
        """Forget the connection and all that came over it."""

    async def close(self) -> None:
        """Leave no socket behind."""


class Sink(Protocol):
    """Who takes what streams say."""

    def take(self, said: Said) -> None:
        """Take it; raises DataFault for what cannot be: the connection is dropped then."""

    def cut(self, name: Name) -> None:
        """Take that a stream broke: something may be missing now."""


class Time(Protocol):
    """The venue's clock."""

    def now_ms(self) -> int:
        """Return the venue's time."""


class Line:
    """One connection."""

    def __init__(
        self,
        client: Listener,
        names: Sequence[Name],
        sink: Sink,
        pulse: Pulse,
        clock: Time,
        backoff: Backoff,
        speed: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Hear nothing before `run`; `speed` is venue time per time of the wall, in which `sleep` counts seconds."""
        self._client, self._names, self._sink, self._pulse, self._clock = client, tuple(names), sink, pulse, clock
        self._backoff, self._speed, self._sleep = backoff, speed, sleep
        self._limit_ms = PRIVATE_SILENCE_MS if names[0].kind in PRIVATE else SILENCE_MS
        self._epoch, self._turn = 0, asyncio.Lock()
        self._accused: dict[Name, str] = {}
        self._heard_ms = 0
        self._opened()
        client.hear = self._hear

    async def run(self) -> None:
        """Keep all streams open until cancelled."""
        self._opened()
        async with asyncio.TaskGroup() as group:
            for name in self._names:
                group.create_task(self._keep(name))

    def accuse(self, name: Name, why: str) -> None:
        """Have a stream opened again that cannot be well, although its connection is."""
        self._accused[name] = why

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._client.close()

    def _opened(self) -> None:
        self._opened_ms, self._opened_steady = self._clock.now_ms(), monotonic_ms()
        for name in self._names:
            self._health(name).since_ms = self._opened_ms

    def _health(self, name: Name) -> StreamHealth:
        return self._pulse.of(str(name))

    def _hear(self, said: Said) -> None:
        name, now_ms = said.name, self._clock.now_ms()
        if name not in self._names:
            return
        if not isinstance(said, Depth):  # it follows from a change that was heard
            health = self._health(name)
            health.last_ms, health.lag_ms = now_ms, max(now_ms - said.event_ms, 0)
            health.messages += 1
            self._heard_ms = now_ms
        if isinstance(said, Stirred):
            self._pulse.stir()
        self._sink.take(said)

    async def _keep(self, name: Name) -> None:
        while True:
            epoch = self._epoch
            why = await self._listen(name)
            await self._again(epoch, name, why)

    async def _listen(self, name: Name) -> str:
        """Listen to a stream until it breaks, and return why."""
        while name not in self._accused:
            left_ms = self._limit_ms - self._silent_ms(self._health(name).last_ms)
            if left_ms <= 0:
                silent_ms = self._silent_ms(self._heard_ms)
                if silent_ms >= self._limit_ms:
                    return f"nothing was said for {silent_ms} ms"
                left_ms = self._limit_ms - silent_ms  # others on this connection talk: it has nothing to say
            try:
                async with asyncio.timeout(left_ms / 1_000 / self._speed):
                    why = await self._client.watch(name)
            except TimeoutError:
                continue
            if why:
                return why
        return self._accused.pop(name)

    def _silent_ms(self, last_ms: int) -> int:
        return self._clock.now_ms() - max(last_ms, self._opened_ms)

    async def _again(self, epoch: int, name: Name, why: str) -> None:
        """Drop the connection, unless another of its streams has done so since, and wait before it is dialled again."""
        async with self._turn:
            if epoch == self._epoch:
                self._epoch += 1
                lived_s = (monotonic_ms() - self._opened_steady) / 1_000 * self._speed if self._heard_ms >= self._opened_ms else 0.0
                log.info("a connection is dialled again", stream=str(name), why=why)
                for one in self._names:
                    self._broke(one, why)
                self._accused.clear()
                await self._client.drop()
                await self._sleep(self._backoff.next_s(lived_s) / self._speed)
                self._opened()
                if name.kind in PRIVATE:
                    self._pulse.stir()  # what was missed is asked for

    def _broke(self, name: Name, why: str) -> None:
        health = self._health(name)
        health.reconnects, health.why = health.reconnects + 1, why
        health.gaps += health.last_ms >= self._opened_ms
        self._sink.cut(name)
