"""What may come out of the gateway for an answer, judged without the gateway's own code. Pure."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from tests.fuzz.memory import Said
from tests.fuzz.subject import CID, Subject
from trader_core.model.session import Side
from trader_core.venues.marketdata import Book, Ticker
from trader_core.venues.port import Balance, Outcome, Reply, VenueOrder, VenueTrade

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
ABSENT = {
    "mexc": {
        Outcome.REJECTED: "30000 30002 30003 30004 30005 30010 30014 30016 30021 30025 30029 30032 30041 30087 10095 10096 10097 10101"
        " 10102 -1121",
        Outcome.RESTRICTED: "10007 30001 30018 30020 30027 30028 60005 70011",
        Outcome.AUTH: "401 602 10072 700001 700002 700006 700007",
        Outcome.CLOCK: "700003 700005",
    },
    "binance": {
        Outcome.REJECTED: "-1013 -1100 -1101 -1102 -1103 -1104 -1105 -1106 -1111 -1114 -1115 -1116 -1117 -1121",
        Outcome.RESTRICTED: "",
        Outcome.AUTH: "-1002 -1022 -2014 -2015",
        Outcome.CLOCK: "-1021",
    },
}
"""What a code proves about an order that was sent, as docs/gateway.md has it."""
TEXTS = {
    "Account has insufficient balance for requested action.": Outcome.REJECTED,
    "Order would immediately match and take.": Outcome.REJECTED,
    "Stop price would trigger immediately.": Outcome.REJECTED,
    "Market is closed.": Outcome.REJECTED,
    "Rest API trading is not enabled.": Outcome.REJECTED,
    "This symbol is not permitted for this account.": Outcome.RESTRICTED,
    "This action is disabled on this account.": Outcome.RESTRICTED,
    "This account may not place or cancel orders.": Outcome.RESTRICTED,
}
"""What Binance's -2010 proves by its text."""
KRAKEN = {
    Outcome.REJECTED: (
        "EOrder:Insufficient funds|EOrder:Order minimum not met|EOrder:Cost minimum not met|EOrder:Invalid price|"
        "EOrder:Tick size check failed|EOrder:Post only order|EOrder:Orders limit exceeded|EOrder:Rate limit exceeded|"
        "EGeneral:Invalid arguments|EQuery:Unknown asset pair|EService:Deadline elapsed|EAPI:Invalid nonce"
    ),
    Outcome.RESTRICTED: (
        "EGeneral:Permission denied|EAccount:Invalid permissions|EOrder:Trading agreement required|"
        "EService:Market in cancel_only mode|EService:Market in post_only mode"
    ),
    Outcome.AUTH: "EAPI:Invalid key|EAPI:Invalid signature|EAuth:Account temporary disabled|EAuth:Account unconfirmed",
    Outcome.CLOCK: "",
}
PROOFS = (Outcome.REJECTED, Outcome.RESTRICTED, Outcome.AUTH, Outcome.CLOCK)
VALUELESS = ("test_order", "cancel_all_after")


def faults(subject: Subject, call: str, said: Said, result: object) -> list[str]:
    """Return what is wrong with a result, given the one answer that was not a healthy one; none when nothing is."""
    replies: list[Any] = result if isinstance(result, list) else [result]
    found = [fault for reply in replies for fault in _shape(subject, call, reply)]
    if not found and call == "submit":
        found += _submit(subject, said, replies[0])
    if not found and call == "test_order" and replies[0].outcome in (Outcome.UNKNOWN, Outcome.NOT_FOUND):
        found.append("an order test says something about an order")
    if not found and call in ("cancel", "cancel_symbol") and any(reply.outcome is Outcome.REJECTED for reply in replies):
        found.append("a cancel was rejected")
    if not found and call in ("order", "cancel") and isinstance(replies[0].value, VenueOrder) and replies[0].value.client_order_id != CID:
        found.append("another order than the one asked for")
    if not found and call in ("order", "cancel") and replies[0].outcome is Outcome.NOT_FOUND and not _unknown_there(subject, said):
        found.append("NOT_FOUND that the venue did not say")
    if not found and call == "open_orders" and replies[0].value == [] and not _says_none(subject, said):
        found.append("no open orders, although the venue did not say so")
    if not found and call == "cancel_all_after" and replies[0].outcome is Outcome.OK and not _kraken_fine(_whole(said)):
        found.append("a switch is set that nobody confirmed")
    return found


