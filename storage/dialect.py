"""SQLAlchemy on the connections of storage/pipeline.py.

    url = with_pipeline(make_url("postgresql+psycopg://…"))

SQLAlchemy's dialect for psycopg, with statements, savepoints and transactions sent as that module sends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import URL
from sqlalchemy.dialects import registry

from storage.commands import Row
from storage.pipeline import Connection
from storage.seam import PsycopgContext, PsycopgDialect

_PLAIN, _PIPELINE = "postgresql+psycopg", "postgresql+psycopg_pipeline"
registry.register("postgresql.psycopg_pipeline", __name__, "PipelineDialect")


def with_pipeline(url: URL) -> URL:
    """The same database by the dialect of this module; a URL of anything else as it is."""
    return url.set(drivername=_PIPELINE) if url.drivername == _PLAIN else url


def begin(connection: sqlalchemy.Connection) -> None:
    """Open a transaction on a connection in autocommit; the commit or rollback of SQLAlchemy's Connection ends it."""
    _driver_of(connection).control.begin()


def commit_unsynced(connection: sqlalchemy.Connection) -> None:
    """Have the commit of the open transaction answered before the disk has it (`synchronous_commit`)."""
    _driver_of(connection).control.commit_unsynced()


class Cursor:
    """What SQLAlchemy uses of DB-API 2.0. All rows are read when the statement has run."""

    arraysize = 1
    lastrowid = None

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self._rows: list[Row] = []
        self._next = 0

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        answer = self.connection.answer(statement, values) if values else self.connection.script(statement)
        self.description, self._rows, self.rowcount = answer.columns, answer.rows, answer.count
        self._next = 0

    def executemany(self, statement: str, many: Sequence[Sequence[Any]]) -> None:
        self.rowcount = self.connection.each(statement, many)

    def fetchone(self) -> Row | None:
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchmany(self, size: int | None = None) -> list[Row]:
        first, self._next = self._next, self._next + (size or self.arraysize)
        return self._rows[first : self._next]

    def fetchall(self) -> list[Row]:
        first, self._next = self._next, len(self._rows)
        return self._rows[first:] if first else self._rows

    def close(self) -> None:
        self._rows = []


class PipelineContext(PsycopgContext):
    def create_default_cursor(self) -> Any:  # Any: psycopg's cursor is one of DB-API 2.0 as well
        driver = _driver_of(self.root_connection)
        return Cursor(driver) if driver.autocommit else driver.cursor()


class PipelineDialect(PsycopgDialect):
    supports_statement_cache = True
    execution_ctx_cls = PipelineContext

    def __init__(self, **options: Any) -> None:
        super().__init__(paramstyle="numeric_dollar", **options)  # type: ignore[no-untyped-call]

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = Connection.connect(*args, **kwargs, cursor_factory=psycopg.RawCursor)
        connection.server_cursor_factory = psycopg.RawServerCursor
        return connection

    def do_savepoint(self, connection: sqlalchemy.Connection, name: str) -> None:
        _driver_of(connection).control.savepoint(name)

    def do_release_savepoint(self, connection: sqlalchemy.Connection, name: str) -> None:
        _driver_of(connection).control.release(name)

    def do_rollback_to_savepoint(self, connection: sqlalchemy.Connection, name: str) -> None:
        _driver_of(connection).control.rollback_to(name)


def _driver_of(connection: sqlalchemy.Connection) -> Connection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, Connection)
    return driver
