"""What one call to the venue proves, from what was seen on the wire. Pure.

The client's exception classes are not asked: they call a lost acknowledgement, a cut body and a rejection alike
(docs/gateway.md). A call proves something only by a whole answer with a whitelisted code, or by an order of ours.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from trader_core.venues.port import Outcome, SendRequest

EVIDENCE_MAX = 2_000

REJECTED = frozenset(
    map(
        str,
        (
            30000,
            30002,
            30003,
            30004,
            30005,
            30010,
            30014,
            30016,
            30021,
            30025,
            30029,
            30032,
            30041,
            30087,
            10095,
            10096,
            10097,
            10101,
            10102,
            -1121,
        ),
    )
)
"""The exchange checked the order and does not have it: funds, minimums, grids, price band, symbol."""
RESTRICTED = frozenset(map(str, (10007, 30001, 30018, 30020, 30027, 30028, 60005, 70011)))
"""The account, or this symbol for this account, may not trade; the order is not there."""
AUTH = frozenset(map(str, (401, 602, 10072, 700001, 700002, 700006, 700007)))
CLOCK = frozenset(map(str, (700003, 700005)))
RATE = frozenset(map(str, (429, 510)))
NOT_FOUND = frozenset(map(str, (-2011, -2013)))

_TABLE = (
    (REJECTED, Outcome.REJECTED),
    (RESTRICTED, Outcome.RESTRICTED),
    (AUTH, Outcome.AUTH),
    (CLOCK, Outcome.CLOCK),
)
"""What a code proves about the creation of an order. RATE is not in it: nothing says where a 429 was decided."""
_SIGNED = re.compile(r"(?i)((?:signature|listenKey|X-MEXC-APIKEY|api_?key|secret)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+")
_RATE_STATUS = frozenset({418, 429, 510})
_SERVER_ERROR = 500


@dataclass(slots=True)
class Call:
    """One call as it happened; filled in on its way, and judged afterwards."""

    method: str
    endpoint: str
    request: SendRequest | None = None
    """The order that this call would create; None for every other call."""
    signed: dict[str, str] | None = None
    """What the query of an order must say, pair by pair."""
    nonce_ms: int = 0
    refused: str = ""
    """Why our own gate let nothing pass."""
    budget: bool = False
    """True when the limiter refused."""
    written: bool = False
    """True as soon as a connection was handed out for this request: from here on the venue may have it."""
    status: int = 0
    body: str | None = None
    """The whole answer; None when it did not arrive whole."""
    error: str = ""
    payload: object = None

    @property
    def path(self) -> str:
        """Return the path on the venue's host."""
        return f"/api/v3/{self.endpoint}"


def code_of(call: Call) -> str:
    """Return the exchange's own error code in a whole JSON object, or "" when there is none."""
    if call.body is None or call.body.startswith("["):  # a list has no code: bars need no second parsing
        return ""
    try:
        answer = json.loads(call.body)
    except ValueError:
        return ""
    code = answer.get("code") if isinstance(answer, dict) else None
    known = isinstance(code, int | str) and not isinstance(code, bool)
    return "" if not known or str(code) in {"0", "200"} else str(code)


def of_create(call: Call) -> Outcome:
    """Return what the creation of an order proves before its payload is read: OK means "now look for our order in it".

    A code counts only in a whole answer below HTTP 500: behind a 5xx some gateway spoke, not the matching engine.
    """
    if call.refused and not call.written:
        return Outcome.GATED
    code = code_of(call)
    if code and 0 < call.status < _SERVER_ERROR:
        return next((outcome for codes, outcome in _TABLE if code in codes), Outcome.UNKNOWN)
    return Outcome.UNKNOWN if call.error or call.refused or code or call.status != 200 else Outcome.OK  # noqa: PLR2004


def of_cancel(call: Call) -> Outcome:
    """Return what a cancel proves before its payload is read; NOT_FOUND is the venue's word that it cannot cancel it."""
    code = code_of(call)
    if code in NOT_FOUND and call.status < _SERVER_ERROR:
        return Outcome.NOT_FOUND
    outcome = of_create(call)
    return Outcome.UNKNOWN if outcome is Outcome.REJECTED else outcome


def of_read(call: Call) -> Outcome:
    """Return what a read proves before its payload is read; nothing it fails with says anything about an order."""
    code = code_of(call)
    if call.budget or code in RATE or call.status in _RATE_STATUS:
        return Outcome.RATE
    if code in NOT_FOUND and call.status < _SERVER_ERROR:
        return Outcome.NOT_FOUND
    named = {Outcome.AUTH: AUTH, Outcome.CLOCK: CLOCK, Outcome.RESTRICTED: RESTRICTED}
    for outcome, codes in named.items():
        if code in codes:
            return outcome
    failed = call.refused or call.error or code or call.status != 200  # noqa: PLR2004
    return Outcome.RETRYABLE_READ if failed else Outcome.OK


def evidence_of(call: Call, secrets: Sequence[str], note: str = "") -> str:
    """Return what happened as one text without secrets, at most EVIDENCE_MAX characters."""
    parts = [f"{call.method} {call.path}"]
    parts += [f"refused: {call.refused}"] if call.refused else []
    parts += ["written" if call.written else "nothing written"]
    parts += [f"HTTP {call.status}"] if call.status else []
    parts += [note] if note else []
    parts += [f"error {call.error if call.body is None else call.error.partition(':')[0]}"] if call.error else []
    parts += [f"body {call.body}"] if call.body is not None else ["no whole body"] if call.written else []
    return redact("; ".join(parts), secrets)[:EVIDENCE_MAX]


def redact(text: str, secrets: Sequence[str]) -> str:
    """Return the text with every secret, and whatever stands behind a name such as `signature=`, replaced by ***."""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return _SIGNED.sub(r"\1***", text)
