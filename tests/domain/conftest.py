"""A real SQLite database with every table, for the registers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Wuhan


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    vault.use(vault.Vault(bytes(range(32))))
    every_table()
    engine = make_engine(f"sqlite:///{tmp_path / 'registers.db'}")
    Base.metadata.create_all(engine)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One write transaction for the whole test."""
    with transaction(sessions) as session:
        yield session


@pytest.fixture
def now() -> datetime:
    return NOW
