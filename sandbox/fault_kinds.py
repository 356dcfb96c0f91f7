"""Every kind of fault: what it acts on, its parameters with their doors, and what it does. Pure data; docs/faults.md lists the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from sandbox.events import Stream

PPM_MOST = 10_000_000
DAY_MS = 86_400_000
STORM = (500, 502, 503, 504, 520)


class Area(StrEnum):
    """What a fault acts on: an answer to a request, a stream's messages, or the exchange itself."""

    REQUEST = "request"
    STREAM = "stream"
    WORLD = "world"


class Form(StrEnum):
    """What a parameter is written as."""

    SECONDS = "seconds of wall time"
    WHOLE = "a whole number"
    TEXT = "a text"
    AMOUNT = "an amount as a text"
    SYMBOL = "a symbol such as BTC/USDT"
    STATUSES = "a list of HTTP statuses"


class Param(NamedTuple):
    """One parameter: how it is written, between which doors, and what it is when it is left out; `...` where it must be given."""

    form: Form
    low: float = 0
    high: float = 0
    usual: Any = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    areas: tuple[Area, ...]
    params: Mapping[str, Param] = field(default_factory=dict)
    streams: tuple[Stream, ...] = tuple(Stream)
    """The streams on which it can happen."""
    whens: tuple[str, ...] = ("before", "after")
    """Whether the request can have been executed."""
    only: tuple[str, ...] = ("symbol", "side", "client_id", "param", "chance")
    """What can narrow it."""
    connection: bool = False
    """Whether it can happen to a connection as a whole."""
    once: bool = False
    """Whether it happens once where nothing else is said, even in a window."""


def _seconds(usual: float) -> dict[str, Param]:
    return {"seconds": Param(Form.SECONDS, 0, 3_600, usual)}


def _ms(usual: Any, low: int = 0) -> dict[str, Param]:
    return {"ms": Param(Form.WHOLE, low, DAY_MS, usual)}


def _answer(**params: Param) -> Kind:
    return Kind((Area.REQUEST,), params)


def _world(**params: Param) -> Kind:
    return Kind((Area.WORLD,), params, whens=("after",), only=(), once=True)


def _stream(*streams: Stream, **params: Param) -> Kind:
    return Kind((Area.STREAM,), params, streams or tuple(Stream), whens=("after",), only=("symbol", "side", "client_id", "chance"))


def _break(**params: Param) -> Kind:
    """Return a kind that can happen to a connection as a whole."""
    return replace(_stream(**params), connection=True)


def _symbol(usual: Any = ...) -> Param:
    return Param(Form.SYMBOL, usual=usual)


def _whole(low: int, high: int, usual: Any) -> Param:
    return Param(Form.WHOLE, low, high, usual)


REQUEST_KINDS: Mapping[str, Kind] = {
    "empty_200": _answer(),
    "html_200": _answer(),
    "null_200": _answer(),
    "garbage_200": _answer(),
    "307": _answer(location=Param(Form.TEXT, usual="/elsewhere")),
    "429": _answer(retry_after=_whole(0, 86_400, 1)),
    "429_bare": _answer(),
    "418": _answer(retry_after=_whole(0, 86_400, 120)),
    "500": _answer(),
    "502_html": _answer(),
    "503_empty": _answer(),
    "504": _answer(),
    "520": _answer(),
    "storm": _answer(statuses=Param(Form.STATUSES, usual=STORM)),
    "maintenance": _answer(),
    "unknown_code": _answer(),
    "clock_error": _answer(),
    "truncated_json": _answer(bytes=_whole(0, 1 << 30, None)),
    "bad_number_200": _answer(),
    "wrong_types": _answer(),
    "wrong_client_id": _answer(id=Param(Form.TEXT, usual="somebody-elses-id")),
    "unknown_status": _answer(status=Param(Form.TEXT, usual="IN_LIMBO")),
    "partial_list": _answer(keep=_whole(0, 1 << 30, None)),
    "empty_list": _answer(),
    "crossed_book": Kind((Area.REQUEST, Area.STREAM), streams=(Stream.BOOK, Stream.TICKER)),
    "timeout": _answer(**_seconds(30.0)),
    "reset": _answer(**_seconds(0.0)),
    "truncated_body": _answer(**_seconds(0.0)),
    "slow": _answer(**_seconds(1.0), venue_ms=_whole(0, DAY_MS, None)),
    "late_execution": _answer(**_ms(1_000), **_seconds(0.0)),
}
"""Kinds that act on the answer to a request."""

WORLD_KINDS: Mapping[str, Kind] = {
    "read_lag": _world(**_ms(2_000)),
    "clock_skew": _world(**_ms(2_000, -DAY_MS)),
    "clock_step": _world(**_ms(2_000, -DAY_MS)),
    "listen_key_loss": _world(account=Param(Form.TEXT, usual="main")),
    "key_revoked": _world(account=Param(Form.TEXT, usual="main")),
    "symbol_halted": _world(symbol=_symbol()),
    "filter_change": _world(
        symbol=_symbol(), tick=_whole(1, 1_000_000, None), lot=_whole(1, 1_000_000, None), qty_min=_whole(1, 10**15, None)
    ),
    "min_notional": _world(amount=Param(Form.AMOUNT, 0, 1_000_000, ...)),
    "fee_change": _world(maker_ppm=_whole(0, 999_999, ...), taker_ppm=_whole(0, 999_999, ...)),
    "wrong_balance": _world(currency=Param(Form.TEXT, usual=...), ppm=_whole(-1_000_000, PPM_MOST, -1_000_000)),
    "price_spike": _world(symbol=_symbol(), ppm=_whole(-999_999, PPM_MOST, 500_000)),
    "zero_price": _world(symbol=_symbol()),
    "revised_candle": _world(symbol=_symbol(), candles=_whole(1, 1_440, 1), ppm=_whole(-999_999, PPM_MOST, 10_000)),
}
"""Kinds that change the exchange itself, for a time or for good."""

STREAM_KINDS: Mapping[str, Kind] = {
    "duplicate": _stream(**_ms(0), times=_whole(1, 100, 1)),
    "reordered": _stream(),
    "late": _stream(**_ms(2_000)),
    "missing": _stream(),
    "sequence_gap": _stream(Stream.BOOK, events=_whole(1, 1_000, 3)),
    "unclosed_as_closed": _stream(Stream.KLINES),
    "silent_stall": replace(_break(**_ms(60_000, 1)), only=("chance",)),
    "disconnect": replace(_break(code=_whole(1_000, 4_999, 1_006)), once=True),
}
"""Kinds that act on a stream's messages, beside `crossed_book`."""

KINDS: Mapping[str, Kind] = {**REQUEST_KINDS, **STREAM_KINDS, **WORLD_KINDS}
"""All kinds by name."""
