"""The revisions build exactly the tables the code declares, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Engine, inspect, text
from sqlalchemy.schema import Index

from migrations import upgrade
from migrations.tables import every_table
from storage.columns import Base
from storage.engines import make_engine
from tests.servers import start_postgres

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}

# SQLAlchemy cannot read indexes over expressions back; they are compared as the database spells them.
pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index.*")


def test_the_revisions_build_the_declared_tables_on_sqlite(tmp_path):
    upgraded = make_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    declared = make_engine(f"sqlite:///{tmp_path / 'declared.db'}")

    _the_revisions_build_the_declared_tables(upgraded, declared)


@pytest.mark.server
def test_the_revisions_build_the_declared_tables_on_postgres():
    with start_postgres() as url:
        upgraded = make_engine(url)
        with upgraded.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CREATE DATABASE declared"))

        _the_revisions_build_the_declared_tables(upgraded, make_engine(url.removesuffix("platform") + "declared"))


def _the_revisions_build_the_declared_tables(upgraded: Engine, declared: Engine) -> None:
    every_table()
    over_expressions = {
        index.name for table in Base.metadata.tables.values() for index in table.indexes if _has_expression(index)
    }

    upgrade(upgraded)
    upgrade(upgraded)
    Base.metadata.create_all(declared)

    with upgraded.connect() as connection, declared.connect() as as_declared:
        options = {
            "compare_type": True,
            "include_object": lambda thing, name, kind, *_: kind != "index" or name not in over_expressions,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
        spelled = [
            {name: sql for name, sql in _indexes(one) if name in over_expressions} for one in (connection, as_declared)
        ]
        partial = {
            index["name"]
            for table in inspect(connection).get_table_names()
            for index in inspect(connection).get_indexes(table)
            if index["unique"] and index.get("dialect_options")
        }
    upgraded.dispose()
    declared.dispose()
    assert differences == []
    assert over_expressions
    assert spelled[0] == spelled[1]
    assert "uq_process_instance_running" in partial


def _has_expression(index: Index) -> bool:
    return any(not isinstance(key, Column) for key in index.expressions)


def _indexes(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(text(INDEXES[connection.dialect.name]))
    return [(name, " ".join(sql.split())) for name, sql in rows]
