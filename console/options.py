"""From what was typed to values of ours; whatever cannot be read is BadInput."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trader_core.model.bar import canonical_symbol
from trader_core.model.errors import BadInput, OutOfRange, UnknownName

if TYPE_CHECKING:
    from trader_core.model.plan import Rule
    from trader_core.settings import Settings

Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another protection, limit or cost as name=value; may be repeated. docs/backtesting.md lists them."),
]
Also = Annotated[
    list[str] | None,
    typer.Option("--also", help="Another strategy for some of the symbols, as STRATEGY:SYMBOLS[:name=value,...]; may be repeated."),
]
TS_MAX = 4_102_444_800_000
"""2100-01-01: a later time is a mistake in the unit."""
SPEED_MAX = 60
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def settings() -> "Settings":
    """Return what the environment says; raises BadInput naming the variable that it cannot read, or a home that is no folder."""
    from pydantic import ValidationError

    from trader_core.settings import Settings

    try:
        found = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        variable = name if name == "LIVE_TRADING_ENABLED" else f"GATEHOUSE_{name}"
        raise BadInput(f"{variable} to be readable", first["msg"], "correct or unset it") from error
    if found.log_level.upper() not in LEVELS:
        raise BadInput(f"GATEHOUSE_LOG_LEVEL of {', '.join(LEVELS)}", repr(found.log_level)[:60], "correct or unset it")
    home = found.folder()
    existing = next(place for place in (home, *home.parents) if place.exists())
    if not existing.is_dir():
        raise _no_home(home, f"{existing}, which is no folder")
    return found


def home_fault(error: OSError) -> BadInput | None:
    """Return what to tell when the system refused to read or write inside the home folder; None for any other refusal."""
    home = settings().folder()
    place = Path(str(error.filename or ""))
    inside = place.is_absolute() and (place == home or home in place.parents or place in home.parents)
    lost = isinstance(error, FileNotFoundError) and home.exists()
    return _no_home(home, f"{place}: {error.strerror}") if inside and not lost else None


def _no_home(home: Path, found: str) -> BadInput:
    return BadInput(f"a home folder at {home} that can be read and written", found, "correct that, or set GATEHOUSE_HOME to another folder")


def clock(text: str) -> None:
    """Refuse a clock that the embedded exchange does not have; raises OutOfRange."""
    if text != "stepped" and not re.fullmatch(r"[1-9][0-9]?x", text):
        raise OutOfRange("a clock of stepped, or 1x to 60x", repr(text)[:60], "choose one of them")
    if text != "stepped":
        between("the clock's speed", int(text[:-1]), 1, SPEED_MAX)


def between(option: str, value: int, low: int, high: int) -> int:
    """Return a whole number that lies within [low, high]; raises OutOfRange."""
    if not low <= value <= high:
        raise OutOfRange(f"{option} from {low} to {high}", str(value), "choose a value in that range")
    return value


def time_ms(text: str, option: str) -> int:
    """Return an ISO date or time (UTC unless it says otherwise), or epoch ms, as epoch ms."""
    if text.isascii() and text.isdigit():
        value = int(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadInput(f"{option} as 2023-01-31, 2023-01-31T12:00 or epoch ms", repr(text)[:60], "correct it") from error
        value = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if not 0 <= value < TS_MAX:
        raise OutOfRange(f"{option} between 1970 and 2100", repr(text)[:60], "give epoch ms, not seconds or us")
    return value


def interval(from_text: str, to_text: str, step_ms: int) -> tuple[int, int]:
    """Return [from, to) in epoch ms on the grid of the timeframe; raises BadInput when it is empty or off the grid."""
    from_ms, to_ms = time_ms(from_text, "--from"), time_ms(to_text, "--to")
    for name, text, value in (("--from", from_text, from_ms), ("--to", to_text, to_ms)):
        if value % step_ms:
            raise BadInput(f"{name} on the grid of {step_ms // 1000} s", text, "choose the start of a bar")
    if to_ms <= from_ms:
        raise BadInput("--to after --from", f"{from_text} .. {to_text}", "give an interval that holds at least one bar")
    return from_ms, to_ms


def symbols(text: str) -> tuple[str, ...]:
    """Return the symbols of a list separated by commas, in canonical form, each once."""
    found = tuple(canonical_symbol(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise UnknownName("at least one symbol such as BTC/USDT", repr(text)[:60], "name one")
    if len(set(found)) != len(found):
        raise BadInput("each symbol once", text[:200], "remove the repetition")
    return found


def venue(text: str) -> str:
    """Return a venue's name in small letters."""
    if not (text.isascii() and text.replace("_", "").replace("-", "").isalnum() and len(text) <= 40):  # noqa: PLR2004
        raise UnknownName("a venue such as binance, mexc or sandbox", repr(text)[:60], "correct it")
    return text.lower()


def pairs(given: list[str], option: str) -> dict[str, str]:
    """Return name=value pairs as a dict of texts; raises BadInput for what is none, and for a name given twice."""
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise BadInput(f"{option} as name=value, for example trailing_ppm=20000", repr(pair)[:60], "correct it")
        if name in found:
            raise BadInput(f"each name of {option} once", repr(pair)[:60], "remove the repetition")
        found[name] = value
    return found


def others(given: list[str]) -> "tuple[Rule, ...]":
    """Return further strategies from texts such as `momentum:ETH/USDT,SOL/USDT:period=60`; the parameters may be left out."""
    from trader_core.engine import strategies
    from trader_core.model.plan import Rule

    found = []
    for text in given:
        name, colon, rest = text.partition(":")
        wanted, _, told = rest.partition(":")
        if not (name and colon and wanted):
            raise BadInput("--also as STRATEGY:SYMBOLS[:name=value,...]", repr(text)[:60], "for example momentum:ETH/USDT:period=60")
        chosen = strategies.find(name)
        values = strategies.parse_params(chosen, params(told.split(",") if told else []))
        found.append(Rule(chosen.name, tuple(sorted(values.items())), symbols(wanted)))
    return tuple(found)


def params(pairs: list[str]) -> dict[str, int]:
    """Return name=value pairs of whole numbers as a dict."""
    found: dict[str, int] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            number = int(value)
        except ValueError as error:
            raise BadInput("a parameter as name=whole number, for example fast=10", repr(pair)[:60], "correct it") from error
        if name in found:
            raise BadInput("each parameter once", repr(pair)[:60], "remove the repetition")
        found[name] = number
    return found
