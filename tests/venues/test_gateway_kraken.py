"""The gateway on Kraken's protocol: what goes over the wire, and what answers prove. Payloads are written by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.venues.gateway_server import NOW_MS, RESET, Server, http, ok, serving
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues import permissions
from trader_core.venues.adapters.kraken import Kraken
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import Outcome, SendRequest, VenueOrderState
from trader_core.venues.profiles import ApiKey, sandbox_profile

BTC = Instrument("kraken", "BTC/EUR", "BTC", "EUR", 1, 8, 1, 1, 5_000, 4_500_000_000, 2_500, 4_000)
CID = "gh0123456789abcdef0123456789"
WIRE = "0123456789abcdef0123456789676800"
TXID = "OABCDE-FGHIJ-KLMNOP"
REQUEST = SendRequest(CID, "BTC/EUR", Side.BUY, 10_000, 800_005, NOW_MS, 4_000)
"""Buy 0.0001 BTC at 80000.5 or better, until four seconds after midnight."""
SECRET = "c2VjcmV0IG9mIGEgdGVzdCBrZXk="
PLACE = "POST /0/private/AddOrder"
ACK = {"error": [], "result": {"txid": [TXID], "descr": {"order": "buy 0.0001 XBTEUR @ limit 80000.5"}}}
ORDER = {
    "status": "open", "opentm": NOW_MS / 1_000, "vol": "0.00010000", "vol_exec": "0.00004000", "cost": "3.2", "fee": "0.012",
    "price": "80000.5", "cl_ord_id": WIRE, "descr": {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "price": "80000.5"},
}  # fmt: skip
TRADE = {
    "ordertxid": TXID, "pair": "XXBTZEUR", "time": NOW_MS / 1_000 + 0.25, "type": "buy", "ordertype": "limit", "price": "80000.50000",
    "cost": "3.20002", "fee": "0.01280008", "vol": "0.00004000", "maker": True,
}  # fmt: skip


def result(value: Any) -> bytes:
    return ok({"error": [], "result": value})


def error(text: str) -> bytes:
    return ok({"error": [text]})


@asynccontextmanager
async def gateway_to(server: Server, now_ms: int = NOW_MS) -> AsyncIterator[Gateway]:
    profile = sandbox_profile(server.url, stepped=True, dialect="kraken")
    gateway = Gateway(profile, lambda: now_ms, key=ApiKey("CANARYKEY0123456789", SECRET), may_send=lambda _: None, timeout_s=2)
    gateway.use([BTC])
    try:
        yield gateway
    finally:
        await gateway.close()


async def submitted(answer: bytes, request: SendRequest = REQUEST) -> tuple[Outcome, str, Server]:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers[PLACE] = answer
        reply = await gateway.submit(request)
    return reply.outcome, reply.code, server


async def test_an_order_carries_every_pair_and_its_deadline() -> None:
    outcome, _, server = await submitted(ok(ACK))
    sent = dict(server.seen[0][1])
    assert outcome is Outcome.OK
    assert sent.pop("nonce").isdigit()
    assert sent == {
        "pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.0001", "price": "80000.5", "timeinforce": "IOC",
        "cl_ord_id": WIRE, "oflags": "fciq", "deadline": "2026-01-05T00:00:04.000Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pairs"),
    [
        ({"order_type": "MARKET"}, {"ordertype": "market", "oflags": "fciq"}),
        ({"order_type": "POST_ONLY"}, {"ordertype": "limit", "oflags": "fciq,post", "price": "80000.5"}),
        ({"order_type": "LIMIT", "side": Side.SELL}, {"type": "sell", "ordertype": "limit", "price": "80000.5"}),
        (
            {"order_type": "STOP", "side": Side.SELL, "trigger": 790_000, "limit": 780_000},
            {"ordertype": "stop-loss-limit", "price": "79000", "price2": "78000"},
        ),
    ],
)
async def test_each_order_type_is_written_as_kraken_names_it(change: dict[str, Any], pairs: dict[str, str]) -> None:
    outcome, _, server = await submitted(result({"txid": [TXID]}), replace(REQUEST, **change))
    assert outcome is Outcome.OK
    assert pairs.items() <= server.seen[0][1].items()
    assert ("price" in server.seen[0][1]) == (change["order_type"] != "MARKET")


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (error("EOrder:Insufficient funds"), Outcome.REJECTED, "EOrder:Insufficient funds"),
        (error("EGeneral:Invalid arguments:volume"), Outcome.REJECTED, "EGeneral:Invalid arguments"),
        (error("EService:Deadline elapsed"), Outcome.REJECTED, "EService:Deadline elapsed"),
        (error("EAPI:Invalid nonce"), Outcome.REJECTED, "EAPI:Invalid nonce"),
        (error("EGeneral:Permission denied"), Outcome.RESTRICTED, "EGeneral:Permission denied"),
        (error("EAPI:Invalid signature"), Outcome.AUTH, "EAPI:Invalid signature"),
        (error("EService:Unavailable"), Outcome.UNKNOWN, "EService:Unavailable"),
        (error("EService:Timeout"), Outcome.UNKNOWN, "EService:Timeout"),
        (error("EAPI:Rate limit exceeded"), Outcome.UNKNOWN, "EAPI:Rate limit exceeded"),
        (ok({"error": ["EOrder:Never heard of"]}), Outcome.UNKNOWN, "EOrder:Never heard of"),
        (http("502 Bad Gateway", '{"error":["EOrder:Insufficient funds"]}'), Outcome.UNKNOWN, "EOrder:Insufficient funds"),
        (result({"txid": []}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID, TXID]}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": ["<html>"]}), Outcome.UNKNOWN, "malformed"),
        (result({"descr": {}}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID], "descr": {"order": "sell 0.0001 XBTEUR @ limit 80000.5"}}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID], "descr": {"order": "buy 1 XBTEUR @ limit 80000.5"}}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID], "descr": {"order": "buy 0.0001 XBTEUR @ limit 1"}}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID], "cl_ord_id": "somebody-elses-id"}), Outcome.UNKNOWN, "malformed"),
        (result({"txid": [TXID], "cl_ord_id": WIRE, "descr": {"order": "words of another form"}}), Outcome.OK, ""),
        (ok([]), Outcome.UNKNOWN, "malformed"),
        (RESET, Outcome.UNKNOWN, ""),
    ],
)
async def test_only_a_txid_is_ok_and_only_words_that_prove_absence_reject(answer: bytes, outcome: Outcome, code: str) -> None:
    assert (await submitted(answer))[:2] == (outcome, code)


async def test_a_window_below_two_seconds_and_a_client_id_of_another_form_are_refused_before_the_wire() -> None:
    for request in (replace(REQUEST, window_ms=1_999), replace(REQUEST, client_order_id="gh" + "x" * 20)):
        outcome, _, server = await submitted(ok(ACK), request)
        assert (outcome, server.seen) == (Outcome.GATED, [])


def test_a_client_id_goes_to_kraken_as_32_hexadecimal_digits_and_comes_back() -> None:
    assert Kraken().wire_id(CID) == WIRE
    assert Kraken()._ours(WIRE) == CID
    assert Kraken()._ours("by-hand") == "by-hand"
    assert Kraken().wire_id("gatehouse-check_00") == "gatehouse-check_00"
    with pytest.raises(DataFault):
        Kraken().wire_id("gatehouse-check_000")


async def look_up(opened: bytes, closed: bytes) -> tuple[Outcome, Any]:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers |= {"POST /0/private/OpenOrders": opened, "POST /0/private/ClosedOrders": closed}
        reply = await gateway.order("BTC/EUR", CID)
        assert all(pairs["cl_ord_id"] == WIRE for _, pairs in server.seen)
    return reply.outcome, reply.value


async def test_an_order_is_looked_for_among_the_open_and_then_among_the_closed() -> None:
    none = result({"open": {}}), result({"closed": {}, "count": 0})
    outcome, found = await look_up(result({"open": {TXID: ORDER}}), none[1])
    assert (outcome, found.venue_order_id, found.state, found.qty, found.filled) == (
        Outcome.OK, TXID, VenueOrderState.PARTIAL, 10_000, 4_000,
    )  # fmt: skip
    outcome, found = await look_up(none[0], result({"closed": {TXID: {**ORDER, "status": "canceled"}}, "count": 1}))
    assert (outcome, found.client_order_id, found.state) == (Outcome.OK, CID, VenueOrderState.CANCELED)
    assert (await look_up(*none))[0] is Outcome.NOT_FOUND
    assert (await look_up(none[0], http("200 OK", "")))[0] is Outcome.RETRYABLE_READ, "half an answer is none"


async def test_a_cancel_that_only_says_how_many_is_followed_by_a_look() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers |= {
            "POST /0/private/CancelOrder": result({"count": 1}),
            "POST /0/private/OpenOrders": result({"open": {}}),
            "POST /0/private/ClosedOrders": result({"closed": {TXID: {**ORDER, "status": "canceled"}}, "count": 1}),
        }
        done = await gateway.cancel("BTC/EUR", CID)
        server.answers["POST /0/private/CancelOrder"] = error("EOrder:Unknown order")
        gone = await gateway.cancel("BTC/EUR", CID)
        server.answers["POST /0/private/CancelOrder"] = result({"count": 0})
        unsure = await gateway.cancel("BTC/EUR", CID)
    assert done.value is not None
    assert (done.outcome, done.value.state) == (Outcome.OK, VenueOrderState.CANCELED)
    assert (gone.outcome, unsure.outcome) == (Outcome.NOT_FOUND, Outcome.UNKNOWN)


async def test_trades_are_paged_by_offset_sorted_by_pair_and_named_by_a_query() -> None:
    first = {f"TAAAAA-BBBBB-C{n:05d}": TRADE for n in range(50)}
    rest = {"TAAAAA-BBBBB-DDDDDD": TRADE, "TAAAAA-BBBBB-EEEEEE": {**TRADE, "pair": "XETHZEUR"}}

    def pages(pairs: dict[str, str]) -> bytes:
        return result({"trades": first if pairs["ofs"] == "0" else rest, "count": 52})

    async with serving() as server, gateway_to(server) as gateway:
        server.answers |= {"POST /0/private/TradesHistory": pages, "POST /0/private/QueryOrders": result({TXID: ORDER})}
        reply = await gateway.trades("BTC/EUR", NOW_MS)
        asked = [pairs["ofs"] for call, pairs in server.seen if call.endswith("TradesHistory")]
    assert reply.value is not None
    assert (len(reply.value), asked, server.count("POST /0/private/QueryOrders")) == (51, ["0", "50"], 1)
    one = reply.value[0]
    assert (one.client_order_id, one.qty, one.price, one.fee, one.fee_base, one.ts_ms, one.maker) == (
        CID, 4_000, 800_005, 128_000_800, 0, NOW_MS + 250, True,
    )  # fmt: skip


async def test_a_fee_that_kraken_has_not_told_yet_is_taken_for_the_most_of_the_schedule() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        listed = {"trades": {"TAAAAA-BBBBB-CCCCCC": {**TRADE, "fee": None}}, "count": 1}
        server.answers |= {"POST /0/private/TradesHistory": result(listed), "POST /0/private/QueryOrders": result({TXID: ORDER})}
        reply = await gateway.trades("BTC/EUR", NOW_MS)
    assert reply.value is not None
    assert [(fill.fee_due, fill.fee, fill.fee_base) for fill in reply.value] == [(True, 128_000_800, 0)], "0.4 % of 3.20002"


async def test_market_data_is_read_from_under_krakens_names() -> None:
    pair = {
        "altname": "XBTEUR", "wsname": "XBT/EUR", "base": "XXBT", "quote": "ZEUR", "status": "online", "pair_decimals": 1,
        "lot_decimals": 8, "tick_size": "0.1",
        "ordermin": "0.00005", "costmin": "0.45", "fees": [[0, 0.4], [10_000, 0.35]], "fees_maker": [[0, 0.25]],
    }  # fmt: skip
    candle = [NOW_MS // 1_000, "80000.1", "80010.0", "79990.0", "80005.5", "80001.0", "1.5", 12]
    answers = {
        "GET /0/public/AssetPairs": result(
            {"XXBTZEUR": pair, "XETHZEUR": {**pair, "altname": "ETHEUR", "wsname": "ETH/EUR", "status": "cancel_only"}}
        ),
        "POST /0/private/TradeVolume": result(
            {"fees": {"XXBTZEUR": {"fee": "0.4000"}}, "fees_maker": {"XXBTZEUR": {"fee": "0.2500"}}, "volume": "0"}
        ),
        "GET /0/public/OHLC": result({"XXBTZEUR": [[NOW_MS // 1_000 - 60, *candle[1:]], candle], "last": NOW_MS // 1_000}),
        "GET /0/public/Depth": result({"XXBTZEUR": {"bids": [["80000.0", "0.5", 1]], "asks": [["80000.1", "0.7", 1]]}}),
        "GET /0/public/Ticker": result({"XXBTZEUR": {"a": ["80000.1", "1", "1"], "b": ["80000.0", "1", "1"], "c": ["80000.1", "0.1"]}}),
        "GET /0/public/Time": result({"unixtime": NOW_MS // 1_000, "rfc1123": ""}),
    }
    async with serving() as server, gateway_to(server, NOW_MS + 60_000) as gateway:
        server.answers |= answers
        found = (await gateway.instruments(["BTC/EUR"])).value
        closed = await gateway.instruments(["ETH/EUR"])
        bars, book, ticker, time = (
            (await gateway.bars("BTC/EUR", "1m", NOW_MS, 2)).value,
            (await gateway.book("BTC/EUR")).value,
            (await gateway.ticker("BTC/EUR")).value,
            (await gateway.time_ms()).value,
        )
    assert found == [replace(BTC, venue="sandbox")]
    assert closed.outcome is Outcome.NOT_FOUND
    assert "cancel_only" in closed.evidence
    assert bars is not None
    assert [tuple(bar) for bar in bars] == [(NOW_MS, 800_001, 800_100, 799_900, 800_055, 150_000_000)]
    assert book is not None
    assert (book.bids, book.asks) == (((800_000, 50_000_000),), ((800_001, 70_000_000),))
    assert ticker == (800_001, 800_000, 800_001)
    assert time == NOW_MS + 500, "a clock of whole seconds is somewhere in its second"


async def test_balances_are_those_of_the_spot_wallet_less_what_is_held() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        held = {
            "ZEUR": {"balance": "100.5", "hold_trade": "20.5"},
            "XXBT": {"balance": "0.1", "hold_trade": "0"},
            "ETH.F": {"balance": "1"},
        }
        server.answers["POST /0/private/BalanceEx"] = result(held)
        found = (await gateway.balances()).value
        server.answers["POST /0/private/BalanceEx"] = result({})
        nothing = await gateway.balances()
    assert found is not None
    assert [(one.currency, one.free, one.locked) for one in found] == [("EUR", "80.0", "20.5"), ("BTC", "0.1", "0")]
    assert nothing.outcome is Outcome.RETRYABLE_READ


async def test_a_key_that_may_withdraw_or_do_something_unknown_is_seen() -> None:
    needed = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"]
    async with serving() as server, gateway_to(server) as gateway:
        said = list[list[str]]()
        for rights in (needed, [*needed, "withdraw-funds", "earn-funds"], needed[:3]):
            server.answers["POST /0/private/GetApiKeyInfo"] = result({"permissions": rights})
            found = (await gateway.permissions()).value
            assert found is not None
            said.append([what for what, _ in permissions.faults(found)])
    assert said == [[], ["it can withdraw", "it trades EARN-FUNDS"], ["it cannot trade", "it does not trade spot"]]


async def test_a_test_order_is_validated_only_and_an_answer_with_a_txid_is_no_pass() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers[PLACE] = result({"descr": {"order": "buy"}})
        passed = await gateway.test_order(REQUEST)
        server.answers[PLACE] = ok(ACK)
        strange = await gateway.test_order(REQUEST)
    assert [pairs["validate"] for _, pairs in server.seen] == ["true", "true"]
    assert (passed.outcome, strange.outcome) == (Outcome.OK, Outcome.RETRYABLE_READ)


async def test_the_dead_mans_switch_is_armed_in_seconds() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers["POST /0/private/CancelAllOrdersAfter"] = result({"currentTime": "x", "triggerTime": "y"})
        assert (await gateway.cancel_all_after(60)).outcome is Outcome.OK
    assert server.seen[0][1]["timeout"] == "60"


async def test_nonces_rise_whatever_the_venues_clock_shows() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers["POST /0/private/BalanceEx"] = result({"ZEUR": {"balance": "1", "hold_trade": "0"}})
        await asyncio.gather(*(gateway.balances() for _ in range(20)))
    nonces = [int(pairs["nonce"]) for _, pairs in server.seen]
    assert len(set(nonces)) == 20
