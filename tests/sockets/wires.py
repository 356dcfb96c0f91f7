"""Wires: small TCP proxies before the exchange and before PostgreSQL. What passes is told to a director, who says what becomes of it."""

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tests.sockets.plans import COMMIT, ORDER, REQUEST, SENDING, Chaos, Strike

CHUNK = 65_536
HEAD_MAX = 65_536
LINGER_NONE = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLIENT_ID = re.compile(rb"newClientOrderId=([A-Za-z0-9_\-]+)")
_RECORDS = (b"BARS", b"INTENT", b"SENDING", b"MOVE", b"FILL", b"FLAG", b"BOOTED", b"OPERATOR", b"RECONCILED", b"ANOMALY")
COMMITS = b"COMMIT\x00"
ENDS = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, OSError)
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Order(NamedTuple):
    """A request on its way that would place an order."""

    client_id: str


class Director(Protocol):
    """Who hears of what passes, and says what becomes of it."""

    async def passes(self, wire: "Wire", site: str, client_id: str = "") -> Sequence[Strike]:
        """Count one more at a site and return what strikes it."""

    def left(self, wire: "Wire", client_id: str) -> None:
        """An order's bytes went on to the exchange."""

    def is_lost(self) -> bool:
        """Return whether this request is lost by chance."""


