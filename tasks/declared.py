"""What every declared Prefect task shares: what is retried and how often, and how ids become what they name.

The tasks stand in declared_evidence, declared_money and declared_road: one effect each, safe to repeat; the plain functions
underneath know nothing of Prefect. Ids travel, never keys, rows or bars. No result is cached or kept by Prefect: what was
done stands in our database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from tasks import reach, subjects
from tasks.locks import held
from trader_core.model.errors import BadInput, DataFault
from trader_core.settings import Settings


def may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Tell whether a failure may pass by waiting: what was given wrong stays wrong, and is said at once; a venue's data may change."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, DataFault) or not isinstance(error, BadInput)


PLAIN: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
DATABASE: dict[str, Any] = {**PLAIN, "retry_condition_fn": may_pass, "retries": 4, "retry_delay_seconds": [1, 3, 10, 30]}
SOON: dict[str, Any] = {**DATABASE, "retry_delay_seconds": [1, 2, 3, 4]}
"""For what a person waits for: a trader that is restarted is back within seconds, and one that nobody started is named."""
VENUE: dict[str, Any] = {**PLAIN, "retry_condition_fn": may_pass, "retries": 3, "retry_delay_seconds": [2, 10, 60]}


def subject_of(plan: str, road_id: str) -> subjects.Subject:
    """Return what the ids name."""
    settings = Settings()
    with reach.transaction(settings) as db:
        return subjects.resolve(db, settings, plan, road_id)


@contextmanager
def holding(key: str) -> Iterator[None]:
    """Hold a lock for as long as the flow works behind it; raises StepRunning when another run has it."""
    with reach.engine(Settings()) as engine, held(engine, key):
        yield
