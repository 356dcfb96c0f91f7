"""Run the client's shipped tests against an embedded exchange in this process."""

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import ccxt.async_support
import ccxt.pro

from sandbox.config import Config
from sandbox.server import ACCOUNT, Sandbox, start
from tests.conformance.plan import CODE, NOT_RUN, NOT_RUN_ON, SKIPS, SPOT_ONLY, SYMBOL, WALLET
from trader_core.clock import WallClock

TIMEOUT_S = 240
"""The client asks for MEXC's book after 25 changes only, one in five seconds."""
REST, STREAMS = "ccxt.test.exchange.async", "ccxt.pro.test.Exchange"
"""Where the client ships its tests."""
NEEDS = {"load_markets": "fetchMarkets", "features": "fetchTicker", "fetch_deposit_withdrawals": "fetchDepositsWithdrawals"}


class Result(NamedTuple):
    """What became of one shipped test."""

    dialect: str
    name: str
    outcome: str
    """passed, FAILED, skipped or not offered (by the client for this venue)."""
    note: str = ""


@asynccontextmanager
async def exchange(dialect: str) -> AsyncIterator[Sandbox]:
    """Run an exchange with a clock that runs as the world's, as the client's own checks of times expect."""
    now = WallClock().now_ms()
    sandbox = await start(Config(history_days=2, start_ms=now, clock="1x", dialect=dialect))
    try:
        yield sandbox
    finally:
        await sandbox.stop()


def client(sandbox: Sandbox, *, streams: bool) -> Any:
    """Return the unmodified client with every address on the exchange."""
    name = sandbox.dialect.name
    module = ccxt.pro if streams else ccxt.async_support
    found = getattr(module, name)({"apiKey": sandbox.api_key, "secret": sandbox.secret, "enableRateLimit": False, "timeout": 10_000})
    found.urls = _moved(found.urls, f"127.0.0.1:{sandbox.port}")
    for market in ("swap", "margin", "future", "option"):
        found.has[market] = False
    if name == "binance":
        found.options["fetchCurrencies"] = False
        found.options["fetchMarkets"]["types"] = ["spot"]
        found.options["fetchMargins"] = False
        found.has["fetchCurrencies"] = False
    return found


def _moved(urls: Any, place: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(url, place) for name, url in urls.items()}
    if isinstance(urls, str) and "://" in urls:
        scheme, _, rest = urls.partition("://")
        path = rest.partition("/")[2]
        return f"{'ws' if scheme.startswith('ws') else 'http'}://{place}{'/' + path if path else ''}"
    return urls


def shipped(*, streams: bool) -> list[str]:
    """Return the names of every test that the installed client ships for one exchange."""
    package = importlib.import_module(STREAMS if streams else REST)
    found = (name.removeprefix("test_") for _, name, _ in pkgutil.iter_modules(package.__path__) if name.startswith("test_"))
    return sorted(found)


async def run(sandbox: Sandbox, names: Sequence[str], *, streams: bool) -> list[Result]:
    """Return the result of each shipped test, in order; they run beside trading that gives streams something to tell.

    The trader has a key of its own: where nonces must rise, two clients cannot share one.
    """
    name = sandbox.dialect.name
    asked = client(sandbox, streams=streams)
    trader = client(sandbox, streams=False)
    trader.apiKey, trader.secret = sandbox.open_account(ACCOUNT, {})
    results = list[Result]()
    try:
        await asked.load_markets()
        await trader.load_markets()
        traffic = asyncio.ensure_future(_traffic(trader, SYMBOL[name]))
        try:
            for shipped_name in names:
                results.append(await _one(asked, name, shipped_name, streams=streams))
        finally:
            traffic.cancel()
            await asyncio.gather(traffic, return_exceptions=True)
    finally:
        await asked.close()
        await trader.close()
    return results


async def _one(asked: Any, dialect: str, name: str, *, streams: bool) -> Result:
    if name in WALLET:
        return Result(dialect, name, "skipped", SPOT_ONLY)
    not_run = NOT_RUN.get(name) or NOT_RUN_ON.get(dialect, {}).get(name)
    if not_run:
        return Result(dialect, name, "skipped", not_run)
    needs = NEEDS.get(name, camel(name))
    if not asked.has.get(needs):
        return Result(dialect, name, "not offered", f"the client has no {needs} for this venue")
    test = getattr(importlib.import_module(f"{STREAMS if streams else REST}.test_{name}"), f"test_{name}")
    takes = list(inspect.signature(test).parameters)[2:3]
    given = {"symbol": SYMBOL[dialect], "code": CODE[dialect], "symbols": [SYMBOL[dialect]]}
    skips = SKIPS[dialect].get(name, {})
    try:
        await asyncio.wait_for(test(asked, skips, *(given[one] for one in takes)), TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 - whatever a shipped test raises is its finding
        return Result(dialect, name, "FAILED", f"{type(error).__name__}: {str(error)[:600]}")
    return Result(dialect, name, "passed", "; ".join(f"without {part}: {why}" for part, why in skips.items()))


def camel(name: str) -> str:
    """Return the client's name of a method: fetch_l2_order_book is fetchL2OrderBook."""
    first, *rest = name.split("_")
    return first + "".join({"ohlcv": "OHLCV"}.get(word, word[:1].upper() + word[1:]) for word in rest)


async def _traffic(trader: Any, symbol: str) -> None:
    """Trade a little, for ever: resting, filled and cancelled orders."""
    while True:
        bid = (await trader.fetch_ticker(symbol))["bid"]
        resting = await trader.create_order(symbol, "limit", "buy", 0.001, float(trader.price_to_precision(symbol, bid * 0.95)))
        await trader.cancel_order(resting["id"], symbol)
        await trader.create_order(symbol, "market", "buy", 0.0005)
        await trader.create_order(symbol, "market", "sell", 0.0004)
        await asyncio.sleep(0.4)
