"""The door of streams: dialled to known hosts alone, and nothing that could place an order passes it."""

from dataclasses import replace

import pytest

from tests.venues.gateway_server import KEY, NOW_MS, serving
from tests.venues.test_gateway_hosts import client_of, leaves
from trader_core.model.errors import HostRefused, VenueRefused
from trader_core.venues.adapters.known import SPEECHES
from trader_core.venues.gateway import Gateway
from trader_core.venues.profiles import BINANCE, KRAKEN, MEXC, Profile, check_stream, sandbox_profile
from trader_core.venues.stream_door import Transport, check_call, check_dial, check_word

SANDBOX = sandbox_profile("http://127.0.0.1:8790", stepped=False)


@pytest.mark.parametrize(("profile", "hosts"), [
    (MEXC, {"https://api.mexc.com", "wss://wbs-api.mexc.com"}),
    (BINANCE, {"https://api.binance.com", "wss://stream.binance.com:9443", "wss://stream.binance.com", "wss://ws-api.binance.com:443"}),
    (SANDBOX, {"http://127.0.0.1:8790", "ws://127.0.0.1:8790"}),
    (replace(SANDBOX, speaks="binance"), {"http://127.0.0.1:8790", "ws://127.0.0.1:8790"}),
])  # fmt: skip
async def test_every_address_of_a_client_of_streams_is_on_a_host_of_its_profile(profile: Profile, hosts: set[str]) -> None:
    gateway = Gateway(profile, lambda: NOW_MS, key=KEY)
    client = gateway.listener("1m", private=True)
    found = {"/".join(url.split("/")[:3]) for url in leaves(client._exchange.urls)}
    assert found <= hosts
    assert {url.split(":")[0] for url in found} == {url.split(":")[0] for url in hosts}
    assert client._exchange is not client_of(gateway)
    await client.close()
    await gateway.close()


async def test_only_the_client_of_the_account_holds_the_key_and_none_retries_or_talks() -> None:
    gateway = Gateway(SANDBOX, lambda: NOW_MS, key=KEY)
    public, private = gateway.listener("1m", private=False), gateway.listener("1m", private=True)
    assert (public._exchange.apiKey, public._exchange.secret) == (None, None)
    assert (private._exchange.apiKey, private._exchange.secret) == (KEY.key, KEY.secret)
    for one in (public, private):
        assert (one._exchange.verbose, one._exchange.options["maxRetriesOnFailure"], one._exchange.aiohttp_trust_env) == (False, 0, False)
        await one.close()
    await gateway.close()


@pytest.mark.parametrize("url", [
    "ws://wbs-api.mexc.com/ws", "wss://wbs-api.mexc.com:80/ws", "wss://contract.mexc.com/edge", "wss://user@wbs-api.mexc.com/ws",
    "wss://wbs-api.mexc.com.example.com/ws", "ws://127.0.0.1:8790/ws", "wss://wbs-api.mexc.com:80443/ws", "https://wbs-api.mexc.com/ws",
])  # fmt: skip
def test_streams_of_a_real_profile_come_by_wss_from_its_hosts_alone(url: str) -> None:
    check_stream(MEXC, "wss://wbs-api.mexc.com/ws")
    with pytest.raises(HostRefused):
        check_stream(MEXC, url)


@pytest.mark.parametrize(
    "url", ["wss://127.0.0.1:8790/ws", "ws://127.0.0.1:8791/ws", "ws://127.0.0.2:8790/ws", "wss://wbs-api.mexc.com/ws"]
)
def test_streams_of_an_embedded_exchange_come_from_its_port_alone(url: str) -> None:
    check_stream(SANDBOX, "ws://127.0.0.1:8790/ws")
    with pytest.raises(HostRefused):
        check_stream(SANDBOX, url)


def test_a_venue_without_streams_has_no_host_for_them() -> None:
    assert KRAKEN.ws_hosts == sandbox_profile("http://127.0.0.1:8790", stepped=False, dialect="kraken").ws_hosts == ()
    with pytest.raises(HostRefused):
        check_dial(KRAKEN, "wss://ws.kraken.com/v2")


@pytest.mark.parametrize(
    "said", ['{"method":"order.place"}', '{"method":"order.cancel"}', '{"id":1}', "[]", "order", '{"method":["SUBSCRIBE"]}']
)
def test_a_word_that_is_no_subscription_is_not_said(said: str) -> None:
    for speech in SPEECHES.values():
        for word in speech.words:
            check_word(speech, f'{{"method":"{word}","id":1}}')
        with pytest.raises(VenueRefused):
            check_word(speech, said)


@pytest.mark.parametrize(
    "call", [("POST", "/api/v3/order"), ("DELETE", "/api/v3/order"), ("GET", "/api/v3/account"), ("PUT", "/api/v3/depth")]
)
def test_a_client_of_streams_asks_for_nothing_but_books_and_its_listen_key(call: tuple[str, str]) -> None:
    for speech in SPEECHES.values():
        check_call(speech, "GET", "http://127.0.0.1:8790/api/v3/depth?symbol=BTCUSDT")
        with pytest.raises(VenueRefused):
            check_call(speech, call[0], f"http://127.0.0.1:8790{call[1]}")


async def test_the_transport_dials_no_other_host_and_posts_no_order() -> None:
    async with serving() as server, serving() as elsewhere:
        profile = sandbox_profile(server.url, stepped=False)
        transport = Transport(profile, SPEECHES["mexc"])
        with pytest.raises(HostRefused):
            transport.ws_connect(elsewhere.url.replace("http", "ws") + "/ws")
        with pytest.raises(VenueRefused):
            transport.post(f"{server.url}/api/v3/order")
        with pytest.raises(HostRefused):
            await transport._session.get(f"{elsewhere.url}/api/v3/depth")
        assert (server.seen, elsewhere.seen) == ([], [])
        await transport.close()


async def test_a_client_of_streams_cannot_be_made_to_place_an_order() -> None:
    async with serving() as server:
        gateway = Gateway(sandbox_profile(server.url, stepped=False), lambda: NOW_MS, key=KEY)
        client = gateway.listener("1m", private=True)
        client._open()
        with pytest.raises(VenueRefused):
            await client._exchange.spotPrivatePostOrder({"symbol": "BTCUSDT"})
        assert server.seen == []
        await client.close()
        await gateway.close()
