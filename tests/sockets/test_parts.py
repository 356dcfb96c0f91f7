"""The parts of the second tier: plans that read back, wires that do what they are told, a checker that can fail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sandbox.fault_files import plan_of
from tests.sockets.campaign import KINDS, Sums
from tests.sockets.draw import VENUE_KINDS, draw
from tests.sockets.plans import ORDER, SENDING, Chaos, Strike, parse
from tests.sockets.wires import DatabaseWire, VenueWire, Wire
from trader_core.model.errors import BadInput

ORDER_SENT = b"POST /api/v3/order?symbol=BTCUSDT&newClientOrderId=gh-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"


@pytest.mark.parametrize("seed", range(1, 60))
def test_a_plan_reads_back_as_it_was_written(seed: int) -> None:
    plan = draw(seed)
    assert parse(plan.text()) == plan
    assert draw(seed) == plan
    plan_of({"seed": seed, "rules": list(plan.venue)}, "the rules")


def test_two_hundred_seeds_draw_every_kind_of_fault() -> None:
    plans = [draw(seed) for seed in range(1, 201)]
    assert {strike.kind for plan in plans for strike in plan.faults} == set(Chaos)
    assert set(VENUE_KINDS) <= {rule["kind"] for plan in plans for rule in plan.venue}
    assert {plan.traders for plan in plans} == {1, 2}


@pytest.mark.parametrize(
    "text",
    [
        "no", "[]", "{}", '{"seed": 1, "other": 2}', '{"seed": 1, "slots": 0}', '{"seed": 1, "dialect": "kraken"}',
        '{"seed": 1, "faults": [{"kind": "rain", "site": "order", "nth": 1}]}',
        '{"seed": 1, "faults": [{"kind": "answer lost", "site": "commit", "nth": 1}]}',
        '{"seed": 1, "faults": [{"kind": "answer lost", "site": "order", "nth": 0}]}',
        '{"seed": 1, "commands": [{"command": "stop"}]}', '{"seed": 1, "commands": [{"command": "resume", "by": "file"}]}',
    ],
)  # fmt: skip
def test_a_plan_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text)


def test_a_campaign_of_two_hundred_plans_fails_where_a_kind_never_fired() -> None:
    sums = Sums(plans=200)
    sums.fired.update(KINDS)
    assert not sums.failed()
    sums.fired["answer lost"] = 0
    assert sums.failed()
    assert sums.idle() == ["answer lost"]
    assert not Sums(plans=199).failed()


class Script:
    """A director that strikes once, and remembers what passed."""

    def __init__(self, *strikes: Strike) -> None:
        self.strikes, self.passed, self.gone = list(strikes), list[str](), list[str]()

    async def passes(self, _wire: Wire, site: str, client_id: str = "") -> Sequence[Strike]:
        self.passed.append(f"{site} {client_id}".strip())
        found = [one for one in self.strikes if one.site == site]
        self.strikes = [one for one in self.strikes if one.site != site]
        return found

    def left(self, _wire: Wire, client_id: str) -> None:
        self.gone.append(client_id)

    def is_lost(self) -> bool:
        return False


class Far:
    """The far end: it keeps what it was sent and answers each time."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.got = answer, b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.got += data
            writer.write(self.answer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def between(
    kind: type[Wire], answer: bytes, script: Script
) -> AsyncIterator[tuple[Wire, Far, asyncio.StreamReader, asyncio.StreamWriter]]:
    far = Far(answer)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = kind("exchange 0", lambda: asyncio.open_connection("127.0.0.1", port), script)
    await wire.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        yield wire, far, reader, writer
    finally:
        writer.close()
        await wire.close()
        server.close()


async def said(reader: asyncio.StreamReader) -> bytes | str:
    """Return everything until the end, and whether that was a reset."""
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionResetError:
        return "reset"


async def test_a_wire_hands_on_what_it_is_given_and_tells_of_each_order() -> None:
    script = Script()
    async with between(VenueWire, ANSWER, script) as (_, far, reader, writer):
        writer.write(ORDER_SENT)
        assert await reader.readexactly(len(ANSWER)) == ANSWER
        assert far.got == ORDER_SENT
    assert (script.passed, script.gone) == (["request", "order gh-1"], ["gh-1"])


@pytest.mark.parametrize(
    ("strike", "arrives", "comes_back"),
    [
        (Strike(Chaos.REQUEST_LOST, ORDER, 1), b"", "reset"),
        (Strike(Chaos.REQUEST_CUT, ORDER, 1, 20), ORDER_SENT[:20], b""),
        (Strike(Chaos.ANSWER_LOST, ORDER, 1), ORDER_SENT, "reset"),
        (Strike(Chaos.ANSWER_CUT, ORDER, 1, 12), ORDER_SENT, ANSWER[:12]),
    ],
)
async def test_a_wire_loses_and_cuts_what_it_is_told_to(strike: Strike, arrives: bytes, comes_back: bytes | str) -> None:
    async with between(VenueWire, ANSWER, Script(strike)) as (_, far, reader, writer):
        writer.write(ORDER_SENT)
        assert await said(reader) == comes_back
        await asyncio.sleep(0.05)
        assert far.got == arrives


async def test_a_commit_of_records_is_lost_or_its_answer_and_any_other_passes() -> None:
    commit = b"Q\x00\x00\x00\x0bCOMMIT\x00"
    for kind, arrives in ((Chaos.COMMIT_FAILED, b"SENDING"), (Chaos.COMMIT_UNANSWERED, b"SENDING" + commit)):
        async with between(DatabaseWire, b"ok", Script(Strike(kind, SENDING, 1))) as (_, far, reader, writer):
            writer.write(commit)
            assert await reader.readexactly(2) == b"ok", "a transaction without records is nobody's business"
            far.got = b""
            writer.write(b"SENDING")
            assert await reader.readexactly(2) == b"ok"
            writer.write(commit)
            assert await said(reader) == "reset"
            await asyncio.sleep(0.05)
            assert far.got == arrives


async def test_a_wire_cuts_a_message_in_the_middle_stalls_and_goes_away() -> None:
    async with between(DatabaseWire, b"ok", Script()) as (wire, far, reader, writer):
        wire.cut_after = 3
        writer.write(b"abcdef")
        assert await said(reader) == "reset"
        await asyncio.sleep(0.05)
        assert far.got == b"abc"
    async with between(DatabaseWire, b"ok", Script()) as (wire, _, reader, writer):
        wire.flowing.clear()
        writer.write(b"abc")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(2), 0.05)
        wire.flowing.set()
        assert await reader.readexactly(2) == b"ok"
        wire.away = True
        wire.cut()
        assert await said(reader) == "reset"
        again, _ = await asyncio.open_connection("127.0.0.1", wire.port)
        assert await said(again) == "reset"
        wire.calm()
        assert not wire.away
