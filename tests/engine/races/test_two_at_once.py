"""Two at once on a real PostgreSQL: exactly one wins, the other is told so, the case ends in one piece."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from engine.actors import Actor, know_persons_by
from engine.errors import Conflict, EngineError
from engine.flow.flow import Flow
from engine.inbox.claims import claim_next_item
from engine.inbox.page import InboxFilter
from engine.jobs import leases
from engine.jobs import runs as job_runs
from engine.messages.send import send_message
from engine.periodic.timers import fire_due_timers
from engine.queries.pages import case_page
from engine.replay.rebuild import read_inputs, verify_case
from storage.failures import retry_deadlocks
from tests.engine.conftest import APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, Store
from tests.engine.diagrams import Diagram
from tests.engine.flows import a_flow

pytestmark = pytest.mark.server


def at_once(*runs: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, in order; all begin together."""
    together = threading.Barrier(len(runs))
    results: list[Any] = [None] * len(runs)

    def run(place: int) -> None:
        together.wait()
        try:
            results[place] = runs[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_two_completions_exactly_one_counts(postgres_store: Store) -> None:
    postgres_store.deploy()

    for _ in range(8):
        case_id = postgres_store.case_at_review()
        item = postgres_store.waiting(case_id, "decide").id
        postgres_store.claim(item, REVIEWER)
        results = at_once(
            lambda item=item: postgres_store.complete(item, REVIEWER, opinion="yes"),
            lambda item=item: postgres_store.complete(item, REVIEWER, opinion="no"),
        )
        assert [type(result) for result in results].count(Conflict) == 1, results
        assert results.count(None) == 1
        with postgres_store.sessions() as session:
            assert len(read_inputs(session, case_id)) == 5
            assert verify_case(session, case_id).is_sound


def two_opinions() -> Flow:
    """Two opinions at the same time, which two humans have to give."""
    d = Diagram("leave", lanes={"office": ["first", "second"]})
    d.start()
    d.parallel("both")
    d.user("first", form="decide", not_same_person_as="second")
    d.user("second", form="fill", not_same_person_as="first")
    d.parallel("joined")
    d.end("done", outcome="approved")
    d.flow("begin", "both", "first", "joined", "done")
    d.flow("both", "second", "joined")
    return a_flow(d.xml().decode(), TWO_OPINIONS)


TWO_OPINIONS = """key = "leave"
title = "两人意见"
process = "process.bpmn"
[start]
who = ["applicant"]
[lanes]
office = "leave.reviewer:wuhan"
[outcomes.approved]
label = "已批准"
[progress]
first = "第一人"
second = "第二人"
"""


def test_one_human_with_two_accounts_gives_one_of_two_opinions(postgres_store: Store) -> None:
    postgres_store.deploy(two_opinions())
    accounts = frozenset({REVIEWER.id, OTHER_REVIEWER.id})
    know_persons_by(lambda session, account: accounts if account in accounts else frozenset({account}))

    for _ in range(8):
        case_id = postgres_store.start()
        first, second = (postgres_store.waiting(case_id, element).id for element in ("first", "second"))
        postgres_store.claim(first, REVIEWER)
        postgres_store.claim(second, OTHER_REVIEWER)
        results = at_once(
            lambda item=first: postgres_store.complete(item, REVIEWER, opinion="yes"),
            lambda item=second: postgres_store.complete(item, OTHER_REVIEWER, number="7"),
        )
        (lost,) = [result for result in results if result is not None]
        assert lost.code == "work_item.four_eyes"
        with postgres_store.sessions() as session:
            assert len(read_inputs(session, case_id)) == 2
            assert verify_case(session, case_id).is_sound


def test_of_two_claims_exactly_one_counts(postgres_store: Store) -> None:
    postgres_store.deploy()

    for _ in range(8):
        item = postgres_store.waiting(postgres_store.case_at_review(), "decide").id
        results = at_once(
            lambda item=item: postgres_store.claim(item, REVIEWER),
            lambda item=item: postgres_store.claim(item, OTHER_REVIEWER),
        )
        (lost,) = [result for result in results if result is not None]
        assert lost.code == "work_item.claimed_by_other"


def test_who_asks_for_the_next_item_at_once_gets_one_each(postgres_store: Store) -> None:
    postgres_store.deploy()
    for _ in range(6):
        postgres_store.case_at_review()

    def claim_next(by: Actor) -> str | None:
        with postgres_store.writing() as session:
            return claim_next_item(session, by, InboxFilter(), now=NOW)

    results = at_once(*(lambda by=by: claim_next(by) for by in (REVIEWER, OTHER_REVIEWER) * 4))

    taken = [result for result in results if result is not None]
    assert len(taken) == len(set(taken)) == 6, results
    assert results.count(None) == 2


def test_a_decision_and_its_deadline_never_both_count(postgres_store: Store) -> None:
    postgres_store.deploy()
    deadline = NOW + timedelta(days=1)

    for late in (timedelta(0), timedelta(seconds=-1)):
        case_id = postgres_store.case_at_review()
        item = postgres_store.waiting(case_id, "decide").id
        postgres_store.claim(item, REVIEWER)

        def fire(case_id: str = case_id) -> None:
            with postgres_store.writing() as session:
                fire_due_timers(session, case_id, deadline + timedelta(seconds=5))

        def decide(item: str = item, now: Any = deadline + late) -> None:
            postgres_store.complete(item, REVIEWER, now=now, opinion="x")

        results = at_once(decide, fire)
        with postgres_store.sessions() as session:
            outcome = case_page(session, case_id).summary.outcome
            assert verify_case(session, case_id).is_sound
        decided = results[0] is None
        assert outcome == ("approved" if decided else "expired")
        assert not (decided and late == timedelta(0)), "the deadline came first"


def test_a_withdrawal_and_a_job_result_leave_one_ended_case(postgres_store: Store) -> None:
    postgres_store.deploy()

    for _ in range(5):
        case_id = postgres_store.start()
        postgres_store.complete(postgres_store.waiting(case_id, "fill").id, APPLICANT, number="1", office="wuhan")
        leased = postgres_store.lease(postgres_store.waiting(case_id, "read").id)
        assert leased is not None

        def withdraw(case_id: str = case_id) -> None:
            with postgres_store.writing() as session:
                send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)

        def succeed(leased: job_runs.LeasedJob = leased) -> bool:
            with postgres_store.writing() as session:
                return leases.succeed_job(session, leased, job_runs.JobResult({"length": 1}), now=NOW)

        results = at_once(withdraw, succeed)
        assert results[0] is None, "a withdrawal counts before and after the result"
        assert results[1] in (True, False)
        with postgres_store.sessions() as session:
            assert case_page(session, case_id).summary.outcome == "withdrawn"
            assert verify_case(session, case_id).is_sound


