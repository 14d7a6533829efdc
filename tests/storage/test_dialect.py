"""How a transaction begins and ends on PostgreSQL: what was prepared outlives a refusal, and nothing is committed half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Row, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, InternalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from engine.model.tables import CASE
from storage.columns import new_id
from storage.deferred_rows import savepoint
from storage.engines import make_engine
from storage.transactions import session_factory, transaction

OUTCOME = select(CASE.c.outcome).where(CASE.c.id == "somebody's")
PREPARED = text(
    "SELECT generic_plans + custom_plans AS plans FROM pg_prepared_statements WHERE statement LIKE '%outcome%'"
)
KEPT = text("SELECT what FROM kept ORDER BY what")


@pytest.fixture
def writing(postgres_url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on one connection, and an empty table `kept`."""
    engine = make_engine(postgres_url, pool_size=1, max_overflow=0)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (what text PRIMARY KEY)")
        connection.exec_driver_sql("TRUNCATE kept")
    yield session_factory(engine)
    engine.dispose()


def keep(session: Session, what: str) -> None:
    session.execute(text("INSERT INTO kept VALUES (:what)"), {"what": what})


def kept(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return list(session.scalars(KEPT))


def plans_of_outcome(sessions: sessionmaker[Session]) -> Row[tuple[int]] | None:
    with sessions() as session:
        return session.execute(PREPARED).one_or_none()


def test_a_refused_command_leaves_the_connections_plans(postgres_store, writing):
    for _ in range(8):
        with transaction(writing) as session:
            session.execute(OUTCOME)
    before = plans_of_outcome(writing)

    with pytest.raises(KeyError):
        keep_and_fail(writing, "refused")
    with transaction(writing) as session:
        session.execute(OUTCOME)

    after = plans_of_outcome(writing)
    assert before is not None
    assert after is not None, "the statement would have to be prepared anew"
    assert after.plans == before.plans + 1


def test_a_transaction_keeps_all_or_nothing(writing):
    with transaction(writing) as session:
        keep(session, "first")
        keep(session, "second")
    with pytest.raises(KeyError):
        keep_and_fail(writing, "third")

    assert kept(writing) == ["first", "second"]


def test_a_savepoint_undoes_its_own_rows_only(writing):
    with transaction(writing) as session:
        keep(session, "before")
        for name in ("one", "two"):
            with suppress(KeyError), savepoint(session):
                keep(session, f"outer {name}")
                with suppress(KeyError), savepoint(session):
                    keep(session, f"inner {name}")
                    raise KeyError(name)
                if name == "two":
                    raise KeyError(name)
        keep(session, "after")

    assert kept(writing) == ["after", "before", "outer one"]


def test_a_refused_statement_in_a_savepoint_spoils_nothing(writing):
    with transaction(writing) as session:
        keep(session, "first")
        with pytest.raises(DBAPIError), savepoint(session):
            keep(session, "first")
        keep(session, "second")

    assert kept(writing) == ["first", "second"]


def test_a_failure_that_was_swallowed_is_no_success(writing):
    """PostgreSQL answers COMMIT with ROLLBACK here; whoever waits for the commit must hear of it."""
    with pytest.raises(InternalError):
        keep_and_swallow_a_failure(writing)

    assert kept(writing) == []


@pytest.mark.parametrize("moment", ["before it begins", "in a savepoint", "before the commit"])
def test_a_connection_that_is_cut_is_told_and_replaced(postgres_url, writing, moment):
    victim = backend(writing)

    with pytest.raises(DBAPIError) as told:
        keep_while_cut(writing, moment, lambda: cut(postgres_url, victim))

    assert told.value.connection_invalidated
    with transaction(writing) as session:
        keep(session, "again")
    assert kept(writing) == ["again"]
    assert backend(writing) != victim


def keep_and_fail(sessions: sessionmaker[Session], what: str) -> None:
    with transaction(sessions) as session:
        keep(session, what)
        raise KeyError(what)


def keep_and_swallow_a_failure(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        keep(session, "first")
        with suppress(ProgrammingError):
            session.execute(text("SELECT nonsense"))


def keep_while_cut(sessions: sessionmaker[Session], moment: str, cut_now: Callable[[], None]) -> None:
    if moment == "before it begins":
        cut_now()
    with transaction(sessions) as session:
        keep(session, "lost")
        if moment == "in a savepoint":
            with savepoint(session):
                keep(session, "lost too")
                cut_now()
        if moment == "before the commit":
            cut_now()


def backend(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.execute(select(func.pg_backend_pid())).scalar_one()


def cut(url: str, victim: int) -> None:
    other = create_engine(url, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(select(func.pg_terminate_backend(victim, 5000)))
    other.dispose()


def test_a_constraint_checked_at_the_commit_refuses_there(writing):
    """With the error of the database, as a statement would."""
    with writing() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS kept_later (what text UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        session.execute(text("TRUNCATE kept_later"))

    with pytest.raises(DBAPIError) as told:
        keep_twice_later(writing, new_id())

    assert told.value.orig.sqlstate == "23505"
    with writing() as session:
        assert session.execute(text("SELECT count(*) FROM kept_later")).scalar_one() == 0


def keep_twice_later(sessions: sessionmaker[Session], what: str) -> None:
    with transaction(sessions) as session:
        for _ in range(2):
            session.execute(text("INSERT INTO kept_later VALUES (:what)"), {"what": what})
