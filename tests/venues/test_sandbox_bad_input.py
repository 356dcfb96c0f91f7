"""What no client should send, over HTTP, to each dialect: it is refused as the venue refuses it, and the exchange goes on."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from sandbox.config import Config
from tests.venues.sandbox_client import raw, running
from tests.venues.tongues import SENT_HEAD, TONGUES, Params, Wire
from trader_core.model.money import money

LONG = "x" * 10_000


@pytest.fixture(params=list(TONGUES))
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    async with running(Config(dialect=request.param)) as sandbox, raw(sandbox) as sender:
        yield Wire(sandbox, sender.session)


@pytest.fixture(params=["mexc", "binance"])
async def hexed(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    async with running(Config(dialect=request.param)) as sandbox, raw(sandbox) as sender:
        yield Wire(sandbox, sender.session)


async def test_wrong_keys_signatures_and_stamps_are_refused(wire: Wire) -> None:
    order = wire.tongue.order
    wire.refused(await wire.signed(order, wrong=True), "signature")
    wire.refused(await wire.signed(order, key="sb0" + "0" * 28), "key")
    wire.refused(await wire.signed(order, key=LONG[:5_000]), "key")
    wire.refused(await wire.send("POST", wire.tongue.place, urlencode(order)), "key")
    wire.refused(await wire.send("POST", wire.tongue.place, urlencode(order), {wire.tongue.key: wire.sandbox.api_key}), "signature")
    assert (await wire.signed({"nonce": "1"}, path="/0/private/Balance"))[0] == (200 if wire.kraken else 404), "a nonce is used up"
    stamp = {"nonce": "1"} if wire.kraken else {"timestamp": str(wire.sandbox.exchange.now_ms - 5_001)}
    wire.refused(await wire.signed({**order, **stamp}), "old")
    await wire.lives()


QUANTITIES = [
    ("0.00000000000001", "precise"), ("0.0000000001", "precise"), ("", "qty_none"), ("0", "qty_zero"), ("-1", "negative"),
    ("NaN", "junk"), ("Infinity", "junk"), ("1e5", "junk"), ("1_0", "junk"), ("\u0663", "junk"), (" 1", "junk"), ("0x1", "junk"),
    ("1,5", "junk"), ("9" * 10_000, "junk"), ("1e-400000000", "junk"), ("1000000000", "cost_max"),
]  # fmt: skip


async def test_quantities_that_are_none_or_off_the_grid_or_too_small_or_too_large_are_refused(wire: Wire) -> None:
    for text, why in QUANTITIES:
        wire.refused(await wire.signed({**wire.tongue.order, wire.tongue.qty: text}), why)
    await wire.lives()


async def test_what_is_off_the_grids_or_below_the_minimums_is_refused(wire: Wire) -> None:
    name = wire.sandbox.exchange.pair("BTCEUR" if wire.kraken else "BTCUSDT").id
    wire.sandbox.exchange.change_filters(name, lot=1_000)
    wire.refused(await wire.signed({**wire.tongue.order, wire.tongue.qty: "0.0010001"}), "qty_grid")
    wire.refused(await wire.signed({**wire.tongue.order, "price": "50000.001"}), "price_grid")
    for text in ("NaN", "5_0000", "1e5", "\u0665\u0660\u0660\u0660\u0660", "9" * 400):
        wire.refused(await wire.signed({**wire.tongue.order, "price": text}), "junk")
    wire.sandbox.exchange.change_filters(name, lot=None, qty_min=200_000, notional_min=money("60"))
    wire.refused(await wire.signed(wire.tongue.order), "qty_min")
    wire.sandbox.exchange.change_filters(name, qty_min=None)
    wire.refused(await wire.signed(wire.tongue.order), "cost_min")
    wire.sandbox.exchange.change_filters(name, notional_min=None)
    await wire.lives()


@pytest.mark.parametrize("name", ["", "XMRUSDT", "btcusdt", "\0", "🙂", "A" * 10_000, "BTCUSDT,ETHUSDT"])
async def test_a_market_that_is_none_is_refused(wire: Wire, name: str) -> None:
    wire.refused(await wire.signed({**wire.tongue.order, wire.tongue.symbol: name}), "symbol")
    await wire.lives()


async def test_client_ids_that_are_too_long_or_unprintable_are_refused(wire: Wire) -> None:
    for text in (LONG, "x" * 37, "a b", "\0", "é", "\u202e"):
        wire.refused(await wire.signed({**wire.tongue.order, wire.tongue.client_id: text}), "id")
    await wire.lives()


async def test_unknown_calls_and_methods_are_refused(wire: Wire) -> None:
    place = wire.tongue.place
    for method, path in (("GET", "/"), ("GET", "/nothing"), ("PATCH", place), ("HEAD", place), ("OPTIONS", place), ("GET", f"{place}/")):
        status, body = await wire.send(method, path)
        assert (status, method == "HEAD" or wire.tongue.no["route"][1] in body) == (wire.tongue.no["route"][0], True)
    wire.refused(await wire.signed(wire.tongue.order, path=f"{place}s"), "route")
    await wire.lives()


BODIES = {
    "announced": (b"Content-Length: 3000000\r\n\r\n", bytes(3_000_000)),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", 48 * (b"10000\r\n" + bytes(65_536) + b"\r\n") + b"0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_beyond_a_mebibyte_is_refused(wire: Wire, kind: str) -> None:
    head, body = BODIES[kind]
    found = await wire.talk(f"POST {wire.tongue.place}{SENT_HEAD}".encode() + head + body)
    assert (found.startswith(b"HTTP/1.1 413 "), b'"msg":"Request Entity Too Large"' in found) == (True, True)
    await wire.lives()


HEADS = {
    "no HTTP": b"\xff\xfe\0\r\n\r\n",
    "no UTF-8 in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "no UTF-8 in the query": b"GET /?a=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a long path": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\nConnection: close\r\n\r\n",
    "a bad length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no gzip": b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("kind", HEADS)
async def test_what_is_no_request_is_answered_with_400(wire: Wire, kind: str) -> None:
    assert b" 400 " in (await wire.talk(HEADS[kind])).split(b"\r\n")[0]
    await wire.lives()


async def test_a_query_that_is_no_query_and_a_header_that_is_no_text_change_nothing(wire: Wire) -> None:
    head = f"{SENT_HEAD}{wire.tongue.key}: \xff\xfe\r\n\r\n".encode("latin-1")
    for query in (b"%ff%fe=%zz&&&=&%00", b"a=" + b"9" * 8_000, b"&" * 8_000):
        found = await wire.talk(b"GET " + wire.tongue.time.encode() + b"?" + query + head)
        assert found.startswith(b"HTTP/1.1 200 "), found
        found = await wire.talk(b"POST " + wire.tongue.place.encode() + b"?" + query + head)
        assert wire.tongue.no["key"][1] in found, found
    await wire.lives()


async def test_limits_and_times_that_are_no_numbers_are_refused(wire: Wire) -> None:
    name = "count" if wire.kraken else "limit"
    for text in ("-1", "x", "NaN", "1e3", "1_0", "\u0663", "9" * 5_000, "+5"):
        _, body = await wire.send("GET", f"{wire.tongue.book}&{urlencode({name: text})}")
        assert name.encode() in body, body
    status, body = await wire.send("GET", f"{wire.tongue.book}&{name}=999999999999")
    assert (status, b"asks" in body) == (200, True), "more than there is, is all there is"


async def test_a_parameter_sent_twice_is_refused_and_the_query_goes_before_the_body(hexed: Wire) -> None:
    hexed.refused(await hexed.signed(hexed.tongue.order, more="&quantity=5"), "twice")
    hexed.refused(await hexed.signed(hexed.tongue.order, more="&signature=abc"), "twice")
    status, body = await hexed.send("GET", "/api/v3/depth?symbol=BTCUSDT&symbol=ETHUSDT")
    assert (status, hexed.tongue.no["twice"][1] in body) == (400, True)
    bulk = "&".join(f"p{number}=" for number in range(100_000))
    assert (await hexed.signed(hexed.tongue.order, more=f"&{bulk}&p99999="))[0] == 400, "and to see so takes no time"
    assert b'"symbol":"ETHUSDT"' in (await hexed.send("GET", "/api/v3/ticker/price?symbol=ETHUSDT", "symbol=BTCUSDT"))[1]
    await hexed.lives()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"timestamp": "NaN"}, b"timestamp"), ({"timestamp": "1_7"}, b"timestamp"), ({"timestamp": "9" * 5_000}, b"timestamp"),
        ({"timestamp": ""}, b"timestamp"), ({"recvWindow": "x"}, b"recvWindow"), ({"recvWindow": "-1"}, b"recvWindow"),
        ({"recvWindow": "60001"}, b"recvWindow"),
    ],
)  # fmt: skip
async def test_stamps_that_are_no_numbers_and_windows_beyond_a_minute_are_refused(hexed: Wire, change: Params, why: bytes) -> None:
    status, body = await hexed.signed({**hexed.tongue.order, **change})
    assert (status, why in body, hexed.sandbox.exchange.all_orders()) == (400, True, []), body
    await hexed.lives()


async def test_unknown_keys_weigh_together_and_are_not_kept(wire: Wire) -> None:
    await wire.operator("POST /switches", b'{"weight_limit": 50}')
    for number in range(20):
        await wire.signed(wire.tongue.order, key=f"sb0{number}")
    assert set(wire.sandbox.dialect._weights) == {""}


async def test_the_operators_port_wants_its_token_whatever_else_is_sent(wire: Wire) -> None:
    for token in ("wrong", "\xff\xfe", LONG[:8_000], wire.sandbox.token[:-1]):
        found = await wire.operator("POST /restore", b"x" * 10, token)
        assert (b" 401 " in found, b"expected the admin token" in found) == (True, True), found
    bare = await wire.talk(f"GET /state{SENT_HEAD}\r\n".encode(), wire.sandbox.admin_port)
    assert b" 401 " in bare
    for site in ("GET", "/state"), ("POST", "/advance"), ("POST", "/restore"):
        reply = await wire.send(*site, "{}", {"X-Sandbox-Token": wire.sandbox.token})
        assert wire.tongue.no["route"][1] in reply[1], "the clients' port knows nothing of it"
    assert b" 404 " in await wire.operator(f"GET {wire.tongue.time}"), "nor the operator's of the clients' calls"
    await wire.lives()


CALLS = ("advance", "accounts", "switches", "halted", "filters", "faults", "restore", "leave")
NONSENSE: tuple[bytes, ...] = (
    b"null", b"1", b'"x"', b"{", b"[" * 100_000, b"1" * 5_000, b"NaN", b"\xff\xfe", b'{"to_ms":1e400,"skew_ms":1e400,"tick":1e400}',
    b'{"to_ms":NaN,"credits":{"USDT":"NaN"}}', b'{"to_ms":"x","who":5,"with":5,"credits":5,"symbols":[{}],"faults":[1],"rules":{}}',
    b'{"account":"\\ud800","credits":{"USDT":"1"}}', b'{"credits":{"\\ud800":"1"}}', b'{"credits":{"USDT":"1e-400000000"}}',
    b'{"skew_ms":100000000000000000000000000000}', b'{"account":"' + LONG.encode() + b'","credits":{}}',
)  # fmt: skip


async def test_the_operator_is_told_what_is_wrong_with_a_body(wire: Wire) -> None:
    for call in CALLS:
        for body in NONSENSE:
            found = await wire.operator(f"POST /{call}", body)
            if not (call == "leave" and b'"who"' in body):
                assert (b" 400 " in found.split(b"\r\n")[0], b'"error": "' in found) == (True, True), (call, body[:40], found)
    assert b" 413 " in await wire.operator("POST /faults", bytes(3_000_000))
    await wire.lives()


@pytest.mark.parametrize("header", ["Content-Type: text/plain; charset=bogus", "Content-Type: \xff;;charset=", "Content-Encoding: gzip"])
async def test_headers_that_describe_no_body_are_no_trouble_to_the_operators_port(wire: Wire, header: str) -> None:
    for path in ("faults", "restore"):
        sent = f"POST /{path}{SENT_HEAD}X-Sandbox-Token: {wire.sandbox.token}\r\n{header}\r\nContent-Length: 2\r\n\r\n[]"
        found = await wire.talk(sent.encode("latin-1"), wire.sandbox.admin_port)
        fine = path == "faults" and "gzip" not in header
        assert found.startswith(b"HTTP/1.1 200 " if fine else b"HTTP/1.1 400 "), found
    await wire.lives()
