"""Binance's dialect, spoken by the unmodified ccxt client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import pytest

from sandbox.config import START_MS, Config
from sandbox.pairs import Rules
from sandbox.server import Sandbox
from tests.venues.sandbox_client import opened, raw, running
from trader_core.model.errors import UnknownName

MINUTE_MS = 60_000
RULES = Rules(1_000, 1_000, fee_in="received")
EUR = "BTC/EUR"


def _at(urls: Any, host: str) -> Any:
    if isinstance(urls, dict):
        return {name: _at(value, host) for name, value in urls.items()}
    return host + urlsplit(urls).path if isinstance(urls, str) else urls


def binance(sandbox: Sandbox) -> Any:
    """Return an unmodified client whose every address points at the exchange and whose nonce is the venue's time."""
    spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    keys = {"apiKey": sandbox.api_key, "secret": sandbox.secret}
    exchange = ccxt.binance({**keys, "enableRateLimit": False, "timeout": 2_000, "timeout_on_exit": 0, "options": spot})
    exchange.urls["api"] = _at(exchange.urls["api"], f"http://127.0.0.1:{sandbox.port}")
    exchange.nonce = lambda: sandbox.exchange.now_ms
    return exchange


@asynccontextmanager
async def talking(rules: Rules = RULES) -> AsyncIterator[tuple[Sandbox, Any]]:
    async with running(Config(dialect="binance", rules=rules)) as sandbox, opened(binance(sandbox)) as exchange:
        yield sandbox, exchange


async def test_the_client_reads_the_grids_of_euro_and_dollar_pairs() -> None:
    async with talking() as (_, exchange):
        market = exchange.market(EUR)
        assert len(exchange.symbols) == 20
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.000001)
        assert (market["limits"]["cost"]["min"], market["active"]) == (1.0, True)
        fee = await exchange.fetch_trading_fee(EUR)
        assert (fee["maker"], fee["taker"]) == (0.001, 0.001)


async def test_candles_are_those_of_the_market_and_end_where_they_are_asked_to() -> None:
    async with talking() as (sandbox, exchange):
        rows = await exchange.fetch_ohlcv(EUR, "1m", START_MS - 5 * MINUTE_MS, 3)
        wide = await exchange.fetch_ohlcv(EUR, "1h", START_MS - 120 * MINUTE_MS, 2)
        minutes = await exchange.fetch_ohlcv(EUR, "1m", START_MS - 120 * MINUTE_MS, 60)
        assert [row[0] for row in rows] == [START_MS - n * MINUTE_MS for n in (5, 4, 3)]
        assert wide[0][1:5] == [minutes[0][1], max(r[2] for r in minutes), min(r[3] for r in minutes), minutes[-1][4]]
        raw = await exchange.publicGetKlines({"symbol": "BTCEUR", "interval": "1m", "endTime": START_MS - MINUTE_MS, "limit": 1})
        assert raw[0][0] == START_MS - MINUTE_MS
        assert (len(raw[0]), raw[0][6]) == (12, sandbox.exchange.now_ms - 1)


async def test_a_buyer_pays_its_fee_in_base_and_a_seller_in_quote() -> None:
    async with talking() as (sandbox, exchange):
        bought = await exchange.create_order(EUR, "market", "buy", 0.01, None, {"newClientOrderId": "one"})
        sold = await exchange.create_order(EUR, "market", "sell", 0.005)
        trades = await exchange.fetch_my_trades(EUR)
        balance = await exchange.fetch_balance()
        assert (bought["status"], bought["filled"], bought["clientOrderId"]) == ("closed", 0.01, "one")
        assert (sold["status"], sold["filled"]) == ("closed", 0.005)
        first = sum(trade["fee"]["cost"] for trade in trades if trade["side"] == "buy")
        assert {(trade["side"], trade["fee"]["currency"]) for trade in trades} == {("buy", "BTC"), ("sell", "EUR")}
        assert first == pytest.approx(0.00001)
        assert balance["BTC"]["total"] == pytest.approx(0.01 - 0.00001 - 0.005)
        assert all(sandbox.exchange.ledger.total(currency) == 0 for currency in ("BTC", "EUR"))


