"""Acts a fault on a request out: who executes it when, what is answered, and what happens to the connection."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.dialects.base import Request
from sandbox.due import Note
from sandbox.false_answers import CHANGES
from sandbox.faults import KINDS, Answer, Fault, changed

if TYPE_CHECKING:
    from sandbox.server import Sandbox

WAIT_MOST_S = 30.0
"""How long an answer waits at most for venue time to pass."""
POLL_S = 0.005
LATE = "late request"
"""Notes of requests whose client has long gone when they are executed; nobody hears the answer."""
AT_THE_DOOR = frozenset(KINDS) - {*CHANGES, "slow", "late_execution", "truncated_body"}
"""What the opening of a websocket can meet: what needs no answer of ours."""


class Actor:
    """Answers requests that met a fault."""

    def __init__(self, sandbox: "Sandbox") -> None:
        """Act for one exchange."""
        self._sandbox = sandbox

    async def act(self, fault: Fault, request: web.BaseRequest, asked: Request) -> web.StreamResponse:
        """Act a fault out. `slow` always executes, before or after its delay; `late_execution` executes when its time has come."""
        exchange, dialect = self._sandbox.exchange, self._sandbox.dialect

        def run() -> Answer:
            return dialect.answer(asked)

        if fault.kind == "late_execution":
            exchange.schedule(exchange.now_ms + fault.param("ms"), Note(LATE, [*asked._replace(headers=dict(asked.headers))]))
            return await _abort(request, fault.param("seconds"))
        if fault.kind == "slow" and fault.when == "before":
            await self._delay(fault)
            return response(run())
        read = fault.kind in CHANGES and dialect.only_reads(asked)
        answer = run() if fault.when == "after" or read else dialect.untrue
        if fault.kind == "slow":
            await self._delay(fault)
        if fault.kind in ("timeout", "reset"):
            return await _abort(request, fault.param("seconds"))
        if fault.kind == "truncated_body":
            return await _half(request, answer, fault.param("seconds"))
        false = changed(fault, answer, dialect.trouble)
        if fault.kind in CHANGES and false == answer:
            self._sandbox.faults.spared(fault)
        return response(false)

    async def _delay(self, fault: Fault) -> None:
        """Wait `seconds` of wall time, or until `venue_ms` of venue time have passed."""
        venue_ms = fault.param("venue_ms")
        if venue_ms is None:
            await asyncio.sleep(fault.param("seconds"))
            return
        until_ms = self._sandbox.exchange.now_ms + venue_ms
        for _ in range(int(WAIT_MOST_S / POLL_S)):
            self._sandbox.tick()
            if self._sandbox.exchange.now_ms >= until_ms:
                break
            await asyncio.sleep(POLL_S)


def response(answer: Answer) -> web.Response:
    """Return an answer as a response."""
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _abort(request: web.BaseRequest, after_s: float) -> web.StreamResponse:
    """Say nothing for a while, then close the connection without a word."""
    await asyncio.sleep(after_s)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _half(request: web.BaseRequest, answer: Answer, after_s: float) -> web.StreamResponse:
    """Promise the whole body, send half of it and, after a while, close the connection."""
    partial = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    partial.content_length = len(answer.body)
    with contextlib.suppress(ConnectionError):
        await partial.prepare(request)
        await partial.write(answer.body[: len(answer.body) // 2])
    await asyncio.sleep(after_s)
    if request.transport is not None:
        request.transport.close()
    return partial
