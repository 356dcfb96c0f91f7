"""The flow `upkeep`: what is done once a day."""

from typing import Any

from prefect import flow

from flows.common import HOOKS
from tasks import declared


@flow(name="upkeep", persist_result=False, **HOOKS)
def upkeep() -> dict[str, Any]:
    """Send the daily summary, anchor every journal outside the database, tell of permits that end, and drop old runs of Prefect."""
    return {
        "anchored": declared.anchor_journals(), "summary": declared.send_daily_summary(), "expiring": declared.tell_expiring_permits(),
        "revalidations": declared.revalidate_expiring(), "runs_dropped": declared.drop_old_runs(),
    }  # fmt: skip