def test_two_workers_lease_a_job_once(postgres_store: Store) -> None:
    postgres_store.deploy()

    for _ in range(5):
        case_id = postgres_store.start()
        postgres_store.complete(postgres_store.waiting(case_id, "fill").id, APPLICANT, number="1")
        job = postgres_store.waiting(case_id, "read").id
        results = at_once(lambda job=job: postgres_store.lease(job), lambda job=job: postgres_store.lease(job))
        assert sum(isinstance(result, job_runs.LeasedJob) for result in results) == 1, results


def test_two_starts_of_one_starter_make_one_case(postgres_store: Store) -> None:
    postgres_store.deploy(a_flow(exclusive=True))

    results = at_once(postgres_store.start, postgres_store.start)

    (lost,) = [result for result in results if not isinstance(result, str)]
    assert lost.code == "case.already_running"


def test_two_programs_that_start_at_once_deploy_a_flow_once(postgres_store: Store) -> None:
    def deploy() -> str:
        try:
            return postgres_store.deploy()
        except Conflict:
            return postgres_store.deploy()

    first, second = at_once(deploy, deploy)

    assert first == second


def test_many_at_once_on_one_case_leave_a_sound_journal(postgres_store: Store) -> None:
    seed = 11
    rng = random.Random(seed)
    print(f"seed {seed}")
    postgres_store.deploy()
    case_id = postgres_store.case_at_review()
    item = postgres_store.waiting(case_id, "decide").id
    verbs: list[Callable[[], Any]] = [
        lambda: postgres_store.claim(item, REVIEWER),
        lambda: postgres_store.claim(item, OTHER_REVIEWER),
        lambda: postgres_store.complete(item, REVIEWER, opinion="x"),
        lambda: postgres_store.complete(item, OTHER_REVIEWER, opinion="x"),
    ]

    for _ in range(6):
        for result in at_once(*rng.choices(verbs, k=4)):
            assert result is None or isinstance(result, EngineError), repr(result)

    with postgres_store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_a_deadlock_is_run_again_by_the_edge(postgres_store: Store) -> None:
    postgres_store.deploy()
    first, second = postgres_store.start(), postgres_store.start()
    met = threading.Barrier(2)
    won = threading.Event()
    tries: list[str] = []

    def lock_both(one: str, other: str) -> None:
        def run() -> None:
            if one in tries:
                won.wait(10)  # else it may take its row again before the other has woken up for it: a second deadlock
            tries.append(one)
            with postgres_store.writing() as session:
                lock = text("SELECT 1 FROM process_instance WHERE id = :id FOR UPDATE")
                session.execute(lock, {"id": one})
                if len(tries) <= 2:
                    met.wait(10)
                session.execute(lock, {"id": other})
            won.set()

        retry_deadlocks(run)

    results = at_once(lambda: lock_both(first, second), lambda: lock_both(second, first))

    assert results == [None, None]
    assert len(tries) == 3


def test_an_error_that_is_no_deadlock_is_not_run_again() -> None:
    tries: list[int] = []

    def run() -> None:
        tries.append(1)
        raise OperationalError("select", {}, Exception("disk full"))

    with pytest.raises(OperationalError):
        retry_deadlocks(run)

    assert len(tries) == 1
