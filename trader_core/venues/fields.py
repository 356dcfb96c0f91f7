"""Single fields of raw payloads, each checked on its way in. Pure."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument

CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_TIME_MS_MIN, _TIME_MS_MAX = 10**12, 10**14


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
    """Return a number's decimal text; raises DataFault unless it is written as a finite number or as its text."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise DataFault(f"{key} as a number", repr(value)[:60], "treat it as no answer")
    return repr(value) if isinstance(value, float) else str(value)


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
