"""What Kraken's dialect refuses and in which words: keys, nonces, filters, deadlines; its pages, rights and dead man's switch."""

import base64
from typing import Any

import ccxt.async_support as ccxt
import pytest

from sandbox.__main__ import config_of, parser
from sandbox.config import START_MS, Config
from sandbox.dialects import kraken_names as names
from sandbox.dialects.base import Powers, Request
from sandbox.dialects.kraken_words import WORDS, padded, words_of
from sandbox.orders import No, Refused
from sandbox.pairs import KRAKEN_PAIRS, Rules
from sandbox.server import Sandbox
from tests.venues.kraken_client import kraken, said, talking
from tests.venues.sandbox_client import raw, running
from trader_core.model.money import money

S = "BTC/EUR"
LIMIT = {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000"}
"""Rests: the market stands near 80,000."""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pair": "XBTUSD"}, "EQuery:Unknown asset pair"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "trailing-stop", "price": "+5%"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "stop-loss-limit", "price": "90000"}, "EGeneral:Invalid arguments:price2"),
        ({"ordertype": "stop-loss", "price": "90000", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"ordertype": "stop-loss", "price": "90000", "trigger": "index"}, "EGeneral:Invalid arguments:trigger"),
        ({"ordertype": "stop-loss", "price": "90000", "oflags": "post"}, "EGeneral:Invalid arguments:oflags"),
        ({"ordertype": "stop-loss", "price": "50000"}, "EOrder:Invalid price"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"volume": ""}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "NaN"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.010000001"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.00004999"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"volume": "0.00005", "price": "8999.9"}, "EOrder:Cost minimum not met"),
        ({"price": "50000.05"}, "EOrder:Invalid price:XBT/EUR price can only be specified up to 1 decimals."),
        ({"price": "0"}, "EOrder:Invalid price"),
        ({"price": "+5%"}, "EGeneral:Invalid arguments:price"),
        ({"volume": "1"}, "EOrder:Insufficient funds"),
        ({"oflags": "fciq,fcib"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "post", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:oflags"),
        ({"ordertype": "market", "oflags": "viqc", "type": "sell"}, "EGeneral:Invalid arguments:oflags"),
        ({"leverage": "2"}, "EGeneral:Invalid arguments:leverage"),
        ({"expiretm": "+30"}, "EGeneral:Invalid arguments:expiretm"),
        ({"cl_ord_id": "nineteen-characters"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "one", "userref": "1"}, "EGeneral:Invalid arguments:userref"),
        ({"userref": "2147483648"}, "EGeneral:Invalid arguments:userref"),
        ({"deadline": "soon"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": "2026-01-05T00:00:30"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": "2026-01-05T00:01:00.001Z"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": "2026-01-04T23:59:59.999Z"}, "EService:Deadline elapsed"),
    ],
)
async def test_an_order_is_refused_in_krakens_words_and_changes_nothing(change: dict[str, str], words: str) -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        assert said(sandbox, "AddOrder", **{**LIMIT, **change}) == {"error": [words]}
        assert sandbox.exchange.all_orders() == []
        assert sandbox.exchange.ledger.balance("main", "EUR").locked == 0


@pytest.mark.parametrize(
    "change",
    [
        {"deadline": "2026-01-05T00:01:00Z"},
        {"deadline": "2026-01-05T00:00:00.000Z"},
        {"leverage": "none", "reduce_only": "false", "expiretm": "0", "stptype": "cancel-newest"},
        {"cl_ord_id": "6d1b345e-2821-40e2-ad83-4ecb18a06876"},
        {"cl_ord_id": "da8e4ad59b78481c93e589746b0cf91f"},
        {"cl_ord_id": "eighteen_character"},
        {"volume": "0.00005", "price": "9000.0"},
        {"oflags": "fcib,nompp"},
    ],
)
async def test_an_order_at_the_very_edge_is_taken(change: dict[str, str]) -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        assert said(sandbox, "AddOrder", **{**LIMIT, **change})["error"] == []


async def test_a_nonce_must_rise_and_is_used_up_by_signed_requests_only() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        assert said(sandbox, "Balance", "9", secret="d3Jvbmc=")["error"] == ["EAPI:Invalid signature"]
        assert said(sandbox, "Balance", "5")["error"] == []
        for nonce in ("5", "4", "", "-6", "6.5", "a", str(2**64)):
            assert said(sandbox, "Balance", nonce)["error"] == ["EAPI:Invalid nonce"], nonce
        assert said(sandbox, "Balance", str(2**64 - 1))["error"] == []
        sandbox.api_key, sandbox.secret = sandbox.open_account("main", {})
        assert said(sandbox, "Balance", "1")["error"] == [], "each key counts for itself"


async def test_wrong_keys_signatures_and_nonces_reach_the_client_as_its_errors() -> None:
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"apiKey": "nobody"}, ccxt.AuthenticationError, "EAPI:Invalid key"),
        ({"secret": "d3Jvbmc="}, ccxt.ExchangeError, "EAPI:Invalid signature"),
    ]
    async with talking() as (sandbox, exchange):
        for keys, error, words in cases:
            other = kraken(sandbox, **keys)
            other.set_markets(exchange.markets)
            with pytest.raises(error, match=words):
                await other.fetch_balance()
            await other.close()
        await exchange.fetch_balance()
        exchange.nonce, exchange.options["lastNonce"] = lambda: 1, 0
        with pytest.raises(ccxt.InvalidNonce):
            await exchange.fetch_balance()


