"""Run migrations on the connection that `store.database.migrate` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

import trader_core.store.road_tables  # noqa: F401 - enters its tables
from trader_core.store.tables import METADATA


def include_object(_item: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:  # noqa: FBT001 - Alembic's signature
    """Leave the yearly partitions of candle out of comparisons."""
    return not (kind == "table" and reflected and name is not None and name.startswith("candle_") and name[7:].isdigit())


def run(connection: Connection) -> None:
    """Migrate in one transaction, which the caller commits."""
    context.configure(connection=connection, target_metadata=METADATA, include_object=include_object, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
