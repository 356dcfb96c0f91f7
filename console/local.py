"""`gatehouse up` and `gatehouse down`: what keeps running between commands."""

import typer

from console import options, reach, show


def up() -> None:
    """Start the embedded PostgreSQL and keep it running until `gatehouse down`."""
    settings = options.settings()
    with show.working("Starting the database"):
        server = reach.database_up(settings)
    where = reach.database_status(settings).place
    kind = "The embedded PostgreSQL runs" if server.embedded else "Your own PostgreSQL answers"
    show.out().print(f"{kind} at {where}; its schema is current.")


def down() -> None:
    """Stop the embedded PostgreSQL, whoever uses it. A server of your own is left alone."""
    stopped = reach.database_down(options.settings())
    show.out().print("The embedded PostgreSQL is stopped." if stopped else "The embedded PostgreSQL was not running.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(up)
    app.command()(down)
