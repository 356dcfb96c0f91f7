"""An hour at sixty times the speed under a swarm of faults: `make soak`.

    python -m tests.soak [--minutes 60] [--calm 3] [--seed 1] [--speed 60] [--dialects mexc,binance] [--market usual]

Both dialects run at once, each exchange in a process of its own; streams with books, reads and orders of ten instruments go through
the gateway and the unmodified client. At the end the faults are taken away for `--calm` minutes. Then every bar that the feed gave
has to be as REST tells it, every order as the gateway said, every kind of fault fired, and memory and files where they were.
Exits with 1 where that is not so.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from sandbox.pairs import PAIRS
from tests.soak.exchange import Exchange, Held, held
from tests.soak.mill import Mill
from tests.soak.walk import Walk
from trader_core.model.errors import VenueUnavailable
from trader_core.model.instrument import Instrument
from trader_core.venues.link import Link, connect
from trader_core.venues.stream_feed import StreamFeed

SYMBOLS = tuple(f"{pair.base}/{pair.quote}" for pair in PAIRS)
SAMPLE_S, SETTLED, BOOKS_S = 5.0, 1 / 3, 20.0
CLIENT_MB_PER_H, EXCHANGE_MB_PER_H, FILES_MORE = 40.0, 150.0, 20
"""How fast memory may grow once it has settled. The exchange keeps every order and fill for good."""


class Soak:
    """One dialect's exchange and the client on it."""

    def __init__(self, dialect: str, exchange: Exchange, seed: int) -> None:
        self.dialect, self.exchange, self._seed = dialect, exchange, seed
        self.samples: list[Held] = []
        self.closes: dict[str, int] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Connect, however often it takes, and begin to listen and to trade."""
        self.link = await self._connected()
        feed = self.link.feed
        assert isinstance(feed, StreamFeed)
        instruments = await self._instruments()
        self.walk = Walk(feed, SYMBOLS, self.closes)
        self.mill = Mill(self.link.gateway, feed.now_ms, {one.symbol: one for one in instruments}, self.closes, self._seed)
        self.tasks = [asyncio.create_task(self.walk.run()), asyncio.create_task(self.mill.run())]

    async def _connected(self) -> Link:
        while True:
            with suppress(VenueUnavailable):
                return await connect(
                    "sandbox", self.exchange.home, SYMBOLS, "1m", None, private=True, timeout_s=2.0, streams=True, books=True
                )
            await asyncio.sleep(1)

    async def _instruments(self) -> list[Instrument]:
        while True:
            found = await self.link.gateway.instruments(list(SYMBOLS))
            if found.value is not None:
                return found.value
            await asyncio.sleep(1)

    async def _books(self) -> int:
        """Return how many books were whole and new at some moment of some seconds."""
        seen: set[str] = set()
        until = time.monotonic() + BOOKS_S
        while len(seen) < len(SYMBOLS) and time.monotonic() < until:
            seen |= {symbol for symbol in SYMBOLS if self.walk.feed.book(symbol) is not None}
            await asyncio.sleep(0.01)
        return len(seen)

    async def calm(self) -> dict[str, Any]:
        """Take the faults away and return the counts of each kind."""
        kinds: dict[str, Any] = (await asyncio.to_thread(self.exchange.ask, "GET", "/faults"))["kinds"]
        await asyncio.to_thread(self.exchange.ask, "DELETE", "/faults")
        return kinds

    async def end(self, kinds: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Stop, and return what was found and what is wrong of it."""
        failed = [f"{self.dialect}: a task ended: {task.exception()!r}" for task in self.tasks if task.done()]
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        bars = await self.walk.compared()
        books = await self._books()
        ledger = await asyncio.to_thread(self.exchange.ask, "GET", "/ledger?account=main")
        wrong = self.mill.against([order["client_id"] for order in ledger["orders"]], liar=kinds["clock_error"]["fired"] > 0)
        streams = self.link.pulse.streams
        found = {
            "bars": dict(bars), "late": self.walk.late, "alarms": self.walk.alarms, "wrong bars": self.walk.wrong,
            "silent slots": self.walk.silent, "books": books,
            "reconnects": sum(one.reconnects for one in streams.values()), "messages": sum(one.messages for one in streams.values()),
            "orders": len(self.mill.said), "fills": len(ledger["fills"]), "calls": dict(sorted(self.mill.calls.items())),
            "faults": sum(one["fired"] for one in kinds.values()), "fired": {name: one["fired"] for name, one in kinds.items()},
        }  # fmt: skip
        await self.link.close()
        failed += [f"{self.dialect}: {one}" for one in wrong]
        failed += [f"{self.dialect}: {bars[kind]} bars {kind}" for kind in ("missing", "other") if bars[kind]]
        failed += [f"{self.dialect}: {len(SYMBOLS) - books} books are not there"] if books < len(SYMBOLS) else []
        return found, failed


