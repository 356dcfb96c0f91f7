"""The gateway against the embedded exchange in Kraken's protocol: the port's contract, what its words prove, and the rights of a key."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.config import Config
from sandbox.dialects.base import Powers
from sandbox.server import ACCOUNT, Sandbox, start
from tests.venues.contract import Bench, VenueContract
from tests.venues.gateway_connected import Connected, connect
from trader_core.model.instrument import freeze
from trader_core.model.session import Side
from trader_core.venues import permissions
from trader_core.venues.port import Outcome

SYMBOL = "BTC/EUR"


@pytest.fixture
async def exchange() -> AsyncIterator[Sandbox]:
    sandbox = await start(Config(history_days=2, dialect="kraken"))
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def connected(exchange: Sandbox) -> AsyncIterator[Connected]:
    found = await connect(exchange, [SYMBOL, "DOGE/EUR"], may_send=lambda _: None)
    yield found
    await found.feed.close()


@pytest.fixture
async def bench(connected: Connected, exchange: Sandbox) -> Bench:
    gateway, instrument = connected.gateway, connected.instruments[0]
    ticker = (await gateway.ticker(SYMBOL)).value
    assert ticker is not None
    gateway.use([freeze(instrument, ticker.last)])
    return Bench(gateway, connected.feed, instrument, exchange.config.start_ms, ticker.ask * 101 // 100, 20_000)


class TestKrakenKeepsTheContract(VenueContract):
    async def test_the_clock_is_the_feeds(self, bench: Bench) -> None:
        told = (await bench.venue.time_ms()).value
        assert told is not None
        assert abs(told - bench.feed.now_ms()) < 1_000, "Kraken tells whole seconds"


async def test_grids_minimums_and_the_accounts_own_fees_are_read(connected: Connected) -> None:
    btc, doge = connected.instruments
    assert (btc.price_exp, btc.qty_exp, btc.qty_min, btc.notional_min) == (1, 8, 5_000, 4_500_000_000)
    assert (doge.price_exp, doge.qty_exp) == (7, 3)
    assert {(one.maker_ppm, one.taker_ppm) for one in connected.instruments} == {(2_500, 4_000)}


async def test_a_client_id_that_an_open_order_has_is_no_proof_of_absence(bench: Bench, exchange: Sandbox) -> None:
    resting = replace(bench.request("1"), limit=bench.limit * 2 // 3, order_type="LIMIT")
    assert (await bench.venue.submit(resting)).outcome is Outcome.OK
    other = await connect(exchange, [SYMBOL], may_send=lambda _: None)
    try:
        again = await other.gateway.submit(resting)
    finally:
        await other.feed.close()
    assert (again.outcome, again.code) == (Outcome.UNKNOWN, "EGeneral:Invalid arguments:cl_ord_id not unique")
    assert len(exchange.exchange.all_orders()) == 1


async def test_a_resting_stop_is_placed_seen_as_one_and_cancelled(bench: Bench, exchange: Sandbox) -> None:
    await bench.venue.submit(bench.request("1"))
    low = bench.limit * 9 // 10
    guard = replace(bench.request("2"), side=Side.SELL, order_type="STOP", trigger=low, limit=low * 9 // 10, qty=bench.qty // 2)
    assert (await bench.venue.submit(guard)).outcome is Outcome.OK
    opened = (await bench.venue.open_orders(SYMBOL)).value or []
    assert [(order.client_order_id, order.stop, order.filled) for order in opened] == [("gh2", True, 0)]
    assert (await bench.venue.cancel(SYMBOL, "gh2")).outcome is Outcome.OK
    assert exchange.exchange.open_orders(ACCOUNT) == []


async def test_an_order_that_arrives_after_its_deadline_is_never_there(bench: Bench, exchange: Sandbox) -> None:
    exchange.faults.add([{"site": "POST /0/private/AddOrder", "kind": "late_execution", "params": {"ms": 5_000}}])
    reply = await bench.venue.submit(bench.request("1"))
    exchange.exchange.advance(exchange.exchange.now_ms + 5_000)
    assert reply.outcome is Outcome.UNKNOWN
    assert exchange.exchange.all_orders() == []


async def test_a_key_that_can_withdraw_is_seen(connected: Connected, exchange: Sandbox) -> None:
    fine = (await connected.gateway.permissions()).value
    exchange.dialect.powers[ACCOUNT] = Powers(withdraws=True)
    wrong = (await connected.gateway.permissions()).value
    assert fine is not None
    assert wrong is not None
    assert permissions.faults(fine) == []
    assert [what for what, _ in permissions.faults(wrong)] == ["it can withdraw"]


async def test_orders_whose_pair_is_no_name_are_no_answer(bench: Bench, exchange: Sandbox) -> None:
    await bench.venue.submit(replace(bench.request("1"), limit=bench.limit * 2 // 3, order_type="LIMIT"))
    exchange.faults.add([{"site": "POST /0/private/OpenOrders", "kind": "wrong_types", "count": 2}])
    assert (await bench.venue.open_orders(SYMBOL)).outcome is Outcome.RETRYABLE_READ
    assert (await bench.venue.order(SYMBOL, "gh1")).outcome is Outcome.RETRYABLE_READ


async def test_a_list_that_is_cut_keeps_some_of_krakens_rows(bench: Bench, exchange: Sandbox) -> None:
    for name in ("1", "2"):
        await bench.venue.submit(replace(bench.request(name), limit=bench.limit * 2 // 3, order_type="LIMIT"))
    exchange.faults.add([{"site": "POST /0/private/OpenOrders", "kind": "partial_list", "params": {"keep": 1}}])
    assert [order.client_order_id for order in (await bench.venue.open_orders(SYMBOL)).value or []] == ["gh2"], "the youngest comes first"
    assert len((await bench.venue.open_orders(SYMBOL)).value or []) == 2