async def test_an_order_rests_is_found_by_either_id_and_is_canceled() -> None:
    async with talking() as (sandbox, exchange):
        last = (await exchange.fetch_ticker(EUR))["last"]
        price = exchange.price_to_precision(EUR, last * 0.9)
        placed = await exchange.create_order(EUR, "limit", "buy", 0.01, float(price), {"newClientOrderId": "rests"})
        assert placed["status"] == "open"
        assert (await exchange.fetch_order(placed["id"], EUR))["clientOrderId"] == "rests"
        assert (await exchange.fetch_order(None, EUR, {"clientOrderId": "rests"}))["id"] == placed["id"]
        assert [order["id"] for order in await exchange.fetch_open_orders(EUR)] == [placed["id"]]
        with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
            await exchange.create_order(EUR, "limit", "buy", 0.01, float(price), {"newClientOrderId": "rests"})
        assert (await exchange.cancel_order(placed["id"], EUR))["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order(placed["id"], EUR)
        assert sandbox.exchange.ledger.balance("main", "EUR").locked == 0


async def test_what_an_order_that_only_takes_leaves_has_expired() -> None:
    async with talking() as (_, exchange):
        last = (await exchange.fetch_ticker(EUR))["last"]
        low = float(exchange.price_to_precision(EUR, last * 0.9))
        ended = await exchange.create_order(EUR, "limit", "buy", 0.01, low, {"timeInForce": "IOC"})
        assert (ended["info"]["status"], ended["info"]["timeInForce"], ended["filled"]) == ("EXPIRED", "IOC", 0.0)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "LIMIT", "quantity": "0.01", "price": "1000.00"}, "-1102"),
        ({"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.0100000001", "price": "1000.00"}, "-1111"),
        ({"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000001", "price": "1000.00"}, "-1013"),
        ({"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "1000.001"}, "-1013"),
        ({"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.000001", "price": "1000.00"}, "-1013"),
        ({"type": "LIMIT", "timeInForce": "GTC", "quantity": "5", "price": "10000.00"}, "insufficient balance"),
        ({"type": "MARKET"}, "-1102"),
        ({"type": "STOP", "quantity": "1"}, "-1102"),
    ],
)
async def test_what_breaks_a_filter_is_refused_by_its_code_and_changes_nothing(params: dict[str, str], code: str) -> None:
    async with talking() as (sandbox, exchange):
        with pytest.raises(ccxt.BaseError, match=code):
            await exchange.privatePostOrder({"symbol": "BTCEUR", "side": "BUY", **params})
        assert sandbox.exchange.all_orders() == []


async def test_the_key_says_that_it_cannot_withdraw_and_a_late_request_is_refused() -> None:
    async with talking() as (sandbox, exchange):
        said = await exchange.sapiGetAccountApiRestrictions()
        assert (said["enableWithdrawals"], said["enableSpotAndMarginTrading"]) == (False, True)
        exchange.nonce = lambda: sandbox.exchange.now_ms - 20_000
        with pytest.raises(ccxt.InvalidNonce):
            await exchange.fetch_balance()


async def test_a_body_that_is_no_text_is_refused_and_nothing_falls_over() -> None:
    async with talking() as (sandbox, exchange), raw(sandbox) as sender:
        url = f"http://127.0.0.1:{sandbox.port}/api/v3/order"
        async with sender.session.post(url, data=b"\xff\xfe&signature=\x80", headers={"X-MBX-APIKEY": sandbox.api_key}) as reply:
            assert (reply.status, (await reply.json())["code"]) == (400, -1022)
        assert sandbox.exchange.all_orders() == []
        assert (await exchange.fetch_balance())["EUR"]["free"] == 10_000


def test_an_unknown_dialect_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="mexc, binance"):
        Config(dialect="deribit")


async def test_the_change_of_a_day_in_percent_fits_its_prices() -> None:
    async with talking() as (_, exchange):
        for ticker in (await exchange.fetch_tickers()).values():
            assert ticker["percentage"] == pytest.approx(ticker["change"] / ticker["open"] * 100, abs=0.0002)
