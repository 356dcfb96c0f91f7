"""An embedded exchange in this process, and the gateway and its feed on it; a file that needs another one has its own."""

from collections.abc import AsyncIterator

import pytest

from sandbox.config import Config
from sandbox.server import Sandbox, start
from tests.venues.gateway_connected import Connected, connect


@pytest.fixture
async def exchange() -> AsyncIterator[Sandbox]:
    sandbox = await start(Config(history_days=2))
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def connected(exchange: Sandbox) -> AsyncIterator[Connected]:
    """On BTC/USDT alone, with a gate that lets everything pass."""
    found = await connect(exchange, ["BTC/USDT"], may_send=lambda _: None)
    yield found
    await found.feed.close()
    await found.gateway.close()
