"""`gatehouse status` and `gatehouse doctor`: what is there, what runs, and what to do about what is wrong."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from console import options, reach, show
from trader_core.model.errors import GatehouseError

if TYPE_CHECKING:
    from deployments.postgres import Server, Status
    from trader_core.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
DISK_MIN_MB = 500
SKEW_MAX_MS = 1000


class Check(NamedTuple):
    """One thing that the doctor looked at: `todo` is empty when it is well."""

    name: str
    found: str
    todo: str = ""


def status(*, as_json: AsJson = False) -> None:
    """Show versions, the database, what runs, and the last sessions. Starts nothing."""
    settings = options.settings()
    found = reach.database_status(settings)
    values: dict[str, Any] = {**_versions(), "home": str(settings.folder()), **_database(found)}
    stack = reach.stack_status(settings)
    values |= {"exchange": stack.get("sandbox") or "not running", "traders": ", ".join(stack.get("accounts", ())) or "none kept up"}
    values |= {"prefect": reach.prefect_status(settings)}
    values |= {"disk_free_mb": _disk_free_mb(settings.folder()), "engine_cache": _engine_cache(settings.folder())}
    values |= {"killed": _killed(settings), "sessions": [], "standing": [], "streams": [], "collections": []}
    if found.running:
        with reach.database(settings) as server:
            values |= _stored(server)
    if as_json:
        show.answer(values, as_json=True)
        return
    sessions, standing, streams, collections = (values.pop(name) for name in ("sessions", "standing", "streams", "collections"))
    show.answer(values, as_json=False)
    if sessions:
        show.rows("\nLast sessions", list(sessions[0]), [list(one.values()) for one in sessions])
    if standing:
        shown = ("session_id", "recovered", "proven", "messages", "not_ours")
        show.rows("\nSessions under way", shown, [[one[name] for name in shown] for one in standing])
    if streams:
        show.rows("\nStreams of running sessions", list(streams[0]), [list(one.values()) for one in streams])
    if collections:
        show.rows("\nLast collections", list(collections[0]), [list(one.values()) for one in collections])


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("gatehouse", "ccxt", "numba", "numpy", "sqlalchemy")
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def _database(found: "Status") -> dict[str, Any]:
    return {
        "database": "embedded" if found.embedded else "your own", "database_at": found.place, "database_running": found.running,
        "database_kept_up": found.pinned, "database_pid": found.pid, "database_version": found.version,
    }  # fmt: skip


def _disk_free_mb(folder: Path) -> int:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free // 1_000_000


def _engine_cache(folder: Path) -> str:
    caches = sorted((folder / "cache").glob("engine-*"))
    return caches[-1].name if caches else "none yet: the first backtest compiles it"


def _killed(settings: "Settings") -> str:
    from console.words import sentinel
    from trader_core.model.session import PAUSE_SENTINEL

    standing = [path for path in (sentinel(settings), sentinel(settings, PAUSE_SENTINEL)) if path.exists()]
    if not standing:
        return "no file says so"
    return f"yes: {' and '.join(map(str, standing))} stand; `gatehouse resume` clears that"


def _stored(server: "Server") -> dict[str, Any]:
    from trader_core.model.session import SessionStatus
    from trader_core.store.collections import list_collections
    from trader_core.store.commands import read_switches
    from trader_core.store.outbox import counts
    from trader_core.store.sessions import list_sessions
    from trader_core.store.standing import standings
    from trader_core.store.streams import load_streams

    with reach.connection(server, "api") as db:
        sessions, collections = list_sessions(db, limit=5), list_collections(db, limit=5)
        switches, alerts, streams = read_switches(db), counts(db), load_streams(db, (SessionStatus.RUNNING,))
        standing = standings(db)
    killed = {f"{name}_switch": f"on: {s.reason} ({s.actor})" if s.is_on else "off" for name, s in switches.items()}
    return killed | {
        "alerts": ", ".join(f"{count} {state}" for state, count in sorted(alerts.items())) or "none",
        "sessions": [
            {"session_id": one.session_id, "mode": one.mode.value, "status": one.status.value, "strategy": one.plan.strategy,
             "symbols": ",".join(one.plan.symbols), "next": show.moment(one.next_ms), "until": show.moment(one.until_ms)}
            for one in sessions
        ],
        "standing": [{**one, "recovered": show.moment(one["recovered_ms"])} for one in standing],
        "streams": [{"session_id": session_id, **row._asdict()} for session_id, row in streams],
        "collections": [
            {"collection_session": one.collection_session_id, "venue": one.venue, "symbols": ",".join(one.symbols),
             "timeframe": one.timeframe, "rows": one.rows, "from": show.moment(one.from_ms), "to": show.moment(one.to_ms)}
            for one in collections
        ],
    }  # fmt: skip


def doctor(*, as_json: AsJson = False) -> None:
    """Look at everything that a command needs, and say for each finding what to do. Ends with 1 when there is one."""
    settings = options.settings()
    checks = [*_machine_checks(settings), *_database_checks(settings)]
    wrong = [check for check in checks if check.todo]
    if as_json:
        show.answer({"well": not wrong, "checks": [check._asdict() for check in checks]}, as_json=True)
    else:
        marked = [("!" if check.todo else "ok", *check) for check in checks]
        show.rows("", ("", "what", "found", "what to do"), marked)
    if wrong:
        raise typer.Exit(show.EXIT_OTHER)


def _machine_checks(settings: "Settings") -> list[Check]:
    folder, free = settings.folder(), _disk_free_mb(settings.folder())
    place = next(one for one in (folder, *folder.parents) if one.exists())
    writable = os.access(place, os.W_OK | os.X_OK)
    return [
        Check("python", sys.version.split()[0]),
        Check("home folder", str(folder), "" if writable else f"make {place} writable, or set GATEHOUSE_HOME"),
        Check("disk", f"{free} MB free", "" if free >= DISK_MIN_MB else f"free at least {DISK_MIN_MB} MB"),
        Check("engine cache", _engine_cache(folder)),
        _stack_check(settings),
        Check("prefect", reach.prefect_status(settings)),
        *_own_checks(settings),
        Check("orders on real venues", "enabled" if settings.live_trading_enabled else "refused (LIVE_TRADING_ENABLED is not set)"),
    ]


def _own_checks(settings: "Settings") -> list[Check]:
    """Tell of the configuration and of each venue's key; neither has to be there."""
    from trader_core import config
    from trader_core.venues import keys
    from trader_core.venues.profiles import PROFILES

    home = settings.folder()
    written = (home / config.FILE).exists()
    checks = [
        _looked(
            "configuration",
            lambda: f"plans: {', '.join(config.read(home).plans) or 'none'}" if written else "none; `gatehouse init` writes one",
        )
    ]
    for venue in PROFILES:
        kept = settings.venue_key or settings.venue_secret or keys.place(venue, home).exists()
        checks.append(_looked(f"key of {venue}", lambda v=venue, k=kept: f"from {keys.load(v, home).source}" if k else "none"))  # type: ignore[misc]
    return checks