def _shape(subject: Subject, call: str, reply: object) -> Iterator[str]:
    """Yield what no reply may be, whatever it answers."""
    if not isinstance(reply, Reply) or not isinstance(reply.outcome, Outcome):
        yield f"no reply but {type(reply).__name__}"
        return
    if reply.outcome is Outcome.GATED:
        yield "gated, although everything may go"
    if (reply.value is not None) != (reply.outcome is Outcome.OK and call not in VALUELESS):
        yield f"{reply.outcome} with a value that is {type(reply.value).__name__}"
    for name, text, most in (("evidence", reply.evidence, 2_000), ("code", reply.code, 200)):
        if len(text) > most or not _storable(text):
            yield f"{name} that the journal cannot hold"
        if subject.key.key in text or subject.key.secret in text:
            yield f"{name} that shows a key"
    yield from _insane(reply.value)


def _storable(text: str) -> bool:
    return "\x00" not in text and text.encode(errors="replace") == text.encode(errors="surrogatepass")


def _insane(value: object) -> Iterator[str]:
    """Yield what a checked value may not hold."""
    match value:
        case bool() | None | Outcome() | Side():
            return
        case int() | float() | str():
            yield from _odd(value)
        case Balance() | VenueOrder() | VenueTrade() | Ticker() | Book() if not _coherent(value):
            yield f"{value}"[:200]
        case np.ndarray() if not _ascending(value):
            yield "bars that do not ascend"
    for inner in _inside(value):
        yield from _insane(inner)


def _odd(value: object) -> Iterator[str]:
    if isinstance(value, float):
        yield "a float"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield "a number beyond 64 bits"
    elif isinstance(value, str) and (len(value) > 300 or not value.isprintable()):
        yield f"a text {value[:40]!r}"


def _coherent(value: Balance | VenueOrder | VenueTrade | Ticker | Book) -> bool:
    match value:
        case Balance():
            return all(NUMBER.fullmatch(text) and Decimal(text) >= 0 for text in (value.free, value.locked))
        case VenueOrder():
            return 0 <= value.filled <= value.qty
        case VenueTrade():
            return value.qty > 0 and value.price > 0 and value.fee >= 0 and value.fee_base >= 0
        case Ticker():
            return 0 < value.bid < value.ask
        case Book():
            return _uncrossed(value)


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        yield from value
    elif is_dataclass(value):
        yield from (getattr(value, one.name) for one in fields(value))


def _uncrossed(book: Book) -> bool:
    down = all(a[0] > b[0] for a, b in pairwise(book.bids))
    return down and all(a[0] < b[0] for a, b in pairwise(book.asks)) and book.bids[0][0] < book.asks[0][0]


def _ascending(bars: Any) -> bool:
    fine = bool((np.diff(bars["ts"]) > 0).all() and (bars["low"] > 0).all() and (bars["volume"] >= 0).all())
    return fine and all(bool((bars["low"] <= bars[one]).all() and (bars[one] <= bars["high"]).all()) for one in ("open", "close"))


def _submit(subject: Subject, said: Said, reply: Reply[Any]) -> list[str]:
    """Return how the outcome of a submission goes beyond what its answer proves."""
    body = _whole(said)
    if reply.outcome is Outcome.OK:
        return [] if said.status == 200 and _acknowledges(subject, body) else ["OK without an acknowledgement of exactly this order"]
    if reply.outcome in PROOFS:
        return [] if 0 < said.status < 500 and reply.outcome in _proven(subject.venue, body) else [f"{reply.outcome} without proof"]
    return [] if reply.outcome is Outcome.UNKNOWN else [f"a submission ends as {reply.outcome}"]


