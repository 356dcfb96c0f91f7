"""Each venue's error codes: which prove that an order does not exist, and which say something else. Pure.

A code stands on a list only when the venue decides it before its matching engine has the order. What is on no list is UNKNOWN.
"""

import json
from typing import Any

from trader_core.venues.outcomes import Codes

BESIDE = "beside an order"
"""Behind the code of an answer that refuses an order and names one all the same: it proves neither."""


def _object(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _number(body: str) -> str:
    """Return the `code` of an object, "" for none and for those that mean success; one beside an order's id is on no list."""
    answer = _object(body)
    code = answer.get("code")
    if code is None or (isinstance(code, int | str) and not isinstance(code, bool) and str(code) in {"", "0", "200"}):
        return ""
    if not isinstance(code, int | str) or isinstance(code, bool):
        return "unnamed"
    return str(code) if answer.get("orderId") is None else f"{code} {BESIDE}"


def _number_and_text(body: str) -> str:
    """Return the `code` of an object; where one code has many meanings, with its text: some of them prove nothing."""
    code = _number(body)
    return f"{code} {str(_object(body).get('msg'))[:80]}" if code == "-2010" else code


def _words(body: str) -> str:
    """Return the first error of Kraken's envelope without its detail: EGeneral:Invalid arguments:volume loses its last part.

    What is said of the client id stays whole: that it is not unique proves that an order of this id is there.
    """
    answer = _object(body)
    errors, result = answer.get("error"), answer.get("result")
    found = [error for error in errors if not str(error).startswith("W")] if isinstance(errors, list) else []
    if not found:
        return ""
    parts = found[0].split(":") if isinstance(found[0], str) else []
    kept = parts if parts[2:] and parts[2].startswith("cl_ord_id") else parts[:2]
    code = ":".join(kept)[:80] or "unnamed"
    return f"{code} {BESIDE}" if isinstance(result, dict) and result.get("txid") else code


def _set(*codes: int) -> frozenset[str]:
    return frozenset(map(str, codes))


MEXC = Codes(
    read=_number,
    rejected=_set(
        30000, 30002, 30003, 30004, 30005, 30010, 30014, 30016, 30021, 30025, 30029, 30032, 30041, 30087, 10095, 10096, 10097, 10101,
        10102, -1121,
    ),
    restricted=_set(10007, 30001, 30018, 30020, 30027, 30028, 60005, 70011),
    auth=_set(401, 602, 10072, 700001, 700002, 700006, 700007),
    clock=_set(700003, 700005),
    rate=_set(429, 510),
    not_found=_set(-2011, -2013),
)  # fmt: skip
"""Funds, minimums, grids, price band, symbol; 603, a repeated request, proves nothing."""

BINANCE = Codes(
    read=_number_and_text,
    rejected=_set(-1013, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1111, -1114, -1115, -1116, -1117, -1121)
    | {
        "-2010 Account has insufficient balance for requested action.",
        "-2010 Order would immediately match and take.",
        "-2010 Stop price would trigger immediately.",
        "-2010 Market is closed.",
        "-2010 Rest API trading is not enabled.",
    },
    restricted=frozenset(
        {
            "-2010 This symbol is not permitted for this account.",
            "-2010 This action is disabled on this account.",
            "-2010 This account may not place or cancel orders.",
        }
    ),
    auth=_set(-1002, -1022, -2014, -2015),
    clock=_set(-1021),
    rate=_set(-1003, -1015),
    not_found=_set(-2011, -2013),
)
"""Of -2010 only texts that name a check before the book: "Duplicate order sent." says that an order of this id is there."""

KRAKEN = Codes(
    read=_words,
    rejected=frozenset(
        {
            "EOrder:Insufficient funds", "EOrder:Order minimum not met", "EOrder:Cost minimum not met", "EOrder:Invalid price",
            "EOrder:Tick size check failed", "EOrder:Post only order", "EOrder:Orders limit exceeded", "EOrder:Rate limit exceeded",
            "EGeneral:Invalid arguments", "EQuery:Unknown asset pair", "EService:Deadline elapsed", "EAPI:Invalid nonce",
        }
    ),
    restricted=frozenset(
        {
            "EGeneral:Permission denied", "EAccount:Invalid permissions", "EOrder:Trading agreement required",
            "EService:Market in cancel_only mode", "EService:Market in post_only mode",
        }
    ),
    auth=frozenset({"EAPI:Invalid key", "EAPI:Invalid signature", "EAuth:Account temporary disabled", "EAuth:Account unconfirmed"}),
    clock=frozenset(),
    rate=frozenset({"EAPI:Rate limit exceeded", "EService:Throttled", "EGeneral:Temporary lockout"}),
    not_found=frozenset({"EOrder:Unknown order", "EOrder:Invalid order"}),
)  # fmt: skip
"""A nonce that came too late is refused before anything else is read: the order is not there, and the next nonce is higher."""
