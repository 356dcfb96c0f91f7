"""Cancelling by symbol: in one request only where nothing but our own plain orders stands."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.config import Config
from sandbox.dialects.base import Powers
from sandbox.orders import BUY, Kind, NewOrder
from sandbox.server import ACCOUNT, Sandbox, start
from tests.venues.gateway_connected import Connected
from trader_core.model.session import Side
from trader_core.venues.port import CLOSED, Outcome, SendRequest

SYMBOL = "BTC/USDT"
BY_SYMBOL, ONE = "DELETE /api/v3/openOrders", "DELETE /api/v3/order"


@pytest.fixture(params=["mexc", "binance"])
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    sandbox = await start(Config(history_days=2, dialect=request.param))
    yield sandbox
    await sandbox.stop()


async def resting(connected: Connected, *names: str) -> None:
    """Place orders to buy 0.0002 BTC at 50,000 USDT, far below the market."""
    request = SendRequest("", SYMBOL, Side.BUY, 200, 5_000_000, connected.feed.now_ms(), 4_000, "LIMIT")
    for name in names:
        assert (await connected.gateway.submit(replace(request, client_order_id=name))).outcome is Outcome.OK


def asked(exchange: Sandbox, site: str) -> int:
    """Return how often a site was asked since the fault that watches it was added."""
    return sum(rule.seen for rule in exchange.faults.rules if rule.site == site)


def watch(exchange: Sandbox) -> None:
    exchange.faults.add([{"site": site, "kind": "500", "nth": 1_000} for site in (BY_SYMBOL, ONE)])


async def test_our_own_orders_alone_are_cancelled_in_one_request(exchange: Sandbox, connected: Connected) -> None:
    await resting(connected, "gha", "ghb", "ghc")
    watch(exchange)
    replies = await connected.gateway.cancel_symbol(SYMBOL, {"gha", "ghb", "ghc", "ghgone"})
    assert [reply.value.state in CLOSED for reply in replies if reply.value] == [True] * 3
    assert exchange.exchange.open_orders(ACCOUNT) == []
    assert (asked(exchange, BY_SYMBOL), asked(exchange, ONE)) == (1, 0)


async def test_a_foreign_order_is_left_alone_and_ours_go_one_by_one(exchange: Sandbox, connected: Connected) -> None:
    await resting(connected, "gha", "ghb")
    exchange.exchange.place(ACCOUNT, NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=200, price=5_000_000, client_id="by-hand"))
    watch(exchange)
    replies = await connected.gateway.cancel_symbol(SYMBOL, {"gha", "ghb"})
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.OK]
    assert [order.asked.client_id for order in exchange.exchange.open_orders(ACCOUNT)] == ["by-hand"]
    assert (asked(exchange, BY_SYMBOL), asked(exchange, ONE)) == (0, 2)


async def test_a_lost_answer_to_the_one_request_is_followed_by_single_cancels(exchange: Sandbox, connected: Connected) -> None:
    await resting(connected, "gha", "ghb")
    watch(exchange)
    exchange.faults.add([{"site": BY_SYMBOL, "kind": "502_html", "when": "before"}])
    replies = await connected.gateway.cancel_symbol(SYMBOL, {"gha", "ghb"})
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.OK]
    assert exchange.exchange.open_orders(ACCOUNT) == []
    assert asked(exchange, ONE) == 2


async def test_without_a_list_nothing_is_cancelled(exchange: Sandbox, connected: Connected) -> None:
    await resting(connected, "gha")
    exchange.faults.add([{"site": "GET /api/v3/openOrders", "kind": "html_200"}])
    assert [reply.outcome for reply in await connected.gateway.cancel_symbol(SYMBOL, {"gha"})] == [Outcome.RETRYABLE_READ]
    assert len(exchange.exchange.open_orders(ACCOUNT)) == 1


@pytest.mark.parametrize("fault", [{"kind": "partial_list", "params": {"keep": 2}}, {"kind": "empty_list"}], ids=["cut", "empty"])
async def test_a_list_that_was_cut_once_does_not_let_a_foreign_order_be_cancelled(
    fault: dict[str, object], exchange: Sandbox, connected: Connected
) -> None:
    exchange.exchange.place(ACCOUNT, NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=200, price=5_000_000, client_id="by-hand"))
    await resting(connected, "gha", "ghb")
    exchange.faults.add([{"site": "GET /api/v3/openOrders", **fault}])
    replies = await connected.gateway.cancel_symbol(SYMBOL, {"gha", "ghb"})
    assert [(reply.outcome, reply.code) for reply in replies] == [(Outcome.RETRYABLE_READ, "differs")]
    assert len(exchange.exchange.open_orders(ACCOUNT)) == 3


async def test_a_right_that_one_reading_hides_makes_the_rights_unknown(exchange: Sandbox, connected: Connected) -> None:
    if exchange.config.dialect == "binance":
        pytest.skip("Binance's rights are no list that can be cut")
    exchange.dialect.powers[ACCOUNT] = Powers(markets=("SPOT", "MARGIN"))
    exchange.faults.add([{"site": "GET /api/v3/account", "kind": "partial_list", "params": {"keep": 1}}])
    assert (await connected.gateway.permissions()).outcome is Outcome.RETRYABLE_READ
    found = (await connected.gateway.permissions()).value
    assert found is not None
    assert found.markets == ("MARGIN", "SPOT")
