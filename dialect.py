"""PostgreSQL by psycopg, with BEGIN, COMMIT, ROLLBACK and savepoints sent straight through libpq.

    url = with_short_control(make_url("postgresql+psycopg://…"))

SQLAlchemy sends a savepoint as it sends a query: compiled, looked up, bound, prepared, 0.17 ms of Python each; libpq takes the
same words in 0.03 ms. And psycopg forgets every prepared statement of a connection at its own rollback(), though the server
keeps them: after each refused command the connection's plans would be made anew.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import URL, Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_PLAIN, _SHORT = "postgresql+psycopg", "postgresql+psycopg_short"
registry.register("postgresql.psycopg_short", __name__, "ShortControl")


def with_short_control(url: URL) -> URL:
    """The same database by the dialect of this module; a URL of anything else as it is."""
    return url.set(drivername=_SHORT) if url.drivername == _PLAIN else url


def begin(connection: Connection) -> None:
    """Open a transaction on a connection in autocommit; the commit or rollback of SQLAlchemy's Connection ends it."""
    if not _sent(_driver(connection), b"BEGIN"):
        connection.exec_driver_sql("BEGIN")  # fails as well, as an error of SQLAlchemy's


class ShortControl(PGDialect_psycopg):
    """What fails here is sent again the long way, whose error SQLAlchemy wraps and whose broken connection it drops."""

    supports_statement_cache = True

    def do_savepoint(self, connection: Connection, name: str) -> None:
        if not _sent(_driver(connection), b"SAVEPOINT " + name.encode()):
            super().do_savepoint(connection, name)  # type: ignore[no-untyped-call]

    def do_release_savepoint(self, connection: Connection, name: str) -> None:
        if not _sent(_driver(connection), b"RELEASE SAVEPOINT " + name.encode()):
            super().do_release_savepoint(connection, name)  # type: ignore[no-untyped-call]

    def do_commit(self, dbapi_connection: Any) -> None:  # Any: psycopg's connection or the pool's proxy of it
        pgconn = dbapi_connection.pgconn
        if pgconn.transaction_status == TransactionStatus.IDLE:
            return
        result = pgconn.exec_(b"COMMIT")
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        if result.command_status == b"ROLLBACK":
            # So PostgreSQL answers after a statement that failed, and psycopg takes it for a success.
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back instead of committed")

    def do_rollback(self, dbapi_connection: Any) -> None:  # Any: as above
        if dbapi_connection.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        if not _sent(dbapi_connection, b"ROLLBACK"):
            super().do_rollback(dbapi_connection)  # type: ignore[no-untyped-call]


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _sent(driver: psycopg.Connection[Any], command: bytes) -> bool:
    try:
        return driver.pgconn.exec_(command).status == ExecStatus.COMMAND_OK
    except psycopg.OperationalError:  # closed
        return False
