"""A real venue is open for reads, key checks and the order test. No byte of an order leaves until a permit and the environment agree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from sandbox.dialects.base import Powers
from sandbox.server import ACCOUNT, Sandbox
from tests.venues import real_profile
from tests.venues.gateway_server import BTC, REQUEST, call_of, gateway_to, http, ok, serving
from trader_core.clock import WallClock
from trader_core.model.errors import BadInput, UnknownName, VenueRefused, VenueUnavailable
from trader_core.model.session import Side
from trader_core.venues import permissions
from trader_core.venues.ask import Ask
from trader_core.venues.door import CALL, Transport, check_order, check_request, orders_closed
from trader_core.venues.gateway import Gateway
from trader_core.venues.limiter import Lane
from trader_core.venues.link import Link, connect
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import Outcome, SendRequest
from trader_core.venues.profiles import PROFILES, ApiKey

SYMBOLS = ("BTC/USDT", "ETH/USDT")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config()) as running:
        yield running


@pytest.fixture
def mexc(exchange: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    real_profile.is_mexc(monkeypatch, exchange)
    real_profile.give_key(tmp_path, exchange)
    exchange.dialect.powers.clear()
    return exchange


async def linked(home: Path, *, private: bool = True, orders_allowed: Any = orders_closed) -> Link:
    link = await connect("mexc", home, SYMBOLS, "1m", lambda _: None, private=private, orders_allowed=orders_allowed)
    assert (await link.gateway.instruments(list(SYMBOLS))).value is not None
    return link


def order(link: Link, cid: str = "gh-real-1", side: Side = Side.BUY, qty: int = 1_000) -> SendRequest:
    """Buy 0.001 BTC at 50,000 USDT or better, far below the market of about 95,000: it could only rest."""
    return SendRequest(cid, "BTC/USDT", side, qty, 5_000_000, link.feed.now_ms(), 4_000, "LIMIT")


def placed(exchange: Sandbox) -> list[str]:
    return [found.asked.client_id for found in exchange.exchange.all_orders()]


async def test_public_data_needs_no_key(mexc: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "mexc.json").unlink()
    link = await linked(tmp_path, private=False)
    try:
        assert not link.profile.sandbox
        assert abs(link.feed.now_ms() - WallClock().now_ms()) < 90_000
        slot = link.feed.now_ms() // 60_000 * 60_000 - 60_000
        assert (await link.feed.history(slot - 300_000, slot))["close"].all()
        assert (await link.gateway.balances()).evidence.count("no API key") == 1
    finally:
        await link.close()


async def test_a_private_link_without_a_key_says_how_to_give_one(mexc: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "mexc.json").unlink()
    with pytest.raises(BadInput, match="credentials set mexc"):
        await linked(tmp_path)


async def test_an_unknown_venue_is_refused_by_naming_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="sandbox, mexc"):
        await connect("bitmex", tmp_path, SYMBOLS, "1m", None, private=False)


async def test_a_venue_that_does_not_answer_is_named_with_its_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(1))
    with pytest.raises(VenueUnavailable, match=r"an answer of mexc at http://127\.0\.0\.1:1"):
        await connect("mexc", tmp_path, SYMBOLS, "1m", None, private=False)


async def test_the_gateway_refuses_an_order_by_itself(mexc: Sandbox, tmp_path: Path) -> None:
    link = await linked(tmp_path)
    try:
        reply = await link.gateway.submit(order(link))
    finally:
        await link.close()
    assert (reply.outcome, reply.code, placed(mexc)) == (Outcome.GATED, "orders", [])
    assert "permit" in reply.evidence


async def test_the_door_refuses_an_order_that_came_around_the_gateway(mexc: Sandbox, tmp_path: Path) -> None:
    link = await linked(tmp_path)
    link.gateway._orders_allowed = lambda _: ""
    try:
        reply = await link.gateway.submit(order(link))
    finally:
        await link.close()
    assert (reply.outcome, placed(mexc)) == (Outcome.GATED, [])
    assert "leave to place orders on mexc" in reply.evidence
    assert "nothing written" in reply.evidence


async def test_the_door_refuses_an_order_that_no_request_stands_behind(mexc: Sandbox, tmp_path: Path) -> None:
    """Not even the session's gate is asked for a call without a request: the door knows it by its path."""
    link = await linked(tmp_path)
    wire = link.gateway._wire
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "50000", "newClientOrderId": "x1"}
    try:
        ask = Ask("POST", "order", ("spot", "private"), "/api/v3/order", params, private=True)
        call = await wire.ask(wire.call(ask), Lane.ORDERS)
    finally:
        await link.close()
    assert (call.written, placed(mexc)) == (False, [])
    assert "mexc" in call.refused


