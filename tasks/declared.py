"""Every Prefect task: one effect each, safe to repeat, with its retries; the plain functions underneath know nothing of Prefect.

Ids travel, never keys, rows or bars. No result is cached or kept by Prefect: what was done stands in our database.
"""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks import backtesting, collecting, nightly, operators, reach, subjects
from trader_core.settings import Settings

DATABASE_RETRIES: dict[str, Any] = {"retries": 4, "retry_delay_seconds": [1, 3, 10, 30]}
VENUE_RETRIES: dict[str, Any] = {"retries": 3, "retry_delay_seconds": [2, 10, 60]}


@task(name="collect candles", cache_policy=NO_CACHE, persist_result=False, **VENUE_RETRIES)
def collect_candles(plan: str, road_id: str, days: int) -> dict[str, Any]:
    """Store the closed candles of a subject as one collection session, and return its id and interval. The same candles change nothing."""
    settings = Settings()
    with reach.engine(settings) as engine:
        done = collecting.collect(settings, engine, subject_of(plan, road_id), days)
    return {name: getattr(done, name) for name in done.__slots__}


@task(name="backtest", cache_policy=NO_CACHE, persist_result=False, **DATABASE_RETRIES)
def backtest_once(plan: str, road_id: str, from_ms: int, to_ms: int, data_session: str, session_id: str) -> dict[str, Any]:
    """Leave a finished backtest session of this id behind, and return its figures; one that is stored stays as it is."""
    settings, subject = Settings(), subject_of(plan, road_id)
    asked = backtesting.Asked(subject.paper_plan(), subject.plan.venue, from_ms, to_ms, data_session or None)
    with reach.engine(settings) as engine:
        return nightly.figures(backtesting.run(engine, settings.folder(), asked, session_id))


@task(name="say an operator's word", cache_policy=NO_CACHE, persist_result=False)
def say(action: str, account: str, session_id: str, reason: str, actor: str) -> dict[str, str]:
    """Record an operator's word, wait for its effect, and return what each trader answered. Never repeated by itself."""
    return operators.say_word(Settings(), action, account, session_id, reason, actor)


def subject_of(plan: str, road_id: str) -> subjects.Subject:
    """Return what the ids name."""
    settings = Settings()
    with reach.transaction(settings) as db:
        return subjects.resolve(db, settings, plan, road_id)
