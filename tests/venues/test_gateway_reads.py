"""What the venue says is checked before it counts: fills, balances, bars, books, filters."""

from dataclasses import replace
from typing import Any

import pytest

from tests.venues.gateway_server import BTC, NOW_MS, ORDER, TRADE, Server, gateway_to, http, ok, serving
from trader_core.model.errors import OutOfRange, UnknownName
from trader_core.venues.port import Balance, Outcome

MINUTE = 60_000
SINCE = NOW_MS - 10 * MINUTE
KLINE = [SINCE, "100.00", "101.00", "99.50", "100.50", "1.2345678", SINCE + MINUTE, "123.4"]
INFO = {
    "symbol": "BTCUSDT", "status": "1", "baseAsset": "BTC", "baseAssetPrecision": 6, "quoteAsset": "USDT", "quotePrecision": 2,
    "quoteAssetPrecision": 2, "baseSizePrecision": "0.0001", "quoteAmountPrecision": "1.5", "isSpotTradingAllowed": True,
    "makerCommission": "0", "takerCommission": "0.0005",
}  # fmt: skip


def trade(number: int, ts_ms: int, **changed: Any) -> dict[str, Any]:
    return {**TRADE, "id": f"{number:032x}", "time": ts_ms, **changed}


def paged(trades: list[dict[str, Any]], *, newest_first: bool) -> Any:
    """Answer myTrades as a venue that cuts off one end of a full page."""

    def answer(query: dict[str, str]) -> bytes:
        inside = [row for row in trades if int(query["startTime"]) <= row["time"] <= int(query["endTime"])]
        return ok(sorted(inside, key=lambda row: row["time"], reverse=newest_first)[: int(query["limit"])])

    return answer


@pytest.mark.parametrize("newest_first", [True, False])
async def test_trades_are_complete_whichever_end_of_a_page_the_venue_cuts_off(newest_first: bool) -> None:  # noqa: FBT001
    rows = [trade(i, SINCE + 97 * i) for i in range(1_000)]
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = paged(rows, newest_first=newest_first)
        async with gateway_to(server) as gateway:
            found = (await gateway.trades("BTC/USDT", SINCE)).value
    assert found is not None
    assert [fill.ts_ms for fill in found] == [row["time"] for row in rows]
    assert len({fill.trade_id for fill in found}) == 1_000


async def test_a_full_page_within_one_millisecond_is_not_called_complete() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = paged([trade(i, NOW_MS) for i in range(100)], newest_first=True)
        async with gateway_to(server) as gateway:
            reply = await gateway.trades("BTC/USDT", SINCE)
    assert (reply.outcome, reply.value, reply.code) == (Outcome.RETRYABLE_READ, None, "full_page")


FEES = [
    ({"commission": "0.002500025", "commissionAsset": "USDT"}, (25_000_250, 0)),
    ({"commission": "0.00000000001", "commissionAsset": "USDT"}, (1, 0)),
    ({"commission": "0.0000001", "commissionAsset": "BTC"}, (0, 1)),
    ({"commission": "0.000002", "commissionAsset": "BTC"}, (0, 2)),
    ({"commission": "0.00", "commissionAsset": "MX"}, (0, 0)),
    ({"commission": 0.0025, "commissionAsset": "USDT"}, (25_000_000, 0)),
]


@pytest.mark.parametrize(("changed", "fees"), FEES)
async def test_a_fee_is_rounded_up_to_account_units_or_to_the_grid_of_the_base(changed: dict[str, Any], fees: tuple[int, int]) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = ok([trade(1, NOW_MS, **changed)])
        async with gateway_to(server) as gateway:
            found = (await gateway.trades("BTC/USDT", SINCE)).value
    assert found is not None
    assert (found[0].fee, found[0].fee_base) == fees