async def test_a_body_that_is_no_text_and_a_call_that_nobody_knows_are_refused() -> None:
    async with running(Config(dialect="kraken")) as sandbox, raw(sandbox) as sender:
        url = f"http://127.0.0.1:{sandbox.port}/0/private/AddOrder"
        for sign in ("", "not base64", "\u00e9"):
            headers = {"API-Key": sandbox.api_key, "API-Sign": sign}
            async with sender.session.post(url, data=b"\xff\xfe&nonce=\x80", headers=headers) as reply:
                assert (reply.status, await reply.json()) == (200, {"error": ["EAPI:Invalid signature"]})
        assert await sender.send("POST /0/private/Withdraw") == (200, b'{"error":["EGeneral:Unknown method"]}')
        assert await sender.send("GET /0/private/Balance") == (200, b'{"error":["EGeneral:Unknown method"]}')


@pytest.mark.parametrize(
    ("call", "query", "words"),
    [
        ("OHLC", "pair=XBTEUR&interval=2", "EGeneral:Invalid arguments:interval"),
        ("OHLC", "pair=XBTEUR&since=then", "EGeneral:Invalid arguments:since"),
        ("OHLC", "", "EQuery:Unknown asset pair"),
        ("Depth", "pair=BTCEUR", "EQuery:Unknown asset pair"),
        ("Ticker", "pair=XBTEUR,NOEUR", "EQuery:Unknown asset pair"),
        ("Trades", "pair=XBTEUR&count=many", "EGeneral:Invalid arguments:count"),
    ],
)
async def test_a_public_call_is_refused_in_words(call: str, query: str, words: str) -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        answer = sandbox.dialect.answer(Request("GET", f"/0/public/{call}", query))
        assert (answer.status, answer.body.decode()) == (200, f'{{"error":["{words}"]}}')


async def test_an_id_that_was_never_given_out_is_told_from_one_that_is_over() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        (txid,) = said(sandbox, "AddOrder", **LIMIT)["result"]["txid"]
        never = "OZZZZZ-ZZZZZ-ZZZZZZ"
        assert said(sandbox, "CancelOrder", txid=never)["error"] == ["EOrder:Invalid order"]
        assert said(sandbox, "QueryOrders", txid=never)["error"] == ["EOrder:Invalid order"]
        assert said(sandbox, "CancelOrder", txid=txid)["result"] == {"count": 1}
        assert said(sandbox, "CancelOrder", txid=txid)["error"] == ["EOrder:Unknown order"]
        assert said(sandbox, "CancelOrder", cl_ord_id="never")["error"] == ["EOrder:Unknown order"]
        assert said(sandbox, "CancelOrder")["error"] == ["EGeneral:Invalid arguments"]
        assert said(sandbox, "CancelOrder", txid="9" * 5_000)["error"] == ["EGeneral:Invalid arguments:userref"]
        assert said(sandbox, "QueryTrades", txid=never)["error"] == ["EGeneral:Invalid arguments:txid"]


