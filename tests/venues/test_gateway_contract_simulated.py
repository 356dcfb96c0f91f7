"""The simulated venue keeps the contract that the gateway keeps, on the same embedded market."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.config import Config
from sandbox.server import start
from tests import builders
from tests.venues.contract import Bench, VenueContract
from tests.venues.gateway_connected import connect
from trader_core.engine.state import grid_records, plan_record
from trader_core.model.instrument import freeze
from trader_core.model.money import UNIT
from trader_core.venues.simulated import SimulatedVenue


class TestSimulatedVenueKeepsTheContract(VenueContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        exchange = await start(Config(history_days=2))
        found = await connect(exchange, ["BTC/USDT"], key=False)
        ticker = (await found.gateway.ticker("BTC/USDT")).value
        assert ticker is not None
        instrument = replace(freeze(found.instruments[0], ticker.last), taker_ppm=1_000)
        plan = builders.plan("BTC/USDT")
        venue = SimulatedVenue((instrument,), plan_record(plan), grid_records((instrument,), plan), found.feed, 1_000 * UNIT)
        yield Bench(venue, venue, instrument, exchange.config.start_ms, ticker.ask * 101 // 100, 200)
        await venue.close()
        await exchange.stop()