@dataclass(eq=False, slots=True)
class Line:
    """One connection through a wire, and what becomes of the next answer on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    up_reader: asyncio.StreamReader
    up_writer: asyncio.StreamWriter
    lose_ms: int = -1
    """Not below 0: the next answer is read and never handed on; the connection is reset so much later."""
    left: int = -1
    """Not below 0: so many bytes of the next answer still arrive."""
    delay_ms: int = 0
    records: set[bytes] = field(default_factory=set)
    """Kinds of records in the transaction underway."""

    def reset(self) -> None:
        """Break the client's side off by RST, and close the other one."""
        reset(self.writer)
        self.up_writer.transport.abort()

    def close(self) -> None:
        """Close both sides."""
        self.writer.close()
        self.up_writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off by RST."""
    found = writer.get_extra_info("socket")
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    writer.transport.abort()


class Wire:
    """A listener on loopback that hands everything on, until told otherwise."""

    def __init__(self, name: str, connect: Connect, director: Director) -> None:
        self.name, self._connect, self.director = name, connect, director
        self.lines: set[Line] = set()
        self.away = False
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.cut_after = -1
        """Not below 0: so many bytes to the server still pass, then the connection is cut in mid-message."""
        self.port = 0

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_MAX)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and break off what is there."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break off every connection."""
        for line in list(self.lines):
            line.reset()

    async def gone(self, ms: int) -> None:
        """Break off every connection and take none for some time."""
        self.away = True
        self.cut()
        await asyncio.sleep(ms / 1_000)
        self.away = False

    async def stall(self, ms: int) -> None:
        """Let nothing pass for some time."""
        self.flowing.clear()
        await asyncio.sleep(ms / 1_000)
        self.flowing.set()

    def calm(self) -> None:
        """Let everything pass."""
        self.away, self.cut_after = False, -1
        self.flowing.set()
        for line in self.lines:
            line.lose_ms = line.left = -1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            reset(writer)
            return
        try:
            line = Line(reader, writer, *await self._connect())
        except OSError:
            reset(writer)
            return
        self.lines.add(line)
        pumps = [asyncio.ensure_future(self._up(line)), asyncio.ensure_future(self._down(line))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lines.discard(line)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            line.close()

    async def _up(self, line: Line) -> None:
        with suppress(*ENDS):
            await self.up(line)

    async def up(self, line: Line) -> None:
        """Hand on what the client says, until it ends."""
        raise NotImplementedError

    async def _down(self, line: Line) -> None:
        """Hand on what the server says, until it ends."""
        with suppress(*ENDS):
            while data := await line.up_reader.read(CHUNK):
                await self.flowing.wait()
                if line.lose_ms >= 0:
                    await asyncio.sleep(line.lose_ms / 1_000)
                    line.reset()
                    return
                if line.delay_ms:
                    delay_ms, line.delay_ms = line.delay_ms, 0
                    await asyncio.sleep(delay_ms / 1_000)
                if line.left >= 0:
                    line.writer.write(data[: line.left])
                    await line.writer.drain()
                    return
                line.writer.write(data)
                await line.writer.drain()

    async def _send(self, line: Line, data: bytes) -> bool:
        """Hand bytes on to the server; False when the connection was cut in the middle of them."""
        await self.flowing.wait()
        if self.cut_after >= 0:
            if self.cut_after < len(data):
                line.up_writer.write(data[: self.cut_after])
                self.cut_after = -1
                line.up_writer.close()
                reset(line.writer)
                return False
            self.cut_after -= len(data)
        line.up_writer.write(data)
        await line.up_writer.drain()
        return True


class VenueWire(Wire):
    """Before the exchange: it knows requests, and which of them place orders."""

    pace_ms = 0
    """How long each request for candles takes more: a stepped clock would be at its end before anything can happen."""

    async def up(self, line: Line) -> None:
        """Hand requests on one by one; a websocket, once it is one, as it comes."""
        while True:
            head = await line.reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            whole = head + (await line.reader.readexactly(int(length.group(1))) if length else b"")
            if not await self._request(line, head, whole):
                return
            if b"\r\nupgrade: websocket" in head.lower():
                while data := await line.reader.read(CHUNK):
                    if not await self._send(line, data):
                        return
                return

    async def _request(self, line: Line, head: bytes, whole: bytes) -> bool:
        line.lose_ms = line.left = -1
        order = head.startswith((b"POST /api/v3/order?", b"POST /api/v3/order "))
        found = _CLIENT_ID.search(whole) if order else None
        client_id = found.group(1).decode() if found else ""
        if self.pace_ms and head.startswith(b"GET /api/v3/klines"):
            await asyncio.sleep(self.pace_ms / 1_000)
        strikes = [*await self.director.passes(self, REQUEST), *(await self.director.passes(self, ORDER, client_id) if order else ())]
        if self.director.is_lost():
            line.reset()
            return False
        for strike in strikes:
            if not await self._struck(line, strike, whole):
                return False
        if not await self._send(line, whole):
            return False
        if order:
            self.director.left(self, client_id)
        return True

    async def _struck(self, line: Line, strike: Strike, whole: bytes) -> bool:
        if strike.kind is Chaos.REQUEST_LOST:
            await asyncio.sleep(strike.value / 1_000)
            line.reset()
            return False
        if strike.kind is Chaos.REQUEST_CUT:
            line.up_writer.write(whole[: strike.value])
            await line.up_writer.drain()
            line.close()
            return False
        if strike.kind is Chaos.SLOW_REQUEST:
            await asyncio.sleep(strike.value / 1_000)
        elif strike.kind is Chaos.ANSWER_LOST:
            line.lose_ms = strike.value
        elif strike.kind is Chaos.ANSWER_CUT:
            line.left = strike.value
        elif strike.kind is Chaos.SLOW_ANSWER:
            line.delay_ms = strike.value
        return True


class DatabaseWire(Wire):
    """Before PostgreSQL: it knows which transaction holds records of a journal, and when it is committed."""

    async def up(self, line: Line) -> None:
        """Hand on what the client says; a COMMIT behind records may be lost, or its answer."""
        while data := await line.reader.read(CHUNK):
            line.records.update(kind for kind in _RECORDS if kind in data)
            if COMMITS in data:
                records, line.records = line.records, set()
                if records and not await self._commit(line, records):
                    return
            if not await self._send(line, data):
                return

    async def _commit(self, line: Line, records: set[bytes]) -> bool:
        strikes = [*await self.director.passes(self, COMMIT), *(await self.director.passes(self, SENDING) if b"SENDING" in records else ())]
        for strike in strikes:
            if strike.kind is Chaos.COMMIT_FAILED:
                line.reset()
                self._later(strike.value)
                return False
            if strike.kind is Chaos.COMMIT_UNANSWERED:
                line.lose_ms = 0
                self._later(strike.value)
            elif strike.kind is Chaos.SLOW_COMMIT:
                line.delay_ms = strike.value
        return True

    def _later(self, ms: int) -> None:
        """Take no new connection for some time; the one that a COMMIT passes is left to it."""
        if ms:
            self.away = True
            asyncio.get_running_loop().call_later(ms / 1_000, self._back)

    def _back(self) -> None:
        self.away = False
