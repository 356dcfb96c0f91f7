"""The websockets of the embedded exchange: bytes in and out, bounded queues, and the beat of a running clock."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from sandbox.dialects.session import Close, Frame, Ping, Session
from sandbox.hub import Hub, Member
from sandbox.market import MINUTE_MS

QUEUE_MAX = 4_000
"""Frames that wait for a client; one more, and it is too slow."""
MESSAGE_BYTES_MAX = 65_536
SLICE_MS = MINUTE_MS
"""After a long step of the clock connections are told so much of it at a time, and may take it in between."""
BEAT_S = 0.1
"""How often a running clock tells connections what happened."""
PATIENCE_S = 60.0
"""A client that answers no ping for this long is gone; of wall time, for that is what networks take."""
LOOK_S = 5.0
DRAIN_S = 1.0
TOO_SLOW = Close(WSCloseCode.POLICY_VIOLATION, "too slow")
ABNORMAL = WSCloseCode.ABNORMAL_CLOSURE
"""The code that is never sent: the connection just breaks off."""


class Wire:
    """One websocket: what is to be sent waits here until the client takes it."""

    def __init__(self, request: web.BaseRequest, socket: web.WebSocketResponse) -> None:
        """Hold nothing yet."""
        self._request, self._socket = request, socket
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._heard_s = self._sent_s = self._asked_s = time.monotonic()
        self.eased = asyncio.Event()
        """Whether the client has taken the better half of what can wait."""
        self.eased.set()

    def put(self, frame: Frame) -> None:
        """Have a frame sent; when too many wait, nothing but a close is."""
        if self._frames.qsize() >= QUEUE_MAX:
            while not self._frames.empty():
                self._frames.get_nowait()
            frame = TOO_SLOW
        self._frames.put_nowait(frame)
        if self._frames.qsize() > QUEUE_MAX // 2:
            self.eased.clear()

    async def write(self) -> None:
        """Send what comes until the end."""
        with contextlib.suppress(ConnectionError):
            while True:
                frame = await self._frames.get()
                if self._frames.qsize() <= QUEUE_MAX // 2:
                    self.eased.set()
                if isinstance(frame, Close):
                    await self._end(frame)
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

    async def _end(self, close: Close) -> None:
        if close.code != ABNORMAL:
            await self._socket.close(code=close.code, message=close.reason.encode())
        elif self._request.transport is not None:
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


class Sockets:
    """All websockets of one exchange."""

    def __init__(self, hub: Hub, now_ms: Callable[[], int], beat: Callable[[], None] | None) -> None:
        """Tell what a hub has to tell; `beat` moves a running clock, None stands for a stepped one."""
        self._hub, self._now_ms, self._beat = hub, now_ms, beat
        self._wires: dict[Member, Wire] = {}
        self._beating: asyncio.Task[None] | None = None
        self._nobody = asyncio.Event()
        self._nobody.set()

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
        writer = asyncio.create_task(wire.write())
        try:
            await self._listen(socket, wire, member)
        finally:
            self._hub.leave(member)
            del self._wires[member]
            writer.cancel()
            if not self._wires:
                self._nobody.set()
        return socket

    async def _listen(self, socket: web.WebSocketResponse, wire: Wire, member: Member) -> None:
        while not socket.closed:
            try:
                message = await socket.receive(timeout=LOOK_S)
            except TimeoutError:
                if wire.gone(must_talk=member.session.must_talk):
                    return
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                await socket.close()
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