def _whole(said: Said) -> Any:
    """Return the body as JSON, however deep, "" when it is none."""
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(30_000)
        return json.loads(said.body.decode(said.charset, "replace"))
    except (ValueError, LookupError, RecursionError):
        return ""
    finally:
        sys.setrecursionlimit(limit)


def _proven(venue: str, body: Any) -> set[Outcome]:
    """Return what a body's code proves: nothing when it names an order as well."""
    if not isinstance(body, dict):
        return set()
    if venue == "kraken":
        errors = body.get("error")
        named = [error for error in errors if not str(error).startswith("W")] if isinstance(errors, list) else []
        if not named or not isinstance(named[0], str) or _names_a_txid(body.get("result")):
            return set()
        return {outcome for outcome, words in KRAKEN.items() if ":".join(named[0].split(":")[:2]) in words.split("|")}
    code = body.get("code")
    if isinstance(code, bool) or not isinstance(code, int | str) or body.get("orderId") is not None:
        return set()
    if venue == "binance" and str(code) == "-2010":
        return {TEXTS[body["msg"]]} if isinstance(body.get("msg"), str) and body["msg"] in TEXTS else set()
    return {outcome for outcome, codes in ABSENT[venue].items() if str(code) in codes.split()}


def _names_a_txid(result: Any) -> bool:
    return isinstance(result, dict) and bool(result.get("txid"))


def _acknowledges(subject: Subject, body: Any) -> bool:
    if subject.venue == "kraken":
        ids = body["result"].get("txid") if _kraken_fine(body) else None
        return isinstance(ids, list) and len(ids) == 1 and isinstance(ids[0], str) and ids[0].isascii() and "-" in ids[0]
    if not isinstance(body, dict):
        return False
    request, instrument, order_id = subject.request, subject.instrument, body.get("orderId")
    named = isinstance(order_id, int | str) and not isinstance(order_id, bool) and any(c in "0123456789" for c in str(order_id))
    kind = {"mexc": "LIMIT", "binance": "LIMIT"}[subject.venue]
    words = {"symbol": instrument.base + instrument.quote, "side": request.side.name, "type": kind}
    numbers = {"origQty": Decimal(request.qty).scaleb(-instrument.qty_exp), "price": Decimal(request.limit).scaleb(-instrument.price_exp)}
    ids = {"mexc": (None, "", CID), "binance": (CID,)}[subject.venue]
    fine = named and body.get("clientOrderId") in ids and all(body.get(name) == word for name, word in words.items())
    return fine and all(_is_exactly(body.get(name), number) for name, number in numbers.items())


def _unknown_there(subject: Subject, said: Said) -> bool:
    """Return whether an answer says that the venue knows no such order."""
    body = _whole(said)
    if said.status >= 500 or not isinstance(body, dict):
        return False
    if subject.venue != "kraken":
        return str(body.get("code")) in ("-2011", "-2013")
    errors = body.get("error")
    words = [error for error in errors if not str(error).startswith("W")] if isinstance(errors, list) else []
    return _kraken_fine(body) or (bool(words) and str(words[0]).startswith(("EOrder:Unknown order", "EOrder:Invalid order")))


def _says_none(subject: Subject, said: Said) -> bool:
    body = _whole(said)
    if said.status != 200:
        return False
    return _kraken_fine(body) and isinstance(body["result"].get("open"), dict) if subject.venue == "kraken" else body == []


def _is_exactly(value: object, wanted: Decimal) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    text = repr(value) if isinstance(value, float) else str(value)
    return NUMBER.fullmatch(text) is not None and Decimal(text) == wanted


def _kraken_fine(body: Any) -> bool:
    fine = isinstance(body, dict) and isinstance(body.get("result"), dict) and isinstance(body.get("error"), list)
    return fine and all(str(error).startswith("W") for error in body["error"])
