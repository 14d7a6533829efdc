"""The seam: every part of SQLAlchemy and psycopg that the platform stands on and that they do not promise to keep.

Private by its underscore, or without one and described nowhere: nobody else in the sources touches such a part. An upgrade
that moves or changes one fails in tests/storage/test_seam.py, which says what each has to do. Here nothing is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import psycopg
from psycopg import adapt, generators
from psycopg.abc import Buffer, PQGen, Transformer
from psycopg.adapt import PyFormat
from psycopg.pq import Format
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGExecutionContext_psycopg
from sqlalchemy.engine.result import result_tuple

# --- SQLAlchemy

PsycopgDialect = PGDialect_psycopg
PsycopgContext = PGExecutionContext_psycopg  # asks its create_default_cursor() for the cursor of each statement


def raise_wrapped(connection: Connection, error: BaseException, statement: str, values: Sequence[Any]) -> NoReturn:
    """Raise what SQLAlchemy raises for this error of the driver, and drop a connection that is broken. In an `except`."""
    connection._handle_dbapi_exception(error, statement, values, None, None)


def tell_listeners(connection: Connection, statement: str, values: Sequence[Any]) -> None:
    """Have who listens to SQLAlchemy's before_cursor_execute hear of a statement that passes its execution by.

    The cursor and the context that they are given are None; what they return is not looked at.
    """
    if not (connection._has_events or connection.engine._has_events):
        return
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, None, statement, values, None, False)


def row_maker(names: Sequence[str]) -> Callable[[Any], Row[*tuple[Any, ...]]]:
    """What makes SQLAlchemy's rows, with columns of these names, of the values of each."""
    return result_tuple(names)


# --- psycopg


def adaptation_of(connection: psycopg.Connection[Any]) -> Transformer:
    """What turns values into those of the connection's server and back. For one thread at a time."""
    return adapt.Transformer(connection)


def dump(
    adaptation: Transformer, values: Sequence[Any]
) -> tuple[Sequence[Buffer | None], Sequence[int], Sequence[Format]]:
    """The values as PostgreSQL takes them, the oids of their types, the format of each."""
    dumped = adaptation.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return dumped, adaptation.types or (), adaptation.formats or ()


def load(adaptation: Transformer, result: PGresult) -> list[tuple[Any, ...]]:
    adaptation.set_pgresult(result)
    return adaptation.load_rows(0, result.ntuples, tuple)


def results_of_query(connection: psycopg.Connection[Any]) -> list[PGresult]:
    """Wait for the results of what `connection.pgconn` was just given to send. May be interrupted, then nothing is read."""
    return connection.wait(generators.execute(connection.pgconn))


def results_of_pipeline(connection: psycopg.Connection[Any], commands: int) -> list[PGresult]:
    """As results_of_query(), in pipeline mode: one result of each command up to its synchronisation."""
    return connection.wait(_one_each(connection.pgconn, commands))


def _one_each(pgconn: Any, commands: int) -> PQGen[list[PGresult]]:
    yield from generators.send(pgconn)
    found: list[PGresult] = []
    for _ in range(commands):
        found += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # the synchronisation's own
    return found


def error_of(result: PGresult) -> psycopg.Error:
    """The exception for a result that is a failure, of the class of its SQLSTATE."""
    return psycopg.errors.error_from_result(result)
