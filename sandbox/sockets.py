"""The websockets of the embedded exchange: bytes in and out, bounded queues, and the beat of a running clock."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from sandbox.dialects.session import Close, Frame, Ping, Session
from sandbox.hub import Hub, Member
from sandbox.market import MINUTE_MS

QUEUE_MAX = 40_000
"""Frames that wait for a client; one more, and it is too slow. All that a cancel of ten thousand orders tells at once fits."""
BYTES_MAX = 2**24
"""What these frames may hold together, in bytes: the same holds beyond it."""
MESSAGE_BYTES_MAX = 65_536
SLICE_MS = MINUTE_MS
"""After a long step of the clock connections are told so much of it at a time, and may take it in between."""
BEAT_S = 0.1
"""How often a running clock tells connections what happened."""
PATIENCE_S = 60.0
"""A client that answers no ping for this long is gone; of wall time, for that is what networks take."""
LOOK_S = 5.0
DRAIN_S = 1.0
CLOSE_S = 2.0
TOO_SLOW = Close(WSCloseCode.POLICY_VIOLATION, "too slow")
GONE = Close(WSCloseCode.POLICY_VIOLATION, "Pong timeout")
ABNORMAL = WSCloseCode.ABNORMAL_CLOSURE
"""The code that is never sent: the connection just breaks off."""


class Wire:
    """One websocket: what is to be sent waits here until the client takes it."""

    def __init__(self, request: web.BaseRequest, socket: web.WebSocketResponse) -> None:
        """Hold nothing yet."""
        self._request, self._socket = request, socket
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._waiting = 0
        self._heard_s = self._sent_s = self._asked_s = time.monotonic()
        self.over: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        """How the connection is to be closed, once it is."""
        self.eased = asyncio.Event()
        """Whether the client has taken the better half of what can wait."""
        self.eased.set()
        self._writer = asyncio.create_task(self._write())

    def put(self, frame: Frame) -> bool:
        """Have a frame sent; returns whether too many wait: then the connection is closed instead."""
        size = _size(frame)
        if self._frames.qsize() >= QUEUE_MAX or self._waiting + size > BYTES_MAX:
            self._finish(TOO_SLOW)
            return True
        self._frames.put_nowait(frame)
        self._waiting += size
        if not self._is_half_empty():
            self.eased.clear()
        return False

    def _is_half_empty(self) -> bool:
        return self._frames.qsize() <= QUEUE_MAX // 2 and self._waiting <= BYTES_MAX // 2

    def _finish(self, close: Close) -> None:
        self.eased.set()
        if not self.over.done():
            self.over.set_result(close)

    async def _write(self) -> None:
        """Send what comes until the end."""
        with contextlib.suppress(ConnectionError):
            while True:
                frame = await self._frames.get()
                self._waiting -= _size(frame)
                if self._is_half_empty():
                    self.eased.set()
                if isinstance(frame, Close):
                    self._finish(frame)
                    return
                await self._send(frame)
                self._sent_s = time.monotonic()

    async def _send(self, frame: str | bytes | Ping) -> None:
        if isinstance(frame, Ping):
            await self._socket.ping(frame.payload)
            if self._asked_s <= self._heard_s:
                self._asked_s = time.monotonic()
        elif isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame)

    async def end(self) -> None:
        """Close the connection as it is to be closed; a client that does not take even that, and one to be cut off, just loses it."""
        self._writer.cancel()
        self.eased.set()
        if self.over.done() and self.over.result().code != ABNORMAL:
            close = self.over.result()
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(CLOSE_S):
                    await self._socket.close(code=close.code, message=close.reason.encode())
        if self._request.transport is not None:
            self._request.transport.abort()

    def heard(self) -> None:
        """Note that the client said something."""
        self._heard_s = time.monotonic()

    def gone(self, *, must_talk: bool) -> bool:
        """Return whether a ping went unanswered too long, or, where the protocol leaves pinging to the client, nobody said a word."""
        now_s = time.monotonic()
        if must_talk:
            return now_s - max(self._heard_s, self._sent_s) > PATIENCE_S
        return self._asked_s > self._heard_s and now_s - self._asked_s > PATIENCE_S


def _size(frame: Frame) -> int:
    """Return about how many bytes a frame holds."""
    return len(frame) if isinstance(frame, str | bytes) else 0


class Sockets:
    """All websockets of one exchange."""

    def __init__(self, hub: Hub, now_ms: Callable[[], int], beat: Callable[[], None] | None) -> None:
        """Tell what a hub has to tell; `beat` moves a running clock, None stands for a stepped one."""
        self._hub, self._now_ms, self._beat = hub, now_ms, beat
        self._wires: dict[Member, Wire] = {}
        self._beating: asyncio.Task[None] | None = None
        self._nobody = asyncio.Event()
        self._nobody.set()

    @property
    def beating(self) -> bool:
        """Return whether a running clock is being told of."""
        return self._beating is not None

    async def serve(self, request: web.BaseRequest, session: Session) -> web.WebSocketResponse:
        """Hold a conversation until either side ends it."""
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MESSAGE_BYTES_MAX, timeout=1.0)
        await socket.prepare(request)
        wire = Wire(request, socket)
        member = self._hub.join(session, wire.put)
        self._wires[member] = wire
        self._nobody.clear()
        if self._beat is not None and self._beating is None:
            self._beating = asyncio.create_task(self._keep_beating())
        listening = asyncio.create_task(self._listen(socket, wire, member))
        try:
            ends: set[asyncio.Future[Any]] = {listening, wire.over}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
        finally:
            self._hub.leave(member)
            listening.cancel()
            await asyncio.wait({listening})
            await wire.end()
            del self._wires[member]
            if not self._wires:
                self._nobody.set()
        return socket

    async def _listen(self, socket: web.WebSocketResponse, wire: Wire, member: Member) -> None:
        """Take what the client says until it closes the connection."""
        while True:
            try:
                message = await socket.receive(timeout=LOOK_S)
            except TimeoutError:
                if wire.gone(must_talk=member.session.must_talk):
                    member.put([GONE])
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            await self._take(message, socket, wire, member)

    async def _take(self, message: WSMessage, socket: web.WebSocketResponse, wire: Wire, member: Member) -> None:
        if not self._hub.answers():
            return
        wire.heard()
        if message.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError):
                await socket.pong(message.data)
        elif message.type is not WSMsgType.PONG:
            said = message.data if isinstance(message.data, str) else bytes(message.data).decode(errors="replace")
            self._hub.heard(member, said)

    async def publish(self) -> None:
        """Tell everybody what happened until now, no faster than clients that keep up can take it."""
        self._hub.flush(min(self._now_ms(), self._hub.told_ms + SLICE_MS))
        while self._hub.told_ms < self._now_ms():
            await self._drained()
            self._hub.flush(min(self._now_ms(), self._hub.told_ms + SLICE_MS))

    async def _drained(self) -> None:
        await asyncio.sleep(0)
        slow = [wire.eased.wait() for wire in self._wires.values() if not wire.eased.is_set()]
        if slow:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*slow), DRAIN_S)

    async def _keep_beating(self) -> None:
        assert self._beat is not None, "only a running clock beats"
        while self._wires:
            await asyncio.sleep(BEAT_S)
            self._beat()
            await self.publish()
        self._beating = None

    async def stop(self) -> None:
        """Say farewell and close every websocket."""
        for member in self._wires:
            member.put([*member.session.farewell(self._now_ms()), Close(WSCloseCode.GOING_AWAY)])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nobody.wait(), DRAIN_S)
        if self._beating is not None:
            self._beating.cancel()
