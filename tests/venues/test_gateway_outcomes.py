"""What each answer to an order's creation proves, over a raw loopback server and the unmodified client."""

import json

import pytest

from tests.venues.gateway_server import ACK, HANG, KEY, ORDER, REQUEST, RESET, gateway_to, http, ok, serving
from trader_core.venues.port import Outcome, VenueOrderState

PLACE, LOOK = "POST /api/v3/order", "GET /api/v3/order"


def coded(code: int | str, status: str = "400 Bad Request") -> bytes:
    return http(status, json.dumps({"code": code, "msg": "a message"}))


LOST = {
    "closed without an answer": b"",
    "reset": RESET,
    "no answer in time": HANG,
    "half a status line": b"HTTP/1.1 2",
    "half the headers": b"HTTP/1.1 200 OK\r\nContent-Type: appl",
    "a cut body": http("200 OK", json.dumps(ACK)[:40], length=len(json.dumps(ACK))),
    "a cut chunk": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"symbol":"BTC',
    "corrupt gzip": http("200 OK", b"\x1f\x8b\x08\x00garbagegarbage", extra="Content-Encoding: gzip\r\n"),
    "nothing": http("200 OK", ""),
    "HTML": http("200 OK", "<html>a proxy</html>", kind="text/html"),
    "null": http("200 OK", "null"),
    "an empty object": http("200 OK", "{}"),
    "an empty list": http("200 OK", "[]"),
    "a string": http("200 OK", '"ok"'),
    "JSON cut within": http("200 OK", '{"orderId":1,'),
    "JSON cut into what looks like an id": http("200 OK", '{"symbol":"BTCUSDT","orderId":"C02__4'),
    "an order id alone": ok({"orderId": "C02__1"}),
    "a body of another shape": ok({"data": [[1, "two", None]], "ok": "maybe"}),
    "no order id": ok({key: value for key, value in ACK.items() if key != "orderId"}),
    "an order id that is none": ok({**ACK, "orderId": '{"symbol":'}),
    "another symbol": ok({**ACK, "symbol": "ETHUSDT"}),
    "another side": ok({**ACK, "side": "SELL"}),
    "another quantity": ok({**ACK, "origQty": "0.0003"}),
    "another price": ok({**ACK, "price": "50000.51"}),
    "another type": ok({**ACK, "type": "LIMIT"}),
    "a number that is none": ok({**ACK, "origQty": "abc"}),
    "NaN for a quantity": ok({**ACK, "origQty": "NaN"}),
    "somebody else's client id": ok({**ACK, "clientOrderId": "ghother"}),
    "a redirect": http("302 Found", "", extra="Location: http://127.0.0.1:1/\r\n"),
    "a redirect that repeats the order": http("307 Temporary Redirect", "", extra=f"Location: {PLACE.split()[1]}\r\n"),
    "202": http("202 Accepted", json.dumps(ACK)),
    "403 of a firewall": http("403 Forbidden", "<html>denied</html>", kind="text/html"),
    "404 of a proxy": http("404 Not Found", "not here", kind="text/plain"),
    "418": http("418 I'm a teapot", "", extra="Retry-After: 1\r\n"),
    "429 of a proxy": http("429 Too Many Requests", "slow down", kind="text/plain", extra="Retry-After: 1\r\n"),
    "500": http("500 Internal Server Error", "<html/>", kind="text/html"),
    "502 in HTML": http("502 Bad Gateway", "<html>bad gateway</html>", kind="text/html"),
    "503 empty": http("503 Service Unavailable", ""),
    "504": http("504 Gateway Timeout", "", kind="text/plain"),
    "a known code behind a 500": coded(30004, "500 Internal Server Error"),
    "JSON after garbage": http("400 Bad Request", 'x{"code":30004}'),
}
UNKNOWN_CODES = {-9999, 603, 601, 604, 500, 503, 504, 429, 510, 10098, 20002, 700013, True, "30004 "}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
async def test_an_answer_that_proves_nothing_leaves_the_order_unknown_and_sent_once(answer: bytes) -> None:
    async with serving() as server:
        server.answers[PLACE] = answer
        async with gateway_to(server, timeout_s=0.3) as gateway:
            reply = await gateway.submit(REQUEST)
    assert (reply.outcome, reply.value) == (Outcome.UNKNOWN, None)
    assert server.count(PLACE) == 1
    assert reply.evidence.startswith("POST /api/v3/order; written")
    assert len(reply.evidence) <= 2_000
    assert KEY.key not in reply.evidence
    assert "signature=*" in reply.evidence or "signature" not in reply.evidence


