"""What an opening asks of its venue: again while an answer only failed to come, never where it says no."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from trader_core.model.errors import VenueUnavailable, WrongKey
from trader_core.trader import freezing
from trader_core.venues.port import Outcome, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST: Reply[str] = Reply(Outcome.RETRYABLE_READ, code="RequestTimeout")


class Venue:
    """Gives one reply after the other, and the last of them for ever."""

    def __init__(self, *replies: Reply[str]) -> None:
        self._replies: Sequence[Reply[str]] = replies
        self.asked = 0

    async def __call__(self) -> Reply[str]:
        """Return the next reply."""
        self.asked += 1
        return self._replies[min(self.asked, len(self._replies)) - 1]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody."""
    monkeypatch.setattr(freezing, "PAUSES_S", (0.0, 0.0, 0.0))


def test_an_opening_asks_again_when_a_read_is_lost() -> None:
    """One time-out of an exchange ends no session."""
    venue = Venue(LOST, Reply(Outcome.RATE), Reply(Outcome.OK, "here"))

    assert asyncio.run(freezing.answer(venue, "instruments")) == "here"
    assert venue.asked == 3


def test_an_opening_gives_up_after_four_answers_that_did_not_come() -> None:
    """A venue that is away is told of, with what was asked and found."""
    venue = Venue(LOST)

    with pytest.raises(VenueUnavailable, match=r"instruments.*RETRYABLE_READ RequestTimeout"):
        asyncio.run(freezing.answer(venue, "instruments"))
    assert venue.asked == 4


def test_an_opening_asks_once_with_a_key_that_is_not_accepted() -> None:
    """To ask again with a wrong key is how an account gets locked."""
    venue = Venue(Reply(Outcome.AUTH))

    with pytest.raises(WrongKey, match="key"):
        asyncio.run(freezing.answer(venue, "balances"))
    assert venue.asked == 1
