"""Kraken's dialect, spoken by the unmodified ccxt client: markets, orders, trades."""

from typing import Any

import ccxt.async_support as ccxt
import pytest

from sandbox.config import START_MS
from sandbox.dialects import kraken_names as names
from sandbox.market import CLOSE, HIGH, LOW, OPEN, minute_candles
from sandbox.pairs import KRAKEN_PAIRS, Rules
from tests.venues.kraken_client import talking

MINUTE_MS = 60_000
S = "BTC/EUR"
RULES = Rules(2_500, 4_000)


async def far(exchange: Any, share: float = 0.9) -> float:
    """Return a price well below the market, on its grid."""
    return float(exchange.price_to_precision(S, (await exchange.fetch_ticker(S))["last"] * share))


async def test_the_client_reads_grids_minimums_fees_and_odd_names() -> None:
    async with talking() as (sandbox, exchange):
        assert exchange.symbols == sorted(pair.symbol for pair in KRAKEN_PAIRS)
        btc, doge, sol = (exchange.market(symbol) for symbol in (S, "DOGE/EUR", "SOL/EUR"))
        assert [market["id"] for market in (btc, doge, sol)] == ["XXBTZEUR", "XDGEUR", "SOLEUR"]
        assert [market["info"]["base"] for market in (btc, doge, sol)] == ["XXBT", "XXDG", "SOL"]
        assert (btc["precision"]["price"], btc["precision"]["amount"]) == (0.1, 1e-8)
        assert (btc["limits"]["amount"]["min"], btc["limits"]["cost"]["min"], btc["active"]) == (0.00005, 0.45, True)
        assert (btc["maker"], btc["taker"]) == (0.0025, 0.004)
        fee = await exchange.fetch_trading_fee(S)
        assert (fee["maker"], fee["taker"]) == (0.0025, 0.004)
        assert exchange.currencies["BTC"]["id"] == "XXBT"
        assert await exchange.fetch_time() == START_MS
        assert (await exchange.fetch_status())["status"] == "ok"
        sandbox.exchange.advance(START_MS + 1_999)
        assert await exchange.fetch_time() == START_MS + 1_000, "the clock is told in whole seconds"


