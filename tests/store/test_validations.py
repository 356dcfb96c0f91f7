"""Validations as stored: registered before they start, counted for ever, and nothing in them is said twice."""

from decimal import Decimal

import pytest

from tests.conftest import Database
from trader_core.evidence.validation import Thresholds
from trader_core.model.errors import BadInput, UnknownName
from trader_core.store import validations
from trader_core.store.database import Connection, begin


def registered(db: Connection, name: str, recipe: str = "recipe") -> validations.ValidationRow:
    return validations.register(db, name, "", recipe, 72, Thresholds(), {"plan": {"symbols": ["BTC/USDT"]}})


def test_every_attempt_of_a_recipe_counts_and_one_id_counts_once(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        assert registered(db, "v-1").attempt == 1
        assert registered(db, "v-1").attempt == 1
        assert registered(db, "v-2").attempt == 2
        assert registered(db, "v-3", "another").attempt == 1
        assert registered(db, "v-1").started_at is None


@pytest.mark.parametrize(
    ("hours", "thresholds", "subject"),
    [
        (72, Thresholds(hours_min=1), {"plan": {"symbols": ["BTC/USDT"]}}),
        (71, Thresholds(), {"plan": {"symbols": ["BTC/USDT"]}}),
        (72, Thresholds(), {"plan": {"symbols": ["ETH/USDT"]}}),
    ],
    ids=["thresholds", "length", "plan"],
)
def test_nothing_of_a_registration_changes_afterwards(
    database: Database, hours: int, thresholds: Thresholds, subject: dict[str, object]
) -> None:
    with begin(database.engine("flow")) as db:
        before = registered(db, "v-1")
        with pytest.raises(BadInput, match="was registered with"):
            validations.register(db, "v-1", "", "recipe", hours, thresholds, subject)
        assert validations.load(db, "v-1") == before


def test_the_first_word_on_a_drill_stays(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        registered(db, "v-1")
        validations.add_drill(db, "v-1", "kill", {"hour": 2})
        validations.add_drill(db, "v-1", "kill", {"hour": 3})
        validations.add_drill(db, "v-1", "restart", {"hour": 1})
        assert validations.load(db, "v-1").drills == {"kill": {"hour": 2}, "restart": {"hour": 1}}


def test_an_hour_s_figures_are_one_row_each_and_the_last_value_stands(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        registered(db, "v-1")
        validations.save_metrics(db, "v-1", 1, {("", "trades"): 3, ("BTC/USDT", "win_rate"): 0.1})
        validations.save_metrics(db, "v-1", 1, {("", "trades"): 4})
        validations.save_metrics(db, "v-1", 2, {})
        assert validations.load_metrics(db, "v-1", 1) == {("", "trades"): Decimal(4), ("BTC/USDT", "win_rate"): Decimal("0.1")}
        assert validations.load_metrics(db, "v-1", 2) == {}


def test_an_unknown_validation_is_named(database: Database) -> None:
    with begin(database.engine("flow")) as db, pytest.raises(UnknownName, match="gatehouse road status"):
        validations.load(db, "v-9")
