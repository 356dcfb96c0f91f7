"""Declared tasks of the road, of operators and of upkeep."""

from typing import Any

from prefect import task

from tasks import operators, reach, reporting, roads, rollback, summary, upkeep
from tasks.declared import DATABASE, PLAIN
from trader_core.settings import Settings
from trader_core.store import roads as road_rows


@task(name="write the report", **DATABASE)
def write_report(road_id: str) -> dict[str, Any]:
    """Judge the road, issue what it has earned, write the report as JSON and as a page, and tell the verdicts."""
    settings = Settings()
    with reach.engine(settings) as engine:
        return reporting.write(settings, engine, road_id)


@task(name="roads that go on", **DATABASE)
def open_roads() -> list[str]:
    """Return the ids of the roads that have not ended."""
    with reach.transaction() as db:
        return [row.road_id for row in road_rows.open_roads(db)]


@task(name="advance a road", task_run_name="advance {road_id}", **DATABASE)
def advance_road(road_id: str) -> str:
    """Take a road on by one step if it can be, and return what is waited for or how it ended."""
    return roads.advance(Settings(), road_id)


@task(name="roll back stages that died", **DATABASE)
def roll_back_dead_stages() -> dict[str, str]:
    """Roll back every stage that goes on by its row while nobody holds it."""
    return rollback.roll_back_dead(Settings())


@task(name="run steps again that died", **DATABASE)
def run_dead_steps() -> dict[str, str]:
    """Ask for another run of every step that goes on by its row while nobody holds it, and return the new runs."""
    settings = Settings()
    return {f"{row.road_id} {row.step}": roads.again(settings, row) for row in roads.dead_steps(settings)}


@task(name="say an operator's word", **PLAIN)
def say(action: str, account: str, session_id: str, reason: str, actor: str) -> dict[str, str]:
    """Record an operator's word, wait for its effect, and return what each trader answered. Never repeated by itself."""
    return operators.say_word(Settings(), action, account, session_id, reason, actor)


@task(name="anchor the journals", **DATABASE)
def anchor_journals() -> dict[str, Any]:
    """Append every chain's head to a file outside the database."""
    return upkeep.anchor(Settings())


@task(name="daily summary", **DATABASE)
def send_daily_summary() -> str:
    """Leave the day's summary in the outbox, and return its title."""
    return summary.send(Settings())


@task(name="permits that end", **DATABASE)
def tell_expiring_permits() -> list[str]:
    """Tell of every permit for money that ends within a week, or has just ended."""
    return upkeep.tell_expiring(Settings())


@task(name="re-validate", **DATABASE)
def revalidate_expiring() -> dict[str, str]:
    """Ask for a new validation of every plan whose permit ends within a week."""
    return upkeep.revalidate(Settings())


@task(name="drop old runs", **PLAIN)
def drop_old_runs() -> int:
    """Delete Prefect's runs that ended more than a month ago."""
    return upkeep.drop_old_runs(Settings())
