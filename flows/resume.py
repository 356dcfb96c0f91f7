"""The flow `resume`: every few minutes, whatever died is found by its lock and goes on; a stage that died is rolled back."""

from typing import Any

from prefect import flow

from flows.common import HOOKS
from tasks import declared_road as road


@flow(name="resume", persist_result=False, **HOOKS)
def resume() -> dict[str, Any]:
    """Find what is unfinished while nobody works on it: roll stages back, run steps again, and advance every road.

    Safe at any time and in any number: a row in the database and its lock decide, never Prefect's state.
    """
    rolled_back = road.roll_back_dead_stages()
    again = road.run_dead_steps()
    return {"rolled_back": rolled_back, "again": again, "roads": {one: road.advance_road(one) for one in road.open_roads()}}
