"""Sessions that only read: on PostgreSQL they open no transaction, and what a connection has prepared stays prepared."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update

from engine.model.tables import CASE
from tests.engine.conftest import Store

BY_ID = select(CASE.c.state).where(CASE.c.id == "somebody's")


def read(store: Store, times: int) -> None:
    for _ in range(times):
        with store.sessions() as session:
            session.execute(BY_ID).all()


def prepared(store: Store) -> list[str]:
    with store.sessions() as session:
        return [row.statement for row in session.execute(text("SELECT statement FROM pg_prepared_statements"))]


def test_a_statement_read_often_is_planned_once(postgres_store):
    postgres_store.engine.dispose()  # one fresh connection

    read(postgres_store, 7)

    assert [sql for sql in prepared(postgres_store) if "process_instance" in sql]


def test_a_reader_begins_and_ends_nothing(postgres_store):
    with postgres_store.sessions() as session:
        session.execute(BY_ID).all()
        driver = session.connection().connection.dbapi_connection

        assert driver.info.transaction_status.name == "IDLE"


def test_what_one_transaction_wrote_is_gone_when_it_fails(any_store):
    any_store.deploy()
    case_id = any_store.start()

    with pytest.raises(KeyError):
        change_and_fail(any_store, case_id)

    with any_store.sessions() as session:
        assert session.execute(select(CASE.c.outcome).where(CASE.c.id == case_id)).scalar_one() is None


def change_and_fail(store: Store, case_id: str) -> None:
    with store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == case_id).values(outcome="lost"))
        raise KeyError(case_id)
