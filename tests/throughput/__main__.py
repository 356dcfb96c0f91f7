"""Measure the embedded exchange with everything on, in a process of its own: order calls, reads, and 72 stepped hours.

    python -m tests.throughput [--seconds 10] [--hours 72]

Exits with 1 when a figure that it must reach is missed: 800 order calls/s, 3,000 reads/s, 72 hours in 120 s.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.throughput.load import Connection, Signer, rate
from trader_core.clock import WallClock
from trader_core.venues.link import ANNOUNCE, connect

CONNECTIONS = 16
ORDERS_MUST, READS_MUST, HOURS_MUST_S = 800, 3_000, 120
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT", "LTC/USDT", "LINK/USDT", "DOT/USDT", "AVAX/USDT")
RULES = [{"site": "POST /api/v3/order", "kind": "500", "nth": 10**9}, {"site": "GET /api/v3/order", "kind": "429", "nth": 10**9}]
"""Fault rules that are looked at on every request and never fire."""


class Exchange:
    """An embedded exchange in a process of its own, whose announcement lies where a session would look for it."""

    def __init__(self, home: Path, *options: str) -> None:
        self.place = home / ANNOUNCE
        self.place.parent.mkdir(parents=True)
        command = [sys.executable, "-m", "sandbox", "--announce", str(self.place), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def said(self) -> dict[str, Any]:
        """Return what it announced, once it listens."""
        for _ in range(600):
            if self.place.exists() and self.place.read_text():
                found: dict[str, Any] = json.loads(self.place.read_text())
                return found
            time.sleep(0.05)
        sys.exit("the exchange did not start within 30 s")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


async def orders_and_reads(said: dict[str, Any], seconds: float) -> dict[str, float]:
    """Return order calls and reads per second: placing and cancelling resting orders; tickers, books, bars, orders and balances."""
    connection = Connection(int(said["port"]))
    await connection.open()
    now_ms = json.loads((await connection.ask(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"))[1])["serverTime"]
    offset, began = now_ms - WallClock().now_ms(), WallClock().now_ms()
    speed = float(str(said["clock"]).rstrip("x"))
    sign = Signer(
        "127.0.0.1", "X-MEXC-APIKEY", said["api_key"], said["secret"], lambda: int(began + offset + (WallClock().now_ms() - began) * speed)
    )
    body = json.dumps(RULES).encode()
    admin = Connection(int(said["admin_port"]))
    await admin.open()
    head = f"POST /faults HTTP/1.1\r\nHost: x\r\nX-Sandbox-Token: {said['admin_token']}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert (await admin.ask(head + body))[0] == 200
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.0002", "price": "50000"}

    def orderer(name: int) -> Any:
        async def turn(line: Connection, at: int) -> int:
            client = f"t{name}-{at}"
            placed = await line.ask(sign.request("POST", "/api/v3/order", {**order, "newClientOrderId": client}, signed=True))
            ended = await line.ask(sign.request("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": client}, signed=True))
            assert placed[0] == ended[0] == 200, (placed, ended)
            return 2

        return turn

    kept = await connection.ask(sign.request("POST", "/api/v3/order", {**order, "newClientOrderId": "kept"}, signed=True))
    assert kept[0] == 200, kept
    reads = [
        ("/api/v3/ticker/24hr", {"symbol": "BTCUSDT"}, False),
        ("/api/v3/depth", {"symbol": "ETHUSDT", "limit": "20"}, False),
        ("/api/v3/klines", {"symbol": "SOLUSDT", "interval": "1m", "limit": "2"}, False),
        ("/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "kept"}, True),
        ("/api/v3/openOrders", {"symbol": "BTCUSDT"}, True),
        ("/api/v3/account", {}, True),
    ]

    asked = [sign.request("GET", path, params, signed=signed) for path, params, signed in reads]
    """Signed once: the window is a minute, and what is measured is the exchange."""

    def reader(name: int) -> Any:
        async def turn(line: Connection, at: int) -> int:
            status, answer = await line.ask(asked[(name + at) % len(asked)])
            assert status == 200, answer
            return 1

        return turn

    port = int(said["port"])
    read, _ = await rate(port, [reader(name) for name in range(CONNECTIONS)], seconds)
    placed, _ = await rate(port, [orderer(name) for name in range(CONNECTIONS)], seconds)
    connection.close()
    admin.close()
    return {"order_calls_per_s": placed, "reads_per_s": read}


async def stepped(home: Path, hours: int) -> tuple[float, int]:
    """Return the wall seconds of `hours` of ten instruments' bars of a minute through the unmodified client, and the bars."""
    link = await connect("sandbox", home, SYMBOLS, "1m", None, private=False)
    try:
        assert (await link.gateway.instruments(list(SYMBOLS))).value is not None
        slot, bars = link.feed.now_ms() // 60_000 * 60_000, 0
        began = time.perf_counter()
        for _ in range(hours * 60):
            bars += int((await link.feed.next_slot(slot))["close"].astype(bool).sum())
            slot += 60_000
        return time.perf_counter() - began, bars
    finally:
        await link.close()


def main() -> int:
    """Measure, print one JSON object, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.throughput")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hours", type=int, default=72)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        running = Exchange(Path(place) / "running", "--clock", "1x", "--history-days", "2")
        try:
            found |= asyncio.run(orders_and_reads(running.said(), asked.seconds))
        finally:
            running.stop()
        standing = Exchange(Path(place) / "standing", "--clock", "stepped", "--history-days", "2")
        try:
            standing.said()
            found["stepped_s"], found["bars"] = asyncio.run(stepped(Path(place) / "standing", asked.hours))
        finally:
            standing.stop()
    found["must"] = {"order_calls_per_s": ORDERS_MUST, "reads_per_s": READS_MUST, "stepped_s": HOURS_MUST_S * asked.hours / 72}
    shown = {name: round(value, 1) if isinstance(value, float) else value for name, value in found.items()}
    sys.stdout.write(json.dumps(shown) + "\n")
    whole = found["bars"] == asked.hours * 60 * len(SYMBOLS)
    fast = found["order_calls_per_s"] >= ORDERS_MUST and found["reads_per_s"] >= READS_MUST
    return 0 if whole and fast and found["stepped_s"] <= found["must"]["stepped_s"] else 1


if __name__ == "__main__":
    sys.exit(main())
