"""Writes docs/database.md from the tables: `python -m migrations.erd > docs/database.md`; a test says when it is stale."""

import sys
from typing import NamedTuple

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from trader_core.store.tables import METADATA

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
HEAD = """\
# The database

Written by `python -m migrations.erd > docs/database.md`; do not edit. What the columns count: trader_core/store/tables.py.
How it is run: deployments/postgres.py. How it is changed: migrations/README.md.

## Tables

`candle` is partitioned by year; `candle_partitions(from_ms, to_ms)` makes what is missing. `candle` names its instrument and
collection without a foreign key, because half a million rows arrive at once: the store proves both ends first.

"""


class Served(NamedTuple):
    """Why an index beyond a primary key exists: the question, and a query that must use it."""

    question: str
    query: str


INDEXES = {
    "instrument_venue_symbol_key": Served(
        "Which instrument is this symbol of this venue? One row each, by constraint.",
        "select * from instrument where venue = 'v' and symbol = 's'",
    ),
    "trading_session_account": Served(
        "Which sessions does this account's trader have to step?",
        "select * from trading_session where account = 'a' and status in ('requested', 'running')",
    ),
    "trading_session_requested": Served(
        "Which sessions are the newest?", "select * from trading_session order by requested_at desc limit 20"
    ),
    "intent_signal_key": Served(
        "What became of this signal? At most one order each, by constraint.",
        "select * from intent where session_id = 's' and signal_id = 1",
    ),
    "intent_decision_key": Served(
        "Did this decision become an order already? Once only, by constraint.", "select * from intent where decision_key = 'k'"
    ),
    "orders_session": Served("Which orders does this session have?", "select * from orders where session_id = 's'"),
    "orders_pending": Served(
        "Which orders of this account are not terminal, and which of them does the venue owe an answer for?",
        "select * from unresolved_order where account = 'a'",
    ),
    "fill_session": Served("Which fills does this session have, by time?", "select * from fill where session_id = 's' order by ts"),
    "fill_order": Served("Which fills does this order have?", "select * from fill where client_order_id = 'c'"),
    "journal_session_prev_key": Served(
        "Which record follows this hash? One only, by constraint: a chain cannot fork.",
        "select * from journal where session_id = 's' and prev = '\\x00'",
    ),
    "operator_command_pending": Served(
        "Which commands wait for this account's trader?",
        "select * from operator_command where account = 'a' and done_at is null order by command_id",
    ),
}


def render() -> str:
    """Return the whole page."""
    tables = METADATA.sorted_tables
    lines = [HEAD + "```mermaid", "erDiagram"]
    for table in tables:
        lines += [f"    {table.name} {{", *(f"        {_column(column)}" for column in table.columns), "    }"]
    lines += sorted(f"    {link}" for table in tables for link in _links(table))
    lines += ["```", "", "## Indexes", "", "Beyond the primary keys; a test asks PostgreSQL whether each one serves its query.", ""]
    lines += ["| index | question | query |", "|---|---|---|"]
    lines += [f"| {name} | {served.question} | `{served.query}` |" for name, served in sorted(INDEXES.items())]
    return "\n".join(lines) + "\n"


def _column(column: Column[object]) -> str:
    kind = column.type.compile(DIALECT).lower().replace("timestamp with time zone", "timestamptz").replace("[]", "_array")
    keys = ["PK"] if column.primary_key else []
    keys += ["FK"] if column.foreign_keys else []
    note = ' "may be null"' if column.nullable else ""
    return f"{kind} {column.name}{' ' + ', '.join(keys) if keys else ''}{note}"


def _links(table: Table) -> list[str]:
    links = []
    for key in table.foreign_key_constraints:
        one_to_one = {column.name for column in key.columns} == {column.name for column in table.primary_key}
        links.append(f"{key.referred_table.name} ||--{'o|' if one_to_one else 'o{'} {table.name} : {'_'.join(key.column_keys)}")
    return links


if __name__ == "__main__":
    sys.stdout.write(render())
