"""The unmodified Kraken client, and requests that it would not send, signed by hand."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode

import ccxt.async_support as ccxt

from sandbox.config import Config
from sandbox.dialects.base import Request
from sandbox.market import Market
from sandbox.pairs import Rules
from sandbox.server import Sandbox
from tests.venues.sandbox_client import opened, running

NONCES = count(1)


def kraken(sandbox: Sandbox, **options: Any) -> Any:
    """Return an unmodified client whose every address points at the exchange and whose nonce is the venue's time."""
    keys = {"apiKey": sandbox.api_key, "secret": sandbox.secret}
    exchange = ccxt.kraken({**keys, "enableRateLimit": False, "timeout": 2_000, "timeout_on_exit": 0, **options})
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], f"http://127.0.0.1:{sandbox.port}")
    exchange.nonce = lambda: sandbox.exchange.now_ms
    return exchange


@asynccontextmanager
async def talking(rules: Rules | None = None, market: Market | None = None, **config: Any) -> AsyncIterator[tuple[Sandbox, Any]]:
    """An exchange that speaks Kraken's protocol, and a client that has loaded its markets."""
    async with running(Config(dialect="kraken", rules=rules, **config), market) as sandbox, opened(kraken(sandbox)) as exchange:
        yield sandbox, exchange


def said(sandbox: Sandbox, call: str, nonce: str | None = None, secret: str = "", **params: str) -> dict[str, Any]:
    """Return the answer to a private request, with the next nonce or one of one's own."""
    nonce = str(next(NONCES)) if nonce is None else nonce
    path, body = f"/0/private/{call}", urlencode({"nonce": nonce, **params})
    digest = hashlib.sha256((nonce + body).encode()).digest()
    sign = hmac.new(base64.b64decode(secret or sandbox.secret), path.encode() + digest, hashlib.sha512).digest()
    headers = {"api-key": sandbox.api_key, "api-sign": base64.b64encode(sign).decode()}
    answer = sandbox.dialect.answer(Request("POST", path, headers=headers, body=body))
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found
