"""Writing what one transaction did to a case: journal, case row, activities, waits, search hashes.

PostgreSQL takes all of it in one statement (rows as JSON, data-modifying CTEs), so that a step costs one round trip beside
the lock; elsewhere each table is a statement of its own. tests/engine/cases/test_saving.py holds both to the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, insert, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from engine.cases.journal import JOURNAL
from engine.model.instance import Activity, SearchVariable
from engine.model.tables import CASE, WAITING
from storage.deferred_rows import (
    NewRow,
    Target,
    as_json,
    flush_deferred_inserts,
    inserted,
    inserting,
    json_of,
    take_deferred_inserts,
)
from storage.statements import Statement

ACTIVITY = cast(Table, Activity.__table__)
SEARCH = cast(Table, SearchVariable.__table__)


@dataclass(frozen=True, slots=True)
class StepRows:
    """case: new values of the case's row, the whole row where `is_new`. seen: the revision it was locked at.

    closings: address, state, closed_at, closed_by of waits that end; opened: whole rows of `waiting`.
    """

    case_id: str
    seen: int
    case: NewRow
    journal: Sequence[NewRow]
    activities: Sequence[NewRow]
    closings: Sequence[NewRow]
    opened: Sequence[NewRow]
    search: Sequence[NewRow]
    is_new: bool = False


def save_rows(session: Session, rows: StepRows) -> bool:
    """Write them, and what was put off until now; False, and nothing may be committed, where the case is no longer at `seen`.

    PostgreSQL writes the steps of a case that was there with the commit, which fails in place of False. Raises IntegrityError
    for a new case that the index of running cases refuses.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _save_at_once(connection, rows, take_deferred_inserts(session))
        return True
    flush_deferred_inserts(session)
    return _save_one_by_one(connection, rows)


def insert_case(session: Session, row: NewRow) -> None:
    """The row of a case to which others refer before its first step is saved. Raises IntegrityError as save_rows()."""
    flush_deferred_inserts(session)
    session.connection().execute(_INSERT, row)


# --- one statement a table

_INSERT = insert(CASE)
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
    saved = _save_case(connection, rows)
    connection.execute(_APPEND, rows.journal)
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
    return saved


def _save_case(connection: Connection, rows: StepRows) -> bool:
    if rows.is_new:
        connection.execute(_INSERT, rows.case)
        return True
    values = {f"new_{name}": value for name, value in rows.case.items()}
    return connection.execute(_SAVE, {"one": rows.case_id, "seen": rows.seen, **values}).rowcount == 1


# --- all tables in one statement


_UPDATED = "ON CONFLICT ({key}) DO UPDATE SET {changed}"
_ACTIVITY_CONFLICT = _UPDATED.format(key="case_id, address", changed="left_at = excluded.left_at, how = excluded.how")
_SEARCH_CONFLICT = _UPDATED.format(key="case_id, name", changed="hash = excluded.hash")

_UPDATE_CASE = f"""
  UPDATE {CASE.name} SET state = :state, outcome = :outcome, revision = :revision, snapshot = :snapshot, head = :head,
    last_at = :last_at, ended_at = :ended_at
  WHERE id = :case_id AND revision = :seen RETURNING 1
"""  # noqa: S608 - names of our own tables and columns
_CLOSE_WAITS = f"""
  UPDATE {WAITING.name} AS open SET state = closing.state, closed_at = closing.closed_at, closed_by = closing.closed_by,
    draft = NULL
  FROM json_to_recordset(CAST(:closings AS json))
    AS closing(address text, state text, closed_at timestamptz, closed_by text)
  WHERE open.case_id = :case_id AND open.address = closing.address AND open.closed_at IS NULL
"""  # noqa: S608 - as above
_REOPEN = Statement(text(inserted(WAITING, "opened")))


@cache
def _all_at_once(parts: frozenset[str], more: tuple[Target, ...]) -> Statement:
    """One statement that writes these parts of a step and rows for these other tables."""
    # Parts of one statement see the state before it: a wait that is opened at an address which another part closes would
    # meet the open row in the unique index. Such rows come in a statement of their own.
    written = {
        "new_case": inserted(CASE, "new_case") + " RETURNING 1",
        "case": _UPDATE_CASE,
        "journal": inserted(JOURNAL, "journal"),
        "activities": inserted(ACTIVITY, "activities", _ACTIVITY_CONFLICT),
        "closings": _CLOSE_WAITS,
        "opened": inserted(WAITING, "opened"),
        "search": inserted(SEARCH, "search", _SEARCH_CONFLICT),
    }
    expressions = [f"{name}_part AS ({sql})" for name, sql in written.items() if name in parts] + inserting(more)
    saved = "new_case_part" if "new_case" in parts else "case_part"
    # The division fails where the case is no longer as it was seen: nothing of it may be committed.
    return Statement(text(f"WITH {', '.join(expressions)} SELECT 1 / count(*) FROM {saved}"))  # noqa: S608 - as above


def _save_at_once(connection: Connection, rows: StepRows, more: dict[Target, list[NewRow]]) -> None:
    closed = {closing["address"] for closing in rows.closings}
    reopened = [row for row in rows.opened if row["address"] in closed]
    opened = [row for row in rows.opened if row["address"] not in closed] if reopened else rows.opened
    lists = {
        "journal": rows.journal,
        "activities": rows.activities,
        "closings": rows.closings,
        "opened": opened,
        "search": rows.search,
        "new_case": [rows.case] if rows.is_new else [],
    }
    given: dict[str, Any] = {name: as_json(found) for name, found in lists.items() if found}
    parts = frozenset(given) if rows.is_new else frozenset(given) | {"case"}
    given |= {"case_id": rows.case_id} | ({} if rows.is_new else {"seen": rows.seen, **rows.case}) | json_of(more)
    statement = _all_at_once(parts, tuple(more))
    if rows.is_new:
        statement.run(connection, given)  # whoever starts a case hears at once that it has one running
    else:
        statement.run_deferred(connection, given)
    if reopened:
        _REOPEN.run_deferred(connection, {"opened": as_json(reopened)})