async def test_the_transport_refuses_an_order_with_a_connection_in_hand(mexc: Sandbox) -> None:
    profile = real_profile.bound(mexc.port)
    transport = Transport(profile, lambda _: "")
    token = CALL.set(call_of("POST", "order"))
    try:
        with pytest.raises(VenueRefused, match="leave to place orders on mexc"):
            await transport.post(URL(f"{profile.base_url}/api/v3/order?side=BUY"))
        with pytest.raises((VenueRefused, aiohttp.ClientError)):
            await transport.post(URL(f"{profile.base_url}/api/v3/order/?side=BUY"))
    finally:
        CALL.reset(token)
        await transport.close()
    assert placed(mexc) == []


def test_the_gate_before_the_client_refuses_an_order_by_itself() -> None:
    profile, url = real_profile.bound(8790), "http://127.0.0.1:8790/api/v3/order?side=BUY&signature=x"
    with pytest.raises(VenueRefused, match="leave to place orders on mexc"):
        check_request(profile, call_of("POST", "order"), "POST", url, "")
    with pytest.raises(VenueRefused, match="a journaled request stands behind"):
        check_request(profile, call_of("POST", "order"), "POST", url, "", lambda _: "")


@pytest.mark.parametrize(
    ("query", "side"), [("side=SELL", "SELL"), ("side=BUY", "BUY"), ("", "BUY"), ("side=SELL&side=BUY", "BUY"), ("side=", "BUY")]
)
def test_what_does_not_say_that_it_sells_is_asked_for_as_a_buy(query: str, side: str) -> None:
    asked = list[str]()

    def guard(found: str) -> str:
        asked.append(found)
        return ""

    check_order(real_profile.bound(8790), "POST", f"http://127.0.0.1:8790/api/v3/order?{query}", "", guard)
    check_order(real_profile.bound(8790), "POST", "http://127.0.0.1:8790/api/v3/order", query, guard)
    assert asked == [side, side]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (ok({}), Outcome.OK),
        (ok({"orderId": "1"}), Outcome.RETRYABLE_READ),
        (ok([]), Outcome.RETRYABLE_READ),
        (http("200 OK", ""), Outcome.RETRYABLE_READ),
        (http("200 OK", "<html>maintenance</html>", kind="text/html"), Outcome.RETRYABLE_READ),
        (http("502 Bad Gateway", "{}"), Outcome.RETRYABLE_READ),
        (http("429 Too Many Requests", '{"code":429}'), Outcome.RATE),
        (http("400 Bad Request", '{"code":30004}'), Outcome.REJECTED),
        (http("400 Bad Request", '{"code":10007}'), Outcome.RESTRICTED),
        (http("400 Bad Request", '{"code":700003}'), Outcome.CLOCK),
        (http("400 Bad Request", '{"code":-9999}'), Outcome.RETRYABLE_READ),
    ],
)
async def test_an_order_test_proves_only_what_a_whole_answer_says(answer: bytes, outcome: Outcome) -> None:
    async with serving() as server, gateway_to(server) as gateway:
        server.answers["POST /api/v3/order/test"] = answer
        assert (await gateway.test_order(REQUEST)).outcome is outcome
        assert [call for call, _ in server.seen] == ["POST /api/v3/order/test"]


