"""The false answers: refusals in a venue's words, and true answers that were changed in one way."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.config import Config
from sandbox.false_answers import CHANGES, changed
from sandbox.fault_rules import Answer, Fault
from sandbox.faults import FaultPlan
from tests.venues.sandbox_client import Raw, raw, running

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000", "newClientOrderId": "gh1"}
PLACE, LIST, BOOK = "POST /api/v3/order", "GET /api/v3/openOrders", "GET /api/v3/depth"


@pytest.fixture
async def wire() -> AsyncIterator[Raw]:
    async with running() as sandbox, raw(sandbox) as sender:
        yield sender


def false(kind: str, body: Any, **params: Any) -> Any:
    """Return what a body becomes."""
    return json.loads(changed(Fault(LIST, kind, params=params), Answer(200, json.dumps(body).encode())).body)


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("429", 429, "7"), ("429_bare", 429, None), ("418", 418, "7"), ("520", 520, None), ("maintenance", 503, None)],
)
async def test_a_refusal_has_its_status_and_says_how_long_to_wait_where_it_should(
    wire: Raw, kind: str, status: int, retry_after: str | None
) -> None:
    params = {"retry_after": 7} if retry_after else {}
    wire.sandbox.faults.add([{"site": "GET /api/v3/time", "kind": kind, "params": params}])
    url = f"http://127.0.0.1:{wire.sandbox.port}/api/v3/time"
    async with wire.session.get(url) as reply:
        assert (reply.status, reply.headers.get("Retry-After")) == (status, retry_after)
    async with wire.session.get(url) as reply:
        assert reply.status == 200


def test_a_storm_draws_a_status_anew_each_time_and_the_same_ones_from_one_seed() -> None:
    def storm(seed: int) -> list[int]:
        plan = FaultPlan()
        plan.add({"seed": seed, "rules": [{"site": LIST, "kind": "storm", "count": 40, "params": {"statuses": [500, 502, 599]}}]})
        hits = [plan.hit(LIST) for _ in range(40)]
        return [changed(hit, Answer(200, b"[]")).status for hit in hits if hit is not None]

    first = storm(1)
    assert (len(first), set(first)) == (40, {500, 502, 599})
    assert first == storm(1)
    assert first != storm(2)


def test_wrong_types_leave_no_value_as_it_was() -> None:
    assert false("wrong_types", {"a": "1", "b": 2, "c": True, "d": None, "e": [{"f": "x"}]}) == {
        "a": ["1"], "b": {"value": 2}, "c": "True", "d": "None", "e": [{"f": ["x"]}],
    }  # fmt: skip


def test_an_unknown_status_is_put_wherever_a_status_is() -> None:
    assert false("unknown_status", [{"id": 1, "status": "NEW"}], status="ODD") == [{"id": 1, "status": "ODD"}]


def test_a_list_is_cut_to_half_or_to_what_is_kept_or_to_nothing_and_so_is_a_table_of_rows_by_id() -> None:
    assert false("partial_list", [1, 2, 3, 4, 5]) == [1, 2]
    assert false("partial_list", [1, 2, 3], keep=1) == [1]
    assert false("empty_list", {"data": [1, 2], "n": 2}) == {"data": [], "n": 2}
    assert false("empty_list", {"result": {"open": {"A": {"x": 1}, "B": {"x": 2}}, "n": 2}}) == {"result": {"open": {}, "n": 2}}


def test_a_crossed_book_has_its_sides_exchanged() -> None:
    assert false("crossed_book", {"bids": [["1", "2"]], "asks": [["3", "4"]]}) == {"bids": [["3", "4"]], "asks": [["1", "2"]]}
    assert false("crossed_book", {"bidPrice": "1", "askPrice": "3"}) == {"bidPrice": "3", "askPrice": "1"}


async def test_what_finds_nothing_to_change_answers_the_truth_and_does_not_count_as_fired(wire: Raw) -> None:
    wire.sandbox.faults.add([{"site": LIST, "kind": "empty_list"}, {"site": BOOK, "kind": "crossed_book"}])
    assert await wire.call(LIST, symbol="BTCUSDT") == (200, b"[]")
    assert (await wire.send(BOOK, "symbol=BTCUSDT"))[0] == 200
    assert [(rule.seen, rule.fired) for rule in wire.sandbox.faults.rules] == [(1, 0), (1, 1)]
    assert wire.sandbox.faults.kinds["empty_list"] == {"seen": 1, "fired": 0}


@pytest.mark.parametrize("kind", sorted(set(CHANGES) - {"crossed_book"}))
@pytest.mark.parametrize("dialect", ["mexc", "binance"])
async def test_a_changed_list_of_open_orders_lies_and_the_order_stands(kind: str, dialect: str) -> None:
    async with running(Config(dialect=dialect)) as sandbox, raw(sandbox) as wire:
        key = {"X-MEXC-APIKEY": wire.key, "X-MBX-APIKEY": wire.key}
        limit = {"timeInForce": "GTC"} if dialect == "binance" else {}
        assert (await wire.send(PLACE, wire.signed({**ORDER, **limit}), key))[0] == 200
        _, truth = await wire.send(LIST, wire.signed({"symbol": "BTCUSDT"}), key)
        sandbox.faults.add([{"site": LIST, "kind": kind}])
        _, told = await wire.send(LIST, wire.signed({"symbol": "BTCUSDT"}), key)
        assert told != truth
        assert (await wire.send(LIST, wire.signed({"symbol": "BTCUSDT"}), key))[1] == truth
        assert sandbox.faults.rules[0].fired == 1
