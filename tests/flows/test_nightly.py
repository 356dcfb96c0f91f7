"""The night of a plan: what is missing is fetched, and only that; equal data gives an equal night."""

import pytest

from tasks import collecting, nightly
from tests.flows.conftest import Walk
from trader_core.model.errors import UnknownName

DAY_MS = 86_400_000


def test_a_night_fetches_the_whole_history_once_and_then_only_what_is_missing(walk: Walk) -> None:
    subject = walk.subject()
    subject = type(subject)(subject.name, subject.plan.model_copy(update={"history_days": 2}), subject.road)
    assert nightly.days_behind(walk.settings, subject) == 0, "nothing is stored: all of it"
    whole = collecting.collect(walk.settings, walk.engine, subject)
    assert (whole.to_ms - whole.from_ms, whole.inserted) == (2 * DAY_MS, 3 * 2 * 1440)
    assert nightly.days_behind(walk.settings, subject) == 2, "up to now, and a day more for late revisions"
    again = collecting.collect(walk.settings, walk.engine, subject, 2)
    assert (again.inserted, again.revised) == (0, 0)
    longer = type(subject)(subject.name, subject.plan.model_copy(update={"history_days": 30}), subject.road)
    assert nightly.days_behind(walk.settings, longer) == 0, "its history begins before what is stored"


def test_two_nights_on_equal_data_are_equal_and_nobody_is_told(walk: Walk) -> None:
    subject = walk.subject()
    with pytest.raises(UnknownName, match="BTC/USDT"):
        nightly.run(walk.settings, subject)
    collecting.collect(walk.settings, walk.engine, subject)
    first, second = nightly.run(walk.settings, subject), nightly.run(walk.settings, subject)
    assert (first["result"], first["data"], first["alert"]) == (second["result"], second["data"], "")
    assert second["alert"] == ""
