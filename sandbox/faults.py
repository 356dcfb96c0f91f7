"""What may go wrong between a client and the exchange, as data: which request, when, and what the client gets instead. Pure."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from trader_core.model.errors import OutOfRange, UnknownName

JSON_TYPE = "application/json"
HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


class Answer(NamedTuple):
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


CANNED = {
    "empty_200": Answer(200, b""),
    "html_200": Answer(200, HTML, "text/html"),
    "null_200": Answer(200, b"null"),
    "garbage_200": Answer(200, b'{"data":[[1,"two",null]],"ok":"maybe"}'),
    "307": Answer(307, b"", headers=(("Location", "/elsewhere"),)),
    "429": Answer(429, b'{"code":429,"msg":"Too Many Requests"}', headers=(("Retry-After", "1"),)),
    "500": Answer(500, b'{"code":500,"msg":"Internal Server Error"}'),
    "502_html": Answer(502, HTML, "text/html"),
    "503_empty": Answer(503, b""),
    "504": Answer(504, b"", "text/plain"),
    "unknown_code": Answer(400, b'{"code":-9999,"msg":"unexpected"}'),
    "clock_error": Answer(400, b'{"code":700003,"msg":"Timestamp for this request is outside of the recvWindow."}'),
}
"""Kinds that answer the same whatever was asked."""
CHANGED = ("truncated_json", "bad_number_200", "wrong_client_id")
"""Kinds that change the true answer."""
ON_THE_WIRE = ("timeout", "reset", "truncated_body", "slow", "late_execution")
"""Kinds that the server acts out."""
KINDS = (*CANNED, *CHANGED, *ON_THE_WIRE)
NUMBERS = ("origQty", "executedQty", "price", "free", "qty", "serverTime", "lastPrice")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: from the `nth` request of a site on, `count` of them get `kind`, before or after they are executed."""

    site: str
    kind: str
    when: str = "after"
    nth: int = 1
    count: int = 1
    params: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        """Refuse what could never fire."""
        if self.kind not in KINDS:
            raise UnknownName(f"a fault of {', '.join(KINDS)}", repr(self.kind), "choose one of them")
        if self.when not in ("before", "after") or self.nth < 1 or self.count < 1:
            found = f"when {self.when!r}, nth {self.nth}, count {self.count}"
            raise OutOfRange("when of before or after, nth and count of at least 1", found, "correct the fault")


class FaultPlan:
    """The rules in force and how often each fired."""

    def __init__(self) -> None:
        """Begin without faults."""
        self.rules: list[Fault] = []

    def add(self, faults: list[dict[str, Any]]) -> None:
        """Add rules from plain data; raises GatehouseError, and adds none, when one is wrong."""
        try:
            self.rules += [Fault(**{**fault, "seen": 0, "fired": 0}) for fault in faults]
        except TypeError as error:
            raise OutOfRange("faults with site, kind, when, nth, count, params", str(error), "correct the fault") from error

    def clear(self) -> None:
        """Remove all rules."""
        self.rules = []

    def hit(self, site: str) -> Fault | None:
        """Count a request of `site`, such as `POST /api/v3/order`, and return the first rule that fires on it."""
        found: Fault | None = None
        for at, rule in enumerate(self.rules):
            if rule.site != site:
                continue
            seen = rule.seen + 1
            fires = found is None and rule.nth <= seen < rule.nth + rule.count
            self.rules[at] = replace(rule, seen=seen, fired=rule.fired + fires)
            if fires:
                found = rule
        return found


def changed(fault: Fault, answer: Answer) -> Answer:
    """Return what the client gets instead of `answer` under a fault that answers."""
    if fault.kind in CANNED:
        canned = CANNED[fault.kind]
        location = fault.params.get("location")
        return canned._replace(headers=(("Location", str(location)),)) if location else canned
    if fault.kind == "truncated_json":
        return answer._replace(body=answer.body[: int(fault.params.get("bytes", max(1, len(answer.body) // 2)))])
    if fault.kind == "bad_number_200":
        return _rewritten(answer, dict.fromkeys(NUMBERS, "NaN"))
    if fault.kind == "wrong_client_id":
        names = ("clientOrderId", "origClientOrderId")
        return _rewritten(answer, {name: fault.params.get("id", "somebody-elses-id") for name in names}, add=names[0])
    return answer


def _rewritten(answer: Answer, values: dict[str, Any], add: str = "") -> Answer:
    """Return the answer with named fields replaced wherever they occur; `add` is put where the body is one object without it."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer
    if add and isinstance(body, dict):
        body.setdefault(add, None)
    return answer._replace(body=json.dumps(_replaced(body, values)).encode())


def _replaced(body: Any, values: dict[str, Any]) -> Any:
    if isinstance(body, list):
        return [_replaced(item, values) for item in body]
    if isinstance(body, dict):
        return {name: values.get(name, _replaced(item, values)) for name, item in body.items()}
    return body
