"""The other direction: requests that no client should send, told to the embedded exchange itself."""

import base64
import hashlib
import hmac
import json
import signal
import traceback
from collections.abc import Iterable
from random import Random
from types import FrameType
from typing import Any
from urllib.parse import urlencode

from sandbox.config import Config
from sandbox.dialects.base import Request
from sandbox.dialects.kraken import Kraken
from sandbox.faults import Answer
from sandbox.ledger import OWN
from sandbox.matching import Exchange
from sandbox.orders import OPEN
from sandbox.server import Sandbox
from tests.fuzz.junk import NAMES, ODD, SELDOM, SITES, USUAL, VERBS
from tests.fuzz.run import HANG_S, Hung, Tally
from trader_core.model.errors import OutOfRange

FINE = frozenset({200, 400, 401, 403, 404, 429})
KRAKENS_NO = b'{"error":["'
RENEWED = 4_000
"""So many requests one exchange meets before it is replaced: its books would grow without end."""
STEP_MS = 7_000


def sites(sandbox: Sandbox) -> list[str]:
    """Return what the dialect of an exchange answers."""
    known = sorted(sandbox.dialect._routes)
    return known + 4 * [site for site in known if site.lower().endswith("order")]


def opened(dialect: str) -> Sandbox:
    """Return an exchange with an account that can buy and sell much."""
    return Sandbox(Config(dialect=dialect, history_days=1, credits=(("USDT", "1000000"), ("EUR", "1000000"), ("BTC", "20"))), 0.0)


def request(rng: Random, sandbox: Sandbox, known: list[str]) -> Request:
    """Return a request with something wrong in it, as a rule signed by the right key."""
    dice = rng.random()
    method, path = (rng.choice(known) if dice < 0.9 else rng.choice(SITES)).split(" ", 1)
    if dice > 0.97:
        method = rng.choice(VERBS)
    if rng.random() < 0.06:
        text = "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0x11000)))) for _ in range(rng.randrange(120)))
        return Request(method, path, text, {sandbox.dialect.key_header: sandbox.api_key} if rng.random() < 0.5 else {}, text[::-1])
    params = {name: rng.choice(values) for name, values in USUAL.items() if rng.random() < (0.1 if name in SELDOM else 0.9)}
    if sandbox.dialect.name == "kraken":
        params["type"] = rng.choice(("buy", "sell"))
    params["newClientOrderId"] = params["cl_ord_id"] = f"gh{rng.randrange(8)}"
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3))):
        params[rng.choice(NAMES)] = rng.choice(ODD)
    for name in rng.sample(list(params), k=min(len(params), rng.choice((0, 0, 0, 1, 2)))):
        del params[name]
    return signed(rng, sandbox, method, path, params)


def signed(rng: Random, sandbox: Sandbox, method: str, path: str, params: dict[str, str]) -> Request:
    """Return a request that carries the parameters; seldom with another key, signature or time than the right ones."""
    secret = sandbox.secret if rng.random() < 0.93 else "another"
    key = sandbox.api_key if rng.random() < 0.95 else rng.choice(ODD)
    now_ms = sandbox.exchange.now_ms + rng.choice((0, 0, 0, 0, 0, 0, 900, -4_000, 2_000, -9_000))
    if isinstance(sandbox.dialect, Kraken):
        last = sandbox.dialect.nonces.get(sandbox.api_key, 0)
        nonce = params.pop("nonce", str(last + rng.choice((*range(1, 20), 0))))
        body = _encoded({"nonce": nonce, **params})
        digest = path.encode(errors="replace") + hashlib.sha256((nonce + body).encode(errors="surrogatepass")).digest()
        seal = hmac.new(base64.b64decode(secret + "=" * (-len(secret) % 4)), digest, hashlib.sha512).digest()
        headers = {"api-key": key, "api-sign": base64.b64encode(seal).decode()}
        return Request(method, path, "", headers, body) if method == "POST" else Request(method, path, _encoded(params), {}, "")
    text = _encoded({"timestamp": str(now_ms), "recvWindow": "5000", **params})
    text += f"&signature={hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"
    headers = {sandbox.dialect.key_header: key}
    return Request(method, path, "", headers, text) if method == "POST" and rng.random() < 0.5 else Request(method, path, text, headers, "")