async def test_another_accounts_order_is_neither_seen_nor_canceled() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        (txid,) = said(sandbox, "AddOrder", **LIMIT)["result"]["txid"]
        sandbox.api_key, sandbox.secret = sandbox.open_account("other", {"EUR": "10"})
        assert said(sandbox, "QueryOrders", txid=txid)["error"] == ["EOrder:Invalid order"]
        assert said(sandbox, "CancelOrder", txid=txid)["error"] == ["EOrder:Unknown order"]
        assert said(sandbox, "OpenOrders")["result"] == {"open": {}}


async def test_closed_orders_and_trades_come_in_pages_of_fifty_youngest_first() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        small = {**LIMIT, "ordertype": "market", "volume": "0.0001"}
        placed = []
        for at in range(52):
            sandbox.exchange.advance(START_MS + at * 1_000)
            placed += said(sandbox, "AddOrder", **small)["result"]["txid"]
        for call, key, rows in (("ClosedOrders", "closed", placed), ("TradesHistory", "trades", placed)):
            first = said(sandbox, call)["result"]
            rest = said(sandbox, call, ofs="50")["result"]
            ids = [row.get("ordertxid", name) for page in (first, rest) for name, row in page[key].items()]
            assert (len(first[key]), len(rest[key]), first["count"], ids) == (50, 2, 52, rows[::-1])
        begin = START_MS // 1_000
        span = said(sandbox, "TradesHistory", start=str(begin + 10), end=str(begin + 12))["result"]
        assert span["count"] == 2, "the beginning is left out, the end is not"
        assert said(sandbox, "ClosedOrders", start="never")["error"] == ["EGeneral:Invalid arguments:start"]
        assert said(sandbox, "ClosedOrders", closetime="soon")["error"] == ["EGeneral:Invalid arguments:closetime"]
        assert said(sandbox, "ClosedOrders", ofs="-1")["error"] == ["EGeneral:Invalid arguments:ofs"]