def _stack_check(settings: "Settings") -> Check:
    """Tell what runs; an announcement without its exchange is the one thing that is wrong, and stops other commands."""
    found, announced = reach.stack_status(settings), reach.exchange_announced(settings).get("base_url")
    if found:
        return Check("exchange and traders", f"kept up by process {found['pid']}: {found['sandbox']}, {', '.join(found['accounts'])}")
    if announced is None:
        return Check("exchange and traders", "not running")
    if reach.listens(announced):
        return Check("exchange and traders", f"an exchange of another command at {announced}")
    place = settings.folder() / "run" / "sandbox.json"
    return Check("exchange and traders", f"an announcement of {announced}, where nothing listens", f"delete {place}")


def _database_checks(settings: "Settings") -> list[Check]:
    try:
        with reach.database(settings) as server:
            return [_role_check(server, role) for role in ("migrate", "trader", "flow", "api", "verify")] + [
                _schema_check(server),
                _clock_check(server),
                _alerts_check(settings, server),
            ]
    except GatehouseError as error:
        return [Check("database", f"{type(error).__name__}: {error.found}", error.todo)]


def _role_check(server: "Server", role: str) -> Check:
    from trader_core.store.database import check_version

    def look() -> str:
        with reach.connection(server, role) as db:
            return f"connects, PostgreSQL {check_version(db)}"

    return _looked(f"database role {role}", look)


def _schema_check(server: "Server") -> Check:
    from trader_core.store.database import SCHEMA, require_migrated

    def look() -> str:
        with reach.connection(server, "api") as db:
            require_migrated(db)
        return f"migrated to {SCHEMA}"

    return _looked("database schema", look)


def _clock_check(server: "Server") -> Check:
    from trader_core.store.database import server_time_ms

    def look() -> str:
        with reach.connection(server, "api") as db:
            before = time.time_ns() // 1_000_000
            there = server_time_ms(db)
            after = time.time_ns() // 1_000_000
        return f"{max(before - there, there - after, 0)} ms from the database's"

    found = _looked("clock", look)
    skewed = not found.todo and int(found.found.split()[0]) > SKEW_MAX_MS
    return Check(found.name, found.found, "set the machine's clock by NTP, or the database server's") if skewed else found


def _alerts_check(settings: "Settings", server: "Server") -> Check:
    """Tell whether alerts go anywhere; those that wait for a webhook are no fault, those that failed are."""
    from trader_core.store.outbox import counts

    def look() -> str:
        address = import_module("tasks.slack").webhook(settings)
        with reach.connection(server, "api") as db:
            found = counts(db)
        where = {"": "no webhook", "sink": "to alerts.jsonl"}.get(address, "to Slack")
        return ", ".join([where, *(f"{found[state]} {state}" for state in ("failed", "waiting") if found.get(state))])

    found = _looked("alerts", look)
    failed = not found.todo and " failed" in found.found
    return Check(found.name, found.found, "`gatehouse alert list --state failed`, then `gatehouse alert test`") if failed else found


def _looked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, look())
    except GatehouseError as error:
        return Check(name, f"{type(error).__name__}: {error.found}", error.todo)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(status)
    app.command()(doctor)
