"""Writes docs/database.md from the tables: `python -m migrations.erd > docs/database.md`; a test says when it is stale."""

import sys
from typing import NamedTuple

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

import trader_core.store.road_tables  # noqa: F401 - enters its tables
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
    "quality_run_series": Served(
        "What did the last checks of this series say?",
        "select * from quality_run where venue = 'v' and timeframe = '1m' order by started_at desc limit 5",
    ),
    "instrument_block_standing": Served(
        "Which instruments of this venue are blocked now? One standing block each, by constraint.",
        "select * from instrument_block where venue = 'v' and cleared_at is null",
    ),
    "road_started": Served("Which roads are the newest?", "select * from road order by started_at desc limit 20"),
    "road_walking": Served(
        "Does a road of this recipe go on? One at a time, by constraint.",
        "select * from road where account = 'a' and recipe = 'r' and status in ('walking', 'waiting')",
    ),
    "gate_result_subject": Served(
        "What did this gate say of this subject last?",
        "select * from gate_result where subject = 's' and gate = 'g' order by judged_ms desc limit 1",
    ),
    "approval_requested": Served(
        "Which approval does this road wait for? One at a time, by constraint.",
        "select * from approval where road_id = 'r' and status = 'requested'",
    ),
    "stage_run_one": Served(
        "Which stage trades this account? One at a time, by constraint.",
        "select * from stage_run where account = 'a' and status in ('preflight', 'probing', 'trading', 'rolling_back')",
    ),
    "stage_run_road": Served("Which stages did this road take?", "select * from stage_run where road_id = 'r' order by started_at"),
    "validation_run_recipe_attempt_key": Served(
        "How often was this recipe validated? Each attempt once, by constraint.",
        "select * from validation_run where recipe = 'r' order by attempt",
    ),
    "search_run_strategy": Served(
        "How often has this strategy been searched already?",
        "select * from search_run where strategy = 'a' order by started_at desc",
    ),
    "nightly_backtest_plan": Served(
        "How did the last nights of this plan go?", "select * from nightly_backtest where plan_name = 'p' order by at desc limit 30"
    ),
    "permit_subject": Served(
        "Which permit rules for this recipe on this account?",
        "select * from permit where account = 'a' and recipe = 'r' order by permit_id desc limit 20",
    ),
    "outbox_waiting": Served(
        "Which alerts are due?", "select * from outbox where state = 'waiting' and next_try_ms <= 1 order by next_try_ms, alert_id"
    ),
    "outbox_dedup": Served(
        "Was this said already, a moment ago?", "select * from outbox where dedup_key = 'k' and created_ms > 1 order by created_ms desc"
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
