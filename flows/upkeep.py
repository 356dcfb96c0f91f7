"""The flow `upkeep`: what is done once a day."""

from typing import Any

from prefect import flow

from flows.common import HOOKS
from tasks import declared_road as road


@flow(name="upkeep", persist_result=False, **HOOKS)
def upkeep() -> dict[str, Any]:
    """Send the daily summary, anchor every journal outside the database, tell of permits that end, and drop old runs of Prefect."""
    return {
        "anchored": road.anchor_journals(), "summary": road.send_daily_summary(), "expiring": road.tell_expiring_permits(),
        "revalidations": road.revalidate_expiring(), "runs_dropped": road.drop_old_runs(),
    }  # fmt: skip
