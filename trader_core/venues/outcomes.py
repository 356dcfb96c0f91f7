"""What one call to the venue proves, from what was seen on the wire. Pure.

The client's exception classes are not asked: they call a lost acknowledgement, a cut body and a rejection alike
(docs/gateway.md). A call proves something only by a whole answer with a whitelisted code, or by an order of ours.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trader_core.venues.ask import Ask
from trader_core.venues.port import Outcome, SendRequest

EVIDENCE_MAX = 2_000
_SIGNED = re.compile(
    r"(?i)((?:signature|listenKey|X-M(?:EXC|BX)-APIKEY|API-Key|API-Sign|api_?key|secret)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What neither the journal's bytes nor the database's text can hold."""
_CODE_MAX = 80
_RATE_STATUS = frozenset({418, 429, 510})
_SERVER_ERROR = 500
_SAID_TO_READS = (Outcome.AUTH, Outcome.CLOCK, Outcome.RESTRICTED)


@dataclass(frozen=True, slots=True)
class Codes:
    """What a venue's error codes prove about the creation of an order, and how they are read from a whole body.

    A rate limit is in none of the first four: nothing says where a 429 was decided.
    """

    read: Callable[[str], str]
    rejected: frozenset[str]
    """The venue checked the order and does not have it."""
    restricted: frozenset[str]
    """The account, or this symbol for this account, may not trade; the order is not there."""
    auth: frozenset[str]
    clock: frozenset[str]
    rate: frozenset[str]
    not_found: frozenset[str]

    def of_order(self, code: str) -> Outcome:
        """Return what a code proves about the creation of an order; UNKNOWN for one that is on no list."""
        table = (
            (self.rejected, Outcome.REJECTED),
            (self.restricted, Outcome.RESTRICTED),
            (self.auth, Outcome.AUTH),
            (self.clock, Outcome.CLOCK),
        )
        return next((outcome for codes, outcome in table if code in codes), Outcome.UNKNOWN)


@dataclass(slots=True)
class Call:
    """One call as it happened; filled in on its way, and judged afterwards."""

    ask: Ask
    codes: Codes
    request: SendRequest | None = None
    """The order that this call would create; None for every other call."""
    signed: dict[str, str] | None = None
    """What an order must say, pair by pair, whether in its query or in its body."""
    timeout_s: float = 0.0
    """How long its answer is waited for once it is written; 0: as long as for any other."""
    leaves: Callable[[], None] | None = None
    """Called when it is about to be written: from here on its time runs."""
    nonce: int = 0
    """What the client numbers the request with: the venue's time in ms, or a number that only rises."""
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


def code_of(call: Call) -> str:
    """Return the venue's own error code in a whole answer, or "" when there is none."""
    if call.body is None or call.body.startswith("["):  # a list has no code: bars need no second parsing
        return ""
    return storable(call.codes.read(call.body))[:_CODE_MAX]


def of_create(call: Call) -> Outcome:
    """Return what the creation of an order proves before its payload is read: OK means "now look for our order in it".

    A code counts only in a whole answer below HTTP 500: behind a 5xx some gateway spoke, not the matching engine.
    """
    if call.refused and not call.written:
        return Outcome.GATED
    code = code_of(call)
    if code and 0 < call.status < _SERVER_ERROR:
        return call.codes.of_order(code)
    return Outcome.UNKNOWN if call.error or call.refused or code or call.status != 200 else Outcome.OK  # noqa: PLR2004


def of_cancel(call: Call) -> Outcome:
    """Return what a cancel proves before its payload is read; NOT_FOUND is the venue's word that it cannot cancel it."""
    code = code_of(call)
    if code in call.codes.not_found and call.status < _SERVER_ERROR:
        return Outcome.NOT_FOUND
    outcome = of_create(call)
    return Outcome.UNKNOWN if outcome is Outcome.REJECTED else outcome


def of_read(call: Call) -> Outcome:
    """Return what a read proves before its payload is read; nothing it fails with says anything about an order."""
    code = code_of(call)
    if call.budget or code in call.codes.rate or call.status in _RATE_STATUS:
        return Outcome.RATE
    if code in call.codes.not_found and call.status < _SERVER_ERROR:
        return Outcome.NOT_FOUND
    if code and (said := call.codes.of_order(code)) in _SAID_TO_READS:
        return said
    failed = call.refused or call.error or code or call.status != 200  # noqa: PLR2004
    return Outcome.RETRYABLE_READ if failed else Outcome.OK


def evidence_of(call: Call, secrets: Sequence[str], note: str = "") -> str:
    """Return what happened as one text without secrets, at most EVIDENCE_MAX characters."""
    parts = [f"{call.ask.method} {call.ask.path}"]
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
    return _SIGNED.sub(r"\1***", storable(text))


def storable(text: str) -> str:
    """Return a text that can be written down: what cannot is shown as the replacement character."""
    return _UNSTORABLE.sub("\ufffd", text)
