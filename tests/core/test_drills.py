"""Drills by their journals: a word that was said and had no effect proves nothing."""

from typing import Any

import pytest

from trader_core.trader.drills import killed, restarted
from trader_core.trader.records import Kind, Record


def slots(*minutes: int) -> list[Record]:
    return [Record(Kind.BARS, {"ts": minute * 60_000}) for minute in minutes]


def word(command: str, reason: str = "", outcome: str = "done") -> Record:
    return Record(Kind.OPERATOR, {"command": command, "reason": reason, "outcome": outcome})


BOOT = Record(Kind.BOOTED, {})
INTENT: Any = Record(Kind.INTENT, {})
KILL, RESUME = word("kill", "the drill"), word("resume")


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([BOOT, *slots(0, 1), BOOT, *slots(2, 3)], True),
        ([BOOT, *slots(0, 1, 2, 3)], False),
        ([BOOT, *slots(0), BOOT, *slots(1, 2, 3)], False),
        ([BOOT, *slots(0, 1), BOOT], False),
        ([BOOT, *slots(0, 1, 2), BOOT], False),
        ([], False),
    ],
    ids=["again", "never", "before it", "no slot after", "not gone on", "nothing"],
)
def test_a_restart_counts_when_a_trader_came_back_after_it_and_stepped(records: list[Record], found: bool) -> None:  # noqa: FBT001
    assert restarted(records, 2 * 60_000) is found


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([*slots(0), KILL, *slots(1, 2), RESUME, *slots(3)], (True, 0)),
        ([INTENT, KILL, *slots(1), INTENT, INTENT, RESUME, *slots(2), INTENT], (True, 2)),
        ([*slots(0, 1, 2)], (False, 0)),
        ([word("kill", "another"), *slots(1), RESUME, *slots(2)], (False, 0)),
        ([KILL, RESUME, *slots(1)], (False, 0)),
        ([KILL, *slots(1)], (False, 0)),
        ([KILL, *slots(1), RESUME], (False, 0)),
        ([KILL, *slots(1), word("resume", outcome="refused: 2 orders are unresolved"), *slots(2)], (False, 0)),
    ],
    ids=["held", "orders", "never", "another kill", "no slot under it", "no resume", "not gone on", "refused"],
)
def test_a_kill_counts_when_it_stood_for_slots_was_resumed_and_the_session_went_on(records: list[Record], found: tuple[bool, int]) -> None:
    assert killed(records, "the drill") == found
