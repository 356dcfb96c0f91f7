"""A real venue's profile bound to an embedded exchange on loopback: what is proven of real venues without one."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.config import Config
from sandbox.server import Sandbox, start
from trader_core.clock import WallClock
from trader_core.venues import keys
from trader_core.venues.profiles import MEXC, PROFILES, Profile

DAY_MS = 86_400_000


def config(clock: str = "1x", **changes: object) -> Config:
    """Return an exchange whose clock runs, with one day of history that ends now."""
    now = WallClock().now_ms()
    return replace(Config(history_days=1, start_ms=now, clock=clock), **changes)  # type: ignore[arg-type]


def bound(port: int, speed: float = 1.0) -> Profile:
    """Return MEXC's own profile, not an embedded exchange's, at a loopback address."""
    return replace(MEXC, hosts=frozenset({"127.0.0.1"}), ws_hosts=("127.0.0.1",), base_url=f"http://127.0.0.1:{port}", speed=speed)


@contextmanager
def thread_of(found: Config) -> Iterator[Sandbox]:
    """Run an embedded exchange in a thread of its own: commands that bring their own event loop can talk to it."""
    loop, ready, made = asyncio.new_event_loop(), threading.Event(), list[Sandbox]()

    async def run() -> None:
        made.append(await start(found))
        ready.set()

    def serve() -> None:
        loop.run_until_complete(run())
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(60), "the embedded exchange did not start"
    try:
        yield made[0]
    finally:
        asyncio.run_coroutine_threadsafe(made[0].stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def is_mexc(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, speed: float = 1.0) -> None:
    """Let `mexc` be this exchange for the length of a test."""
    monkeypatch.setitem(PROFILES, "mexc", bound(sandbox.port, speed))


def give_key(home: Path, sandbox: Sandbox) -> None:
    """Put the exchange's key where the key of mexc belongs."""
    keys.write(keys.place("mexc", home), {"key": sandbox.api_key, "secret": sandbox.secret})
