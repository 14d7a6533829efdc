"""The write path: what one step writes, in how many statements, and what a failing service task leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from engine.attachments.store import store_attachment
from engine.cases.start import start_case
from engine.errors import BusinessError, Conflict, NotFound
from engine.inputs import CaseCancelled, JobFailed, JobGivenUp, JobSucceeded
from engine.model.instance import SearchVariable
from engine.operators.interventions import cancel_case, retry_incident
from engine.queries.pages import case_page, find_cases, history
from engine.replay.rebuild import read_inputs, verify_case
from storage.failures import is_out_of_space
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, STRANGER, Statements, Store
from tests.engine.flows import Length, a_flow, record
from tests.engine.rebuilding import rebuild


def test_a_case_runs_from_start_to_its_outcome(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    item = any_store.waiting(case_id, "decide")
    any_store.claim(item.id, REVIEWER)
    any_store.complete(item.id, REVIEWER, opinion="同意")

    with any_store.sessions() as session:
        page = case_page(session, case_id)
        assert verify_case(session, case_id).is_sound
        assert rebuild(session, case_id).outcome == "approved"
    assert (page.summary.state, page.summary.outcome_label) == ("COMPLETED", "已批准")
    assert page.variables["recorded"] == {"length": 2}
    assert all(wait.closed_at is not None for wait in page.waits)


def test_every_step_takes_at_most_eight_statements_and_one_commit(any_store: Store, statements: Statements) -> None:
    any_store.deploy()
    any_store.start(by=STRANGER)  # compiles the definition, once in this process
    counts: dict[str, int] = {}

    def counted(step: str, run: Callable[[], Any]) -> Any:
        statements.clear()
        result = run()
        counts[step] = len(statements.texts)
        assert statements.commits == 1, (step, statements.commits)
        return result

    case_id = counted("start", any_store.start)
    fill = any_store.waiting(case_id, "fill").id
    with any_store.writing() as session:
        photo = store_attachment(session, case_id, b"jpeg", "image/jpeg", "scan", by=APPLICANT.id, now=NOW)
    counted("fill with a photo", lambda: any_store.complete(fill, APPLICANT, number="1", office="wuhan", photo=photo))
    read = any_store.waiting(case_id, "read").id
    counted("lease", lambda: any_store.lease(read))
    other = any_store.case_at_review()
    decide = any_store.waiting(other, "decide").id
    counted("claim", lambda: any_store.claim(decide, REVIEWER))
    counted("decide", lambda: any_store.complete(decide, REVIEWER, opinion="x"))

    print(f"statements by step: {counts}")
    assert max(counts.values()) <= 8


def test_a_finished_step_is_told_to_the_starter_and_found_by_keyed_hash(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    with any_store.sessions() as session:
        found = find_cases(session, "number", " 42-1 ")
        missed = find_cases(session, "number", "42")
        hashes = session.execute(select(SearchVariable.__table__.c.hash)).scalars().all()

    assert [case.id for case in found] == [case_id]
    assert found[0].progress == ("审核中",)
    assert missed == []
    assert "42-1" not in "".join(hashes)


def test_history_says_what_was_active_and_who_gave_what(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    with any_store.sessions() as session:
        told = history(session, case_id)

    ways = {activity.element: activity.how for activity in told.activities}
    assert ways["fill"] == ways["read"] == "completed"
    assert ways["decide"] == "entered"
    assert [(entry.kind, entry.actor) for entry in told.inputs] == [
        ("Started", APPLICANT.id),
        ("WorkItemCompleted", APPLICANT.id),
        ("JobSucceeded", ""),
    ]


def test_a_business_error_in_the_transaction_takes_back_what_the_task_did(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide")
    any_store.claim(item.id, REVIEWER)

    def writes_and_refuses(_: Any, context: Any) -> Length:
        context.session.execute(
            insert(SearchVariable.__table__).values(case_id=context.case_id, name="left behind", hash="x")
        )
        raise BusinessError("record.refused")

    record.append(writes_and_refuses)
    any_store.complete(item.id, REVIEWER, opinion="x")

    with any_store.sessions() as session:
        names = set(session.execute(select(SearchVariable.__table__.c.name)).scalars())
        last = read_inputs(session, case_id)[-1]
        assert verify_case(session, case_id).is_sound
    assert "left behind" not in names
    assert isinstance(last, JobFailed)
    assert last.code == "record.refused"
    assert any_store.waiting(case_id, "record").kind == "INCIDENT"


def test_a_broken_task_becomes_an_incident_that_an_operator_retries(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide")
    any_store.claim(item.id, REVIEWER)

    def divides(_: Any, context: Any) -> Length:
        return Length(length=1 // 0)

    record.append(divides)
    any_store.complete(item.id, REVIEWER, opinion="x")
    incident = any_store.waiting(case_id, "record")
    record.clear()
    with any_store.writing() as session:
        retry_incident(session, incident.id, by=ANALYST, now=NOW)

    with any_store.sessions() as session:
        inputs = read_inputs(session, case_id)
        assert case_page(session, case_id).summary.outcome == "approved"
        assert verify_case(session, case_id).is_sound
    assert isinstance(inputs[-3], JobGivenUp)
    assert "ZeroDivisionError" in inputs[-3].reason
    assert isinstance(inputs[-1], JobSucceeded)
    with any_store.writing() as session, pytest.raises(Conflict, match=r"incident\.gone"):
        retry_incident(session, incident.id, by=ANALYST, now=NOW)


def test_a_deadlock_is_no_outcome_and_nothing_is_kept(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide")
    store.claim(item.id, REVIEWER)

    class Deadlock(Exception):
        sqlstate = "40P01"

    def deadlocks(_: Any, context: Any) -> Length:
        raise OperationalError("select", {}, Deadlock())

    record.append(deadlocks)
    with pytest.raises(OperationalError):
        store.complete(item.id, REVIEWER, opinion="x")

    assert store.waiting(case_id, "decide").state == "CLAIMED"
    with store.sessions() as session:
        assert len(read_inputs(session, case_id)) == 3


def test_a_full_database_is_no_outcome_and_nothing_is_kept(store: Store) -> None:
    """SQLite itself has no room, in the middle of a task that writes; a moment later there is some."""
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide")
    store.claim(item.id, REVIEWER)

    def fills_the_disk(_: Any, context: Any) -> Length:
        connection = context.session.connection()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        try:
            row = {"case_id": case_id, "name": "n", "hash": "x" * 1_000_000}
            context.session.execute(insert(SearchVariable).values(row))
        finally:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        return Length(length=1)

    record.append(fills_the_disk)
    with pytest.raises(OperationalError) as refused:
        store.complete(item.id, REVIEWER, opinion="x")
    record.clear()
    store.complete(item.id, REVIEWER, opinion="x")

    assert is_out_of_space(refused.value)
    with store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "approved"
        assert not any(isinstance(given, JobGivenUp) for given in read_inputs(session, case_id))
        assert verify_case(session, case_id).is_sound


def test_a_second_running_case_of_a_starter_is_refused_until_the_first_ends(any_store: Store) -> None:
    any_store.deploy(a_flow(exclusive=True))
    first = any_store.start()

    with pytest.raises(Conflict, match=r"case\.already_running"):
        any_store.start()
    any_store.start(by=STRANGER)
    with any_store.writing() as session:
        cancel_case(session, first, by=ANALYST, reason="test", now=NOW)
    second = any_store.start()

    with any_store.sessions() as session:
        assert case_page(session, first).summary.state == "CANCELLED"
        assert isinstance(read_inputs(session, first)[-1], CaseCancelled)
        assert case_page(session, second).summary.state == "RUNNING"


def test_a_case_of_an_unknown_flow_or_id_is_not_found(store: Store) -> None:
    store.deploy()

    with store.writing() as session, pytest.raises(NotFound, match=r"flow\.unknown"):
        start_case(session, "nothing", by=APPLICANT, values={}, now=NOW)
    with store.writing() as session, pytest.raises(NotFound, match=r"case\.unknown"):
        cancel_case(session, "nothing", by=ANALYST, reason="", now=NOW)
