"""Random walks through the write path: after every step the rows, the snapshot and the journal say the same."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from engine.actors import Actor
from engine.errors import BusinessError, Conflict, Forbidden, NotFound
from engine.jobs import leases, runs
from engine.messages.send import send_message
from engine.model.waiting_row import Waiting
from engine.operators.interventions import cancel_case, retry_incident
from engine.periodic.timers import due_cases, fire_due_timers
from engine.queries.pages import case_page, is_case_visible, my_cases
from engine.replay.rebuild import verify_case
from engine.work_items.acts import release_work_item
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store
from tests.engine.flows import Length, record

STEPS = 100
EXPECTED = (Conflict, NotFound, Forbidden)


class Walk:
    """One random user of everything at once. Stale ids are kept and used again on purpose."""

    def __init__(self, store: Store, rng: random.Random) -> None:
        self.store = store
        self.rng = rng
        self.now: datetime = NOW
        self.cases: list[str] = []
        self.leases: list[runs.LeasedJob] = []
        self.refused = 0

    def step(self) -> None:
        self.now += timedelta(minutes=self.rng.choice([0, 0, 1, 1, 30, 600]))
        verbs = [self.start, *[self.go_on] * 8, self.work, self.work, self.lease, self.hand_in]
        verbs += [self.clock, self.withdraw, self.operate]
        try:
            self.rng.choice(verbs)()
        except EXPECTED:
            self.refused += 1

    def start(self) -> None:
        self.cases.append(self.store.start(now=self.now))

    def a_case(self) -> str:
        return self.rng.choice(self.cases[-2:]) if self.cases else "none"

    def go_on(self) -> None:
        """What an open wait of the case is waiting for."""
        table = Waiting.__table__
        with self.store.sessions() as session:
            is_open = (table.c.case_id == self.a_case()) & table.c.closed_at.is_(None)
            rows = session.execute(
                select(table).where(is_open, table.c.kind.in_(["WORK_ITEM", "JOB", "INCIDENT"]))
            ).all()
        for row in rows:
            if row.kind == "INCIDENT":
                with self.store.writing() as session:
                    retry_incident(session, row.id, by=ANALYST, now=self.now)
            elif row.kind == "JOB":
                self.run(row.id)
            elif row.assignee is None:
                self.store.claim(row.id, self.rng.choice([REVIEWER, OTHER_REVIEWER]), now=self.now)
            else:
                values = {"number": "1", "office": "wuhan"} if row.element == "fill" else {"opinion": "yes"}
                self.store.complete(row.id, Actor(row.assignee, REVIEWER.groups), now=self.now, **values)

    def run(self, job_id: str) -> None:
        leased = self.store.lease(job_id, now=self.now)
        if leased:
            self.leases.append(leased)
        held = [lease for lease in self.leases if lease.id == job_id]
        if held:
            with self.store.writing() as session:
                leases.succeed_job(session, held[-1], runs.JobResult({"length": 1}), now=self.now)

    def work(self) -> None:
        case_id, by = self.a_case(), self.rng.choice([APPLICANT, REVIEWER, OTHER_REVIEWER, STRANGER])
        element = self.rng.choice(["fill", "decide", "decide"])
        row = self.store.waiting(case_id, element)
        item = row.id if row else "none"
        what = self.rng.randrange(4)
        if what == 0:
            self.store.claim(item, by, now=self.now)
        elif what == 1 and self.rng.random() < 0.3:
            with self.store.writing() as session:
                release_work_item(session, item, by=by, now=self.now)
        elif element == "fill":
            number = self.rng.choice(["1", "22", "blurred"])
            self.store.complete(item, APPLICANT, now=self.now, number=number, office="wuhan")
        else:
            self.store.complete(item, by, now=self.now, opinion=self.rng.choice(["yes", "broken"]))

    def lease(self) -> None:
        with self.store.writing() as session:
            if self.rng.random() < 0.5:
                leases.free_expired_leases(session, self.now)
            ready = leases.ready_jobs(session, self.now, 10)
        for job in ready[:1]:
            leased = self.store.lease(job.id, now=self.now)
            if leased:
                self.leases.append(leased)

    def hand_in(self) -> None:
        if not self.leases:
            return
        leased = self.rng.choice(self.leases)
        way = self.rng.randrange(5)
        with self.store.writing() as session:
            if way == 0:
                leases.fail_job(session, leased, BusinessError("photo.blurred"), now=self.now)
            elif way == 1:
                leases.retry_job_later(session, leased, "TimeoutError", now=self.now, after_s=60)
            else:
                leases.succeed_job(session, leased, runs.JobResult({"length": way}), now=self.now)

    def clock(self) -> None:
        with self.store.writing() as session:
            for case_id in due_cases(session, self.now, 1):
                fire_due_timers(session, case_id, self.now)

    def withdraw(self) -> None:
        if self.rng.random() < 0.3:
            with self.store.writing() as session:
                by = self.rng.choice([APPLICANT, STRANGER])
                send_message(session, self.a_case(), "withdraw", by=by, payload={}, now=self.now)

    def operate(self) -> None:
        case_id = self.a_case()
        with self.store.writing() as session:
            if self.rng.random() < 0.15:
                cancel_case(session, case_id, by=ANALYST, reason="x", now=self.now)
            else:
                row = self.store.waiting(case_id, self.rng.choice(["read", "record"]))
                retry_incident(session, row.id if row else "none", by=ANALYST, now=self.now)


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_snapshot_and_journal_agree_after_every_step(any_store: Store, seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    any_store.deploy()
    walk = Walk(any_store, rng)

    def breaks_on_demand(parameters: object, context: object) -> Length:
        if rng.random() < 0.4:
            raise RuntimeError("defect")
        return Length(length=1)

    record.append(breaks_on_demand)
    for _ in range(STEPS):
        walk.step()
        with any_store.sessions() as session:
            for case_id in walk.cases[-4:]:
                verdict = verify_case(session, case_id)
                assert verdict.is_sound, verdict

    with any_store.sessions() as session:
        outcomes = {case_page(session, case_id).summary.outcome for case_id in walk.cases}
        own = my_cases(session, APPLICANT, limit=3)
        rest = my_cases(session, APPLICANT, limit=1000, cursor=own.next)
        assert not is_case_visible(session, walk.cases[0], STRANGER)
    assert [case.summary.id for case in (*own.items, *rest.items)] == sorted(walk.cases, reverse=True)
    assert len(outcomes) >= 3, outcomes
    assert walk.refused > 0
