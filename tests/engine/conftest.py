"""Databases for the engine's tests: SQLite in a temporary folder, and the real PostgreSQL of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from engine import actors
from engine.actors import Actor
from engine.attachments import store as attachments
from engine.cases import dispatching, outbox
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import Flow
from engine.jobs import leases, runs
from engine.model.waiting_row import Waiting
from engine.work_items.acts import claim_work_item, complete_work_item
from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.engine.flows import a_flow, record

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANALYST = Actor("analyst")
APPLICANT = Actor("applicant-1", frozenset({"applicant"}))
REVIEWER = Actor("reviewer-1", frozenset({"leave.reviewer:wuhan"}))
OTHER_REVIEWER = Actor("reviewer-2", frozenset({"leave.reviewer:wuhan"}))
STRANGER = Actor("stranger", frozenset({"applicant"}))


@dataclass
class Store:
    """A database with what a test does to it, in the words of the engine."""

    engine: Engine
    sessions: sessionmaker[Session]

    def writing(self) -> AbstractContextManager[Session]:
        return transaction(self.sessions)

    def deploy(self, flow: Flow | None = None) -> str:
        with self.writing() as session:
            return deploy_flow(session, flow or a_flow(), by=ANALYST, reason="test", now=NOW)

    def start(self, by: Actor = APPLICANT, now: datetime = NOW, flow: str = "leave") -> str:
        with self.writing() as session:
            return start_case(session, flow, by=by, values={}, now=now)

    def complete(self, item_id: str, by: Actor, now: datetime = NOW, **values: Any) -> None:
        with self.writing() as session:
            complete_work_item(session, item_id, by=by, values=values, now=now)

    def claim(self, item_id: str, by: Actor, now: datetime = NOW) -> None:
        with self.writing() as session:
            claim_work_item(session, item_id, by=by, now=now)

    def lease(self, job_id: str, now: datetime = NOW) -> runs.LeasedJob | None:
        with self.writing() as session:
            return leases.lease_job(session, job_id, worker="w", now=now)

    def run_job(self, job_id: str, now: datetime = NOW) -> bool:
        leased = self.lease(job_id, now)
        assert leased is not None
        result = runs.execute(self.sessions, leased)
        with self.writing() as session:
            return leases.succeed_job(session, leased, result, now=now)

    def waiting(self, case_id: str, element: str) -> Any:
        """The newest row of this element's waits."""
        table = Waiting.__table__
        found = select(table).where(table.c.case_id == case_id, table.c.element == element).order_by(table.c.id.desc())
        with self.sessions() as session:
            return session.execute(found).first()

    def case_at_review(self, now: datetime = NOW) -> str:
        """A case whose form is filled and whose photo is read."""
        case_id = self.start(now=now)
        self.complete(self.waiting(case_id, "fill").id, APPLICANT, now=now, number="42-1", office="wuhan")
        assert self.run_job(self.waiting(case_id, "read").id, now=now)
        return case_id


@dataclass
class Statements:
    """What the database was asked, transaction control aside."""

    texts: list[str]
    commits: int = 0

    def clear(self) -> None:
        self.texts.clear()
        self.commits = 0


@pytest.fixture(scope="session")
def _postgres_engine(postgres_url: str) -> Iterator[Engine]:
    every_table()  # what a later test imports would be missing when the tables are emptied
    engine = make_engine(postgres_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """SQLite."""
    engine = make_engine(f"sqlite:///{tmp_path / 'test.db'}")
    Base.metadata.create_all(engine)
    yield from _prepared(engine, tmp_path)
    engine.dispose()


@pytest.fixture
def postgres_store(_postgres_engine: Engine, tmp_path: Path) -> Iterator[Store]:
    with _postgres_engine.begin() as connection:
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
    yield from _prepared(_postgres_engine, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """The test runs on both databases."""
    found: Store = request.getfixturevalue("store" if request.param == "sqlite" else "postgres_store")
    return found


@pytest.fixture
def statements(any_store: Store) -> Iterator[Statements]:
    yield from _counted(any_store.engine)


def _prepared(engine: Engine, folder: Path) -> Iterator[Store]:
    vault.use(vault.Vault(b"m" * 32))
    attachments.use_directory(folder / "files")
    record.clear()
    actors.know_persons_by(None)
    yield Store(engine, session_factory(engine))
    dispatching.set_dispatcher(None)
    dispatching.set_outbox_waker(None)
    outbox.keep_messages_for(timedelta(days=7))
    actors.know_persons_by(None)


def _counted(engine: Engine) -> Iterator[Statements]:
    counted = Statements([])

    def asked(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.split(" ", 1)[0] not in {"BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT"}:
            counted.texts.append(text)

    def committed(connection: Any) -> None:
        counted.commits += 1

    event.listen(engine, "before_cursor_execute", asked)
    event.listen(engine, "commit", committed)
    yield counted
    event.remove(engine, "before_cursor_execute", asked)
    event.remove(engine, "commit", committed)
