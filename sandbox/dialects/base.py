"""What every protocol of the embedded exchange has in common: a request, keys, weights, and the way to an answer. Pure."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sandbox.faults import Answer
from sandbox.market import MINUTE_MS
from sandbox.matching import Exchange
from sandbox.orders import No, Refused

Params = dict[str, str]
WINDOW_DEFAULT_MS, WINDOW_MAX_MS, AHEAD_MS = 5_000, 60_000, 1_000


class Request(NamedTuple):
    """One HTTP request as it came; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: str = ""

    @property
    def site(self) -> str:
        """Return method and path, as faults name them."""
        return f"{self.method} {self.path}"

    @property
    def sent(self) -> str:
        """Return the parameters as one text: those of the query, then those of the body."""
        return self.query + self.body


class Key(NamedTuple):
    """An API key's secret and the account that it opens."""

    secret: str
    account: str


class Powers(NamedTuple):
    """What an account's key may do, as the exchange says it; the default is a key made for trading spot."""

    trades: bool = True
    withdraws: bool = False
    markets: tuple[str, ...] = ("SPOT",)


class Route(NamedTuple):
    """Who answers a request, whether it must be signed, and what it weighs."""

    call: Callable[[str, Params], Any]
    signed: bool
    weight: int


class Code(NamedTuple):
    """A refusal on the wire: HTTP status, the exchange's code, and its text, in which {min}, {max} and {detail} are replaced."""

    status: int
    code: int
    text: str


class Dialect:
    """One exchange behind a protocol of the family that signs by HMAC-SHA256 in hex; `answer` is the whole of it."""

    name: str
    key_header: str
    codes: Mapping[No, Code]

    def __init__(self, exchange: Exchange) -> None:
        """Speak for an exchange; a subclass brings the routes."""
        self.exchange = exchange
        self.keys: dict[str, Key] = {}
        self.powers: dict[str, Powers] = {}
        self._weights: dict[str, tuple[int, int]] = {}
        self._routes: dict[str, Route] = {}

    def answer(self, request: Request) -> Answer:
        """Return the response to a request."""
        route = self._routes.get(request.site)
        if route is None:
            return Answer(404, b'{"code":404,"msg":"Not Found"}')
        api_key = request.headers.get(self.key_header, "")
        try:
            self._weigh(route.weight, api_key)
            account = self._authenticated(request.sent, api_key) if route.signed else ""
            body = route.call(account, dict(parse_qsl(request.query + "&" + request.body, keep_blank_values=True)))
        except Refused as refused:
            return self.refusal(refused)
        return Answer(200, body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode())

    def refusal(self, refused: Refused) -> Answer:
        """Return a refusal as this protocol writes it."""
        rules = self.exchange.rules
        code = self.codes[refused.why]
        texts = {"min": rules.notional_min / 10**10, "max": rules.notional_max / 10**10, "detail": refused.detail}
        body = json.dumps({"code": code.code, "msg": code.text.format(**texts)}).encode()
        if refused.why is not No.RATE:
            return Answer(code.status, body)
        wait_s = -(-(MINUTE_MS - self.exchange.now_ms % MINUTE_MS) // 1000)
        return Answer(code.status, body, headers=(("Retry-After", str(wait_s)),))

    def _weigh(self, weight: int, api_key: str) -> None:
        limit = self.exchange.rules.weight_limit
        if not limit:
            return
        minute = self.exchange.now_ms // MINUTE_MS
        before, used = self._weights.get(api_key, (minute, 0))
        used = weight + (used if before == minute else 0)
        if used > limit:
            raise Refused(No.RATE)
        self._weights[api_key] = (minute, used)

    def _authenticated(self, sent: str, api_key: str) -> str:
        """Return the account that signed the parameters; raises Refused(KEY, SIGNATURE, PARAMETER or TIMESTAMP)."""
        key = self.keys.get(api_key)
        if key is None:
            raise Refused(No.KEY)
        signed, _, signature = sent.rpartition("&signature=")
        expected = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Refused(No.SIGNATURE)
        params = dict(parse_qsl(signed))
        try:
            sent_ms, window_ms = int(params["timestamp"]), int(params.get("recvWindow", WINDOW_DEFAULT_MS))
        except (KeyError, ValueError) as error:
            raise Refused(No.PARAMETER, "timestamp") from error
        now_ms = self.exchange.now_ms + self.exchange.rules.skew_ms
        if not (sent_ms < now_ms + AHEAD_MS and now_ms - sent_ms <= min(window_ms, WINDOW_MAX_MS)):
            raise Refused(No.TIMESTAMP)
        return key.account


def whole(params: Params, name: str) -> int | None:
    """Return a parameter as a number, None when it was not sent; raises Refused(PARAMETER) when it is none."""
    text = params.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Refused(No.PARAMETER, name) from error


def limited(params: Params, default: int, most: int) -> int:
    """Return the `limit` parameter within 1 and `most`."""
    asked = whole(params, "limit")
    return min(max(default if asked is None else asked, 1), most)
