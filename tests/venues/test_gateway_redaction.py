"""Neither key nor secret nor signature shows itself: not in logs, evidence, exceptions or a repr."""

import json
import logging

import pytest

from tests.venues.gateway_server import HANG, KEY, ORDER, REQUEST, gateway_to, http, ok, serving
from trader_core.model.errors import HostRefused
from trader_core.venues.outcomes import EVIDENCE_MAX, redact
from trader_core.venues.profiles import ApiKey

SECRETS = (KEY.key, KEY.secret)


def echo(query: dict[str, str]) -> bytes:
    """Answer with everything that the client sent, as a talkative proxy does, and with the secret itself."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return http("502 Bad Gateway", f"<html>{text} X-MEXC-APIKEY: {KEY.key} {KEY.secret}</html>", kind="text/html")


async def test_an_answer_that_echoes_the_request_leaves_no_secret_in_the_evidence() -> None:
    async with serving() as server:
        server.answers["POST /api/v3/order"] = echo
        async with gateway_to(server) as gateway:
            reply = await gateway.submit(REQUEST)
    signature = server.seen[0][1]["signature"]
    assert len(signature) == 64
    assert not any(secret in repr(reply) for secret in (*SECRETS, signature))
    assert "newClientOrderId=ghabc123" in reply.evidence


@pytest.mark.parametrize("answer", [HANG, b""], ids=["timeout", "closed"])
async def test_an_exception_that_names_the_url_leaves_no_signature_in_the_evidence(answer: bytes) -> None:
    async with serving() as server:
        server.answers["POST /api/v3/order"] = answer
        async with gateway_to(server, timeout_s=0.3) as gateway:
            reply = await gateway.submit(REQUEST)
    assert "signature=***" in reply.evidence, "the client's exception names the URL: without redaction this test proves nothing"
    assert server.seen[0][1]["signature"] not in reply.evidence


async def test_nothing_is_logged_at_any_level_that_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as server:
        server.answers["GET /api/v3/order"] = ok(ORDER)
        server.answers["POST /api/v3/order"] = echo
        async with gateway_to(server) as gateway:
            await gateway.order("BTC/USDT", "ghabc123")
            await gateway.submit(REQUEST)
            written = repr(gateway) + repr(vars(gateway)) + str(gateway._wire)
    signatures = [query["signature"] for _, query in server.seen]
    assert len(signatures) == 2
    logged = caplog.text + "".join(str(record.args) for record in caplog.records)
    assert not any(secret in logged for secret in (*SECRETS, *signatures))
    assert not any(secret in written for secret in (*SECRETS, *signatures))


async def test_a_refused_host_is_named_without_the_signed_query() -> None:
    async with serving() as server, gateway_to(server) as gateway:
        gateway._wire._exchange.urls["api"]["spot"]["private"] = "http://127.0.0.1:9"
        with pytest.raises(HostRefused) as refusal:
            await gateway.balances()
    shown = str(refusal.value) + repr(refusal.value.__context__)
    assert "127.0.0.1:9" in shown
    assert not any(word in shown for word in (*SECRETS, "signature", "timestamp"))


def test_a_key_pair_does_not_show_itself() -> None:
    assert repr(KEY) == "ApiKey()"
    assert KEY.secret not in f"{ApiKey(*SECRETS)} {[KEY]}"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a=1&signature=ab12cd&b=2", "a=1&signature=***&b=2"),
        ('{"signature": "ab12cd", "x": 1}', '{"signature": "***", "x": 1}'),
        ("X-MEXC-APIKEY: abcdef", "X-MEXC-APIKEY: ***"),
        ("apiKey='abc' secret=def", "apiKey='***' secret=***"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_stands_behind_a_telling_name_is_replaced(text: str, clean: str) -> None:
    assert redact(text, ()) == clean


async def test_long_evidence_is_cut_after_it_was_cleaned() -> None:
    filler = "x" * (EVIDENCE_MAX - 80)
    async with serving() as server:
        server.answers["POST /api/v3/order"] = http(
            "400 Bad Request", json.dumps({"msg": filler + KEY.secret + "tail" * 100, "code": -9999})
        )
        async with gateway_to(server) as gateway:
            evidence = (await gateway.submit(REQUEST)).evidence
    assert len(evidence) == EVIDENCE_MAX
    assert KEY.secret[:8] not in evidence
