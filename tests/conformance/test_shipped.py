"""The client's own shipped REST tests pass against every dialect; what is left out says why. The streams have `make conformance`."""

import pytest

from tests.conformance.plan import NOT_RUN, NOT_RUN_ON, SKIPS, SPOT_ONLY, WALLET
from tests.conformance.run import camel, exchange, run, shipped


@pytest.mark.parametrize(("dialect", "least"), [("mexc", 15), ("binance", 15), ("kraken", 13)])
async def test_every_shipped_rest_test_that_applies_passes(dialect: str, least: int) -> None:
    async with exchange(dialect) as sandbox:
        results = await run(sandbox, shipped(streams=False), streams=False)
    assert [result for result in results if result.outcome == "FAILED"] == []
    assert sum(result.outcome == "passed" for result in results) >= least


def test_what_is_left_out_is_shipped_and_has_a_reason() -> None:
    every = {*shipped(streams=False), *shipped(streams=True)}
    left_out = {*WALLET, *NOT_RUN, *(name for some in (SKIPS, NOT_RUN_ON) for parts in some.values() for name in parts)}
    reasons = [
        SPOT_ONLY,
        *NOT_RUN.values(),
        *(why for parts in NOT_RUN_ON.values() for why in parts.values()),
        *(why for parts in SKIPS.values() for skips in parts.values() for why in skips.values()),
    ]
    assert left_out <= every
    assert min(map(len, reasons)) > 20


def test_a_shipped_tests_method_is_named_as_the_client_names_it() -> None:
    assert [camel(name) for name in ("fetch_ohlcv", "fetch_l2_order_book", "watch_trades_for_symbols")] == [
        "fetchOHLCV", "fetchL2OrderBook", "watchTradesForSymbols",
    ]  # fmt: skip
