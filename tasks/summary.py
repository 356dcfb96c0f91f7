"""The daily summary: what ran, what it earned, what was refused, which gates spoke, what waits."""

import time

from tasks import reach, telling
from trader_core.model.money import to_text
from trader_core.settings import Settings
from trader_core.store import outbox
from trader_core.store.database import Connection
from trader_core.store.days import gates_of_day, refusals_of_day, sessions_of_day
from trader_core.store.quality import list_blocks
from trader_core.store.roads import list_roads


def gather(db: Connection) -> dict[str, str]:
    """Return the day in a few words per line."""
    sessions, road = sessions_of_day(db), list_roads(db, 1)
    lines = {
        "sessions": [f"{one.sessions} {one.mode} ({one.running} running)" for one in sessions],
        "earned": [f"{one.mode} {to_text(one.earned)}" for one in sessions],
        "refusals": [f"{name} {count}" for name, count in refusals_of_day(db)],
        "gates": [f"{name} {count}" for name, count in gates_of_day(db)],
        "blocked": [f"{one['symbol']} on {one['venue']}" for one in list_blocks(db)],
        "alerts": [f"{state} {count}" for state, count in sorted(outbox.counts(db).items())],
        "road": [f"{road[0].road_id}: {road[0].step}, {road[0].status}"] if road else [],
    }
    return {name: ", ".join(parts) or "none" for name, parts in lines.items()}


def send(settings: Settings) -> str:
    """Leave the day's summary in the outbox, once a day, and return its title."""
    with reach.transaction(settings, "verify") as db:
        found = gather(db)
    title = f"Gatehouse, {time.strftime('%Y-%m-%d', time.gmtime())}"
    telling.tell(settings, "summary", "info", title, "The last 24 hours.", f"summary {title}", **found)
    return title