def _encoded(params: dict[str, str]) -> str:
    return urlencode(params, errors="surrogatepass")


def faults(answer: object) -> list[str]:
    """Return what is wrong with an answer of the exchange."""
    if not isinstance(answer, Answer) or not isinstance(answer.body, bytes):
        return [f"no answer but {type(answer).__name__}"]
    if answer.status not in FINE:
        return [f"status {answer.status}"]
    try:
        json.loads(answer.body)
    except ValueError:
        return ["a body that is no JSON"]
    return []


def imbalance(exchange: Exchange) -> str:
    """Return how an exchange's books contradict themselves, "" when they do not."""
    currencies = {name for pair in exchange.market.pairs.values() for name in (pair.base, pair.quote)}
    for account in set(exchange.ledger.accounts()) - OWN:
        for currency in currencies:
            balance = exchange.ledger.balance(account, currency)
            held = sum(
                order.locked
                for order in exchange.all_orders()
                if order.account == account and order.status in OPEN and currency == _locks(exchange, order)
            )
            if balance.locked != held or balance.free < 0:
                return f"{account} {currency}: {balance}, but open orders hold {held}"
    return ""


def _locks(exchange: Exchange, order: Any) -> str:
    pair = exchange.pair(order.asked.symbol)
    return pair.quote if order.asked.side > 0 else pair.base


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise Hung


def fuzz(dialect: str, seed: int, indexes: Iterable[int]) -> Tally:
    """Send some requests and return what the exchange made of them; each piece of RENEWED has an exchange of its own."""
    tally, before = Tally(), signal.signal(signal.SIGALRM, _ring)
    sandbox = opened(dialect)
    known = sites(sandbox)
    try:
        for count, index in enumerate(indexes):
            if count and count % RENEWED == 0:
                _settle(sandbox, tally, seed, index)
                sandbox = opened(dialect)
            signal.setitimer(signal.ITIMER_REAL, HANG_S)
            _one(sandbox, known, tally, seed, index)
        _settle(sandbox, tally, seed, -1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return tally


def _one(sandbox: Sandbox, known: list[str], tally: Tally, seed: int, index: int) -> None:
    dialect = sandbox.dialect.name
    rng = Random(f"{seed}/to {dialect}/{index}")
    asked = request(rng, sandbox, known)
    try:
        answer: Any = sandbox.dialect.answer(asked)
        found = faults(answer)
        said = f"HTTP {answer.status}{' refused' if answer.body.startswith(KRAKENS_NO) else ''}"
        tally.counts[f"to {dialect}", asked.site if asked.site in known else "elsewhere", said] += 1
        if rng.random() < 0.01:
            sandbox.exchange.advance(sandbox.exchange.now_ms + STEP_MS)
    except Hung:
        found = [f"no answer within {HANG_S} s"]
    except Exception:  # noqa: BLE001 - this is what is looked for
        found = [traceback.format_exc()]
    for fault in found:
        tally.finding(
            f"to {dialect}: {fault}\n  {str(asked)[:1_500]!r}\n  python -m tests.fuzz --seed {seed} --case to-{dialect}:{index}\n"
        )


def _settle(sandbox: Sandbox, tally: Tally, seed: int, index: int) -> None:
    """Look at the books once an exchange met its share of requests."""
    try:
        wrong = imbalance(sandbox.exchange)
    except OutOfRange as error:
        wrong = str(error)
    if wrong:
        tally.finding(f"to {sandbox.dialect.name}: {wrong}, before request {index} of seed {seed}\n")
