"""Jobs: runs of asynchronous service tasks. The rows are the outbox, a lease is a worker's right to one for a while.

READY → LEASED → DONE | FAILED, or CANCELLED (JobState). A worker leases in one transaction, runs the task with
none open, and hands the outcome in with another. Whatever comes with a lease that is no longer the row's counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from engine.actors import SYSTEM
from engine.attachments import store as attachments
from engine.cases.case import OpenCase, open_case_of
from engine.errors import BusinessError, Conflict, NotFound
from engine.inputs import Input, JobFailed, JobGivenUp, JobSucceeded
from engine.jobs.runs import JobResult, LeasedJob
from engine.model.tables import WAITING
from engine.model.waiting_row import JobState, WaitKind, spelled
from engine.retry import Retry
from engine.services.registry import declared_service_tasks
from engine.waits import JobWait
from storage.columns import new_id
from storage.statements import AnyRow, Statement
from storage.transactions import after_commit, commit_unsynced

DEFAULT_RETRY = Retry()  # of a service task nobody declares
DEFAULT_LEASE_S = 120
SUSPENDED_AGAIN_S = 60
POSTPONED_S = 10
LONGEST_NOTE = 500  # characters of a reason that are kept


_TAKE = Statement(
    update(WAITING)
    .where(WAITING.c.id == bindparam("job"))
    .values(
        state=JobState.LEASED, **{name: bindparam(name) for name in ("lease_id", "lease_until", "attempt", "worker")}
    )
)


@dataclass(frozen=True, slots=True)
class ReadyJob:
    id: str
    queue: str


def lease_job(session: Session, job_id: str, *, worker: str, now: datetime) -> LeasedJob | None:
    """Take a READY job whose time has come. None for one that is unknown, taken, closed, or not yet to be tried again.

    A job whose attempts are used up (its workers died) becomes an incident here. For a transaction of its own: one that
    leases is committed before the disk has it.
    """
    try:
        with open_case_of(session, job_id, WaitKind.JOB, now=now) as case:
            job = _row(case)
            if job.state != JobState.READY or job.next_at > now:
                return None
            if case.live.is_suspended:
                _wait_for_resume(session, job.id, now)
                return None
            if _retry(job.service).is_used_up(job.attempt):
                _settle(case, JobGivenUp(at=case.instant, wait=job.address, reason=job.note or "lease expired"))
                return None
            return _lease(session, case, job, worker, now)
    except NotFound:
        return None
    except Conflict as gone:
        _nothing_to_do(gone)
        return None


def succeed_job(session: Session, leased: LeasedJob, result: JobResult, *, now: datetime) -> bool:
    """The case moves on with the result. False, and nothing changes, when the lease is no longer the job's."""

    def succeeded(case: OpenCase) -> Input:
        attachments.add_rows(session, case.id, case.definition.id, result.added, by=SYSTEM.id, now=now)
        return JobSucceeded(at=case.instant, wait=leased.wait, result=result.value)

    if _hand_in(session, leased, succeeded, now):
        return True
    after_commit(session, lambda: attachments.discard_files(new.id for new in result.added))
    return False


def fail_job(session: Session, leased: LeasedJob, error: BusinessError, *, now: datetime) -> bool:
    """The service task said no: its error boundary event, else an incident. False for a stale lease."""

    def failed(case: OpenCase) -> Input:
        return JobFailed(at=case.instant, wait=leased.wait, code=error.code, message=error.message)

    return _hand_in(session, leased, failed, now)


def retry_job_later(
    session: Session, leased: LeasedJob, reason: str, *, now: datetime, after_s: float | None = None
) -> bool:
    """A technical failure: READY again after a back-off (or after_s), an incident after the last attempt.

    reason: for operators, without personal data. False for a stale lease.
    """
    retry = _retry(leased.service)
    if retry.is_used_up(leased.attempt):
        return give_up_job(session, leased, reason, now=now)
    later = {
        **FREE,
        "next_at": now + timedelta(seconds=retry.wait_s(leased.attempt, after_s)),
        "note": reason[:LONGEST_NOTE],
    }
    return _freed(session, leased, later)


def postpone_job(session: Session, leased: LeasedJob, reason: str, *, now: datetime) -> bool:
    """The machine could not do it now (no room on a disk): READY again in a while, and it was no attempt.

    False for a stale lease.
    """
    later = {**FREE, "next_at": now + timedelta(seconds=POSTPONED_S), "attempt": leased.attempt - 1, "note": reason}
    return _freed(session, leased, later)


def give_up_job(session: Session, leased: LeasedJob, reason: str, *, now: datetime) -> bool:
    """An incident now: for failures that no further attempt can mend. False for a stale lease."""

    def given_up(case: OpenCase) -> Input:
        return JobGivenUp(at=case.instant, wait=leased.wait, reason=reason[:LONGEST_NOTE])

    return _hand_in(session, leased, given_up, now)


