"""Alembic's entry: runs the revisions on the engine it is handed (migrations.upgrade), or on the settings' own."""

from __future__ import annotations

from alembic import context

from config import load_settings
from database import Base, make_engine
from migrations.tables import every_table

every_table()
engine = context.config.attributes.get("engine") or make_engine(load_settings().database_url)

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
