"""After the clock was set back: what was to be tried again soon must not wait until the clock has caught up.

Deadlines of the diagrams are not touched: they are instants, and an instant comes when it comes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from engine.cases.outbox import OUTBOX
from engine.jobs.leases import DEFAULT_LEASE_S, DEFAULT_RETRY, FREE
from engine.model.outbox import OutboxState
from engine.model.tables import WAITING
from engine.model.waiting_row import JobState, spelled
from engine.services.registry import declared_service_tasks


def mend_jobs(session: Session, now: datetime) -> int:
    """Jobs whose lease or next try lies further ahead than any is ever given run now; how many.

    A worker that still holds such a lease finds it gone when it hands in, and changes nothing.
    """
    declared = declared_service_tasks().values()
    longest_lease_s = max([DEFAULT_LEASE_S, *(task.lease_s for task in declared)])
    longest_wait_s = max(retry.back_off.longest_s for retry in (DEFAULT_RETRY, *(task.retry for task in declared)))
    leased = spelled(WAITING.c.state, JobState.LEASED), WAITING.c.lease_until > now + timedelta(seconds=longest_lease_s)
    ready = spelled(WAITING.c.state, JobState.READY), WAITING.c.next_at > now + timedelta(seconds=longest_wait_s)
    return _free(session, leased, now) + _free(session, ready, now)


def mend_outbox(session: Session, now: datetime) -> int:
    """Messages that were sent, or last tried, at a time that is yet to come are due now; how many."""
    future = OUTBOX.c.created_at > now, OUTBOX.c.next_at >= OUTBOX.c.created_at
    found = select(OUTBOX.c.id).where(spelled(OUTBOX.c.state, OutboxState.PENDING), *future)
    due = update(OUTBOX).where(OUTBOX.c.id.in_(found.with_for_update(skip_locked=True))).values(next_at=now)
    return len(session.execute(due.returning(OUTBOX.c.id)).all())


def _free(session: Session, which: tuple[ColumnElement[bool], ...], now: datetime) -> int:
    # A locked row is being leased or handed in right now; waiting for several of them could deadlock with a step.
    found = select(WAITING.c.id).where(*which).with_for_update(skip_locked=True)
    freed = update(WAITING).where(WAITING.c.id.in_(found)).values(**FREE, next_at=now)
    return len(session.execute(freed.returning(WAITING.c.id)).all())
