"""Single fields of raw payloads, each checked on its way in. Pure."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument

CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_CLIENT_ID = re.compile(r"[\x20-\x7e]{0,100}")
T = TypeVar("T")
_TIME_MS_MIN, _TIME_MS_MAX = 10**12, 10**14


def vouched(parse: Callable[[Any], T], payload: object) -> T:
    """Return what a parser makes of a payload; raises DataFault for whatever it cannot vouch for, one nested without end included."""
    try:
        return parse(payload)
    except RecursionError as error:
        raise DataFault("a payload of some levels", "one that is nested too deeply", "treat it as no answer") from error


def record(payload: object, what: str) -> dict[str, Any]:
    """Return the payload as an object; raises DataFault when it is none."""
    if not isinstance(payload, dict) or not payload:
        raise DataFault(f"{what} as an object", repr(payload)[:80], "treat it as no answer")
    return payload


def rows(payload: object, what: str) -> list[Any]:
    """Return the payload as a list; raises DataFault when it is none. An empty list is a list."""
    if not isinstance(payload, list):
        raise DataFault(f"{what} as a list", repr(payload)[:80], "treat it as no answer")
    return payload


def text(row: dict[str, Any], key: str) -> str:
    """Return a number's decimal text; raises DataFault unless it is written as a finite number or as its text, in plain digits."""
    value = row.get(key)
    known = isinstance(value, str | int | float) and not isinstance(value, bool)
    found = repr(value) if isinstance(value, float) else str(value) if known else ""
    if not _NUMBER.fullmatch(found):
        raise DataFault(f"{key} as a number", repr(value)[:60], "treat it as no answer")
    return found


def time_of(value: object, what: str) -> int:
    """Return an epoch in ms; raises DataFault unless it lies between the years 2001 and 5138."""
    known = (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isascii() and value.isdigit())
    moment = int(value) if known and isinstance(value, int | str) and len(str(value)) < 20 else 0  # noqa: PLR2004
    if not _TIME_MS_MIN <= moment < _TIME_MS_MAX:
        raise DataFault(f"{what} in epoch milliseconds", repr(value)[:60], "treat it as no answer")
    return moment


def market_id(instrument: Instrument) -> str:
    """Return MEXC's name of an instrument."""
    return instrument.base + instrument.quote


def id_of(row: dict[str, Any], key: str) -> str:
    """Return an id; raises DataFault unless it is a word with a digit in it, as no cut or garbled answer is."""
    value = row.get(key)
    found = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(found) or not any(c.isdigit() for c in found):
        raise DataFault(f"{key} as an id", repr(value)[:60], "treat it as no answer")
    return found


def client_id_of(value: object) -> str:
    """Return a client id, "" for none, whoever chose it; raises DataFault unless it is a line of plain characters."""
    found = "" if value is None else value
    if not isinstance(found, str) or not _CLIENT_ID.fullmatch(found):
        raise DataFault("a client id as text", repr(value)[:60], "treat it as no answer")
    return found


def same(what: str, found: object, wanted: object) -> None:
    """Pass when the venue echoes what we sent; raises DataFault otherwise."""
    if found != wanted:
        raise DataFault(f"{what} {wanted!r}", repr(found)[:60], "treat it as an answer to something else")


def number_of(value: str, what: str) -> Decimal:
    """Return a decimal text as a finite number of sane size; raises DataFault otherwise."""
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise DataFault(f"{what} as a number", repr(value)[:60], "treat it as no answer") from error
    if not number.is_finite() or abs(number.adjusted()) > 30:  # noqa: PLR2004
        raise DataFault(f"{what} as a finite number", repr(value)[:60], "treat it as no answer")
    return number
