"""What one EUR is worth in a venue's settlement currency: given with its source, stored with its time, never guessed."""

import json
import time
from typing import TYPE_CHECKING, Any

from trader_core.model.errors import BadInput, OutOfRange
from trader_core.model.money import PPM, from_text

if TYPE_CHECKING:
    from pathlib import Path

    from trader_core.settings import Settings

REHEARSAL_EUR_PPM = 1_080_000
"""The settlement currency's worth of one EUR on the embedded exchange: it has no EUR market, so the rate is a fixed rehearsal one."""
AGE_MAX_MS = 24 * 3_600_000
HOW = 'give it: --eur-rate 1.08 --eur-source "ECB reference rate of 2026-11-25"'
_PPM_MIN, _PPM_MAX = PPM // 1_000, PPM * 1_000
_SOURCE_MAX = 200


def rehearsal() -> dict[str, Any]:
    """Return the embedded exchange's rate."""
    return {"eur_ppm": REHEARSAL_EUR_PPM, "source": "rehearsal rate", "at_ms": _now_ms()}


def parse(rate: str, source: str) -> dict[str, Any] | None:
    """Return what was typed as a rate with its source and time, None when nothing was; raises BadInput for half of it."""
    if not rate and not source:
        return None
    if not rate or not source.strip() or len(source) > _SOURCE_MAX or not source.isprintable():
        raise BadInput("--eur-rate together with --eur-source, where it was read", repr((rate, source))[:120], HOW)
    ppm = from_text(rate, 6, "--eur-rate")
    if not _PPM_MIN <= ppm <= _PPM_MAX:
        raise OutOfRange("--eur-rate from 0.001 to 1000 units for one EUR", repr(rate)[:40], HOW)
    return {"eur_ppm": ppm, "source": source.strip(), "at_ms": _now_ms()}


def remember(settings: "Settings", venue: str, rate: dict[str, Any]) -> None:
    """Keep a rate for the next day's commands."""
    path = _place(settings, venue)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(json.dumps(rate))


def stored(settings: "Settings", venue: str) -> dict[str, Any] | None:
    """Return the rate that was given within the last 24 hours, or None."""
    try:
        said = json.loads(_place(settings, venue).read_text())
        ppm, at_ms, source = int(said["eur_ppm"]), int(said["at_ms"]), str(said["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fresh = 0 <= _now_ms() - at_ms <= AGE_MAX_MS and _PPM_MIN <= ppm <= _PPM_MAX
    return {"eur_ppm": ppm, "source": source, "at_ms": at_ms} if fresh else None


def find(settings: "Settings", venue: str, rate: str, source: str) -> dict[str, Any] | None:
    """Return the rate to use: the embedded exchange's own, what was typed (and is kept), or what is stored; None without any."""
    given = parse(rate, source)
    if venue == "sandbox":
        if given is not None:
            raise BadInput("no --eur-rate on the embedded exchange", repr(rate)[:40], "leave it out: its rate is fixed and rehearsed")
        return rehearsal()
    if given is not None:
        remember(settings, venue, given)
    return given or stored(settings, venue)


def require(rate: dict[str, Any] | None, venue: str) -> dict[str, Any]:
    """Return the rate; raises BadInput saying how to give one."""
    if rate is None:
        raise BadInput(f"a rate of one EUR on {venue}, with its source, not older than 24 hours", "none", HOW)
    return rate


def _place(settings: "Settings", venue: str) -> "Path":
    return settings.folder() / "run" / f"eur-rate-{venue}.json"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
