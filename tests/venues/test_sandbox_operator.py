"""The operator's calls: rules, halts and filters while it runs, and an exchange that is saved and goes on elsewhere."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from sandbox.config import LISTED, START_MS, Config
from sandbox.dialects.known import speak
from sandbox.market import SeededMarket
from sandbox.matching import Exchange
from sandbox.orders import BUY, Kind, NewOrder, No, Refused
from sandbox.pairs import Rules
from tests.venues.sandbox_client import Raw, raw, running

if TYPE_CHECKING:
    from sandbox.dialects.kraken import Kraken

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000", "newClientOrderId": "gh1"}


@pytest.fixture
async def wire() -> AsyncIterator[Raw]:
    async with running() as sandbox, raw(sandbox) as sender:
        yield sender


async def order(wire: Raw, **changes: str) -> tuple[int, bytes]:
    return await wire.call("POST /api/v3/order", **{**ORDER, "newClientOrderId": "", **changes})


SWITCHES: dict[str, Any] = {
    "maker_ppm": 100, "taker_ppm": 600, "notional_min": "2", "notional_max": "3000", "duplicates": "accept", "crossing": "cancel",
    "read_lag_ms": 5, "skew_ms": 6, "fee_in": "received", "weight_limit": 700, "accounts_meet": True, "self_trade": "allow",
    "queue": "touch", "fee_currency": "MX", "fee_rates": {"USDT": "2.5"}, "open_orders_max": 8, "price_band_ppm": 900_000,
}  # fmt: skip


async def test_every_rule_is_a_switch(wire: Raw) -> None:
    assert set(SWITCHES) == set(Rules.__dataclass_fields__)
    assert await wire.admin("POST /switches", SWITCHES) == (200, SWITCHES)
    assert (await wire.admin("GET /state"))[1]["rules"] == SWITCHES


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": "front"},
        {"self_trade": 7},
        {"accounts_meet": "yes"},
        {"open_orders_max": 1.5},
        {"fee_currency": "MX"},
        {"fee_currency": "MX", "fee_rates": {"USDT": "much"}},
        {"fee_currency": "MX", "fee_rates": {"USDT": "-1"}},
        {"fee_rates": ["USDT"]},
        {"price_band_ppm": None},
        {"maker_ppm": True},
    ],
)
async def test_a_wrong_switch_is_refused_with_a_message_and_changes_nothing(wire: Raw, wrong: dict[str, Any]) -> None:
    status, body = await wire.admin("POST /switches", {**wrong, "skew_ms": 5})
    assert (status, body["error"].startswith("expected ")) == (400, True)
    assert wire.sandbox.exchange.rules == Rules()


async def test_the_operator_halts_markets_and_lets_them_trade_again(wire: Raw) -> None:
    assert await wire.admin("POST /halted", {"symbols": ["BTCUSDT", "ETHUSDT"]}) == (200, {"halted": ["BTCUSDT", "ETHUSDT"]})
    assert (await wire.admin("GET /state"))[1]["halted"] == ["BTCUSDT", "ETHUSDT"]
    status, body = await order(wire)
    assert (status, b"30000" in body) == (400, True)
    assert b'"symbol":"BTCUSDT","status":"2"' in (await wire.send("GET /api/v3/exchangeInfo"))[1]
    assert (await wire.admin("POST /halted", {"symbols": ["XMRUSDT"]}))[0] == 400
    assert (await wire.admin("POST /halted", {"symbols": []}))[1] == {"halted": []}
    assert (await order(wire))[0] == 200


async def test_the_operator_changes_filters_of_one_market(wire: Raw) -> None:
    changed = {"tick": 100, "lot": 10, "qty_min": 20, "notional_min": "60"}
    assert await wire.admin("POST /filters", {"symbol": "BTCUSDT", **changed}) == (200, changed)
    assert (await wire.admin("GET /state"))[1]["filters"] == {"BTCUSDT": changed}
    for change, code in (
        ({}, b"30002"),
        ({"quantity": "0.002001"}, b"10096"),
        ({"quantity": "0.000010"}, b"10097"),
        ({"quantity": "0.002", "price": "50000.5"}, b"30010"),
    ):
        assert code in (await order(wire, **change))[1]
    info = (await wire.send("GET /api/v3/exchangeInfo"))[1]
    assert b'"baseAssetPrecision":5,"quoteAsset":"USDT","quotePrecision":0' in info
    assert (await order(wire, symbol="ETHUSDT", price="1000", quantity="0.1"))[0] == 200, "no other market has changed"
    for wrong in ({"symbol": "XMRUSDT"}, {"symbol": "BTCUSDT", "tick": 0}, {"symbol": "BTCUSDT", "colour": 1}, {"tick": 1}):
        assert (await wire.admin("POST /filters", wrong))[0] == 400
    back = await wire.admin("POST /filters", {"symbol": "BTCUSDT", **dict.fromkeys(changed)})
    assert back == (200, {"tick": 1, "lot": 1, "qty_min": 1, "notional_min": "1"})


@pytest.mark.parametrize(
    ("rules", "change", "code"),
    [
        ({"open_orders_max": 1}, {}, b'"code": 30029'),
        ({"price_band_ppm": 100_000}, {"price": "50000"}, b'"code": 30087'),
        ({}, {"type": "STOP_LOSS_LIMIT", "stopPrice": "50000"}, b'"code": 700004'),
    ],
)
async def test_mexc_refuses_by_its_codes(wire: Raw, rules: dict[str, Any], change: dict[str, str], code: bytes) -> None:
    assert (await order(wire))[0] == 200
    await wire.admin("POST /switches", rules)
    status, body = await order(wire, **change)
    assert (status, code in body) == (400, True), body


async def test_an_exchange_is_saved_and_goes_on_in_another_process_for_the_same_client() -> None:
    config = Config(seed=3)
    async with running(config) as first, raw(first) as wire:
        first.faults.add([{"site": "POST /api/v3/order", "kind": "late_execution", "params": {"ms": 4_000}, "nth": 2}])
        assert (await wire.call("POST /api/v3/order", **ORDER))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await order(wire, newClientOrderId="late")
        await wire.admin("POST /advance", {"to_ms": START_MS + 1_000})
        status, saved = await wire.admin("GET /save")
        assert (status, saved["clients"]["keys"][first.api_key]) == (200, [first.secret, "main"])
    async with running(config) as second, raw(second) as wire:
        stranger = await wire.admin("POST /restore", saved)
        assert stranger == (200, {"now_ms": START_MS + 1_000, "fills": 0})
        assert (await wire.call("GET /api/v3/account"))[0] == 200, "the new exchange's own key still opens the account"
        wire.key, wire.secret = first.api_key, first.secret
        assert b'"clientOrderId":"gh1"' in (await wire.call("GET /api/v3/order", symbol="BTCUSDT", origClientOrderId="gh1"))[1]
        assert (await wire.admin("POST /advance", {"to_ms": START_MS + 5_000}))[0] == 200
        found = [found.asked.client_id for found in second.exchange.all_orders()]
        assert found == ["gh1", "late"], "what was under way is executed when its time has come"


async def test_a_state_of_megabytes_is_taken_and_one_of_another_market_is_not(wire: Raw) -> None:
    for _ in range(6_000):
        wire.sandbox.exchange.cancel("main", "BTCUSDT", wire.sandbox.exchange.place("main", _asked(wire)).id)
    _, saved = await wire.admin("GET /save")
    assert len(str(saved)) > 1_000_000
    assert (await wire.admin("POST /restore", saved))[0] == 200
    for wrong in (
        {**saved, "market": {**saved["market"], "seed": 8}},
        {**saved, "clients": {"keys": {"a": "b"}}},
        {**saved, "exchange": {}},
        {},
    ):
        assert (await wire.admin("POST /restore", wrong))[0] == 400
    assert len(wire.sandbox.exchange.all_orders()) == 6_000


def _asked(wire: Raw) -> NewOrder:
    return NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=1_000, price=wire.sandbox.exchange.last("BTCUSDT") // 2)


async def test_what_only_krakens_dialect_knows_is_saved_too() -> None:
    config = Config(dialect="kraken")
    order = {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000", "userref": "77"}
    async with running(config) as first, raw(first) as wire:
        calls = cast("Kraken", first.dialect)._signed
        calls.add_order("main", order)
        calls.cancel_all_after("main", {"timeout": "60"})
        status, saved = await wire.admin("GET /save")
        assert status == 200
    async with running(config) as second, raw(second) as wire:
        assert (await wire.admin("POST /restore", saved))[0] == 200
        calls = cast("Kraken", second.dialect)._signed
        (found,) = calls.open_orders("main", {})["open"].values()
        assert found["userref"] == 77
        await wire.admin("POST /advance", {"to_ms": START_MS + 60_000})
        assert calls.open_orders("main", {})["open"] == {}, "the dead man's switch went off in the new process"


async def test_connections_end_when_another_state_is_restored(wire: Raw) -> None:
    _, saved = await wire.admin("GET /save")
    async with wire.session.ws_connect(f"http://127.0.0.1:{wire.sandbox.port}/ws") as socket:
        await wire.admin("POST /restore", saved)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1012


@pytest.mark.parametrize("name", LISTED)
def test_every_dialect_has_words_for_every_refusal(name: str) -> None:
    exchange = Exchange(SeededMarket(7, LISTED[name]), Rules(), 7, START_MS)
    dialect = speak(name, exchange, START_MS)
    for why in No:
        body = dialect.refusal(Refused(why, "x")).body
        assert body
        assert b"{" not in body.strip(b"{}"), "nothing is left to fill in"