async def test_a_permit_that_is_lost_between_the_gates_stops_the_order(mexc: Sandbox, tmp_path: Path) -> None:
    """The guard is asked three times: by the gateway, before the client, and with a connection in hand; any of them may say no."""
    for allowed in (1, 2):
        asked = list[str]()

        def guard(side: str, asked: list[str] = asked, allowed: int = allowed) -> str:
            asked.append(side)
            return "" if len(asked) <= allowed else "the permit has expired"

        link = await linked(tmp_path, orders_allowed=guard)
        try:
            reply = await link.gateway.submit(order(link))
        finally:
            await link.close()
        assert (reply.outcome, asked, placed(mexc)) == (Outcome.GATED, ["BUY"] * (allowed + 1), [])


async def test_an_order_goes_when_all_three_let_it(exchange: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with real_profile.thread_of(real_profile.config()) as own:
        real_profile.is_mexc(monkeypatch, own)
        real_profile.give_key(tmp_path, own)
        link = await linked(tmp_path, orders_allowed=lambda _: "")
        try:
            reply = await link.gateway.submit(order(link))
            assert (reply.outcome, placed(own)) == (Outcome.OK, ["gh-real-1"])
        finally:
            await link.close()


async def test_the_order_test_places_nothing(mexc: Sandbox, tmp_path: Path) -> None:
    link = await linked(tmp_path)
    try:
        good, small = await link.gateway.test_order(order(link)), await link.gateway.test_order(order(link, qty=1))
        odd = await link.gateway.test_order(order(link, cid="no spaces"))
    finally:
        await link.close()
    assert (good.outcome, good.evidence) == (Outcome.OK, "")
    assert (small.outcome, small.code) == (Outcome.REJECTED, "30002")
    assert (odd.outcome, placed(mexc)) == (Outcome.GATED, [])


async def test_an_order_test_with_a_wrong_key_says_so(mexc: Sandbox) -> None:
    clock = WallClock()
    gateway = Gateway(real_profile.bound(mexc.port), clock.now_ms, key=ApiKey("WRONGKEY12345678", "WRONGSECRET12345"))
    gateway.use([BTC])
    reply = await gateway.test_order(SendRequest("x1", "BTC/USDT", Side.BUY, 1_000, 5_000_000, clock.now_ms(), 4_000))
    await gateway.close()
    assert (reply.outcome, reply.code) == (Outcome.AUTH, "10072")
    assert "WRONGSECRET" not in reply.evidence


@pytest.mark.parametrize(
    ("powers", "wrong"),
    [
        (Powers(), []),
        (Powers(withdraws=True), ["it can withdraw"]),
        (Powers(markets=("SPOT", "MARGIN", "FUTURES")), ["it trades FUTURES, MARGIN"]),
        (Powers(trades=False), ["it cannot trade"]),
        (Powers(markets=()), ["it does not trade spot"]),
    ],
)
async def test_a_key_is_judged_by_what_the_venue_says_that_it_may_do(
    mexc: Sandbox, tmp_path: Path, powers: Powers, wrong: list[str]
) -> None:
    mexc.dialect.powers[ACCOUNT] = powers
    link = await linked(tmp_path)
    try:
        found = (await link.gateway.permissions()).value
    finally:
        await link.close()
    assert found is not None
    assert [what for what, _ in permissions.faults(found)] == wrong


@pytest.mark.parametrize("answer", [{}, {"canTrade": 1, "canWithdraw": False, "permissions": []}, {"canTrade": True, "canWithdraw": False}])
def test_permissions_that_are_not_all_there_are_no_answer(answer: object) -> None:
    with pytest.raises(BadInput):
        permissions.read(answer)


def test_a_withdrawing_futures_key_has_both_faults() -> None:
    found = permissions.faults(Permissions(trades=True, withdraws=True, markets=("FUTURES", "SPOT")))
    assert [what for what, _ in found] == ["it can withdraw", "it trades FUTURES"]
