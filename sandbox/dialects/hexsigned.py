"""The protocols that sign their parameters by HMAC-SHA256 in hex and refuse by status, number and text: Binance's and MEXC's. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sandbox.dialects.base import Dialect, Params, Request, whole
from sandbox.faults import Answer
from sandbox.market import MINUTE_MS
from sandbox.orders import No, Refused

WINDOW_DEFAULT_MS, WINDOW_MAX_MS, AHEAD_MS = 5_000, 60_000, 1_000
SHOWN = 40
"""Characters of a client's own words that a refusal repeats."""
SECRET_BYTES = 16


class Code(NamedTuple):
    """A refusal on the wire: HTTP status, the exchange's code, and its text, in which {min}, {max} and {detail} are replaced."""

    status: int
    code: int
    text: str


class HexSigned(Dialect):
    """One exchange behind such a protocol; a subclass brings the codes and the routes."""

    codes: Mapping[No, Code]

    def secret_of(self, chance: bytes) -> str:
        """Return a secret in hex."""
        return chance[:SECRET_BYTES].hex()

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

    def _unknown(self) -> Answer:
        return Answer(404, b'{"code":404,"msg":"Not Found"}')

    def _said(self, body: Any) -> Answer:
        return Answer(200, body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode())

    def _params(self, request: Request) -> Params:
        """Return the parameters, those of the query before those of the body; raises Refused(REPEATED) for one sent twice in either."""
        parts = [parse_qsl(text, keep_blank_values=True) for text in (request.body, request.query)]
        for part in parts:
            seen: set[str] = set()
            for name, _ in part:
                if name in seen:
                    raise Refused(No.REPEATED, name[:SHOWN])
                seen.add(name)
        return dict(parts[0] + parts[1])

    def _account_of(self, request: Request, api_key: str) -> str:
        return self._authenticated(request.sent, api_key)

    def _authenticated(self, sent: str, api_key: str) -> str:
        """Return the account that signed the parameters; raises Refused(KEY, SIGNATURE, PARAMETER or TIMESTAMP)."""
        key = self.keys.get(api_key)
        if key is None:
            raise Refused(No.KEY)
        signed, _, signature = sent.rpartition("&signature=")
        expected = hmac.new(key.secret.encode(), signed.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="surrogatepass")):
            raise Refused(No.SIGNATURE)
        params = dict(parse_qsl(signed))
        sent_ms, window_ms = whole(params, "timestamp"), whole(params, "recvWindow")
        if sent_ms is None:
            raise Refused(No.PARAMETER, "timestamp")
        window_ms = WINDOW_DEFAULT_MS if window_ms is None else window_ms
        if not 0 <= window_ms <= WINDOW_MAX_MS:
            raise Refused(No.PARAMETER, "recvWindow")
        now_ms = self.exchange.now_ms + self.exchange.rules.skew_ms
        if not (sent_ms < now_ms + AHEAD_MS and now_ms - sent_ms <= window_ms):
            raise Refused(No.TIMESTAMP)
        return key.account
