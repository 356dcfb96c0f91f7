"""`gatehouse up` and `gatehouse down`: what keeps running between commands."""

from importlib import import_module
from typing import Annotated

import typer

from console import options, reach, show


def up(
    *,
    database: Annotated[bool, typer.Option("--database", help="Only the database, without exchange and traders.")] = False,
    prefect: Annotated[
        bool, typer.Option("--prefect", help="Also Prefect's server and worker: the road's flows and schedules run.")
    ] = False,
    clock: Annotated[str, typer.Option(help="The exchange's: stepped by the one session that runs, or 1x to 60x by itself.")] = "stepped",
) -> None:
    """Start the database, the embedded exchange and the traders, and keep them running until `gatehouse down`."""
    options.clock(clock)
    settings = options.settings()
    with show.working("Starting the database"):
        server = reach.database_up(settings)
    kind = "The embedded PostgreSQL runs" if server.embedded else "Your own PostgreSQL answers"
    show.out().print(f"{kind} at {reach.database_status(settings).place}; its schema is current.")
    if database:
        return
    with show.working("Starting the embedded exchange and the traders"):
        found = import_module("deployments.stack").up(settings, ["--clock", clock, *(["--prefect"] if prefect else [])])
    show.out().print(f"The embedded exchange listens on {found['sandbox']}; traders run for {', '.join(found['accounts'])}.")
    if found.get("prefect"):
        show.out().print(
            f"Prefect's UI is at {found['prefect']}; in a shell: export PREFECT_API_URL={found['prefect']}/api", soft_wrap=True
        )
    elif prefect:
        show.out().print("What runs already runs without Prefect: `gatehouse down`, then `gatehouse up --prefect`.")


def down() -> None:
    """Stop the traders, the embedded exchange and the embedded PostgreSQL. A server of your own is left alone."""
    settings = options.settings()
    with show.working("Stopping"):
        stack = import_module("deployments.stack").down(settings)
        database = reach.database_down(settings)
    stopped = [what for what, was in (("the traders and the embedded exchange", stack), ("the embedded PostgreSQL", database)) if was]
    show.out().print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing of ours was running.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(up)
    app.command()(down)