async def test_candles_are_those_of_the_market_and_begin_after_since() -> None:
    async with talking(history_days=1) as (sandbox, exchange):
        rows = await exchange.fetch_ohlcv("DOGE/EUR", "1m", START_MS - 5 * MINUTE_MS, 5)
        first = START_MS // MINUTE_MS - 5
        truth = minute_candles(sandbox.exchange.market, "DOGEEUR", first, first + 5).tolist()
        assert [row[0] for row in rows] == [START_MS - n * MINUTE_MS for n in (5, 4, 3, 2, 1)]
        assert [[round(value * 10**7) for value in row[1:5]] for row in rows] == [
            [row[at] for at in (OPEN, HIGH, LOW, CLOSE)] for row in truth
        ]
        every = await exchange.publicGetOHLC({"pair": "XBTEUR", "since": START_MS // 1_000 - 3 * 86_400})
        assert len(every["result"]["XXBTZEUR"]) == 720, "the youngest 720, whatever is asked"
        assert every["result"]["XXBTZEUR"][-1][0] == START_MS // 1_000
        assert every["result"]["last"] == START_MS // 1_000 - 60, "the youngest candle that is closed"
        exact = await exchange.publicGetOHLC({"pair": "XBTEUR", "since": START_MS // 1_000 - 60})
        assert [row[0] for row in exact["result"]["XXBTZEUR"]] == [START_MS // 1_000]
        wide = await exchange.fetch_ohlcv(S, "1h", START_MS - 120 * MINUTE_MS, 1)
        minutes = await exchange.fetch_ohlcv(S, "1m", START_MS - 120 * MINUTE_MS, 60)
        assert wide[0][1:5] == [minutes[0][1], max(r[2] for r in minutes), min(r[3] for r in minutes), minutes[-1][4]]


async def test_book_and_tickers_are_those_of_the_market_under_any_of_its_names() -> None:
    async with talking() as (sandbox, exchange):
        book, best = await exchange.fetch_order_book(S, 3), sandbox.exchange.book("BTCEUR")
        assert [round(level[0] * 10) for level in book["bids"]] == [level.price for level in best.bids[:3]]
        assert [round(level[1] * 10**8) for level in book["asks"]] == [level.qty for level in best.asks[:3]]
        tickers = await exchange.fetch_tickers()
        assert len(tickers) == 10
        assert (tickers[S]["bid"], tickers[S]["ask"]) == (book["bids"][0][0], book["asks"][0][0])
        assert round(tickers[S]["last"] * 10) == sandbox.exchange.last("BTCEUR")
        assert tickers[S]["low"] <= tickers[S]["vwap"] <= tickers[S]["high"]
        for name in ("XXBTZEUR", "XBTEUR", "XBT/EUR"):
            assert list((await exchange.publicGetTicker({"pair": name}))["result"]) == ["XXBTZEUR"]


async def test_trades_of_the_tape_are_read_on_from_the_last_one() -> None:
    async with talking() as (sandbox, exchange):
        sandbox.exchange.advance(START_MS + 60_000)
        trades = await exchange.fetch_trades(S, START_MS, 3)
        assert [trade["timestamp"] - START_MS for trade in trades] == [5_000, 10_000, 15_000]
        page = (await exchange.publicGetTrades({"pair": "XBTEUR", "since": START_MS // 1_000, "count": 3}))["result"]
        after = (await exchange.publicGetTrades({"pair": "XBTEUR", "since": page["last"], "count": 2}))["result"]
        assert [row[2] - START_MS / 1_000 for row in after["XXBTZEUR"]] == [20.0, 25.0]
        young = await exchange.fetch_trades(S, limit=1)
        assert young[0]["timestamp"] == START_MS + 60_000


async def test_an_acknowledgement_names_the_id_alone_and_the_order_all_else() -> None:
    async with talking() as (sandbox, exchange):
        placed = await exchange.create_order(S, "market", "buy", 0.01, None, {"clientOrderId": "one"})
        assert sorted(placed["info"]) == ["descr", "txid"]
        assert (placed["status"], placed["clientOrderId"], placed["filled"]) == (None, None, None)
        assert names.ID.fullmatch(placed["id"])
        order = await exchange.fetch_order(placed["id"], S)
        (truth,) = sandbox.exchange.all_orders()
        assert (order["status"], order["clientOrderId"], order["filled"], order["symbol"]) == ("closed", "one", 0.01, S)
        assert order["cost"] == pytest.approx(truth.cost / 10**10)
        assert float(order["fee"]["cost"]) == pytest.approx(truth.cost / 10**10 * 0.004)
        assert len(order["trades"]) == len(sandbox.exchange.fills)


async def test_trades_name_their_order_and_no_client_id_and_pay_in_quote() -> None:
    async with talking(credits=(("EUR", "1000000"),)) as (sandbox, exchange):
        best = sandbox.exchange.book("BTCEUR").asks[0]
        amount = (best.qty + 100_000) / 10**8
        placed = await exchange.create_order(S, "market", "buy", amount, None, {"clientOrderId": "one"})
        sandbox.exchange.advance(START_MS + 1_500)
        sold = await exchange.create_order(S, "market", "sell", 0.0005)
        trades = await exchange.fetch_my_trades(S)
        bought = [trade for trade in trades if trade["order"] == placed["id"]]
        assert len(bought) == 2
        assert [trade["side"] for trade in trades if trade["order"] == sold["id"]] == ["sell"]
        assert sum(trade["amount"] for trade in bought) == pytest.approx(amount, abs=1e-12)
        assert {(trade["fee"]["currency"], trade["takerOrMaker"], trade["symbol"]) for trade in trades} == {("EUR", "taker", S)}
        assert all("cl_ord_id" not in trade["info"] for trade in trades)
        assert [trade["id"] for trade in await exchange.fetch_my_trades(S, START_MS + 1_000)] == [trades[-1]["id"]]
        one = await exchange.fetch_order_trades(sold["id"], S, params={"trades": [trades[-1]["id"]]})
        assert [(trade["id"], trade["order"]) for trade in one] == [(trades[-1]["id"], sold["id"])]
        assert all(sandbox.exchange.ledger.total(currency) == 0 for currency in ("BTC", "EUR"))


async def test_balances_name_what_orders_hold() -> None:
    async with talking(RULES) as (_, exchange):
        price = await far(exchange)
        await exchange.create_order(S, "limit", "buy", 0.01, price)
        balance = await exchange.fetch_balance()
        held = price * 0.01 * 1.004
        assert (balance["EUR"]["total"], balance["EUR"]["used"]) == (10_000.0, pytest.approx(held, abs=1e-9))
        assert list((await exchange.privatePostBalance())["result"]) == ["ZEUR"]


async def test_an_order_rests_is_found_in_lists_by_its_client_id_and_is_canceled_by_either_id() -> None:
    async with talking() as (sandbox, exchange):
        price = await far(exchange)
        ids = [(await exchange.create_order(S, "limit", "buy", 0.01, price, {"clientOrderId": name}))["id"] for name in ("one", "two")]
        assert [order["id"] for order in await exchange.fetch_open_orders(S, params={"clientOrderId": "one"})] == [ids[0]]
        assert {order["id"] for order in await exchange.fetch_open_orders(S)} == set(ids)
        with pytest.raises(ccxt.BaseError, match="Invalid arguments:cl_ord_id not unique"):
            await exchange.create_order(S, "limit", "buy", 0.01, price, {"clientOrderId": "one"})
        await exchange.cancel_order(None, S, {"clientOrderId": "one"})
        await exchange.cancel_order(ids[1], S)
        assert await exchange.fetch_open_orders(S) == []
        (closed,) = await exchange.fetch_closed_orders(S, params={"clientOrderId": "two"})
        assert (closed["id"], closed["status"], closed["info"]["reason"]) == (ids[1], "canceled", "User requested")
        for gone in ({"clientOrderId": "one"}, {}):
            with pytest.raises(ccxt.OrderNotFound, match="Unknown order"):
                await exchange.cancel_order(ids[0], S, gone)
        assert sandbox.exchange.ledger.balance("main", "EUR").locked == 0
        again = await exchange.create_order(S, "limit", "buy", 0.01, price, {"clientOrderId": "one"})
        assert again["id"] not in ids, "a client id is unique among open orders only"


async def test_no_order_is_looked_up_by_its_client_id_alone() -> None:
    async with talking() as (_, exchange):
        placed = await exchange.create_order(S, "limit", "buy", 0.01, await far(exchange), {"clientOrderId": "one"})
        with pytest.raises(ccxt.ExchangeError, match="Invalid arguments:userref"):
            await exchange.fetch_order(placed["id"], S, {"clientOrderId": "one"})
        with pytest.raises(ccxt.ExchangeError, match="EOrder:Invalid order"):
            await exchange.privatePostQueryOrders({"cl_ord_id": "one"})
        for client_id, found in (("one", [placed["id"]]), ("two", [])):
            answer = await exchange.privatePostQueryOrders({"txid": placed["id"], "cl_ord_id": client_id})
            assert list(answer["result"]) == found


async def test_orders_with_a_userref_are_found_and_canceled_together() -> None:
    async with talking() as (_, exchange):
        price = await far(exchange)
        tagged = [(await exchange.create_order(S, "limit", "buy", 0.01, price, {"userref": 7}))["id"] for _ in range(2)]
        other = await exchange.create_order(S, "limit", "buy", 0.01, price)
        assert {order["id"] for order in await exchange.fetch_open_orders(S, params={"userref": 7})} == set(tagged)
        answer = await exchange.cancel_order(None, S, {"userref": 7})
        assert answer["info"]["result"]["count"] == 2
        assert [order["id"] for order in await exchange.fetch_open_orders(S)] == [other["id"]]
        assert (await exchange.cancel_all_orders())[0]["info"]["result"]["count"] == 1


async def test_what_an_order_that_only_takes_leaves_is_canceled() -> None:
    async with talking() as (_, exchange):
        for force in ("IOC", "FOK"):
            placed = await exchange.create_order(S, "limit", "buy", 0.01, await far(exchange), {"timeInForce": force})
            order = await exchange.fetch_order(placed["id"], S)
            assert (order["status"], order["filled"]) == ("canceled", 0.0)


@pytest.mark.parametrize(("crossing", "reason"), [("reject", ""), ("cancel", "Post only order")])
async def test_a_post_only_order_that_would_take_is_refused_or_canceled_as_the_switch_says(crossing: str, reason: str) -> None:
    async with talking(Rules(2_500, 4_000, crossing=crossing)) as (sandbox, exchange):
        high = float(exchange.price_to_precision(S, (await exchange.fetch_ticker(S))["ask"] * 1.01))
        if not reason:
            with pytest.raises(ccxt.BaseError, match="EOrder:Post only order"):
                await exchange.create_order(S, "limit", "buy", 0.01, high, {"postOnly": True})
            assert sandbox.exchange.all_orders() == []
            return
        placed = await exchange.create_order(S, "limit", "buy", 0.01, high, {"postOnly": True})
        order = await exchange.fetch_order(placed["id"], S)
        assert (order["status"], order["postOnly"], order["info"]["reason"]) == ("canceled", True, reason)


async def test_a_market_order_by_cost_spends_at_most_that() -> None:
    async with talking() as (sandbox, exchange):
        placed = await exchange.create_market_buy_order_with_cost(S, 100)
        order = await exchange.fetch_order(placed["id"], S)
        assert placed["info"]["descr"]["order"] == "buy 100.00000000 XBTEUR @ market"
        assert (order["status"], order["info"]["oflags"]) == ("closed", "fciq,viqc")
        assert 99.9 < sandbox.exchange.all_orders()[0].cost / 10**10 <= 100


async def test_a_test_of_an_order_places_nothing() -> None:
    async with talking() as (sandbox, exchange):
        checked = await exchange.create_order(S, "limit", "buy", 0.01, 50_000, {"validate": True})
        assert checked["id"] is None
        assert checked["info"]["descr"]["order"] == "buy 0.01000000 XBTEUR @ limit 50000.0"
        assert sandbox.exchange.all_orders() == []