async def test_a_refused_connection_leaves_the_order_unknown_and_says_that_nothing_was_written() -> None:
    async with serving() as server:
        pass
    async with gateway_to(server) as gateway:
        reply = await gateway.submit(REQUEST)
    assert reply.outcome is Outcome.UNKNOWN
    assert "nothing written" in reply.evidence


@pytest.mark.parametrize("code", sorted(UNKNOWN_CODES, key=str))
async def test_a_code_outside_the_whitelist_leaves_the_order_unknown(code: int | str) -> None:
    async with serving() as server:
        server.answers[PLACE] = coded(code)
        async with gateway_to(server) as gateway:
            reply = await gateway.submit(REQUEST)
    assert reply.outcome is Outcome.UNKNOWN
    assert "a message" in reply.evidence


PROVEN = {
    Outcome.REJECTED: (30002, 30003, 30004, 30005, 30010, 30014, 30016, 30025, 30087, 10095, 10096, 10097, 10101, 10102, -1121),
    Outcome.RESTRICTED: (10007, 30020, 30018, 70011),
    Outcome.AUTH: (10072, 700001, 700002, 602, 700007),
    Outcome.CLOCK: (700003, 700005),
}


@pytest.mark.parametrize(("outcome", "code"), [(outcome, code) for outcome, codes in PROVEN.items() for code in codes])
async def test_a_whitelisted_code_proves_that_the_order_is_not_there(outcome: Outcome, code: int) -> None:
    async with serving() as server:
        server.answers[PLACE] = coded(code)
        async with gateway_to(server) as gateway:
            reply = await gateway.submit(REQUEST)
    assert (reply.outcome, reply.code, reply.value) == (outcome, str(code), None)


async def test_a_code_counts_with_status_200_as_well() -> None:
    async with serving() as server:
        server.answers[PLACE] = coded("30004", "200 OK")
        async with gateway_to(server) as gateway:
            assert (await gateway.submit(REQUEST)).outcome is Outcome.REJECTED


async def test_an_acknowledgement_with_our_order_is_ok() -> None:
    async with serving() as server:
        server.answers[PLACE] = ok(ACK)
        async with gateway_to(server) as gateway:
            reply = await gateway.submit(REQUEST)
    assert reply.outcome is Outcome.OK
    assert reply.value is not None
    assert (reply.value.venue_order_id, reply.value.state, reply.value.qty) == ("C02__473498700123", VenueOrderState.OPEN, 200)


@pytest.mark.parametrize("answer", [ok(ACK), b"", coded(30004)], ids=["accepted", "lost", "rejected"])
async def test_a_client_id_is_written_once_in_a_process_whatever_came_of_it(answer: bytes) -> None:
    async with serving() as server:
        server.answers[PLACE] = answer
        async with gateway_to(server) as gateway:
            await gateway.submit(REQUEST)
            again = await gateway.submit(REQUEST)
    assert (again.outcome, again.code) == (Outcome.UNKNOWN, "written_before")
    assert server.count(PLACE) == 1


