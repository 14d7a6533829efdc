"""Rows deferred until the transaction writes the rest: who sees them when, and what undoes them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage import vault
from storage.deferred_rows import defer_insert, flush_deferred_inserts, savepoint
from tests.engine.conftest import NOW, Store

KEY = cast(Table, vault.DataKey.__table__)


def a_row(owner: str) -> dict[str, Any]:
    return {"owner": owner, "wrapped": b"\x00\\x", "algorithm": "none", "created_at": NOW, "destroyed_at": None}


def owners(session: Session) -> set[str]:
    return set(session.execute(select(KEY.c.owner)).scalars())


def test_a_deferred_row_is_there_after_the_commit(any_store: Store) -> None:
    with any_store.writing() as session:
        defer_insert(session, KEY, a_row("deferred"))

        assert owners(session) == set()

    with any_store.sessions() as session:
        row = session.execute(select(KEY)).one()
        assert (row.owner, row.wrapped, row.created_at) == ("deferred", b"\x00\\x", NOW)


def test_a_deferred_row_can_be_read_once_it_is_asked_for(any_store: Store) -> None:
    with any_store.writing() as session:
        defer_insert(session, KEY, a_row("now"))
        flush_deferred_inserts(session)

        assert owners(session) == {"now"}


def test_a_savepoint_that_fails_takes_its_rows_along(any_store: Store) -> None:
    with any_store.writing() as session:
        defer_insert(session, KEY, a_row("before"))
        with pytest.raises(ZeroDivisionError):
            fail(session)
        defer_insert(session, KEY, a_row("after"))

    with any_store.sessions() as session:
        assert owners(session) == {"before", "after"}


def fail(session: Session) -> None:
    with savepoint(session):
        defer_insert(session, KEY, a_row("inside"))
        raise ZeroDivisionError


def test_a_transaction_that_fails_leaves_nothing_to_write_for_the_next(any_store: Store) -> None:
    with pytest.raises(ZeroDivisionError), any_store.writing() as session:
        fail(session)

    with any_store.writing() as session:
        assert session.scalar(select(func.count()).select_from(KEY)) == 0


def test_a_row_that_is_there_is_refused_or_left_out(any_store: Store) -> None:
    with any_store.writing() as session:
        defer_insert(session, KEY, a_row("once"))

    with any_store.writing() as session:
        defer_insert(session, KEY, a_row("once"), unless_there=True)
        defer_insert(session, KEY, a_row("twice"), unless_there=True)
        flush_deferred_inserts(session)
        assert owners(session) == {"once", "twice"}

    with pytest.raises(IntegrityError):
        defer_and_commit(any_store, "once")


def defer_and_commit(store: Store, owner: str) -> None:
    with store.writing() as session:
        defer_insert(session, KEY, a_row(owner))


def test_rows_of_a_step_are_written_in_the_statement_that_saves_it(postgres_store: Store) -> None:
    postgres_store.deploy()

    case_id = postgres_store.start()

    with postgres_store.sessions() as session:
        # The key of the case was deferred: it came with the case, its journal and what it waits for.
        assert owners(session) == {f"case:{case_id}"}


def test_rows_of_one_table_can_go_with_what_is_asked_next(postgres_store: Store) -> None:
    with postgres_store.writing() as session:
        defer_insert(session, KEY, a_row("first"))
        defer_insert(session, KEY, a_row("second"))
        flush_deferred_inserts(session, with_next=True)

        assert owners(session) == {"first", "second"}


def test_a_row_that_goes_with_what_is_asked_next_is_refused_there(postgres_store: Store) -> None:
    with postgres_store.writing() as session:
        defer_insert(session, KEY, a_row("there"))
    with postgres_store.sessions() as session:
        defer_insert(session, KEY, a_row("there"))
        flush_deferred_inserts(session, with_next=True)

        with pytest.raises(IntegrityError):
            owners(session)
