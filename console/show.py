"""What people see: errors as one message, progress on stderr, tables and JSON on stdout."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trader_core.model.errors import BadInput, GatehouseError, StoreError, VenueError
from trader_core.model.money import to_text

EXIT_OTHER, EXIT_INPUT, EXIT_DATABASE, EXIT_VENUE, EXIT_STOPPED = 1, 2, 3, 4, 130


def out() -> Console:
    """Return the console of answers: stdout."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def err() -> Console:
    """Return the console of errors and progress: stderr."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def exit_code(error: GatehouseError) -> int:
    """Return 2 for bad input, 3 for the database, 4 for the exchange, 1 for everything else."""
    kinds = ((BadInput, EXIT_INPUT), (StoreError, EXIT_DATABASE), (VenueError, EXIT_VENUE))
    return next((code for kind, code in kinds if isinstance(error, kind)), EXIT_OTHER)


def failure(error: GatehouseError) -> None:
    """Leave one message on stderr: expected, found, what to do."""
    console = err()
    console.print(f"[bold red]{type(error).__name__}[/]  expected {escape(error.expected)}")
    console.print(f"  found       {escape(error.found)}")
    console.print(f"  what to do  {escape(error.todo)}")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner on a terminal while the body runs; write nothing elsewhere."""
    with err().status(what):
        yield


def answer(values: Mapping[str, Any], *, as_json: bool, title: str = "") -> None:
    """Write one JSON object, or a table of two columns, to stdout."""
    if as_json:
        sys.stdout.write(json.dumps(values, separators=(", ", ": "), default=str) + "\n")
        return
    table = Table(title=title or None, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, escape(str(value)))
    out().print(table)


def rows(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    """Write a table to stdout; without lines only its title."""
    if not lines:
        out().print(title)
        return
    table = Table(*columns, title=title or None, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for line in lines:
        table.add_row(*(escape(str(value)) for value in line))
    out().print(table)


def moment(ts_ms: int) -> str:
    """Return a time in epoch ms as UTC text."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def amount(account_units: int) -> str:
    """Return money as decimal text."""
    return to_text(account_units)
