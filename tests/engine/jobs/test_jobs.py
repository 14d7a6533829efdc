"""Jobs: the outbox, leases, attempts, and what a worker that comes too late changes (nothing)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from engine.cases import dispatching
from engine.errors import BusinessError, NotFound
from engine.jobs import leases, runs
from engine.model.tables import WAITING
from engine.operators.incidents import list_incidents
from engine.operators.interventions import cancel_case
from engine.queries.pages import case_page
from engine.replay.rebuild import read_inputs, verify_case
from engine.work_items.acts import complete_work_item
from storage.transactions import after_commit, transaction
from tests.engine.conftest import ANALYST, APPLICANT, NOW, Store


def a_job(store: Store, number: str = "42") -> tuple[str, str]:
    """Case id and id of its READY job."""
    case_id = store.start()
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, number=number, office="wuhan")
    return case_id, store.waiting(case_id, "read").id


def complete_in_a_request_that_fails(store: Store, item: str) -> None:
    with store.writing() as session:
        complete_work_item(session, item, by=APPLICANT, values={}, now=NOW)
        raise RuntimeError("the request failed later")


def test_a_new_job_is_announced_after_the_commit_and_only_then(any_store: Store) -> None:
    any_store.deploy()
    announced: list[tuple[str, str]] = []
    dispatching.set_dispatcher(lambda job, queue: announced.append((job, queue)))
    case_id = any_store.start()
    item = any_store.waiting(case_id, "fill").id

    with pytest.raises(RuntimeError):
        complete_in_a_request_that_fails(any_store, item)
    assert announced == []
    any_store.complete(item, APPLICANT)

    assert announced == [(any_store.waiting(case_id, "read").id, "default")]


def test_a_broker_that_is_away_fails_no_request(store: Store) -> None:
    store.deploy()

    def away(job: str, queue: str) -> None:
        raise ConnectionError("no broker")

    dispatching.set_dispatcher(away)
    _, job = a_job(store)

    with store.sessions() as session:
        assert [ready.id for ready in leases.ready_jobs(session, NOW, 10)] == [job]


def test_a_leased_job_is_nobody_elses_until_its_lease_runs_out(any_store: Store) -> None:
    any_store.deploy()
    _, job = a_job(any_store)

    leased = any_store.lease(job)
    assert leased is not None
    assert leased.parameters == {"text": "42"}
    assert any_store.lease(job) is None

    late = NOW + timedelta(seconds=121)
    with any_store.writing() as session:
        assert leases.free_expired_leases(session, NOW) == 0
        assert leases.free_expired_leases(session, late) == 1
    again = any_store.lease(job, late)
    assert again is not None
    assert again.attempt == 2


def test_a_stale_lease_changes_nothing_whatever_it_brings(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store)
    stale = any_store.lease(job)
    assert stale is not None
    late = NOW + timedelta(minutes=5)
    with any_store.writing() as session:
        leases.free_expired_leases(session, late)
    fresh = any_store.lease(job, late)
    assert fresh is not None

    with any_store.writing() as session:
        assert not leases.succeed_job(session, stale, runs.JobResult({"length": 99}), now=late)
        assert not leases.fail_job(session, stale, BusinessError("photo.blurred"), now=late)
        assert not leases.retry_job_later(session, stale, "late", now=late)
        assert not leases.give_up_job(session, stale, "late", now=late)
    with any_store.writing() as session:
        assert leases.succeed_job(session, fresh, runs.JobResult({"length": 2}), now=late)
    with any_store.writing() as session:
        assert not leases.succeed_job(session, fresh, runs.JobResult({"length": 3}), now=late)

    with any_store.sessions() as session:
        assert case_page(session, case_id).variables["reading"] == {"length": 2}
        assert verify_case(session, case_id).is_sound


def test_a_lease_that_a_crash_of_the_database_undid_costs_nothing_but_the_run(any_store: Store) -> None:
    """A lease is committed before the disk has it: what comes of a run that the database knows nothing of is refused."""
    any_store.deploy()
    case_id, job = a_job(any_store)
    lost = any_store.lease(job)
    assert lost is not None
    with any_store.writing() as session:  # as the database is when it comes up again
        session.execute(update(WAITING).where(WAITING.c.id == job).values(**leases.FREE, attempt=0))

    with any_store.writing() as session:
        assert not leases.succeed_job(session, lost, runs.JobResult({"number": "7"}), now=NOW)
    again = any_store.lease(job)
    assert again is not None
    assert again.attempt == 1
    with any_store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_a_lease_that_expires_on_every_attempt_ends_as_an_incident(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store)

    now = NOW
    for _ in range(2):  # test.read has two attempts
        assert any_store.lease(job, now) is not None
        now += timedelta(minutes=5)
        with any_store.writing() as session:
            assert leases.free_expired_leases(session, now) == 1
    assert any_store.lease(job, now) is None

    incident = any_store.waiting(case_id, "read")
    assert (incident.kind, incident.state) == ("INCIDENT", "OPEN")
    with any_store.sessions() as session:
        assert [view.id for view in list_incidents(session).items] == [incident.id]
        assert verify_case(session, case_id).is_sound


def test_a_technical_failure_backs_off_and_then_gives_up(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store)

    first = any_store.lease(job)
    assert first is not None
    with any_store.writing() as session:
        assert leases.retry_job_later(session, first, "TimeoutError", now=NOW)
        assert leases.ready_jobs(session, NOW, 10) == []
    assert any_store.lease(job) is None
    later = NOW + timedelta(seconds=leases.DEFAULT_RETRY.back_off.first_s)
    second = any_store.lease(job, later)
    assert second is not None
    with any_store.writing() as session:
        assert leases.retry_job_later(session, second, "TimeoutError", now=later)

    incident = any_store.waiting(case_id, "read")
    assert incident.kind == "INCIDENT"
    with any_store.sessions() as session:
        assert type(read_inputs(session, case_id)[-1]).__name__ == "JobGivenUp"


def test_a_business_error_takes_the_tasks_own_error_path(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store, number="blurred")
    leased = any_store.lease(job)
    assert leased is not None

    with pytest.raises(BusinessError) as no:
        runs.execute(any_store.sessions, leased)
    with any_store.writing() as session:
        assert leases.fail_job(session, leased, no.value, now=NOW)

    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "unreadable"


def test_a_job_of_a_cancelled_case_comes_to_nothing(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store)
    leased = any_store.lease(job)
    assert leased is not None
    with any_store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="test", now=NOW)

    with any_store.writing() as session:
        assert not leases.succeed_job(session, leased, runs.JobResult({"length": 1}), now=NOW)

    assert any_store.waiting(case_id, "read").state == "CANCELLED"
    assert any_store.lease(job) is None
    assert any_store.lease("nothing") is None


def test_evidence_of_a_job_exists_when_the_job_succeeds(any_store: Store) -> None:
    any_store.deploy()
    case_id, job = a_job(any_store)
    leased = any_store.lease(job)
    assert leased is not None
    context = runs.WorkerContext(any_store.sessions, leased)

    evidence = context.add_attachment(b"rectified", "image/jpeg", "rectified")
    assert context.read_attachment(evidence).content == b"rectified"
    with any_store.sessions() as session:
        assert case_page(session, case_id).attachments == ()
    with any_store.writing() as session:
        leases.succeed_job(session, leased, runs.JobResult({"length": 1}, tuple(context.added)), now=NOW)

    with any_store.sessions() as session:
        assert [facts.id for facts in case_page(session, case_id).attachments] == [evidence]


def test_evidence_of_a_stale_job_is_removed(store: Store) -> None:
    store.deploy()
    case_id, job = a_job(store)
    leased = store.lease(job)
    assert leased is not None
    context = runs.WorkerContext(store.sessions, leased)
    evidence = context.add_attachment(b"rectified", "image/jpeg", "rectified")
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="test", now=NOW)

    with store.writing() as session:
        assert not leases.succeed_job(session, leased, runs.JobResult(None, tuple(context.added)), now=NOW)

    context.added.clear()
    with pytest.raises(NotFound, match=r"attachment\.unknown"):
        context.read_attachment(evidence)


def test_what_is_registered_for_after_the_commit_is_forgotten_by_a_rollback(store: Store) -> None:
    ran: list[str] = []

    def fail() -> None:
        with transaction(store.sessions) as session:
            after_commit(session, lambda: ran.append("rolled back"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with transaction(store.sessions) as session:
        after_commit(session, lambda: ran.append("committed"))

    assert ran == ["committed"]
