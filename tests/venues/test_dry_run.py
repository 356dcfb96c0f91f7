"""A dry run asks the venue before each simulated fill: a refusal is one, silence is counted and lets the order go on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from sandbox.config import Config
from sandbox.server import start
from tests import builders
from tests.venues.contract import Bench
from tests.venues.gateway_connected import connect
from trader_core.engine.state import grid_records, plan_record
from trader_core.model.instrument import freeze
from trader_core.model.money import UNIT
from trader_core.model.session import Side
from trader_core.venues.dry_run import DryRunVenue
from trader_core.venues.marketdata import Ticker
from trader_core.venues.port import Outcome, Reply, SendRequest


@dataclass
class OrderTester:
    """Stands for the venue's order test: it answers as it is told and keeps what it was asked."""

    answer: Reply[None] = field(default_factory=lambda: Reply(Outcome.OK))
    asked: list[SendRequest] = field(default_factory=list)
    told: list[tuple[Outcome, int]] = field(default_factory=list)
    market: Ticker | None = None
    now_ms: int = 0

    async def test_order(self, request: SendRequest) -> Reply[None]:
        self.asked.append(request)
        self.now_ms += 7
        return self.answer

    async def ticker(self, _symbol: str) -> Reply[Ticker]:
        return Reply(Outcome.OK, self.market) if self.market else Reply(Outcome.RETRYABLE_READ)


@pytest.fixture
def tester() -> OrderTester:
    return OrderTester()


@pytest.fixture
async def bench(tester: OrderTester) -> AsyncIterator[Bench]:
    exchange = await start(Config(history_days=2))
    found = await connect(exchange, ["BTC/USDT"], key=False)
    ticker = (await found.gateway.ticker("BTC/USDT")).value
    assert ticker is not None
    instrument = replace(freeze(found.instruments[0], ticker.last), taker_ppm=1_000)
    plan = builders.plan("BTC/USDT")
    venue = DryRunVenue(
        (instrument,), plan_record(plan), grid_records((instrument,), plan), found.feed, 1_000 * UNIT, tester,
        lambda outcome, ms: tester.told.append((outcome, ms)), lambda: tester.now_ms,
    )  # fmt: skip
    yield Bench(venue, venue, instrument, exchange.config.start_ms, ticker.ask * 101 // 100, 200)
    await venue.close()
    await exchange.stop()


async def test_an_order_that_the_venue_would_take_is_tested_first_and_fills(bench: Bench, tester: OrderTester) -> None:
    request, begin_ms = bench.request("1"), bench.feed.now_ms()
    assert (await bench.venue.submit(request)).outcome is Outcome.OK
    assert (tester.asked, tester.told) == ([request], [(Outcome.OK, 7)])
    await bench.step()
    assert sum(fill.qty for fill in await bench.fills(begin_ms)) == bench.qty


async def test_an_order_that_the_venue_refuses_is_rejected_with_its_code_and_never_fills(bench: Bench, tester: OrderTester) -> None:
    tester.answer, begin_ms = Reply(Outcome.REJECTED, code="30002", evidence="below the minimum"), bench.feed.now_ms()
    reply = await bench.venue.submit(bench.request("1"))
    assert (reply.outcome, reply.code, reply.evidence) == (Outcome.REJECTED, "30002", "below the minimum")
    await bench.step()
    assert await bench.fills(begin_ms) == []
    assert (await bench.venue.order(bench.instrument.symbol, "gh1")).value is None


@pytest.mark.parametrize("outcome", [Outcome.RETRYABLE_READ, Outcome.RATE, Outcome.AUTH, Outcome.CLOCK, Outcome.RESTRICTED])
async def test_a_test_that_proves_nothing_is_counted_and_the_order_goes_on_as_its_twin_s_does(
    bench: Bench, tester: OrderTester, outcome: Outcome
) -> None:
    tester.answer, begin_ms = Reply(outcome), bench.feed.now_ms()
    assert (await bench.venue.submit(bench.request("1"))).outcome is Outcome.OK
    assert tester.told == [(outcome, 7)]
    await bench.step()
    assert sum(fill.qty for fill in await bench.fills(begin_ms)) == bench.qty


@pytest.mark.parametrize(("last", "outcome"), [(100_01, Outcome.REJECTED), (100_00, Outcome.OK), (None, Outcome.OK)])
async def test_a_stop_that_the_market_has_passed_meanwhile_is_refused_for_that_and_for_nothing_else(
    bench: Bench, tester: OrderTester, last: int | None, outcome: Outcome
) -> None:
    tester.answer = Reply(Outcome.REJECTED, code="-2010")
    tester.market = Ticker(last, last, last) if last else None
    stop = replace(bench.request("1"), side=Side.SELL, order_type="STOP", trigger=100_00, limit=90_00)
    reply = await bench.venue.submit(stop)
    assert reply.outcome is outcome
    assert tester.told == [(Outcome.REJECTED if outcome is Outcome.REJECTED else Outcome.NOT_FOUND, 7)]
