"""Each fault, as a raw client sees it on order creation, what the exchange did meanwhile, and how often it fired."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from sandbox.config import START_MS
from sandbox.faults import KINDS, Answer, Fault, FaultPlan, changed
from sandbox.server import Sandbox
from tests.venues.sandbox_client import Raw, client, raw, running
from trader_core.model.errors import OutOfRange, UnknownName

SITE = "POST /api/v3/order"
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000", "newClientOrderId": "gh1"}


@pytest.fixture
async def wire() -> AsyncIterator[Raw]:
    async with running() as sandbox, raw(sandbox) as sender:
        yield sender


def placed(sandbox: Sandbox) -> int:
    return sum(order.asked.client_id == "gh1" for order in sandbox.exchange.all_orders())


@dataclass(frozen=True, slots=True)
class Case:
    """What a client sees of one fault: a status and the beginning of the body."""

    kind: str
    status: int
    body: bytes


ANSWERS = [
    Case("empty_200", 200, b""),
    Case("html_200", 200, b"<html>"),
    Case("null_200", 200, b"null"),
    Case("garbage_200", 200, b'{"data":[['),
    Case("bad_number_200", 200, b'{"symbol": "BTCUSDT"'),
    Case("wrong_client_id", 200, b'{"symbol": "BTCUSDT"'),
    Case("truncated_json", 200, b'{"symbol":"BTCUSDT"'),
    Case("307", 307, b""),
    Case("429", 429, b'{"code":429'),
    Case("500", 500, b'{"code":500'),
    Case("502_html", 502, b"<html>"),
    Case("503_empty", 503, b""),
    Case("504", 504, b""),
    Case("unknown_code", 400, b'{"code":-9999'),
    Case("clock_error", 400, b'{"code":700003'),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.kind)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_false_answer_arrives_whether_the_order_was_placed_or_not(wire: Raw, case: Case, when: str) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": case.kind, "when": when}])
    status, body = await wire.call(SITE, **ORDER)
    assert status == case.status
    assert body.startswith(case.body) if case.body else body == b""
    assert placed(wire.sandbox) == (when == "after")
    assert [rule.fired for rule in wire.sandbox.faults.rules] == [1]
    second = await wire.call(SITE, **{**ORDER, "newClientOrderId": "gh2"})
    assert second[0] == 200, "the fault fired once"


async def test_changed_answers_lie_in_one_field(wire: Raw) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": "bad_number_200"}, {"site": "GET /api/v3/order", "kind": "wrong_client_id"}])
    assert b'"origQty": "NaN"' in (await wire.call(SITE, **ORDER))[1]
    assert b'"clientOrderId": "somebody-elses-id"' in (await wire.call("GET /api/v3/order", symbol="BTCUSDT", origClientOrderId="gh1"))[1]


@pytest.mark.parametrize("kind", ["reset", "timeout", "truncated_body"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_raises_at_the_client_whether_the_order_was_placed_or_not(wire: Raw, kind: str, when: str) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": kind, "when": when, "params": {"seconds": 0.05}}])
    with pytest.raises(aiohttp.ClientError):
        await wire.call(SITE, **ORDER)
    assert placed(wire.sandbox) == (when == "after")
    assert wire.sandbox.faults.rules[0].fired == 1


async def test_a_timeout_hangs_longer_than_an_impatient_client_waits() -> None:
    async with running() as sandbox, raw(sandbox, timeout_s=0.2) as wire:
        sandbox.faults.add([{"site": SITE, "kind": "timeout"}])
        with pytest.raises(TimeoutError):
            await wire.call(SITE, **ORDER)
        assert placed(sandbox) == 1


@pytest.mark.parametrize(("late_ms", "executed"), [(4_000, 1), (5_001, 0)])
async def test_a_late_order_executes_later_unless_its_receive_window_has_passed(wire: Raw, late_ms: int, executed: int) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": "late_execution", "params": {"ms": late_ms}}])
    with pytest.raises(aiohttp.ClientError):
        await wire.call(SITE, **ORDER)
    wire.sandbox.exchange.advance(START_MS + late_ms - 1)
    assert placed(wire.sandbox) == 0
    wire.sandbox.exchange.advance(START_MS + 60_000)
    assert placed(wire.sandbox) == executed
    assert [order.created_ms for order in wire.sandbox.exchange.all_orders()] == [START_MS + late_ms] * executed


async def test_a_slow_request_waits_for_venue_time_and_may_then_be_too_old(wire: Raw) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": "slow", "when": "before", "params": {"venue_ms": 5_001}}])

    async def step() -> None:
        while not wire.sandbox.faults.rules[0].fired:  # noqa: ASYNC110 - the server sets no event for tests
            await asyncio.sleep(0)
        for to_ms in range(START_MS + 1_000, START_MS + 7_000, 1_000):
            await wire.admin("POST /advance", {"to_ms": to_ms})

    (status, body), _ = await asyncio.gather(wire.call(SITE, **ORDER), step())
    assert (status, b"700003" in body, placed(wire.sandbox)) == (400, True, 0)


async def test_a_slow_answer_comes_after_the_order_was_placed(wire: Raw) -> None:
    wire.sandbox.faults.add([{"site": SITE, "kind": "slow", "params": {"seconds": 0.01}}])
    assert (await wire.call(SITE, **ORDER))[0] == 200
    assert placed(wire.sandbox) == 1


async def test_the_client_turns_a_truncated_answer_into_an_order_id() -> None:
    async with running() as sandbox, client(sandbox) as exchange:
        sandbox.faults.add([{"site": SITE, "kind": "truncated_json", "params": {"bytes": 10}}])
        order: Any = await exchange.create_order("BTC/USDT", "limit", "buy", 0.001, 50_000, {"clientOrderId": "gh1"})
        assert order["id"] == '{"symbol":'
        assert placed(sandbox) == 1


def test_rules_count_their_own_site_and_fire_from_the_nth_for_count_times() -> None:
    plan = FaultPlan()
    plan.add([{"site": SITE, "kind": "500", "nth": 2, "count": 2}, {"site": SITE, "kind": "504", "nth": 3, "count": 2}])
    assert plan.hit("GET /api/v3/time") is None
    hits = [plan.hit(SITE) for _ in range(5)]
    assert [hit.kind if hit else "" for hit in hits] == ["", "500", "500", "504", ""]
    assert [(rule.seen, rule.fired) for rule in plan.rules] == [(5, 2), (5, 1)]
    plan.clear()
    assert plan.rules == []


def test_a_fault_that_could_never_fire_is_refused_and_none_is_added() -> None:
    plan = FaultPlan()
    with pytest.raises(UnknownName, match="truncated_json"):
        plan.add([{"site": SITE, "kind": "500"}, {"site": SITE, "kind": "earthquake"}])
    with pytest.raises(OutOfRange):
        plan.add([{"site": SITE, "kind": "500", "nth": 0}])
    with pytest.raises(OutOfRange, match="site"):
        plan.add([{"place": SITE}])
    assert plan.rules == []


def test_a_redirect_names_the_place_that_the_fault_asks_for() -> None:
    assert changed(Fault(SITE, "307", params={"location": "/x"}), Answer(200, b"")).headers == (("Location", "/x"),)


def test_every_kind_that_was_there_from_the_beginning_is_seen_by_a_test_above() -> None:
    seen = {case.kind for case in ANSWERS} | {"reset", "timeout", "truncated_body", "late_execution", "slow"}
    assert len(seen) == 20
    assert seen <= set(KINDS)
