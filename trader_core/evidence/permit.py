"""Permits: how far a recipe may go on an account. The newest one that stands rules; none is paper only; expired is paper only. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName


class Level(IntEnum):
    """What a recipe may do on an account, least first."""

    DENIED = 0
    """Nothing new, not even on paper: a gate refused it."""
    PAPER_ONLY = 1
    LIMITED = 2
    """Real orders, up to the permit's stage."""
    FULL = 3
    """Real orders without a stage's ceiling: only a go/no-go with GO on both verdicts gives it."""


RUNGS = tuple(StageName)


@dataclass(frozen=True, slots=True)
class Permit:
    """One word on a recipe: its level, the highest stage that it opens, and when it ends (epoch ms)."""

    level: Level
    stage: StageName
    rehearsal: bool
    """Earned on an embedded exchange: opens nothing on a real one."""
    expires_ms: int
    source: str
    reason: str = ""
    permit_id: int = 0


NONE = Permit(Level.PAPER_ONLY, StageName.PAPER, rehearsal=False, expires_ms=0, source="none", reason="no gate has been passed")


def standing(permits: Sequence[Permit], now_ms: int) -> Permit:
    """Return the permit that rules now: the newest, unless it has expired; a denial never expires.

    A bypass that has ended gives way to what stood before it.
    """
    for permit in sorted(permits, key=lambda one: -one.permit_id):
        if permit.level is Level.DENIED or permit.expires_ms > now_ms:
            return permit
        if permit.source != "bypass":
            return Permit(Level.PAPER_ONLY, StageName.PAPER, permit.rehearsal, permit.expires_ms, permit.source,
                          f"permit {permit.permit_id} has expired", permit.permit_id)  # fmt: skip
    return NONE


def withheld(permit: Permit, mode: SessionMode, stage: StageName, *, sandbox: bool, ceiling: Level = Level.FULL) -> str:
    """Return why a session of this mode and stage may take no new risk under a permit, or an empty text.

    `ceiling` is the highest level that the venue allows (evidence.ceiling).
    """
    if permit.level is Level.DENIED:
        return f"the recipe is denied: {permit.reason}"
    if mode is not SessionMode.STAGE:
        return ""
    if permit.level is Level.PAPER_ONLY:
        return f"paper only: {permit.reason}"
    if ceiling < Level.LIMITED:
        return f"the venue can do too little for real orders: its ceiling is {ceiling.name}"
    if permit.rehearsal and not sandbox:
        return "the permit is a rehearsal's: it opens nothing on a real exchange"
    if min(permit.level, ceiling) is Level.LIMITED and RUNGS.index(stage) > RUNGS.index(permit.stage):
        return f"the permit ends at {permit.stage}, the session is {stage}"
    return ""
