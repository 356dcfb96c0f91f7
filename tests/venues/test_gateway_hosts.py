"""No request leaves for another host, whatever is tampered with. The other hosts are loopback servers or reserved names."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from yarl import URL

from tests.venues.gateway_server import ACK, KEY, NOW_MS, REQUEST, Server, call_of, gateway_to, http, ok, serving
from trader_core.model.errors import HostRefused
from trader_core.venues.ask import Ask
from trader_core.venues.door import CALL, Transport, check_request
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import Outcome
from trader_core.venues.profiles import MEXC, Profile, check_url, sandbox_profile


def client_of(gateway: Gateway) -> Any:
    return gateway._wire._exchange


def leaves(urls: Any) -> list[str]:
    if isinstance(urls, dict):
        return [leaf for child in urls.values() for leaf in leaves(child)]
    if isinstance(urls, list):
        return [leaf for child in urls for leaf in leaves(child)]
    return [urls] if isinstance(urls, str) else []


async def test_a_real_profile_binds_every_address_to_its_own_host() -> None:
    gateway = Gateway(MEXC, lambda: NOW_MS, key=KEY)
    assert {tuple(url.split("/")[:3]) for url in leaves(client_of(gateway).urls)} == {("https:", "", "api.mexc.com")}
    await gateway.close()


def test_a_real_profile_without_its_host_is_refused() -> None:
    with pytest.raises(HostRefused):
        Gateway(replace(MEXC, base_url="https://api.example.com"), lambda: NOW_MS, key=KEY)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mexc.com/api/v3/time",
        "https://api.mexc.com:8443/api/v3/time",
        "https://api.mexc.com:80443/api/v3/time",
        "https://user@api.mexc.com/api/v3/time",
        "https://api.mexc.com.example.com/api/v3/time",
        "https://contract.mexc.com/api/v1/contract/detail",
        "wss://api.mexc.com/api/v3/time",
        "https://127.0.0.1/api/v3/time",
        "http://127.0.0.1:8790/api/v3/time",
    ],
)
def test_a_real_profile_goes_to_its_host_by_https_on_443_alone(url: str) -> None:
    check_url(MEXC, "https://api.mexc.com/api/v3/time")
    check_url(MEXC, "https://api.mexc.com:443/api/v3/time")
    with pytest.raises(HostRefused):
        check_url(MEXC, url)


def test_a_real_profile_cannot_call_itself_an_embedded_exchange() -> None:
    for scheme in ("https", "http", "ws"):
        with pytest.raises(HostRefused):
            check_url(replace(MEXC, sandbox=True, base_url=f"{scheme}://api.mexc.com"), f"{scheme}://api.mexc.com/api/v3/time")
    with pytest.raises(HostRefused):
        check_url(replace(MEXC, base_url="http://api.mexc.com"), "http://api.mexc.com/api/v3/time")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.mexc.com",
        "http://api.mexc.com:80",
        "http://localhost:8790",
        "http://127.0.0.1",
        "http://127.0.0.1.example.com:80",
        "http://10.0.0.1:8790",
        "http://127.0.0.1:80@example.com:80",
        "http://user@127.0.0.1:80",
        "https://127.0.0.1:8790",
        "http://0.0.0.0:8790",
        "",
    ],
)
def test_only_a_literal_loopback_address_with_a_port_makes_a_sandbox_profile(url: str) -> None:
    with pytest.raises(HostRefused):
        sandbox_profile(url, stepped=True)


async def test_every_address_of_the_client_is_on_the_bound_host() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        found = leaves(client_of(gateway).urls)
    assert len(found) >= 10
    assert {url.split("/")[2] for url in found} == {f"127.0.0.1:{server.port}"}


def profile_of(port: int) -> Profile:
    return sandbox_profile(f"http://127.0.0.1:{port}", stepped=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8791/api/v3/time",
        "http://127.0.0.2:8790/api/v3/time",
        "http://api.mexc.com:8790/api/v3/time",
        "http://127.0.0.1:8790@api.mexc.com/api/v3/time",
        "http://x@127.0.0.1:8790/api/v3/time",
        "https://127.0.0.1:8790/api/v3/time",
        "//127.0.0.1:8790/api/v3/time",
    ],
)
def test_an_address_that_differs_in_scheme_host_port_or_user_is_refused(url: str) -> None:
    with pytest.raises(HostRefused):
        check_url(profile_of(8790), url)


def test_the_gate_before_the_client_checks_the_host_by_itself() -> None:
    url = "http://127.0.0.1:8790/api/v3/time"
    check_request(profile_of(8790), call_of("GET", "time"), "GET", url, "")
    with pytest.raises(HostRefused):
        check_request(profile_of(8791), call_of("GET", "time"), "GET", url, "")


async def test_the_transport_refuses_another_host_by_itself() -> None:
    async with serving() as bound, serving() as elsewhere:
        transport = Transport(profile_of(bound.port), lambda _: "")
        token = CALL.set(call_of("GET", "time"))
        with pytest.raises(HostRefused):
            await transport.get(URL(elsewhere.url))
        CALL.reset(token)
        await transport.close()
    assert elsewhere.seen == []


def test_an_embedded_exchange_that_lost_its_flag_still_goes_nowhere_but_to_loopback() -> None:
    lost = replace(profile_of(8790), sandbox=False)
    check_url(lost, "http://127.0.0.1:8790/api/v3/time")
    for url in ("https://api.mexc.com/api/v3/time", "http://127.0.0.1:8791/api/v3/time"):
        with pytest.raises(HostRefused):
            check_url(lost, url)


async def test_addresses_changed_afterwards_reach_nobody() -> None:
    async with serving() as bound, serving() as elsewhere, gateway_to(bound) as gateway:
        client_of(gateway).urls["api"]["spot"] = {"public": elsewhere.url, "private": elsewhere.url}
        with pytest.raises(HostRefused, match=str(bound.port)):
            await gateway.time_ms()
        with pytest.raises(HostRefused, match=str(bound.port)):
            await gateway.submit(REQUEST)
        assert (bound.seen, elsewhere.seen) == ([], [])


PROXIES = ["http_proxy", "httpProxy", "https_proxy", "socks_proxy", "aiohttp_proxy", "proxyUrl", "proxy"]


@pytest.mark.parametrize("name", PROXIES)
async def test_a_proxy_given_to_the_client_stops_every_call(name: str) -> None:
    async with serving() as bound, serving() as proxy, gateway_to(bound) as gateway:
        setattr(client_of(gateway), name, proxy.url + "/")
        reply = await gateway.submit(REQUEST)
        assert (reply.outcome, proxy.seen, bound.seen) == (Outcome.GATED, [], [])


async def test_a_proxy_callback_given_to_the_client_stops_every_call() -> None:
    async with serving() as bound, serving() as proxy, gateway_to(bound) as gateway:
        client_of(gateway).http_proxy_callback = lambda *_: proxy.url
        assert (await gateway.submit(REQUEST)).outcome is Outcome.GATED
        assert (proxy.seen, bound.seen) == ([], [])


async def test_a_proxy_in_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as bound, serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        bound.answers["GET /api/v3/time"] = ok({"serverTime": NOW_MS})
        async with gateway_to(bound) as gateway:
            assert (await gateway.time_ms()).value == NOW_MS
    assert (proxy.seen, len(bound.seen)) == ([], 1)


async def redirected(server: Server, target: str, status: str) -> Outcome:
    server.answers["POST /api/v3/order"] = http(status, "", extra=f"Location: {target}\r\n")
    async with gateway_to(server) as gateway:
        return (await gateway.submit(REQUEST)).outcome


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_followed_nowhere(status: str) -> None:
    async with serving() as bound, serving() as elsewhere:
        elsewhere.answers["POST /api/v3/order"] = ok(ACK)
        assert await redirected(bound, f"{elsewhere.url}/api/v3/order", status) is Outcome.UNKNOWN
        assert (len(bound.seen), elsewhere.seen) == (1, [])


async def test_a_path_that_is_not_on_the_list_is_not_asked() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        fetched = await gateway._read(Ask("GET", "capital/withdraw", ("spot", "private"), "/api/v3/capital/withdraw", {}), lambda raw: raw)
    assert (fetched.outcome, server.seen) == (Outcome.RETRYABLE_READ, [])
    assert "allow-list" in fetched.evidence


@pytest.mark.parametrize("change", ["verbose", "retries", "trust", "debug"])
async def test_a_client_that_talks_or_retries_sends_nothing(change: str) -> None:
    async with serving() as server, gateway_to(server) as gateway:
        client = client_of(gateway)
        if change == "verbose":
            client.verbose = True
        elif change == "retries":
            client.options["maxRetriesOnFailure"] = 3
        elif change == "trust":
            client.aiohttp_trust_env = True
        else:
            client.logger.setLevel(logging.DEBUG)
        try:
            assert (await gateway.submit(REQUEST)).outcome is Outcome.GATED
        finally:
            client.logger.setLevel(logging.WARNING)
        assert server.seen == []
