"""How far a permit reaches on a venue that can do less, by hand: one sentence for each thing that it cannot do."""

import pytest

from trader_core.evidence.ceiling import Capabilities, ClientIds, ceiling
from trader_core.evidence.permit import Level, Permit, withheld
from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName
from trader_core.venues.profiles import PROFILES, ceiling_of

FULL = Permit(Level.FULL, StageName.EUR_10, rehearsal=False, expires_ms=10, source="gate")


def refused(level: Level, stage: StageName) -> str:
    return withheld(FULL, SessionMode.STAGE, stage, sandbox=False, ceiling=level)


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (Capabilities(), Level.FULL, 0),
        (Capabilities(ClientIds.FOREVER_UNIQUE), Level.FULL, 0),
        (Capabilities(ClientIds.ECHO_ONLY), Level.LIMITED, 1),
        (Capabilities(lookup=False), Level.PAPER_ONLY, 1),
        (Capabilities(validity_window=False), Level.LIMITED, 1),
        (Capabilities(ClientIds.ECHO_ONLY, lookup=False, validity_window=False), Level.PAPER_ONLY, 3),
        (Capabilities(ClientIds.NONE, lookup=False), Level.PAPER_ONLY, 2),
    ],
)
def test_what_a_venue_cannot_do_caps_its_permits_with_a_reason_each(found: Capabilities, level: Level, said: int) -> None:
    capped, why = ceiling(found)
    assert (capped, len(why)) == (level, said)


def test_a_full_permit_counts_as_a_limited_one_under_a_ceiling() -> None:
    assert refused(Level.FULL, StageName.EUR_100) == ""
    assert refused(Level.LIMITED, StageName.EUR_10) == ""
    assert refused(Level.LIMITED, StageName.EUR_100) == "the permit ends at EUR_10, the session is EUR_100"
    assert "can do too little" in refused(Level.PAPER_ONLY, StageName.EUR_1)


def test_paper_needs_no_capability() -> None:
    assert withheld(FULL, SessionMode.PAPER, StageName.PAPER, sandbox=False, ceiling=Level.PAPER_ONLY) == ""


def test_the_venues_that_have_a_profile_allow_full_and_so_does_what_is_embedded() -> None:
    assert {name: ceiling_of(name) for name in (*PROFILES, "sandbox")} == dict.fromkeys((*PROFILES, "sandbox"), Level.FULL)
