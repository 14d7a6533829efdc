"""Statements that are built once give what SQLAlchemy gives, on SQLite and, past it, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import (
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    event,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from storage.columns import UtcTime
from storage.deferred_rows import savepoint
from storage.engines import make_engine
from storage.statements import Statement
from storage.transactions import session_factory, transaction

METADATA = MetaData()
SIGNING = Table(
    "signing",
    METADATA,
    Column("who", String(20), primary_key=True),
    Column("signed_at", UtcTime),
    Column("seal", LargeBinary),
)
NOON = datetime(2026, 11, 30, 4, 0, 0, 250, tzinfo=UTC)
KEEP = Statement(insert(SIGNING).values(who=bindparam("who"), signed_at=bindparam("signed_at"), seal=b"\0seal"))
KEPT = Statement(
    select(SIGNING, literal("signed").label("how")).where(SIGNING.c.signed_at <= bindparam("until")).order_by("who")
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[Engine]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'signings.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    made = make_engine(url)
    METADATA.drop_all(made)
    METADATA.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return session_factory(engine)


def keep(session: Session, who: str) -> None:
    KEEP.run(session.connection(), {"who": who, "signed_at": NOON})


def test_rows_are_those_of_sqlalchemy(sessions):
    with transaction(sessions) as session:
        for who in ("李四", "张三"):
            keep(session, who)

    with sessions() as session:
        for _ in range(5):  # plainly, prepared, in binary
            found = KEPT.all(session.connection(), {"until": NOON})
            known = session.execute(KEPT.core, {"until": NOON}).all()
            assert [row._mapping for row in found] == [row._mapping for row in known]
        assert (found[0].how, found[0].signed_at, found[0].seal) == ("signed", NOON, b"\0seal")
        assert KEPT.all(session.connection(), {"until": NOON.replace(year=2000)}) == []


def test_one_row_is_asked_for_where_there_is_one(sessions):
    one = Statement(select(SIGNING.c.who).where(SIGNING.c.who == bindparam("who")))
    count = Statement(text("SELECT count(*) AS signed FROM signing WHERE who <> :who"))
    with transaction(sessions) as session:
        keep(session, "张三")

    with sessions() as session:
        connection = session.connection()
        assert one.one_or_none(connection, {"who": "张三"}).who == "张三"
        assert one.one_or_none(connection, {"who": "李四"}) is None
        assert count.one(connection, {"who": "李四"}).signed == 1


def test_a_time_without_an_offset_is_refused(sessions):
    with pytest.raises((ValueError, StatementError)), transaction(sessions) as session:
        KEEP.run(session.connection(), {"who": "张三", "signed_at": NOON.replace(tzinfo=None)})


def test_what_the_database_refuses_is_the_error_of_sqlalchemy(sessions):
    with transaction(sessions) as session:
        keep(session, "张三")

    with transaction(sessions) as session:
        with pytest.raises(IntegrityError) as refused, savepoint(session):
            keep(session, "张三")
        keep(session, "李四")

    assert "signing" in refused.value.statement
    assert signed(sessions) == ["张三", "李四"]


def test_what_is_deferred_is_there_for_who_asks_next(sessions):
    with transaction(sessions) as session:
        KEEP.run_deferred(session.connection(), {"who": "张三", "signed_at": NOON})
        assert session.scalars(select(SIGNING.c.who)).all() == ["张三"]

    assert signed(sessions) == ["张三"]


def test_what_is_deferred_and_refused_keeps_nothing(sessions):
    with transaction(sessions) as session:
        keep(session, "张三")

    with pytest.raises(IntegrityError):
        keep_and_defer_a_repetition(sessions)

    assert signed(sessions) == ["张三"]


def test_what_is_asked_behind_another_sees_what_that_one_did(sessions):
    with transaction(sessions) as session:
        signed = KEPT.ask_behind(session.connection(), {"until": NOON})
        KEEP.run(session.connection(), {"who": "Zhou", "signed_at": NOON})

        assert [(row.who, row.how) for row in signed()] == [("Zhou", "signed")]


def test_what_is_asked_behind_nothing_is_asked_when_its_rows_are(sessions):
    with transaction(sessions) as session:
        signed = KEPT.ask_behind(session.connection(), {"until": NOON})

        assert list(signed()) == []


def test_within_a_savepoint_nothing_is_deferred(sessions):
    """Whoever leaves the savepoint hears what was refused in it."""
    with transaction(sessions) as session:
        keep(session, "张三")
        with pytest.raises(IntegrityError), savepoint(session):
            KEEP.run_deferred(session.connection(), {"who": "张三", "signed_at": NOON})

    assert signed(sessions) == ["张三"]


def test_whoever_listens_to_statements_hears_of_these(engine, sessions):
    heard = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: heard.append(statement))

    with transaction(sessions) as session:
        keep(session, "张三")
        KEEP.run_deferred(session.connection(), {"who": "李四", "signed_at": NOON})

    assert sum("INSERT INTO signing" in statement for statement in heard) == 2


def test_a_statement_that_expands_a_list_is_no_statement_of_these(postgres_url):
    engine = make_engine(postgres_url)
    several = Statement(select(SIGNING.c.who).where(SIGNING.c.who.in_(bindparam("who", expanding=True))))

    with engine.connect() as connection, pytest.raises(AssertionError, match="expanded"):
        several.all(connection, {"who": ["张三"]})
    engine.dispose()


def test_changed_rows_come_back_where_they_are_asked_for(sessions):
    moved = Statement(
        update(SIGNING)
        .where(SIGNING.c.who == bindparam("from_who"))
        .values(who=bindparam("to_who"))
        .returning(SIGNING.c.who, SIGNING.c.signed_at)
    )
    with transaction(sessions) as session:
        keep(session, "张三")
        row = moved.one_or_none(session.connection(), {"from_who": "张三", "to_who": "李四"})

    assert tuple(row) == ("李四", NOON)


def test_a_broken_connection_is_dropped_from_the_pool(postgres_url):
    engine = make_engine(postgres_url)
    one = Statement(text("SELECT pg_backend_pid() AS pid WHERE :yes"))
    with engine.connect() as connection:
        victim = one.one(connection, {"yes": True}).pid
        with engine.connect() as other:
            other.execute(select(func.pg_terminate_backend(victim, 5000)))
        with pytest.raises(DBAPIError) as told:
            one.one(connection, {"yes": True})

    assert told.value.connection_invalidated
    with engine.connect() as connection:
        assert one.one(connection, {"yes": True}).pid != victim
    engine.dispose()


def keep_and_defer_a_repetition(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        keep(session, "李四")
        KEEP.run_deferred(session.connection(), {"who": "张三", "signed_at": NOON})


def signed(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return sorted(session.scalars(select(SIGNING.c.who)))
