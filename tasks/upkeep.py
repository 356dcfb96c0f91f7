"""What is done once a day: anchors outside the database, permits that end, old runs of Prefect."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments import prefect_client
from tasks import reach, telling
from trader_core.settings import Settings
from trader_core.store import anchors, journal, permits

DAY_MS = 86_400_000
WARN_DAYS = 7
RUNS_KEPT_DAYS = 30


def anchor(settings: Settings) -> dict[str, Any]:
    """Append every chain's head to a file outside the database, and return how many and where.

    A chain that is rewritten later no longer runs through the heads that stand there. Keep a copy of the file elsewhere.
    """
    with reach.transaction(settings, "verify") as db:
        heads = journal.heads(db)
    path = anchors.append(settings.folder(), heads, datetime.now(UTC).isoformat(timespec="seconds"))
    return {"chains": len(heads), "file": str(path)}


def tell_expiring(settings: Settings) -> list[str]:
    """Tell of every permit for money that ends within a week, or has just ended, and return them."""
    now_ms = int(time.time() * 1000)
    with reach.transaction(settings) as db:
        found = permits.ending(db, now_ms - DAY_MS, now_ms + WARN_DAYS * DAY_MS)
    for one in found:
        ends = datetime.fromtimestamp(one.expires_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        over = one.expires_ms <= now_ms
        telling.tell(
            settings, "stage", "critical" if over else "warning", f"A permit {'has ended' if over else 'ends soon'}",
            f"{one.account}: {one.level} up to {one.stage} until {ends}. Without a new validation it falls back to paper.",
            f"permit {one.permit_id} {'over' if over else 'soon'}", recipe=one.recipe[:12], road=one.road_id,
        )  # fmt: skip
    return [f"{one.account} {one.stage} {one.recipe[:12]}" for one in found]


def revalidate(settings: Settings) -> dict[str, str]:
    """Ask for a new validation of every plan whose permit ends within a week, once per permit, and return the runs."""
    now_ms = int(time.time() * 1000)
    with reach.transaction(settings) as db:
        found = [one for one in permits.ending(db, now_ms, now_ms + WARN_DAYS * DAY_MS) if one.road_id]
    runs = {}
    for one in found:
        asked = {"road_id": one.road_id, "revalidate": True}
        runs[one.road_id] = prefect_client.trigger(settings, "validate/gatehouse", asked, f"revalidate {one.permit_id}", ("revalidation",))
    return runs


def drop_old_runs(settings: Settings) -> int:
    """Delete Prefect's runs that ended more than a month ago, and return how many: what they did stands in our database."""
    return prefect_client.drop_runs_before(settings, datetime.now(UTC) - timedelta(days=RUNS_KEPT_DAYS))
