"""The gateway on Binance's protocol: the port's contract, resting stops, whole pages of the past, and what its codes prove."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.config import Config
from sandbox.dialects.base import Powers
from sandbox.pairs import Rules
from sandbox.server import ACCOUNT, Sandbox, start
from tests.venues.contract import Bench, VenueContract
from tests.venues.gateway_connected import Connected, connect
from trader_core.model.instrument import freeze
from trader_core.venues import codes, permissions
from trader_core.venues.port import Outcome

SYMBOL = "BTC/EUR"


@pytest.fixture
async def exchange() -> AsyncIterator[Sandbox]:
    sandbox = await start(Config(history_days=2, dialect="binance", rules=Rules(fee_in="received", maker_ppm=1_000, taker_ppm=1_000)))
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def connected(exchange: Sandbox) -> AsyncIterator[Connected]:
    found = await connect(exchange, [SYMBOL, "ETH/EUR"], may_send=lambda _: None)
    yield found
    await found.feed.close()


@pytest.fixture
async def bench(connected: Connected, exchange: Sandbox) -> Bench:
    gateway, instrument = connected.gateway, connected.instruments[0]
    ticker = (await gateway.ticker(SYMBOL)).value
    assert ticker is not None
    gateway.use([freeze(instrument, ticker.last)])
    return Bench(gateway, connected.feed, instrument, exchange.config.start_ms, ticker.ask * 101 // 100, 200)


class TestBinanceKeepsTheContract(VenueContract):
    pass


async def test_the_fee_of_a_purchase_is_read_in_what_was_bought(bench: Bench) -> None:
    begin_ms = bench.feed.now_ms()
    await bench.venue.submit(bench.request("1"))
    fills = await bench.fills(begin_ms)
    assert bench.instrument.fee_in_base
    assert [(fill.fee, fill.client_order_id) for fill in fills] == [(0, "gh1")] * len(fills)
    assert sum(fill.fee_base for fill in fills) >= 1


async def test_the_accounts_own_fees_are_read(connected: Connected) -> None:
    assert {(one.maker_ppm, one.taker_ppm) for one in connected.instruments} == {(1_000, 1_000)}


async def test_a_trade_of_an_order_that_this_process_did_not_place_is_named_by_a_look_up(bench: Bench, exchange: Sandbox) -> None:
    begin_ms = bench.feed.now_ms()
    await bench.venue.submit(bench.request("1"))
    later = await connect(exchange, [SYMBOL])
    try:
        found = (await later.gateway.trades(SYMBOL, begin_ms)).value
    finally:
        await later.feed.close()
    assert found
    assert {fill.client_order_id for fill in found} == {"gh1"}


async def test_a_key_that_can_do_more_than_trade_spot_is_seen(connected: Connected, exchange: Sandbox) -> None:
    fine = (await connected.gateway.permissions()).value
    exchange.dialect.powers[ACCOUNT] = Powers(withdraws=True, markets=("SPOT", "MARGIN"))
    wrong = (await connected.gateway.permissions()).value
    assert fine is not None
    assert wrong is not None
    assert permissions.faults(fine) == []
    assert [what for what, _ in permissions.faults(wrong)] == ["it can withdraw", "it trades MARGIN"]


async def test_a_test_order_places_nothing(bench: Bench, exchange: Sandbox) -> None:
    reply = await bench.venue.test_order(bench.request("1"))  # type: ignore[attr-defined]
    assert (reply.outcome, list(exchange.exchange.all_orders())) == (Outcome.OK, [])


async def test_too_little_money_is_a_rejection_and_a_repeated_client_id_is_not(bench: Bench, exchange: Sandbox) -> None:
    poor = await bench.venue.submit(replace(bench.request("1"), qty=bench.qty * 100_000))
    assert (poor.outcome, poor.code) == (Outcome.REJECTED, "-2010 Account has insufficient balance for requested action.")
    resting = replace(bench.request("2"), limit=bench.limit * 2 // 3, order_type="LIMIT", qty=bench.qty * 2)
    assert (await bench.venue.submit(resting)).outcome is Outcome.OK
    other = await connect(exchange, [SYMBOL], may_send=lambda _: None)
    try:
        again = await other.gateway.submit(resting)
    finally:
        await other.feed.close()
    assert (again.outcome, again.code) == (Outcome.UNKNOWN, "-2010 Duplicate order sent.")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"code":-2010,"msg":"Duplicate order sent."}', "-2010 Duplicate order sent."),
        ('{"code":-1013,"msg":"Filter failure: LOT_SIZE"}', "-1013"),
        ('{"orderId":1}', ""),
        ("[]", ""),
        ("<html>", ""),
        ('{"code":true}', "unnamed"),
    ],
)
def test_binances_codes_are_read_with_their_text_where_the_number_alone_proves_nothing(body: str, code: str) -> None:
    assert codes.BINANCE.read(body) == code
    assert codes.BINANCE.of_order("-2010 Duplicate order sent.") is Outcome.UNKNOWN