async def test_a_closed_order_is_in_a_span_by_the_time_that_is_asked_about() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        (txid,) = said(sandbox, "AddOrder", **LIMIT)["result"]["txid"]
        sandbox.exchange.advance(START_MS + 10_000)
        said(sandbox, "CancelOrder", txid=txid)
        start = str(START_MS // 1_000 + 5)
        found = [said(sandbox, "ClosedOrders", start=start, closetime=which)["result"]["count"] for which in ("open", "close", "both")]
        assert found == [0, 1, 1]


async def test_the_dead_mans_switch_cancels_everything_unless_it_is_set_again() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        for pair, price in (("XBTEUR", "50000"), ("ETHEUR", "1500")):
            assert said(sandbox, "AddOrder", **{**LIMIT, "pair": pair, "price": price, "volume": "0.01"})["error"] == []
        times = {"currentTime": "2026-01-05T00:00:00Z", "triggerTime": "2026-01-05T00:01:00Z"}
        assert said(sandbox, "CancelAllOrdersAfter", timeout="60")["result"] == times
        sandbox.exchange.advance(START_MS + 59_999)
        assert said(sandbox, "CancelAllOrdersAfter", timeout="60")["error"] == []
        sandbox.exchange.advance(START_MS + 119_998)
        assert len(sandbox.exchange.open_orders("main")) == 2
        sandbox.exchange.advance(START_MS + 119_999)
        assert sandbox.exchange.open_orders("main") == []
        assert said(sandbox, "AddOrder", **LIMIT)["error"] == []
        assert said(sandbox, "CancelAllOrdersAfter", timeout="10")["error"] == []
        assert said(sandbox, "CancelAllOrdersAfter", timeout="0")["result"]["triggerTime"] == "0"
        sandbox.exchange.advance(START_MS + 600_000)
        assert len(sandbox.exchange.open_orders("main")) == 1
        assert said(sandbox, "CancelAllOrdersAfter", timeout="86400")["error"] == ["EGeneral:Invalid arguments:timeout"]


async def test_the_key_says_what_it_may_do_and_may_not_do_more() -> None:
    async with running(Config(dialect="kraken")) as sandbox:
        usual = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"]
        assert said(sandbox, "GetApiKeyInfo")["result"]["permissions"] == usual
        sandbox.dialect.powers["main"] = Powers(trades=False, withdraws=True, markets=("SPOT", "earn-funds"))
        assert said(sandbox, "GetApiKeyInfo")["result"]["permissions"] == [*usual[:3], "withdraw-funds", "earn-funds"]
        for call in ("AddOrder", "CancelOrder", "CancelAll", "CancelAllOrdersAfter"):
            assert said(sandbox, call, **LIMIT)["error"] == ["EGeneral:Permission denied"]


async def test_requests_above_the_weight_are_refused_until_the_next_minute_and_orders_weigh_nothing() -> None:
    async with running(Config(dialect="kraken", rules=Rules(2_500, 4_000, weight_limit=3))) as sandbox:
        assert said(sandbox, "TradesHistory")["error"] == []
        assert said(sandbox, "Balance")["error"] == []
        assert said(sandbox, "Balance")["error"] == ["EAPI:Rate limit exceeded"]
        assert said(sandbox, "AddOrder", **LIMIT)["error"] == []
        sandbox.exchange.advance(START_MS + 60_000)
        assert said(sandbox, "Balance")["error"] == []


async def test_the_venues_clock_runs_ahead_for_deadlines_too() -> None:
    async with running(Config(dialect="kraken", rules=Rules(2_500, 4_000, skew_ms=3_000))) as sandbox:
        answer = sandbox.dialect.answer(Request("GET", "/0/public/Time"))
        assert answer.body == b'{"error":[],"result":{"unixtime":1767571203,"rfc1123":"Mon, 05 Jan 26 00:00:03 +0000"}}'
        assert said(sandbox, "AddOrder", **LIMIT, deadline="2026-01-05T00:00:02Z")["error"] == ["EService:Deadline elapsed"]


def test_every_reason_of_the_core_has_words() -> None:
    assert set(WORDS) == set(No)
    assert words_of(Refused(No.PARAMETER)) == "EGeneral:Invalid arguments"


def test_ids_hide_their_number_and_give_it_back() -> None:
    numbers = (0, 1, 2, 1_000, 2**80 - 1)
    assert [names.number_of(names.order_id(number), "O") for number in numbers] == list(numbers)
    assert len({names.order_id(number) for number in range(1_000)}) == 1_000
    assert all(names.ID.fullmatch(names.trade_id(number)) for number in numbers)
    assert [names.number_of(name, "O") for name in (names.trade_id(1), "", "O", "ABC-DEF", "o" * 19)] == [0] * 5


def test_names_of_currencies_and_pairs_are_krakens() -> None:
    assert [names.asset(name) for name in ("BTC", "ETH", "DOGE", "SOL", "EUR", "USDT")] == ["XXBT", "XETH", "XXDG", "SOL", "ZEUR", "USDT"]
    said_of = {pair.base: (names.pair_id(pair), names.altname(pair), names.wsname(pair)) for pair in KRAKEN_PAIRS}
    assert said_of["BTC"] == ("XXBTZEUR", "XBTEUR", "XBT/EUR")
    assert said_of["DOGE"] == ("XDGEUR", "XDGEUR", "XDG/EUR")
    assert said_of["SOL"] == ("SOLEUR", "SOLEUR", "SOL/EUR")


def test_amounts_have_at_least_their_decimals_and_stay_exact() -> None:
    assert [padded(*case) for case in ((5, 1, 5), (123_456_789, 8, 3), (70, 0, 0), (1, 10, 5))] == [
        "0.50000", "1.23456789", "70", "0.0000000001",
    ]  # fmt: skip


async def test_a_secret_is_base64_of_64_bytes() -> None:
    sandbox = Sandbox(Config(dialect="kraken"), 0.0)
    assert len(base64.b64decode(sandbox.secret, validate=True)) == 64
    assert len(Sandbox(Config(dialect="binance"), 0.0).secret) == 32


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], Rules()),
        (["--dialect", "kraken"], Rules(2_500, 4_000, money("0.45"))),
        (["--dialect", "kraken", "--maker-ppm", "0", "--notional-min", "0.10"], Rules(0, 4_000, money("0.10"))),
        (["--dialect", "binance", "--taker-ppm", "1000"], Rules(0, 1_000)),
    ],
)
def test_fees_and_minimums_are_the_dialects_unless_the_command_says_otherwise(options: list[str], expected: Rules) -> None:
    assert config_of(parser().parse_args(options)).in_force == expected
