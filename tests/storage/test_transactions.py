"""transaction(): the same for objects of the ORM, for plain statements and for both, with savepoints and without."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, object_session

from engine.cases.journal import GENESIS
from engine.model.instance import Case, SearchVariable
from engine.model.tables import CASE
from storage.deferred_rows import defer_insert, savepoint
from storage.transactions import after_commit, transaction
from tests.engine.conftest import Store

SEARCH: Any = SearchVariable.__table__
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)


def a_case(case_id: str, definition: str, **values: Any) -> dict[str, Any]:
    return {
        "id": case_id, "flow_key": "f", "definition_id": definition, "state": "RUNNING", "outcome": None, "revision": 0,
        "started_by": case_id, "is_exclusive": False, "snapshot": b"", "head": GENESIS, "last_at": NOW, "created_at": NOW,
        "ended_at": None, "erased_at": None, **values,
    }  # fmt: skip


def cases(store: Store) -> list[str]:
    with store.sessions() as session:
        return list(session.scalars(select(CASE.c.id).order_by(CASE.c.id)))


def write(session: Session, way: str, case_id: str, definition: str) -> None:
    """A row by one of the ways there are."""
    row = a_case(case_id, definition)
    if way == "object":
        session.add(Case(**row))
    elif way == "statement":
        session.connection().execute(insert(CASE).values(row))
    elif way == "session's statement":
        session.execute(insert(CASE).values(row))
    else:
        defer_insert(session, CASE, row)


WAYS = ("object", "statement", "session's statement", "deferred")


@pytest.mark.parametrize("way", WAYS)
def test_what_was_written_is_there_when_the_block_ends(any_store, way):
    told: list[list[str]] = []
    definition = any_store.deploy()

    with transaction(any_store.sessions) as session:
        write(session, way, "case-1", definition)
        after_commit(session, lambda: told.append(cases(any_store)))

    assert told == [["case-1"]]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_there_when_the_block_raises(any_store, way):
    definition = any_store.deploy()

    with suppress(KeyError), transaction(any_store.sessions) as session:
        write(session, way, "case-1", definition)
        session.flush()
        raise KeyError(way)

    assert cases(any_store) == []


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_a_savepoint_that_fails_takes_its_own_rows_back(any_store, outer, inner):
    definition = any_store.deploy()

    with transaction(any_store.sessions) as session:
        write(session, outer, "before", definition)
        session.flush()
        with suppress(KeyError), savepoint(session):
            write(session, inner, "within", definition)
            session.flush()
            raise KeyError(inner)
        write(session, inner, "after", definition)

    assert cases(any_store) == ["after", "before"]


def test_objects_of_a_savepoint_that_failed_are_not_the_sessions_any_more(any_store):
    definition = any_store.deploy()
    lost = Case(**a_case("lost", definition))

    with transaction(any_store.sessions) as session:
        with suppress(KeyError), savepoint(session):
            session.add(lost)
            session.flush()
            raise KeyError("lost")
        assert object_session(lost) is None
        assert session.get(Case, "lost") is None


def test_an_object_seen_before_says_what_is_true_after_a_savepoint_failed(any_store):
    definition = any_store.deploy()
    with transaction(any_store.sessions) as session:
        session.add(Case(**a_case("case-1", definition)))

    with transaction(any_store.sessions) as session:
        seen = session.get(Case, "case-1")
        with suppress(KeyError), savepoint(session):
            seen.outcome = "lost"
            session.flush()
            raise KeyError("lost")

        assert seen.outcome is None


def test_a_refusal_by_the_database_in_a_savepoint_is_only_the_savepoints(any_store):
    definition = any_store.deploy()

    with transaction(any_store.sessions) as session:
        write(session, "statement", "case-1", definition)
        with pytest.raises(IntegrityError), savepoint(session):
            write(session, "object", "case-1", definition)
        write(session, "object", "case-2", definition)

    assert cases(any_store) == ["case-1", "case-2"]


def test_a_session_that_wrote_reads_and_writes_again(any_store):
    """A request's session lives longer than its transaction."""
    definition = any_store.deploy()
    session = any_store.sessions()
    for case_id in ("case-1", "case-2"):
        with transaction(lambda: session) as writing:
            write(writing, "object", case_id, definition)
        assert session.scalar(select(func.count()).select_from(CASE)) == int(case_id[-1])
        session.close()

    assert cases(any_store) == ["case-1", "case-2"]


def test_an_object_that_was_read_and_changed_is_written(any_store):
    definition = any_store.deploy()
    with transaction(any_store.sessions) as session:
        write(session, "deferred", "case-1", definition)

    with transaction(any_store.sessions) as session:
        session.connection().execute(update(CASE).values(revision=7))
        case = session.get(Case, "case-1")
        assert case.revision == 7
        case.outcome = "verified"

    with any_store.sessions() as session:
        assert session.get(Case, "case-1").outcome == "verified"
