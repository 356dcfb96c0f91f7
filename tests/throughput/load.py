"""A lean HTTP client for measuring a server: keep-alive connections, signed requests made beforehand, no parsing but the length."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

HEAD_END = b"\r\n\r\n"


class Signer:
    """Signs requests of the family that signs its query by HMAC-SHA256."""

    def __init__(self, host: str, header: str, api_key: str, secret: str, now_ms: Callable[[], int]) -> None:
        self._host, self._header, self._key, self._secret, self._now = host, header, api_key, secret.encode(), now_ms

    def request(self, method: str, path: str, params: dict[str, str], *, signed: bool) -> bytes:
        """Return one request as bytes."""
        query = urlencode({**params, "timestamp": str(self._now()), "recvWindow": "60000"} if signed else params)
        if signed:
            query += "&signature=" + hmac.new(self._secret, query.encode(), hashlib.sha256).hexdigest()
        key = f"{self._header}: {self._key}\r\n" if signed else ""
        return f"{method} {path}?{query} HTTP/1.1\r\nHost: {self._host}\r\n{key}Content-Length: 0\r\n\r\n".encode()


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Return (status, body) of one request."""
        self._writer.write(raw)
        head = await self._reader.readuntil(HEAD_END)
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.index(b"\r", at)])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Leave no socket behind."""
        self._writer.close()


async def rate(port: int, work: Sequence[Callable[[Connection, int], Awaitable[int]]], seconds: float) -> tuple[float, int]:
    """Let each worker (a coroutine of a connection and a turn that returns how many calls it made) run; return calls/s and calls."""
    done = 0
    until = time.perf_counter() + seconds

    async def run(worker: Callable[[Connection, int], Awaitable[int]]) -> None:
        nonlocal done
        connection, turn = Connection(port), 0
        await connection.open()
        try:
            while time.perf_counter() < until:
                made = await worker(connection, turn)
                done += made
                turn += 1
        finally:
            connection.close()

    began = time.perf_counter()
    await asyncio.gather(*map(run, work))
    return done / (time.perf_counter() - began), done
