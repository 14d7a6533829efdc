"""The clock is set back by an hour: what was to go on in a moment does not wait for an hour, deadlines stay instants."""

from __future__ import annotations

from datetime import timedelta

from engine.cases.outbox import send_message_to
from engine.jobs import leases, runs
from engine.jobs.leases import ready_jobs
from engine.messages.delivery import deliver_outbox
from engine.periodic.set_back import mend_jobs, mend_outbox
from engine.periodic.timers import fire_due_timers
from engine.replay.rebuild import read_inputs, verify_case
from engine.replay.what_if.runs import ask_what_if, take_run
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.messaging import an_order_flow

AHEAD = NOW + timedelta(hours=1)
SOON = NOW + timedelta(seconds=10)


def a_case_with_a_job(store: Store) -> tuple[str, str]:
    store.deploy()
    case_id = store.start(now=AHEAD)
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, now=AHEAD, number="42-1", office="wuhan")
    return case_id, store.waiting(case_id, "read").id


def test_a_job_that_became_ready_in_the_future_runs_now(any_store: Store) -> None:
    _, job_id = a_case_with_a_job(any_store)
    with any_store.sessions() as session:
        assert ready_jobs(session, NOW, 10) == []

    with any_store.writing() as session:
        assert mend_jobs(session, NOW) == 1

    assert any_store.run_job(job_id, now=SOON)


def test_a_lease_that_ends_in_the_future_is_taken_back_and_its_result_counts_for_nothing(any_store: Store) -> None:
    case_id, job_id = a_case_with_a_job(any_store)
    leased = any_store.lease(job_id, now=AHEAD)
    assert leased is not None

    with any_store.writing() as session:
        assert mend_jobs(session, NOW) == 1
    with any_store.writing() as session:
        assert not leases.succeed_job(session, leased, runs.JobResult({"length": 9}), now=SOON)

    assert any_store.run_job(job_id, now=SOON)
    with any_store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_leases_back_offs_and_messages_of_a_steady_clock_are_left_alone(any_store: Store) -> None:
    _, job_id = a_case_with_a_job(any_store)
    leased = any_store.lease(job_id, now=AHEAD)
    assert leased is not None
    with any_store.writing() as session:
        send_message_to(session, "paid", "A-1", {}, dedup_key="payment-1", now=AHEAD)

    with any_store.writing() as session:
        assert (mend_jobs(session, AHEAD), mend_outbox(session, AHEAD)) == (0, 0)
    with any_store.writing() as session:
        leases.retry_job_later(session, leased, "busy", now=AHEAD, after_s=1e9)
    with any_store.writing() as session:
        assert mend_jobs(session, AHEAD) == 0


def test_a_message_that_was_sent_in_the_future_is_delivered_now(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = any_store.start(flow="order")
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="A-1")
    with any_store.writing() as session:
        send_message_to(session, "paid", "A-1", {}, dedup_key="payment-1", now=AHEAD)
    assert deliver_outbox(any_store.sessions, NOW) == 0

    with any_store.writing() as session:
        assert mend_outbox(session, NOW) == 1

    assert deliver_outbox(any_store.sessions, SOON) == 1


def test_a_what_if_run_in_the_hands_of_a_worker_of_a_time_to_come_is_taken_by_another(store: Store) -> None:
    store.deploy()
    with store.writing() as session:
        asked = ask_what_if(session, "leave", {}, by=ANALYST, now=AHEAD)
        assert take_run(session, AHEAD) is not None
        assert take_run(session, AHEAD) is None

    with store.writing() as session:
        taken = take_run(session, NOW)

    assert taken is not None
    assert taken.id == asked


def test_the_time_of_a_case_never_runs_backwards_and_its_deadline_stays(any_store: Store) -> None:
    case_id, job_id = a_case_with_a_job(any_store)
    with any_store.writing() as session:
        mend_jobs(session, NOW)
    assert any_store.run_job(job_id, now=NOW)
    due = any_store.waiting(case_id, "late").due_at
    with any_store.writing() as session:
        fire_due_timers(session, case_id, SOON)

    any_store.claim(any_store.waiting(case_id, "decide").id, REVIEWER, now=SOON)
    any_store.complete(any_store.waiting(case_id, "decide").id, REVIEWER, now=SOON, opinion="yes")

    assert due == AHEAD + timedelta(days=1)
    with any_store.sessions() as session:
        moments = [given.at for given in read_inputs(session, case_id)]
        assert moments == sorted(moments)
        assert moments[-1] == AHEAD
        assert verify_case(session, case_id).is_sound
