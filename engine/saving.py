"""Writing what one transaction did to a case: journal, case row, activities, waits, search hashes.

PostgreSQL takes all of it in one statement (rows as JSON, data-modifying CTEs), so that a step costs one round trip beside
the lock; elsewhere each table is a statement of its own. tests/engine/test_saving.py holds both to the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Table, TextClause, bindparam, insert, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from engine.journal import JOURNAL
from engine.model.instance import Activity, Case, SearchVariable
from engine.model.waiting import Waiting

CASE = cast(Table, Case.__table__)
WAITING = cast(Table, Waiting.__table__)
ACTIVITY = cast(Table, Activity.__table__)
SEARCH = cast(Table, SearchVariable.__table__)

Row = Mapping[str, Any]  # Any: column values


@dataclass(frozen=True, slots=True)
class StepRows:
    """case: new values of the case's row. seen: the revision it was locked at.

    closings: address, state, closed_at, closed_by of waits that end; opened: whole rows of `waiting`.
    """

    case_id: str
    seen: int
    case: Row
    journal: Sequence[Row]
    activities: Sequence[Row]
    closings: Sequence[Row]
    opened: Sequence[Row]
    search: Sequence[Row]


def save_rows(session: Session, rows: StepRows) -> bool:
    """Write them; False, and nothing may be committed, where the case is no longer at `seen`."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return _save_at_once(connection, rows)
    return _save_one_by_one(connection, rows)


# --- one statement a table

_APPEND = insert(JOURNAL)
_OPEN = insert(WAITING)
_SAVE = (
    update(CASE)
    .where(CASE.c.id == bindparam("one"), CASE.c.revision == bindparam("seen"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "outcome", "revision", "snapshot", "head")})
    .values(last_at=bindparam("new_last_at"), ended_at=bindparam("new_ended_at"))
)
_CLOSE = (
    update(WAITING)
    .where(
        WAITING.c.case_id == bindparam("in_case"),
        WAITING.c.address == bindparam("at_address"),
        WAITING.c.closed_at.is_(None),
    )
    .values(
        state=bindparam("new_state"),
        closed_at=bindparam("new_closed_at"),
        closed_by=bindparam("new_closed_by"),
        draft=None,
    )
)


def _upsert(table: Table, *changed: str) -> Any:  # Any: SQLAlchemy's Insert of the dialect
    statement = sqlite.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in changed}
    )


_ACTIVITIES = _upsert(ACTIVITY, "left_at", "how")
_SEARCH = _upsert(SEARCH, "hash")


def _save_one_by_one(connection: Connection, rows: StepRows) -> bool:
    connection.execute(_APPEND, rows.journal)
    saved = connection.execute(
        _SAVE, {"one": rows.case_id, "seen": rows.seen, **{f"new_{k}": v for k, v in rows.case.items()}}
    )
    if rows.activities:
        connection.execute(_ACTIVITIES, rows.activities)
    if rows.closings:
        closings = [
            {"in_case": rows.case_id, "at_address": closing["address"]}
            | {f"new_{name}": closing[name] for name in ("state", "closed_at", "closed_by")}
            for closing in rows.closings
        ]
        connection.execute(_CLOSE, closings)
    if rows.opened:
        connection.execute(_OPEN, rows.opened)
    if rows.search:
        connection.execute(_SEARCH, rows.search)
    return saved.rowcount == 1


# --- all tables in one statement


def _inserted(table: Table, given: str, conflict: str = "") -> str:
    columns = ", ".join(column.name for column in table.columns)
    rows = f"jsonb_populate_recordset(NULL::{table.name}, CAST(:{given} AS jsonb))"
    return f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {rows} {conflict}"  # noqa: S608 - as below


_UPDATED = "ON CONFLICT ({key}) DO UPDATE SET {changed}"
_ACTIVITY_CONFLICT = _UPDATED.format(key="case_id, address", changed="left_at = excluded.left_at, how = excluded.how")
_SEARCH_CONFLICT = _UPDATED.format(key="case_id, name", changed="hash = excluded.hash")

# Parts of one statement see the state before it: a wait that is opened at an address which another part closes would
# meet the open row in the unique index. Such rows come in a statement of their own.
_ALL = f"""
WITH written AS ({_inserted(JOURNAL, "journal")}),
saved AS (
  UPDATE {CASE.name} SET state = :state, outcome = :outcome, revision = :revision, snapshot = :snapshot, head = :head,
    last_at = :last_at, ended_at = :ended_at
  WHERE id = :case_id AND revision = :seen RETURNING 1
),
entered AS ({_inserted(ACTIVITY, "activities", _ACTIVITY_CONFLICT)}),
closed AS (
  UPDATE {WAITING.name} AS open SET state = closing.state, closed_at = closing.closed_at, closed_by = closing.closed_by,
    draft = NULL
  FROM jsonb_to_recordset(CAST(:closings AS jsonb))
    AS closing(address text, state text, closed_at timestamptz, closed_by text)
  WHERE open.case_id = :case_id AND open.address = closing.address AND open.closed_at IS NULL
),
opened AS ({_inserted(WAITING, "opened")}),
found AS ({_inserted(SEARCH, "search", _SEARCH_CONFLICT)})
SELECT count(*) FROM saved
"""  # noqa: S608 - names of our own tables and columns

_SAVE_ALL: TextClause = text(_ALL)
_REOPEN = text(_inserted(WAITING, "opened"))


def _save_at_once(connection: Connection, rows: StepRows) -> bool:
    closed = {closing["address"] for closing in rows.closings}
    reopened = [row for row in rows.opened if row["address"] in closed]
    opened = [row for row in rows.opened if row["address"] not in closed] if reopened else rows.opened
    saved = connection.execute(
        _SAVE_ALL,
        {
            "case_id": rows.case_id,
            "seen": rows.seen,
            **rows.case,
            "journal": _json(rows.journal),
            "activities": _json(rows.activities),
            "closings": _json(rows.closings),
            "opened": _json(opened),
            "search": _json(rows.search),
        },
    ).scalar_one()
    if reopened:
        connection.execute(_REOPEN, {"opened": _json(reopened)})
    return bool(saved)


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows, default=_bytea).decode()


def _bytea(value: object) -> str:
    """Bytes as PostgreSQL writes them. Raises TypeError for anything else orjson does not know."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(type(value).__name__)
