"""What `make fuzz` found, as answers written by hand: none of them may raise, hang, or be taken for more than it is."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from sandbox.dialects.base import Request
from tests.fuzz.memory import Said
from tests.fuzz.subject import CALLS, CID, VENUES, Subject, gateway_to, subject_of
from tests.venues.gateway_server import BTC, ORDER, TRADE
from trader_core.model.errors import DataFault, OutOfRange
from trader_core.model.instrument import qty_from
from trader_core.model.money import from_text
from trader_core.venues import codes, fields, marketdata, outcomes, parse
from trader_core.venues.adapters.known import ADAPTERS
from trader_core.venues.port import Outcome, Reply

ODD_NUMBERS = (
    "\uff11",
    "\u0663",
    "1_000",
    " 1",
    "1 ",
    "1\n",
    "+1",
    ".5",
    "5.",
    "0x10",
    "",
    "-",
    "9" * 41,
    "0." + "1" * 41,
    "1e1000",
    "NaN",
    "Infinity",
)
Ask = Callable[..., Awaitable[Any]]


async def asked(subject: Subject, call: str, said: Said | Callable[[Request], Said]) -> Any:
    """Return what the gateway makes of one answer to everything."""
    gateway = gateway_to(subject, said if callable(said) else lambda _: said)
    try:
        return await CALLS[call](gateway, subject)
    finally:
        await gateway.close()


def in_json(payload: object) -> Said:
    return Said(200, json.dumps(payload).encode())


def nested(key: str, levels: int) -> bytes:
    return f'{{"{key}":'.encode() + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("levels", [400, 900, 940, 960, 970, 980, 990, 100_000])
async def test_an_answer_that_is_nested_without_end_is_no_answer(venue: str, levels: int) -> None:
    subject = await subject_of(venue)
    for key in ("serverTime", "symbols", "result", "orderId", "code", "error"):
        body = Said(200, nested(key, levels))
        assert (await asked(subject, "submit", body)).outcome is Outcome.UNKNOWN
        for call in ("time_ms", "order", "trades", "instruments", "test_order", "permissions"):
            assert (await asked(subject, call, body)).outcome in (Outcome.RETRYABLE_READ, Outcome.NOT_FOUND)


async def test_one_instrument_that_is_nested_without_end_cannot_be_traded() -> None:
    subject = await subject_of("mexc")
    rows = b'{"symbols":[{"baseAsset":"BTC","quoteAsset":"USDT","symbol":' + b"[" * 940 + b"]" * 940 + b"}]}"
    assert (await asked(subject, "instruments", Said(200, rows))).outcome in (Outcome.NOT_FOUND, Outcome.RETRYABLE_READ)


@pytest.mark.parametrize("said", [Said(200, b'\x00{"a":1}'), Said(502, b"\x00\xff"), Said(200, b"+2AA-", charset="utf-7")])
async def test_evidence_holds_nothing_that_the_journal_cannot_hold(said: Said) -> None:
    evidence = (await asked(await subject_of("mexc"), "submit", said)).evidence
    assert evidence.encode()
    assert "\x00" not in evidence
    assert "\ufffd" in evidence


async def test_a_code_is_kept_short_and_storable() -> None:
    reply = await asked(await subject_of("mexc"), "order", in_json({"code": "\ud800\x00" + "x" * 500}))
    assert (reply.outcome, reply.code) == (Outcome.RETRYABLE_READ, "\ufffd\ufffd" + "x" * 78)


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_a_number_is_written_in_plain_digits_or_is_none(number: str) -> None:
    with pytest.raises(DataFault):
        fields.text({"qty": number}, "qty")
    with pytest.raises(DataFault):
        parse.balances({"balances": [{"asset": "BTC", "free": number, "locked": "0"}]})


@pytest.mark.parametrize(("number", "plain"), [("1.50", "1.50"), (2, "2"), (1e-07, "1e-07"), ("2E+3", "2E+3"), ("-0", "-0")])
def test_the_ways_in_which_venues_write_numbers_are_taken(number: object, plain: str) -> None:
    assert fields.text({"qty": number}, "qty") == plain


def test_no_digit_is_rounded_away_before_it_was_looked_at() -> None:
    """Decimal's usual precision of 28 digits would make 0.0002 of this, on the grid of six decimals."""
    with pytest.raises(OutOfRange, match="at most 6 decimals"):
        from_text("0.0002" + "0" * 30 + "1", 6)
    with pytest.raises(OutOfRange, match="at most 6 decimals"):
        from_text("12345678901234567890.12345678901", 6)
    assert from_text("12345678901234567890.123456", 6) == 12_345_678_901_234_567_890_123_456


def test_a_quantity_beyond_the_doors_is_no_quantity() -> None:
    assert qty_from(BTC, "4000000000000") == 4 * 10**18
    with pytest.raises(DataFault, match="within the doors"):
        qty_from(BTC, "4000000000000.000001")


