"""The fields of a rule in a fault plan, each with its check; what is wrong is said with its place. Pure."""

import re
from collections.abc import Collection
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, NoReturn

from sandbox.config import instant_ms
from sandbox.events import Stream
from sandbox.fault_kinds import KINDS, Area, Form, Kind, Param
from sandbox.fault_rules import CONNECTION, STREAM, WORLD, Only
from trader_core.model.errors import BadInput, OutOfRange, UnknownName
from trader_core.model.money import money

SITES = re.compile(r"(\*|GET|POST|PUT|DELETE|PATCH) (/|\*)\S*")
OFFSET = re.compile(r"\+(?=\d)(?:(\d{1,6})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,12})ms)?")
UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000, 1)
STATUSES = range(500, 600)
SITES_SHOWN = {
    Area.REQUEST: "a request such as 'POST /api/v3/order' or 'GET /api/v3/*'", Area.WORLD: f"'{WORLD}'",
    Area.STREAM: f"a stream as in '{STREAM}trades', of *",
}  # fmt: skip


class Known(NamedTuple):
    """What the exchange has that a plan can name; where nothing is said, any name will do."""

    sites: Collection[str] = ()
    symbols: Collection[str] = ()


class Place(NamedTuple):
    """Where in a plan something stands."""

    file: str
    rule: int

    def wrong(self, field: str, expected: str, found: Any, todo: str = "correct it", error: type[BadInput] = OutOfRange) -> NoReturn:
        """Raise with the file, the rule, the field, what was expected and found, and what to do."""
        raise error(f"`{field}` of rule {self.rule} in {self.file}: {expected}", repr(found)[:120], todo)


def kind_of(place: Place, value: Any) -> str:
    """Return a kind's name."""
    if not isinstance(value, str) or value not in KINDS:
        place.wrong("kind", f"a fault of {', '.join(KINDS)}", value, "choose one of them", UnknownName)
    return value


def site_of(place: Place, value: Any, kind: str, known: Known) -> str:
    """Return a site at which the kind can happen."""
    shown = " or ".join(SITES_SHOWN[area] for area in KINDS[kind].areas)
    streams = KINDS[kind].streams
    if Area.STREAM in KINDS[kind].areas and streams != tuple(Stream):
        shown = shown.replace("*", ", ".join(streams))
    if not isinstance(value, str) or not value.isprintable() or not _fits(value, KINDS[kind]):
        place.wrong("site", f"{shown}, for the kind {kind}", value)
    if SITES.fullmatch(value) and known.sites and not any(fnmatchcase(site, value) for site in known.sites):
        place.wrong("site", "a request that this exchange answers", value, "choose one of those, or a pattern such as '* /api/v3/*'")
    return str(value)


def _fits(site: str, kind: Kind) -> bool:
    if site == WORLD:
        return Area.WORLD in kind.areas
    if site.startswith(STREAM):
        named = {STREAM + stream for stream in kind.streams} | ({STREAM + "*"} if kind.streams == tuple(Stream) else set())
        named |= {CONNECTION} if kind.connection else set()
        return Area.STREAM in kind.areas and site in named
    return Area.REQUEST in kind.areas and SITES.fullmatch(site) is not None


def whole_of(place: Place, field: str, value: Any, low: int, high: int) -> int:
    """Return a whole number within doors."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        place.wrong(field, f"a whole number from {low} to {high}", value)
    return value


def text_of(place: Place, field: str, value: Any) -> str:
    """Return a text that is not empty and can be printed."""
    if not isinstance(value, str) or not value or not value.isprintable():
        place.wrong(field, "a printable text", value)
    return value


def symbol_of(place: Place, field: str, value: Any, known: Known) -> str:
    """Return a market's name as the exchange has it: BTC/USDT is BTCUSDT."""
    name = text_of(place, field, value).replace("/", "")
    if known.symbols and name not in known.symbols:
        place.wrong(field, "a market of this exchange", value, "choose one of its symbols", UnknownName)
    return name


def when_of(place: Place, value: Any, kind: str) -> str:
    """Return whether the request is executed."""
    if value not in KINDS[kind].whens:
        place.wrong("when", " or ".join(KINDS[kind].whens), value)
    return str(value)


