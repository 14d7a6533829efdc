"""PostgreSQL takes a whole step in one statement, SQLite a statement a table: both leave the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, create_engine, insert, select, text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from engine.cases.journal import JOURNAL
from engine.cases.saving import ACTIVITY, SEARCH, StepRows, save_rows
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import JobState, WaitKind, WaitState
from storage.columns import Base
from storage.engines import make_engine
from tests.servers import start_postgres

NOW = datetime(2026, 3, 2, 1, 0, 0, 123456, tzinfo=UTC)
BLANK: dict[str, Any] = dict.fromkeys(column.name for column in WAITING.columns)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield prepared(f"sqlite:///{tmp_path_factory.mktemp('saving') / 'steps.db'}")
        return
    with start_postgres() as url:
        yield prepared(url)


def prepared(url: str) -> Engine:
    engine = create_engine(url) if url.startswith("sqlite") else make_engine(url)
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Without foreign keys: rows of the tables a step writes, and nothing they hang on. Rolled back at the end."""
    is_postgres = engine.dialect.name == "postgresql"
    with Session(engine.execution_options(isolation_level="READ COMMITTED") if is_postgres else engine) as session:
        if is_postgres:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(insert(CASE).values(a_case()))
        yield session
        session.rollback()


def a_case() -> dict[str, Any]:
    return {
        "id": "case-1", "flow_key": "f", "definition_id": "d", "state": "RUNNING", "outcome": None, "revision": 3,
        "started_by": "a", "is_exclusive": False, "snapshot": b"old", "head": b"\0" * 32, "last_at": NOW,
        "created_at": NOW, "ended_at": None, "erased_at": None,
    }  # fmt: skip


def a_wait(address: str, **values: Any) -> dict[str, Any]:
    fixed = {"case_id": "case-1", "flow_key": "f", "element": address, "created_at": NOW, "state": WaitState.OPEN}
    return {**BLANK, "id": f"id-{address}", "kind": WaitKind.WORK_ITEM, "address": address, **fixed, **values}


def a_step(**values: Any) -> StepRows:
    case = {
        "state": "RUNNING", "outcome": None, "revision": 5, "snapshot": b"new\x00\xff", "head": b"\x01" * 32,
        "last_at": NOW + timedelta(seconds=1), "ended_at": None,
    }  # fmt: skip
    content = {"kind": "JobSucceeded", "at": NOW, "actor": "", "payload": b"\x00\\x\xfe", "digest": b"d"}
    journal = [{"case_id": "case-1", "seq": seq, **content} for seq in (4, 5)]
    nothing: dict[str, Any] = {"activities": [], "closings": [], "opened": [], "search": []}
    return StepRows(**{"case_id": "case-1", "seen": 3, "case": case, "journal": journal, **nothing, **values})


def rows(session: Session, table: Table) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(select(table).order_by(*table.primary_key.columns))]


def test_the_case_and_its_journal_are_written(session: Session) -> None:
    assert save_rows(session, a_step())

    case = rows(session, CASE)[0]
    assert (case["revision"], case["snapshot"], case["last_at"]) == (5, b"new\x00\xff", NOW + timedelta(seconds=1))
    assert [(row["seq"], row["payload"], row["at"]) for row in rows(session, JOURNAL)] == [
        (4, b"\x00\\x\xfe", NOW),
        (5, b"\x00\\x\xfe", NOW),
    ]


def test_a_case_that_moved_on_meanwhile_is_reported(engine: Engine, session: Session) -> None:
    if engine.dialect.name == "sqlite":
        assert not save_rows(session, a_step(seen=2))
    else:  # the statement itself fails: by the commit with which it goes nobody looks at an answer
        with pytest.raises(DataError, match="division by zero"):
            save_rows(session, a_step(seen=2))


def test_a_wait_ends_and_others_begin(session: Session) -> None:
    session.execute(insert(WAITING).values(a_wait("review:1", draft=b"typed", priority=50)))

    closing = {"address": "review:1", "state": "COMPLETED", "closed_at": NOW, "closed_by": "reviewer"}
    job = a_wait("read:1", kind=WaitKind.JOB, state=JobState.READY, attempt=0, next_at=NOW, service="document.read")
    save_rows(session, a_step(closings=[closing], opened=[a_wait("scan:2", group_name="某组", is_shared=True), job]))

    by_address = {row["address"]: row for row in rows(session, WAITING)}
    ended = by_address["review:1"]
    assert (ended["state"], ended["closed_at"], ended["closed_by"], ended["draft"]) == (
        "COMPLETED",
        NOW,
        "reviewer",
        None,
    )
    assert (by_address["scan:2"]["group_name"], by_address["scan:2"]["is_shared"]) == ("某组", True)
    assert (by_address["read:1"]["next_at"], by_address["read:1"]["attempt"]) == (NOW, 0)


def test_a_wait_may_end_and_another_begin_at_the_same_place(session: Session) -> None:
    session.execute(insert(WAITING).values(a_wait("read:1", kind=WaitKind.JOB, state=JobState.LEASED)))

    closing = {"address": "read:1", "state": JobState.FAILED, "closed_at": NOW, "closed_by": None}
    incident = a_wait("read:1", kind=WaitKind.INCIDENT, code="job.given_up", note="…") | {"id": "id-incident"}
    save_rows(session, a_step(closings=[closing], opened=[incident]))

    assert {(row["kind"], row["state"]) for row in rows(session, WAITING)} == {("JOB", "FAILED"), ("INCIDENT", "OPEN")}


def test_only_open_waits_of_the_case_are_closed(session: Session) -> None:
    before = a_wait("review:1", state="CANCELLED", closed_at=NOW - timedelta(days=1))
    session.execute(insert(WAITING), [before, a_wait("review:1") | {"id": "other", "case_id": "case-2"}])

    save_rows(
        session, a_step(closings=[{"address": "review:1", "state": "COMPLETED", "closed_at": NOW, "closed_by": "r"}])
    )

    assert {row["id"]: row["state"] for row in rows(session, WAITING)} == {"id-review:1": "CANCELLED", "other": "OPEN"}


def test_an_activity_keeps_when_it_was_entered_and_a_hash_is_replaced(session: Session) -> None:
    entered = {
        "case_id": "case-1", "address": "review:1", "element": "review", "kind": "userTask", "entered_at": NOW,
        "left_at": None, "how": "entered", "seq": 1, "position": 0,
    }  # fmt: skip
    save_rows(session, a_step(activities=[entered], search=[{"case_id": "case-1", "name": "number", "hash": "one"}]))
    later = entered | {
        "entered_at": NOW + timedelta(days=1),
        "left_at": NOW + timedelta(days=1),
        "how": "completed",
        "seq": 9,
    }

    hashes = [{"case_id": "case-1", "name": "number", "hash": None}]
    next_entry = {**a_step().journal[0], "seq": 6}
    save_rows(session, a_step(activities=[later], search=hashes, journal=[next_entry], seen=5))

    activity = rows(session, ACTIVITY)[0]
    assert (activity["entered_at"], activity["how"], activity["seq"]) == (NOW, "completed", 1)
    assert activity["left_at"] == NOW + timedelta(days=1)
    assert rows(session, SEARCH)[0]["hash"] is None
