"""Searches and their trials: every evaluation of a set of parameters, kept for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence.search import Outcome
from trader_core.store.road_tables import SEARCH_RUN, TRIAL


class Trial(NamedTuple):
    """One evaluation of a search, by its number in the order of asking."""

    number: int
    params: dict[str, int]
    outcome: Outcome


class SearchRow(NamedTuple):
    """A search: what was asked, and what decides its results."""

    search_id: str
    strategy: str
    venue: str
    method: str
    evaluations: int
    config: Mapping[str, Any]
    data_hash: str
    code_hash: str


def save_search(db: Connection, row: SearchRow) -> None:
    """Store a search; safe to repeat."""
    db.execute(insert(SEARCH_RUN).values(row._asdict()).on_conflict_do_nothing())


def save_trials(db: Connection, search_id: str, trials: Sequence[Trial]) -> None:
    """Store evaluations; one that is stored already stays."""
    if trials:
        rows = [{"search_id": search_id, "number": one.number, "params": one.params, **asdict(one.outcome)} for one in trials]
        db.execute(insert(TRIAL).on_conflict_do_nothing(), rows)


def load_trials(db: Connection, search_id: str) -> list[Trial]:
    """Return a search's evaluations in their order."""
    query = select(TRIAL).where(TRIAL.c.search_id == search_id).order_by(TRIAL.c.number)
    names = Outcome.__dataclass_fields__
    return [
        Trial(row["number"], dict(row["params"]), Outcome(**{name: row[name] for name in names})) for row in db.execute(query).mappings()
    ]


def count_trials(db: Connection, strategy: str) -> int:
    """Return how many evaluations of a strategy there ever were, over all searches."""
    query = select(func.count()).select_from(TRIAL.join(SEARCH_RUN)).where(SEARCH_RUN.c.strategy == strategy)
    return int(db.execute(query).scalar_one())
