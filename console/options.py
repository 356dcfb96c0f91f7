"""From what was typed to values of ours; whatever cannot be read is BadInput."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trader_core.model.bar import canonical_symbol
from trader_core.model.errors import BadInput, OutOfRange, UnknownName

if TYPE_CHECKING:
    from trader_core.settings import Settings

TS_MAX = 4_102_444_800_000
"""2100-01-01: a later time is a mistake in the unit."""


def settings() -> "Settings":
    """Return what the environment says; raises BadInput naming the variable that it cannot read."""
    from pydantic import ValidationError

    from trader_core.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        variable = name if name == "LIVE_TRADING_ENABLED" else f"GATEHOUSE_{name}"
        raise BadInput(f"{variable} to be readable", first["msg"], "correct or unset it") from error


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
