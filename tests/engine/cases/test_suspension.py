"""A suspended case: nothing moves it, and what came meanwhile is taken up when it goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.cases.outbox import send_to_case
from engine.errors import Conflict
from engine.inputs import CaseResumed, CaseSuspended, TimerFired
from engine.jobs.leases import lease_job, ready_jobs, succeed_job
from engine.jobs.runs import execute as execute_job
from engine.messages.delivery import deliver_outbox
from engine.messages.send import send_message
from engine.operators.operations import OperatorVerb
from engine.periodic.timers import due_cases, fire_due_timers
from engine.replay.rebuild import read_inputs
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.operating import DAY_LATER, act, at_review, page_of, refuses


def test_nothing_moves_a_suspended_case_and_it_goes_on_where_it_was(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    act(any_store, OperatorVerb.SUSPEND, case_id)

    assert page_of(any_store, case_id).summary.state == "SUSPENDED"
    with pytest.raises(Conflict, match=r"case\.suspended"):
        any_store.complete(item, REVIEWER, opinion="x")
    with any_store.writing() as session, pytest.raises(Conflict, match=r"case\.suspended"):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)
    refuses(any_store, Conflict, "case.suspended", OperatorVerb.SUSPEND, case_id)
    act(any_store, OperatorVerb.RESUME, case_id)
    refuses(any_store, Conflict, "case.not_suspended", OperatorVerb.RESUME, case_id)
    any_store.complete(item, REVIEWER, opinion="x")

    assert page_of(any_store, case_id).summary.outcome == "approved"
    with any_store.sessions() as session:
        inputs = read_inputs(session, case_id)
    [suspended] = [given for given in inputs if isinstance(given, CaseSuspended)]
    assert (suspended.by, suspended.reason) == (ANALYST.id, "按工单 17")
    assert any(isinstance(given, CaseResumed) for given in inputs)


def test_timers_fire_when_the_case_is_resumed(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    act(any_store, OperatorVerb.SUSPEND, case_id)

    with any_store.writing() as session:
        assert due_cases(session, DAY_LATER, 10) == []
        assert fire_due_timers(session, case_id, DAY_LATER) == 0
    act(any_store, OperatorVerb.RESUME, case_id, now=DAY_LATER)

    assert page_of(any_store, case_id).summary.outcome == "expired"
    with any_store.sessions() as session:
        assert isinstance(read_inputs(session, case_id)[-1], TimerFired)


def test_a_result_waits_for_the_case_to_be_resumed(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="1", office="wuhan")
    job = any_store.waiting(case_id, "read").id
    leased = any_store.lease(job)
    assert leased is not None
    result = execute_job(any_store.sessions, leased)
    act(any_store, OperatorVerb.SUSPEND, case_id)

    with any_store.writing() as session:
        assert not succeed_job(session, leased, result, now=NOW)
        assert lease_job(session, job, worker="w", now=NOW + timedelta(minutes=2)) is None
    assert (any_store.waiting(case_id, "read").state, any_store.waiting(case_id, "read").attempt) == ("READY", 0)
    act(any_store, OperatorVerb.RESUME, case_id, now=NOW + timedelta(minutes=3))
    with any_store.sessions() as session:
        assert [ready.id for ready in ready_jobs(session, NOW + timedelta(minutes=3), 10)] == [job]

    assert any_store.run_job(job, now=NOW + timedelta(minutes=3))
    assert any_store.waiting(case_id, "decide").state == "OPEN"


def test_a_message_to_a_suspended_case_is_delivered_when_it_goes_on(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    act(any_store, OperatorVerb.SUSPEND, case_id)
    with any_store.writing() as session:
        send_to_case(session, case_id, "withdraw", {}, dedup_key="k", now=NOW)
    late = NOW + timedelta(days=9)
    assert deliver_outbox(any_store.sessions, late) == 0  # past its time, yet not lost

    act(any_store, OperatorVerb.RESUME, case_id, now=late)
    deliver_outbox(any_store.sessions, late)

    assert page_of(any_store, case_id).summary.ended_at is not None
