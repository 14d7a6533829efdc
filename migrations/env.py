"""Alembic's entry: runs the revisions on the engine it is handed (migrations.upgrade), or on the settings' own."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from config import load_settings
from migrations.tables import every_table
from storage.columns import Base, UtcTime
from storage.engines import make_engine

every_table()


def _own_type(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    """Our column types by their name, with their import."""
    if kind == "type" and isinstance(item, UtcTime):
        context.imports.add("from database import UtcTime")
        return "UtcTime()"
    return False


engine = context.config.attributes.get("engine") or make_engine(load_settings().database_url)

with engine.connect() as connection:
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED")  # all revisions or none
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=_own_type,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