async def test_a_fee_that_is_not_told_yet_is_taken_for_the_most_of_the_schedule() -> None:
    untold = {**trade(3, NOW_MS), "commissionAsset": None}
    del untold["commission"]
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = ok([trade(1, NOW_MS), trade(2, NOW_MS, commission=None), untold])
        async with gateway_to(server) as gateway:
            found = (await gateway.trades("BTC/USDT", SINCE)).value
    assert found is not None
    assert [fill.fee_due for fill in found] == [False, True, True]
    assert {(fill.fee, fill.fee_base) for fill in found[1:]} == {(50_000_500 * max(BTC.maker_ppm, BTC.taker_ppm) // 1_000, 0)}, "of 5.00005"


async def test_a_fee_in_a_third_currency_restricts_the_account_and_keeps_the_evidence() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = ok([trade(1, NOW_MS, commission="0.3", commissionAsset="MX")])
        async with gateway_to(server) as gateway:
            reply = await gateway.trades("BTC/USDT", SINCE)
    assert (reply.outcome, reply.code) == (Outcome.RESTRICTED, "fee_currency")
    assert "'commissionAsset': 'MX'" in reply.evidence


async def test_a_trade_without_our_client_id_gets_it_from_the_order_that_we_know() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/order"] = ok(ORDER)
        server.answers["GET /api/v3/myTrades"] = ok(
            [trade(1, NOW_MS, clientOrderId=None), trade(2, NOW_MS, clientOrderId=None, orderId="C02__9")]
        )
        async with gateway_to(server) as gateway:
            await gateway.order("BTC/USDT", "ghabc123")
            found = (await gateway.trades("BTC/USDT", SINCE)).value
    assert found is not None
    assert [fill.client_order_id for fill in found] == ["ghabc123", ""]


BAD_TRADES = [
    {"qty": "0"},
    {"qty": "abc"},
    {"price": "-1"},
    {"price": "50000.501"},
    {"id": ""},
    {"isBuyer": None},
    {"time": 17},
    {"symbol": "ETHUSDT"},
]
BAD_TRADES += [{"commission": "-0.1"}, {"commission": "Infinity"}, {"commission": ""}]


@pytest.mark.parametrize("changed", BAD_TRADES, ids=str)
async def test_a_malformed_trade_makes_the_whole_read_worth_nothing(changed: dict[str, Any]) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/myTrades"] = ok([trade(1, NOW_MS), trade(2, NOW_MS, **changed)])
        async with gateway_to(server) as gateway:
            reply = await gateway.trades("BTC/USDT", SINCE)
    assert (reply.outcome, reply.value, reply.code) == (Outcome.RETRYABLE_READ, None, "malformed")


EMPTY = {
    "nothing": http("200 OK", ""),
    "null": ok(None),
    "an object": ok({}),
    "no balances": ok({"balances": []}),
    "HTML": http("200 OK", "<html/>"),
}


@pytest.mark.parametrize("answer", EMPTY.values(), ids=EMPTY.keys())
async def test_an_empty_answer_is_no_empty_account(answer: bytes) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/account"] = answer
        async with gateway_to(server) as gateway:
            assert (await gateway.balances()).outcome is Outcome.RETRYABLE_READ


async def test_balances_keep_their_texts() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/account"] = ok({"balances": [{"asset": "USDT", "free": "12.500000000001", "locked": "0"}]})
        async with gateway_to(server) as gateway:
            assert (await gateway.balances()).value == [Balance("USDT", "12.500000000001", "0")]


@pytest.mark.parametrize("answer", [http("200 OK", ""), ok(None), ok({}), ok({"data": []})], ids=["nothing", "null", "object", "wrapped"])
async def test_only_a_well_formed_empty_list_means_no_open_orders(answer: bytes) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/openOrders"] = answer
        async with gateway_to(server) as gateway:
            assert (await gateway.open_orders("BTC/USDT")).outcome is Outcome.RETRYABLE_READ
            server.answers["GET /api/v3/openOrders"] = ok([])
            assert (await gateway.open_orders("BTC/USDT")).value == []


async def bars_of(server: Server, rows: Any, limit: int = 5) -> Any:
    server.answers["GET /api/v3/klines"] = rows if isinstance(rows, bytes) else ok(rows)
    async with gateway_to(server) as gateway:
        return await gateway.bars("BTC/USDT", "1m", SINCE, limit)


async def test_bars_become_integers_and_volume_is_rounded_down() -> None:
    async with serving() as server:
        reply = await bars_of(server, [KLINE])
        query = server.seen[0][1]
    assert reply.value[0].tolist() == (SINCE, 10_000, 10_100, 9_950, 10_050, 1_234_567)
    assert query == {"symbol": "BTCUSDT", "interval": "1m", "startTime": str(SINCE), "endTime": str(SINCE + 5 * MINUTE - 1), "limit": "5"}


def moved(ts_ms: int) -> list[Any]:
    return [ts_ms, *KLINE[1:]]


BAD_BARS = {
    "off the grid": [moved(SINCE + 1)],
    "before the start": [moved(SINCE - MINUTE)],
    "after the end": [moved(SINCE + 5 * MINUTE)],
    "twice": [KLINE, KLINE],
    "descending": [moved(SINCE + MINUTE), KLINE],
    "in seconds": [moved(SINCE // 1_000)],
    "high below close": [[SINCE, "100", "100.2", "99", "100.5", "1"]],
    "low above open": [[SINCE, "100", "101", "100.2", "100.5", "1"]],
    "a price of 0": [[SINCE, "0", "101", "0", "100.5", "1"]],
    "a price of null": [[SINCE, None, "101", "99", "100.5", "1"]],
    "NaN": [[SINCE, "NaN", "101", "99", "100.5", "1"]],
    "a negative volume": [[SINCE, "100", "101", "99", "100.5", "-1"]],
    "a short row": [[SINCE, "100", "101"]],
    "no list": {"data": [KLINE]},
    "beyond the doors": [[SINCE, "100", "1" + "0" * 19, "99", "100.5", "1"]],
    "rows of nothing": [None],
}


@pytest.mark.parametrize("rows", BAD_BARS.values(), ids=BAD_BARS.keys())
async def test_a_malformed_bar_makes_the_page_worth_nothing(rows: Any) -> None:
    async with serving() as server:
        reply = await bars_of(server, rows)
    assert (reply.outcome, reply.value, reply.code) == (Outcome.RETRYABLE_READ, None, "malformed")


IMPOSSIBLE = {name: BAD_BARS[name] for name in ("high below close", "low above open", "a price of 0", "beyond the doors")}


@pytest.mark.parametrize("rows", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
async def test_a_bar_whose_prices_cannot_be_does_not_hide_those_around_it(rows: list[Any]) -> None:
    async with serving() as server:
        reply = await bars_of(server, [*rows, moved(SINCE + MINUTE)])
    assert reply.value["ts"].tolist() == [SINCE + MINUTE], "the venue has none for the first minute"


async def test_a_bar_that_is_no_number_makes_the_whole_page_doubtful() -> None:
    async with serving() as server:
        reply = await bars_of(server, [*BAD_BARS["NaN"], moved(SINCE + MINUTE)])
    assert (reply.outcome, reply.code) == (Outcome.RETRYABLE_READ, "malformed")


async def test_a_bar_from_the_future_is_refused() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/klines"] = ok([moved(NOW_MS + MINUTE)])
        async with gateway_to(server) as gateway:
            reply = await gateway.bars("BTC/USDT", "1m", NOW_MS, 5)
    assert reply.outcome is Outcome.RETRYABLE_READ


async def test_html_instead_of_bars_is_no_bars() -> None:
    async with serving() as server:
        assert (await bars_of(server, http("200 OK", "<html/>", kind="text/html"))).outcome is Outcome.RETRYABLE_READ


async def test_a_page_that_nobody_offers_and_a_symbol_that_nobody_loaded_are_bad_input() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        with pytest.raises(OutOfRange):
            await gateway.bars("BTC/USDT", "1m", SINCE, 501)
        with pytest.raises(UnknownName):
            await gateway.bars("BTC/USDT", "2m", SINCE, 1)
        with pytest.raises(UnknownName):
            await gateway.book("ETH/USDT")
    assert server.seen == []


async def test_the_frozen_door_bounds_every_price() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/klines"] = ok([KLINE])
        async with gateway_to(server) as gateway:
            gateway.use([replace(BTC, price_max=10_099)])
            assert (await gateway.bars("BTC/USDT", "1m", SINCE, 5)).outcome is Outcome.RETRYABLE_READ


BOOKS = {
    "crossed": {"bids": [["100", "1"]], "asks": [["100", "1"]]},
    "one side": {"bids": [["100", "1"]], "asks": []},
    "unsorted": {"bids": [["99", "1"], ["100", "1"]], "asks": [["101", "1"]]},
    "empty": {},
    "no quantity": {"bids": [["100"]], "asks": [["101", "1"]]},
}


@pytest.mark.parametrize("answer", BOOKS.values(), ids=BOOKS.keys())
async def test_a_book_that_cannot_be_is_refused(answer: Any) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/depth"] = ok(answer)
        async with gateway_to(server) as gateway:
            assert (await gateway.book("BTC/USDT")).outcome is Outcome.RETRYABLE_READ


async def test_filters_become_an_instrument_with_the_accounts_own_fees() -> None:
    async with serving() as server:
        server.answers["GET /api/v3/exchangeInfo"] = ok({"symbols": [INFO]})
        server.answers["GET /api/v3/tradeFee"] = ok({"data": {"makerCommission": 0.0001, "takerCommission": 0.00042}, "code": 0})
        async with gateway_to(server) as gateway:
            found = (await gateway.instruments(["BTC/USDT"])).value
    assert found == [replace(BTC, qty_min=100, notional_min=15_000_000_000, maker_ppm=100, taker_ppm=420)]


@pytest.mark.parametrize(
    "changed", [{"isSpotTradingAllowed": False}, {"status": "2"}, {"baseAssetPrecision": 11}, {"takerCommission": "2"}], ids=str
)
async def test_a_symbol_that_cannot_be_traded_is_named(changed: dict[str, Any]) -> None:
    async with serving() as server:
        server.answers["GET /api/v3/exchangeInfo"] = ok({"symbols": [{**INFO, **changed}]})
        async with gateway_to(server) as gateway:
            reply = await gateway.instruments(["BTC/USDT"])
    assert (reply.outcome, reply.value) == (Outcome.NOT_FOUND, None)
    assert "BTC/USDT" in reply.evidence
