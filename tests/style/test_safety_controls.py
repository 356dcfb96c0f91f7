"""docs/safety-controls.md names tests: each exists, and nothing that the guard can say is missing from the page."""

import re
from pathlib import Path

from trader_core.model.session import Refusal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "safety-controls.md").read_text()
OUTSIDE_THE_GUARD = {Refusal.NONE, Refusal.IN_FLIGHT}


def test_every_scenario_is_a_test_and_there_are_more_than_twenty() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    defined = set(re.findall(r"^def (test_\w+)", "\n".join(file.read_text() for file in ROOT.glob("tests/engine/*.py")), re.MULTILINE))
    assert len(set(named)) == len(named) > 20
    assert set(named) <= defined


def test_every_refusal_is_explained() -> None:
    assert [one.name for one in Refusal if one not in OUTSIDE_THE_GUARD and f"`{one.name}`" not in PAGE] == []
