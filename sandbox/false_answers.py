"""What a client gets instead of the true answer. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.fault_rules import Answer, Fault, Trouble

HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
PLAIN = "text/plain"
CANNED = {
    "empty_200": Answer(200, b""),
    "html_200": Answer(200, HTML, "text/html"),
    "null_200": Answer(200, b"null"),
    "garbage_200": Answer(200, b'{"data":[[1,"two",null]],"ok":"maybe"}'),
    "502_html": Answer(502, HTML, "text/html"),
    "503_empty": Answer(503, b""),
    "504": Answer(504, b"", PLAIN),
    "520": Answer(520, HTML.replace(b"Bad Gateway", b"Web server is returning an unknown error"), "text/html"),
}
"""Kinds that answer the same whatever was asked, and whoever."""
SAID = {
    "429": Trouble.RATE, "429_bare": Trouble.RATE, "418": Trouble.BANNED, "500": Trouble.INTERNAL, "maintenance": Trouble.MAINTENANCE,
    "unknown_code": Trouble.UNKNOWN, "clock_error": Trouble.CLOCK,
}  # fmt: skip
"""Kinds that answer in the venue's own words."""
STORM = {500: "500", 502: "502_html", 503: "503_empty", 504: "504", 520: "520"}
NUMBERS = (
    "origQty", "executedQty", "price", "free", "qty", "serverTime", "lastPrice",
    "vol", "vol_exec", "cost", "fee", "c", "unixtime",
)  # fmt: skip
CLIENT_IDS = ("clientOrderId", "origClientOrderId", "cl_ord_id")
Said = Callable[[Trouble], Answer]


def plainly(what: Trouble) -> Answer:
    """Return a trouble as a venue without a protocol of its own would say it."""
    status = {Trouble.RATE: 429, Trouble.BANNED: 418, Trouble.INTERNAL: 500, Trouble.MAINTENANCE: 503}.get(what, 400)
    return Answer(status, json.dumps({"code": status, "msg": what.value}, separators=(",", ":")).encode())


def changed(fault: Fault, answer: Answer, said: Said = plainly) -> Answer:
    """Return what the client gets instead of `answer` under a fault that answers; `said` gives the venue's own words."""
    kind = fault.kind
    if kind in CANNED:
        return CANNED[kind]
    if kind in SAID:
        return _said(fault, said)
    if kind in CHANGES:
        return CHANGES[kind](fault, answer)
    if kind == "307":
        return Answer(307, b"", headers=(("Location", fault.param("location")),))
    if kind == "storm":
        return _storm(fault, said)
    return answer


def _said(fault: Fault, said: Said) -> Answer:
    if fault.kind not in ("429", "418"):
        return said(SAID[fault.kind])
    return said(SAID[fault.kind])._replace(headers=(("Retry-After", str(fault.param("retry_after"))),))


def _storm(fault: Fault, said: Said) -> Answer:
    """Return one of the statuses, drawn anew for every request."""
    statuses = fault.param("statuses")
    status = statuses[int(fault.draw("storm") * len(statuses))]
    name = STORM.get(status, "503_empty")
    return changed(Fault(fault.site, name), Answer(status, b""), said)._replace(status=status)


def _cut_json(fault: Fault, answer: Answer) -> Answer:
    length = fault.param("bytes")
    return answer._replace(body=answer.body[: max(1, len(answer.body) // 2) if length is None else length])


def _bad_numbers(_fault: Fault, answer: Answer) -> Answer:
    return _rewritten(answer, lambda body: _replaced(body, dict.fromkeys(NUMBERS, "NaN")))


def _wrong_client_id(fault: Fault, answer: Answer) -> Answer:
    return _with(answer, dict.fromkeys(CLIENT_IDS, fault.param("id")), CLIENT_IDS[0])


def _unknown_status(fault: Fault, answer: Answer) -> Answer:
    return _with(answer, {"status": fault.param("status")}, "status")


def _with(answer: Answer, values: Mapping[str, Any], add: str) -> Answer:
    """Replace named fields wherever they occur; `add` is put into a body, or its result, that is one object without any."""

    def change(body: Any) -> Any:
        inner = body.get("result", body) if isinstance(body, dict) else body
        if isinstance(inner, dict) and not any(_has(body, name) for name in values):
            inner[add] = None
        return _replaced(body, values)

    return _rewritten(answer, change)


def _wrong_types(_fault: Fault, answer: Answer) -> Answer:
    return _rewritten(answer, _retyped)


def _partial_list(fault: Fault, answer: Answer) -> Answer:
    keep = fault.param("keep")
    return _rewritten(answer, lambda body: _cut(body, lambda length: length // 2 if keep is None else keep))


def _empty_list(_fault: Fault, answer: Answer) -> Answer:
    return _rewritten(answer, lambda body: _cut(body, lambda _: 0))


def _crossed(_fault: Fault, answer: Answer) -> Answer:
    return _rewritten(answer, _swapped)


CHANGES: Mapping[str, Callable[[Fault, Answer], Answer]] = {
    "truncated_json": _cut_json, "bad_number_200": _bad_numbers, "wrong_types": _wrong_types, "wrong_client_id": _wrong_client_id,
    "unknown_status": _unknown_status, "partial_list": _partial_list, "empty_list": _empty_list, "crossed_book": _crossed,
}  # fmt: skip
"""Kinds that change the true answer."""


def _rewritten(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    """Return the answer with its JSON changed; the very same answer where it is none or nothing changes."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer
    before = json.dumps(body)
    after = json.dumps(change(body))
    return answer if after == before else answer._replace(body=after.encode())


def _has(body: Any, name: str) -> bool:
    if isinstance(body, list):
        return any(_has(item, name) for item in body)
    return isinstance(body, dict) and (name in body or any(_has(item, name) for item in body.values()))


def _replaced(body: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(body, list):
        return [_replaced(item, values) for item in body]
    if isinstance(body, dict):
        return {name: values.get(name, _replaced(item, values)) for name, item in body.items()}
    return body


def _retyped(body: Any) -> Any:
    """Return the body with every value of another type than it had."""
    if isinstance(body, list):
        return [_retyped(item) for item in body]
    if isinstance(body, dict):
        return {name: _retyped(item) for name, item in body.items()}
    if isinstance(body, bool) or body is None:
        return str(body)
    return {"value": body} if isinstance(body, int | float) else [body]


def _cut(body: Any, keep: Callable[[int], int], *, top: bool = True) -> Any:
    """Return the body with its outermost lists, or tables of rows by id, cut short."""
    if isinstance(body, list):
        return body[: keep(len(body))]
    if not isinstance(body, dict):
        return body
    if not top and _is_table(body):
        return dict(list(body.items())[: keep(len(body))])
    return {name: _cut(item, keep, top=False) for name, item in body.items()}


def _is_table(body: dict[str, Any]) -> bool:
    """Return whether an object holds rows by id; one that holds tables by name, as Kraken's `open`, is none itself."""
    rows = body and all(isinstance(item, dict) for item in body.values())
    return bool(rows) and not all(isinstance(field, dict) for row in body.values() for field in row.values())


def _swapped(body: Any) -> Any:
    """Return the body with bids as asks and asks as bids."""
    if isinstance(body, list):
        return [_swapped(item) for item in body]
    if not isinstance(body, dict):
        return body
    other = {"bids": "asks", "asks": "bids", "bidPrice": "askPrice", "askPrice": "bidPrice"}
    return {name: body.get(other.get(name, name), item) if name in other else _swapped(item) for name, item in body.items()}