READS = {
    "not found": (coded(-2013), Outcome.NOT_FOUND),
    "another code": (coded(-9999), Outcome.RETRYABLE_READ),
    "closed": (b"", Outcome.RETRYABLE_READ),
    "reset": (RESET, Outcome.RETRYABLE_READ),
    "in no time": (HANG, Outcome.RETRYABLE_READ),
    "nothing": (http("200 OK", ""), Outcome.RETRYABLE_READ),
    "HTML": (http("200 OK", "<html/>", kind="text/html"), Outcome.RETRYABLE_READ),
    "an unheard-of status": (ok({**ORDER, "status": "SOMETHING_NEW"}), Outcome.RETRYABLE_READ),
    "another client id": (ok({**ORDER, "clientOrderId": "ghother"}), Outcome.RETRYABLE_READ),
    "more filled than ordered": (ok({**ORDER, "executedQty": "0.0003"}), Outcome.RETRYABLE_READ),
    "filled, but not wholly": (ok({**ORDER, "status": "FILLED"}), Outcome.RETRYABLE_READ),
    "502": (http("502 Bad Gateway", "<html/>", kind="text/html"), Outcome.RETRYABLE_READ),
    "not found behind a 502": (coded(-2013, "502 Bad Gateway"), Outcome.RETRYABLE_READ),
    "429": (coded(429, "429 Too Many Requests"), Outcome.RATE),
    "wrong key": (coded(10072), Outcome.AUTH),
    "wrong clock": (coded(700003), Outcome.CLOCK),
}


@pytest.mark.parametrize(("answer", "outcome"), READS.values(), ids=READS.keys())
async def test_a_look_up_says_not_found_only_in_the_venues_own_words(answer: bytes, outcome: Outcome) -> None:
    async with serving() as server:
        server.answers[LOOK] = answer
        async with gateway_to(server, timeout_s=0.3) as gateway:
            reply = await gateway.order("BTC/USDT", "ghabc123")
    assert (reply.outcome, reply.value) == (outcome, None)


async def test_a_partly_filled_and_then_cancelled_order_is_cancelled_with_its_fill() -> None:
    async with serving() as server:
        server.answers[LOOK] = ok(ORDER)
        async with gateway_to(server) as gateway:
            found = (await gateway.order("BTC/USDT", "ghabc123")).value
    assert found is not None
    assert (found.state, found.qty, found.filled) == (VenueOrderState.CANCELED, 200, 100)
    assert server.seen[0][1]["origClientOrderId"] == "ghabc123"


CANCELS = {
    "no such open order": (coded(-2011), Outcome.NOT_FOUND),
    "lost": (b"", Outcome.UNKNOWN),
    "nothing": (http("200 OK", ""), Outcome.UNKNOWN),
    "somebody else's": (ok({**ORDER, "clientOrderId": "ghother"}), Outcome.UNKNOWN),
    "a rejection of an order": (coded(30004), Outcome.UNKNOWN),
    "wrong key": (coded(10072), Outcome.AUTH),
    "ours, under its old name": (ok({**ORDER, "clientOrderId": "cancel1", "origClientOrderId": "ghabc123"}), Outcome.OK),
}


@pytest.mark.parametrize(("answer", "outcome"), CANCELS.values(), ids=CANCELS.keys())
async def test_a_cancel_is_known_only_by_our_order_or_the_venues_word(answer: bytes, outcome: Outcome) -> None:
    async with serving() as server:
        server.answers["DELETE /api/v3/order"] = answer
        async with gateway_to(server) as gateway:
            reply = await gateway.cancel("BTC/USDT", "ghabc123")
    assert reply.outcome is outcome


@pytest.mark.parametrize("answer", [b"", RESET], ids=["closed", "reset"])
async def test_a_cancel_or_a_look_up_whose_connection_is_lost_is_written_once(answer: bytes) -> None:
    async with serving() as server:
        server.answers["DELETE /api/v3/order"] = server.answers[LOOK] = answer
        async with gateway_to(server, timeout_s=2) as gateway:
            canceled = await gateway.cancel("BTC/USDT", "ghabc123")
            looked = await gateway.order("BTC/USDT", "ghabc123")
    assert (canceled.outcome, looked.outcome) == (Outcome.UNKNOWN, Outcome.RETRYABLE_READ)
    assert (server.count("DELETE /api/v3/order"), server.count(LOOK)) == (1, 1)