def moment_of(place: Place, field: str, value: Any, start_ms: int) -> tuple[str, int]:
    """Return a time as written and in epoch ms: ISO, or an offset from the start."""
    if isinstance(value, datetime | date):
        value = value.isoformat()
    expected = "an ISO time such as 2026-01-05T00:10, or an offset from the start such as +90s or +1h30m"
    if not isinstance(value, str):
        place.wrong(field, expected, value)
    found = OFFSET.fullmatch(value)
    if found:
        return value, start_ms + sum(int(part) * unit for part, unit in zip(found.groups("0"), UNITS_MS, strict=True))
    try:
        return value, instant_ms(value)
    except OutOfRange:
        place.wrong(field, expected, value)


def only_of(place: Place, value: Any, kind: str, known: Known) -> Only:
    """Return what narrows a rule."""
    names = KINDS[kind].only
    if not isinstance(value, dict) or set(value) - set(names):
        place.wrong("only", f"{'a table of ' + ', '.join(names) if names else 'nothing'}, for the kind {kind}", value)
    symbol = symbol_of(place, "only.symbol", value["symbol"], known) if value.get("symbol") else ""
    side = value.get("side", "")
    if side not in ("", "BUY", "SELL"):
        place.wrong("only.side", "BUY or SELL", side)
    client_id = text_of(place, "only.client_id", value["client_id"]) if value.get("client_id") else ""
    param = value.get("param", {})
    if not isinstance(param, dict) or not all(isinstance(one, str) and one.isprintable() for pair in param.items() for one in pair):
        place.wrong("only.param", "a table of texts by the request's parameters", param)
    share = value.get("chance", 1.0)
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share <= 1:
        place.wrong("only.chance", "a share above 0 and up to 1", share)
    return Only(symbol, side, client_id, dict(param), float(share))


def params_of(place: Place, value: Any, kind: str, known: Known) -> dict[str, Any]:
    """Return the parameters of a kind, each within its doors."""
    doors = KINDS[kind].params
    if not isinstance(value, dict) or set(value) - set(doors):
        names = f"a table of {', '.join(doors)}" if doors else "nothing"
        place.wrong("params", f"{names}, for the kind {kind}", value, "correct or remove what else is there")
    for name, door in doors.items():
        if door.usual is ... and name not in value:
            place.wrong(f"params.{name}", f"{door.form.value}, which the kind {kind} must have", "nothing", "add it")
    found = {name: _param(place, f"params.{name}", doors[name], one, known) for name, one in value.items()}
    _together(place, kind, found)
    return found


def _param(place: Place, field: str, door: Param, value: Any, known: Known) -> Any:
    if door.form is Form.WHOLE:
        return whole_of(place, field, value, int(door.low), int(door.high))
    if door.form is Form.SECONDS:
        if not isinstance(value, int | float) or isinstance(value, bool) or not door.low <= value <= door.high:
            place.wrong(field, f"seconds from {door.low} to {door.high}", value)
        return value
    if door.form is Form.SYMBOL:
        return symbol_of(place, field, value, known)
    if door.form is Form.STATUSES:
        if not isinstance(value, list | tuple) or not value or not all(type(one) is int and one in STATUSES for one in value):
            place.wrong(field, "a list of HTTP statuses from 500 to 599", value)
        return list(value)
    if door.form is Form.AMOUNT:
        return _amount(place, field, door, value)
    return text_of(place, field, value)


def _amount(place: Place, field: str, door: Param, value: Any) -> str:
    try:
        amount = money(text_of(place, field, value), field)
    except OutOfRange:
        amount = -1
    if not money(str(door.low)) <= amount <= money(str(door.high)):
        place.wrong(field, f"an amount as a text from {door.low} to {door.high}", value)
    return str(value)


def _together(place: Place, kind: str, params: dict[str, Any]) -> None:
    """Refuse parameters that contradict each other."""
    if kind == "fee_change" and params["maker_ppm"] > params["taker_ppm"]:
        place.wrong("params", "a maker's fee up to the taker's", params)
    if kind == "filter_change" and not set(params) & {"tick", "lot", "qty_min"}:
        place.wrong("params", "at least one of tick, lot, qty_min", params, "say what changes")


def idle(place: Place, kind: Kind, data: dict[str, Any]) -> None:
    """Refuse fields that mean nothing to a kind that changes the exchange itself."""
    if Area.WORLD not in kind.areas:
        return
    for field, usual in (("nth", (1,)), ("count", (1, None))):
        if data.get(field, usual[0]) not in usual:
            place.wrong(field, "nothing: a change of the exchange happens once, in its window", data[field], "remove it")
