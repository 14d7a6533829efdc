"""The revisions build exactly the tables the code declares, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from database import Base, make_engine
from migrations import upgrade
from migrations.tables import every_table
from tests.servers import start_postgres


def test_the_revisions_build_the_declared_tables_on_sqlite(tmp_path):
    _the_revisions_build_the_declared_tables(f"sqlite:///{tmp_path / 'platform.db'}")


@pytest.mark.server
def test_the_revisions_build_the_declared_tables_on_postgres():
    with start_postgres() as url:
        _the_revisions_build_the_declared_tables(url)


def _the_revisions_build_the_declared_tables(url):
    every_table()
    engine = make_engine(url)

    upgrade(engine)
    upgrade(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
        partial = {
            index["name"]
            for table in inspect(connection).get_table_names()
            for index in inspect(connection).get_indexes(table)
            if index["unique"] and index.get("dialect_options")
        }
    engine.dispose()
    assert differences == []
    assert "uq_process_instance_running" in partial
