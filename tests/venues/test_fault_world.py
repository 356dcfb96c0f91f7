"""Changes of the exchange itself: each one holds in its window, is seen by a client, and is undone at its end."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.config import START_MS, Config
from tests.venues.sandbox_client import Raw, raw, running
from tests.venues.sandbox_market_fixed import FixedMarket

MINUTE = 60_000
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "90"}


@pytest.fixture
async def wire() -> AsyncIterator[Raw]:
    """An exchange whose one pair stands at 100.00."""
    async with running(Config(credits=(("USDT", "1000"),)), FixedMarket({})) as sandbox, raw(sandbox) as sender:
        yield sender


class Bad:
    """A change that holds from the second to the fourth minute."""

    def __init__(self, wire: Raw, kind: str, **params: Any) -> None:
        self.wire, self.kind = wire, kind
        wire.sandbox.faults.add([{"site": "world", "kind": kind, "from": "+1m", "until": "+3m", "params": params}])

    def at(self, minutes: float) -> None:
        self.wire.sandbox.exchange.advance(START_MS + int(minutes * MINUTE))

    @property
    def fired(self) -> int:
        return self.wire.sandbox.faults.kinds[self.kind]["fired"]


async def get(wire: Raw, site: str, query: str = "") -> Any:
    status, body = await wire.send(f"GET /api/v3/{site}", query)
    assert status == 200, body
    return json.loads(body)


async def order(wire: Raw, **changes: str) -> tuple[int, Any]:
    status, body = await wire.call("POST /api/v3/order", **{**ORDER, **changes})
    return status, json.loads(body).get("code")


async def test_a_halted_market_takes_no_order_and_trades_again_afterwards(wire: Raw) -> None:
    bad = Bad(wire, "symbol_halted", symbol="BTCUSDT")
    assert (await order(wire))[0] == 200
    bad.at(1)
    assert (await order(wire), bad.fired) == ((400, 30000), 1)
    bad.at(3)
    assert (await order(wire))[0] == 200


async def test_a_revoked_key_is_unknown_until_it_is_given_back(wire: Raw) -> None:
    bad = Bad(wire, "key_revoked")
    bad.at(1)
    assert (await order(wire), bad.fired) == ((400, 10072), 1)
    bad.at(3)
    assert (await order(wire))[0] == 200


async def test_another_minimum_and_other_grids_hold_for_orders_and_are_told(wire: Raw) -> None:
    least, grid = Bad(wire, "min_notional", amount="60"), Bad(wire, "filter_change", symbol="BTCUSDT", qty_min=600_000)
    assert (await order(wire))[0] == 200, "worth 45"
    least.at(1)
    assert await order(wire, quantity="0.61") == (400, 30002), "worth 54.9"
    assert await order(wire) == (400, 10097), "0.5 is below the smallest quantity"
    assert (await order(wire, quantity="0.7"))[0] == 200, "worth 63"
    assert (least.fired, grid.fired) == (1, 1)
    least.at(3)
    assert (await order(wire))[0] == 200


async def test_other_fees_are_charged_and_told(wire: Raw) -> None:
    bad = Bad(wire, "fee_change", maker_ppm=1_000, taker_ppm=2_000)
    bad.at(1)
    assert (await order(wire, price="101"))[0] == 200
    fills = wire.sandbox.exchange.fills
    cost, fee = sum(fill.cost for fill in fills), sum(fill.fee for fill in fills)
    assert (fee, bad.fired) == (-(-cost * 2_000 // 1_000_000), 1), "rounded up once over the order"
    bad.at(3)
    assert wire.sandbox.exchange.rules.taker_ppm == 500


async def test_a_balance_is_shown_wrongly_and_the_true_one_counts(wire: Raw) -> None:
    async def shown() -> str:
        _, body = await wire.call("GET /api/v3/account")
        return next((row["free"] for row in json.loads(body)["balances"] if row["asset"] == "USDT"), "nothing")

    bad = Bad(wire, "wrong_balance", currency="USDT", ppm=-500_000)
    assert float(await shown()) == 1_000
    bad.at(1)
    assert float(await shown()) == 500
    assert (await order(wire, quantity="9"))[0] == 200, "worth 810: it is there"
    bad.at(3)
    assert float(await shown()) == 189.595, "1000 less 810 and the fee of 0.05 % on it"


async def test_a_clock_that_steps_is_told_so_and_refuses_what_is_too_old(wire: Raw) -> None:
    bad = Bad(wire, "clock_step", ms=6_000)
    bad.at(1)
    assert (await get(wire, "time"))["serverTime"] == START_MS + MINUTE + 6_000
    assert await order(wire) == (400, 700003)
    bad.at(3)
    assert (await get(wire, "time"))["serverTime"] == START_MS + 3 * MINUTE
    assert (await order(wire))[0] == 200


async def test_a_clock_that_runs_away_does_so_evenly_over_its_window(wire: Raw) -> None:
    bad = Bad(wire, "clock_skew", ms=600)
    skews = []
    for minutes in (1, 1.5, 2, 2.5, 3):
        bad.at(minutes)
        skews.append((await get(wire, "time"))["serverTime"] - START_MS - int(minutes * MINUTE))
    assert skews == [0, 150, 300, 450, 0]


async def test_reads_lag_behind_writes(wire: Raw) -> None:
    bad = Bad(wire, "read_lag", ms=2_000)
    bad.at(1)
    assert (await order(wire, newClientOrderId="gh1"))[0] == 200
    assert (await wire.call("GET /api/v3/openOrders", symbol="BTCUSDT"))[1] == b"[]"
    bad.at(1 + 2 / 60)
    assert b"gh1" in (await wire.call("GET /api/v3/openOrders", symbol="BTCUSDT"))[1]


@pytest.mark.parametrize(("kind", "params", "price"), [("price_spike", {"ppm": 500_000}, 150), ("zero_price", {}, 0)])
async def test_prices_jump_and_come_back_and_history_keeps_what_was(wire: Raw, kind: str, params: dict[str, Any], price: int) -> None:
    bad = Bad(wire, kind, symbol="BTCUSDT", **params)
    seen = []
    for minutes in (0.9, 1, 2.9, 3):
        bad.at(minutes)
        seen.append(float((await get(wire, "ticker/price", "symbol=BTCUSDT"))["price"]))
    assert seen == [100, price, price, 100]
    bad.at(5)
    closes = [float(row[4]) for row in await get(wire, "klines", f"symbol=BTCUSDT&interval=1m&startTime={START_MS}&limit=5")]
    assert closes == [100, *([price, price] if price else []), 100, 100], "minutes at a price of 0 have no candle"
    assert bad.fired == 1


async def test_a_candle_is_revised_and_stays_so_where_no_end_is_said(wire: Raw) -> None:
    wire.sandbox.exchange.advance(START_MS + 5 * MINUTE)
    rule = {"site": "world", "kind": "revised_candle", "params": {"symbol": "BTCUSDT", "candles": 2, "ppm": 10_000}}
    wire.sandbox.faults.add([rule])

    async def closes() -> list[float]:
        return [float(row[4]) for row in await get(wire, "klines", f"symbol=BTCUSDT&interval=1m&startTime={START_MS}&limit=5")]

    assert await closes() == [100, 100, 100, 101, 101]
    wire.sandbox.faults.clear()
    assert await closes() == [100, 100, 100, 101, 101], "it is history now"


async def test_a_revision_with_an_end_is_taken_back(wire: Raw) -> None:
    wire.sandbox.exchange.advance(START_MS + MINUTE)
    bad = Bad(wire, "revised_candle", symbol="BTCUSDT")
    bad.at(2)
    query = f"symbol=BTCUSDT&interval=1m&startTime={START_MS}&limit=3"
    assert [float(row[4]) for row in await get(wire, "klines", query)][:2] == [100, 101]
    bad.at(4)
    assert [float(row[4]) for row in await get(wire, "klines", query)][:3] == [100, 100, 100]


async def test_listen_keys_are_forgotten_and_it_counts_only_where_there_were_some(wire: Raw) -> None:
    _, body = await wire.call("POST /api/v3/userDataStream")
    key = json.loads(body)["listenKey"]
    wire.sandbox.faults.add([{"site": "world", "kind": "listen_key_loss"}])
    assert (await wire.call("PUT /api/v3/userDataStream", listenKey=key))[0] == 400
    wire.sandbox.faults.add([{"site": "world", "kind": "listen_key_loss"}])
    assert wire.sandbox.faults.kinds["listen_key_loss"] == {"seen": 2, "fired": 1}


async def test_windows_that_overlap_each_take_back_their_own(wire: Raw) -> None:
    wire.sandbox.faults.add([
        {"site": "world", "kind": "min_notional", "from": "+1m", "until": "+3m", "params": {"amount": "60"}},
        {"site": "world", "kind": "min_notional", "from": "+2m", "until": "+4m", "params": {"amount": "80"}},
    ])  # fmt: skip
    usual, least = wire.sandbox.exchange.rules.notional_min, []
    for minutes in (1, 2, 3, 4):
        wire.sandbox.exchange.advance(START_MS + minutes * MINUTE)
        least.append(wire.sandbox.exchange.rules.notional_min // 10**10)
    assert least[:3] == [60, 80, 80]
    assert wire.sandbox.exchange.rules.notional_min == usual


async def test_what_is_cleared_before_it_begins_never_happens(wire: Raw) -> None:
    bad = Bad(wire, "symbol_halted", symbol="BTCUSDT")
    wire.sandbox.faults.clear()
    bad.at(2)
    assert ((await order(wire))[0], bad.fired) == (200, 0)