def grown(samples: list[Held]) -> dict[str, Any]:
    """Return how memory grew (MB an hour, by least squares, once settled) and how many files were open most, then and in the end."""
    later = samples[int(len(samples) * SETTLED) :]
    hours = np.array([one.at_s for one in later]) / 3_600
    slope = float(np.polyfit(hours, [one.rss_mb for one in later], 1)[0]) if len(later) > 1 else 0.0
    half = len(later) // 2
    return {
        "rss_mb": [round(one.rss_mb) for one in samples[:: max(len(samples) // 24, 1)]],
        "rss_mb_first": round(later[0].rss_mb, 1), "rss_mb_last": round(later[-1].rss_mb, 1), "rss_mb_per_h": round(slope, 1),
        "files_most_before": max(one.files for one in later[: half or 1]), "files_most_after": max(one.files for one in later[half:]),
    }  # fmt: skip


async def soak(asked: argparse.Namespace, soaks: list[Soak]) -> tuple[dict[str, Any], list[str]]:
    """Return what was found and what is wrong of it."""
    began, mine, kinds = time.monotonic(), list[Held](), dict[str, dict[str, Any]]()
    await asyncio.gather(*(one.begin() for one in soaks))
    while (at_s := time.monotonic() - began) < asked.minutes * 60:
        await asyncio.sleep(SAMPLE_S)
        mine.append(held(os.getpid(), at_s))
        for one in soaks:
            one.samples.append(held(one.exchange.process.pid, at_s))
        if not kinds and at_s > (asked.minutes - asked.calm) * 60:
            kinds = {one.dialect: await one.calm() for one in soaks}
    found: dict[str, Any] = {"client": grown(mine)}
    failed = _leaks("client", found["client"], CLIENT_MB_PER_H) if asked.minutes >= 20 else []
    for one in soaks:
        memory = grown(one.samples)
        told, wrong = await one.end(kinds[one.dialect])
        found[one.dialect] = {**memory, **told}
        failed += wrong
        failed += _leaks(one.dialect, memory, EXCHANGE_MB_PER_H) if asked.minutes >= 20 else []
    fired = Counter[str]()
    for counts in kinds.values():
        fired.update({name: one["fired"] for name, one in counts.items()})
    found["never fired"] = [name for name in kinds[soaks[0].dialect] if not fired[name]]
    failed += [f"never fired: {name}" for name in found["never fired"]]
    return found, failed


def _leaks(whose: str, memory: dict[str, Any], most: float) -> list[str]:
    wrong = [f"{whose}: memory grows by {memory['rss_mb_per_h']} MB an hour"] if memory["rss_mb_per_h"] > most else []
    more = memory["files_most_after"] - memory["files_most_before"]
    return wrong + ([f"{whose}: {more:.0f} more files are open"] if more > FILES_MORE else [])


def main() -> int:
    """Run, print one JSON object and what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--calm", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=int, default=60)
    parser.add_argument("--dialects", default="mexc,binance")
    parser.add_argument("--market", default="usual", help="what the market is like")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    bad = str(int((asked.minutes - asked.calm) * asked.speed))
    options = (
        "--clock",
        f"{asked.speed}x",
        "--history-days",
        "1",
        "--swarm",
        str(asked.seed),
        "--swarm-share",
        "1",
        "--swarm-minutes",
        bad,
        "--market",
        asked.market,
    )
    with tempfile.TemporaryDirectory() as folder:
        soaks = [
            Soak(name, Exchange(Path(folder) / name, "--dialect", name, *options), at) for at, name in enumerate(asked.dialects.split(","))
        ]
        try:
            found, failed = asyncio.run(soak(asked, soaks))
        finally:
            said = {one.dialect: one.exchange.stop() for one in soaks}
    failed += [f"{name}: the exchange fell over: {text[-500:]}" for name, text in said.items() if "Traceback" in text]
    sys.stdout.write(json.dumps({**found, "failed": failed}, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