@pytest.mark.parametrize("client_id", ["a\x00b", "\ud800", "line\nbreak", "é", "x" * 101, 7, ["gh1"], {"id": "gh1"}])
def test_a_client_id_is_a_line_of_plain_characters_or_the_answer_is_none(client_id: object) -> None:
    with pytest.raises(DataFault):
        parse.order({**ORDER, "clientOrderId": client_id}, BTC)
    with pytest.raises(DataFault):
        parse.trade({**TRADE, "clientOrderId": client_id}, BTC)


def test_a_client_id_that_somebody_else_chose_is_shown_as_it_is() -> None:
    assert parse.order({**ORDER, "clientOrderId": "web_4711 (app)"}, BTC).client_order_id == "web_4711 (app)"
    assert parse.trade({**TRADE, "clientOrderId": None}, BTC).client_order_id == ""


@pytest.mark.parametrize("key", ["baseSizePrecision", "quoteAmountPrecision"])
def test_a_minimum_that_nothing_could_reach_is_a_fault(key: str) -> None:
    with pytest.raises(DataFault, match="within the doors"):
        marketdata.up({key: "1e20"}, key, 6)


def test_a_step_of_more_than_a_million_is_no_grid() -> None:
    assert marketdata.grid({"tickSize": "1000000"}, "tickSize") == (0, 1_000_000)
    with pytest.raises(DataFault):
        marketdata.grid({"tickSize": "1000001"}, "tickSize")


@pytest.mark.parametrize(
    "body", ["", "<html>fine</html>", "null", "{}", "[]", '{"error":[],"result":{}}', '{"error":[],"result":{"triggerTime":1}}']
)
async def test_a_switch_is_set_only_when_the_venue_says_when_it_acts(body: str) -> None:
    assert (await asked(await subject_of("kraken"), "cancel_all_after", Said(200, body.encode()))).outcome is Outcome.RETRYABLE_READ


async def test_a_venue_without_a_switch_has_no_answer_about_one() -> None:
    with pytest.raises(DataFault):
        ADAPTERS["mexc"].dead_man_set({})


async def test_a_count_of_trades_that_never_comes_to_an_end_is_given_up() -> None:
    subject = await subject_of("kraken")
    page = json.loads(subject.healthy()["POST /0/private/TradesHistory"].body)
    page["result"]["count"] = 10**9
    told: Iterator[int] = iter(range(100))

    def answer(request: Request) -> Said:
        assert next(told) < 5, "it asks on and on"
        return in_json(page)

    reply = await asked(subject, "trades", answer)
    assert (reply.outcome, reply.code) == (Outcome.RETRYABLE_READ, "same_page")


@pytest.mark.parametrize(
    ("venue", "body"),
    [
        ("mexc", {"code": 30004, "msg": "", "orderId": "C02__1"}),
        ("binance", {"code": -1013, "msg": "", "orderId": 17}),
        ("kraken", {"error": ["EOrder:Insufficient funds"], "result": {"txid": ["OABCDE-FGHIJ-KLMNOP"]}}),
    ],
)
async def test_an_answer_that_refuses_an_order_and_names_one_proves_neither(venue: str, body: dict[str, Any]) -> None:
    reply = await asked(await subject_of(venue), "submit", in_json(body))
    assert reply.outcome is Outcome.UNKNOWN
    assert reply.code.endswith("beside an order")


@pytest.mark.parametrize("code", [True, 1.5, [], {}, [30004]])
async def test_an_acknowledgement_with_a_code_of_no_kind_is_no_acknowledgement(code: object) -> None:
    subject = await subject_of("mexc")
    body = json.loads(subject.calls["submit"]["POST /api/v3/order"].body)
    assert (await asked(subject, "submit", in_json(body))).outcome is Outcome.OK
    assert (await asked(subject, "submit", in_json({**body, "code": code}))).outcome is Outcome.UNKNOWN


async def test_closed_orders_are_no_answer_to_a_question_about_open_ones() -> None:
    closed: Reply[list[Any]] = await asked(await subject_of("kraken"), "open_orders", in_json({"error": [], "result": {"closed": {}}}))
    assert closed.outcome is Outcome.RETRYABLE_READ


@pytest.mark.parametrize(("venue", "site"), [("mexc", "GET /api/v3/account"), ("kraken", "POST /0/private/GetApiKeyInfo")])
async def test_a_right_with_a_line_break_is_no_name(venue: str, site: str) -> None:
    subject = await subject_of(venue)
    body = json.loads(subject.healthy()[site].body)
    (body["result"] if venue == "kraken" else body)["permissions"].append("SPOT\n")
    assert (await asked(subject, "permissions", in_json(body))).outcome is Outcome.RETRYABLE_READ


def test_what_is_no_code_is_unnamed_and_what_means_success_is_none() -> None:
    said: list[object] = [0, "200", "", None, True, 1.5, []]
    assert [codes.MEXC.read(json.dumps({"code": code})) for code in said] == ["", "", "", "", *["unnamed"] * 3]
    assert codes.KRAKEN.read('{"error":[[]]}') == "unnamed"
    assert outcomes.storable("a\x00\ud800b") == "a\ufffd\ufffdb"


async def test_the_order_that_was_asked_for_is_still_found() -> None:
    subject = await subject_of("mexc")
    reply = await asked(subject, "order", subject.calls["order"]["GET /api/v3/order"])
    assert reply.value.client_order_id == CID