def ready_jobs(session: Session, now: datetime, limit: int) -> list[ReadyJob]:
    """Jobs that may be leased now, longest waiting first."""
    ready = select(WAITING.c.id, WAITING.c.queue).where(
        spelled(WAITING.c.state, JobState.READY), WAITING.c.next_at <= now
    )
    return [ReadyJob(row.id, row.queue) for row in session.execute(ready.order_by(WAITING.c.next_at).limit(limit))]


def free_expired_leases(session: Session, now: datetime) -> int:
    """Jobs of workers that died or hang are READY again (lease_job() gives up those without attempts left). How many."""
    expired = select(WAITING.c.id).where(spelled(WAITING.c.state, JobState.LEASED), WAITING.c.lease_until < now)
    # A locked row is being handed in right now; waiting for several of them could deadlock with a step.
    freed = session.execute(
        update(WAITING)
        .where(WAITING.c.id.in_(expired.with_for_update(skip_locked=True)))
        .values(**FREE, next_at=now, note="lease expired")
        .returning(WAITING.c.id)
    )
    return len(freed.all())


# What a job's row says when nobody has it.
FREE = {"state": JobState.READY, "lease_id": None, "lease_until": None, "worker": None}


def _hand_in(session: Session, leased: LeasedJob, outcome: Callable[[OpenCase], Input], now: datetime) -> bool:
    """Apply the outcome if the lease is still the row's and the case still waits for the job."""
    try:
        with open_case_of(session, leased.id, WaitKind.JOB, now=now) as case:
            job = _row(case)
            if job.state != JobState.LEASED or job.lease_id != leased.lease_id:
                return False
            if case.live.is_suspended:
                # Run again when the case goes on: what came out of this run is not kept, nor is the attempt counted.
                _wait_for_resume(session, job.id, now, attempt=job.attempt - 1)
                return False
            case.fire_due_timers(case.instant)
            if not isinstance(case.live.waits.get(leased.wait), JobWait):
                return False  # a timer was first; what it did is saved
            case.apply(outcome(case))
    except Conflict as gone:
        _nothing_to_do(gone)
        return False
    return True


def _freed(session: Session, leased: LeasedJob, values: Mapping[str, object]) -> bool:
    mine = spelled(WAITING.c.state, JobState.LEASED), WAITING.c.lease_id == leased.lease_id
    freed = update(WAITING).where(WAITING.c.id == leased.id, *mine).values(dict(values)).returning(WAITING.c.id)
    return session.execute(freed).one_or_none() is not None


def _wait_for_resume(session: Session, job_id: str, now: datetime, **changed: int) -> None:
    """resume_case() lets it run at once; until then nobody looks at it more than once a minute."""
    later = {**FREE, "next_at": now + timedelta(seconds=SUSPENDED_AGAIN_S), **changed}
    session.execute(update(WAITING).where(WAITING.c.id == job_id).values(later))


def _nothing_to_do(conflict: Conflict) -> None:
    """An erased case has no jobs left, a newer release's is for a worker of that release; else the caller's to run again."""
    if conflict.code not in ("case.erased", "case.newer_release"):
        raise conflict


def _settle(case: OpenCase, given: JobGivenUp) -> None:
    case.fire_due_timers(case.instant)
    if isinstance(case.live.waits.get(given.wait), JobWait):
        case.apply(given)


def _lease(session: Session, case: OpenCase, job: AnyRow, worker: str, now: datetime) -> LeasedJob | None:
    wait = case.live.waits.get(job.address)
    assert isinstance(wait, JobWait), f"job {job.id} has a row and no wait"
    lease_id = new_id()
    until = now + timedelta(seconds=_lease_s(job.service))
    taken = {"lease_id": lease_id, "lease_until": until, "attempt": job.attempt + 1, "worker": worker[:100]}
    commit_unsynced(session)  # a lease that a crash undoes is one whose worker is refused: the job is run again
    _TAKE.run_deferred(session.connection(), {"job": job.id, **taken})
    return LeasedJob(
        id=job.id,
        case_id=case.id,
        wait=job.address,
        service=job.service,
        parameters=dict(wait.parameters),
        attempt=job.attempt + 1,
        lease_id=lease_id,
        lease_until=until,
        started_by=case.started_by,
        now=now,
    )


def _row(case: OpenCase) -> AnyRow:
    assert case.row is not None, "the case was opened by a job"
    return case.row


def _retry(service: str) -> Retry:
    task = declared_service_tasks().get(service)
    return task.retry if task else DEFAULT_RETRY


def _lease_s(service: str) -> int:
    task = declared_service_tasks().get(service)
    return task.lease_s if task else DEFAULT_LEASE_S
