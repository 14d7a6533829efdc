"""Engines with what this platform relies on, for SQLite and for PostgreSQL."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.pool import ConnectionPoolEntry

from storage.dialect import with_pipeline


def make_engine(url: str, **options: Any) -> Engine:  # Any: passed through to SQLAlchemy
    """An engine with what this platform relies on. SQLite: WAL, foreign keys, 10 s busy timeout. PostgreSQL: autocommit.

    On PostgreSQL each statement outside of transaction() sees what is committed, as READ COMMITTED has it anyway, with no
    BEGIN before it and no ROLLBACK after it. Give a connection `isolation_level="READ COMMITTED"` for one by hand.
    """
    place = make_url(url)
    if place.get_backend_name() == "postgresql":
        return create_engine(with_pipeline(place), isolation_level="AUTOCOMMIT", **options)
    engine = create_engine(place, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event below sends BEGIN itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later is refused with BUSY_SNAPSHOT: writers take the lock at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
