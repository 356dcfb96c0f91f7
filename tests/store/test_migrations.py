"""The schema goes up and down, equals the tables, and is what the code asks for."""

import re
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from migrations.erd import INDEXES, render
from tests.conftest import Database
from trader_core.model.errors import NotMigrated
from trader_core.store.database import SCHEMA, alembic_config, begin, ensure_migrated, migrate, require_migrated, schema_of

OBJECTS = """
select (select count(*) from information_schema.tables where table_schema = 'public' and table_name <> 'alembic_version')
     + (select count(*) from pg_proc where pronamespace = 'public'::regnamespace)
"""
ROOT = Path(__file__).parents[2]


def test_every_step_goes_down_to_nothing_and_up_again(database: Database) -> None:
    with begin(database.engine("migrate")) as db:
        db.execute(text("set local role gatehouse_owner"))
        db.execute(text("select candle_partitions(0, 1700000000000)"))
        scripts = ScriptDirectory.from_config(alembic_config(db))
        steps = [script.revision for script in scripts.walk_revisions()]
        assert steps == ["0013", "0012", "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003", "0002", "0001"]
        for lower in [*steps[1:], "base"]:
            migrate(db, lower)
        assert db.execute(text(OBJECTS)).scalar_one() == 0
        for step in reversed(steps):
            migrate(db, step)
        assert schema_of(db) == SCHEMA


def test_the_tables_of_the_code_are_those_of_the_database_partitions_aside(database: Database) -> None:
    with begin(database.engine("migrate")) as db:
        db.execute(text("select set_config('role', 'gatehouse_owner', true), candle_partitions(0, 1700000000000)"))
        command.check(alembic_config(db))


def test_the_comparison_would_see_a_missing_column(database: Database) -> None:
    with begin(database.engine("migrate")) as db:
        db.execute(text("set local role gatehouse_owner"))
        db.execute(text("alter table lease add column more text"))
        with pytest.raises(Exception, match="more"):
            command.check(alembic_config(db))


def test_the_code_asks_for_the_newest_step_and_names_are_sentences(database: Database) -> None:
    with begin(database.engine("migrate")) as db:
        script = ScriptDirectory.from_config(alembic_config(db))
        assert script.get_heads() == [SCHEMA]
        for step in script.walk_revisions():
            assert step.doc[0].isupper()
            assert step.doc.endswith(".")
            assert re.fullmatch(rf"{step.revision}_[a-z]+(_[a-z]+){{3,}}\.py", Path(step.path).name)


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert ensure_migrated(database.url("migrate")) is False


def test_a_database_that_is_behind_or_ahead_is_not_touched_by_the_application(database: Database) -> None:
    migrator = database.engine("migrate")
    with begin(migrator) as db:
        migrate(db, "0003")
    with begin(database.engine("trader")) as db, pytest.raises(NotMigrated, match="schema 0003"):
        require_migrated(db)
    assert ensure_migrated(database.url("migrate")) is True
    with begin(migrator) as db:
        require_migrated(db)
        db.execute(text("set local role gatehouse_owner"))
        db.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(NotMigrated, match="newer"):
        ensure_migrated(database.url("migrate"))


def test_an_empty_database_says_that_it_has_no_schema(database: Database) -> None:
    with begin(database.engine("migrate")) as db:
        migrate(db, "base")
        db.execute(text("set local role gatehouse_owner"))
        db.execute(text("drop table alembic_version"))
        with pytest.raises(NotMigrated, match="schema none"):
            require_migrated(db)


def test_each_index_beyond_the_primary_keys_is_documented_and_serves_its_query(database: Database) -> None:
    with begin(database.engine("verify")) as db:
        query = """
            select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
             where c.relnamespace = 'public'::regnamespace and not i.indisprimary"""
        assert set(db.execute(text(query)).scalars()) == set(INDEXES)
        # Empty tables: without this, reading all of nothing is the cheapest plan. Bitmap and index scans both name the index.
        db.execute(text("set local enable_seqscan = off"))
        for name, served in INDEXES.items():
            plan = "\n".join(db.exec_driver_sql(f"explain {served.query}").scalars())
            assert re.search(rf"\b{name}\b", plan), f"{name} does not serve its query:\n{plan}"


def test_the_database_page_is_current() -> None:
    page = (ROOT / "docs" / "database.md").read_text()
    assert page == render(), "run: python -m migrations.erd > docs/database.md"
