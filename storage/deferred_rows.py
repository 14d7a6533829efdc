"""Rows that nobody in the transaction reads before the commit: written together, at no round trip of their own.

    defer_insert(session, NOTICE, row)      # the caller goes on
    flush_deferred_inserts(session)         # for who must know now whether a unique index refuses it

Whoever writes anyway takes them along (engine/cases/saving.py, one statement on PostgreSQL); the commit writes what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Table, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.columns import Base
from storage.statements import Statement
from storage.transactions import before_commit, nested

NewRow = Mapping[str, Any]  # Any: column values
_DEFERRED = "rows to insert"  # in session.info


@dataclass(frozen=True, slots=True)
class Target:
    """Where a row goes. unless_there: a row that a unique index refuses is left out instead of refused."""

    table: Table
    unless_there: bool = False


Taken = list[tuple[Target, NewRow]]


def defer_insert(session: Session, table: Table, row: NewRow, *, unless_there: bool = False) -> None:
    """Have `row` inserted with what else this transaction writes. Nothing in it can read the row before flush_deferred_inserts().

    row: a value for every column that may not be NULL.
    """
    session.info.setdefault(_DEFERRED, []).append((Target(table, unless_there), row))


def flush_deferred_inserts(session: Session, *, with_next: bool = False) -> None:
    """Write what defer_insert() took; one statement on PostgreSQL, one a table elsewhere. Raises IntegrityError.

    with_next: for who asks something else at once, which then raises it.
    """
    targets = take_deferred_inserts(session)
    if not targets:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql" and (with_next or len(targets) > 1):
        together = _together(tuple(targets))
        (together.run_with_next if with_next else together.run)(connection, json_of(targets))
        return
    for target, rows in targets.items():
        connection.execute(_statement(target, connection.dialect.name), rows)


def take_deferred_inserts(session: Session) -> dict[Target, list[NewRow]]:
    """What defer_insert() took since it was last asked, by table, what is referred to first. Whoever asks has to write it."""
    taken: Taken = session.info.pop(_DEFERRED, [])
    found: dict[Target, list[NewRow]] = {}
    for target, row in taken:
        found.setdefault(target, []).append(row)
    return found if len(found) < 2 else dict(sorted(found.items(), key=lambda each: _place(each[0].table)))


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """What the block wrote is undone when it raises, deferred rows too. A block without a statement costs none."""
    kept = len(session.info.get(_DEFERRED, ()))
    try:
        with nested(session):
            yield
    except BaseException:
        del session.info.get(_DEFERRED, [])[kept:]
        raise


@before_commit
def _insert_what_is_left(session: Session) -> None:
    if not session.in_nested_transaction():  # the event comes at the end of a savepoint, too
        flush_deferred_inserts(session)


# --- statements


def inserting(targets: Iterable[Target]) -> list[str]:
    """PostgreSQL: common table expressions that insert the rows that json_of() gives for these targets."""
    return [f"{_name(target)} AS ({inserted(target.table, _name(target), _clause(target))})" for target in targets]


def inserted(table: Table, given: str, conflict: str = "") -> str:
    """PostgreSQL: an INSERT of the rows in the JSON array that the parameter `given` holds."""
    columns = ", ".join(column.name for column in table.columns)
    rows = f"json_populate_recordset(NULL::{table.name}, CAST(:{given} AS json))"
    return f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {rows} {conflict}"  # noqa: S608 - names of our own


def json_of(targets: Mapping[Target, Sequence[NewRow]]) -> dict[str, str]:
    return {_name(target): as_json(rows) for target, rows in targets.items()}


def as_json(rows: Sequence[NewRow]) -> str:
    return orjson.dumps(rows, default=_bytea).decode()


def _bytea(value: object) -> str:
    """Bytes as PostgreSQL writes them. Raises TypeError for anything else orjson does not know."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(type(value).__name__)


@cache
def _together(targets: tuple[Target, ...]) -> Statement:
    return Statement(text(f"WITH {', '.join(inserting(targets))} SELECT 1"))


@cache
def _statement(target: Target, dialect: str) -> Any:  # Any: SQLAlchemy's Insert of a dialect
    if not target.unless_there:
        return insert(target.table)
    made = postgresql.insert(target.table) if dialect == "postgresql" else sqlite.insert(target.table)
    return made.on_conflict_do_nothing()


def _name(target: Target) -> str:
    return f"new_{target.table.name}" + ("_unless_there" if target.unless_there else "")


def _clause(target: Target) -> str:
    return "ON CONFLICT DO NOTHING" if target.unless_there else ""


@cache
def _place(table: Table) -> int:
    return list(Base.metadata.sorted_tables).index(table)
