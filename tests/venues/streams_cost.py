"""What listening costs: `python -m tests.venues.streams_cost` prints the share of one core that the feed of ten instruments takes.

The embedded exchange runs in a process of its own, at the speed that is given (1: its market ticks every five seconds; 60: twelve
times a second), so that only the client's side is counted.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox.pairs import PAIRS
from trader_core.venues.link import ANNOUNCE, connect
from trader_core.venues.stream_feed import StreamFeed

SYMBOLS = tuple(f"{pair.base}/{pair.quote}" for pair in PAIRS)
SECONDS, WARM_S, MINUTE_MS = 60.0, 5.0, 60_000


async def measure(home: Path, symbols: tuple[str, ...], seconds: float) -> tuple[float, float]:
    """Return (share of a core, messages a second) of a feed that listens for some time."""
    link = await connect("sandbox", home, symbols, "1m", None, private=True, streams=True)
    feed = link.feed
    assert isinstance(feed, StreamFeed)
    assert (await link.gateway.instruments(list(symbols))).value
    slot = feed.now_ms() // MINUTE_MS * MINUTE_MS

    async def walk() -> None:
        at = slot
        while True:
            await feed.next_slot(at)
            at += MINUTE_MS

    walking = asyncio.create_task(walk())
    await asyncio.sleep(WARM_S)
    used, heard, began = time.process_time(), _heard(feed), time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    share, rate = (time.process_time() - used) / took, (_heard(feed) - heard) / took
    walking.cancel()
    await asyncio.gather(walking, return_exceptions=True)
    await link.close()
    return share, rate


def _heard(feed: StreamFeed) -> int:
    return sum(one.messages for name, one in feed.pulse.streams.items() if "/" in name)


def main() -> None:
    """Measure both dialects, as the market ticks and sixty times as fast."""
    for dialect in ("mexc", "binance"):
        for speed in (1, 60):
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                command = [
                    sys.executable,
                    "-m",
                    "sandbox",
                    "--dialect",
                    dialect,
                    "--clock",
                    f"{speed}x",
                    "--announce",
                    str(home / ANNOUNCE),
                ]
                (home / ANNOUNCE).parent.mkdir(parents=True)
                with subprocess.Popen(command, stdout=subprocess.DEVNULL) as exchange:
                    try:
                        while not (home / ANNOUNCE).exists():
                            time.sleep(0.1)
                        share, rate = asyncio.run(measure(home, SYMBOLS, SECONDS))
                    finally:
                        exchange.terminate()
                print(f"{dialect} at {speed}x: {share:.1%} of one core, {rate:.0f} messages/s, {len(SYMBOLS)} instruments")  # noqa: T201


if __name__ == "__main__":
    main()
